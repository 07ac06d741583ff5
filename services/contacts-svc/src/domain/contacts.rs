//! What can be done with contacts.

mod changing;
mod creating;
mod erasing;
mod replacing;

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::Error;
use svc_core::idempotency::{Answers, IdempotentCall, Kept};
use svc_core::ids::Ids;
use svc_core::page::PageSize;
use tokio::sync::watch;

use super::phone::Phones;
use super::saving::others;
#[cfg(feature = "testing")]
use super::{Actor, ContactChange};
use super::{
    ChangesPage, Contact, ContactFields, DeclaredFields, Feed, Filter, List, Locator, Page, Partition,
    PossibleDuplicate, Reader, Sort, Status, Statuses,
};
#[cfg(feature = "testing")]
use crate::change::Changed;
use crate::change::Changes;
use crate::error::ContactError;
use crate::store::Store;

pub(crate) use changing::Change;
pub(crate) use creating::{Creation, why_not_created};
pub(crate) use erasing::{EXPIRED_AT_ONCE, HISTORY_MAX, Held, PastChange};
pub(crate) use replacing::Replacement;

/// The contacts of all partitions.
pub(crate) struct Contacts {
    pub(super) store: Arc<dyn Store>,
    pub(super) changes: Arc<Changes>,
    pub(super) fields: Arc<DeclaredFields>,
    pub(super) phones: Phones,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Ids,
    /// Counts pages that ended before their limit because of their bytes.
    pages_cut: Counter,
}

/// A contact that was created or changed.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    /// As it is now.
    pub(crate) contact: Contact,
    /// It did not exist before.
    pub(crate) created: bool,
    /// Others that may be the same person.
    pub(crate) duplicates: Vec<PossibleDuplicate>,
}

impl Saved {
    pub(super) fn new(contact: Contact, created: bool) -> Saved {
        Saved { contact, created, duplicates: Vec::new() }
    }

    pub(super) fn beside(self, found: Vec<PossibleDuplicate>) -> Saved {
        Saved { duplicates: others(found, &self.contact.id), ..self }
    }
}

impl Contacts {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        changes: Arc<Changes>,
        fields: Arc<DeclaredFields>,
        phones: Phones,
        (clock, ids): (Arc<dyn Clock>, Ids),
        pages_cut: Counter,
    ) -> Contacts {
        Contacts { store, changes, fields, phones, clock, ids, pages_cut }
    }

    /// The contact, archived or not.
    pub(crate) async fn get(
        &self,
        partition: &Partition,
        locator: &Locator,
    ) -> Result<Contact, ContactError> {
        if !locator.can_exist() {
            return Err(ContactError::NotFound);
        }
        self.store.find(partition, locator).await?.ok_or(ContactError::NotFound)
    }

    /// How phone numbers are read.
    pub(crate) fn phones(&self) -> Phones {
        self.phones
    }

    /// A page of a list.
    pub(crate) async fn list(&self, partition: &Partition, list: List) -> Result<Page, ContactError> {
        let List { filter, sort, size, after } = list;
        let page = Reader::new(&*self.store, partition, &filter, sort).page(size, after).await?;
        self.pages_cut.inc_by(u64::from(page.is_cut));
        Ok(page)
    }

    /// How many contacts a list has on all of its pages. None when it takes too long to count them.
    pub(crate) async fn total(
        &self,
        partition: &Partition,
        filter: &Filter,
    ) -> Result<Option<i64>, ContactError> {
        if filter.is_by_status_only() {
            let Feed { active, archived, .. } = self.store.feed(partition).await?;
            return Ok(Some(match filter.statuses {
                Statuses::Active => active,
                Statuses::Archived => archived,
                Statuses::Any => active + archived,
            }));
        }
        let total = Reader::new(&*self.store, partition, filter, Sort::default()).total().await?;
        Ok(total.map(|total| total as i64))
    }

    /// A page of what happened after `since`, or of all that is kept.
    pub(crate) async fn changes(
        &self,
        partition: &Partition,
        size: PageSize,
        since: Option<i64>,
    ) -> Result<ChangesPage, ContactError> {
        let page = self.store.changes(partition, size, since.unwrap_or_default()).await?;
        // Afterwards, so that nothing is deleted between the two.
        if let Some(since) = since
            && !self.store.feed(partition).await?.goes_on_after(since)
        {
            return Err(ContactError::ChangesGone);
        }
        Ok(page)
    }

    /// The number of the last change.
    pub(crate) async fn last_change(&self, partition: &Partition) -> Result<i64, ContactError> {
        Ok(self.store.feed(partition).await?.last_sequence)
    }

    /// Rings when there may be more changes ([`Changes::bell`]).
    pub(crate) fn bell(&self, partition: &Partition) -> watch::Receiver<()> {
        self.changes.bell(partition)
    }

    /// Adds contacts as they are.
    #[cfg(feature = "testing")]
    pub(crate) async fn add_all(&self, actor: &Actor, contacts: Vec<Contact>) -> Result<(), ContactError> {
        let partition = actor.partition.clone();
        self.changes
            .make(actor, |work| {
                Box::pin(async move {
                    if !work.insert_many(&partition, &contacts).await? {
                        return Err(ContactError::ReferenceTaken { existing_id: None });
                    }
                    Ok(Changed::new((), contacts.into_iter().map(ContactChange::Created).collect()))
                })
            })
            .await
    }
}

impl Answers for Contacts {
    async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, Error> {
        Ok(self.changes.kept(call).await?)
    }
}

impl Contact {
    /// A new one.
    pub(crate) fn new(id: String, fields: ContactFields, now: Timestamp) -> Contact {
        Contact {
            id,
            fields,
            status: Status::Active,
            created_at: now,
            updated_at: now,
            archived_at: None,
            version: 1,
        }
    }

    /// The next version, with what has changed of it.
    pub(crate) fn next(self, now: Timestamp) -> Contact {
        Contact {
            // Later than before, even when the clock was set back.
            updated_at: now.max(self.updated_at.plus(RESOLUTION)),
            version: self.version.saturating_add(1),
            ..self
        }
    }
}

/// The step of stored times.
const RESOLUTION: std::time::Duration = std::time::Duration::from_micros(1);
