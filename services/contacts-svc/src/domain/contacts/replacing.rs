//! Replacing a contact as a whole, or creating it.

use svc_core::clock::Timestamp;
use svc_core::precondition::Precondition;

use super::Saved;
use crate::change::Changed;
use crate::domain::draft::another_reference;
use crate::domain::saving::{WriteContext, lock_people, refuse_duplicates, take_unique_values};
use crate::domain::{
    Actor, Basis, Contact, ContactChange, ContactFields, Contacts, Draft, Locator, Reachable, Saving,
};
use crate::error::ContactError;
use crate::store::Work;

/// A contact to be replaced.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    /// Which contact.
    pub(crate) locator: Locator,
    /// All that it shall hold.
    pub(crate) draft: Draft,
    /// Create the contact when no other has the reference.
    pub(crate) upsert: bool,
    /// What must hold of its version.
    pub(crate) precondition: Precondition,
    pub(crate) saving: Saving,
}

impl Contacts {
    /// Replaces all that a caller may set, or creates the contact.
    pub(crate) async fn replace(
        &self,
        actor: &Actor,
        mut replacement: Replacement,
    ) -> Result<Saved, ContactError> {
        // By our own id nothing is created: ids are ours to give.
        replacement.upsert &= matches!(replacement.locator, Locator::Reference(_));
        if let Locator::Reference(reference) = &replacement.locator {
            replacement.draft.address(reference, replacement.upsert);
        }
        let sent = replacement.draft.reachable(self.phones);
        let found = self.alike(&actor.partition, &sent, replacement.saving.tell).await?;
        let saved = self.by_the_rules(&actor.partition, |context| {
            let (replacement, sent, new_id) = (replacement.clone(), sent.clone(), self.ids.next());
            self.changes.make(actor, |work| Box::pin(replace(work, context, replacement, sent, new_id)))
        });
        Ok(saved.await?.beside(found))
    }
}

async fn replace(
    work: &mut dyn Work,
    context: WriteContext,
    replacement: Replacement,
    sent: Reachable,
    new_id: String,
) -> Result<Changed<Saved>, ContactError> {
    let Replacement { locator, draft, upsert, precondition, saving } = replacement;
    lock_people(work, &context, saving.on_duplicate, &sent).await?;
    let found = match locator.can_exist() {
        true => work.find(&context.partition, &locator).await?,
        false => None,
    };
    let current = match found {
        Some(current) => current,
        None => {
            let checked = draft.clone().check(context.rules(), Basis::New);
            let fields = checked.map_err(ContactError::Invalid)?;
            if !upsert {
                return Err(ContactError::NotFound);
            }
            precondition.check(None)?;
            let new = Contact::new(new_id, fields, context.now());
            let by = Reachable::of(&new.fields);
            refuse_duplicates(work, &context, saving.on_duplicate, &by, &new.id).await?;
            let stored = work.insert_or_find(&context.partition, &new).await?;
            if stored.id == new.id {
                take_unique_values(work, &context, None, &stored).await?;
                let changes = vec![ContactChange::Created(stored.clone())];
                return Ok(context.judged(Changed::new(Saved::new(stored, true), changes)));
            }
            // Another caller created it at this moment, and it is replaced.
            stored
        }
    };
    precondition.check(Some(current.version))?;
    let checked = draft.check(context.rules(), Basis::Replacing(&current.fields));
    let fields = checked.map_err(ContactError::Invalid)?;
    let by = Reachable::of(&fields).without(&Reachable::of(&current.fields));
    refuse_duplicates(work, &context, saving.on_duplicate, &by, &current.id).await?;
    let contact = replaced(&current, fields, context.now())?;
    work.update(&context.partition, &contact).await?;
    take_unique_values(work, &context, Some(&current.fields), &contact).await?;
    let changes = vec![ContactChange::Changed { before: current, after: contact.clone() }];
    Ok(context.judged(Changed::new(Saved::new(contact, false), changes)))
}

/// A contact with other fields.
fn replaced(current: &Contact, fields: ContactFields, now: Timestamp) -> Result<Contact, ContactError> {
    let reference = current.fields.external_reference_id.clone();
    if fields.external_reference_id.is_some() && fields.external_reference_id != reference {
        return Err(ContactError::Invalid(vec![another_reference()]));
    }
    let fields = ContactFields { external_reference_id: reference, ..fields };
    Ok(Contact { fields, ..current.clone() }.next(now))
}
