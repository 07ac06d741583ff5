//! Deleting a contact with all that is held of the person, and handing that out before.

use std::time::Duration;

use svc_core::clock::Timestamp;
use svc_core::erasure::Erased;
use svc_core::page::PageSize;
use svc_core::precondition::Precondition;

use super::RESOLUTION;
use crate::change::Changed;
use crate::domain::deeds;
use crate::domain::{
    Actor, ChangeKind, Contact, ContactChange, Contacts, File, FilePosition, Locator, Partition, Status,
};
use crate::error::ContactError;
use crate::store::Work;

/// How many archived contacts whose time has come are looked for at once.
pub(crate) const EXPIRED_AT_ONCE: usize = 100;
/// Who deletes what is archived for too long.
const RETENTION: &str = "retention";

/// How many files are read at once.
const FILES_AT_ONCE: i32 = 100;
/// The most changes that an export has.
pub(crate) const HISTORY_MAX: usize = 10_000;

/// One thing that happened to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastChange {
    pub(crate) kind: ChangeKind,
    pub(crate) version: i32,
    pub(crate) changed_at: Timestamp,
    /// The key or the member that made it.
    pub(crate) actor_id: Option<String>,
}

/// All that is held on a contact.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) contact: Contact,
    /// Oldest first.
    pub(crate) files: Vec<File>,
    /// Oldest first.
    pub(crate) changes: Vec<PastChange>,
    /// When it was so.
    pub(crate) at: Timestamp,
}

impl Contacts {
    /// All that is held on the contact, handed out to this member.
    pub(crate) async fn hand_out(&self, actor: &Actor, locator: &Locator) -> Result<Held, ContactError> {
        let held = self.held(&actor.partition, locator).await?;
        // Before it is: nothing leaves that the audit log does not tell of.
        let deed = deeds::contact_exported(&held.contact.id);
        let told =
            self.changes.make(actor, |_| Box::pin(async move { Ok(Changed::no_contact(()).told(deed)) }));
        told.await?;
        Ok(held)
    }

    /// All that is held on the contact.
    pub(crate) async fn held(&self, partition: &Partition, locator: &Locator) -> Result<Held, ContactError> {
        let contact = self.get(partition, locator).await?;
        let changes = self.store.history(partition, &contact.id).await?;
        // A contact has a bounded number of files.
        let size = PageSize::new(Some(FILES_AT_ONCE)).map_err(|wrong| ContactError::Invalid(vec![wrong]))?;
        let (mut files, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list_files(partition, &contact.id, size, after.as_ref()).await?;
            after = page.files.last().map(FilePosition::of).filter(|_| page.has_more);
            files.extend(page.files);
            if after.is_none() {
                break;
            }
        }
        files.reverse();
        Ok(Held { contact, files, changes, at: self.clock.now() })
    }

    /// Deletes the contact for good.
    pub(crate) async fn delete(
        &self,
        actor: &Actor,
        locator: Locator,
        precondition: Precondition,
    ) -> Result<(), ContactError> {
        if !locator.can_exist() {
            return Err(ContactError::NotFound);
        }
        let (partition, clock) = (actor.partition.clone(), self.clock.clone());
        self.changes
            .make(actor, |work| {
                Box::pin(async move {
                    let current = work.find(&partition, &locator).await?.ok_or(ContactError::NotFound)?;
                    precondition.check(Some(current.version))?;
                    erase(work, &partition, current, clock.now()).await
                })
            })
            .await
    }

    /// Deletes contacts that were archived at `before` or earlier, and says how many: at most
    /// [`EXPIRED_AT_ONCE`], each in a transaction of its own.
    pub(crate) async fn delete_archived(&self, kept_for: Duration) -> Result<usize, ContactError> {
        let now = self.clock.now();
        let kept_for = i64::try_from(kept_for.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp(now.0.saturating_sub(kept_for));
        let expired = self.store.expired(before, EXPIRED_AT_ONCE as i64).await?;
        let found = expired.len();
        for (partition, id) in expired {
            let actor = Actor { partition, actor_id: RETENTION.to_owned(), request_id: None, member: None };
            let partition = actor.partition.clone();
            let deleted = self.changes.make(&actor, |work| {
                Box::pin(async move {
                    let current = work.find(&partition, &Locator::Id(id)).await?;
                    match current {
                        // Nobody has made it active again meanwhile.
                        Some(current) if is_expired(&current, before) => {
                            erase(work, &partition, current, now).await
                        }
                        _ => Err(ContactError::NotFound),
                    }
                })
            });
            match deleted.await {
                Ok(()) | Err(ContactError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

fn is_expired(contact: &Contact, before: Timestamp) -> bool {
    contact.status == Status::Archived && contact.archived_at.is_some_and(|at| at <= before)
}

/// All that is held of a person goes with the contact: its unique values by the foreign key, the answers that are
/// kept for repeats of calls and its files here. The bytes of these are collected, and whoever has made something of them
/// is told.
async fn erase(
    work: &mut dyn Work,
    partition: &Partition,
    contact: Contact,
    now: Timestamp,
) -> Result<Changed<()>, ContactError> {
    work.forget_answers(partition, &contact.id).await?;
    let files = work.delete_files_of(partition, &contact.id, now).await?;
    work.delete(partition, &contact.id).await?;
    // Later than before, even when the clock was set back.
    let at = now.max(contact.updated_at.plus(RESOLUTION));
    let deed = deeds::contact_deleted(&contact.id);
    let deleted = Changed::new((), vec![ContactChange::Deleted { before: contact, at }]).told(deed);
    Ok(if files.is_empty() { deleted } else { deleted.erasing(Erased::ContactFiles(files)) })
}
