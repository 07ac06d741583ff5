//! A request that may begin: its slot, and what it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use svc_core::clock::Uptime;

use super::baseline::Baseline;
use super::{Admission, Priority, limit, recent};

/// A request that may begin. Measures how long the check and the call take, beside what they take otherwise
/// on this route, and gives its place back when it is dropped, also by a failure or since its client has left.
pub(crate) struct Admitted<'a> {
    admission: &'a Admission,
    priority: Priority,
    baseline: &'a Baseline,
    /// Is one of those in flight while it is measured.
    counts: bool,
    /// Hardly anything else was in flight whenever it went on.
    unloaded: bool,
    /// What was measured before.
    before: Duration,
    /// Since when it is measured, while it is.
    since: Option<Uptime>,
    slot: Option<recent::Slot<'a>>,
}

impl<'a> Admitted<'a> {
    pub(super) fn new(
        admission: &'a Admission,
        priority: Priority,
        baseline: &'a Baseline,
        is_slow: bool,
        slot: recent::Slot<'a>,
    ) -> Admitted<'a> {
        Admitted {
            admission,
            priority,
            baseline,
            counts: !priority.is_management() && !is_slow,
            unloaded: true,
            before: Duration::ZERO,
            since: None,
            slot: Some(slot),
        }
    }
}

impl Admitted<'_> {
    /// What follows is measured.
    pub(crate) fn resume(&mut self) {
        let admission = self.admission;
        if self.counts {
            let in_flight = admission.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
            if in_flight > admission.peak.load(Ordering::Relaxed) {
                admission.peak.fetch_max(in_flight, Ordering::Relaxed);
            }
        }
        self.unloaded &= admission.in_flight.load(Ordering::Relaxed) <= limit::UNLOADED;
        self.since = Some(admission.clock.uptime());
    }

    /// What follows, as the body that the client sends, is not measured.
    pub(crate) fn pause(&mut self) {
        self.before = self.so_far();
        if self.since.take().is_some() && self.counts {
            self.admission.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What was measured so far.
    pub(crate) fn so_far(&self) -> Duration {
        let since = |since| self.admission.clock.uptime().since(since);
        self.before + self.since.map(since).unwrap_or_default()
    }

    /// What was measured had a good answer. Only that says what an answer takes: a connection that is refused
    /// takes nothing.
    pub(crate) fn answered(&mut self) {
        self.pause();
        let took = std::mem::take(&mut self.before);
        if self.says_something() {
            // At the end, too: when a probe ends while it is in flight, it meets others again.
            let unloaded =
                self.unloaded && self.admission.in_flight.load(Ordering::Relaxed) < limit::UNLOADED;
            self.admission.measured.add(self.baseline.compare(took, unloaded));
        }
    }

    /// Keeps the place for an answer that goes on after its head. Nothing of it is measured any more.
    pub(crate) fn hold(mut self, admission: &Arc<Admission>) -> HeldSlot {
        let tick = self.slot.take().map(recent::Slot::keep);
        HeldSlot { admission: admission.clone(), priority: self.priority, tick }
    }

    /// Only what memory can decide says something of the load: the check of other credentials reads the
    /// database.
    fn says_something(&self) -> bool {
        self.priority == Priority::Proven
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.pause();
        if self.says_something()
            && let Some(sample) = self.baseline.compare_unanswered(self.before)
        {
            self.admission.measured.add(sample);
        }
    }
}

/// A place that is given back when this is dropped.
pub(crate) struct HeldSlot {
    admission: Arc<Admission>,
    priority: Priority,
    tick: Option<u32>,
}

impl Drop for HeldSlot {
    fn drop(&mut self) {
        if let Some(tick) = self.tick {
            self.admission.recent(self.priority).leave(tick);
        }
    }
}
