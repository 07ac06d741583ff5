//! A clock for tests. Behind the feature `testing`; never part of a build that is shipped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::{Clock, Timestamp, Uptime};

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub struct ManualClock {
    wall: Arc<AtomicI64>,
    uptime: Arc<AtomicU64>,
}

impl ManualClock {
    /// Stands at `now`, on a machine that has run for an hour.
    pub fn at(now: Timestamp) -> ManualClock {
        let uptime = Uptime(0).plus(Duration::from_secs(3_600));
        ManualClock { wall: Arc::new(AtomicI64::new(now.0)), uptime: Arc::new(AtomicU64::new(uptime.0)) }
    }

    /// Time passes.
    pub fn advance(&self, time: Duration) {
        self.wall.store(self.now().plus(time).0, Ordering::SeqCst);
        self.uptime.store(self.uptime().plus(time).0, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock. No time passes.
    pub fn set(&self, now: Timestamp) {
        self.wall.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Uptime {
        Uptime(self.uptime.load(Ordering::SeqCst))
    }
}
