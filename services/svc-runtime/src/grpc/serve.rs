//! Serving gRPC over TCP or a unix socket.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Layer, Service};

use super::StackLayer;
use super::upstream::{CONNECTION_WINDOW, WINDOW};
use crate::connection::{self, Accept, Http, ListenerLimits, ListenerMetrics, RequestBody, Version};
use crate::cores::Cores;

/// How many connections are open at once. Each edge has one or two; when all are taken, the idlest goes, first
/// one that never had a call.
const MAX_CONNECTIONS: usize = 4_096;
/// How many of them one address may have: behind a mesh, all callers may come from one.
const MAX_PER_ADDRESS: usize = 1_024;
/// How many bytes of answers may wait to be read by callers.
const MAX_UNREAD: usize = 256 * 1024 * 1024;
/// How many calls may be open on one connection: more than the stack runs, which refuses the others at once.
const MAX_STREAMS: u32 = 8_192;
/// How many frames that move no call on a caller may send at once. A thousand calls may begin in one burst.
const MAX_FRAMES: i32 = 64 * 1024;
/// How long calls in flight may take to end at shutdown.
const DRAIN: Duration = Duration::from_secs(20);
/// Streams of a connection that were reset before a handler took them.
const MAX_PENDING_RESETS: usize = 1_024;

/// Where a service listens: `127.0.0.1:50051` or `unix:/run/keyward/auth.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host and a port. A name is looked up when it is connected to.
    Tcp(String),
    /// The path of a unix socket.
    Unix(PathBuf),
}

/// Not an address.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not an address: give host:port or unix:PATH")]
pub struct BadAddress(pub String);

impl Address {
    /// As the client connects to it.
    pub(super) fn uri(&self) -> String {
        match self {
            Address::Tcp(address) => format!("http://{address}"),
            Address::Unix(path) => format!("unix://{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Address, BadAddress> {
        let bad = || BadAddress(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.is_empty() {
                true => Err(bad()),
                false => Ok(Address::Unix(path.into())),
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let host_is_name = host.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'));
        let host_fits = (!host.is_empty() && host_is_name) || text.parse::<SocketAddr>().is_ok();
        match host_fits && port.parse::<u16>().is_ok() {
            true => Ok(Address::Tcp(text.to_owned())),
            false => Err(bad()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => f.write_str(address),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A bound socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A unix socket.
    Unix(UnixListener),
}

impl Listener {
    /// The address that it is bound to, with the port that was chosen.
    pub fn address(&self) -> std::io::Result<Address> {
        match self {
            Listener::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?.to_string())),
            Listener::Unix(listener) => {
                let path = listener.local_addr()?.as_pathname().map(PathBuf::from).unwrap_or_default();
                Ok(Address::Unix(path))
            }
        }
    }
}

/// Binds. A socket file that a dead process left behind is replaced.
pub async fn bind(address: &Address) -> std::io::Result<Listener> {
    match address {
        Address::Tcp(address) => Ok(Listener::Tcp(TcpListener::bind(address).await?)),
        Address::Unix(path) => {
            let left_behind = path.exists() && std::os::unix::net::UnixStream::connect(path).is_err();
            if left_behind {
                std::fs::remove_file(path)?;
            }
            Ok(Listener::Unix(UnixListener::bind(path)?))
        }
    }
}

/// In the extensions of every request: tells a handler whose stream has no end of its own to end it.
#[derive(Clone, Debug)]
pub struct Stopping(CancellationToken);

impl Stopping {
    /// Waits until the service is told to stop.
    pub async fn stopping(&self) {
        self.0.cancelled().await;
    }
}

/// Serves handlers behind the stack until `shutdown`; then calls in flight end, within 20 s. The idle connections
/// of callers stay open for as long as nobody else needs them.
pub async fn serve(
    listener: Listener,
    stack: StackLayer,
    routes: Routes,
    metrics: ListenerMetrics,
    shutdown: CancellationToken,
) {
    match listener {
        Listener::Tcp(listener) => serve_on(listener, stack, routes, metrics, shutdown).await,
        Listener::Unix(listener) => serve_on(listener, stack, routes, metrics, shutdown).await,
    }
}

async fn serve_on(
    listener: impl Accept,
    stack: StackLayer,
    routes: Routes,
    metrics: ListenerMetrics,
    shutdown: CancellationToken,
) {
    let mut http = Http::new(Version::Http2);
    let mut http2 = http.builder.http2();
    http2
        .max_concurrent_streams(MAX_STREAMS)
        // Many clients that hang up at once must not cost others the connection that they share.
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(WINDOW);
    let limits = ListenerLimits {
        connections: MAX_CONNECTIONS,
        per_address: MAX_PER_ADDRESS,
        idle: None,
        drain: DRAIN,
        unread: MAX_UNREAD,
        frames: MAX_FRAMES,
        ..ListenerLimits::default()
    };
    let service = stack.layer(routes);
    let stopping = Stopping(shutdown.clone());
    let handle = move |_peer| {
        let (service, stopping) = (service.clone(), stopping.clone());
        move |request: http::Request<RequestBody>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(stopping.clone());
            // Routes are always ready.
            let answer = service.clone().call(request);
            async { answer.await.unwrap_or_else(|never| match never {}) }
        }
    };
    connection::serve(&Cores::shared(), listener, http, limits, metrics, handle, shutdown).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, good) in [
            ("127.0.0.1:50051", true),
            ("[::1]:50051", true),
            ("auth-svc.keyward:50051", true),
            ("unix:/run/auth.sock", true),
            ("unix:", false),
            ("127.0.0.1", false),
            (":50051", false),
            ("host:70000", false),
            ("http://host:1", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Address>().is_ok(), good, "{text}");
        }
    }
}
