//! The machine's clock, which a test can move on or set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use svc_core::clock::{Clock, SystemClock, Timestamp, Uptime};

/// Runs like the machine's clock, ahead of it by what it was moved on.
#[derive(Clone, Debug, Default)]
pub struct MovableClock {
    /// Time that has passed, in microseconds.
    passed: Arc<AtomicU64>,
    /// How far the wall clock was set, in microseconds.
    set: Arc<AtomicI64>,
}

impl MovableClock {
    /// Time passes.
    pub fn advance(&self, time: Duration) {
        self.passed.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the wall clock this many seconds ahead of the machine's, or behind it. No time passes.
    pub fn set_ahead(&self, seconds: i64) {
        self.set.store(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// The clock of another machine, which is set for itself. Time passes on both.
    pub fn another(&self) -> MovableClock {
        MovableClock { passed: self.passed.clone(), set: Arc::default() }
    }

    fn passed(&self) -> Duration {
        Duration::from_micros(self.passed.load(Ordering::SeqCst))
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().plus(self.passed()).0 + self.set.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Uptime {
        SystemClock.uptime().plus(self.passed())
    }
}
