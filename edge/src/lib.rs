//! The edge: REST in, gRPC out, every request authorised in between.
//!
//! [`serve`] is the whole of it. A request goes through, in this order:
//!
//! - `connection`: the listener, HTTP/1.1 or HTTP/2 in the clear (`svc_runtime::connection`), the limits of a head,
//!   the client's address and its cap
//! - `pages`: what the edge answers itself: health, and what `openapi` and `docs` make of the `reference` of
//!   the API
//! - [`routes`]: which RPC answers, made from the annotations of the protos
//! - `credential`: who calls, by the headers and by auth-svc
//! - `admission`: not too many at once
//! - `transcode`: the body, the message of the request, and the answer's JSON
//! - `upstream`: the call to the service behind
//! - `grpc`: calls over gRPC and gRPC-Web, whose messages are not transcoded
//! - `answer`: the response, and the two forms of errors
//! - `dashboard`: the files of the dashboard, on its own listener
//!
//! `pipeline` takes a request through them, top to bottom; `telemetry` counts and logs it, and `request_log` tells
//! auth-svc of it. `handover` hands on what one service has to tell another.

#![warn(unreachable_pub)]

pub mod config;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod routes;

mod admission;
mod answer;
mod connection;
mod credential;
mod dashboard;
mod docs;
mod grpc;
mod handover;
mod openapi;
mod pages;
mod pipeline;
mod reference;
mod request_log;
mod telemetry;
mod transcode;
mod upstream;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request};
use svc_core::clock::Clock;
use svc_core::ids::Ids;
use svc_core::policy::PolicyError;
use svc_core::secret::Secret;
use svc_runtime::connection::RequestBody;
use svc_runtime::cores::Cores;
use svc_runtime::grpc::Upstream;
use svc_runtime::grpc::caller::{BadToken, InternalCredential};
use svc_runtime::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::connection::{AddressCap, ClientAddresses, Cors, FORGET_EVERY, listener};
use crate::credential::{Authorizer, Browser, Remote};
use crate::grpc::Reflection;
use crate::handover::{
    AgentErasures, ContactDeeds, ContactErasures, ExtractionDeeds, ExtractionEvents, Handover, HandsOn,
    KeyEvents, Kind,
};
use crate::pages::Pages;
use crate::pipeline::{Edge, Front, Targets};
use crate::reference::Reference;
use crate::request_log::RequestLog;
use crate::telemetry::HttpMetrics;
use crate::transcode::Transcoder;
use crate::transcode::body::BodyLimits;

pub use config::{Config, ConfigError, DashboardConfig};

/// What the edge needs to serve.
pub struct Dependencies {
    /// The routes.
    pub routes: routes::Table,
    /// Which upstream serves a gRPC service, by the service's full name.
    pub upstreams: HashMap<String, Upstream>,
    /// auth-svc.
    pub auth: Upstream,
    /// The edge's own credential at auth-svc. Needed when auth-svc runs in another process.
    pub auth_token: Option<Secret>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Ids of requests.
    pub ids: Ids,
    /// Where to count.
    pub metrics: Metrics,
    /// What serves the connections. Calls to other processes are to go over connections of the same cores.
    pub cores: Cores,
    /// The dashboard's listener. `None`: no dashboard.
    pub dashboard: Option<Dashboard>,
}

/// The dashboard's listener.
#[derive(Debug)]
pub struct Dashboard {
    /// `[dashboard]`.
    pub config: DashboardConfig,
    /// Bound as that says.
    pub listener: TcpListener,
}

impl std::fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dependencies({:?})", self.upstreams)
    }
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
    /// What stands in the place of auth-svc decides about no credentials.
    #[error("auth-svc of this process decides about no credentials")]
    NoAuthorization,
    /// auth-svc runs in another process, and there is no credential for it.
    #[error("edge.auth_token is not set: auth-svc runs in another process, which needs it")]
    NoToken,
    /// The annotations of the API cannot be described.
    #[error(transparent)]
    Reference(#[from] PolicyError),
    /// A descriptor of the API cannot be read.
    #[error("a descriptor cannot be read: {0}")]
    Descriptor(#[from] svc_core::wire::Malformed),
    /// The credential for auth-svc cannot be used.
    #[error("edge.auth_token: {0}")]
    Token(#[from] BadToken),
    /// The listener is not usable.
    #[error("the listener is not usable: {0}")]
    Listener(#[from] std::io::Error),
}

/// Serves until `shutdown`. Then it stops accepting, lets requests in flight end, at most
/// `drain_seconds`, tells auth-svc of the last ones, and returns.
///
/// # Errors
/// At the start only: when a setting cannot be used, a service has no upstream, or auth-svc runs in
/// another process and there is no token for it.
pub async fn serve(
    config: Config,
    mut dependencies: Dependencies,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let listens = listener.local_addr()?;
    config.check(listens)?;
    let (dashboard, browser) = match dependencies.dashboard.take() {
        Some(Dashboard { config, listener }) => {
            let listens = listener.local_addr()?;
            config.check(listens)?;
            (Some(listener), Browser::new(&config, listens))
        }
        None => (None, Browser::new(&DashboardConfig::default(), DashboardConfig::LISTEN)),
    };
    let metrics = HttpMetrics::new(&dependencies.metrics);
    let authorizer = authorizer(&config, &dependencies)?;
    let request_log = Arc::new(request_log(&config, &dependencies)?);
    let handovers = handovers(&dependencies);
    let pages = Pages::of(&Reference::of(&dependencies.routes)?, &api_url(&config, listens));
    let upstreams = distinct_upstreams(&dependencies);
    let targets =
        Targets::new(dependencies.routes, &dependencies.upstreams, &metrics).map_err(Error::NoUpstream)?;
    let reflection = match config.reflection {
        true => Some(Arc::new(Reflection::of(&targets.methods())?)),
        false => None,
    };
    let edge = Arc::new(Edge {
        addresses: ClientAddresses::new(&config),
        cors: Cors::of(&config.cors_origins),
        cap: AddressCap::new(config.address_requests_per_second, dependencies.clock.clone()),
        admission: Arc::new(Admission::new(
            config.max_in_flight,
            dependencies.clock.clone(),
            &dependencies.metrics,
        )),
        upstreams,
        pages,
        targets,
        reflection,
        authorizer,
        limits: BodyLimits {
            bytes: config.max_json_body_bytes,
            upload_bytes: config.max_upload_bytes,
            time: Duration::from_secs(config.body_timeout_seconds),
        },
        transcoder: Arc::new(Transcoder::new(config.max_json_body_values, &dependencies.metrics)),
        ids: dependencies.ids,
        metrics,
        access_log: config.access_log,
        browser,
        api_url: api_url(&config, listens),
        request_log: request_log.clone(),
    });
    let (cores, limits) = (&dependencies.cores, || listener::limits(&config));
    let handle = |front| {
        let edge = edge.clone();
        move |peer: IpAddr| {
            // One of its own for each connection: requests count on it, and else all cores would on the same.
            let edge = Arc::new(edge.clone());
            move |request: Request<RequestBody>| {
                let edge = edge.clone();
                async move { edge.handle(front, peer, request).await }
            }
        }
    };
    let connections = |name| dependencies.metrics.connections(name);
    let (stop, of_edge) = (shutdown.clone(), connections("edge"));
    let data = listener::run(cores, listener, limits(), of_edge, handle(Front::Data), stop);
    let dashboard = async {
        if let Some(listener) = dashboard {
            let connections = connections("dashboard");
            listener::run(cores, listener, limits(), connections, handle(Front::Dashboard), shutdown).await;
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(data, dashboard) } => {}
        never = forget_idle_addresses(&edge) => match never {},
        never = edge.admission.run() => match never {},
        never = request_log.run() => match never {},
        never = handover::run(&handovers) => match never {},
    }
    request_log.flush().await;
    Ok(())
}

/// What is told to auth-svc, where it runs.
fn request_log(config: &Config, dependencies: &Dependencies) -> Result<RequestLog, Error> {
    let Dependencies { auth, auth_token, metrics, .. } = dependencies;
    let credential = InternalCredential::for_calls_to(auth, auth_token.as_ref())?;
    Ok(RequestLog::new(auth, &credential, config.request_log_per_second, metrics))
}

/// What services have to tell each other, where both can be called.
fn handovers(dependencies: &Dependencies) -> Vec<Box<dyn HandsOn>> {
    let mut handovers = Vec::new();
    hand_on::<KeyEvents>(dependencies, &mut handovers);
    hand_on::<ExtractionEvents>(dependencies, &mut handovers);
    hand_on::<ContactDeeds>(dependencies, &mut handovers);
    hand_on::<ExtractionDeeds>(dependencies, &mut handovers);
    hand_on::<AgentErasures>(dependencies, &mut handovers);
    hand_on::<ContactErasures>(dependencies, &mut handovers);
    handovers
}

fn hand_on<K: Kind>(dependencies: &Dependencies, handovers: &mut Vec<Box<dyn HandsOn>>) {
    let Dependencies { auth, auth_token, upstreams, .. } = dependencies;
    // auth-svc is no upstream of routes alone.
    let of = |path| {
        let service = handover::service(path);
        if service.starts_with("keyward.auth.") { Some(auth) } else { upstreams.get(service) }
    };
    let (Some(from), Some(to)) = (of(K::LIST), of(K::TAKE)) else { return };
    match Handover::<K>::new(from, to, auth_token.as_ref()) {
        Ok(handover) => handovers.push(Box::new(handover)),
        Err(BadToken) => {
            tracing::warn!(what = K::WHAT, "edge.auth_token is not set: something is not handed on");
        }
    }
}

/// Where clients find the API.
fn api_url(config: &Config, listens: SocketAddr) -> HeaderValue {
    match &config.url {
        Some(url) => url.header(),
        None => config::header(&format!("http://{listens}")),
    }
}

/// Asks auth-svc, where it runs.
fn authorizer(config: &Config, dependencies: &Dependencies) -> Result<Authorizer, Error> {
    let time = Duration::from_millis(config.authorize_timeout_ms);
    let auth = &dependencies.auth;
    if let Some(here) = auth.authorize() {
        return Ok(Authorizer::new(here, time));
    }
    let balancer = auth.balancer().ok_or(Error::NoAuthorization)?;
    let token = dependencies.auth_token.as_ref().ok_or(Error::NoToken)?;
    let credential = InternalCredential::for_calls_to(auth, Some(token))?;
    let first_try = Duration::from_millis(config.authorize_try_ms);
    let under_way = config.max_in_flight + admission::MANAGEMENT;
    let remote =
        Remote::new(&dependencies.cores, auth.replicas(), balancer, &credential, first_try, under_way);
    Ok(Authorizer::new(Arc::new(remote), time))
}

/// auth-svc and the others, each by its name, for the health page.
fn distinct_upstreams(dependencies: &Dependencies) -> Vec<Upstream> {
    let mut upstreams = vec![dependencies.auth.clone()];
    for upstream in dependencies.upstreams.values() {
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
