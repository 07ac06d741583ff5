//! Whether the database can be written to: the condition `database` of a service.
//!
//! Nothing looks as long as nothing fails. After a failure a small write is tried until one works, so that
//! the service is back within [`PROBE_EVERY`] of the database, whether or not anybody asks it for anything.

use std::sync::{Arc, Weak};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use sqlx::Error;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::Dialect;
use super::connections::{Connections, Shared};
use super::failure::Class;
use svc_runtime::health::Condition;
use svc_runtime::service::Environment;

/// How often a write is tried while none works.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// How long one may take: longer than all that it waits for.
const PROBE_TIMEOUT: Duration = Duration::from_secs(6);

/// What the connections of a database tell of failures.
#[derive(Debug)]
pub(super) struct Watch {
    condition: Condition,
    lost: Counter,
    wake: Notify,
}

impl Watch {
    pub(super) fn new(environment: &Environment, service: &'static str) -> Arc<Watch> {
        Arc::new(Watch {
            condition: environment.health.of(service).condition("database"),
            lost: environment.metrics.connections_lost(service),
            wake: Notify::new(),
        })
    }

    /// A connection was lost, or none could be made.
    pub(super) fn lost(&self, error: &Error) {
        self.lost.inc();
        if Class::of(error) == Class::CannotWrite {
            self.condition.failed(&error.to_string());
        }
        // Else the next write decides: one connection may be lost and the next is good.
        self.wake.notify_one();
    }

    /// Lets [`watch_writes`] end.
    pub(super) fn end(&self) {
        self.wake.notify_one();
    }
}

/// Looks after each failure, as long as there are connections.
pub(super) async fn watch_writes<D: Dialect>(watch: Arc<Watch>, connections: Weak<Shared<D>>) {
    loop {
        watch.wake.notified().await;
        loop {
            let Some(shared) = connections.upgrade() else { return };
            let probed = timeout(PROBE_TIMEOUT, Connections::over(shared).probe()).await;
            match probed {
                Ok(Ok(())) => break watch.condition.ok(),
                Ok(Err(Error::PoolClosed)) => return,
                // Others have them all, which says nothing.
                Ok(Err(Error::PoolTimedOut)) => {}
                Ok(Err(error)) => watch.condition.failed(&error.to_string()),
                Err(_) => watch.condition.failed("the database does not answer"),
            }
            sleep(PROBE_EVERY).await;
        }
    }
}
