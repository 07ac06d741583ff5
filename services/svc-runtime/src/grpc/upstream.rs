//! Calling another service: in the same process without a socket, or over HTTP/2.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::uri::PathAndQuery;
use keyward_proto::dispatch::Services;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service};

use super::balancer::{self, Balancer, Health, PendingCall};
use super::call::Call;
use super::call_stream::{CallStream, NoAnswer};
use super::caller::InternalCredential;
use super::details::readable;
use super::serve::{Address, BadAddress};
use super::stack::{StackLayer, StackMethod, overloaded};
use super::status;
use super::unprocessed::Unprocessed;
use super::{GrpcRequest, GrpcResponse};
use crate::authorize::Authorize;
use crate::cores::{self, Cores, PerCore};
use crate::telemetry::Metrics;
use svc_core::error::Reason;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Handlers = BoxCloneSyncService<GrpcRequest, GrpcResponse, std::convert::Infallible>;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the question for the health of a replica may take by one connection: less than by all of them.
const WAY_TIMEOUT: Duration = Duration::from_millis(250);
/// How often an idle connection is probed, so that a dead peer is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// The flow-control window of a stream.
pub(super) const WINDOW: u32 = 256 * 1024;
/// That of a connection: as many streams as a service runs fill it. With less, a few whose messages nobody reads
/// would stop all others on it.
pub(super) const CONNECTION_WINDOW: u32 = 1_024 * WINDOW;

/// A service to call. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    name: Arc<str>,
    pub(super) kind: Kind,
    authorize: Option<Arc<dyn Authorize>>,
}

#[derive(Clone)]
pub(super) enum Kind {
    Local(Arc<Local>),
    /// One of its replicas, or whichever the balancer picks.
    Remote(Arc<Remote>, Option<usize>),
}

pub(super) struct Local {
    /// All of its RPCs, in the form of HTTP/2.
    handlers: Handlers,
    /// Those that are called by bytes, by path.
    methods: HashMap<&'static str, StackMethod>,
}

pub(super) struct Remote {
    /// To each replica.
    ways: Arc<PerCore<Vec<Way>>>,
    pub(super) balancer: Arc<Balancer>,
    /// One for each replica. They end with this.
    _monitors: JoinSet<()>,
}

/// The way to one replica.
struct Way {
    channel: Channel,
    /// Where the service is ours.
    calls: Option<CallStream>,
    /// The last question for the replica's health got no answer over it.
    leads_nowhere: AtomicBool,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upstream({})", self.name)
    }
}

impl Upstream {
    /// A service of this process that is called in the form of HTTP/2 only.
    pub fn in_process<S>(name: &str, service: S) -> Upstream
    where
        S: Service<GrpcRequest, Response = GrpcResponse, Error = std::convert::Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Upstream::of_process(name, BoxCloneSyncService::new(service), HashMap::new())
    }

    /// Services of this process behind the stack.
    pub fn behind(stack: &StackLayer, name: &str, services: Services) -> Upstream {
        let methods = stack.methods(&services.methods);
        Upstream::of_process(name, BoxCloneSyncService::new(stack.layer(services.routes)), methods)
    }

    fn of_process(name: &str, handlers: Handlers, methods: HashMap<&'static str, StackMethod>) -> Upstream {
        let kind = Kind::Local(Arc::new(Local { handlers, methods }));
        Upstream { name: name.into(), kind, authorize: None }
    }

    /// With what decides about credentials.
    pub(crate) fn authorizing(self, check: Arc<dyn Authorize>) -> Upstream {
        Upstream { authorize: Some(check), ..self }
    }

    /// A service at these addresses, among which calls are balanced. Connects when it is first called, and
    /// to each replica for its health check.
    pub fn connect(name: &str, addresses: &[Address], metrics: &Metrics) -> Result<Upstream, BadAddress> {
        Upstream::connect_as(None, &Cores::shared(), name, addresses, metrics)
    }

    /// The same for a service of ours, which takes calls in batches from whoever has the credential of internal calls.
    /// A replica that does not is called as any other service. Each of the cores has connections of its own.
    pub fn connect_in_batches(
        credential: &InternalCredential,
        cores: &Cores,
        name: &str,
        addresses: &[Address],
        metrics: &Metrics,
    ) -> Result<Upstream, BadAddress> {
        Upstream::connect_as(Some(credential), cores, name, addresses, metrics)
    }

    fn connect_as(
        credential: Option<&InternalCredential>,
        cores: &Cores,
        name: &str,
        addresses: &[Address],
        metrics: &Metrics,
    ) -> Result<Upstream, BadAddress> {
        if addresses.is_empty() {
            return Err(BadAddress(format!("{name} has no address")));
        }
        let endpoints = addresses.iter().map(|address| {
            let endpoint =
                Endpoint::from_shared(address.uri()).map_err(|_| BadAddress(address.to_string()))?;
            Ok(endpoint
                .connect_timeout(CONNECT_TIMEOUT)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .keep_alive_while_idle(true)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .initial_stream_window_size(WINDOW))
        });
        let endpoints = endpoints.collect::<Result<Vec<Endpoint>, BadAddress>>()?;
        let way = |endpoint: &Endpoint| {
            let channel = endpoint.connect_lazy();
            let calls = credential.map(|credential| {
                CallStream::new(channel.clone(), credential.clone(), metrics.upstream(name))
            });
            Way { channel, calls, leads_nowhere: AtomicBool::new(false) }
        };
        let ways = Arc::new(cores.each(|| endpoints.iter().map(way).collect::<Vec<Way>>()));
        let names = addresses.iter().map(ToString::to_string).collect();
        let balancer = Arc::new(Balancer::new(name, names, metrics));
        let mut monitors = JoinSet::new();
        for at in 0..addresses.len() {
            // Over the connections of the calls: a replica to which none leads any more is as good as none.
            let (balancer, ways) = (balancer.clone(), ways.clone());
            monitors.spawn(async move { balancer::watch(balancer, at, || health_by_all(&ways, at)).await });
        }
        let remote = Remote { ways, balancer, _monitors: monitors };
        Ok(Upstream { name: name.into(), kind: Kind::Remote(Arc::new(remote), None), authorize: None })
    }

    /// The name of the service, which is also the audience of principal tokens for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What decides about credentials, where the service does and runs in this process.
    pub fn authorize(&self) -> Option<Arc<dyn Authorize>> {
        self.authorize.clone()
    }

    /// Each of its replicas alone, in the order of the addresses. Within the process it is its only one.
    pub fn replicas(&self) -> Vec<Upstream> {
        match &self.kind {
            Kind::Local(_) => vec![self.clone()],
            Kind::Remote(remote, _) => (0..remote.balancer.count()).map(|at| self.at(at)).collect(),
        }
    }

    /// The balancer of its replicas, for a caller that chooses among them itself. What is learned there of a replica
    /// counts for all calls. `None` within the process.
    pub fn balancer(&self) -> Option<Arc<Balancer>> {
        match &self.kind {
            Kind::Local(_) => None,
            Kind::Remote(remote, _) => Some(remote.balancer.clone()),
        }
    }

    /// One of its replicas.
    pub(super) fn at(&self, replica: usize) -> Upstream {
        let kind = match &self.kind {
            Kind::Local(local) => Kind::Local(local.clone()),
            Kind::Remote(remote, _) => Kind::Remote(remote.clone(), Some(replica)),
        };
        Upstream { kind, ..self.clone() }
    }

    /// A method that is called by bytes in this process.
    pub(super) fn local(&self, path: &str) -> Option<&StackMethod> {
        match &self.kind {
            Kind::Local(local) => local.methods.get(path),
            Kind::Remote(..) => None,
        }
    }

    /// Makes a call to this one replica over its stream of calls. `None`: it is to be made by plain gRPC.
    pub(super) async fn call_by_stream(
        &self,
        path: &PathAndQuery,
        call: &Call,
    ) -> Option<Result<tonic::Response<Bytes>, Status>> {
        let Kind::Remote(remote, Some(replica)) = &self.kind else { return None };
        let stream = remote.way(*replica).calls.as_ref().filter(|calls| calls.takes(call))?;
        let waiting = remote.balancer.begin(*replica);
        let error: BoxError = match stream.call(path, call.clone()).await {
            Ok(answer) => {
                match &answer {
                    Err(status) if is_unavailable(status) => waiting.refused(),
                    _ => waiting.answered(),
                }
                return Some(answer);
            }
            // Neither says anything of the replica.
            Err(NoAnswer::Plain) => return None,
            Err(NoAnswer::TooMany) => return Some(Err(status::of(overloaded()))),
            Err(NoAnswer::Unprocessed(cause)) => {
                waiting.unreachable();
                Box::new(Unprocessed::by_stream(cause))
            }
            Err(NoAnswer::Lost) => {
                waiting.lost();
                Box::new(CutOff)
            }
        };
        Some(Err(Status::from_error(error)))
    }

    /// The core whose connection leads to this one replica: that which this is called on, unless its own leads
    /// nowhere.
    pub fn core(&self) -> usize {
        match &self.kind {
            Kind::Remote(remote, Some(replica)) => remote.core(*replica),
            Kind::Remote(_, None) | Kind::Local(_) => cores::here(),
        }
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
            Kind::Local(local) => {
                let mut service = local.handlers.clone();
                Box::pin(async move {
                    std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
                    Ok(service.call(request).await?)
                })
            }
            Kind::Remote(remote, chosen) => {
                let replica = chosen.unwrap_or_else(|| remote.balancer.pick());
                let waiting = remote.balancer.begin(replica);
                let channel = remote.way(replica).channel.clone();
                Box::pin(async move {
                    let answer = call(channel, request).await.map(readable).map_err(Unprocessed::mark);
                    note(&answer, waiting);
                    answer
                })
            }
        }
    }
}

impl Remote {
    fn way(&self, replica: usize) -> &Way {
        &self.ways.of(self.core(replica))[replica]
    }

    fn core(&self, replica: usize) -> usize {
        let here = cores::here();
        match self.ways.of(here)[replica].leads_nowhere() {
            false => here,
            true => self.ways.iter().position(|ways| !ways[replica].leads_nowhere()).unwrap_or(here),
        }
    }
}

impl Way {
    fn leads_nowhere(&self) -> bool {
        self.leads_nowhere.load(Ordering::Relaxed)
    }

    /// Asks for the health of the replica, and notes whether that leads anywhere.
    async fn health(&self) -> Option<Health> {
        let answer = timeout(WAY_TIMEOUT, health(self.channel.clone())).await.ok();
        let leads_nowhere = answer.is_none_or(|health| health == Health::Unreachable);
        self.leads_nowhere.store(leads_nowhere, Ordering::Relaxed);
        answer
    }
}

async fn call(mut channel: Channel, request: GrpcRequest) -> Result<GrpcResponse, BoxError> {
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await?;
    Ok(channel.call(request).await?)
}

/// Tells the balancer what became of a call.
fn note(answer: &Result<GrpcResponse, BoxError>, waiting: PendingCall) {
    match answer {
        Ok(response) if Status::from_header_map(response.headers()).is_some_and(|s| is_unavailable(&s)) => {
            waiting.refused();
        }
        Ok(_) => waiting.answered(),
        Err(error) => match Unprocessed::find(&**error) {
            Some(_) => waiting.unreachable(),
            None => waiting.lost(),
        },
    }
}

/// Whether a call was refused, before any message, since the service cannot serve now. One that has too
/// much to do is not meant: it serves.
fn is_unavailable(status: &Status) -> bool {
    status.code() == Code::Unavailable && status::reason(status) != Reason::Overloaded
}

/// The stream of calls broke when a call was sent and not answered.
#[derive(Debug, thiserror::Error)]
#[error("the stream of calls was cut off")]
struct CutOff;

/// Asks a replica for its health over each connection to it. The best answer counts: calls go where that came from.
async fn health_by_all(ways: &PerCore<Vec<Way>>, at: usize) -> Health {
    let answers = join_all(ways.iter().map(|ways| ways[at].health())).await;
    match answers.into_iter().flatten().min() {
        Some(health) => health,
        None => std::future::pending().await,
    }
}

/// Asks a replica for its health (grpc.health.v1), for the service as a whole.
async fn health(channel: Channel) -> Health {
    match HealthClient::new(channel).check(HealthCheckRequest::default()).await {
        Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => Health::Serving,
        Ok(_) => Health::NotServing,
        Err(status) if std::error::Error::source(&status).is_some() => Health::Unreachable,
        Err(status) if status::reason(&status) == Reason::Unavailable => Health::NotServing,
        // It is alive, and has no health check, or none for us.
        Err(_) => Health::Serving,
    }
}
