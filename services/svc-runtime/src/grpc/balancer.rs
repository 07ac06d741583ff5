//! Which of several replicas is called.
//!
//! They take turns, and one with fewer calls waiting goes before one with more. A replica that does not
//! answer, cannot be reached, fails too often or says that it cannot serve is *ejected*: it gets no calls
//! while a better one is there, and comes back when its own health check says that it serves. The checks
//! are calls of their own (`monitor`), so that no request has to find out. When all are ejected, the
//! least bad ones are called all the same: a request that may fail beats one that surely does.
//!
//! Calls only count, without locks and without looking at the clock. What follows from the counts is the
//! monitor's to say, and that of the one call whose failure is the last straw.

mod budget;
mod metrics;
mod monitor;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use crate::telemetry::Metrics;
use budget::Budget;
pub(super) use metrics::Retry;
pub(crate) use metrics::{UpstreamFamilies, UpstreamMetrics};
pub(super) use monitor::{Health, watch};

/// After so many failures in a row a replica is ejected at once.
const FAILURES_IN_A_ROW: usize = 3;

/// Why a replica is out of rotation. The greater, the worse it is to call it all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Ejection {
    /// Too many of its calls failed.
    Failing = 1,
    /// Its health check says that it cannot serve.
    NotServing = 2,
    /// Nobody takes connections where it should be, or it takes no calls.
    Unreachable = 3,
    /// Calls wait, and it has answered nothing, not even its health check.
    Silent = 4,
}

impl Ejection {
    const ALL: [Ejection; 4] =
        [Ejection::Failing, Ejection::NotServing, Ejection::Unreachable, Ejection::Silent];

    fn from_code(code: u8) -> Option<Ejection> {
        Ejection::ALL.into_iter().find(|ejection| *ejection as u8 == code)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Ejection::Failing => "failing",
            Ejection::NotServing => "not_serving",
            Ejection::Unreachable => "unreachable",
            Ejection::Silent => "silent",
        }
    }
}

/// The replicas of one service, which go by their position.
#[derive(Debug)]
pub struct Balancer {
    replicas: Box<[Replica]>,
    next: AtomicUsize,
    budget: Budget,
    metrics: UpstreamMetrics,
}

/// What is known of one replica.
struct Replica {
    address: String,
    /// Calls that wait for an answer.
    waiting: AtomicUsize,
    /// All answers, also those that say that it cannot serve. They show that it is alive.
    answers: AtomicUsize,
    /// The answers that say that it cannot serve.
    refusals: AtomicUsize,
    /// Calls that ended without an answer: cut off, or not in time.
    lost: AtomicUsize,
    failures_in_a_row: AtomicUsize,
    /// An [`Ejection`], or 0 while it is in rotation.
    ejected: AtomicU8,
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replica({}, {:?})", self.address, self.ejection())
    }
}

impl Balancer {
    /// For the replicas of an upstream at these addresses, at least one.
    pub(super) fn new(upstream: &str, addresses: Vec<String>, metrics: &Metrics) -> Balancer {
        let metrics = metrics.upstream(upstream);
        let replica = |address: String| {
            metrics.set_ejected(&address, false);
            Replica {
                address,
                waiting: AtomicUsize::new(0),
                answers: AtomicUsize::new(0),
                refusals: AtomicUsize::new(0),
                lost: AtomicUsize::new(0),
                failures_in_a_row: AtomicUsize::new(0),
                ejected: AtomicU8::new(0),
            }
        };
        let replicas = addresses.into_iter().map(replica).collect();
        Balancer { replicas, next: AtomicUsize::new(0), budget: Budget::default(), metrics }
    }

    /// How many replicas there are.
    pub fn count(&self) -> usize {
        self.replicas.len()
    }

    /// Which one is called next.
    pub fn pick(&self) -> usize {
        self.budget.deposit();
        self.choose(None).unwrap_or(0)
    }

    /// Another one, when there is one.
    pub fn pick_other_than(&self, failed: usize) -> Option<usize> {
        self.choose(Some(failed))
    }

    /// A call to a replica begins.
    pub fn begin(self: &Arc<Self>, replica: usize) -> PendingCall {
        self.replicas[replica].waiting.fetch_add(1, Ordering::Relaxed);
        PendingCall { balancer: self.clone(), replica }
    }

    /// Whether a replica is ejected since it answers nothing.
    pub(super) fn is_silent(&self, replica: usize) -> bool {
        self.replicas[replica].ejection() == Some(Ejection::Silent)
    }

    /// How many answers a replica has given so far. Wraps around.
    pub(super) fn answers(&self, replica: usize) -> usize {
        self.replicas[replica].answers.load(Ordering::Relaxed)
    }

    /// A call ended without an answer of the replica, for a reason that may be its own.
    pub(super) fn lost(&self, replica: usize) {
        self.replicas[replica].lost.fetch_add(1, Ordering::Relaxed);
        self.failed(replica);
    }

    /// Whether one more call may be made for one that was made already. Counts it, or that it may not.
    pub(super) fn may_retry(&self, why: Retry) -> bool {
        let may = self.budget.withdraw();
        match may {
            true => self.metrics.retried(why),
            false => self.metrics.retry_refused(),
        }
        may
    }

    /// Counts a call that was not processed and is made once more. It costs the replicas nothing extra.
    pub(super) fn retries_unprocessed(&self) {
        self.metrics.retried(Retry::Unprocessed);
    }

    /// Counts a call that is given up since its replica is silent.
    pub(super) fn abandons(&self) {
        self.metrics.abandoned();
    }

    fn choose(&self, but: Option<usize>) -> Option<usize> {
        let count = self.replicas.len();
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % count;
        let order = (turn..turn + count).map(|at| at % count).filter(|at| Some(*at) != but);
        let state = |at: usize| self.replicas[at].ejected.load(Ordering::Relaxed);
        // Most often 0: somebody is in rotation.
        let best = order.clone().map(state).min()?;
        let mut candidates = order.filter(|at| state(*at) == best);
        let first = candidates.next()?;
        let waiting = |at: usize| self.replicas[at].waiting.load(Ordering::Relaxed);
        match candidates.next() {
            Some(second) if waiting(second) < waiting(first) => Some(second),
            _ => Some(first),
        }
    }

    fn failed(&self, replica: usize) {
        let in_a_row = self.replicas[replica].failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row >= FAILURES_IN_A_ROW {
            self.eject_failing(replica);
        }
    }

    /// Errors alone never eject more than half of the replicas: when most fail, the fault is more likely in
    /// what they share, and the rest would have to bear all the load.
    fn eject_failing(&self, replica: usize) {
        let others = self
            .replicas
            .iter()
            .enumerate()
            .filter(|(at, other)| *at != replica && other.ejection().is_some());
        if (others.count() + 1) * 2 <= self.replicas.len() {
            self.eject(replica, Ejection::Failing);
        }
    }

    /// Takes a replica out of rotation, or says why it is out now.
    fn eject(&self, replica: usize, why: Ejection) {
        let Replica { address, ejected, .. } = &self.replicas[replica];
        let before = Ejection::from_code(ejected.swap(why as u8, Ordering::Relaxed));
        if before == Some(why) {
            return;
        }
        self.metrics.ejected(why);
        self.metrics.set_ejected(address, true);
        let (upstream, reason) = (self.metrics.upstream(), why.as_str());
        tracing::warn!(upstream, replica = %address, reason, "a replica is out of rotation");
    }

    fn readmit(&self, replica: usize) {
        let Replica { address, ejected, failures_in_a_row, .. } = &self.replicas[replica];
        failures_in_a_row.store(0, Ordering::Relaxed);
        ejected.store(0, Ordering::Relaxed);
        self.metrics.set_ejected(address, false);
        tracing::info!(upstream = self.metrics.upstream(), replica = %address, "a replica is back in rotation");
    }
}

impl Replica {
    fn ejection(&self) -> Option<Ejection> {
        Ejection::from_code(self.ejected.load(Ordering::Relaxed))
    }

    fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// A call that waits for the answer of its replica. Dropped as it is, the caller has given up, which says
/// nothing of the replica.
#[derive(Debug)]
#[must_use]
pub struct PendingCall {
    balancer: Arc<Balancer>,
    replica: usize,
}

impl PendingCall {
    /// The replica has answered, whatever it says of the call.
    pub fn answered(self) {
        let replica = self.replica();
        replica.answered();
        // Most often there was no failure, and no memory that others read is written.
        if replica.failures_in_a_row.load(Ordering::Relaxed) != 0 {
            replica.failures_in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// The replica has answered that it cannot serve now.
    pub fn refused(self) {
        let replica = self.replica();
        replica.answered();
        replica.refusals.fetch_add(1, Ordering::Relaxed);
        self.balancer.failed(self.replica);
    }

    /// There will be no answer: the call was cut off, or the time for it is over.
    pub fn lost(self) {
        self.balancer.lost(self.replica);
    }

    /// The replica took no call.
    pub(super) fn unreachable(self) {
        self.balancer.eject(self.replica, Ejection::Unreachable);
    }

    fn replica(&self) -> &Replica {
        &self.balancer.replicas[self.replica]
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        self.replica().waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
