use std::str::FromStr;
use std::task::Poll;

use futures::{FutureExt, poll};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, PgConnection, Postgres, Sqlite};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::db::{DbError, Dialect, sql};

/// A database, and what the engines have no common word for.
struct Database<D: Dialect> {
    connections: Connections<D>,
    /// A query that takes a good part of a second, and has no row before that.
    slow: &'static str,
    /// Makes a table, in a transaction.
    make_table: &'static str,
    /// Has a row when the table is there.
    table: &'static str,
    _directory: Option<TempDir>,
}

fn options<D: sqlx::Database>(connections: u32, patience: Duration) -> PoolOptions<D> {
    PoolOptions::new().max_connections(connections).acquire_timeout(patience).test_before_acquire(false)
}

fn sqlite(connections: u32, patience: Duration) -> Database<Sqlite> {
    let directory = tempfile::tempdir().unwrap();
    let file = SqliteConnectOptions::new().filename(directory.path().join("a")).create_if_missing(true);
    let pool = options(connections, patience).idle_timeout(None).max_lifetime(None).connect_lazy_with(file);
    Database {
        connections: Connections::new(pool),
        slow: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) \
               SELECT COUNT(*) FROM n",
        make_table: "CREATE TABLE made (id BIGINT)",
        table: "SELECT 1 FROM sqlite_schema WHERE name = 'made'",
        _directory: Some(directory),
    }
}

fn postgres(connections: u32, patience: Duration) -> Database<Postgres> {
    let server = PgConnectOptions::from_str(&postgres_url()).unwrap();
    Database {
        connections: Connections::new(options(connections, patience).connect_lazy_with(server)),
        slow: "SELECT pg_sleep(0.5)",
        make_table: "CREATE TEMPORARY TABLE made (id BIGINT)",
        table: "SELECT 1 WHERE to_regclass('pg_temp.made') IS NOT NULL",
        _directory: None,
    }
}

fn postgres_url() -> String {
    std::env::var("KEYWARD_TEST_POSTGRES_URL").expect("this test needs PostgreSQL, run `make test`")
}

const PATIENCE: Duration = Duration::from_secs(10);

/// A test on both engines, with so many connections.
macro_rules! each {
    ($($name:ident: $connections:literal, $patience:expr;)*) => { mod each { $(mod $name {
        use super::super::*;

        #[tokio::test]
        async fn sqlite() {
            super::super::$name(super::super::sqlite($connections, $patience)).await;
        }

        #[tokio::test]
        async fn postgres() {
            super::super::$name(super::super::postgres($connections, $patience)).await;
        }
    })* } };
}

each! {
    stays_ready: 2, PATIENCE;
    recovers_from_cancelled_queries: 1, PATIENCE;
    recovers_from_errors: 1, PATIENCE;
    rolls_back: 1, PATIENCE;
    times_out: 1, Duration::from_millis(50);
    closes: 2, PATIENCE;
    stops_waiting_when_closed: 1, PATIENCE;
    goes_back_every_round: 2, PATIENCE;
}

impl<D: Dialect> Database<D> {
    /// A read like that of a store.
    async fn echo(&self, n: i64) -> Result<i64, DbError> {
        let mut lease = self.connections.lease().await?;
        let row = sql::<D>("SELECT $1 AS n").bind(n).optional(&mut lease).await?;
        lease.done();
        row.unwrap().get("n")
    }

    fn ready(&self) -> usize {
        self.connections.0.ready.lock().connections.len()
    }
}

async fn stays_ready<D: Dialect>(db: Database<D>) {
    for n in 0..3 {
        assert_eq!(db.echo(n).await.unwrap(), n);
        assert_eq!((db.ready(), db.connections.pool().size(), db.connections.pool().num_idle()), (1, 1, 0));
    }
    let both = [db.connections.lease().await.unwrap(), db.connections.lease().await.unwrap()];
    both.into_iter().for_each(Lease::done);
    let many = (0..100).map(|n| db.echo(n));
    for (n, echoed) in (0..).zip(futures::future::join_all(many).await) {
        assert_eq!(echoed.unwrap(), n);
    }
    assert_eq!((db.ready(), db.connections.pool().size(), db.connections.pool().num_idle()), (2, 2, 0));
}

async fn recovers_from_cancelled_queries<D: Dialect>(db: Database<D>) {
    // At the first wait, which is for the statement to be prepared, and while it runs.
    for patience in [Duration::ZERO, Duration::from_millis(50)] {
        let mut lease = db.connections.lease().await.unwrap();
        assert!(timeout(patience, sql::<D>(db.slow).optional(&mut lease)).await.is_err());
        drop(lease);
        assert_eq!(db.ready(), 0);
        for n in 0..3 {
            assert_eq!(db.echo(n).await.unwrap(), n);
        }
        assert_eq!((db.ready(), db.connections.pool().size()), (1, 1));
    }
    // While it waits for a connection.
    let lease = db.connections.lease().await.unwrap();
    assert!(db.connections.lease().now_or_never().is_none());
    lease.done();
    assert_eq!(db.echo(7).await.unwrap(), 7);
}

async fn recovers_from_errors<D: Dialect>(db: Database<D>) {
    let mut lease = db.connections.lease().await.unwrap();
    let failed = sql::<D>("SELECT n FROM nowhere").optional(&mut lease).await;
    assert!(matches!(failed, Err(DbError::Failed(_))));
    drop(lease);
    assert_eq!((db.ready(), db.echo(1).await.unwrap()), (0, 1));
}

async fn rolls_back<D: Dialect>(db: Database<D>) {
    for commit in [false, true] {
        let mut transaction = db.connections.begin(SqlStr::from_static(D::BEGIN)).await.unwrap();
        sql::<D>(db.make_table).run(&mut transaction).await.unwrap();
        if commit {
            transaction.commit().await.unwrap();
        } else {
            drop(transaction);
        }
        let mut lease = db.connections.lease().await.unwrap();
        assert_eq!(sql::<D>(db.table).optional(&mut lease).await.unwrap().is_some(), commit);
        lease.done();
    }
}

async fn times_out<D: Dialect>(db: Database<D>) {
    let lease = loop {
        // Connecting may take longer, once.
        if let Ok(lease) = db.connections.lease().await {
            break lease;
        }
    };
    assert!(matches!(db.connections.lease().await, Err(Error::PoolTimedOut)));
    let begun = db.connections.begin(SqlStr::from_static(D::BEGIN)).await;
    assert!(matches!(begun.map_err(DbError::from), Err(DbError::Unavailable(_))));
    lease.done();
    assert_eq!(db.echo(1).await.unwrap(), 1);
}

async fn closes<D: Dialect>(db: Database<D>) {
    let lent = db.connections.lease().await.unwrap();
    db.echo(1).await.unwrap();
    assert_eq!((db.ready(), db.connections.pool().size()), (1, 2));

    let mut closed = std::pin::pin!(db.connections.close());
    assert_eq!(poll!(&mut closed), Poll::Pending);
    assert!(matches!(db.connections.lease().await, Err(Error::PoolClosed)));
    lent.done();
    closed.await;
    assert_eq!((db.ready(), db.connections.pool().size()), (0, 0));
    db.connections.close().await;
}

async fn stops_waiting_when_closed<D: Dialect>(db: Database<D>) {
    let lent = db.connections.lease().await.unwrap();
    let mut waiting = std::pin::pin!(db.connections.lease());
    assert!(poll!(&mut waiting).is_pending());
    let mut closed = std::pin::pin!(db.connections.close());
    assert_eq!(poll!(&mut closed), Poll::Pending);
    assert!(matches!(waiting.await, Err(Error::PoolClosed)));
    drop(lent);
    closed.await;
}

async fn goes_back_every_round<D: Dialect>(db: Database<D>) {
    let lent = db.connections.lease().await.unwrap();
    db.echo(1).await.unwrap();
    assert_eq!(db.ready(), 1);
    db.connections.0.next_round();
    assert_eq!(db.ready(), 0);
    lent.done();
    assert_eq!(db.ready(), 0);
    db.echo(1).await.unwrap();
    assert_eq!((db.ready(), db.connections.pool().size()), (1, 2));
}

#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let db = postgres(1, PATIENCE);
    let pid = async || {
        let mut lease = db.connections.lease().await?;
        let row = sql::<Postgres>("SELECT pg_backend_pid()::BIGINT AS pid").optional(&mut lease).await?;
        lease.done();
        row.unwrap().get::<i64>("pid")
    };
    let lost = pid().await.unwrap();
    assert_eq!(pid().await.unwrap(), lost);
    let mut other = PgConnection::connect(&postgres_url()).await.unwrap();
    let kill = sql::<Postgres>("SELECT pg_terminate_backend($1::INTEGER, 10000)").bind(lost);
    kill.optional(&mut other).await.unwrap();

    assert!(matches!(pid().await, Err(DbError::Unavailable(_))));
    assert_ne!(pid().await.unwrap(), lost);
    assert_eq!(db.connections.pool().size(), 1);
}

#[test]
fn can_be_dropped_where_there_is_no_runtime() {
    let runtime = Runtime::new().unwrap();
    let db = runtime.block_on(async {
        let db = sqlite(1, PATIENCE);
        db.echo(1).await.unwrap();
        db
    });
    drop(runtime);
    assert_eq!(db.ready(), 1);
}
