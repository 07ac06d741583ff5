//! What runs in a process, and the order in which it stops: first nobody new is sent here, then the edge
//! ends, then the services behind it, which the admin listener tells of; then that, and at last the stores,
//! when nothing is left that could ask them. Each of these has a bound, so the process ends whatever its
//! clients do.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use svc_runtime::admin::{self, Admin, Readiness};
use svc_runtime::service::Environment;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::service::Service;
use super::{RunError, Socket};

/// How long the stores may take to be closed, all together: they write what is not yet written.
const CLOSE: Duration = Duration::from_secs(10);

/// What runs.
#[derive(Default)]
pub(super) struct Stages {
    readiness: Readiness,
    services: Vec<Service>,
    edge: Stage,
    grpc: Stage,
    admin: Stage,
}

/// Listeners that stop together.
#[derive(Default)]
struct Stage {
    stop: CancellationToken,
    tasks: JoinSet<Result<(), RunError>>,
}

impl Stage {
    fn spawn<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), RunError>> + Send + 'static,
    {
        self.tasks.spawn(task(self.stop.clone()));
    }

    /// Waits for a listener that ends although nobody asked it to.
    async fn failure(&mut self) -> RunError {
        match self.tasks.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Ok(()))) => RunError::Stopped,
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
        }
    }

    /// Lets what is in flight end. Each listener bounds how long that may take.
    async fn stop(&mut self) -> Result<(), RunError> {
        self.stop.cancel();
        let mut outcome = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            outcome = outcome.and(ended.map_err(RunError::from).flatten());
        }
        outcome
    }
}

impl Stages {
    pub(super) fn add(&mut self, service: Service) {
        self.services.push(service);
    }

    pub(super) fn spawn_edge<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), RunError>> + Send + 'static,
    {
        self.edge.spawn(task);
    }

    pub(super) fn spawn_grpc<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), RunError>> + Send + 'static,
    {
        self.grpc.spawn(task);
    }

    /// Serves the admin listener. From then on the process is ready.
    pub(super) fn spawn_admin(&mut self, (listener, local): Socket, environment: &Environment) -> SocketAddr {
        let admin = Admin {
            metrics: environment.metrics.clone(),
            readiness: self.readiness.clone(),
            health: environment.health.clone(),
            keys: self.services.iter().find_map(|service| service.keys()),
        };
        self.admin.spawn(|stop| async { Ok(admin::serve(listener, admin, stop).await?) });
        self.readiness.set(true);
        local
    }

    /// Waits for `shutdown`, or for a listener that fails, and stops everything in order.
    pub(super) async fn until(mut self, shutdown: CancellationToken) -> Result<(), RunError> {
        let outcome = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            error = self.edge.failure() => Err(error),
            error = self.grpc.failure() => Err(error),
            error = self.admin.failure() => Err(error),
        };
        self.readiness.set(false);
        for service in &self.services {
            service.handlers().stop_being_healthy();
        }
        let outcome = outcome.and(self.edge.stop().await);
        let outcome = outcome.and(self.grpc.stop().await);
        let outcome = outcome.and(self.admin.stop().await);
        let closing = async {
            for service in self.services {
                service.close().await;
            }
        };
        if tokio::time::timeout(CLOSE, closing).await.is_err() {
            tracing::error!("the stores were not closed within {CLOSE:?}: limits may not have been saved");
        }
        tracing::info!("stopped");
        outcome
    }
}
