//! The one way to change what is kept: [`Changes::make`] begins a transaction, runs the work and commits.
//!
//! Nothing else can commit: a work is given a [`Work`], which has no commit, and gives back a [`Changed`], which
//! cannot be made without saying what became of which contacts. What follows from that is written here, in the same
//! transaction: the rows that lists are found by, and the agent's feed of changes
//! ([ADR 23](../../../docs/adr/0023-lists-and-changes.md)), and what the audit log is told of members
//! ([ADR 34](../../../docs/adr/0034-deeds-of-other-services.md)), and what others are told that is gone
//! ([ADR 36](../../../docs/adr/0036-erasures.md)).
//!
//! A change that takes effect once is claimed when its transaction begins, and its answer is kept before the
//! commit: both are there, or neither.
//!
//! A caller who hangs up ends the work before its commit, and then nothing has happened; after it there is
//! nothing more to do.
//!
//! Contacts that are created for an agent at the same moment share a transaction (`creations.rs`), made here as well.

mod creations;

use std::sync::Arc;

use futures::future::BoxFuture;
use svc_core::deed::Deed;
use svc_core::erasure::Erased;
use svc_core::idempotency::{IdempotentCall, Kept, Once};
use svc_db::{IdempotencyRecords, Outbox};
use svc_runtime::telemetry::Metrics;
use svc_webhooks::Wake;
use tokio::sync::watch;
use tracing::{Instrument, Span, debug_span, field};

use crate::domain::{Actor, ChangeKind, Contact, ContactChange, Partition, UniqueValue, why_not_created};
use crate::error::ContactError;
use crate::store::{Created, Transaction, Work, Writer};
use creations::Creations;

pub(crate) use creations::Newcomer;

/// What a work has come to: its value, and what it did to contacts.
#[must_use]
pub(crate) struct Changed<T> {
    value: T,
    changes: Vec<ContactChange>,
    new: Option<New>,
    /// The revision of the agent's fields that it was judged by.
    judged_by: Option<i64>,
    /// What the audit log is told, if a member does it.
    deed: Option<Deed>,
    /// What is gone, of which other services hold more.
    erased: Option<Erased>,
}

/// A contact that is created at the end, with its unique values.
struct New {
    contact: Contact,
    values: Vec<UniqueValue>,
}

impl<T> Changed<T> {
    /// To be committed, with everything that was done to contacts, in order.
    pub(crate) fn new(value: T, changes: Vec<ContactChange>) -> Changed<T> {
        Changed { value, changes, new: None, judged_by: None, deed: None, erased: None }
    }

    /// To be committed together with a contact that is new and that nothing has added yet, and values that no other
    /// contact may have: the last thing before the commit is that it is created.
    pub(crate) fn creating(value: T, contact: Contact, values: Vec<UniqueValue>) -> Changed<T> {
        Changed {
            value,
            changes: Vec::new(),
            new: Some(New { contact, values }),
            judged_by: None,
            deed: None,
            erased: None,
        }
    }

    /// To be committed, though no contact is other than before.
    pub(crate) fn no_contact(value: T) -> Changed<T> {
        Changed::new(value, Vec::new())
    }

    /// To be committed only if the fields of the agent still have this revision, else
    /// [`ContactError::FieldsChanged`]. Whoever changes them locks what every change of a contact locks before its
    /// commit, so none comes in between.
    pub(crate) fn judged_by(self, revision: i64) -> Changed<T> {
        Changed { judged_by: Some(revision), ..self }
    }

    /// With what the audit log is told of it, if a member does it.
    pub(crate) fn told(self, deed: Deed) -> Changed<T> {
        Changed { deed: Some(deed), ..self }
    }

    /// With what is gone by it, for those who hold more of that.
    pub(crate) fn erasing(self, erased: Erased) -> Changed<T> {
        Changed { erased: Some(erased), ..self }
    }
}

/// Makes changes.
pub(crate) struct Changes {
    seam: Arc<Seam>,
    creations: Creations,
}

/// What every change is made with.
struct Seam {
    writer: Writer,
    records: IdempotencyRecords,
    outbox: Outbox,
    erasures: Outbox,
    bells: Bells,
    webhooks: Wake,
}

impl Changes {
    /// With the only writer of the store, the answers that it keeps, and what it tells other services: the audit log, and
    /// those who hold more of what is gone.
    pub(crate) fn new(
        writer: Writer,
        records: IdempotencyRecords,
        outbox: Outbox,
        erasures: Outbox,
        metrics: &Metrics,
    ) -> Changes {
        let (bells, webhooks) = (Bells::new(), Wake::default());
        let seam = Arc::new(Seam { writer, records, outbox, erasures, bells, webhooks });
        Changes { creations: Creations::new(seam.clone(), metrics), seam }
    }

    /// Rings when a change of these contacts was committed here, and now and then besides. What other replicas commit
    /// it does not tell.
    pub(crate) fn bell(&self, partition: &Partition) -> watch::Receiver<()> {
        self.seam.bells.of(partition).subscribe()
    }

    /// Whom each change that is committed here wakes, to be told by webhooks.
    pub(crate) fn webhooks(&self) -> Wake {
        self.seam.webhooks.clone()
    }

    /// What is kept of the answer of a call.
    pub(crate) async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, ContactError> {
        Ok(self.seam.records.find(call).await??)
    }

    /// Whether anything is kept of a call with this key, whatever its content.
    pub(crate) async fn has_kept(&self, call: &IdempotentCall) -> Result<bool, ContactError> {
        Ok(self.seam.records.has(call).await?)
    }

    /// Makes a change, all of it or nothing.
    pub(crate) async fn make<T, W>(&self, actor: &Actor, work: W) -> Result<T, ContactError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, ContactError>>,
    {
        self.seam.make(actor, None, work).await
    }

    /// Creates a contact, together with those that are created for the same agent at this moment.
    pub(crate) async fn create(&self, actor: &Actor, newcomer: Newcomer) -> Result<(), ContactError> {
        self.creations.create(actor, newcomer).await
    }

    /// Makes a change, all of it or nothing, and when it is to take effect once, no second time.
    pub(crate) async fn make_once<T, W>(
        &self,
        actor: &Actor,
        once: Option<Once<T>>,
        work: W,
    ) -> Result<T, ContactError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, ContactError>>,
    {
        self.seam.make(actor, once, work).await
    }
}

impl Seam {
    /// Makes a change by itself.
    async fn make<T, W>(&self, actor: &Actor, once: Option<Once<T>>, work: W) -> Result<T, ContactError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, ContactError>>,
    {
        let span = span(actor);
        let change = async {
            let mut transaction = self.writer.begin(&actor.partition).await?;
            if let Some(once) = &once {
                self.records.claim(transaction.records(), &once.call).await??;
            }
            let Changed { value, changes, new, judged_by, deed, erased } = work(&mut *transaction).await?;
            if let Some(New { contact, .. }) = &new {
                Span::current()
                    .record("contact.id", contact.id.as_str())
                    .record("contact.change", ChangeKind::Created.as_str())
                    .record("contact.changes", 1_usize);
            }
            if let Some(first) = changes.first() {
                Span::current()
                    .record("contact.id", first.contact_id())
                    .record("contact.change", first.kind().as_str())
                    .record("contact.changes", changes.len());
            }
            if let Some(once) = once {
                self.records.keep(transaction.records(), once.keep(&value)).await??;
            }
            if let Some(deed) = deed {
                self.outbox.tell(transaction.outgoing(), actor, deed).await?;
            }
            if let Some(erased) = erased {
                self.erasures.tell_erased(transaction.outgoing(), &actor.partition, &erased).await?;
            }
            // Last, since it locks what all changes of the agent lock.
            let revision = match &new {
                Some(new) => Some(create(&mut *transaction, actor, new).await?),
                None if changes.is_empty() => None,
                None => Some(transaction.append_changes(&actor.partition, &actor.actor_id, &changes).await?),
            };
            if let (Some(revision), Some(judged_by)) = (revision, judged_by)
                && revision != judged_by
            {
                return Err(ContactError::FieldsChanged);
            }
            transaction.commit().await?;
            if revision.is_some() {
                self.ring(&actor.partition);
            }
            Ok(value)
        };
        change.instrument(span).await
    }

    /// Says that something was committed.
    fn ring(&self, partition: &Partition) {
        self.bells.of(partition).send_replace(());
        self.webhooks.now();
    }
}

/// Creates a contact, and gives the revision of the agent's fields.
async fn create(
    transaction: &mut dyn Transaction,
    actor: &Actor,
    New { contact, values }: &New,
) -> Result<i64, ContactError> {
    let partition = &actor.partition;
    match transaction.create(partition, &actor.actor_id, contact, values).await? {
        Created::At(revision) => Ok(revision),
        refused => Err(why_not_created(transaction, partition, contact, values, refused).await?),
    }
}

fn span(actor: &Actor) -> Span {
    debug_span!(
        "contacts.change",
        actor.id = actor.actor_id,
        request.id = actor.request_id,
        contact.id = field::Empty,
        contact.change = field::Empty,
        contact.changes = field::Empty,
    )
}

/// How many bells there are. Agents share them: a bell that rings for another agent costs a look.
const BELLS: usize = 256;

/// Wakes those in this process who wait for changes.
struct Bells(Vec<watch::Sender<()>>);

impl Bells {
    fn new() -> Bells {
        Bells((0..BELLS).map(|_| watch::Sender::new(())).collect())
    }

    fn of(&self, partition: &Partition) -> &watch::Sender<()> {
        // Ids end in random bits.
        let sum = partition
            .agent_id
            .bytes()
            .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        &self.0[sum % BELLS]
    }
}
