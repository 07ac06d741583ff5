//! Where tests of services run: a directory and a database of their own, on either engine, and a clock
//! that stands. Behind the feature `testing`; never part of a build that is shipped.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::clock::{ManualClock, SystemClock, Timestamp};
use crate::db;
use crate::ids::Ids;
use crate::random::SystemRandom;
use crate::secret::Secret;
use crate::service::Environment;

/// Says where PostgreSQL is: the URL of a role that may create databases. `make test` sets it.
pub const POSTGRES_URL: &str = "KEYWARD_TEST_POSTGRES_URL";

/// When tests begin: 2026-01-31T12:00:00.123456Z.
pub const START: Timestamp = Timestamp(1_769_860_800_123_456);

/// An environment with an empty database.
#[derive(Debug)]
pub struct Home {
    pub environment: Environment,
    pub clock: ManualClock,
    directory: tempfile::TempDir,
}

impl Home {
    /// One on each engine, by name.
    pub async fn each() -> [(&'static str, Home); 2] {
        [("SQLite", Home::sqlite()), ("PostgreSQL", Home::postgres().await)]
    }

    pub fn sqlite() -> Home {
        Home::with(None)
    }

    pub async fn postgres() -> Home {
        Home::with(Some(Secret::new(new_postgres_database().await)))
    }

    fn with(url: Option<Secret>) -> Home {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let database = db::Config { url, ..db::Config::default() };
        let data_dir = directory.path().to_owned();
        let environment =
            Environment::with(Arc::new(clock.clone()), Arc::new(SystemRandom), data_dir, database);
        Home { environment, clock, directory }
    }

    /// Where files are kept.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }
}

/// Makes an empty database and gives its URL. It goes away with the server, which is a test's own.
pub async fn new_postgres_database() -> String {
    let server = std::env::var(POSTGRES_URL)
        .unwrap_or_else(|_| panic!("this test needs PostgreSQL: {POSTGRES_URL} is not set, run `make test`"));
    let name = format!("test_{}", Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).next());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.unwrap();
    connection.close().await.unwrap();
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}
