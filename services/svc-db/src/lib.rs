//! The database: SQLite or PostgreSQL behind one [`Dialect`], each query written once.
//!
//! A store is generic over the dialect and writes its queries with [`sql`]. Columns are portable: TEXT,
//! BIGINT (Unix microseconds for times), BOOLEAN, BLOB/BYTEA. Placeholders are `$1`, `$2` on both.

#![warn(unreachable_pub)]

pub mod arrays;
mod batch;
mod connections;
mod dedicated;
mod dialect;
mod failure;
mod idempotency;
mod migrate;
mod open;
mod outbox;
mod query;
mod scope;
mod servers;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;

use std::sync::Arc;

use svc_core::error::{Error, cause};

pub use batch::{Batcher, Questions};
pub use connections::{Lease, Transaction};
pub use dedicated::Notifications;
pub use dialect::{Dialect, Reads};
pub use idempotency::{IdempotencyRecords, Record, Records};
pub use open::{LockFile, OpenError, check, migrate, open, open_to_read};
pub use outbox::{Outbox, OutboxTable, Outgoing};
pub use query::{Columns, Param, Query, Row, sql};
pub use scope::Scope;
pub use sqlx::migrate::Migrator;
pub use sqlx::{Postgres, Sqlite};

use connections::Connections;
use failure::Class;
use servers::Servers;

/// Why a query failed. What the driver says stays in the log. Cheap to clone: several may be told of one failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// A row with this unique value exists.
    #[error("a row with this unique value exists")]
    Duplicate,
    /// The database is away or has no connection free.
    #[error("the database is not available")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// Anything else.
    #[error("the query failed")]
    Failed(#[source] Arc<sqlx::Error>),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> DbError {
        match Class::of(&error) {
            Class::Pass => DbError::Duplicate,
            Class::Unavailable | Class::Reconnect | Class::CannotWrite => {
                DbError::Unavailable(Arc::new(error))
            }
            Class::Failed => DbError::Failed(Arc::new(error)),
        }
    }
}

impl DbError {
    /// What the driver said, when the connection is of no use any more.
    fn source_if_lost(&self) -> Option<&sqlx::Error> {
        match self {
            DbError::Unavailable(error) if Class::of(error).loses_connection() => Some(error),
            _ => None,
        }
    }

    /// Whether the database itself says that the statement, a transaction of its own, has changed nothing.
    pub fn is_undone(&self) -> bool {
        match self {
            DbError::Duplicate => true,
            DbError::Unavailable(error) | DbError::Failed(error) => {
                matches!(**error, sqlx::Error::Database(_)) && !Class::of(error).loses_connection()
            }
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Error {
        tracing::error!(error = %error, cause = %cause(&error), "database error");
        match error {
            DbError::Unavailable(_) => Error::unavailable(),
            DbError::Duplicate | DbError::Failed(_) => Error::internal(),
        }
    }
}

/// Why a store fails. Cheap to clone: several may be told of one failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A column holds what no release of ours has written.
    #[error("column {column} cannot be read")]
    Corrupt {
        /// Which column.
        column: &'static str,
    },
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::Db(error) => error.into(),
            StoreError::Corrupt { .. } => {
                tracing::error!(error = %error, "database error");
                Error::internal()
            }
        }
    }
}

/// A database of one engine. Cheap to clone.
#[derive(Debug)]
pub struct Db<D: Dialect> {
    writer: Connections<D>,
    readers: Connections<D>,
    /// Of PostgreSQL, for connections beside the pool.
    servers: Option<Arc<Servers>>,
    /// Held as long as the database is open: SQLite belongs to one process.
    _lock: Option<Arc<LockFile>>,
}

// Written out because a derive would ask the engine itself to be `Clone`.
impl<D: Dialect> Clone for Db<D> {
    fn clone(&self) -> Db<D> {
        Db {
            writer: self.writer.clone(),
            readers: self.readers.clone(),
            servers: self.servers.clone(),
            _lock: self._lock.clone(),
        }
    }
}

/// The database of a service, of either engine.
#[derive(Clone, Debug)]
pub enum AnyDb {
    /// A file of its own.
    Sqlite(Db<Sqlite>),
    /// A schema of its own.
    Postgres(Db<Postgres>),
}

impl<D: Dialect> Db<D> {
    /// A connection to read with. What was committed before is seen. Reads are cheap when each ends with
    /// [`Lease::done`]; one that failed should go through [`Lease::failed`].
    pub async fn read(&self) -> Result<Lease<D>, DbError> {
        Ok(self.readers.lease().await?)
    }

    /// A transaction to write in. Rolled back unless it is committed. A statement that failed should go through
    /// [`Transaction::failed`].
    pub async fn begin(&self) -> Result<Transaction<D>, DbError> {
        query::trace::<D>(D::BEGIN);
        Ok(self.writer.begin(None).await?)
    }

    /// A transaction to write in, about these rows and no others where the schema has row-level security. All else is
    /// as with [`Db::begin`].
    pub async fn begin_in(&self, scope: &Scope) -> Result<Transaction<D>, DbError> {
        query::trace::<D>(D::BEGIN);
        Ok(self.writer.begin(Some(scope)).await?)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Db<Postgres> {
    /// Whether row-level security binds the role: superusers and roles with BYPASSRLS it does not.
    pub async fn is_bound_by_policies(&self) -> Result<bool, DbError> {
        const QUERY: &str =
            "SELECT rolsuper OR rolbypassrls AS is_free FROM pg_roles WHERE rolname = current_user";
        let row = read!(self, |connection| sql::<Postgres>(QUERY).optional(connection))?;
        Ok(!row.map_or(Ok(true), |row| row.get("is_free"))?)
    }
}

impl AnyDb {
    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            AnyDb::Sqlite(db) => db.close().await,
            AnyDb::Postgres(db) => db.close().await,
        }
    }
}
