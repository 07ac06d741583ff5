//! The edge: REST in, gRPC out, every request authorised in between.
//!
//! [`serve`] is the whole of it. A request goes through, in this order:
//!
//! - `listener`: the connection, HTTP/1.1 or HTTP/2 in the clear
//! - `pipeline`: the steps of one request, top to bottom:
//!   `head` (limits), `client_address`, `address_cap`, `pages` (health, OpenAPI, documentation),
//!   [`routes`], `credentials` and `authorize`, `body`, `preconditions`, [`transcode`],
//!   `upstream_call`, [`transcode`] again, `answer`
//! - `metrics`, `access_log`: what is seen of it afterwards

pub mod config;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod routes;
pub mod transcode;

mod access_log;
mod address_cap;
mod answer;
mod authorize;
mod body;
mod client_address;
mod credentials;
mod head;
mod listener;
mod metrics;
mod pages;
mod pipeline;
mod preconditions;
mod question_stream;
mod rate;
mod upstream_call;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::MonotonicClock;
use svc_core::grpc::Upstream;
use svc_core::grpc::caller::{BadToken, InternalCredential};
use svc_core::ids::Ids;
use svc_core::secret::Secret;
use svc_core::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::address_cap::{AddressCap, FORGET_EVERY};
use crate::authorize::Authorizer;
use crate::client_address::ClientAddresses;
use crate::metrics::HttpMetrics;
use crate::pipeline::{Edge, Routes};

pub use config::{Config, ConfigError};

/// What the edge stands on.
#[derive(Debug)]
pub struct Parts {
    /// The routes.
    pub routes: routes::Table,
    /// Which upstream serves a gRPC service, by the service's full name.
    pub upstreams: HashMap<String, Upstream>,
    /// auth-svc.
    pub auth: Upstream,
    /// The edge's own credential at auth-svc. Needed when that runs apart.
    pub auth_token: Option<Secret>,
    /// Ids of requests.
    pub ids: Ids,
    /// Where to count.
    pub metrics: Metrics,
}

/// Why the edge cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A service has no upstream.
    #[error("no upstream serves {0}")]
    NoUpstream(String),
    /// auth-svc runs apart, and there is no credential for it.
    #[error("edge.auth_token is not set: auth-svc runs apart and answers only to who has it")]
    NoToken,
    /// The credential for auth-svc cannot be used.
    #[error("edge.auth_token: {0}")]
    Token(#[from] BadToken),
    /// The listener is not usable.
    #[error("the listener is not usable: {0}")]
    Listener(#[from] std::io::Error),
}

/// Serves until `shutdown`. Then it stops accepting, lets requests in flight end, at most
/// `drain_seconds`, and returns.
///
/// # Errors
/// At the start only: when a setting cannot be used, a service has no upstream, or auth-svc runs apart
/// and there is no token for it.
pub async fn serve(
    config: Config,
    parts: Parts,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    config.check(listener.local_addr()?)?;
    if parts.auth_token.is_none() && !parts.auth.is_in_process() {
        return Err(Error::NoToken);
    }
    let metrics = HttpMetrics::new(&parts.metrics);
    let credential = InternalCredential::for_calls_to(&parts.auth, parts.auth_token.as_ref())?;
    let authorize_time = authorize::Time {
        whole: Duration::from_millis(config.authorize_timeout_ms),
        first_try: Duration::from_millis(config.authorize_try_ms),
    };
    let edge = Arc::new(Edge {
        addresses: ClientAddresses::new(&config),
        cap: AddressCap::new(config.address_requests_per_second, MonotonicClock),
        upstreams: each_once(&parts),
        routes: Routes::new(parts.routes, &parts.upstreams, &metrics).map_err(Error::NoUpstream)?,
        authorizer: Authorizer::new(&parts.auth, credential, authorize_time),
        limits: body::Limits {
            bytes: config.max_json_body_bytes,
            time: Duration::from_secs(config.body_timeout_seconds),
        },
        ids: parts.ids,
        metrics,
        access_log: config.access_log,
    });
    let limits = listener::Limits {
        connections: config.max_connections,
        head_time: Duration::from_secs(config.head_timeout_seconds),
        drain_time: Duration::from_secs(config.drain_seconds),
    };
    tokio::select! {
        () = listener::run(edge.clone(), listener, limits, shutdown) => Ok(()),
        never = forget_idle_addresses(&edge) => match never {},
    }
}

/// auth-svc and the others, each by its name, for the health page.
fn each_once(parts: &Parts) -> Vec<Upstream> {
    let mut upstreams = vec![parts.auth.clone()];
    for upstream in parts.upstreams.values() {
        if upstreams.iter().all(|known| known.name() != upstream.name()) {
            upstreams.push(upstream.clone());
        }
    }
    upstreams
}

async fn forget_idle_addresses(edge: &Edge) -> std::convert::Infallible {
    let mut tick = tokio::time::interval(FORGET_EVERY);
    loop {
        tick.tick().await;
        edge.cap.forget_idle();
    }
}
