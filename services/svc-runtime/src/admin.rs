//! `admin.listen`: `/metrics`, `/livez`, `/readyz`, and where there is a signing key
//! `/.well-known/jwks.json`. For operators; never exposed to clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::GlobalKeyExtractor;

use crate::connection::{self, Http, ListenerLimits, Version};
use crate::cores::Cores;
use crate::health::Health;
use crate::telemetry::Metrics;
use crate::token::JwkSet;

/// How often `/metrics` and the keys may be read: writing them takes work, and who reads them in a loop must
/// not slow requests down. One bucket for all readers, so that it needs no memory.
const READ_EVERY: Duration = Duration::from_millis(20);
/// How many reads may come at once.
const READ_BURST: u32 = 50;

/// How many connections are open at once: scrapers, probes, and services that read the keys. When there are more,
/// the idlest goes.
const MAX_CONNECTIONS: usize = 256;
/// How many of them one address may have.
const MAX_PER_ADDRESS: usize = 128;
/// How long a client may read nothing of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many bytes of answers may wait to be read.
const MAX_UNREAD: usize = 16 * 1024 * 1024;
/// How long answers may take to be read at a stop. They are made at once.
const DRAIN: Duration = Duration::from_secs(2);

/// `[admin]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where to listen, `host:port`.
    pub listen: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { listen: "127.0.0.1:9464".to_owned() }
    }
}

/// Whether the process wants requests. Starts as not ready.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on requests are welcome, or not.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Whether requests are welcome.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What the admin listener shows.
#[derive(Clone, Debug)]
pub struct Admin {
    /// `/metrics`.
    pub metrics: Metrics,
    /// `/readyz`: whether requests are wanted,
    pub readiness: Readiness,
    /// and whether they can be served.
    pub health: Health,
    /// `/.well-known/jwks.json`.
    pub keys: Option<JwkSet>,
}

/// Serves until `shutdown`; then requests in flight are answered, within 2 s.
pub async fn serve(listener: TcpListener, admin: Admin, shutdown: CancellationToken) -> std::io::Result<()> {
    let mut bound = GovernorConfigBuilder::default().key_extractor(GlobalKeyExtractor);
    let bound = bound.period(READ_EVERY).burst_size(READ_BURST).finish();
    let connections = admin.metrics.connections("admin");
    let bound = bound.ok_or_else(|| std::io::Error::other("the bound on reads is zero"))?;
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route(crate::token::JWKS_PATH, get(jwks))
        .layer(GovernorLayer::new(bound))
        // Probes stay outside: a process that is busy with readers is not dead.
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(admin);
    let limits = ListenerLimits {
        connections: MAX_CONNECTIONS,
        per_address: MAX_PER_ADDRESS,
        write: WRITE_TIMEOUT,
        unread: MAX_UNREAD,
        drain: DRAIN,
        ..ListenerLimits::default()
    };
    let handle = move |_peer| {
        let routes = routes.clone();
        move |request: Request<connection::RequestBody>| {
            let answer = routes.clone().call(request.map(Body::new));
            async { answer.await.unwrap_or_else(|never| match never {}) }
        }
    };
    let (cores, http) = (Cores::shared(), Http::new(Version::Http1));
    connection::serve(&cores, listener, http, limits, connections, handle, shutdown).await;
    Ok(())
}

async fn metrics(State(admin): State<Admin>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match admin.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The conditions that fail have a line each, and so has what services tell of themselves.
async fn readyz(State(admin): State<Admin>) -> (StatusCode, String) {
    let failing = admin.health.failing();
    match admin.readiness.is_ready() && failing.is_empty() {
        true => {
            let told = admin.health.told().into_iter().map(|line| line + "\n");
            (StatusCode::OK, format!("ready\n{}", told.collect::<String>()))
        }
        false => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready\n{}", failing.join("\n"))),
    }
}

async fn jwks(State(admin): State<Admin>) -> Response {
    match admin.keys.as_ref().and_then(|keys| serde_json::to_string(keys).ok()) {
        Some(keys) => ([(header::CONTENT_TYPE, "application/jwk-set+json")], keys).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
