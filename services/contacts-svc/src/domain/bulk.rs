//! Many contacts created or changed in one transaction, in as few statements as one contact takes.
//!
//! All that the contacts of a batch need is read first, then each is decided by the rules that hold of single
//! contacts, in order, and then all that changed is written. A contact that several of them name is written once, as
//! the last one leaves it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use std::sync::Arc;

use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::{IdempotentCall, Kept, Once};
use svc_core::ids::{Ids, is_id};

use super::custom_fields::unique_values;
use super::draft::EXTERNAL_REFERENCE_ID;
use super::saving::WriteContext;
use super::{
    Actor, Basis, Contact, ContactChange, ContactFields, Contacts, Draft, OnDuplicate, Patch, Phones,
    PossibleDuplicate, Reachable, Rules, UniqueValue,
};
use crate::change::Changed;
use crate::error::ContactError;
use crate::store::{Found, Work};

/// How often a batch is made again because others wrote the same at that moment.
const TRIES: u32 = 5;

/// A contact to be created or changed.
#[derive(Clone, Debug)]
pub(crate) struct Upsert {
    /// Our id of a contact that exists.
    pub(crate) id: Option<String>,
    /// What is set. Without an id, the reference says which contact it is.
    pub(crate) fields: ContactFields,
    /// What was found wrong while it was read.
    pub(crate) violations: Vec<Violation>,
}

/// How a batch is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Every contact needs a reference.
    pub(crate) by_reference: bool,
    /// A contact is set as a whole: what is left out is cleared.
    pub(crate) replace: bool,
    /// All of them or none.
    pub(crate) atomic: bool,
    /// Nothing is written.
    pub(crate) dry_run: bool,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) phones: Phones,
}

/// What became of one contact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It is new: its id.
    Created(String),
    /// It has new values: its id.
    Updated(String),
    /// It had these values already: its id.
    Unchanged(String),
    /// It was refused.
    Failed(Error),
    /// Another one was refused, and all were to be written or none.
    NotApplied,
}

/// What a caller wants written in one call.
#[derive(Clone, Debug)]
pub(crate) struct BulkOrder {
    pub(crate) upserts: Vec<Upsert>,
    /// All of them or none.
    pub(crate) atomic: bool,
    /// Each as a whole: what is left out is cleared.
    pub(crate) replace: bool,
    /// The call that takes effect once, if it is one.
    pub(crate) once: Option<IdempotentCall>,
    /// What is kept of its answer.
    pub(crate) keep: fn(&Vec<Outcome>) -> Kept,
}

impl Contacts {
    /// Creates or changes contacts by their references, and says of each what became of it.
    pub(crate) async fn bulk(&self, actor: &Actor, order: BulkOrder) -> Result<Vec<Outcome>, ContactError> {
        let BulkOrder { upserts, atomic, replace, once, keep } = order;
        let on_duplicate = OnDuplicate::Allow;
        let manner =
            Manner { by_reference: true, replace, atomic, dry_run: false, on_duplicate, phones: self.phones };
        let upserts = Arc::new(upserts);
        for _ in 1..TRIES {
            match self.bulk_once(actor, &upserts, manner, once.clone(), keep).await {
                Err(ContactError::Overtaken) => {}
                answer => return answer,
            }
        }
        self.bulk_once(actor, &upserts, manner, once, keep).await
    }

    async fn bulk_once(
        &self,
        actor: &Actor,
        upserts: &Arc<Vec<Upsert>>,
        manner: Manner,
        once: Option<IdempotentCall>,
        keep: fn(&Vec<Outcome>) -> Kept,
    ) -> Result<Vec<Outcome>, ContactError> {
        self.by_the_rules(&actor.partition, |context| {
            let (upserts, ids, once) = (upserts.clone(), self.ids.clone(), Once::of(once.clone(), keep));
            async move {
                self.changes
                    .make_once(actor, once, |work| {
                        Box::pin(async move {
                            let batch = Batch { context: &context, manner, ids: &ids };
                            let (outcomes, changes) = batch.run(work, &upserts).await?;
                            Ok(context.judged(Changed::new(outcomes, changes)))
                        })
                    })
                    .await
            }
        })
        .await
    }
}

/// Carries out batches.
pub(super) struct Batch<'b> {
    pub(super) context: &'b WriteContext,
    pub(super) manner: Manner,
    pub(super) ids: &'b Ids,
}

/// A contact of the batch.
struct Slot {
    before: Option<Contact>,
    now: Contact,
    changed: bool,
}

/// What a batch knows, and what it comes to.
struct Plan<'b> {
    batch: &'b Batch<'b>,
    now: Timestamp,
    slots: Vec<Slot>,
    by_id: HashMap<String, usize>,
    by_reference: HashMap<String, usize>,
    /// Which contacts have an address or a number: their ids.
    alike: HashMap<Alike, BTreeSet<String>>,
    /// Which contact has a value that only one may have.
    holders: BTreeMap<UniqueValue, String>,
}

/// What possible duplicates have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Alike {
    Email(String),
    MobileNumber(String),
}

impl Batch<'_> {
    fn rules(&self) -> Rules<'_> {
        Rules { set: self.context.rules().set, phones: self.manner.phones }
    }

    /// Creates or changes the contacts, and says of each what became of it. [`ContactError::Overtaken`]: others
    /// wrote the same meanwhile, and the whole transaction is to be made again.
    pub(super) async fn run(
        &self,
        work: &mut dyn Work,
        upserts: &[Upsert],
    ) -> Result<(Vec<Outcome>, Vec<ContactChange>), ContactError> {
        let mut plan = self.plan(work, upserts).await?;
        let mut outcomes: Vec<Outcome> = upserts.iter().map(|upsert| plan.decide(upsert)).collect();
        if self.manner.atomic && outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(_))) {
            for outcome in &mut outcomes {
                if !matches!(outcome, Outcome::Failed(_)) {
                    *outcome = Outcome::NotApplied;
                }
            }
            self.confirm(work, &outcomes, &[]).await?;
            return Ok((outcomes, Vec::new()));
        }
        let changes = if self.manner.dry_run { Vec::new() } else { plan.write(work).await? };
        self.confirm(work, &outcomes, &changes).await?;
        Ok((outcomes, changes))
    }

    /// Makes sure that contacts were refused by the rules of now. Where any is written, its change does.
    async fn confirm(
        &self,
        work: &mut dyn Work,
        outcomes: &[Outcome],
        changes: &[ContactChange],
    ) -> Result<(), ContactError> {
        let refused = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(_)));
        if !refused || !changes.is_empty() {
            return Ok(());
        }
        let now = work.field_set(&self.context.partition).await?.revision;
        match now == self.context.rules().set.revision {
            true => Ok(()),
            false => Err(ContactError::FieldsChanged),
        }
    }

    /// Reads all that the decisions need. What is found is locked.
    async fn plan<'b>(&'b self, work: &mut dyn Work, upserts: &[Upsert]) -> Result<Plan<'b>, ContactError> {
        let partition = &self.context.partition;
        let ids: BTreeSet<&str> =
            upserts.iter().filter_map(|upsert| upsert.id.as_deref()).filter(|id| is_id(id)).collect();
        let without_id = upserts.iter().filter(|upsert| upsert.id.is_none());
        let references: BTreeSet<&str> = without_id
            .filter_map(|upsert| upsert.fields.external_reference_id.as_deref())
            // No text with it is stored, and PostgreSQL takes none.
            .filter(|reference| !reference.contains('\0'))
            .collect();
        let mut plan = Plan {
            batch: self,
            now: self.context.now(),
            slots: Vec::with_capacity(upserts.len()),
            by_id: HashMap::new(),
            by_reference: HashMap::new(),
            alike: HashMap::new(),
            holders: BTreeMap::new(),
        };
        for contact in work.find_many(partition, &references, &ids).await? {
            plan.add(Slot { before: Some(contact.clone()), now: contact, changed: false });
        }
        if self.manner.on_duplicate != OnDuplicate::Allow {
            let sought = plan.sought(upserts);
            for Found { key, contact } in work.find_alike(partition, &sought).await? {
                plan.alike.entry(key).or_default().insert(contact.id.clone());
                if !plan.by_id.contains_key(&contact.id) {
                    plan.add(Slot { before: Some(contact.clone()), now: contact, changed: false });
                }
            }
        }
        let values = plan.unique_values(upserts);
        if !values.is_empty() {
            plan.holders = work.holders(partition, &values).await?.into_iter().collect();
        }
        Ok(plan)
    }
}

impl Plan<'_> {
    fn rules(&self) -> Rules<'_> {
        self.batch.rules()
    }

    fn add(&mut self, slot: Slot) -> usize {
        let number = self.slots.len();
        self.by_id.insert(slot.now.id.clone(), number);
        if let Some(reference) = &slot.now.fields.external_reference_id {
            self.by_reference.insert(reference.clone(), number);
        }
        self.slots.push(slot);
        number
    }

    /// What those that name no contact could be known by.
    fn sought(&self, upserts: &[Upsert]) -> BTreeSet<Alike> {
        let names_one = |upsert: &&Upsert| match &upsert.fields.external_reference_id {
            _ if upsert.id.is_some() => true,
            Some(reference) => self.by_reference.contains_key(reference),
            None => false,
        };
        let nameless = upserts.iter().filter(|upsert| !names_one(upsert));
        nameless.flat_map(|upsert| self.alike_keys(&upsert.fields)).collect()
    }

    fn alike_keys(&self, fields: &ContactFields) -> Vec<Alike> {
        let (email, number) = (fields.email.as_deref(), fields.mobile_number.as_deref());
        let sent = Reachable::sent(email, number, self.batch.manner.phones);
        let email = sent.email_key.map(Alike::Email);
        email.into_iter().chain(sent.mobile_number.map(Alike::MobileNumber)).collect()
    }

    /// The values that are set and that only one contact may have.
    fn unique_values(&self, upserts: &[Upsert]) -> BTreeSet<UniqueValue> {
        let unique: Vec<_> = self.rules().set.unique().collect();
        let mut values = BTreeSet::new();
        for upsert in upserts {
            for field in &unique {
                let Some(json) = upsert.fields.custom_fields.get(&field.key) else { continue };
                let accepted = field.accept(json, self.batch.manner.phones).ok();
                values.extend(accepted.and_then(|json| field.unique_value(&json)));
            }
        }
        values
    }

    fn decide(&mut self, upsert: &Upsert) -> Outcome {
        let decided = self.slot(upsert).and_then(|slot| self.apply(slot, upsert));
        decided.unwrap_or_else(|error| Outcome::Failed(error.into()))
    }

    /// Which contact it is; `None`: a new one.
    fn slot(&self, upsert: &Upsert) -> Result<Option<usize>, ContactError> {
        let invalid = |violation| Err(ContactError::Invalid(vec![violation]));
        if let Some(id) = &upsert.id {
            return match self.by_id.get(id) {
                Some(slot) => Ok(Some(*slot)),
                None => Err(ContactError::NotFound),
            };
        }
        let reference = upsert.fields.external_reference_id.as_ref();
        if let Some(slot) = reference.and_then(|reference| self.by_reference.get(reference)) {
            return Ok(Some(*slot));
        }
        if self.batch.manner.by_reference && reference.is_none() {
            let message = format!("`{EXTERNAL_REFERENCE_ID}` is required.");
            return invalid(Violation::new(EXTERNAL_REFERENCE_ID, Fault::Required, message));
        }
        if self.batch.manner.on_duplicate == OnDuplicate::Allow {
            return Ok(None);
        }
        let mut found: BTreeMap<&str, PossibleDuplicate> = BTreeMap::new();
        for key in self.alike_keys(&upsert.fields) {
            for id in self.alike.get(&key).into_iter().flatten() {
                let other = found.entry(id).or_insert_with(|| self.possible_duplicate(id));
                other.by_email |= key.email().is_some();
                other.by_mobile_number |= key.mobile_number().is_some();
            }
        }
        let mut others: Vec<PossibleDuplicate> = found.into_values().collect();
        match (others.pop(), others.is_empty(), self.batch.manner.on_duplicate) {
            (None, ..) => Ok(None),
            // Whoever has another reference is another contact to the caller.
            (Some(only), true, OnDuplicate::Update)
                if reference.is_some() && only.external_reference_id.is_some() =>
            {
                Err(ContactError::PossibleDuplicate(only))
            }
            (Some(only), true, OnDuplicate::Update) => Ok(self.by_id.get(&only.id).copied()),
            (Some(last), false, OnDuplicate::Update) => {
                others.push(last);
                Err(ContactError::SeveralDuplicates(others))
            }
            (Some(one), ..) => Err(ContactError::PossibleDuplicate(one)),
        }
    }

    fn possible_duplicate(&self, id: &str) -> PossibleDuplicate {
        let slot = self.by_id.get(id).and_then(|slot| self.slots.get(*slot));
        PossibleDuplicate {
            id: id.to_owned(),
            external_reference_id: slot.and_then(|slot| slot.now.fields.external_reference_id.clone()),
            by_email: false,
            by_mobile_number: false,
        }
    }

    fn apply(&mut self, slot: Option<usize>, upsert: &Upsert) -> Result<Outcome, ContactError> {
        let before = slot.and_then(|slot| self.slots.get(slot)).map(|slot| &slot.now);
        let fields = self.checked(before, upsert)?;
        let (id, held) = match before {
            Some(before) if before.fields == fields => return Ok(Outcome::Unchanged(before.id.clone())),
            Some(before) => (before.id.clone(), unique_values(&before.fields.custom_fields, self.rules())),
            None => (self.batch.ids.next(), Vec::new()),
        };
        self.take_values(&id, &held, &fields)?;
        if self.batch.manner.on_duplicate != OnDuplicate::Allow {
            for key in self.alike_keys(&fields) {
                self.alike.entry(key).or_default().insert(id.clone());
            }
        }
        if let Some(number) = slot
            && let Some(slot) = self.slots.get_mut(number)
        {
            if let Some(reference) = &fields.external_reference_id {
                self.by_reference.insert(reference.clone(), number);
            }
            slot.now.fields = fields;
            slot.changed = true;
            return Ok(Outcome::Updated(id));
        }
        let now = Contact::new(id.clone(), fields, self.now);
        self.add(Slot { before: None, now, changed: true });
        Ok(Outcome::Created(id))
    }

    /// The fields that the contact would have, by the rules of the agent.
    fn checked(&self, before: Option<&Contact>, upsert: &Upsert) -> Result<ContactFields, ContactError> {
        let Upsert { fields, violations, .. } = upsert.clone();
        let checked = match before {
            None => Patch::of_values(fields, violations)
                .onto(&ContactFields::default())
                .check(self.rules(), Basis::New),
            Some(before) => {
                let sent = fields.external_reference_id.clone();
                let held = before.fields.external_reference_id.clone();
                // Whoever was found by an address may have none, and is given the one that nobody has.
                let reference = held.or_else(|| sent.clone().filter(|_| upsert.id.is_none()));
                if sent.is_some() && sent != reference {
                    let message = "`externalReferenceId` cannot be changed here.";
                    let violation = Violation::new(EXTERNAL_REFERENCE_ID, Fault::Immutable, message);
                    return Err(ContactError::Invalid(vec![violation]));
                }
                match self.batch.manner.replace {
                    false => Patch::of_values(fields, violations)
                        .onto(&before.fields)
                        .check(self.rules(), Basis::Changing(&before.fields)),
                    true => {
                        let fields = ContactFields { external_reference_id: reference, ..fields };
                        Draft::new(fields, violations).check(self.rules(), Basis::Replacing(&before.fields))
                    }
                }
            }
        };
        checked.map_err(ContactError::Invalid)
    }

    /// Notes who has the values that only one contact may have.
    fn take_values(
        &mut self,
        id: &str,
        held: &[UniqueValue],
        fields: &ContactFields,
    ) -> Result<(), ContactError> {
        let wanted = unique_values(&fields.custom_fields, self.rules());
        for value in wanted.iter().filter(|value| !held.contains(value)) {
            if let Some(holder) = self.holders.get(value).filter(|holder| *holder != id) {
                return Err(ContactError::ValueTaken {
                    key: value.key.clone(),
                    existing_id: Some(holder.clone()),
                });
            }
        }
        for value in held.iter().filter(|value| !wanted.contains(value)) {
            self.holders.remove(value);
        }
        self.holders.extend(wanted.into_iter().map(|value| (value, id.to_owned())));
        Ok(())
    }

    /// Writes what changed.
    async fn write(self, work: &mut dyn Work) -> Result<Vec<ContactChange>, ContactError> {
        let Plan { batch, now: at, slots, .. } = self;
        let (rules, partition) = (batch.rules(), &batch.context.partition);
        let values = |contact: &Contact| unique_values(&contact.fields.custom_fields, rules);
        let (mut created, mut updated, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut released, mut taken) = (Vec::new(), Vec::new());
        for slot in slots.into_iter().filter(|slot| slot.changed) {
            let Slot { before, now, .. } = slot;
            let wanted = values(&now);
            let Some(before) = before else {
                taken.extend(wanted.into_iter().map(|value| (value, now.id.clone())));
                created.push(now.clone());
                changes.push(ContactChange::Created(now));
                continue;
            };
            // What was changed and changed back.
            if before.fields == now.fields {
                continue;
            }
            let held = values(&before);
            let id = &now.id;
            released.extend(held.iter().filter(|v| !wanted.contains(v)).map(|v| (v.clone(), id.clone())));
            taken.extend(wanted.iter().filter(|v| !held.contains(v)).map(|v| (v.clone(), id.clone())));
            let now = now.next(at);
            updated.push(now.clone());
            changes.push(ContactChange::Changed { before, after: now });
        }
        // Whoever adds the same references at this moment adds them in the same order.
        created.sort_by(|a, b| a.fields.external_reference_id.cmp(&b.fields.external_reference_id));
        taken.sort_unstable();
        if !created.is_empty() && !work.insert_many(partition, &created).await? {
            return Err(ContactError::Overtaken);
        }
        if !updated.is_empty() {
            work.update_many(partition, &updated).await?;
        }
        if !released.is_empty() {
            work.release_many(partition, &released).await?;
        }
        if !taken.is_empty() && !work.take_many(partition, &taken).await? {
            return Err(ContactError::Overtaken);
        }
        Ok(changes)
    }
}

impl Alike {
    pub(crate) fn email(&self) -> Option<&str> {
        match self {
            Alike::Email(key) => Some(key),
            Alike::MobileNumber(_) => None,
        }
    }

    pub(crate) fn mobile_number(&self) -> Option<&str> {
        match self {
            Alike::MobileNumber(number) => Some(number),
            Alike::Email(_) => None,
        }
    }
}
