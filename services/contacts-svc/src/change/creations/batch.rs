//! One transaction of several callers' contacts: what others have is refused first, then the rest is written.

use std::collections::{BTreeMap, BTreeSet};

use svc_core::idempotency::{IdempotentCall, Kept};

use super::{Newcomer, Reply, Seam, Waiting};
use crate::domain::{Contact, ContactChange, Partition, UniqueValue};
use crate::error::ContactError;
use crate::store::{StoreError, Transaction};

/// Creates them, and tells each what became of it, once that is committed.
pub(super) async fn write(
    seam: &Seam,
    mut transaction: Box<dyn Transaction>,
    partition: &Partition,
    batch: Vec<Waiting>,
) {
    let actor_id = batch.first().map(|first| first.actor_id.clone()).unwrap_or_default();
    let (newcomers, replies): (Vec<Newcomer>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.newcomer, waiting.reply)).unzip();
    let mut plan = Plan::of(&newcomers);
    let written = plan.write(seam, &mut *transaction, partition, &actor_id).await;
    let refused = plan.refused;
    let failed = match written {
        // Nothing is to be committed.
        Ok(0) => None,
        Ok(_) => {
            let failed = transaction.commit().await.err();
            if failed.is_none() {
                seam.ring(partition);
            }
            failed
        }
        // Nothing of it is there.
        Err(error) => {
            drop(transaction);
            for (reply, newcomer) in replies.into_iter().zip(newcomers) {
                let _ = reply.send(match failure_of_all(&error) {
                    Some(failure) => Reply::Decided(Err(failure.into())),
                    None => Reply::Alone(Box::new(newcomer), None),
                });
            }
            return;
        }
    };
    for (reply, refused) in replies.into_iter().zip(refused) {
        let decided = match (refused, &failed) {
            (Some(refused), _) => Err(refused),
            (None, None) => Ok(()),
            // What has become of it nobody knows.
            (None, Some(error)) => Err(error.clone().into()),
        };
        let _ = reply.send(Reply::Decided(decided));
    }
}

/// What all of a batch are told. `None` where it may be the fault of one, or where others came first: each goes by itself
/// then.
fn failure_of_all(error: &ContactError) -> Option<StoreError> {
    match error {
        ContactError::Store(StoreError::Db(error)) if !error.is_undone() => {
            Some(StoreError::Db(error.clone()))
        }
        _ => None,
    }
}

/// What a batch comes to.
struct Plan<'b> {
    newcomers: &'b [Newcomer],
    /// Why each is not created, as far as that is known.
    refused: Vec<Option<ContactError>>,
}

impl<'b> Plan<'b> {
    fn of(newcomers: &'b [Newcomer]) -> Plan<'b> {
        Plan { newcomers, refused: newcomers.iter().map(|_| None).collect() }
    }

    /// Those who are not refused, each with its place.
    fn open(&self) -> impl Iterator<Item = (usize, &'b Newcomer)> {
        let all = self.newcomers.iter().enumerate().zip(&self.refused);
        all.filter(|(_, refused)| refused.is_none()).map(|(newcomer, _)| newcomer)
    }

    /// Writes what can be, and says how many that are. [`ContactError::Overtaken`]: others came first, and nothing of it
    /// may be committed.
    async fn write(
        &mut self,
        seam: &Seam,
        transaction: &mut dyn Transaction,
        partition: &Partition,
        actor_id: &str,
    ) -> Result<usize, ContactError> {
        self.claim(seam, transaction).await?;
        let held = self.held(transaction, partition).await?;
        self.insert(transaction, partition, &held).await?;
        let created: Vec<&Newcomer> = self.open().map(|(_, newcomer)| newcomer).collect();
        if created.is_empty() {
            return Ok(0);
        }
        take_values(transaction, partition, &created).await?;
        let once = |newcomer: &&'b Newcomer| newcomer.once.as_ref().map(|(call, kept)| (call, kept));
        let kept: Vec<(&IdempotentCall, &Kept)> = created.iter().filter_map(once).collect();
        if !seam.records.keep_all(transaction.records(), &kept).await? {
            return Err(ContactError::Overtaken);
        }
        // Last, since it locks what all changes of the agent lock.
        let changes = created.iter().map(|newcomer| ContactChange::Created(newcomer.contact.clone()));
        let changes: Vec<ContactChange> = changes.collect();
        let revision = transaction.append_changes(partition, actor_id, &changes).await?;
        match created.iter().all(|newcomer| newcomer.judged_by == revision) {
            true => Ok(created.len()),
            false => Err(ContactError::Overtaken),
        }
    }

    /// Claims the calls that take effect once.
    async fn claim(&mut self, seam: &Seam, transaction: &mut dyn Transaction) -> Result<(), ContactError> {
        let calls = self.newcomers.iter().enumerate();
        let calls = calls.filter_map(|(place, newcomer)| Some((place, &newcomer.once.as_ref()?.0)));
        let (places, calls): (Vec<usize>, Vec<&IdempotentCall>) = calls.unzip();
        let claimed = seam.records.claim_all(transaction.records(), &calls).await?;
        for (place, claimed) in places.into_iter().zip(claimed) {
            self.refused[place] = claimed.err().map(ContactError::from);
        }
        Ok(())
    }

    /// Of those whose values another contact has: which one, and of which field.
    async fn held(
        &self,
        transaction: &mut dyn Transaction,
        partition: &Partition,
    ) -> Result<BTreeMap<usize, (String, String)>, ContactError> {
        let values: BTreeSet<UniqueValue> =
            self.open().flat_map(|(_, newcomer)| newcomer.values.iter().cloned()).collect();
        if values.is_empty() {
            return Ok(BTreeMap::new());
        }
        let holders: BTreeMap<UniqueValue, String> =
            transaction.holders(partition, &values).await?.into_iter().collect();
        let held = |newcomer: &Newcomer| {
            let held = newcomer.values.iter().filter_map(|value| Some((value, holders.get(value)?)));
            held.min_by_key(|(value, _)| *value).map(|(value, holder)| (value.key.clone(), holder.clone()))
        };
        Ok(self.open().filter_map(|(place, newcomer)| Some((place, held(newcomer)?))).collect())
    }

    /// Adds the contacts of those whose reference nobody has, and notes why the others are refused: as by themselves, for
    /// their reference rather than for a value.
    async fn insert(
        &mut self,
        transaction: &mut dyn Transaction,
        partition: &Partition,
        held: &BTreeMap<usize, (String, String)>,
    ) -> Result<(), ContactError> {
        let free = self.open().filter(|(place, _)| !held.contains_key(place));
        let mut free: Vec<&Contact> = free.map(|(_, newcomer)| &newcomer.contact).collect();
        // Whoever adds the same at this moment adds them in the same order.
        free.sort_by(|a, b| a.fields.external_reference_id.cmp(&b.fields.external_reference_id));
        let added = match free.is_empty() {
            true => BTreeSet::new(),
            false => transaction.insert_free(partition, &free).await?,
        };
        let left: Vec<(usize, &Newcomer)> =
            self.open().filter(|(_, newcomer)| !added.contains(&newcomer.contact.id)).collect();
        if left.is_empty() {
            return Ok(());
        }
        let reference = |newcomer: &'b Newcomer| newcomer.contact.fields.external_reference_id.as_deref();
        let references: BTreeSet<&str> =
            left.iter().filter_map(|(_, newcomer)| reference(newcomer)).collect();
        let ids = transaction.ids_of(partition, &references).await?;
        for (place, newcomer) in left {
            let existing_id = reference(newcomer).and_then(|reference| ids.get(reference)).cloned();
            self.refused[place] = Some(match (existing_id, held.get(&place)) {
                (None, Some((key, holder))) => {
                    ContactError::ValueTaken { key: key.clone(), existing_id: Some(holder.clone()) }
                }
                (existing_id, _) => ContactError::ReferenceTaken { existing_id },
            });
        }
        Ok(())
    }
}

async fn take_values(
    transaction: &mut dyn Transaction,
    partition: &Partition,
    created: &[&Newcomer],
) -> Result<(), ContactError> {
    let values = created.iter().flat_map(|newcomer| {
        newcomer.values.iter().map(|value| (value.clone(), newcomer.contact.id.clone()))
    });
    let mut values: Vec<(UniqueValue, String)> = values.collect();
    values.sort_unstable();
    match values.is_empty() || transaction.take_many(partition, &values).await? {
        true => Ok(()),
        false => Err(ContactError::Overtaken),
    }
}
