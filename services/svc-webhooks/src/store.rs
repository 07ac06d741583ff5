//! Where webhooks and their messages are kept: one trait, one SQL implementation for both engines. The tables are in the
//! schema of the service that has the webhooks.

mod row;
mod sql;
mod work;

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_core::page::PageSize;
use svc_db::{AnyDb, Outgoing, Records, Scope, StoreError};

use crate::domain::{
    Delivery, DeliveryStatus, DisabledReason, Event, EventType, Outcome, Partition, Settings, Webhook,
};
use crate::feed::Change;

/// A webhook with its secrets, which are sealed.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) owner: Partition,
    pub(crate) webhook: Webhook,
    pub(crate) secret: Vec<u8>,
    /// The one before, which signs until [`Webhook::overlap_ends_at`].
    pub(crate) older_secret: Option<Vec<u8>>,
    /// Up to where of the agent's changes messages are made.
    pub(crate) position: i64,
    /// In a row.
    pub(crate) failures: i32,
}

/// Who sends for a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) owner: Partition,
    pub(crate) webhook_id: String,
    /// Of whoever has it, and of nobody else.
    pub(crate) token: String,
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) id: String,
    pub(crate) event: EventType,
    pub(crate) event_at: Timestamp,
    pub(crate) told: Told,
    pub(crate) attempts: i32,
    /// When it was made or last replayed.
    pub(crate) queued_at: Timestamp,
}

/// What a message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Of this contact, what is known when it is sent.
    Contact(String),
    /// This.
    Data(String),
}

/// What becomes of a message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It has arrived.
    Delivered,
    /// It is sent again, and the webhook rests until then.
    Again { at: Timestamp, rests_until: Timestamp },
    /// It is given up, and the webhook rests until then.
    Dead { rests_until: Timestamp },
}

/// What is read without a transaction.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// A webhook.
    async fn find(&self, owner: &Partition, id: &str) -> Result<Option<Kept>, StoreError>;

    /// Webhooks, newest first, those that follow `after`, and one more than fit on the page.
    async fn list(
        &self,
        owner: &Partition,
        size: PageSize,
        after: Option<&str>,
    ) -> Result<Vec<Webhook>, StoreError>;

    /// Messages of a webhook, newest first, those that follow `after`, and one more than fit on the page.
    async fn deliveries(
        &self,
        owner: &Partition,
        webhook_id: &str,
        status: Option<DeliveryStatus>,
        size: PageSize,
        after: Option<&str>,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// The webhook, if the lease is good and it is active.
    async fn leased(&self, lease: &Lease) -> Result<Option<Kept>, StoreError>;

    /// The first message that is to be sent by now.
    async fn due(&self, lease: &Lease, now: Timestamp) -> Result<Option<Due>, StoreError>;

    /// Whether a webhook has something to send that nobody sends.
    async fn has_work(&self, now: Timestamp) -> Result<bool, StoreError>;

    /// How many messages of a webhook wait, counted up to `most`.
    async fn pending(&self, lease: &Lease, most: i64) -> Result<i64, StoreError>;
}

/// Begins transactions. Whoever has it makes every change: [`Changes`](crate::change::Changes).
pub(crate) struct Writer(Arc<dyn Begin>);

impl Writer {
    /// Begins a transaction about webhooks of these agents. Nothing of it is seen until it is committed; dropping it undoes it.
    pub(crate) async fn begin(&self, scope: &Scope) -> Result<Box<dyn Transaction>, StoreError> {
        self.0.begin(scope).await
    }
}

#[async_trait]
trait Begin: Send + Sync {
    async fn begin(&self, scope: &Scope) -> Result<Box<dyn Transaction>, StoreError>;
}

/// A transaction.
#[async_trait]
pub(crate) trait Transaction: Work {
    /// Where the answers of calls that take effect once are kept, as a part of it.
    fn records(&mut self) -> &mut dyn Records;

    /// Where other services are told of what it does, as a part of it.
    fn outgoing(&mut self) -> &mut dyn Outgoing;

    /// Makes it all seen.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a change may do within its transaction.
#[async_trait]
pub(crate) trait Work: Send {
    /// Counts the webhooks of an agent. Nobody else adds one until this work ends, unless there are none.
    async fn count(&mut self, owner: &Partition) -> Result<i64, StoreError>;

    /// Adds a webhook.
    async fn insert(&mut self, kept: &Kept) -> Result<(), StoreError>;

    /// A webhook, which nobody else changes until this work ends.
    async fn find(&mut self, owner: &Partition, id: &str) -> Result<Option<Kept>, StoreError>;

    /// Writes what members set of a webhook that [`Work::find`] found, and what follows from that.
    async fn update(&mut self, kept: &Kept) -> Result<(), StoreError>;

    /// Begins anew at the kept position, with no failures.
    async fn restart(&mut self, kept: &Kept) -> Result<(), StoreError>;

    /// Removes a webhook and its messages.
    async fn delete(&mut self, owner: &Partition, id: &str) -> Result<(), StoreError>;

    /// Gives up the messages of a webhook that wait.
    async fn give_up(&mut self, owner: &Partition, id: &str, now: Timestamp) -> Result<(), StoreError>;

    /// A message of a webhook.
    async fn delivery(
        &mut self,
        owner: &Partition,
        webhook_id: &str,
        id: &str,
    ) -> Result<Option<Delivery>, StoreError>;

    /// Sends a message again, now and as if it were new.
    async fn replay(
        &mut self,
        owner: &Partition,
        webhook_id: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The active webhooks of an agent, which nobody else changes until this work ends.
    async fn active(&mut self, owner: &Partition) -> Result<Vec<Kept>, StoreError>;

    /// Adds a message, unless the webhook has one of this event.
    async fn add(&mut self, new: &NewDelivery<'_>) -> Result<(), StoreError>;

    /// Has the webhook looked at now.
    async fn wake(&mut self, owner: &Partition, id: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Leases webhooks that have something to send, those that were looked at longest ago first.
    async fn claim(
        &mut self,
        token: &str,
        now: Timestamp,
        until: Timestamp,
        most: i64,
    ) -> Result<Vec<Lease>, StoreError>;

    /// Goes on to this position. `false`: the lease is lost.
    async fn advance(&mut self, lease: &Lease, position: i64) -> Result<bool, StoreError>;

    /// Notes what came of a message that was sent, and renews the lease. `false`: the lease is lost.
    async fn note(&mut self, lease: &Lease, sent: &Sent<'_>) -> Result<bool, StoreError>;

    /// Disables a webhook that has been sent to.
    async fn disable(
        &mut self,
        owner: &Partition,
        id: &str,
        why: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Gives the lease back, and notes when there is something to be sent next. The webhook rests until then at least.
    async fn release(
        &mut self,
        lease: &Lease,
        now: Timestamp,
        rests_until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Sends nothing more for an agent, and deletes some of its messages, up to `most`, and with the last of them its
    /// webhooks. Says how many rows these were.
    async fn erase(&mut self, owner: &Partition, most: i64) -> Result<u64, StoreError>;

    /// Ends all leases: whoever has one is gone.
    async fn free_all(&mut self) -> Result<(), StoreError>;

    /// Removes messages that ended before then, up to `most`, and says how many those were.
    async fn prune(
        &mut self,
        status: DeliveryStatus,
        before: Timestamp,
        most: i64,
    ) -> Result<u64, StoreError>;
}

/// A message to be added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewDelivery<'a> {
    pub(crate) id: &'a str,
    pub(crate) owner: &'a Partition,
    pub(crate) webhook_id: &'a str,
    pub(crate) what: What<'a>,
    pub(crate) now: Timestamp,
}

/// What it tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    /// A change of a contact.
    Change(&'a Change),
    /// Something of another service.
    Event(&'a Event),
}

/// What came of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) id: &'a str,
    pub(crate) outcome: Outcome,
    pub(crate) next: Next,
    pub(crate) now: Timestamp,
    pub(crate) leased_until: Timestamp,
}

impl Settings {
    pub(crate) fn wants(&self, event: EventType) -> bool {
        self.events.contains(&event)
    }
}

/// Over an open database. `head` is SQL for where the feed of the agent of a row of `webhooks` ends.
pub(crate) fn over(db: &AnyDb, head: &'static str) -> (Arc<dyn Store>, Writer) {
    match db {
        AnyDb::Sqlite(db) => {
            let store = Arc::new(sql::SqlStore::new(db.clone(), head));
            (store.clone(), Writer(store))
        }
        AnyDb::Postgres(db) => {
            let store = Arc::new(sql::SqlStore::new(db.clone(), head));
            (store.clone(), Writer(store))
        }
    }
}
