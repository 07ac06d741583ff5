//! The database: SQLite or PostgreSQL behind one [`Dialect`], each query written once.
//!
//! A store is generic over the dialect and writes its queries with [`sql`]. Columns are portable: TEXT,
//! BIGINT (Unix microseconds for times), BOOLEAN, BLOB/BYTEA. Placeholders are `$1`, `$2` on both.

mod connections;
mod dedicated;
mod dialect;
mod open;
mod query;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::SqlSafeStr;

use crate::error::{Error, cause};
use crate::secret::Secret;

pub use connections::{Lease, Transaction};
pub use dedicated::Notifications;
pub use dialect::{Dialect, Reads};
pub use open::{LockFile, OpenError, open};
pub use query::{Param, Query, Row, sql};
pub use sqlx::migrate::Migrator;
pub use sqlx::{Postgres, Sqlite};

use connections::Connections;

/// `[database]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// `postgres://user:password@host/database`; each service has a schema of its own there. Without
    /// it, one SQLite file a service in `data_dir`.
    pub url: Option<Secret>,
    /// The most connections of one service to PostgreSQL.
    pub max_connections: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config { url: None, max_connections: 10 }
    }
}

/// Why a query failed. What the driver says stays in the log.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A row with this unique value exists.
    #[error("a row with this unique value exists")]
    Duplicate,
    /// The database is away or has no connection free.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else.
    #[error("the query failed")]
    Failed(#[source] sqlx::Error),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> DbError {
        match &error {
            sqlx::Error::Database(e) if e.is_unique_violation() => DbError::Duplicate,
            sqlx::Error::Database(e) if is_passing(e.code().as_deref()) => DbError::Unavailable(error),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                DbError::Unavailable(error)
            }
            _ => DbError::Failed(error),
        }
    }
}

/// PostgreSQL: connection exceptions, resources, operator intervention, serialization and deadlock.
/// SQLite: `BUSY` and `LOCKED` with their extended codes.
fn is_passing(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    let postgres = code.len() == 5 && ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class));
    let sqlite =
        code.parse::<u32>().is_ok_and(|code| code.to_string().len() < 5 && matches!(code & 0xff, 5 | 6));
    postgres || sqlite
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

/// A database of one engine. Cheap to clone.
#[derive(Debug)]
pub struct Db<D: Dialect> {
    writer: Connections<D>,
    readers: Connections<D>,
    /// Held as long as the database is open: SQLite belongs to one process.
    _lock: Option<Arc<LockFile>>,
}

// Written out because a derive would ask the engine itself to be `Clone`.
impl<D: Dialect> Clone for Db<D> {
    fn clone(&self) -> Db<D> {
        Db { writer: self.writer.clone(), readers: self.readers.clone(), _lock: self._lock.clone() }
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
    /// [`Lease::done`].
    pub async fn read(&self) -> Result<Lease<D>, DbError> {
        Ok(self.readers.lease().await?)
    }

    /// A transaction to write in. Rolled back unless it is committed.
    pub async fn begin(&self) -> Result<Transaction<D>, DbError> {
        Ok(self.writer.begin(D::BEGIN.into_sql_str()).await?)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
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
