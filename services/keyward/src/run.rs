//! Running Keyward: everything in one process, or one part of it.
//!
//! In one process the edge calls the services' stacks directly, and no gRPC socket is opened. Apart,
//! each service serves its stack on its own address and checks the principal token of every call.

mod front;
mod service;
mod stages;

use std::fmt;
use std::net::SocketAddr;

use clap::ValueEnum;
use svc_core::grpc::{self, Address, BadAddress, Upstream};
use svc_core::keyfile::{self, KeyFileError};
use svc_core::policy::PolicyError;
use svc_core::secret::Secret;
use svc_core::service::Environment;
use svc_core::token::{JwksSource, TokenVerifier};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::Layer;

use crate::settings::Settings;
use front::Upstreams;
use service::Service;
use stages::Stages;

/// A part that can run in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Keys, members and the credential check
    Auth,
    /// Contacts and their files
    Contacts,
    /// Document extraction
    Extraction,
    /// The public REST API
    Edge,
}

impl Part {
    /// Its name on the command line, and in settings and logs.
    pub fn name(self) -> &'static str {
        match self {
            Part::Auth => auth_svc::NAME,
            Part::Contacts => contacts_svc::NAME,
            Part::Extraction => extraction_svc::NAME,
            Part::Edge => "edge",
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
    /// The data directory cannot be used.
    #[error("data_dir: {0}")]
    DataDir(#[from] KeyFileError),
    /// An address cannot be listened on.
    #[error("setting `{setting}`: cannot listen on {address}: {error}")]
    Bind {
        /// The setting that names the address.
        setting: &'static str,
        /// The address.
        address: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// auth-svc does not open.
    #[error("auth: {0}")]
    Auth(#[source] auth_svc::OpenError),
    /// contacts-svc does not open.
    #[error("contacts: {0}")]
    Contacts(#[source] contacts_svc::OpenError),
    /// extraction-svc does not open.
    #[error("extraction: {0}")]
    Extraction(#[source] extraction_svc::OpenError),
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
    /// A service's listener.
    #[error("gRPC: {0}")]
    Grpc(#[from] tonic::transport::Error),
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

/// The machine's clock, randomness and data directory, which is made when it is not there.
pub fn environment(settings: &Settings) -> Result<Environment, StartError> {
    keyfile::make_data_dir(&settings.data_dir)?;
    Ok(Environment::system(settings.data_dir.clone(), settings.database.clone()))
}

/// Runs everything in one process until `shutdown`. A service with an address in `edge.upstreams` is
/// called there instead.
pub async fn all(
    settings: &Settings,
    environment: &Environment,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    // Bound first, so that a port that is taken is known before anything is opened.
    let edge_socket = listen("edge.listen", &settings.edge.listen).await?;
    let admin_socket = listen("admin.listen", &settings.admin.listen).await?;
    let mut stages = Stages::default();

    let remote = &settings.edge.upstreams;
    let auth = match &remote.auth {
        Some(addresses) => Upstream::connect(auth_svc::NAME, &addresses.0)?,
        None => here(Service::auth(settings, environment).await?, environment, &mut stages)?,
    };
    let contacts = match &remote.contacts {
        Some(addresses) => Upstream::connect(contacts_svc::NAME, &addresses.0)?,
        None => here(Service::contacts(settings, environment).await?, environment, &mut stages)?,
    };
    let extraction = match &remote.extraction {
        Some(addresses) => Upstream::connect(extraction_svc::NAME, &addresses.0)?,
        None => here(Service::extraction(settings, environment).await?, environment, &mut stages)?,
    };
    let edge = front::spawn(
        settings,
        environment,
        Upstreams { auth, contacts, extraction },
        edge_socket,
        &mut stages,
    )?;
    let admin = stages.spawn_admin(admin_socket, environment);
    tracing::info!(%edge, %admin, "ready: everything runs in this process");
    Ok(Running { edge: Some(edge), grpc: None, admin, done: tokio::spawn(stages.until(shutdown)) })
}

/// Runs one part until `shutdown`.
pub async fn one(
    part: Part,
    settings: &Settings,
    environment: &Environment,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let admin_socket = listen("admin.listen", &settings.admin.listen).await?;
    let mut stages = Stages::default();
    let (edge, grpc) = match part {
        Part::Edge => {
            let socket = listen("edge.listen", &settings.edge.listen).await?;
            let upstreams = Upstreams::elsewhere(settings)?;
            (Some(front::spawn(settings, environment, upstreams, socket, &mut stages)?), None)
        }
        Part::Auth => {
            let internal_token = Some(front::token(settings)?.clone());
            let socket = listen_grpc("auth.listen", &settings.auth.listen).await?;
            let service = Service::auth(settings, environment).await?;
            let keys = JwksSource::Fixed(service.keys().cloned().unwrap_or_default());
            (None, Some(apart(service, keys, internal_token, socket, environment, &mut stages)?))
        }
        Part::Contacts => {
            let socket = listen_grpc("contacts.listen", &settings.contacts.listen).await?;
            let service = Service::contacts(settings, environment).await?;
            let keys = JwksSource::Url(settings.auth.jwks_url.clone());
            (None, Some(apart(service, keys, None, socket, environment, &mut stages)?))
        }
        Part::Extraction => {
            let socket = listen_grpc("extraction.listen", &settings.extraction.listen).await?;
            let service = Service::extraction(settings, environment).await?;
            let keys = JwksSource::Url(settings.auth.jwks_url.clone());
            (None, Some(apart(service, keys, None, socket, environment, &mut stages)?))
        }
    };
    let admin = stages.spawn_admin(admin_socket, environment);
    match (&edge, &grpc) {
        (Some(edge), _) => tracing::info!(%edge, %admin, "ready: the edge runs alone"),
        (_, Some(grpc)) => {
            tracing::info!(service = part.name(), %grpc, %admin, "ready: the service runs alone")
        }
        (None, None) => {}
    }
    Ok(Running { edge, grpc, admin, done: tokio::spawn(stages.until(shutdown)) })
}

/// A service of this process, for the edge to call without a socket.
fn here(service: Service, environment: &Environment, stages: &mut Stages) -> Result<Upstream, StartError> {
    let stack = service.handlers().stack(None, None, &environment.metrics)?;
    let upstream = Upstream::in_process(service.name(), stack.layer(service.handlers().routes()));
    stages.add(service);
    Ok(upstream)
}

/// Serves a service on a socket. Every call must carry a principal token that is for this service.
fn apart(
    service: Service,
    keys: JwksSource,
    internal_token: Option<Secret>,
    (listener, address): (grpc::Listener, Address),
    environment: &Environment,
    stages: &mut Stages,
) -> Result<Address, StartError> {
    let verifier = TokenVerifier::new(service.name(), keys, environment.clock.clone());
    let stack = service.handlers().stack(Some(verifier), internal_token, &environment.metrics)?;
    let routes = service.handlers().routes();
    stages.spawn_grpc(|stop| async { Ok(grpc::serve(listener, stack, routes, stop).await?) });
    stages.add(service);
    Ok(address)
}

/// A bound socket and its address, with the port that was chosen.
type Socket = (TcpListener, SocketAddr);

async fn listen(setting: &'static str, address: &str) -> Result<Socket, StartError> {
    let failed = |error| StartError::Bind { setting, address: address.to_owned(), error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

async fn listen_grpc(
    setting: &'static str,
    address: &Address,
) -> Result<(grpc::Listener, Address), StartError> {
    let failed = |error| StartError::Bind { setting, address: address.to_string(), error };
    let listener = grpc::bind(address).await.map_err(failed)?;
    let local = listener.address().map_err(failed)?;
    Ok((listener, local))
}
