//! What a change waits for before it answers (rules 7 and 8).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::LEASE;
use super::fresh::Fresh;
use super::lease::millis;
use crate::limits::BootClock;
use crate::store::{Announcements, Replica};

/// How soon a barrier looks again. A replica that lives acknowledges within a few milliseconds.
const FIRST_STEP: Duration = Duration::from_millis(2);
/// How often it looks at the most while a replica does not answer.
const LAST_STEP: Duration = Duration::from_millis(20);

/// The state, and every replica that has joined. `None` when they could not be read.
type Found = Option<Arc<(i64, Vec<Replica>)>>;

/// Waits until no replica can let a request through against the state that the database has now.
pub(super) struct Barrier {
    announcements: Announcements,
    clock: Arc<dyn BootClock>,
    /// Changes that wait at the same time share reads.
    replicas: Fresh<Found>,
}

impl Barrier {
    pub(super) fn new(announcements: Announcements, clock: Arc<dyn BootClock>) -> Barrier {
        Barrier { announcements, clock, replicas: Fresh::new() }
    }

    /// Returns when each replica that is there now has applied every change that was committed before this
    /// was called, or has gone, or can have no lease from before. The last is a matter of time alone: it
    /// holds too when the database does not answer.
    pub(super) async fn settle(&self) {
        let ends = self.clock.millis().saturating_add(millis(LEASE)).saturating_add(1);
        let mut waiting: Option<Waiting> = None;
        let mut step = FIRST_STEP;
        loop {
            let left = Duration::from_millis(ends.saturating_sub(self.clock.millis()));
            if left.is_zero() {
                let replicas = waiting.map(|waiting| waiting.replicas.len());
                tracing::warn!(
                    replicas,
                    "a change waited for its time to end: a replica or the database does not answer"
                );
                return;
            }
            if let Ok(Some(found)) = timeout(left, self.replicas.get(|| self.read())).await {
                let waiting = waiting.get_or_insert_with(|| Waiting::for_all(&found));
                waiting.see(&found.1);
                if waiting.replicas.is_empty() {
                    return;
                }
            }
            sleep(step.min(left)).await;
            step = (step * 2).min(LAST_STEP);
        }
    }

    async fn read(&self) -> Found {
        let found = self.announcements.replicas().await;
        found.inspect_err(|error| super::log(error, "replicas could not be read")).ok().map(Arc::new)
    }
}

/// The replicas that a change still waits for.
#[derive(Debug)]
pub(super) struct Waiting {
    n: i64,
    pub(super) replicas: Vec<String>,
}

impl Waiting {
    /// For every replica of the first read. One that joins later begins with this state or a later one.
    pub(super) fn for_all((n, replicas): &(i64, Vec<Replica>)) -> Waiting {
        let replicas = replicas.iter().map(|replica| replica.incarnation.clone()).collect();
        Waiting { n: *n, replicas }
    }

    /// Waits no longer for those that have seen it or are gone.
    pub(super) fn see(&mut self, replicas: &[Replica]) {
        let seen: HashMap<&str, i64> = replicas.iter().map(|r| (r.incarnation.as_str(), r.seen)).collect();
        self.replicas.retain(|waiting| seen.get(waiting.as_str()).is_some_and(|seen| *seen < self.n));
    }
}
