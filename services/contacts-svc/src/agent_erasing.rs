//! Deletes all that is held of agents that are gone: auth-svc says so ([ADR 36](../../../docs/adr/0036-erasures.md)).
//!
//! Taking an erasure notes it, and tells extraction-svc in the same transaction. What there is of the agent is deleted in
//! the background, in transactions of some rows each: first its webhooks, so that nobody is told of the rest, then its
//! contacts as whoever deletes one does it, then all else. It is looked for more when no call can be under way any more that
//! makes some. Several replicas may do so at once.

use std::sync::Arc;
use std::time::Duration;

use svc_core::clock::Clock;
use svc_core::erasure::Erased;
use svc_core::error::{Error, cause};
use svc_webhooks::Webhooks;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::change::{Changed, Changes};
use crate::domain::{Actor, Partition};
use crate::error::ContactError;
use crate::store::{AgentErasure, Left, Store};

/// How often it is looked for what other replicas have taken, and for what is to be looked at once more.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many agents are looked after in one round.
const AGENTS_AT_ONCE: i64 = 50;
/// How much is deleted in one transaction. SQLite has one writer, for which requests wait meanwhile.
const CONTACTS_AT_ONCE: i64 = 25;
const ROWS_AT_ONCE: i64 = 500;
/// After so many transactions the next agent has its turn.
const TURN: usize = 50;
/// Who deletes it.
const ERASURE: &str = "erasure";

/// Deletes what is held of agents that are gone.
pub(crate) struct AgentEraser {
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
    webhooks: Arc<Webhooks>,
    clock: Arc<dyn Clock>,
    taken: Notify,
}

/// What came of a turn of an agent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There may be more to delete.
    GoesOn,
    /// There is nothing to do at this moment.
    Ended,
    /// What is left is somebody else's at this moment.
    Busy,
}

impl AgentEraser {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        changes: Arc<Changes>,
        webhooks: Arc<Webhooks>,
        clock: Arc<dyn Clock>,
    ) -> AgentEraser {
        AgentEraser { store, changes, webhooks, clock, taken: Notify::new() }
    }

    /// An agent is gone.
    pub(crate) async fn take(&self, of: Partition) -> Result<(), ContactError> {
        let (actor, now) = (actor(&of), self.clock.now());
        let taken = self.changes.make(&actor, |work| {
            Box::pin(async move {
                let is_new = work.take_agent_erasure(&of, now).await?;
                let noted = Changed::no_contact(());
                Ok(if is_new { noted.erasing(Erased::Agent) } else { noted })
            })
        });
        taken.await?;
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

    /// Looks after some agents that are gone, and says whether there may be more to do at once.
    pub(crate) async fn look(&self) -> Result<bool, ContactError> {
        let due = self.store.agent_erasures_due(self.clock.now(), AGENTS_AT_ONCE).await?;
        let (mut goes_on, mut has_moved) = (due.len() as i64 == AGENTS_AT_ONCE, false);
        for erasure in due {
            match self.turn(&erasure).await {
                Ok(Turn::GoesOn) => (goes_on, has_moved) = (true, true),
                Ok(Turn::Ended) => has_moved = true,
                Ok(Turn::Busy) => {}
                // The others are not held up.
                Err(error) => {
                    let agent_id = erasure.of.agent_id;
                    tracing::warn!(agent.id = agent_id, error = %error, cause = %cause(&error), "an agent is not erased");
                }
            }
        }
        Ok(goes_on && has_moved)
    }

    async fn turn(&self, erasure: &AgentErasure) -> Result<Turn, Error> {
        for _ in 0..TURN {
            let begun = Instant::now();
            if !self.some_of(&erasure.of).await? {
                return Ok(self.end(erasure).await?);
            }
            // SQLite has one writer: others have as much of it.
            sleep(begun.elapsed()).await;
        }
        Ok(Turn::GoesOn)
    }

    /// Deletes some of what there is of an agent. `false`: it has found nothing that it could have.
    async fn some_of(&self, of: &Partition) -> Result<bool, Error> {
        if self.webhooks.erase_some(of, ROWS_AT_ONCE).await? > 0 {
            return Ok(true);
        }
        let (actor, of, now) = (actor(of), of.clone(), self.clock.now());
        let deleted = self.changes.make(&actor, |work| {
            Box::pin(async move {
                let mut rows = work.erase_contacts(&of, CONTACTS_AT_ONCE, now).await?;
                if rows == 0 {
                    rows = work.erase_imports(&of, ROWS_AT_ONCE).await?;
                }
                if rows == 0 {
                    rows = work.erase_changes(&of, ROWS_AT_ONCE).await?;
                }
                Ok(Changed::no_contact(rows))
            })
        });
        Ok(deleted.await? > 0)
    }

    async fn end(&self, erasure: &AgentErasure) -> Result<Turn, ContactError> {
        let (actor, of, now) = (actor(&erasure.of), erasure.clone(), self.clock.now());
        let ended = self.changes.make(&actor, |work| {
            Box::pin(async move { Ok(Changed::no_contact(work.end_agent_erasure(&of, now).await?)) })
        });
        Ok(match ended.await? {
            Left::Some => Turn::Busy,
            Left::None => {
                let Partition { organization_id, agent_id } = &erasure.of;
                tracing::info!(organization.id = organization_id, agent.id = agent_id, "an agent is erased");
                Turn::Ended
            }
            Left::Over => Turn::Ended,
        })
    }
}

fn actor(of: &Partition) -> Actor {
    Actor { partition: of.clone(), actor_id: ERASURE.to_owned(), request_id: None, member: None }
}
