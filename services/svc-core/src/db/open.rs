//! Opening a database and bringing it up to date.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Postgres, Sqlite};

use super::connections::Connections;
use super::{AnyDb, Config, Db};

/// How long a request waits for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long SQLite waits for the write lock of another connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read SQLite.
const SQLITE_READERS: u32 = 4;
/// The longest that PostgreSQL works on one statement, and that it lets a transaction idle.
const STATEMENT_TIMEOUT: &str = "10s";

/// Why a database cannot be opened. Never holds the URL, which has a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `database.url` is not a PostgreSQL URL.
    #[error("database.url must start with postgres:// or postgresql://")]
    Url,
    /// Another process has the database.
    #[error("{0} is held by another process: SQLite belongs to one at a time")]
    Locked(PathBuf),
    /// The data directory cannot be used.
    #[error("{path}: {error}")]
    Directory {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: std::io::Error,
    },
    /// The database does not answer.
    #[error("the database cannot be opened: {0}")]
    Connect(#[from] sqlx::Error),
    /// A migration failed.
    #[error("a migration failed: {0}")]
    Migrate(#[from] MigrateError),
}

/// Opens the database of one service and applies its migrations.
pub async fn open(
    config: &Config,
    data_dir: &Path,
    service: &'static str,
    sqlite: Migrator,
    postgres: Migrator,
) -> Result<AnyDb, OpenError> {
    match &config.url {
        None => Ok(AnyDb::Sqlite(open_sqlite(data_dir, service, sqlite).await?)),
        Some(url) => Ok(AnyDb::Postgres(open_postgres(url.expose(), config, service, postgres).await?)),
    }
}

async fn open_sqlite(data_dir: &Path, service: &str, migrations: Migrator) -> Result<Db<Sqlite>, OpenError> {
    let lock = Arc::new(LockFile::take(&data_dir.join(format!("{service}.lock")))?);
    let file = data_dir.join(format!("{service}.sqlite"));
    make_private(&file)?;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged survives a power cut, not only kill -9.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.clone())
        .await?;
    migrations.run(&writer).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.create_if_missing(false).read_only(true))
        .await?;
    Ok(Db { writer: Connections::new(writer), readers: Connections::new(readers), _lock: Some(lock) })
}

/// Makes the file for its owner only; SQLite gives its journals the same mode.
fn make_private(file: &Path) -> Result<(), OpenError> {
    let made = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
    made.map(drop).map_err(|error| OpenError::Directory { path: file.to_owned(), error })
}

async fn open_postgres(
    url: &str,
    config: &Config,
    service: &'static str,
    mut migrations: Migrator,
) -> Result<Db<Postgres>, OpenError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(OpenError::Url);
    }
    let options = PgConnectOptions::from_str(url)?
        .application_name(&format!("keyward-{service}"))
        .options([
            ("search_path", service),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT),
        ])
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    migrations.create_schema(service);
    migrations.run(&pool).await?;
    let connections = Connections::new(pool);
    Ok(Db { writer: connections.clone(), readers: connections, _lock: None })
}

/// Keeps other processes away from a database file as long as it lives.
#[derive(Debug)]
pub struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock, or fails at once. The kernel frees it when the process ends, however it ends.
    pub fn take(path: &Path) -> Result<LockFile, OpenError> {
        let failed = |error| OpenError::Directory { path: path.to_owned(), error };
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(LockFile { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked(path.to_owned())),
            Err(error) => Err(failed(error.into())),
        }
    }
}
