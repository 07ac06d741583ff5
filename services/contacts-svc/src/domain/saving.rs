//! What every write of a contact has in common: the rules that it is judged by, possible duplicates, and the values
//! that no two contacts have.

use std::future::Future;
use std::sync::Arc;

use svc_core::clock::{Clock, Timestamp};

use super::custom_fields::unique_values;
use super::phone::Phones;
use super::{
    Contact, ContactFields, Contacts, DUPLICATES_MAX, FieldSet, OnDuplicate, Partition, PossibleDuplicate,
    Reachable, Rules,
};
use crate::change::Changed;
use crate::error::ContactError;
use crate::store::Work;

/// How often a write is begun again because the fields of its agent have changed meanwhile. They change when a
/// member wants it.
const TRIES: usize = 5;

/// What a write stands on.
#[derive(Clone)]
pub(crate) struct WriteContext {
    pub(crate) partition: Partition,
    /// The fields of the agent, as this replica knows them.
    set: Arc<FieldSet>,
    phones: Phones,
    clock: Arc<dyn Clock>,
}

impl WriteContext {
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules { set: &self.set, phones: self.phones }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The revision of the fields.
    pub(crate) fn revision(&self) -> i64 {
        self.set.revision
    }

    /// A change that holds only if nobody has changed the fields of the agent since it was judged by them.
    pub(crate) fn judged<T>(&self, changed: Changed<T>) -> Changed<T> {
        changed.judged_by(self.set.revision)
    }
}

impl Contacts {
    /// Makes a write by the rules as this replica knows them, and again by newer ones where it does not hold
    /// against these.
    pub(crate) async fn by_the_rules<T, F>(
        &self,
        partition: &Partition,
        write: impl Fn(WriteContext) -> F,
    ) -> Result<T, ContactError>
    where
        F: Future<Output = Result<T, ContactError>>,
    {
        let mut context = WriteContext {
            partition: partition.clone(),
            set: self.fields.known(partition).await?,
            phones: self.phones,
            clock: self.clock.clone(),
        };
        for _ in 1..TRIES {
            let refused = match write(context.clone()).await {
                Err(error) if error.is_judged_by_fields() => error,
                answer => return answer,
            };
            let current = self.fields.read(partition).await?;
            if current.revision == context.set.revision && !matches!(refused, ContactError::FieldsChanged) {
                return Err(refused);
            }
            context.set = current;
        }
        write(context).await
    }

    /// Others with the same email address or number, for a caller who is told of them.
    pub(super) async fn alike(
        &self,
        partition: &Partition,
        by: &Reachable,
        tell: bool,
    ) -> Result<Vec<PossibleDuplicate>, ContactError> {
        match tell && !by.is_empty() {
            true => Ok(self.store.alike(partition, by).await?),
            false => Ok(Vec::new()),
        }
    }
}

/// Of those who ask for the same person at this moment, one goes on: only where it matters what the others do.
pub(crate) async fn lock_people(
    work: &mut dyn Work,
    context: &WriteContext,
    on_duplicate: OnDuplicate,
    by: &Reachable,
) -> Result<(), ContactError> {
    if on_duplicate != OnDuplicate::Allow && !by.is_empty() {
        work.lock_people(&context.partition, by).await?;
    }
    Ok(())
}

/// Refuses a contact that may be another one, where the caller wants that.
pub(crate) async fn refuse_duplicates(
    work: &mut dyn Work,
    context: &WriteContext,
    on_duplicate: OnDuplicate,
    by: &Reachable,
    own_id: &str,
) -> Result<(), ContactError> {
    if on_duplicate == OnDuplicate::Allow || by.is_empty() {
        return Ok(());
    }
    match others(work.alike(&context.partition, by).await?, own_id).into_iter().next() {
        None => Ok(()),
        Some(other) => Err(ContactError::PossibleDuplicate(other)),
    }
}

/// All but the contact itself, as many as are named.
pub(crate) fn others(found: Vec<PossibleDuplicate>, own_id: &str) -> Vec<PossibleDuplicate> {
    found.into_iter().filter(|other| other.id != own_id).take(DUPLICATES_MAX).collect()
}

/// Takes the values that no other contact may have, and gives up those that the contact has no longer.
pub(crate) async fn take_unique_values(
    work: &mut dyn Work,
    context: &WriteContext,
    before: Option<&ContactFields>,
    contact: &Contact,
) -> Result<(), ContactError> {
    let (rules, partition) = (context.rules(), &context.partition);
    if rules.set.is_empty() {
        return Ok(());
    }
    let held = before.map(|before| unique_values(&before.custom_fields, rules)).unwrap_or_default();
    let wanted = unique_values(&contact.fields.custom_fields, rules);
    for value in held.iter().filter(|value| !wanted.contains(value)) {
        work.release_value(partition, value, &contact.id).await?;
    }
    for value in wanted.into_iter().filter(|value| !held.contains(value)) {
        if let Some(holder) = work.take_value(partition, &value, &contact.id).await? {
            let existing_id = Some(holder).filter(|id| !id.is_empty());
            return Err(ContactError::ValueTaken { key: value.key, existing_id });
        }
    }
    Ok(())
}
