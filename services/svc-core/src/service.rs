//! What every service is given, and what it gives to whoever runs it.

use std::path::PathBuf;
use std::sync::Arc;

use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::clock::{Clock, SystemClock};
use crate::db;
use crate::grpc::{Guard, StackLayer};
use crate::ids::Ids;
use crate::policy::{Policy, PolicyError, built_in_descriptors};
use crate::random::{Random, SystemRandom};
use crate::secret::Secret;
use crate::telemetry::Metrics;
use crate::token::TokenVerifier;

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
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: db::Config,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({})", self.data_dir.display())
    }
}

impl Environment {
    /// The machine's own clock and randomness.
    pub fn system(data_dir: PathBuf, database: db::Config) -> Environment {
        Environment::with(Arc::new(SystemClock), Arc::new(SystemRandom), data_dir, database)
    }

    /// Another clock or randomness.
    pub fn with(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        data_dir: PathBuf,
        database: db::Config,
    ) -> Environment {
        let ids = Ids::new(clock.clone(), random.clone());
        Environment { clock, random, ids, metrics: Metrics::new(), data_dir, database }
    }
}

/// A service that is ready to be served, in this process or on a socket.
#[derive(Clone, Debug)]
pub struct Handlers {
    names: &'static [&'static str],
    routes: Routes,
    health: HealthReporter,
}

impl Handlers {
    /// Handlers of the gRPC services `names`, with health and reflection beside them.
    pub async fn new(names: &'static [&'static str], routes: Routes) -> Handlers {
        let (health, server) = tonic_health::server::health_reporter();
        for name in names {
            health.set_service_status(*name, ServingStatus::Serving).await;
        }
        Handlers { names, routes: routes.add_service(server), health }
    }

    /// The full names of the gRPC services.
    pub fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// The handlers, without the stack.
    pub fn routes(&self) -> Routes {
        self.routes.clone().prepare()
    }

    /// The stack that goes in front of the handlers. Fails when an RPC has no rule.
    pub fn stack(
        &self,
        verifier: Option<TokenVerifier>,
        internal_token: Option<Secret>,
        metrics: &Metrics,
    ) -> Result<StackLayer, PolicyError> {
        let policy = Policy::of(&built_in_descriptors()?, self.names.iter().copied())?;
        Ok(StackLayer::new(Guard::new(policy, verifier, internal_token), metrics))
    }

    /// From now on health checks answer NOT_SERVING, so that callers go elsewhere.
    pub async fn stop_being_healthy(&self) {
        for name in self.names.iter().chain(&[""]) {
            self.health.set_service_status(*name, ServingStatus::NotServing).await;
        }
    }
}
