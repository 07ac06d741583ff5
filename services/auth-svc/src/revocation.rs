//! Revocation as a promise (docs/revocation.md): after a call that narrows has answered, no request that
//! starts later is let through against the new state, on any replica.
//!
//! On SQLite there is one process: it forgets what changed between commit and answer. On PostgreSQL
//! every replica decides from memory only under a [`Lease`], which its polls renew, and a change answers
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

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use svc_core::db::{AnyDb, DbError};
use svc_core::error::{Error, Reason, cause};
use svc_core::random::Random;
use tokio::sync::RwLock;

use crate::config::RevocationConfig;
use crate::limits::BootClock;
use crate::store::{Ledger, Touched};

pub use lease::Gate;
pub use poll::PollError;
pub use replicas::Replicas;
use replicas::Seat;

/// How long after a change every lease that does not know of it has ended: `L` of the protocol. What a
/// change waits at the most for a replica that does not answer.
pub const LEASE: Duration = Duration::from_secs(2);
/// How long after it was asked for a lease lasts: 0.8 L. The fifth covers clocks that are slewed.
const LEASE_USE: Duration = Duration::from_millis(1_600);
/// How often a replica polls when it hears of no change.
const POLL_EVERY: Duration = Duration::from_millis(250);
/// How long a poll may take before the replica tries another connection.
/// Longer in tests of what is decided, on a machine that has other work to do.
const POLL_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 1 });

/// What forgets keys: the cache of the credential check.
pub trait Forget: Send + Sync {
    /// Takes out what is touched, loaded or loading.
    fn forget(&self, touched: &Touched);
}

/// Lets a change answer when no request that starts later is decided by what was before it.
pub enum Revocation {
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

impl Revocation {
    /// Runs a change that may touch keys, and returns its result when it may be answered. Also a change
    /// that found nothing to do: it may have found what another one had just committed (rule 8).
    pub async fn run<T>(&self, change: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self {
            Revocation::OneProcess(changes) => {
                let running = changes.read().await;
                let result = change.await;
                drop(running);
                // Every other change that may have committed before has forgotten what it touched.
                drop(changes.write().await);
                result
            }
            Revocation::Replicas(replicas) => {
                let result = change.await;
                if result.as_ref().err().is_none_or(|error| says_something(error.reason)) {
                    replicas.settle().await;
                }
                result
            }
        }
    }

    /// Stops what runs in the background. The credential check has stopped before, or answers that it is
    /// unavailable from now on.
    pub async fn stop(&self) {
        if let Revocation::Replicas(replicas) = self {
            replicas.stop().await;
        }
    }
}

/// How a process takes part, decided before the cache of the credential check is made.
pub struct Joining(Option<Seat>);

impl Joining {
    /// By the engine. `clock` tells how long a lease lasts.
    pub fn new(db: &AnyDb, clock: Arc<dyn BootClock>) -> Joining {
        match db {
            AnyDb::Sqlite(_) => Joining(None),
            AnyDb::Postgres(db) => Joining(Some(Seat::new(Ledger::new(db.clone()), clock))),
        }
    }

    /// What stands in front of the cache.
    pub fn gate(&self, config: &RevocationConfig) -> Gate {
        self.0.as_ref().map_or(Gate::Open, |seat| seat.gate(config.strict_clock))
    }

    /// Joins the other replicas, when there can be some.
    pub async fn join(
        self,
        cache: Arc<dyn Forget>,
        random: Arc<dyn Random>,
    ) -> Result<Revocation, PollError> {
        match self.0 {
            None => Ok(Revocation::OneProcess(RwLock::default())),
            Some(seat) => Ok(Revocation::Replicas(Box::new(seat.join(cache, random).await?))),
        }
    }
}

/// Whether an error tells its caller anything about the state of a key. That a change failed on our side
/// promises nothing, and need not wait while the database is away.
fn says_something(reason: Reason) -> bool {
    !matches!(reason, Reason::Unavailable | Reason::Internal)
}

/// Logs a failure of the background work with its cause.
fn log(error: &DbError, what: &str) {
    tracing::warn!(error = %error, cause = %cause(error), "{what}");
}
