//! Changing some fields of a contact, and whether it is in use.

use svc_core::clock::Timestamp;
use svc_core::precondition::Precondition;

use super::Saved;
use crate::change::Changed;
use crate::domain::saving::{WriteContext, lock_people, refuse_duplicates, take_unique_values};
use crate::domain::{
    Actor, Basis, Contact, ContactChange, Contacts, Locator, OnDuplicate, Partition, Patch, Reachable,
    Saving, Status,
};
use crate::error::ContactError;
use crate::store::{Work, is_taken};

/// A contact to be changed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Which contact.
    pub(crate) locator: Locator,
    pub(crate) patch: Patch,
    /// What must hold of its version.
    pub(crate) precondition: Precondition,
    pub(crate) saving: Saving,
}

impl Contacts {
    /// Changes what the patch names. One that alters nothing leaves the contact as it is.
    pub(crate) async fn change(&self, actor: &Actor, change: Change) -> Result<Saved, ContactError> {
        if !change.locator.can_exist() {
            return Err(ContactError::NotFound);
        }
        let sent = change.patch.reachable(self.phones);
        let found = self.alike(&actor.partition, &sent, change.saving.tell).await?;
        let saved = self.by_the_rules(&actor.partition, |context| {
            let (change, sent) = (change.clone(), sent.clone());
            self.changes.make(actor, |work| Box::pin(change_one(work, context, change, sent)))
        });
        match (saved.await, change.patch.reference()) {
            (Err(ContactError::ReferenceTaken { existing_id: None }), Some(reference)) => {
                let by_reference = Locator::Reference(reference.to_owned());
                let existing = self.store.find(&actor.partition, &by_reference).await?;
                Err(ContactError::ReferenceTaken { existing_id: existing.map(|contact| contact.id) })
            }
            (saved, _) => Ok(saved?.beside(found)),
        }
    }

    /// Archives the contact, or makes it active again. One that is so already stays as it is.
    pub(crate) async fn set_status(
        &self,
        actor: &Actor,
        locator: Locator,
        precondition: Precondition,
        status: Status,
    ) -> Result<Contact, ContactError> {
        if !locator.can_exist() {
            return Err(ContactError::NotFound);
        }
        let (partition, clock) = (actor.partition.clone(), self.clock.clone());
        self.changes
            .make(actor, |work| {
                Box::pin(async move {
                    set_status(work, &partition, &locator, &precondition, status, clock.now()).await
                })
            })
            .await
    }
}

async fn change_one(
    work: &mut dyn Work,
    context: WriteContext,
    change: Change,
    sent: Reachable,
) -> Result<Changed<Saved>, ContactError> {
    let Change { locator, patch, precondition, saving } = change;
    lock_people(work, &context, saving.on_duplicate, &sent).await?;
    let current = work.find(&context.partition, &locator).await?.ok_or(ContactError::NotFound)?;
    precondition.check(Some(current.version))?;
    change_found(work, &context, current, patch, saving.on_duplicate).await
}

/// Changes a contact that the work has found.
pub(super) async fn change_found(
    work: &mut dyn Work,
    context: &WriteContext,
    current: Contact,
    patch: Patch,
    on_duplicate: OnDuplicate,
) -> Result<Changed<Saved>, ContactError> {
    let checked = patch.onto(&current.fields).check(context.rules(), Basis::Changing(&current.fields));
    let fields = checked.map_err(ContactError::Invalid)?;
    let id = current.id.clone();
    if fields == current.fields {
        return Ok(Changed::no_contact(Saved::new(current, false)));
    }
    let by = Reachable::of(&fields).without(&Reachable::of(&current.fields));
    refuse_duplicates(work, context, on_duplicate, &by, &id).await?;
    let contact = Contact { fields, ..current.clone() }.next(context.now());
    match work.update(&context.partition, &contact).await {
        // Nothing else of it is unique.
        Err(error) if is_taken(&error) => return Err(ContactError::ReferenceTaken { existing_id: None }),
        updated => updated?,
    }
    take_unique_values(work, context, Some(&current.fields), &contact).await?;
    let changes = vec![ContactChange::Changed { before: current, after: contact.clone() }];
    Ok(context.judged(Changed::new(Saved::new(contact, false), changes)))
}

async fn set_status(
    work: &mut dyn Work,
    partition: &Partition,
    locator: &Locator,
    precondition: &Precondition,
    status: Status,
    now: Timestamp,
) -> Result<Changed<Contact>, ContactError> {
    let current = work.find(partition, locator).await?.ok_or(ContactError::NotFound)?;
    precondition.check(Some(current.version))?;
    if current.status == status {
        return Ok(Changed::no_contact(current));
    }
    let mut contact = Contact { status, ..current.clone() }.next(now);
    contact.archived_at = match status {
        Status::Archived => Some(contact.updated_at),
        Status::Active => None,
    };
    work.update(partition, &contact).await?;
    let changes = vec![ContactChange::Changed { before: current, after: contact.clone() }];
    Ok(Changed::new(contact, changes))
}
