//! What every service is given, and what it gives to whoever runs it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use keyward_proto::dispatch::Services;
use keyward_proto::internal::v1::call_service_server::CallServiceServer;
use prost_reflect::DescriptorPool;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tonic::service::Routes;

use crate::authorize::Authorize;
use crate::grpc::{Address, CALL_SERVICE, CallServer, Guard, StackLayer, Upstream};
use crate::health::{Health, ServiceHealth};
use crate::peers::Peers;
use crate::tasks::{Supervisor, Tasks};
use crate::telemetry::Metrics;
use crate::token::{JwkSet, TokenVerifier};
use svc_core::clock::{Clock, SystemClock};
use svc_core::ids::Ids;
use svc_core::policy::{Policy, PolicyError, built_in_descriptors};
use svc_core::random::{Random, SystemRandom};
use svc_core::secret::Secret;

/// `[database]`. `svc_db` opens it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host/database`; each service has a schema of its own there. Without
    /// it, one SQLite file a service in `data_dir`. Several servers may stand in it, `host:port,host:port`:
    /// connections go to the first that can be written to.
    pub url: Option<Secret>,
    /// What the names of the services' schemas begin with, e.g. `keyward_` for `keyward_auth`.
    pub schema_prefix: String,
    /// The most connections of one service to PostgreSQL.
    pub max_connections: u32,
    /// When migrations are applied.
    pub migrate: Migrations,
}

/// When migrations are applied, besides by `keyward migrate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Migrations {
    /// At a start that finds some that are not.
    #[default]
    AtStart,
    /// Never: such a start is refused.
    Never,
}

impl Default for DatabaseConfig {
    fn default() -> DatabaseConfig {
        DatabaseConfig {
            url: None,
            schema_prefix: String::new(),
            max_connections: 10,
            migrate: Migrations::default(),
        }
    }
}

/// What a service stands on.
#[derive(Clone)]
pub struct Environment {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Ids of new things.
    pub ids: Ids,
    /// Where to count.
    pub metrics: Metrics,
    /// What can do its work.
    pub health: Health,
    /// What runs beside calls.
    pub supervisor: Supervisor,
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: DatabaseConfig,
    /// The services that others call.
    pub peers: Peers,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({})", self.data_dir.display())
    }
}

impl Environment {
    /// The machine's own clock and randomness.
    pub fn system(data_dir: PathBuf, database: DatabaseConfig) -> Environment {
        Environment::with(Arc::new(SystemClock), Arc::new(SystemRandom), data_dir, database)
    }

    /// Another clock or randomness.
    pub fn with(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        data_dir: PathBuf,
        database: DatabaseConfig,
    ) -> Environment {
        let ids = Ids::new(clock.clone(), random.clone());
        let metrics = Metrics::new();
        let health = Health::new(&metrics);
        let supervisor = Supervisor::new(&metrics, health.clone());
        let peers = Peers::default();
        Environment { clock, random, ids, metrics, health, supervisor, data_dir, database, peers }
    }
}

/// A service, as whoever runs it sees it. `keyward` has one list of them.
pub trait Service: Sized + Send + Sync + 'static {
    /// Its name: on the command line, of its section in the settings, of its SQLite file and its PostgreSQL
    /// schema, and the audience of principal tokens for it.
    const NAME: &'static str;
    /// What it is for, in a few words for `keyward --help`.
    const ABOUT: &'static str;
    /// The full names of the gRPC services that it serves.
    const RPC_SERVICES: &'static [&'static str];
    /// Whether it has work that takes longer than a request, which `keyward worker` runs.
    const HAS_LONG_WORK: bool = false;
    /// The names of the services that it calls, and finds among the peers of its environment.
    const CALLS: &'static [&'static str] = &[];
    /// Its section in the settings.
    type Config: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Why it does not open.
    type OpenError: std::error::Error + Send + Sync + 'static;

    /// Where it listens when it is a process of its own.
    fn listen(config: &Self::Config) -> &Address;

    /// The descriptors of its protos.
    fn descriptors() -> Result<DescriptorPool, PolicyError> {
        built_in_descriptors()
    }

    /// Applies the migrations that its database lacks, and says how many these were. `None`: it has none.
    fn migrate(
        _environment: &Environment,
    ) -> impl Future<Output = Result<Option<usize>, Self::OpenError>> + Send {
        async { Ok(None) }
    }

    /// What can be said about its settings without opening anything. `open` refuses them for the same.
    fn check(_config: &Self::Config, _database: &DatabaseConfig) -> Result<(), Self::OpenError> {
        Ok(())
    }

    /// Opens what it keeps. Makes what is not there yet.
    fn open(
        config: &Self::Config,
        environment: &Environment,
    ) -> impl Future<Output = Result<Self, Self::OpenError>> + Send;

    /// Says what whoever starts it should know. It is about to be served.
    fn hint(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// What answers the calls, without the stack in front.
    fn handlers(&self) -> Handlers;

    /// The public keys of principal tokens, when it makes them.
    fn keys(&self) -> Option<JwkSet> {
        None
    }

    /// What it does beside calls, which a stop ends before it is closed.
    fn tasks(&self) -> &Tasks;

    /// Starts its long work, as tasks.
    fn start_long_work(&self) {}

    /// Closes what it keeps, once it serves nothing any more. What was accepted is stored when this returns.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// A service that is ready to be served, in this process or on a socket.
#[derive(Clone, Debug)]
pub struct Handlers {
    names: &'static [&'static str],
    services: Services,
    health: ServiceHealth,
    /// Of their protos, unless these are Keyward's own.
    descriptors: Option<DescriptorPool>,
    /// What decides about credentials, when the service does.
    authorize: Option<Arc<dyn Authorize>>,
}

impl Handlers {
    /// Handlers of the gRPC services `names`, with health beside them.
    pub fn new(
        names: &'static [&'static str],
        services: impl Into<Services>,
        health: ServiceHealth,
    ) -> Handlers {
        let Services { routes, methods } = services.into();
        let services = Services { routes: routes.add_service(health.server(names)), methods };
        Handlers { names, services, health, descriptors: None, authorize: None }
    }

    /// With protos that are not Keyward's own.
    #[must_use]
    pub fn described_by(self, descriptors: DescriptorPool) -> Handlers {
        Handlers { descriptors: Some(descriptors), ..self }
    }

    /// With what decides about credentials, for an edge in the same process.
    #[must_use]
    pub fn authorizing(self, check: Arc<dyn Authorize>) -> Handlers {
        Handlers { authorize: Some(check), ..self }
    }

    /// The full names of the gRPC services.
    pub fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// The handlers, without the stack.
    pub fn routes(&self) -> Routes {
        self.services.routes.clone().prepare()
    }

    /// The service for callers in this process, behind its stack. Fails when an RPC has no rule.
    pub fn in_process(&self, name: &str, metrics: &Metrics) -> Result<Upstream, PolicyError> {
        let stack = self.stack(None, None, metrics)?;
        let services = Services { routes: self.routes(), methods: self.services.methods.clone() };
        let upstream = Upstream::behind(&stack, name, services);
        Ok(match &self.authorize {
            Some(check) => upstream.authorizing(stack.authorize(check.clone())),
            None => upstream,
        })
    }

    /// The handlers for a port of their own, which go behind this stack, with reflection (grpc.reflection.v1) and
    /// calls in batches (`keyward.internal.v1.CallService`) beside them.
    pub fn routes_of_port(&self, stack: &StackLayer) -> Result<Routes, PolicyError> {
        // Not decoded in between, which would lose our annotations.
        let encoded = self.descriptors()?.encode_to_vec();
        let mut reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(&encoded)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(tonic_health::pb::health_server::SERVICE_NAME);
        for name in self.names {
            reflection = reflection.with_service_name(*name);
        }
        let reflection =
            reflection.build_v1().map_err(|error| PolicyError::Descriptors(error.to_string()))?;
        let calls = CallServiceServer::new(CallServer::new(stack.methods(&self.services.methods)));
        Ok(self.services.routes.clone().add_service(reflection).add_service(calls).prepare())
    }

    /// The stack that goes in front of the handlers. Fails when an RPC has no rule.
    pub fn stack(
        &self,
        verifier: Option<TokenVerifier>,
        internal_token: Option<Secret>,
        metrics: &Metrics,
    ) -> Result<StackLayer, PolicyError> {
        let policy = Policy::of(&self.descriptors()?, self.names.iter().copied())?;
        let policy = policy.and(Policy::of(&built_in_descriptors()?, [CALL_SERVICE])?);
        Ok(StackLayer::new(Guard::new(policy, verifier, internal_token), metrics))
    }

    fn descriptors(&self) -> Result<DescriptorPool, PolicyError> {
        match &self.descriptors {
            Some(descriptors) => Ok(descriptors.clone()),
            None => built_in_descriptors(),
        }
    }

    /// From now on health checks answer NOT_SERVING, so that callers go elsewhere.
    pub fn stop_being_healthy(&self) {
        self.health.stop();
    }
}
