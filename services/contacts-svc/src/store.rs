//! Where contacts are kept: one trait, one SQL implementation for both engines.

mod agent_erasures;
mod alike;
mod backlog;
mod changes;
mod creations;
mod cursor_key;
mod feed;
mod fields;
mod files;
mod find;
mod imports;
mod index;
mod lists;
mod many;
mod people;
mod row;
mod sieve;
mod sql;
mod writing;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod plans;

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_core::cursor::CursorKey;
use svc_core::page::PageSize;
use svc_db::{AnyDb, Db, DbError, Dialect, Migrator, OpenError, Outgoing, Records, Scope};
use svc_runtime::service::Environment;
use svc_runtime::telemetry::Metrics;

pub(crate) use agent_erasures::{AgentErasure, AgentErasureWork, Left};
pub(crate) use creations::CreationWork;
pub(crate) use feed::feed;
pub(crate) use files::{FileStore, FileWork, Leftovers};
pub(crate) use imports::{ImportStore, ImportWork};
pub(crate) use lists::{Along, Candidate, Candidates, Stretch};
pub(crate) use many::{Found, ManyWork};
pub(crate) use sieve::{Reach, Sieve, Sifted};
pub(crate) use svc_db::StoreError;
pub(crate) use writing::{Created, EndWork};

use crate::domain::{
    ChangesPage, Contact, Feed, FieldSet, JsonText, Locator, Partition, PastChange, PossibleDuplicate,
    Reachable, Status, UniqueValue,
};

/// Contacts. Every query is about one partition and sees no other.
#[async_trait]
pub(crate) trait Store: FileStore + Leftovers + Send + Sync {
    /// A contact, archived or not.
    async fn find(&self, partition: &Partition, locator: &Locator) -> Result<Option<Contact>, StoreError>;

    /// The declared fields.
    async fn field_set(&self, partition: &Partition) -> Result<FieldSet, StoreError>;

    /// Some contacts' values of a field.
    async fn stored_values(
        &self,
        partition: &Partition,
        key: &str,
        after: &ValuesAfter,
    ) -> Result<StoredValues, StoreError>;

    /// Contacts with the same email address or number, oldest first: one more than are named.
    async fn alike(
        &self,
        partition: &Partition,
        by: &Reachable,
    ) -> Result<Vec<PossibleDuplicate>, StoreError>;

    /// What happened to a contact, oldest first: the last [`HISTORY_MAX`](crate::domain::HISTORY_MAX) changes.
    async fn history(&self, partition: &Partition, contact_id: &str) -> Result<Vec<PastChange>, StoreError>;

    /// Contacts of all partitions that were archived at `before` or earlier, the oldest first.
    async fn expired(&self, before: Timestamp, limit: i64) -> Result<Vec<(Partition, String)>, StoreError>;

    /// Contacts in the order of a list, at most as many as the stretch says.
    async fn walk(&self, partition: &Partition, stretch: &Stretch<'_>) -> Result<Vec<Contact>, StoreError>;

    /// Looks at as many contacts in the order of a list as the stretch says, and gives those that a sieve lets
    /// through.
    async fn sift(
        &self,
        partition: &Partition,
        stretch: &Stretch<'_>,
        sieve: &Sieve,
    ) -> Result<Sifted, StoreError>;

    /// How far the next contacts with each of the values reach that a stretch goes along, counted up to its limit.
    async fn reach(&self, partition: &Partition, stretch: &Stretch<'_>) -> Result<Vec<Reach>, StoreError>;

    /// Contacts that may be in a list, in no order: for each status at most `limit`, and more than `limit` only if
    /// there are.
    async fn candidates(
        &self,
        partition: &Partition,
        candidates: &Candidates<'_>,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError>;

    /// How many contacts have a value that has these numbers, counted up to `limit` for each of them.
    async fn count(&self, partition: &Partition, terms: &[i64], limit: usize) -> Result<usize, StoreError>;

    /// The contacts with these ids, in no order.
    async fn these(&self, partition: &Partition, ids: &[&str]) -> Result<Vec<Contact>, StoreError>;

    /// A page of the changes that follow the one numbered `after`, oldest first: as many as it has room for, by
    /// count and by the bytes of their contacts, and one at least.
    async fn changes(
        &self,
        partition: &Partition,
        size: PageSize,
        after: i64,
    ) -> Result<ChangesPage, StoreError>;

    /// Where the feed of changes stands.
    async fn feed(&self, partition: &Partition) -> Result<Feed, StoreError>;

    /// Some agents that have a feed, those that follow `after` in an order of their own.
    async fn feeds(&self, after: Option<&Partition>, limit: usize) -> Result<Vec<Partition>, StoreError>;

    /// Deletes the oldest changes, at most `limit` of them, as long as they are from before this time, and says how
    /// many these were.
    async fn prune(&self, partition: &Partition, time: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Agents that are gone and are to be looked after by now, the longest due first.
    async fn agent_erasures_due(&self, now: Timestamp, most: i64) -> Result<Vec<AgentErasure>, StoreError>;
}

/// Whether a write failed since something unique is another's.
pub(crate) fn is_taken(error: &StoreError) -> bool {
    matches!(error, StoreError::Db(DbError::Duplicate))
}

/// A value of a custom field, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredValue {
    pub(crate) contact_id: String,
    pub(crate) json: JsonText,
}

/// Where a look at all values of a field goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValuesAfter {
    status: Status,
    /// Of a contact: when it was created, and its id.
    position: Option<(Timestamp, String)>,
}

impl ValuesAfter {
    /// At the beginning.
    pub(crate) const START: ValuesAfter = ValuesAfter { status: Status::Active, position: None };
}

/// Some values of a field, and where the others are looked for.
pub(crate) type StoredValues = (Vec<StoredValue>, Option<ValuesAfter>);

/// Begins transactions. There is one for a store, and whoever has it makes every change:
/// [`Changes`](crate::change::Changes).
pub(crate) struct Writer(Arc<dyn Begin>);

impl Writer {
    /// Begins a transaction about these contacts. Nothing of it is seen until it is committed; dropping it undoes it.
    pub(crate) async fn begin(&self, partition: &Partition) -> Result<Box<dyn Transaction>, StoreError> {
        self.0.begin(&Scope::of(partition)).await
    }
}

#[async_trait]
trait Begin: Send + Sync {
    async fn begin(&self, scope: &Scope) -> Result<Box<dyn Transaction>, StoreError>;
}

/// A transaction.
#[async_trait]
pub(crate) trait Transaction: Work + CreationWork + EndWork {
    /// Where the answers of calls that take effect once are kept, as a part of it.
    fn records(&mut self) -> &mut dyn Records;

    /// Where other services are told of what it does, as a part of it.
    fn outgoing(&mut self) -> &mut dyn Outgoing;

    /// Makes it all seen.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a change may do within its transaction.
#[async_trait]
pub(crate) trait Work:
    FieldWork + FileWork + PersonWork + ManyWork + ImportWork + AgentErasureWork + Send
{
    /// A contact, which nobody else changes until this work ends.
    async fn find(&mut self, partition: &Partition, locator: &Locator)
    -> Result<Option<Contact>, StoreError>;

    /// Adds a contact. `false`, and nothing is added, when another one of the partition has its
    /// reference; a work that adds the same at this moment is waited for.
    async fn insert(&mut self, partition: &Partition, contact: &Contact) -> Result<bool, StoreError>;

    /// Adds a contact, or finds the one of the partition that has its reference already, which nobody else
    /// changes until this work ends. A work that adds the same at this moment is waited for.
    async fn insert_or_find(
        &mut self,
        partition: &Partition,
        contact: &Contact,
    ) -> Result<Contact, StoreError>;

    /// Writes all that can change of a contact that [`Work::find`] found.
    async fn update(&mut self, partition: &Partition, contact: &Contact) -> Result<(), StoreError>;

    /// Removes a contact that [`Work::find`] found.
    async fn delete(&mut self, partition: &Partition, id: &str) -> Result<(), StoreError>;
}

/// What a change may do with declared fields and their unique values.
#[async_trait]
pub(crate) trait FieldWork: Send {
    /// Lets nobody else change contacts of the partition, or its fields, until this work ends.
    async fn lock_writes(&mut self, partition: &Partition) -> Result<(), StoreError>;

    /// The declared fields.
    async fn field_set(&mut self, partition: &Partition) -> Result<FieldSet, StoreError>;

    /// Writes the declared fields.
    async fn write_field_set(&mut self, partition: &Partition, set: &FieldSet) -> Result<(), StoreError>;

    /// Some contacts' values of a field.
    async fn stored_values(
        &mut self,
        partition: &Partition,
        key: &str,
        after: &ValuesAfter,
    ) -> Result<StoredValues, StoreError>;

    /// Takes a value for a contact that is there, or says which other contact has it; an empty id when that is gone
    /// by now. A work that takes the same at this moment is waited for.
    async fn take_value(
        &mut self,
        partition: &Partition,
        value: &UniqueValue,
        contact_id: &str,
    ) -> Result<Option<String>, StoreError>;

    /// Gives up a value that a contact has taken.
    async fn release_value(
        &mut self,
        partition: &Partition,
        value: &UniqueValue,
        contact_id: &str,
    ) -> Result<(), StoreError>;

    /// Gives up all values of a field.
    async fn release_field(&mut self, partition: &Partition, key: &str) -> Result<(), StoreError>;
}

/// What a change may do about the people whom contacts are.
#[async_trait]
pub(crate) trait PersonWork: Send {
    /// Lets nobody else who asks for this, too, look for the same people until this work ends.
    async fn lock_people(&mut self, partition: &Partition, by: &Reachable) -> Result<(), StoreError>;

    /// Contacts with the same email address or number, oldest first: one more than are named.
    async fn alike(
        &mut self,
        partition: &Partition,
        by: &Reachable,
    ) -> Result<Vec<PossibleDuplicate>, StoreError>;

    /// Forgets the answers kept for repeats that hold this contact.
    async fn forget_answers(&mut self, partition: &Partition, contact_id: &str) -> Result<(), StoreError>;
}

/// The migrations of SQLite and of PostgreSQL.
fn migrations() -> (Migrator, Migrator) {
    (sqlx::migrate!("migrations/sqlite"), sqlx::migrate!("migrations/postgres"))
}

/// Applies the migrations that the database lacks, and says how many these were.
pub(crate) async fn migrate(environment: &Environment) -> Result<usize, OpenError> {
    let (sqlite, postgres) = migrations();
    svc_db::migrate(environment, crate::NAME, sqlite, postgres).await
}

/// Says so when row-level security does not bind the role of the database: statements still name organization and agent
/// each, but nothing stands behind them.
pub(crate) async fn check_role(db: &AnyDb) -> Result<(), OpenError> {
    if let AnyDb::Postgres(db) = db
        && !db.is_bound_by_policies().await.map_err(StoreError::from)?
    {
        tracing::warn!(
            "the role of database.url is a superuser or has BYPASSRLS: row-level security does not bind it, \
             give contacts-svc a role of its own"
        );
    }
    Ok(())
}

/// The key of cursors.
pub(crate) async fn cursor_key(db: &AnyDb, environment: &Environment) -> Result<CursorKey, OpenError> {
    Ok(cursor_key::of(db, &*environment.random).await?)
}

/// Opens the database of the service, with the only writer of it.
pub(crate) async fn open(environment: &Environment) -> Result<(Arc<dyn Store>, Writer, AnyDb), OpenError> {
    let (sqlite, postgres) = migrations();
    let db = svc_db::open(environment, crate::NAME, sqlite, postgres).await?;
    backlog::work_off(&db).await?;
    let (store, writer) = match &db {
        AnyDb::Sqlite(db) => over(db, &environment.metrics),
        AnyDb::Postgres(db) => over(db, &environment.metrics),
    };
    Ok((store, writer, db))
}

fn over<D: Dialect>(db: &Db<D>, metrics: &Metrics) -> (Arc<dyn Store>, Writer) {
    let store = Arc::new(sql::SqlStore::new(db.clone(), metrics));
    (store.clone(), Writer(store))
}

/// The imports in the database of the service.
pub(crate) fn imports_in(db: &AnyDb) -> Arc<dyn ImportStore> {
    match db {
        AnyDb::Sqlite(db) => Arc::new(imports::SqlImports(db.clone())),
        AnyDb::Postgres(db) => Arc::new(imports::SqlImports(db.clone())),
    }
}
