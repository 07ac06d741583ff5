//! Opening a database and bringing it up to date.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rustix::fs::{FlockOperation, flock};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Error, Postgres, Sqlite, SqliteConnection};
use tokio::time::{sleep, timeout};

use super::connections::{Bounds, Connections, Connector};
use super::migrate::{migrate_postgres, migrate_sqlite};
use super::servers::Servers;
use super::watch::Watch;
use super::{AnyDb, Db, StoreError};
use svc_runtime::keyfile::make_data_dir;
use svc_runtime::service::{DatabaseConfig, Environment, Migrations};

/// How long a request waits for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long SQLite waits for the write lock of another connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read SQLite.
const SQLITE_READERS: u32 = 4;
/// How long a server that is just starting is waited for, and how often it is tried.
const START_TIMEOUT: Duration = Duration::from_secs(2);
const START_EVERY: Duration = Duration::from_millis(200);
/// The longest `database.schema_prefix`: a name of PostgreSQL has 63 bytes.
const MAX_PREFIX: usize = 32;

/// Why a database cannot be opened. Never holds the URL, which has a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `database.url` is not a PostgreSQL URL.
    #[error("database.url must be a URL that starts with postgres:// or postgresql://")]
    Url,
    /// The servers in `database.url`.
    #[error("database.url: the hosts must be a list host:port,host:port of at most eight")]
    Hosts,
    /// `target_session_attrs` in `database.url`.
    #[error("database.url: target_session_attrs must be read-write or primary, since Keyward writes")]
    Target,
    /// `database.schema_prefix`.
    #[error(
        "database.schema_prefix must be at most {MAX_PREFIX} of a-z, 0-9 and _, and begin with a letter other \
         than pg_"
    )]
    Prefix,
    /// `database.max_connections`.
    #[error("database.max_connections must be at least 1")]
    NoConnections,
    /// Another process has the database.
    #[error("{0} is held by another process, and SQLite belongs to one at a time: stop that one first")]
    Locked(PathBuf),
    /// The data directory cannot be used.
    #[error("setting `data_dir`: {path}: {error}")]
    Directory {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: std::io::Error,
    },
    /// A pooler gives each transaction another session.
    #[error(
        "database.url leads to a pooler in transaction mode, which Keyward does not work with: give its database \
         there pool_mode = session, or connect to PostgreSQL itself"
    )]
    NoSessions,
    /// The role may not make its schema.
    #[error(
        "the schema {schema} is not there, and the role of database.url may not make it: {what}, owned by this \
         role, or set database.schema_prefix"
    )]
    Denied {
        /// The statement that makes it.
        what: String,
        /// Which one.
        schema: String,
    },
    /// The schema is there but nothing can be made in it.
    #[error("the schema {0} cannot be used by the role of database.url: grant it USAGE and CREATE there")]
    Schema(String),
    /// Migrations are pending, and are not for whoever opens it to apply.
    #[error(
        "{count} of the migrations of {schema} are not applied, and with database.migrate = \"never\" nothing \
         applies them at a start: run `keyward migrate`, with a role that may change the schema"
    )]
    Pending {
        /// The schema, or the service whose file it is.
        schema: String,
        /// How many.
        count: usize,
    },
    /// The database does not answer.
    #[error("the database cannot be opened: {}", plain(.0))]
    Connect(Error),
    /// A file of SQLite cannot be used.
    #[error("the database {path} cannot be opened: {}", plain(.error))]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        error: Error,
    },
    /// A release that knows more migrations has used the database.
    #[error(
        "{schema} has the migration {version}, which this release of Keyward does not know: a newer one has used the \
         database. Run that one, or go back to a backup from before"
    )]
    Newer {
        /// The schema, or the service whose file it is.
        schema: String,
        /// The newest of the migrations that are not known here.
        version: i64,
    },
    /// What a service needs before it is served cannot be read or made.
    #[error("the database cannot be prepared: {0}")]
    Prepare(#[from] StoreError),
    /// A migration failed.
    #[error("a migration failed: {0}")]
    Migrate(MigrateError),
}

impl From<Error> for OpenError {
    fn from(error: Error) -> OpenError {
        OpenError::Connect(error)
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> OpenError {
        OpenError::Migrate(error)
    }
}

impl OpenError {
    /// The same about a file of SQLite, where there is one file for each service: says which.
    fn in_file(self, path: &Path) -> OpenError {
        match self {
            OpenError::Connect(error) => OpenError::File { path: path.to_owned(), error },
            other => other,
        }
    }
}

/// Without what the driver puts before it.
fn plain(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// What can be said about the settings without connecting.
pub fn check(config: &DatabaseConfig) -> Result<(), OpenError> {
    let Some(url) = &config.url else { return Ok(()) };
    if config.max_connections == 0 {
        return Err(OpenError::NoConnections);
    }
    let schema = schema(&config.schema_prefix, "")?;
    Servers::parse(url.expose(), "keyward", &schema).map(drop)
}

/// Opens the database of one service. Applies the migrations that it lacks, if `database.migrate` says so.
pub async fn open(
    environment: &Environment,
    service: &'static str,
    sqlite: Migrator,
    postgres: Migrator,
) -> Result<AnyDb, OpenError> {
    let watch = Watch::new(environment, service);
    let config = &environment.database;
    match &config.url {
        None => {
            let file = SqliteFile::take(&environment.data_dir, service)?;
            Ok(AnyDb::Sqlite(open_sqlite(file, service, sqlite, config.migrate, watch).await?))
        }
        Some(url) => {
            let db = connect_postgres(url.expose(), config, service, postgres, watch).await?;
            db.writer.watch_writes();
            Ok(AnyDb::Postgres(db))
        }
    }
}

/// Opens the database of one service to read in it and for nothing else: on SQLite also beside the process that it
/// belongs to. Applies no migrations, and fails where some are not applied.
pub async fn open_to_read(
    environment: &Environment,
    service: &'static str,
    sqlite: Migrator,
    postgres: Migrator,
) -> Result<AnyDb, OpenError> {
    let watch = Watch::new(environment, service);
    let config = &environment.database;
    match &config.url {
        None => {
            let file = environment.data_dir.join(format!("{service}.sqlite"));
            let options = sqlite_options(&file).create_if_missing(false).read_only(true);
            let in_file = |error: OpenError| error.in_file(&file);
            let bounds = Bounds { connections: SQLITE_READERS, patience: ACQUIRE_TIMEOUT, age: false };
            let readers = Connections::new(Arc::new(options), bounds, watch);
            let mut first = readers.lease().await.map_err(OpenError::from).map_err(in_file)?;
            migrate_sqlite(&mut first, service, sqlite, Migrations::Never).await.map_err(in_file)?;
            first.done();
            Ok(AnyDb::Sqlite(Db { writer: readers.clone(), readers, servers: None, _lock: None }))
        }
        Some(url) => {
            let config = DatabaseConfig { migrate: Migrations::Never, ..config.clone() };
            Ok(AnyDb::Postgres(connect_postgres(url.expose(), &config, service, postgres, watch).await?))
        }
    }
}

/// Applies the migrations that the database of a service lacks, whatever `database.migrate` says, and says how
/// many these were.
pub async fn migrate(
    environment: &Environment,
    service: &'static str,
    sqlite: Migrator,
    postgres: Migrator,
) -> Result<usize, OpenError> {
    let config = &environment.database;
    match &config.url {
        None => {
            let file = SqliteFile::take(&environment.data_dir, service)?;
            let in_file = |error: OpenError| error.in_file(file.options.get_filename());
            let connection = ConnectOptions::connect(&file.options).await;
            let mut connection = connection.map_err(OpenError::from).map_err(in_file)?;
            let applied = migrate_sqlite(&mut connection, service, sqlite, Migrations::AtStart).await;
            let applied = applied.map_err(in_file)?;
            connection.close().await?;
            Ok(applied)
        }
        Some(url) => {
            let schema = schema(&config.schema_prefix, service)?;
            let servers = Servers::parse(url.expose(), &format!("keyward-{service}"), &schema)?;
            reach(&servers).await?;
            let mut connection = Connector::connect(&servers).await?;
            let applied = migrate_postgres(&mut connection, &schema, postgres, Migrations::AtStart).await?;
            connection.close().await?;
            Ok(applied)
        }
    }
}

impl Connector<Sqlite> for SqliteConnectOptions {
    fn connect(&self) -> BoxFuture<'_, Result<SqliteConnection, Error>> {
        ConnectOptions::connect(self).boxed()
    }
}

/// The database file of a service, kept away from other processes.
struct SqliteFile {
    options: SqliteConnectOptions,
    lock: LockFile,
}

impl SqliteFile {
    fn take(data_dir: &Path, service: &str) -> Result<SqliteFile, OpenError> {
        let failed = |error| OpenError::Directory { path: data_dir.to_owned(), error };
        make_data_dir(data_dir).map_err(failed)?;
        let lock = LockFile::take(&data_dir.join(format!("{service}.lock")))?;
        let file = data_dir.join(format!("{service}.sqlite"));
        make_private(&file)?;
        Ok(SqliteFile { options: sqlite_options(&file).create_if_missing(true), lock })
    }
}

fn sqlite_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged survives a power cut, not only kill -9.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

async fn open_sqlite(
    SqliteFile { options, lock }: SqliteFile,
    service: &str,
    migrations: Migrator,
    when: Migrations,
    watch: Arc<Watch>,
) -> Result<Db<Sqlite>, OpenError> {
    let file = options.get_filename().to_owned();
    let in_file = |error: OpenError| error.in_file(&file);
    let bounds = Bounds { connections: 1, patience: BUSY_TIMEOUT, age: false };
    let writer = Connections::new(Arc::new(options.clone()), bounds, watch.clone());
    let mut first = writer.lease().await.map_err(OpenError::from).map_err(in_file)?;
    migrate_sqlite(&mut first, service, migrations, when).await.map_err(in_file)?;
    first.done();
    let bounds = Bounds { connections: SQLITE_READERS, patience: ACQUIRE_TIMEOUT, age: false };
    let options = options.create_if_missing(false).read_only(true);
    let readers = Connections::new(Arc::new(options), bounds, watch);
    readers.lease().await?.done();
    writer.watch_writes();
    Ok(Db { writer, readers, servers: None, _lock: Some(Arc::new(lock)) })
}

/// Makes the file for its owner only; SQLite gives its journals the same mode.
fn make_private(file: &Path) -> Result<(), OpenError> {
    let made = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
    made.map(drop).map_err(|error| OpenError::Directory { path: file.to_owned(), error })
}

async fn connect_postgres(
    url: &str,
    config: &DatabaseConfig,
    service: &'static str,
    migrations: Migrator,
    watch: Arc<Watch>,
) -> Result<Db<Postgres>, OpenError> {
    check(config)?;
    let schema = schema(&config.schema_prefix, service)?;
    let servers = Arc::new(Servers::parse(url, &format!("keyward-{service}"), &schema)?);
    reach(&servers).await?;
    let mut connection = Connector::connect(&*servers).await?;
    migrate_postgres(&mut connection, &schema, migrations, config.migrate).await?;
    connection.close().await?;
    let bounds = Bounds { connections: config.max_connections, patience: ACQUIRE_TIMEOUT, age: true };
    let connections = Connections::new(servers.clone(), bounds, watch);
    Ok(Db { writer: connections.clone(), readers: connections, servers: Some(servers), _lock: None })
}

/// Waits a little for a server that is just starting, and says in the end why none was reached.
async fn reach(servers: &Servers) -> Result<(), OpenError> {
    let mut last = OpenError::Connect(Error::PoolTimedOut);
    let trying = async {
        loop {
            match servers.check_sessions().await {
                Err(error @ OpenError::Connect(_)) => last = error,
                checked => return checked,
            }
            sleep(START_EVERY).await;
        }
    };
    match timeout(START_TIMEOUT, trying).await {
        Ok(checked) => checked,
        Err(_) => Err(last),
    }
}

/// The name of a service's schema, which needs no quotes.
fn schema(prefix: &str, service: &str) -> Result<String, OpenError> {
    let fits = prefix.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && prefix.len() <= MAX_PREFIX
        && !prefix.starts_with(|c: char| c.is_ascii_digit())
        && !prefix.starts_with("pg_");
    match fits {
        true => Ok(format!("{prefix}{service}")),
        false => Err(OpenError::Prefix),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas() {
        for (prefix, expected) in [
            ("", Some("auth")),
            ("keyward_", Some("keyward_auth")),
            ("_k2", Some("_k2auth")),
            ("pg_", None),
            ("2k", None),
            ("Key", None),
            ("a-b", None),
            ("a\"; DROP", None),
            (&"x".repeat(33), None),
        ] {
            assert_eq!(schema(prefix, "auth").ok().as_deref(), expected, "{prefix:?}");
        }
    }
}
