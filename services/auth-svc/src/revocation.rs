//! Revocation as a promise (docs/revocation.md): after a call that narrows has answered, no request that
//! starts later is let through against the new state, on any replica.
//!
//! On SQLite there is one process: it forgets what changed between commit and answer. On PostgreSQL
//! every replica decides from memory only under a lease, which its polls renew, and a change answers
//! when each replica has applied it or cannot have a lease from before it.

mod barrier;
mod fresh;
mod lease;
mod poll;
mod replicas;
mod strict;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use svc_core::error::cause;
use svc_core::random::Random;
use svc_db::AnyDb;
use svc_runtime::health::Condition;
use svc_runtime::tasks::Tasks;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::config::RevocationConfig;
use crate::limits::BootClock;
use crate::store::{Announcements, StoreError, Touched};

pub(crate) use lease::{Gate, LeaseExpired};
pub(crate) use poll::PollError;
use replicas::NewReplica;
pub(crate) use replicas::Replicas;

/// How long after a change every lease that does not know of it has ended: `L` of the protocol. What a
/// change waits at the most for a replica that does not answer.
#[allow(unreachable_pub, reason = "benches/ reaches it through a feature")]
pub const LEASE: Duration = Duration::from_secs(2);
/// How long after it was asked for a lease lasts: 0.8 L. The fifth covers clocks that are slewed.
const LEASE_USE: Duration = Duration::from_millis(1_600);
/// How often a replica polls when it hears of no change.
const POLL_EVERY: Duration = Duration::from_millis(250);
/// How long a poll may take before the replica tries another connection.
pub(crate) const POLL_TIMEOUT: Duration = Duration::from_secs(1);

/// What forgets keys: the cache of the credential check.
pub(crate) trait Forget: Send + Sync {
    /// Takes out what is touched, loaded or loading.
    fn forget(&self, touched: &Touched);
}

/// Lets a change answer when no request that starts later is decided by what was before it.
pub(crate) enum Revocation {
    /// This process is the only one. Held for reading from before a change until what it touches is
    /// forgotten.
    OneProcess(RwLock<()>),
    /// One of several replicas.
    Replicas(Box<Replicas>),
}

impl std::fmt::Debug for Revocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Revocation::OneProcess(_) => f.write_str("OneProcess"),
            Revocation::Replicas(_) => f.write_str("Replicas"),
        }
    }
}

/// A change that runs: held from before it begins until what it touches is forgotten here.
pub(crate) struct Running<'r> {
    _others_wait: Option<RwLockReadGuard<'r, ()>>,
}

impl Revocation {
    /// Before a change begins.
    pub(crate) async fn begin(&self) -> Running<'_> {
        match self {
            Revocation::OneProcess(changes) => Running { _others_wait: Some(changes.read().await) },
            Revocation::Replicas(_) => Running { _others_wait: None },
        }
    }

    /// Waits until a change may be answered. Also one that found nothing to do: it may have found what another
    /// one had just committed (rule 8).
    pub(crate) async fn settle(&self, running: Running<'_>) {
        drop(running);
        match self {
            // Every other change that may have committed before has forgotten what it touched.
            Revocation::OneProcess(changes) => drop(changes.write().await),
            Revocation::Replicas(replicas) => replicas.settle().await,
        }
    }

    /// Stops what runs in the background. The credential check has stopped before, or answers that it is
    /// unavailable from now on.
    pub(crate) async fn stop(&self) {
        if let Revocation::Replicas(replicas) = self {
            replicas.stop().await;
        }
    }
}

/// How a process takes part, decided before the cache of the credential check is made.
pub(crate) struct Membership(Option<NewReplica>);

impl Membership {
    /// By the engine. `clock` tells how long a lease lasts, `poll_timeout` how long a poll may take.
    pub(crate) fn new(db: &AnyDb, clock: Arc<dyn BootClock>, poll_timeout: Duration) -> Membership {
        match db {
            AnyDb::Sqlite(_) => Membership(None),
            AnyDb::Postgres(db) => {
                Membership(Some(NewReplica::new(Announcements::new(db.clone()), clock, poll_timeout)))
            }
        }
    }

    /// What stands in front of the cache.
    pub(crate) fn gate(&self, config: &RevocationConfig) -> Gate {
        self.0.as_ref().map_or(Gate::Open, |replica| replica.gate(config.strict_clock))
    }

    /// Joins the other replicas, when there can be some.
    pub(crate) async fn join(
        self,
        cache: Arc<dyn Forget>,
        random: Arc<dyn Random>,
        condition: Condition,
        tasks: Tasks,
    ) -> Result<Revocation, PollError> {
        match self.0 {
            None => Ok(Revocation::OneProcess(RwLock::default())),
            Some(replica) => {
                Ok(Revocation::Replicas(Box::new(replica.join(cache, random, condition, tasks).await?)))
            }
        }
    }
}

/// Logs a failure of the background work with its cause.
fn log(error: &StoreError, what: &str) {
    tracing::warn!(error = %error, cause = %cause(error), "{what}");
}
