//! Serving gRPC over TCP or a unix socket.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::net::{TcpListener, UnixListener};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::util::MapRequestLayer;

use super::StackLayer;

/// How often an idle connection is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long calls in flight may take to end at shutdown.
const DRAIN: Duration = Duration::from_secs(20);
/// Streams of a connection that were reset before a handler took them.
const MAX_PENDING_RESETS: usize = 1_024;
/// The flow-control window of a connection and of a stream.
const WINDOW: u32 = 1024 * 1024;

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

/// Serves handlers behind the stack until `shutdown`; then calls in flight end, within 20 s.
pub async fn serve(
    listener: Listener,
    stack: StackLayer,
    routes: Routes,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let stopping = Stopping(shutdown.clone());
    let router = Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        // Many clients that hang up at once must not cost others the connection that they share.
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .layer(MapRequestLayer::new(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(stopping.clone());
            request
        }))
        .layer(stack)
        .add_routes(routes);
    let stopped = shutdown.clone();
    let serving = async {
        match listener {
            Listener::Tcp(listener) => {
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                router.serve_with_incoming_shutdown(incoming, stopped.cancelled_owned()).await
            }
            Listener::Unix(listener) => {
                let incoming = UnixListenerStream::new(listener);
                router.serve_with_incoming_shutdown(incoming, stopped.cancelled_owned()).await
            }
        }
    };
    let drained_too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        done = serving => done,
        () = drained_too_long => {
            tracing::warn!("calls were cut off: they did not end within {DRAIN:?} of the stop");
            Ok(())
        }
    }
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
