//! What can be done with contacts.

use std::sync::Arc;

use svc_core::clock::Clock;
use svc_core::ids::Ids;

use super::draft::another_reference;
use super::{Contact, ContactFields, Draft, Locator, Page, PageSize, Partition, Position, Status};
use crate::error::ContactError;
use crate::store::{Store, Work};

/// The contacts of all partitions.
pub(crate) struct Contacts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Ids,
}

/// A contact to be replaced.
#[derive(Debug)]
pub(crate) struct Replacement {
    /// Which contact.
    pub(crate) locator: Locator,
    /// All that it shall hold.
    pub(crate) draft: Draft,
    /// Create the contact when no other has the reference.
    pub(crate) upsert: bool,
    /// The version that it must still have.
    pub(crate) expected_version: Option<i32>,
}

/// A contact that was replaced.
#[derive(Debug)]
pub(crate) struct Replaced {
    /// As it is now.
    pub(crate) contact: Contact,
    /// It did not exist before.
    pub(crate) created: bool,
}

impl Contacts {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, ids: Ids) -> Contacts {
        Contacts { store, clock, ids }
    }

    /// Creates a contact.
    pub(crate) async fn create(&self, partition: &Partition, draft: Draft) -> Result<Contact, ContactError> {
        let contact = self.new_contact(draft.check().map_err(ContactError::Invalid)?);
        let mut work = self.store.begin().await?;
        insert(work.as_mut(), partition, &contact).await?;
        work.commit().await?;
        Ok(contact)
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

    /// Active contacts, newest first, those that follow `after`.
    pub(crate) async fn list(
        &self,
        partition: &Partition,
        size: PageSize,
        after: Option<&Position>,
    ) -> Result<Page, ContactError> {
        Ok(self.store.list(partition, size, after).await?)
    }

    /// Replaces all that a caller may set, or creates the contact.
    pub(crate) async fn replace(
        &self,
        partition: &Partition,
        replacement: Replacement,
    ) -> Result<Replaced, ContactError> {
        let Replacement { locator, mut draft, upsert, expected_version } = replacement;
        // By our own id nothing is created: ids are ours to give.
        let may_create = upsert && matches!(locator, Locator::Reference(_));
        if let Locator::Reference(reference) = &locator {
            draft.address(reference, may_create);
        }
        let fields = draft.check().map_err(ContactError::Invalid)?;
        if !locator.can_exist() {
            return Err(ContactError::NotFound);
        }
        let mut work = self.store.begin().await?;
        let replaced = match work.find(partition, &locator).await? {
            Some(current) => {
                check_version(&current, expected_version)?;
                let contact = self.changed(current, fields)?;
                work.update(partition, &contact).await?;
                Replaced { contact, created: false }
            }
            None if !may_create => return Err(ContactError::NotFound),
            // Something was to be matched, and there is nothing.
            None if expected_version.is_some() => return Err(ContactError::VersionMismatch),
            None => {
                let contact = self.new_contact(fields);
                insert(work.as_mut(), partition, &contact).await?;
                Replaced { contact, created: true }
            }
        };
        work.commit().await?;
        Ok(replaced)
    }

    /// Deletes the contact for good.
    pub(crate) async fn delete(
        &self,
        partition: &Partition,
        locator: &Locator,
        expected_version: Option<i32>,
    ) -> Result<(), ContactError> {
        if !locator.can_exist() {
            return Err(ContactError::NotFound);
        }
        let mut work = self.store.begin().await?;
        let current = work.find(partition, locator).await?.ok_or(ContactError::NotFound)?;
        check_version(&current, expected_version)?;
        work.delete(partition, &current.id).await?;
        work.commit().await?;
        Ok(())
    }

    fn new_contact(&self, fields: ContactFields) -> Contact {
        let now = self.clock.now();
        Contact {
            id: self.ids.next(),
            fields,
            status: Status::Active,
            created_at: now,
            updated_at: now,
            archived_at: None,
            version: 1,
        }
    }

    fn changed(&self, current: Contact, fields: ContactFields) -> Result<Contact, ContactError> {
        let reference = current.fields.external_reference_id;
        if fields.external_reference_id.is_some() && fields.external_reference_id != reference {
            return Err(ContactError::Invalid(vec![another_reference()]));
        }
        Ok(Contact {
            fields: ContactFields { external_reference_id: reference, ..fields },
            // Later than before, even when the clock was set back.
            updated_at: self.clock.now().max(current.updated_at.plus(RESOLUTION)),
            version: current.version.saturating_add(1),
            ..current
        })
    }
}

/// The step of stored times.
const RESOLUTION: std::time::Duration = std::time::Duration::from_micros(1);

/// Inserts, or says which contact has the reference already.
async fn insert(work: &mut dyn Work, partition: &Partition, contact: &Contact) -> Result<(), ContactError> {
    if work.insert(partition, contact).await? {
        return Ok(());
    }
    let existing = match &contact.fields.external_reference_id {
        Some(reference) => work.find(partition, &Locator::Reference(reference.clone())).await?,
        None => None,
    };
    Err(ContactError::ReferenceTaken { existing_id: existing.map(|contact| contact.id) })
}

fn check_version(current: &Contact, expected: Option<i32>) -> Result<(), ContactError> {
    match expected {
        Some(expected) if expected != current.version => Err(ContactError::VersionMismatch),
        _ => Ok(()),
    }
}
