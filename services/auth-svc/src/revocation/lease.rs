//! For how long a replica may decide from memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::LEASE_USE;
use super::strict::Strict;
use crate::limits::BootClock;

/// The credential check cannot be made here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this replica does not know whether keys have changed")]
pub(crate) struct LeaseExpired;

/// Until when the cache of this process is known to hold nothing that a change which has answered has
/// taken away.
pub(crate) struct Lease {
    clock: Arc<dyn BootClock>,
    /// In milliseconds of the clock; 0: there is none.
    valid_until: AtomicU64,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lease({})", self.valid_until.load(Ordering::Relaxed))
    }
}

impl Lease {
    /// Ended: the first poll renews it.
    pub(crate) fn new(clock: Arc<dyn BootClock>) -> Lease {
        Lease { clock, valid_until: AtomicU64::new(0) }
    }

    /// Asked by every request before it looks into the cache (rule 5).
    pub(crate) fn check(&self) -> Result<(), LeaseExpired> {
        // In this order, and before the cache is read. A lease that was renewed for a later state is then
        // seen only together with a cache without what changed (it was released after it was dropped);
        // an older one is compared with a moment within this request.
        let valid_until = self.valid_until.load(Ordering::Acquire);
        match self.clock.millis() < valid_until {
            true => Ok(()),
            false => Err(LeaseExpired),
        }
    }

    /// Renews it, after everything was dropped that the poll told. `began` is when the poll was about to
    /// be sent, and not when it was answered: what commits in between is not in the answer.
    pub(super) fn renew(&self, began: u64) {
        self.valid_until.store(began.saturating_add(millis(LEASE_USE)), Ordering::Release);
    }

    /// Ends it at once.
    pub(super) fn end(&self) {
        self.valid_until.store(0, Ordering::Release);
    }
}

/// What stands in front of the cache.
#[derive(Clone, Debug)]
pub(crate) enum Gate {
    /// Nothing: this process is the only one.
    Open,
    /// A lease.
    Leased(Arc<Lease>),
    /// A lease, and a look at the database after the request arrived.
    Strict(Arc<Lease>, Arc<Strict>),
}

impl Gate {
    /// [`Gate::pass`], where that waits for nothing. `None`: it does.
    pub(crate) fn pass_at_once(&self) -> Option<Result<(), LeaseExpired>> {
        match self {
            Gate::Open => Some(Ok(())),
            Gate::Leased(lease) => Some(lease.check()),
            Gate::Strict(..) => None,
        }
    }

    /// Lets a request through to the cache.
    pub(crate) async fn pass(&self) -> Result<(), LeaseExpired> {
        match self {
            Gate::Open => Ok(()),
            Gate::Leased(lease) => lease.check(),
            Gate::Strict(lease, strict) => {
                lease.check()?;
                strict.pass().await
            }
        }
    }
}

/// A time as the clock counts it.
pub(super) fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
