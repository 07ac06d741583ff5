//! How many requests began a short while ago and have not ended.
//!
//! What has been in flight for longer does not count: it waits, and hardly uses what the bound protects.
//! Else a few long polls, slow clients, or calls to a replica that hangs would fill the bound and shed
//! everything. They are counted by when they began, so that none needs a timer or a lock.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Ticks for which a request counts, and one more for the tick that it begins in: 150 to 200 ms.
const TICKS: usize = 4;
const COUNT: u64 = u32::MAX as u64;

/// Requests that began in the last few ticks.
pub(super) struct RecentRequests {
    count: AtomicUsize,
    tick: AtomicU32,
    /// By tick: its number in the upper half, in the lower half how many that began in it are in flight.
    ticks: [AtomicU64; TICKS],
}

impl Default for RecentRequests {
    fn default() -> RecentRequests {
        let ticks = std::array::from_fn(|tick| AtomicU64::new(in_upper_half(tick as u32)));
        RecentRequests { count: AtomicUsize::new(0), tick: AtomicU32::new(0), ticks }
    }
}

impl RecentRequests {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Counts one.
    pub(super) fn enter(&self) -> Slot<'_> {
        let tick = self.tick.load(Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        if self.change(tick, |count| Some(count + 1)).is_none() {
            // It slept between the two for so long that its tick is over.
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        Slot { recent: self, tick }
    }

    /// One that began in this tick has ended.
    pub(super) fn leave(&self, tick: u32) {
        if self.change(tick, |count| count.checked_sub(1)).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The next tick. The requests of the oldest one do not count any more.
    pub(super) fn advance(&self) {
        let tick = self.tick.load(Ordering::Relaxed).wrapping_add(1);
        let oldest = self.ticks[slot(tick)].swap(in_upper_half(tick), Ordering::Relaxed);
        self.count.fetch_sub((oldest & COUNT) as usize, Ordering::Relaxed);
        self.tick.store(tick, Ordering::Relaxed);
    }

    /// Changes the count of a tick, while it counts.
    fn change(&self, tick: u32, change: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        let change = |age: u64| {
            let same = age & !COUNT == in_upper_half(tick);
            same.then(|| change(age & COUNT)).flatten().map(|count| in_upper_half(tick) | count)
        };
        self.ticks[slot(tick)].fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).ok()
    }
}

/// A request that is counted until this is dropped.
pub(super) struct Slot<'r> {
    recent: &'r RecentRequests,
    tick: u32,
}

impl Slot<'_> {
    /// Keeps the slot until [`RecentRequests::leave`] is called with this tick.
    pub(super) fn keep(self) -> u32 {
        ManuallyDrop::new(self).tick
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.recent.leave(self.tick);
    }
}

const fn in_upper_half(tick: u32) -> u64 {
    (tick as u64) << 32
}

const fn slot(tick: u32) -> usize {
    tick as usize % TICKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_counts_no_more() {
        let recent = RecentRequests::default();
        let (one, two) = (recent.enter(), recent.enter());
        assert_eq!(recent.count(), 2);
        recent.advance();
        let three = recent.enter();
        assert_eq!(recent.count(), 3);
        drop(one);
        assert_eq!(recent.count(), 2);
        drop((two, three));
        assert_eq!(recent.count(), 0);
    }

    #[test]
    fn what_stays_counts_no_more_either_and_its_end_changes_nothing() {
        let recent = RecentRequests::default();
        let old = recent.enter();
        for _ in 1..TICKS {
            recent.advance();
            assert_eq!(recent.count(), 1);
        }
        recent.advance();
        assert_eq!(recent.count(), 0);
        let new = recent.enter();
        drop(old);
        assert_eq!(recent.count(), 1, "in the place of the same tick of another round");
        drop(new);
        assert_eq!(recent.count(), 0);
    }

    #[test]
    fn it_adds_up_on_many_threads() {
        let recent = RecentRequests::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let _one = recent.enter();
                        let _other = recent.enter();
                    }
                });
            }
            for _ in 0..1_000 {
                recent.advance();
                std::thread::yield_now();
            }
        });
        (0..TICKS).for_each(|_| recent.advance());
        assert_eq!(recent.count(), 0);
    }
}
