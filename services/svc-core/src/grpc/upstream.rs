//! Calling another service: in the same process without a socket, or over HTTP/2.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::Service;
use tower::util::BoxCloneSyncService;

use super::serve::{Address, BadAddress};
use super::unprocessed::Unprocessed;
use super::{GrpcRequest, GrpcResponse, Turns};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Local = BoxCloneSyncService<GrpcRequest, GrpcResponse, std::convert::Infallible>;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often an idle connection is probed, so that a dead peer is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// The flow-control window of a connection and of a stream.
const WINDOW: u32 = 1024 * 1024;

/// A service to call. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    name: Arc<str>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Local(Local),
    /// All of its addresses, but for one that has just failed if there are others.
    Remote(Arc<Remote>, Option<usize>),
    /// One of them.
    Replica(Channel),
}

struct Remote {
    channels: Vec<Channel>,
    turns: Arc<Turns>,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upstream({})", self.name)
    }
}

impl Upstream {
    /// A service of this process.
    pub fn in_process<S>(name: &str, service: S) -> Upstream
    where
        S: Service<GrpcRequest, Response = GrpcResponse, Error = std::convert::Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Upstream { name: name.into(), kind: Kind::Local(BoxCloneSyncService::new(service)) }
    }

    /// A service at these addresses, which take turns; one that cannot be reached is passed over for a
    /// while. Connects when first called.
    pub fn connect(name: &str, addresses: &[Address]) -> Result<Upstream, BadAddress> {
        if addresses.is_empty() {
            return Err(BadAddress(format!("{name} has no address")));
        }
        let channels = addresses.iter().map(|address| {
            let endpoint =
                Endpoint::from_shared(address.uri()).map_err(|_| BadAddress(address.to_string()))?;
            Ok(endpoint
                .connect_timeout(CONNECT_TIMEOUT)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .keep_alive_while_idle(true)
                .initial_connection_window_size(WINDOW)
                .initial_stream_window_size(WINDOW)
                .connect_lazy())
        });
        let channels = channels.collect::<Result<Vec<_>, BadAddress>>()?;
        let turns = Arc::new(Turns::new(channels.len()));
        let remote = Remote { channels, turns };
        Ok(Upstream { name: name.into(), kind: Kind::Remote(Arc::new(remote), None) })
    }

    /// The name of the service, which is also the audience of principal tokens for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Each of its replicas alone, in the order of the addresses. Within the process it is its only one.
    pub fn replicas(&self) -> Vec<Upstream> {
        let Kind::Remote(remote, _) = &self.kind else { return vec![self.clone()] };
        let replica =
            |channel: &Channel| Upstream { name: self.name.clone(), kind: Kind::Replica(channel.clone()) };
        remote.channels.iter().map(replica).collect()
    }

    /// The turns of its replicas, for who chooses among them itself. What is learned there of a replica
    /// counts for all calls.
    pub fn turns(&self) -> Arc<Turns> {
        match &self.kind {
            Kind::Remote(remote, _) => remote.turns.clone(),
            Kind::Local(_) | Kind::Replica(_) => Arc::new(Turns::new(1)),
        }
    }

    /// Makes a call, and once more when it was surely not processed: the service was just stopping, or
    /// away. The second time it goes to another replica, or to the same where there is no other one.
    /// `call` makes the call with the upstream that it is given, and keeps the deadline of both. What it
    /// calls must do nothing before its first message, as unary methods do.
    pub async fn try_twice<T, F>(&self, call: impl Fn(Upstream) -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let first = call(self.clone()).await;
        let Err(status) = &first else { return first };
        let Some(Unprocessed { replica, .. }) = Unprocessed::find(status) else { return first };
        tracing::debug!(
            upstream = &*self.name,
            replica,
            error = %status,
            "a call was not processed; it is made once more"
        );
        // Boxed, since it is rare and would double what every call takes.
        Box::pin(call(self.other_than(*replica))).await
    }

    fn other_than(&self, failed: usize) -> Upstream {
        let kind = match &self.kind {
            Kind::Remote(remote, _) => Kind::Remote(remote.clone(), Some(failed)),
            kind => kind.clone(),
        };
        Upstream { name: self.name.clone(), kind }
    }

    /// Whether calls stay in this process.
    pub fn is_in_process(&self) -> bool {
        matches!(self.kind, Kind::Local(_))
    }
}

impl Service<http::Request<Body>> for Upstream {
    type Response = GrpcResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<GrpcResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each call waits for the connection that it takes.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match &self.kind {
            Kind::Local(service) => {
                let mut service = service.clone();
                Box::pin(async move {
                    std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
                    Ok(service.call(request).await?)
                })
            }
            Kind::Remote(remote, failed) => {
                let (turns, replicas) = (remote.turns.clone(), remote.channels.len());
                let other = failed.map(|failed| turns.take_other_than(failed).unwrap_or(failed));
                let replica = other.unwrap_or_else(|| turns.take());
                let channel = remote.channels[replica].clone();
                Box::pin(async move {
                    let answer = call(channel, request).await;
                    match &answer {
                        Err(_) => turns.failed(replica),
                        // Whoever knows why it is unavailable has said that it failed.
                        Ok(response) if is_unavailable(response) => {}
                        Ok(_) => turns.answered(replica),
                    }
                    answer.map_err(|error| Unprocessed::mark(error, replica, replicas))
                })
            }
            Kind::Replica(channel) => {
                let answer = call(channel.clone(), request);
                Box::pin(async move { answer.await.map_err(|error| Unprocessed::mark(error, 0, 1)) })
            }
        }
    }
}

async fn call(mut channel: Channel, request: GrpcRequest) -> Result<GrpcResponse, BoxError> {
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await?;
    Ok(channel.call(request).await?)
}

/// Whether a call was refused, before any message, since the service cannot serve now.
fn is_unavailable(response: &GrpcResponse) -> bool {
    let code = response.headers().get("grpc-status");
    code.is_some_and(|code| Code::from_bytes(code.as_bytes()) == Code::Unavailable)
}
