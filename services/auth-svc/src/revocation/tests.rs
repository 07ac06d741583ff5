//! The protocol on PostgreSQL: its steps with a clock that stands, and whole replicas.

mod protocol;
mod replicas;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::Forget;
use crate::limits::BootClock;
use crate::store::Touched;

/// How long a poll may take: what is decided does not depend on a machine that has other work to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that stands until it is moved.
#[derive(Clone, Debug, Default)]
struct StandingClock(Arc<AtomicU64>);

impl StandingClock {
    fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl BootClock for StandingClock {
    fn millis(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn boot_id(&self) -> Option<String> {
        None
    }
}

/// A cache that only remembers what it was told to forget.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<Touched>>);

impl Told {
    fn take(&self) -> Vec<Touched> {
        std::mem::take(&mut self.0.lock())
    }
}

impl Forget for Told {
    fn forget(&self, touched: &Touched) {
        self.0.lock().push(touched.clone());
    }
}
