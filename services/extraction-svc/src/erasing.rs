//! Deletes what is held of an agent that is gone, and of files of contacts that are: another service says so
//! ([ADR 36](../../../docs/adr/0036-erasures.md)).
//!
//! Taking an erasure writes it down. What it is about is deleted in the background, some jobs in each transaction, and looked
//! for once more when no call can be under way that makes more of it. Several replicas may do so at once.

use std::sync::Arc;
use std::time::Duration;

use svc_core::erasure::Erasure;
use svc_core::error::cause;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::error::ExtractionError;
use crate::parts::Parts;
use crate::store::{Look, Taken};

/// How often it is looked for what other replicas have taken, and for what is to be looked at once more.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many erasures are looked after in one round.
const AT_ONCE: i64 = 50;
/// How many jobs are deleted in one transaction. A document may have a hundred parts of 1 MiB.
const JOBS_AT_ONCE: i64 = 10;
/// After so many transactions the next erasure has its turn.
const TURN: usize = 20;

/// Deletes what another service says is gone.
pub(crate) struct Eraser {
    parts: Parts,
    taken: Notify,
}

impl Eraser {
    pub(crate) fn new(parts: Parts) -> Eraser {
        Eraser { parts, taken: Notify::new() }
    }

    /// Takes erasures.
    pub(crate) async fn take(&self, erasures: Vec<Erasure>) -> Result<(), ExtractionError> {
        let now = self.parts.clock.now();
        let work = self.parts.changes.make(|work| {
            Box::pin(async move {
                for erasure in &erasures {
                    work.take_erasure(erasure, now).await?;
                }
                Ok(())
            })
        });
        work.await?;
        self.taken.notify_one();
        Ok(())
    }

    /// Deletes what is to be deleted, until it is to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            match stop.run_until_cancelled(self.look()).await {
                Some(Ok(true)) => continue,
                Some(Ok(false)) => {}
                // What is left is deleted next time.
                Some(Err(error)) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "nothing can be erased");
                }
                None => return,
            }
            if stop.run_until_cancelled(timeout(LOOK_EVERY, self.taken.notified())).await.is_none() {
                return;
            }
        }
    }

    /// Looks after some erasures, and says whether there may be more to do at once.
    pub(crate) async fn look(&self) -> Result<bool, ExtractionError> {
        let due = self.parts.store.erasures_due(self.parts.clock.now(), AT_ONCE).await?;
        let (mut goes_on, mut has_moved) = (due.len() as i64 == AT_ONCE, false);
        for taken in due {
            let id = taken.id.clone();
            match self.some_of(taken).await {
                Ok(Look::Deleted) => (goes_on, has_moved) = (true, true),
                Ok(Look::None | Look::Over) => has_moved = true,
                Ok(Look::Busy) => {}
                // The others are not held up.
                Err(error) => {
                    tracing::warn!(erasure.id = id, error = %error, cause = %cause(&error), "jobs are not erased");
                }
            }
        }
        Ok(goes_on && has_moved)
    }

    /// Deletes some of the jobs that an erasure is about.
    async fn some_of(&self, taken: Taken) -> Result<Look, ExtractionError> {
        let mut look = Look::None;
        for _ in 0..TURN {
            let (begun, taken, now) = (Instant::now(), taken.clone(), self.parts.clock.now());
            let work = self
                .parts
                .changes
                .make(|work| Box::pin(async move { Ok(work.erase(&taken, JOBS_AT_ONCE, now).await?) }));
            look = work.await?;
            if look != Look::Deleted {
                break;
            }
            self.parts.bells.taught.notify_one();
            // SQLite has one writer: others have as much of it.
            sleep(begun.elapsed()).await;
        }
        Ok(look)
    }
}
