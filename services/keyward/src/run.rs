//! Running Keyward: everything in one process, or one part of it.
//!
//! In one process the edge calls the services' stacks directly, and no gRPC socket is opened. Apart,
//! each service serves its stack on its own address and checks the principal token of every call.

mod front;
mod service;
mod stages;

use std::fmt;
use std::net::SocketAddr;

use auth_svc::AuthService;
use svc_core::policy::PolicyError;
use svc_core::secret::Secret;
use svc_runtime::cores::Cores;
use svc_runtime::grpc::{self, Address, BadAddress, Upstream};
use svc_runtime::service::Environment;
use svc_runtime::token::{JwksSource, TokenVerifier};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::services::{self, Configured, List, NoService};
use crate::settings::Settings;
use front::Upstreams;
use service::Service;
use stages::Stages;

/// A part that can run in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The public REST API.
    Edge,
    /// The service with this name.
    Service(&'static str),
}

impl Part {
    /// The name of the edge on the command line, and in settings and logs.
    pub const EDGE: &'static str = "edge";

    /// The part with this name, of a process that may have these services.
    pub fn named(services: List, name: &str) -> Option<Part> {
        match name == Part::EDGE {
            true => Some(Part::Edge),
            false => services.iter().find(|one| one.name == name).map(|one| Part::Service(one.name)),
        }
    }

    /// Its name on the command line, and in settings and logs.
    pub fn name(self) -> &'static str {
        match self {
            Part::Edge => Part::EDGE,
            Part::Service(name) => name,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What runs.
#[derive(Debug)]
pub struct Running {
    /// Where the edge listens, when it runs here.
    pub edge: Option<SocketAddr>,
    /// Where the dashboard is, when the edge runs here.
    pub dashboard: Option<SocketAddr>,
    /// Where the service listens, when it runs apart.
    pub grpc: Option<Address>,
    /// Where `/metrics`, `/livez` and `/readyz` are.
    pub admin: SocketAddr,
    /// Ends when everything has stopped.
    pub done: JoinHandle<Result<(), RunError>>,
}

/// Why nothing runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("setting `{setting}`: cannot listen on {address}: {error}")]
    Bind {
        /// The setting that names the address.
        setting: String,
        /// The address.
        address: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A service does not open.
    #[error("{service}: {error}")]
    Service {
        /// Which one.
        service: &'static str,
        /// Why.
        #[source]
        error: services::OpenError,
    },
    /// A service is not in the list.
    #[error(transparent)]
    NoService(#[from] NoService),
    /// A service has nothing that a worker runs.
    #[error("{0} has no work that takes longer than a request: there is nothing for a worker to do")]
    NoLongWork(&'static str),
    /// An RPC has no usable rule.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The routes cannot be made.
    #[error(transparent)]
    Routes(#[from] edge::routes::RouteError),
    /// An upstream has no usable address.
    #[error("edge.upstreams: {0}")]
    Upstream(#[from] BadAddress),
    /// A setting of the edge.
    #[error(transparent)]
    Edge(#[from] edge::ConfigError),
    /// The system has no more threads.
    #[error("setting `runtime.threads`: no thread can be started: {0}")]
    Threads(std::io::Error),
    /// The edge and auth-svc run apart and share no secret, or a short one.
    #[error(
        "setting `edge.auth_token`: the edge and auth-svc run apart and need the same secret, e.g. \
         KEYWARD_EDGE__AUTH_TOKEN=file:/run/secrets/edge-token, of at least {MIN_TOKEN} characters"
    )]
    NoToken,
}

/// Why what ran has stopped, other than being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The edge.
    #[error("edge: {0}")]
    Edge(#[from] edge::Error),
    /// The admin listener.
    #[error("admin: {0}")]
    Admin(#[from] std::io::Error),
    /// A task ended although nobody asked it to.
    #[error("a listener stopped by itself")]
    Stopped,
    /// A task panicked.
    #[error("a task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// The least length of `edge.auth_token`, in characters: 128 bits in hex.
const MIN_TOKEN: usize = 32;

/// The machine's clock and randomness, and the data directory, which whoever keeps a file there makes.
pub fn environment(settings: &Settings) -> Environment {
    Environment::system(settings.data_dir.clone(), settings.database.clone())
}

/// Brings the databases of all services up to date, and says how many migrations each service lacked.
pub async fn migrate(
    settings: &Settings,
    environment: &Environment,
) -> Result<Vec<(&'static str, usize)>, StartError> {
    let mut applied = Vec::new();
    for service in settings.services.iter() {
        let name = service.name();
        let outcome = service.migrate(environment).await;
        let count = outcome.map_err(|error| StartError::Service { service: name, error })?;
        applied.extend(count.map(|count| (name, count)));
    }
    Ok(applied)
}

/// Runs everything in one process until `shutdown`, long work included. A service with an address in
/// `edge.upstreams` is called there instead.
pub async fn all(
    settings: &Settings,
    environment: &Environment,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    // Bound first, so that a port that is taken is known before anything is opened.
    let edge_socket = listen("edge.listen", &settings.edge.listen).await?;
    let dashboard_socket = listen("dashboard.listen", &settings.dashboard.listen).await?;
    let admin_socket = listen("admin.listen", &settings.admin.listen).await?;
    let (edge, dashboard) = (edge_socket.1, dashboard_socket.1);
    let mut stages = Stages::default();
    let (cores, mut upstreams) = (Cores::shared(), Upstreams::default());
    for service in settings.services.iter() {
        let upstream = match settings.edge.upstreams.of(service.name()) {
            Some(addresses) => front::connect(&cores, service, addresses, settings, environment)?,
            None => {
                let open = Service::open(service, environment).await?;
                open.start_long_work();
                here(open, environment, &mut stages)?
            }
        };
        // Only those that are called: a service that knows itself would never be dropped.
        if settings.services.iter().any(|other| other.calls().contains(&service.name())) {
            front::introduce(service.name(), upstream.clone(), settings, environment);
        }
        upstreams.add(service, upstream);
    }
    front::spawn(settings, environment, (upstreams, cores), edge_socket, dashboard_socket, &mut stages)?;
    let admin = stages.spawn_admin(admin_socket, environment);
    tracing::info!(%edge, %dashboard, %admin, "ready: everything runs in this process");
    let done = tokio::spawn(stages.until(shutdown));
    Ok(Running { edge: Some(edge), dashboard: Some(dashboard), grpc: None, admin, done })
}

/// Runs one part until `shutdown`. A service runs its long work, too, as far as its settings let it.
pub async fn one(
    part: Part,
    settings: &Settings,
    environment: &Environment,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let admin_socket = listen("admin.listen", &settings.admin.listen).await?;
    let mut stages = Stages::default();
    let (edge, dashboard, grpc) = match part {
        Part::Edge => {
            let socket = listen("edge.listen", &settings.edge.listen).await?;
            let dashboard = listen("dashboard.listen", &settings.dashboard.listen).await?;
            let (edge, at) = (socket.1, dashboard.1);
            let cores = match settings.edge.runtime_per_thread {
                true => Cores::start(settings.runtime.threads()).map_err(StartError::Threads)?,
                false => Cores::shared(),
            };
            let upstreams = elsewhere(&cores, settings, environment)?;
            front::spawn(settings, environment, (upstreams, cores), socket, dashboard, &mut stages)?;
            (Some(edge), Some(at), None)
        }
        Part::Service(name) => {
            let service = settings.services.named(name)?;
            let internal_token = match name == auth_svc::NAME {
                true => Some(front::token(settings)?.clone()),
                // For reflection, and for calls in batches: a service without it is called one by one.
                false => front::token(settings).ok().cloned(),
            };
            for other in service.calls() {
                let other = settings.services.named(other)?;
                let addresses = addresses(other, settings);
                let upstream = front::connect(&Cores::shared(), other, addresses, settings, environment)?;
                front::introduce(other.name(), upstream, settings, environment);
            }
            let socket = listen_grpc(&format!("{name}.listen"), service.listen()).await?;
            let service = Service::open(service, environment).await?;
            service.start_long_work();
            let keys = match service.keys() {
                Some(keys) => JwksSource::Fixed(keys),
                None => JwksSource::Urls(settings.services.config::<AuthService>()?.jwks_url.clone()),
            };
            let grpc = apart(service, keys, internal_token, socket, environment, &mut stages).await?;
            (None, None, Some(grpc))
        }
    };
    let admin = stages.spawn_admin(admin_socket, environment);
    if let (Some(edge), Some(dashboard)) = (&edge, &dashboard) {
        tracing::info!(%edge, %dashboard, %admin, "ready: the edge runs alone");
    }
    if let Some(grpc) = &grpc {
        tracing::info!(service = part.name(), %grpc, %admin, "ready: the service runs alone");
    }
    Ok(Running { edge, dashboard, grpc, admin, done: tokio::spawn(stages.until(shutdown)) })
}

/// Runs the long work of a service until `shutdown`, and serves nothing but `admin.listen`.
pub async fn worker(
    name: &'static str,
    settings: &Settings,
    environment: &Environment,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let service = settings.services.named(name)?;
    if !service.has_long_work() {
        return Err(StartError::NoLongWork(name));
    }
    let admin_socket = listen("admin.listen", &settings.admin.listen).await?;
    let mut stages = Stages::default();
    let open = Service::open(service, environment).await?;
    open.start_long_work();
    stages.add(open);
    let admin = stages.spawn_admin(admin_socket, environment);
    tracing::info!(service = name, %admin, "ready: the long work of the service runs");
    let done = tokio::spawn(stages.until(shutdown));
    Ok(Running { edge: None, dashboard: None, grpc: None, admin, done })
}

/// All services in other processes.
fn elsewhere(cores: &Cores, settings: &Settings, environment: &Environment) -> Result<Upstreams, StartError> {
    let mut upstreams = Upstreams::default();
    for service in settings.services.iter() {
        let addresses = addresses(service, settings);
        upstreams.add(service, front::connect(cores, service, addresses, settings, environment)?);
    }
    Ok(upstreams)
}

/// Where a service of another process is: where `edge.upstreams` says, else where it listens by its own settings.
fn addresses<'a>(service: &'a dyn Configured, settings: &'a Settings) -> &'a [Address] {
    let own = std::slice::from_ref(service.listen());
    settings.edge.upstreams.of(service.name()).unwrap_or(own)
}

/// A service of this process, for the edge to call without a socket.
fn here(service: Service, environment: &Environment, stages: &mut Stages) -> Result<Upstream, StartError> {
    let upstream = service.handlers().in_process(service.name(), &environment.metrics)?;
    stages.add(service);
    Ok(upstream)
}

/// Serves a service on a socket. Every call must carry a principal token that is for this service.
async fn apart(
    service: Service,
    keys: JwksSource,
    internal_token: Option<Secret>,
    (listener, address): (grpc::Listener, Address),
    environment: &Environment,
    stages: &mut Stages,
) -> Result<Address, StartError> {
    let verifier = TokenVerifier::new(service.name(), keys, environment);
    verifier.begun().await;
    let stack = service.handlers().stack(Some(verifier), internal_token, &environment.metrics)?;
    let routes = service.handlers().routes_of_port(&stack)?;
    let connections = environment.metrics.connections("grpc");
    stages.spawn_grpc(|stop| async {
        grpc::serve(listener, stack, routes, connections, stop).await;
        Ok(())
    });
    stages.add(service);
    Ok(address)
}

/// A bound socket and its address, with the port that was chosen.
type Socket = (TcpListener, SocketAddr);

async fn listen(setting: &str, address: &str) -> Result<Socket, StartError> {
    let failed = |error| StartError::Bind { setting: setting.to_owned(), address: address.to_owned(), error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

async fn listen_grpc(setting: &str, address: &Address) -> Result<(grpc::Listener, Address), StartError> {
    let failed =
        |error| StartError::Bind { setting: setting.to_owned(), address: address.to_string(), error };
    let listener = grpc::bind(address).await.map_err(failed)?;
    let local = listener.address().map_err(failed)?;
    Ok((listener, local))
}
