//! How many calls a service runs at once. More are refused at once: waiting helps nobody.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Kind;

/// Calls, streams with an end of their own included.
pub(super) const MAX_CALLS: usize = 1_024;
/// Long-lived streams, of which each core of an edge needs two of auth-svc. They wait most of the time, so they take
/// no slot of a call; and calls never keep an edge from asking.
pub(super) const MAX_LONG_LIVED: usize = 1_024;
/// Watches of the health. They need no credential, so they have a bound that nothing else shares.
pub(super) const MAX_HEALTH_WATCHES: usize = 256;

/// The slots of a service. They are counts, since a semaphore has a lock that all calls share.
#[derive(Debug, Default)]
pub(super) struct Slots {
    calls: AtomicUsize,
    long_lived: AtomicUsize,
    health_watches: AtomicUsize,
}

impl Slots {
    /// A slot for a call of this kind, when one is free.
    pub(super) fn take(&self, kind: Kind) -> Option<Slot<&Slots>> {
        let (taken, most) = self.of(kind);
        let slot = Slot { slots: self, kind };
        (taken.fetch_add(1, Ordering::Relaxed) < most).then_some(slot)
    }

    fn of(&self, kind: Kind) -> (&AtomicUsize, usize) {
        match kind {
            Kind::Unary | Kind::Stream => (&self.calls, MAX_CALLS),
            Kind::LongLived => (&self.long_lived, MAX_LONG_LIVED),
            Kind::HealthWatch => (&self.health_watches, MAX_HEALTH_WATCHES),
        }
    }

    #[cfg(test)]
    pub(super) fn taken(&self, kind: Kind) -> usize {
        self.of(kind).0.load(Ordering::Relaxed)
    }
}

/// A slot, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot<S: Deref<Target = Slots>> {
    slots: S,
    kind: Kind,
}

impl Slot<&Slots> {
    /// The same slot, for a stream that outlives what took it.
    pub(super) fn keep(self, slots: &Arc<Slots>) -> Slot<Arc<Slots>> {
        Slot { slots: slots.clone(), kind: ManuallyDrop::new(self).kind }
    }
}

impl<S: Deref<Target = Slots>> Drop for Slot<S> {
    fn drop(&mut self) {
        self.slots.of(self.kind).0.fetch_sub(1, Ordering::Relaxed);
    }
}
