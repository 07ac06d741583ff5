//! Removing what is not needed any more: rows of dead replicas (rule 9), changes of long ago.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::LEASE;
use super::lease::millis;
use crate::limits::BootClock;
use crate::store::{Announcements, Replica, StoreError};

/// How often.
const EVERY: Duration = Duration::from_millis(500);
/// For how long a row stays as it is before its replica is dead: 2 L.
const DEAD_AFTER: Duration = Duration::from_secs(2 * LEASE.as_secs());
/// How long a change is kept. A replica that was paused for longer reads everything again.
const KEEP_CHANGES: Duration = Duration::from_secs(3_600);

/// What this replica remembers of all rows, by its own clock. No times are stored.
pub(super) struct Sweep {
    announcements: Announcements,
    clock: Arc<dyn BootClock>,
    /// The beat of each row, and since when it has been seen unchanged.
    beats: HashMap<String, (i64, u64)>,
    /// A state, and since when it has been seen.
    mark: Option<(i64, u64)>,
}

impl Sweep {
    pub(super) fn new(announcements: Announcements, clock: Arc<dyn BootClock>) -> Sweep {
        Sweep { announcements, clock, beats: HashMap::new(), mark: None }
    }

    /// Sweeps until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.sweep().await {
                // The polls, which fail too, say so louder.
                tracing::debug!(error = %error, "nothing could be swept");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(EVERY) => {}
            }
        }
    }

    pub(super) async fn sweep(&mut self) -> Result<(), StoreError> {
        let before = self.clock.millis();
        let (n, replicas) = self.announcements.replicas().await?;
        let after = self.clock.millis();
        for (incarnation, beat) in self.dead(&replicas, before, after) {
            if self.announcements.remove(&incarnation, beat).await? {
                tracing::warn!(
                    incarnation,
                    "a replica has not polled for long: changes no longer wait for it"
                );
            }
        }
        if let Some(n) = self.old(n, before, after) {
            self.announcements.prune(n).await?;
        }
        Ok(())
    }

    /// The rows that were seen unchanged for long enough, from a read that ended at `after` to one that
    /// began at `before`.
    fn dead(&mut self, replicas: &[Replica], before: u64, after: u64) -> Vec<(String, i64)> {
        let mut dead = Vec::new();
        let mut beats = HashMap::with_capacity(replicas.len());
        for Replica { incarnation, beat, .. } in replicas {
            let since = match self.beats.get(incarnation) {
                Some((same, since)) if same == beat => *since,
                _ => after,
            };
            if before.saturating_sub(since) >= millis(DEAD_AFTER) {
                dead.push((incarnation.clone(), *beat));
            }
            beats.insert(incarnation.clone(), (*beat, since));
        }
        self.beats = beats;
        dead
    }

    /// The state before which changes are old, once an hour.
    fn old(&mut self, n: i64, before: u64, after: u64) -> Option<i64> {
        match self.mark {
            // Also from an n that the database has gone back behind.
            Some((marked, since)) if marked <= n => {
                if before.saturating_sub(since) < millis(KEEP_CHANGES) {
                    return None;
                }
                self.mark = Some((n, after));
                Some(marked)
            }
            _ => {
                self.mark = Some((n, after));
                None
            }
        }
    }
}
