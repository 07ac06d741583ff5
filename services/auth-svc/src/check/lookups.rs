//! Looks into the database for keys that memory does not know.
//!
//! A key that does not exist costs a look every time: there is no end of such keys to remember, and who has
//! many addresses is not stopped by the bound of each. While many of them are asked for, few are looked for
//! at a time. Then a flood of them takes a bounded part of the machine from those whose keys memory knows.

use std::sync::atomic::{AtomicI64, Ordering};

use svc_core::clock::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Keys that are not found in a second before it counts as a flood.
const A_SECOND: i64 = 500;
/// What one weighs, in microseconds.
const WEIGHT: i64 = 1_000_000 / A_SECOND;
/// What is remembered of a flood, in microseconds: it is over half a second after it has ended.
const REMEMBERED: i64 = 1_000_000;
/// How many are looked for at a time during a flood.
const AT_A_TIME: usize = 1;

/// Who may look.
#[derive(Debug)]
pub struct Lookups {
    /// GCRA, as in [`super::Failures`]: when what was not found is forgotten.
    forgotten_at: AtomicI64,
    turns: Semaphore,
}

impl Default for Lookups {
    fn default() -> Lookups {
        Lookups { forgotten_at: AtomicI64::new(0), turns: Semaphore::new(AT_A_TIME) }
    }
}

impl Lookups {
    /// Waits until one may look. What is given is held while looking. Those who wait are bounded by the calls
    /// in flight and by the questions of a stream that may wait.
    pub async fn turn(&self, now: Timestamp) -> Option<SemaphorePermit<'_>> {
        match self.is_flooded(now) {
            true => self.turns.acquire().await.ok(),
            false => None,
        }
    }

    /// There was no such key.
    pub fn found_nothing(&self, now: Timestamp) {
        let count = |at: i64| Some((at.max(now.0) + WEIGHT).min(now.0 + REMEMBERED));
        // Never refused.
        let _ = self.forgotten_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
    }

    fn is_flooded(&self, now: Timestamp) -> bool {
        self.forgotten_at.load(Ordering::Relaxed) - now.0 > REMEMBERED / 2
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_flood_is_looked_at_in_turn_and_ends() {
        let (lookups, start) = (Lookups::default(), Timestamp(1_800_000_000_000_000));
        for _ in 0..A_SECOND / 2 {
            assert!(lookups.turn(start).now_or_never().unwrap().is_none(), "no flood yet");
            lookups.found_nothing(start);
        }
        lookups.found_nothing(start);
        let first = lookups.turn(start).now_or_never().unwrap();
        assert!(first.is_some());
        assert!(lookups.turn(start).now_or_never().is_none(), "another one waits");
        drop(first);
        assert!(lookups.turn(start).now_or_never().unwrap().is_some());

        for _ in 0..1_000_000 {
            lookups.found_nothing(start);
        }
        let later = start.plus(Duration::from_millis(500));
        assert!(lookups.turn(later).now_or_never().unwrap().is_none(), "over");
    }
}
