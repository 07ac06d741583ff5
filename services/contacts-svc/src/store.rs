//! Where contacts are kept: one trait, one SQL implementation for both engines.

mod row;
mod sql;

#[cfg(test)]
mod contract;

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::db::{AnyDb, DbError, OpenError, open as open_database};
use svc_core::service::Environment;

use crate::domain::{Contact, Locator, Page, PageSize, Partition, Position};

/// Why the store fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A column holds what no release of ours has written.
    #[error("column {column} of a contact cannot be read")]
    Corrupt {
        /// Which column.
        column: &'static str,
    },
}

/// Contacts. Every query is about one partition and sees no other.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// A contact, archived or not.
    async fn find(&self, partition: &Partition, locator: &Locator) -> Result<Option<Contact>, StoreError>;

    /// A page of active contacts, newest first, those that follow `after`.
    async fn list(
        &self,
        partition: &Partition,
        size: PageSize,
        after: Option<&Position>,
    ) -> Result<Page, StoreError>;

    /// Begins a change.
    async fn begin(&self) -> Result<Box<dyn Work>, StoreError>;
}

/// One change, all of it or nothing: what is not committed has not happened.
#[async_trait]
pub(crate) trait Work: Send {
    /// A contact, which nobody else changes until this work ends.
    async fn find(&mut self, partition: &Partition, locator: &Locator)
    -> Result<Option<Contact>, StoreError>;

    /// Adds a contact. `false`, and nothing is added, when another one of the partition has its
    /// reference; a work that adds the same at this moment is waited for.
    async fn insert(&mut self, partition: &Partition, contact: &Contact) -> Result<bool, StoreError>;

    /// Writes all that can change of a contact that [`Work::find`] found.
    async fn update(&mut self, partition: &Partition, contact: &Contact) -> Result<(), StoreError>;

    /// Removes a contact that [`Work::find`] found.
    async fn delete(&mut self, partition: &Partition, id: &str) -> Result<(), StoreError>;

    /// Makes it so.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Opens the database of the service and brings it up to date.
pub(crate) async fn open(environment: &Environment) -> Result<(Arc<dyn Store>, AnyDb), OpenError> {
    let sqlite = sqlx::migrate!("migrations/sqlite");
    let postgres = sqlx::migrate!("migrations/postgres");
    let db =
        open_database(&environment.database, &environment.data_dir, crate::NAME, sqlite, postgres).await?;
    let store: Arc<dyn Store> = match &db {
        AnyDb::Sqlite(db) => Arc::new(sql::SqlStore::new(db.clone())),
        AnyDb::Postgres(db) => Arc::new(sql::SqlStore::new(db.clone())),
    };
    Ok((store, db))
}
