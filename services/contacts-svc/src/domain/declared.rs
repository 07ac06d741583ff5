//! The fields that members declare: what is known of them here, and how they change.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use svc_core::clock::Clock;
use svc_core::error::Error;
use svc_core::idempotency::{Answers, IdempotentCall, Kept, Once};

use super::deeds;
use super::fields::{DECLARED_MAX, Declaration, Field, FieldSet, Member};
use super::phone::Phones;
use super::{Actor, Partition};
use crate::change::{Changed, Changes};
use crate::error::ContactError;
use crate::store::{Store, StoredValue, ValuesAfter, Work};

/// How many bytes the fields take that are remembered: those of a hundred thousand agents without any, or of some
/// ten thousand with twenty usual ones.
const REMEMBERED_MAX: usize = 64 * 1024 * 1024;
/// What is remembered of an agent beside its fields: two ids, and the place of both.
const REMEMBERED_AGENT: usize = 256;
/// How many values are counted that do not fit. Then there are more.
pub(crate) const COUNTED_MAX: usize = 10_000;

/// The declared fields of all partitions.
pub(crate) struct DeclaredFields {
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
    phones: Phones,
    clock: Arc<dyn Clock>,
    /// As they were when they were last read. Every write makes sure that they still are.
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    sets: HashMap<Partition, Arc<FieldSet>>,
    /// About how many they take.
    bytes: usize,
}

impl Remembered {
    fn add(&mut self, partition: &Partition, set: Arc<FieldSet>) {
        let bytes = set.bytes() + REMEMBERED_AGENT;
        // Which agents are written to changes slowly: to read them all again now and then costs little.
        if self.bytes + bytes > REMEMBERED_MAX {
            *self = Remembered::default();
        }
        self.remove(partition);
        self.bytes += bytes;
        self.sets.insert(partition.clone(), set);
    }

    fn remove(&mut self, partition: &Partition) {
        if let Some(set) = self.sets.remove(partition) {
            self.bytes -= set.bytes() + REMEMBERED_AGENT;
        }
    }
}

impl DeclaredFields {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        changes: Arc<Changes>,
        phones: Phones,
        clock: Arc<dyn Clock>,
    ) -> DeclaredFields {
        DeclaredFields { store, changes, phones, clock, remembered: Mutex::default() }
    }

    /// The fields as this replica knows them, which may be as they were before.
    pub(crate) async fn known(&self, partition: &Partition) -> Result<Arc<FieldSet>, ContactError> {
        let known = self.remembered.lock().sets.get(partition).cloned();
        match known {
            Some(set) => Ok(set),
            None => self.read(partition).await,
        }
    }

    /// The fields as they are.
    pub(crate) async fn read(&self, partition: &Partition) -> Result<Arc<FieldSet>, ContactError> {
        let set = Arc::new(self.store.field_set(partition).await?);
        self.remember(partition, set.clone());
        Ok(set)
    }

    fn remember(&self, partition: &Partition, set: Arc<FieldSet>) {
        let mut remembered = self.remembered.lock();
        // Of two that were read at the same moment, the later one counts.
        if remembered.sets.get(partition).is_none_or(|known| known.revision <= set.revision) {
            remembered.add(partition, set);
        }
    }

    /// One field.
    pub(crate) async fn get(&self, partition: &Partition, key: &str) -> Result<Field, ContactError> {
        let set = self.read(partition).await?;
        set.get(key).cloned().ok_or(ContactError::FieldNotFound)
    }

    /// Declares a field.
    pub(crate) async fn declare(
        &self,
        actor: &Actor,
        declaration: Declaration,
        confirmed: bool,
        once: Option<Once<Field>>,
    ) -> Result<Field, ContactError> {
        let field = declaration.declare(self.phones, self.clock.now()).map_err(ContactError::Invalid)?;
        let known = self.read(&actor.partition).await?;
        if known.get(&field.key).is_some() {
            return Err(ContactError::FieldExists(field.key));
        }
        // What was stored while any field was taken, or of a field that was removed.
        self.look_for_misfits(&actor.partition, &field, confirmed).await?;
        let (partition, phones) = (actor.partition.clone(), self.phones);
        let declared = self
            .changes
            .make_once(actor, once, |work| {
                Box::pin(async move {
                    let set = lock(work, &partition).await?;
                    if set.get(&field.key).is_some() {
                        return Err(ContactError::FieldExists(field.key));
                    }
                    if set.fields.len() >= DECLARED_MAX {
                        return Err(ContactError::TooManyFields);
                    }
                    if field.unique {
                        take_all(work, &partition, &field, phones).await?;
                    }
                    let mut fields = set.fields.clone();
                    fields.push(field.clone());
                    work.write_field_set(&partition, &set.next(fields)).await?;
                    let deed = deeds::field_created(&field);
                    Ok(Changed::no_contact(field).told(deed))
                })
            })
            .await?;
        self.forget(&actor.partition);
        Ok(declared)
    }

    /// Changes a field.
    pub(crate) async fn change(
        &self,
        actor: &Actor,
        key: &str,
        (declaration, members): (Declaration, Vec<Member>),
        confirmed: bool,
    ) -> Result<Field, ContactError> {
        let before = self.get(&actor.partition, key).await?;
        let now = self.clock.now();
        let after = declaration.clone().change(&before, &members, self.phones, now);
        let after = after.map_err(ContactError::Invalid)?;
        if after.may_refuse_what(&before) {
            self.look_for_misfits(&actor.partition, &after, confirmed).await?;
        }
        let (partition, key, phones) = (actor.partition.clone(), key.to_owned(), self.phones);
        let changed = self
            .changes
            .make(actor, |work| {
                Box::pin(async move {
                    let set = lock(work, &partition).await?;
                    let current = set.get(&key).ok_or(ContactError::FieldNotFound)?;
                    // What was looked for was in the light of these.
                    if *current != before {
                        return Err(ContactError::FieldsChanged);
                    }
                    if after == before {
                        return Ok(Changed::no_contact(after));
                    }
                    match (before.unique, after.unique) {
                        (false, true) => take_all(work, &partition, &after, phones).await?,
                        // Values that did not fit are values of the field now.
                        (true, true) if before.may_refuse_what(&after) => {
                            take_all(work, &partition, &after, phones).await?;
                        }
                        (true, false) => work.release_field(&partition, &key).await?,
                        _ => {}
                    }
                    let fields = set.fields.iter().map(|field| match field.key == key {
                        true => after.clone(),
                        false => field.clone(),
                    });
                    work.write_field_set(&partition, &set.next(fields.collect())).await?;
                    let deed = deeds::field_updated(&before, &after);
                    Ok(Changed::no_contact(after).told(deed))
                })
            })
            .await?;
        self.forget(&actor.partition);
        Ok(changed)
    }

    /// Removes the declaration of a field. The values stay with their contacts.
    pub(crate) async fn remove(&self, actor: &Actor, key: &str, confirmed: bool) -> Result<(), ContactError> {
        self.get(&actor.partition, key).await?;
        if !confirmed {
            let values = self.count(&actor.partition, key, |_| true).await?;
            if values > 0 {
                return Err(ContactError::ValuesRemain(values));
            }
        }
        let (partition, key) = (actor.partition.clone(), key.to_owned());
        self.changes
            .make(actor, |work| {
                Box::pin(async move {
                    let set = lock(work, &partition).await?;
                    let field = set.get(&key).ok_or(ContactError::FieldNotFound)?;
                    if field.unique {
                        work.release_field(&partition, &key).await?;
                    }
                    let others = set.fields.iter().filter(|field| field.key != key).cloned();
                    work.write_field_set(&partition, &set.next(others.collect())).await?;
                    Ok(Changed::no_contact(()).told(deeds::field_deleted(field)))
                })
            })
            .await?;
        self.forget(&actor.partition);
        Ok(())
    }

    /// Refuses a field that stored values do not fit, unless that is confirmed.
    async fn look_for_misfits(
        &self,
        partition: &Partition,
        field: &Field,
        confirmed: bool,
    ) -> Result<(), ContactError> {
        if confirmed {
            return Ok(());
        }
        let misfits =
            |value: &StoredValue| field.accept(&value.json, self.phones).as_ref() != Ok(&value.json);
        match self.count(partition, &field.key, misfits).await? {
            0 => Ok(()),
            misfits => Err(ContactError::ValuesDoNotFit(misfits)),
        }
    }

    /// How many contacts have such a value. Counting ends at [`COUNTED_MAX`].
    async fn count(
        &self,
        partition: &Partition,
        key: &str,
        counts: impl Fn(&StoredValue) -> bool,
    ) -> Result<usize, ContactError> {
        let mut counted = 0;
        let mut after = Some(ValuesAfter::START);
        while let Some(at) = after.take() {
            let (values, next) = self.store.stored_values(partition, key, &at).await?;
            counted += values.iter().filter(|value| counts(value)).count();
            if counted < COUNTED_MAX {
                after = next;
            }
        }
        Ok(counted.min(COUNTED_MAX))
    }

    fn forget(&self, partition: &Partition) {
        self.remembered.lock().remove(partition);
    }
}

impl Answers for DeclaredFields {
    async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, Error> {
        Ok(self.changes.kept(call).await?)
    }
}

impl Field {
    /// Whether it may refuse values that the one before took.
    fn may_refuse_what(&self, before: &Field) -> bool {
        let raised = |after: Option<f64>, before: Option<f64>| match (after, before) {
            (Some(after), Some(before)) => after > before,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let lowered = |after: Option<f64>, before: Option<f64>| {
            raised(after.map(std::ops::Neg::neg), before.map(std::ops::Neg::neg))
        };
        raised(self.minimum, before.minimum)
            || lowered(self.maximum, before.maximum)
            || self.max_length < before.max_length
            || before.options.iter().any(|option| !self.options.contains(option))
    }
}

/// The fields, which nobody else changes until this work ends. Writes of contacts wait, too.
async fn lock(work: &mut dyn Work, partition: &Partition) -> Result<FieldSet, ContactError> {
    work.lock_writes(partition).await?;
    Ok(work.field_set(partition).await?)
}

/// Takes the values of all contacts for a field that is to be unique, also where they have them already. No contact is
/// written meanwhile.
async fn take_all(
    work: &mut dyn Work,
    partition: &Partition,
    field: &Field,
    phones: Phones,
) -> Result<(), ContactError> {
    let mut taken_twice = 0;
    let mut after = Some(ValuesAfter::START);
    while let Some(at) = after.take() {
        let (values, next) = work.stored_values(partition, &field.key, &at).await?;
        for StoredValue { contact_id, json } in values {
            // What does not fit is no value of the field.
            let fits = field.accept(&json, phones).as_ref() == Ok(&json);
            let Some(value) = field.unique_value(&json).filter(|_| fits) else { continue };
            if work.take_value(partition, &value, &contact_id).await?.is_some() {
                taken_twice += 1;
            }
        }
        if taken_twice < COUNTED_MAX {
            after = next;
        }
    }
    match taken_twice {
        0 => Ok(()),
        twice => Err(ContactError::ValuesNotUnique(twice)),
    }
}
