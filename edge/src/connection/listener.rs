//! The edge's listener: [`svc_runtime::connection`] with the edge's limits.

use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use svc_runtime::connection::{self, Http, ListenerLimits, ListenerMetrics, RequestBody, Version};
use svc_runtime::cores::Cores;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// The largest head that HTTP/1.1 parses: above the contract's limits, so that what is over those is
/// answered in our form, and what is over this is not read at all.
const MAX_HEAD: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// Serves until `shutdown`; then requests in flight end, within the drain time.
pub(crate) async fn run<H, S, F, B>(
    cores: &Cores,
    listener: TcpListener,
    limits: ListenerLimits,
    metrics: ListenerMetrics,
    handle: H,
    shutdown: CancellationToken,
) where
    H: Fn(IpAddr) -> S + Send + Sync + 'static,
    S: Fn(Request<RequestBody>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    connection::serve(cores, listener, http(), limits, metrics, handle, shutdown).await;
}

fn http() -> Http {
    let mut http = Http::new(Version::Either);
    http.builder.http1().max_buf_size(MAX_HEAD);
    http.builder.http2().max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEAD as u32);
    http
}

/// The limits of the settings.
pub(crate) fn limits(config: &Config) -> ListenerLimits {
    ListenerLimits {
        connections: config.max_connections,
        per_address: config.max_connections_per_address,
        proxies: config.trusted_proxies.0.clone(),
        head: Duration::from_secs(config.head_timeout_seconds),
        idle: Some(Duration::from_secs(config.idle_timeout_seconds)),
        write: Duration::from_secs(config.write_timeout_seconds),
        drain: Duration::from_secs(config.drain_seconds),
        unread: config.max_unread_answer_bytes,
        ..ListenerLimits::default()
    }
}
