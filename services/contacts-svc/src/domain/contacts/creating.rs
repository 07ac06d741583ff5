//! Creating a contact.

use svc_core::idempotency::{IdempotentCall, Kept, Once};

use super::Saved;
use crate::change::{Changed, Newcomer};
use crate::domain::contacts::changing::change_found;
use crate::domain::custom_fields::unique_values;
use crate::domain::saving::{WriteContext, lock_people, others};
use crate::domain::{
    Actor, Basis, Contact, Contacts, Draft, Locator, OnDuplicate, Partition, PossibleDuplicate, Reachable,
    Saving, UniqueValue,
};
use crate::error::ContactError;
use crate::store::{Created, StoreError, Work};

/// A contact to be created.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) draft: Draft,
    pub(crate) saving: Saving,
    /// The call that takes effect once, if it is one.
    pub(crate) once: Option<IdempotentCall>,
    /// What is kept of its answer.
    pub(crate) keep: fn(&Saved) -> Kept,
}

impl Contacts {
    /// Creates a contact or, where the caller wants that, changes the one that it may be.
    pub(crate) async fn create(&self, actor: &Actor, creation: Creation) -> Result<Saved, ContactError> {
        let Creation { draft, saving, once, keep } = creation;
        let sent = draft.reachable(self.phones);
        let found = self.alike(&actor.partition, &sent, saving.tell).await?;
        self.by_the_rules(&actor.partition, |context| {
            let (draft, found, once) = (draft.clone(), found.clone(), once.clone());
            async move {
                let checked = draft.clone().check(context.rules(), Basis::New);
                let fields = checked.map_err(ContactError::Invalid)?;
                let new = Contact::new(self.ids.next(), fields, context.now());
                if saving.on_duplicate == OnDuplicate::Allow {
                    return self.create_whoever_is_there(actor, &context, new, found, (once, keep)).await;
                }
                let once = Once::of(once, keep);
                self.changes
                    .make_once(actor, once, |work| Box::pin(create(work, context, new, draft, saving, found)))
                    .await
            }
        })
        .await
    }

    /// Creates a contact, whoever else may be the same person: nothing but what only one contact may have decides, so it
    /// is done together with others.
    async fn create_whoever_is_there(
        &self,
        actor: &Actor,
        context: &WriteContext,
        new: Contact,
        found: Vec<PossibleDuplicate>,
        (once, keep): (Option<IdempotentCall>, fn(&Saved) -> Kept),
    ) -> Result<Saved, ContactError> {
        let values = unique_values(&new.fields.custom_fields, context.rules());
        let saved = Saved::new(new.clone(), true).beside(found);
        let once = once.map(|call| (call, keep(&saved)));
        let newcomer = Newcomer { contact: new, values, judged_by: context.revision(), once };
        self.changes.create(actor, newcomer).await?;
        Ok(saved)
    }
}

/// Creates a contact unless another one may be the same person.
async fn create(
    work: &mut dyn Work,
    context: WriteContext,
    new: Contact,
    draft: Draft,
    saving: Saving,
    found: Vec<PossibleDuplicate>,
) -> Result<Changed<Saved>, ContactError> {
    let by = Reachable::of(&new.fields);
    lock_people(work, &context, saving.on_duplicate, &by).await?;
    let alike = others(work.alike(&context.partition, &by).await?, &new.id);
    match (saving.on_duplicate, alike.as_slice()) {
        (_, []) => {}
        (OnDuplicate::Update, [other]) => return update(work, &context, other, draft).await,
        (OnDuplicate::Update, _) => return Err(ContactError::SeveralDuplicates(alike)),
        (_, [other, ..]) => return Err(ContactError::PossibleDuplicate(other.clone())),
    }
    let values = unique_values(&new.fields.custom_fields, context.rules());
    let saved = Saved::new(new.clone(), true).beside(found);
    Ok(context.judged(Changed::creating(saved, new, values)))
}

/// Changes the contact that the new one may be: what has a value replaces what it holds.
async fn update(
    work: &mut dyn Work,
    context: &WriteContext,
    other: &PossibleDuplicate,
    draft: Draft,
) -> Result<Changed<Saved>, ContactError> {
    let patch = draft.into_patch();
    // Whoever has another reference is another contact to the caller.
    let has_another = patch.reference().is_some_and(|reference| {
        other.external_reference_id.as_deref().is_some_and(|theirs| theirs != reference)
    });
    if has_another {
        return Err(ContactError::PossibleDuplicate(other.clone()));
    }
    let current = work.find(&context.partition, &Locator::Id(other.id.clone())).await?;
    // It was there a moment ago: whoever deletes it comes first.
    let current = current.ok_or(ContactError::FieldsChanged)?;
    change_found(work, context, current, patch, OnDuplicate::Allow).await
}

/// Why a contact was not created: which other one has its reference, or a value that no two contacts have.
pub(crate) async fn why_not_created(
    work: &mut dyn Work,
    partition: &Partition,
    contact: &Contact,
    values: &[UniqueValue],
    refused: Created,
) -> Result<ContactError, StoreError> {
    if refused == Created::ReferenceTaken {
        let existing = match &contact.fields.external_reference_id {
            Some(reference) => work.find(partition, &Locator::Reference(reference.clone())).await?,
            None => None,
        };
        return Ok(ContactError::ReferenceTaken { existing_id: existing.map(|contact| contact.id) });
    }
    let holders = work.holders(partition, &values.iter().cloned().collect()).await?;
    let others = holders.into_iter().filter(|(_, holder)| *holder != contact.id);
    let first = others.min_by(|(one, _), (other, _)| one.cmp(other));
    // Whoever had it may be gone since, but then the value is free for a next try, not for this one.
    let key = first.as_ref().map(|(value, _)| value).or(values.first()).map(|value| value.key.clone());
    Ok(ContactError::ValueTaken {
        key: key.unwrap_or_default(),
        existing_id: first.map(|(_, holder)| holder),
    })
}
