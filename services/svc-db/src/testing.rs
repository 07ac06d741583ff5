//! Where tests of services run: a directory and a database of their own, on either engine, and a clock
//! that stands. Behind the feature `testing`; never part of a build that is shipped.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod idempotency;
mod rows;

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use svc_core::clock::{ManualClock, SystemClock, Timestamp};
use svc_core::ids::Ids;
use svc_core::random::SystemRandom;
use svc_core::secret::Secret;
use svc_runtime::service::{DatabaseConfig, Environment};

pub use idempotency::idempotency_contract;
pub use rows::rows_of;

/// Says where PostgreSQL is: the URL of a role that may create databases. `make test` sets it.
pub const POSTGRES_URL: &str = "KEYWARD_TEST_POSTGRES_URL";

/// When tests begin: 2026-01-31T12:00:00.123456Z.
pub const START: Timestamp = Timestamp(1_769_860_800_123_456);

tokio::task_local! {
    static SENT: std::cell::Cell<usize>;
}

/// What a future comes to, and how often it asks the database by itself: for statements, and for the beginning and the end
/// of transactions. On PostgreSQL each is a round trip.
pub async fn counted<F: Future>(future: F) -> (F::Output, usize) {
    let counting = async {
        let output = future.await;
        (output, SENT.with(std::cell::Cell::get))
    };
    SENT.scope(std::cell::Cell::new(0), counting).await
}

pub(crate) fn count() {
    // Mostly nobody counts.
    let _ = SENT.try_with(|sent| sent.set(sent.get() + 1));
}

/// An environment with an empty database.
#[derive(Debug)]
pub struct TestEnvironment {
    pub environment: Environment,
    pub clock: ManualClock,
    directory: tempfile::TempDir,
}

impl TestEnvironment {
    /// One on each engine, by name.
    pub async fn each() -> [(&'static str, TestEnvironment); 2] {
        [("SQLite", TestEnvironment::sqlite()), ("PostgreSQL", TestEnvironment::postgres().await)]
    }

    pub fn sqlite() -> TestEnvironment {
        TestEnvironment::with(None)
    }

    pub async fn postgres() -> TestEnvironment {
        TestEnvironment::with(Some(Secret::new(new_postgres_database().await)))
    }

    /// One on PostgreSQL by a role that no policy binds.
    pub async fn postgres_superuser() -> TestEnvironment {
        TestEnvironment::with(Some(Secret::new(new_superuser_database().await)))
    }

    fn with(url: Option<Secret>) -> TestEnvironment {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let database = DatabaseConfig { url, ..DatabaseConfig::default() };
        let data_dir = directory.path().to_owned();
        let environment =
            Environment::with(Arc::new(clock.clone()), Arc::new(SystemRandom), data_dir, database);
        TestEnvironment { environment, clock, directory }
    }

    /// Where files are kept.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }
}

/// Who owns the databases of tests: no superuser, since these are bound by no policy.
const OWNER: &str = "keyward_tests";

/// Makes an empty database of a role that is nothing but its owner, and gives its URL. It goes away with the server,
/// which is a test's own.
pub async fn new_postgres_database() -> String {
    let database = new_superuser_database().await;
    let mut connection = PgConnection::connect(&database).await.unwrap();
    let create = format!("CREATE ROLE {OWNER} LOGIN PASSWORD '{OWNER}'");
    if let Err(error) = connection.execute(AssertSqlSafe(create)).await {
        // It is there, or another test makes it at this moment.
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        assert!(["42710", "23505", "XX000"].contains(&&*code), "{error}");
    }
    let (server, name) = database.rsplit_once('/').unwrap();
    connection.execute(AssertSqlSafe(format!("ALTER DATABASE {name} OWNER TO {OWNER}"))).await.unwrap();
    connection.close().await.unwrap();
    let (_, hosts) = server.rsplit_once('@').unwrap_or_else(|| server.split_once("//").unwrap());
    format!("postgres://{OWNER}:{OWNER}@{hosts}/{name}")
}

/// Makes an empty database and gives its URL, with the role that may do everything.
pub async fn new_superuser_database() -> String {
    let server = std::env::var(POSTGRES_URL)
        .unwrap_or_else(|_| panic!("this test needs PostgreSQL: {POSTGRES_URL} is not set, run `make test`"));
    let name = format!("test_{}", Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).next());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.unwrap();
    connection.close().await.unwrap();
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}
