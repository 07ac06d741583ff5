//! Writing the rows of imports, a group a transaction, two groups at a time.
//!
//! While a group becomes visible, the next one is decided and its contacts are written: two connections of the
//! database have work. What orders groups stays one after the other: a group is counted, and takes its numbers in the
//! feed of changes, only when the one before it is committed.
//!
//! A group that goes ahead does not see what the one before it has not committed. Where both write the same contact,
//! it waits for its row or is refused by a unique index, and then it is made again behind the other. Where only a look
//! at contacts that are not there yet would tell (possible duplicates, values that one contact may have), no group goes
//! ahead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use svc_core::clock::{Clock, Timestamp};
use svc_core::idempotency::Repeat;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::content::Stand;
use super::rehearsed::Rehearsed;
use super::run::Group;
use super::{ERRORS_KEPT, Import, ImportStatus, Problem, RowError};
use crate::change::Changed;
use crate::domain::bulk::{Batch, Manner, Outcome};
use crate::domain::saving::WriteContext;
use crate::domain::{Actor, Contacts, OnDuplicate};
use crate::error::ContactError;
use crate::store::ImportStore;

/// How often a group of rows is written where the database fails for a moment.
const TRIES: u32 = 6;
/// How long the first pause between tries is. Each is twice the one before.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a group that went ahead holds what it has locked while it waits for the one before it: that one may be
/// waiting for somebody who waits for these locks. Less than a database lets a transaction idle.
const AHEAD_MAX: Duration = Duration::from_secs(1);

/// Behind so many rows the database counts its tables: PostgreSQL does so by itself within a minute or two, and plans
/// until then for what there was before.
const COUNTED_BEHIND: [i64; 4] = [5_000, 50_000, 500_000, 5_000_000];

/// What writing stands on.
pub(super) struct Writing {
    pub(super) contacts: Arc<Contacts>,
    pub(super) store: Arc<dyn ImportStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) actor: Actor,
    pub(super) manner: Manner,
    /// What a dry run would have created.
    pub(super) rehearsed: Arc<Mutex<Rehearsed>>,
}

/// Writes groups in order.
pub(super) struct Writer {
    writing: Arc<Writing>,
    last: Last,
}

/// What stands before the next group.
enum Last {
    /// The import as it is stored.
    Written(Box<Import>),
    /// A group that is being written.
    Busy { stage: watch::Receiver<Stage>, task: JoinHandle<Result<Import, ContactError>> },
}

/// How far a group is. When it has failed, there is no sender any more.
enum Stage {
    /// It reads, locks and writes contacts.
    Deciding,
    /// It only has to be made visible, and locks nothing more that another group could have.
    Decided,
    /// It is committed: the import as it is stored.
    Written(Box<Import>),
}

/// What a group is counted on.
#[derive(Clone)]
enum Before {
    Written(Box<Import>),
    /// A group that is not committed yet.
    Ahead(watch::Receiver<Stage>),
}

impl Before {
    /// The import with the group before, as soon as that is committed. Whoever goes ahead gives way where that is
    /// made again, fails or takes too long.
    async fn import(&mut self) -> Result<Import, ContactError> {
        let stage = match self {
            Before::Written(import) => return Ok((**import).clone()),
            Before::Ahead(stage) => stage,
        };
        let ended = timeout(AHEAD_MAX, stage.wait_for(|stage| !matches!(stage, Stage::Decided))).await;
        match ended {
            Ok(Ok(stage)) => match &*stage {
                Stage::Written(import) => Ok((**import).clone()),
                Stage::Deciding | Stage::Decided => Err(ContactError::Overtaken),
            },
            Ok(Err(_)) | Err(_) => Err(ContactError::Overtaken),
        }
    }
}

impl Writer {
    pub(super) fn new(writing: Writing, import: Import) -> Writer {
        Writer { writing: Arc::new(writing), last: Last::Written(Box::new(import)) }
    }

    /// Begins to write a group, as soon as the one before it locks nothing more. An error is of that one or of one
    /// before it.
    pub(super) async fn write(self, group: Group, stand: Stand) -> Result<Writer, ContactError> {
        let Writer { writing, mut last } = self;
        if let Last::Busy { stage, task } = &mut last
            && stage.wait_for(|stage| !matches!(stage, Stage::Deciding)).await.is_err()
        {
            let import = task.await.map_err(|_| ContactError::Overtaken)??;
            last = Last::Written(Box::new(import));
        }
        let (sender, stage) = watch::channel(Stage::Deciding);
        let next = writing.clone();
        let task = tokio::spawn(async move { next.group(last, group, stand, false, sender).await });
        Ok(Writer { writing, last: Last::Busy { stage, task } })
    }

    /// Writes the last group, and that the import has ended.
    pub(super) async fn end(self, group: Group, stand: Stand) -> Result<Import, ContactError> {
        let (sender, _) = watch::channel(Stage::Deciding);
        self.writing.group(self.last, group, stand, true, sender).await
    }

    /// Waits for what is being written.
    pub(super) async fn settle(self) {
        if let Last::Busy { task, .. } = self.last {
            // What it comes to is stored.
            let _ = task.await;
        }
    }
}

/// A group, and how it ends.
#[derive(Clone)]
struct Turn {
    group: Arc<Group>,
    /// Where the content stands behind it.
    stand: Stand,
    is_last: bool,
    stage: Arc<watch::Sender<Stage>>,
}

impl Writing {
    /// Writes a group, and how far the import has come with it.
    async fn group(
        &self,
        last: Last,
        group: Group,
        stand: Stand,
        is_last: bool,
        stage: watch::Sender<Stage>,
    ) -> Result<Import, ContactError> {
        let turn = Turn { group: Arc::new(group), stand, is_last, stage: Arc::new(stage) };
        let import = match last {
            Last::Written(import) => self.write(*import, &turn, false).await?,
            Last::Busy { stage, task } => {
                let ahead = match turn.group.rows() {
                    0 => None,
                    _ => Some(self.try_write(Before::Ahead(stage), &turn).await),
                };
                let before = task.await.map_err(|_| ContactError::Overtaken)??;
                match ahead {
                    Some(Ok(import)) => import,
                    ahead => self.write(before, &turn, ahead.is_some()).await?,
                }
            }
        };
        turn.stage.send_replace(Stage::Written(Box::new(import.clone())));
        let (after, rows) = (import.counts.rows, i64::try_from(turn.group.rows()).unwrap_or_default());
        let these = after - rows + 1..=after;
        if !import.dry_run && COUNTED_BEHIND.iter().any(|row| these.contains(row)) {
            // An import goes on without.
            if let Err(error) = self.store.count_tables().await {
                tracing::debug!(error = %error, "tables are not counted");
            }
        }
        Ok(import)
    }

    /// Writes a group behind all that are before it.
    async fn write(&self, before: Import, turn: &Turn, tried: bool) -> Result<Import, ContactError> {
        let (mut pause, mut tries, mut tried) = (PAUSE, 0, tried);
        loop {
            if tried && let Some(stored) = self.stored(&before, turn).await {
                return Ok(stored);
            }
            let error = match self.try_write(Before::Written(Box::new(before.clone())), turn).await {
                Ok(import) => return Ok(import),
                Err(error) => error,
            };
            tries += 1;
            if tries == TRIES || !error.may_pass() {
                return Err(error);
            }
            tracing::debug!(error = %error, "rows of an import are written again");
            sleep(pause).await;
            pause *= 2;
            tried = true;
        }
    }

    /// The import, if the group was committed although nobody said so.
    async fn stored(&self, before: &Import, turn: &Turn) -> Option<Import> {
        let stored = self.store.find(&self.actor.partition, &before.id).await.ok()??;
        let is_it = stored.runner == before.runner && stored.stand == turn.stand;
        // A group without rows stands where the one before it does.
        let is_further = turn.group.rows() > 0 || stored.status != ImportStatus::Running;
        (is_it && is_further).then_some(stored)
    }

    async fn try_write(&self, before: Before, turn: &Turn) -> Result<Import, ContactError> {
        let contacts = &self.contacts;
        contacts
            .by_the_rules(&self.actor.partition, |context| {
                let (mut before, turn) = (before.clone(), turn.clone());
                let (manner, ids, now) = (self.manner, contacts.ids.clone(), self.clock.now());
                let rehearsed = self.rehearsed.clone();
                contacts.changes.make(&self.actor, move |work| {
                    Box::pin(async move {
                        // Whoever went ahead of this try gives way.
                        turn.stage.send_replace(Stage::Deciding);
                        if sees_all(&context, manner) {
                            before = Before::Written(Box::new(before.import().await?));
                        }
                        let batch = Batch { context: &context, manner, ids: &ids };
                        let (mut outcomes, changes) = batch.run(work, &turn.group.upserts).await?;
                        if manner.dry_run {
                            let mut rehearsed = rehearsed.lock().unwrap_or_else(PoisonError::into_inner);
                            rehearsed.go_on(turn.stand.position, &turn.group.upserts, &mut outcomes);
                        }
                        let before = before.import().await?;
                        turn.stage.send_replace(Stage::Decided);
                        let (import, errors) = counted(before, &turn, outcomes, now);
                        match work.save_import(&context.partition, &import, &errors).await? {
                            true => Ok(context.judged(Changed::new(import, changes))),
                            false => Err(Repeat::InProgress.into()),
                        }
                    })
                })
            })
            .await
    }
}

/// Whether a group is decided by contacts that it would not wait for: all before it must be committed.
fn sees_all(context: &WriteContext, manner: Manner) -> bool {
    manner.on_duplicate != OnDuplicate::Allow
        || manner.dry_run
        || context.rules().set.unique().next().is_some()
}

/// How far the import has come with these rows, and which of them were refused.
fn counted(before: Import, turn: &Turn, outcomes: Vec<Outcome>, now: Timestamp) -> (Import, Vec<RowError>) {
    let Turn { group, is_last, .. } = turn;
    let mut counts = before.counts;
    let mut errors = group.errors.clone();
    for (line, outcome) in group.lines.iter().zip(outcomes) {
        match outcome {
            Outcome::Created(_) => counts.created += 1,
            Outcome::Updated(_) => counts.updated += 1,
            Outcome::Unchanged(_) => counts.unchanged += 1,
            Outcome::Failed(error) => errors.push(RowError { line: *line, problem: Problem::of(error) }),
            Outcome::NotApplied => {}
        }
    }
    errors.sort_by_key(|error| error.line);
    let room = usize::try_from(ERRORS_KEPT - counts.failed).unwrap_or_default();
    counts.failed += errors.len() as i64;
    counts.rows += group.rows() as i64;
    errors.truncate(room);
    let import = Import {
        counts,
        stand: turn.stand.clone(),
        status: if *is_last { ImportStatus::Finished } else { ImportStatus::Running },
        updated_at: if group.rows() > 0 { now } else { before.updated_at },
        finished_at: is_last.then_some(now),
        seen_at: now,
        ..before
    };
    (import, errors)
}
