//! Where auth-svc keeps things: for each kind of thing one file with the trait that reads it, the trait that changes
//! it within a transaction, and the SQL of both.
//!
//! [`Store`] reads. [`Work`] is what a change may do within its transaction, which only [`Writer`] begins and
//! commits.

mod agents;
mod announcements;
mod audit;
#[cfg(test)]
mod contract;
mod erasures;
mod events;
mod identities;
mod keys;
mod links;
mod mails;
mod members;
mod notices;
mod passwords;
mod requests;
mod row;
mod secrets;
mod sessions;
mod setup;
mod sql;
mod tokens;
mod usage;

use std::sync::Arc;

use async_trait::async_trait;
use svc_db::{AnyDb, Migrator, Records};

pub(crate) use agents::{AgentChanges, Agents};
pub(crate) use announcements::{
    Announcements, Durability, PollConnection, Polled, Replica, Revision, Touched,
};
pub(crate) use audit::{ActorNames, AuditChanges, AuditFilter, AuditLog, Recorded, StoredHead};
pub(crate) use erasures::ErasureChanges;
pub(crate) use events::{EventChanges, Events};
pub(crate) use identities::IdentityChanges;
pub(crate) use keys::{KeyChanges, KeyFilter, KeyRecord, Keys};
pub(crate) use links::{LinkChanges, Links};
pub(crate) use mails::{MailChanges, Mails, WaitingMail};
pub(crate) use members::{MemberChanges, Members};
pub(crate) use notices::{NoticeChanges, Notices, OrganizationName};
pub(crate) use passwords::{PasswordChanges, Passwords};
pub(crate) use requests::{RequestChanges, RequestFilter, Requests};
pub(crate) use secrets::SecretChanges;
pub(crate) use sessions::{SessionChanges, SessionRecord, Sessions};
pub(crate) use setup::{Setup, SetupChanges};
pub(crate) use svc_db::StoreError;
pub(crate) use tokens::{TokenChanges, TokenRecord, Tokens};
pub(crate) use usage::{
    AddressUse, HourOfKey, KeyPath, Usage, UsageAge, UsageBatch, UsageCell, UsageCount, UsageFound,
    UsageQuery, over as usage_over,
};
#[cfg(test)]
pub(crate) use usage::{UsageReads, UsageWrites};

/// A part of a list: newest first, at most `limit` items, only those whose id is below `before`.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// Where to go on.
    pub(crate) before: Option<String>,
    /// How many.
    pub(crate) limit: i64,
}

/// Reads. Everything but the look-ups of the credential check, of those who sign in and of the delivery of mail is bound
/// to an organization.
pub(crate) trait Store:
    Agents
    + AuditLog
    + Events
    + Keys
    + Links
    + Mails
    + Members
    + Notices
    + Passwords
    + Requests
    + Sessions
    + Setup
    + Tokens
{
}

impl<S> Store for S where
    S: Agents
        + AuditLog
        + Events
        + Keys
        + Links
        + Mails
        + Members
        + Notices
        + Passwords
        + Requests
        + Sessions
        + Setup
        + Tokens
{
}

/// What a change may do within its transaction. Whatever changes what the credential check knows of a key says
/// which keys it touched.
pub(crate) trait Work:
    AgentChanges
    + ErasureChanges
    + EventChanges
    + IdentityChanges
    + KeyChanges
    + LinkChanges
    + MailChanges
    + MemberChanges
    + NoticeChanges
    + PasswordChanges
    + RequestChanges
    + SecretChanges
    + SessionChanges
    + SetupChanges
    + TokenChanges
{
}

impl<W> Work for W where
    W: AgentChanges
        + ErasureChanges
        + EventChanges
        + IdentityChanges
        + KeyChanges
        + LinkChanges
        + MailChanges
        + MemberChanges
        + NoticeChanges
        + PasswordChanges
        + RequestChanges
        + SecretChanges
        + SessionChanges
        + SetupChanges
        + TokenChanges
{
}

/// A transaction. Nothing of it is seen until it is committed; dropping it undoes it.
#[async_trait]
pub(crate) trait Transaction: Work + AuditChanges {
    /// What may be done within it.
    fn work(&mut self) -> &mut dyn Work;

    /// Where the answers of calls that take effect once are kept, as a part of it.
    fn records(&mut self) -> &mut dyn Records;

    /// Makes it all seen, and lets every replica know which keys it touches. Not without having settled what the audit
    /// log says of it.
    async fn commit(self: Box<Self>, touched: &Touched, recorded: Recorded) -> Result<(), StoreError>;
}

/// Begins transactions. There is one for a store, and whoever has it makes every change:
/// [`Changes`](crate::change::Changes).
pub(crate) struct Writer(Box<dyn Begin>);

impl Writer {
    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.0.begin().await
    }
}

#[async_trait]
trait Begin: Send + Sync {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;
}

/// The migrations of SQLite and of PostgreSQL.
pub(crate) fn migrations() -> (Migrator, Migrator) {
    (sqlx::migrate!("migrations/sqlite"), sqlx::migrate!("migrations/postgres"))
}

/// The store over an open database, and its only writer.
pub(crate) fn over(db: AnyDb) -> (Arc<dyn Store>, Writer) {
    match db {
        AnyDb::Sqlite(db) => {
            (Arc::new(sql::SqlStore::new(db.clone())), Writer(Box::new(sql::SqlStore::new(db))))
        }
        AnyDb::Postgres(db) => {
            (Arc::new(sql::SqlStore::new(db.clone())), Writer(Box::new(sql::SqlStore::new(db))))
        }
    }
}
