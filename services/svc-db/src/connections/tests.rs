use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::{FutureExt, poll};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, PgConnection, Postgres, SqlSafeStr, Sqlite};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::servers::Servers;
use crate::{DbError, Dialect, sql};
use svc_runtime::service::{DatabaseConfig, Environment};

/// A database, and what the engines have no common word for.
struct Database<D: Dialect> {
    connections: Connections<D>,
    made: Arc<AtomicUsize>,
    /// A query that takes a good part of a second, and has no row before that.
    slow: &'static str,
    /// Makes a table, in a transaction.
    make_table: &'static str,
    /// Has a row when the table is there.
    table: &'static str,
    _directory: Option<TempDir>,
}

/// Counts what it opens.
struct Counted<D: Dialect>(Arc<dyn Connector<D>>, Arc<AtomicUsize>);

impl<D: Dialect> fmt::Debug for Counted<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<D: Dialect> Connector<D> for Counted<D> {
    fn connect(&self) -> BoxFuture<'_, Result<D::Connection, Error>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.connect()
    }
}

fn connections<D: Dialect>(
    connector: impl Connector<D> + 'static,
    connections: u32,
    patience: Duration,
    age: bool,
) -> (Connections<D>, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let environment = Environment::system(Default::default(), DatabaseConfig::default());
    let counted = Arc::new(Counted(Arc::new(connector), made.clone()));
    let watch = Watch::new(&environment, "test");
    (Connections::new(counted, Bounds { connections, patience, age }, watch), made)
}

fn sqlite(count: u32, patience: Duration) -> Database<Sqlite> {
    let directory = tempfile::tempdir().unwrap();
    let file = SqliteConnectOptions::new().filename(directory.path().join("a")).create_if_missing(true);
    let (connections, made) = connections(file, count, patience, false);
    Database {
        connections,
        made,
        slow: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) \
               SELECT COUNT(*) FROM n",
        make_table: "CREATE TABLE made (id BIGINT)",
        table: "SELECT 1 FROM sqlite_schema WHERE name = 'made'",
        _directory: Some(directory),
    }
}

fn postgres(count: u32, patience: Duration) -> Database<Postgres> {
    let server = Servers::parse(&postgres_url(), "test", "test").unwrap();
    let (connections, made) = connections(server, count, patience, true);
    Database {
        connections,
        made,
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
    is_opened_anew_after_a_loss: 2, PATIENCE;
    replaces_a_commit_that_was_cancelled: 1, PATIENCE;
}

impl<D: Dialect> Database<D> {
    /// A read like that of a store.
    async fn echo(&self, n: i64) -> Result<i64, DbError> {
        let mut lease = self.connections.lease().await?;
        let row = sql::<D>("SELECT $1 AS n").bind(n).optional(&mut lease).await?;
        lease.done();
        row.unwrap().get("n")
    }

    /// How many connections were opened so far.
    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    fn ready(&self) -> usize {
        self.connections.0.ready.lock().connections.len()
    }
}

async fn stays_ready<D: Dialect>(db: Database<D>) {
    for n in 0..3 {
        assert_eq!(db.echo(n).await.unwrap(), n);
        assert_eq!((db.ready(), db.made()), (1, 1));
    }
    let both = [db.connections.lease().await.unwrap(), db.connections.lease().await.unwrap()];
    both.into_iter().for_each(Lease::done);
    let many = (0..100).map(|n| db.echo(n));
    for (n, echoed) in (0..).zip(futures::future::join_all(many).await) {
        assert_eq!(echoed.unwrap(), n);
    }
    assert_eq!((db.ready(), db.made()), (2, 2));
}

async fn recovers_from_cancelled_queries<D: Dialect>(db: Database<D>) {
    // At the first wait, which is for the statement to be prepared, and while it runs.
    for runs in [false, true] {
        let mut lease = db.connections.lease().await.unwrap();
        let asked = sql::<D>(db.slow).optional(&mut lease);
        if runs {
            tokio::select! {
                biased;
                // First, since after a pause of this thread the answer is there, too.
                () = sleep(Duration::from_millis(50)) => {}
                _ = asked => panic!("it is not slow"),
            }
        } else {
            assert!(asked.now_or_never().is_none());
        }
        drop(lease);
        assert_eq!(db.ready(), 0);
        for n in 0..3 {
            assert_eq!(db.echo(n).await.unwrap(), n);
        }
        assert_eq!((db.ready(), db.made()), (1, 1));
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
        let mut transaction = db.connections.begin(None).await.unwrap();
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
    let begun = db.connections.begin(None).await;
    assert!(matches!(begun.map_err(DbError::from), Err(DbError::Unavailable(_))));
    lease.done();
    assert_eq!(db.echo(1).await.unwrap(), 1);
}

async fn closes<D: Dialect>(db: Database<D>) {
    let lent = db.connections.lease().await.unwrap();
    db.echo(1).await.unwrap();
    assert_eq!((db.ready(), db.made()), (1, 2));

    let mut closed = std::pin::pin!(db.connections.close());
    assert_eq!(poll!(&mut closed), Poll::Pending);
    assert!(matches!(db.connections.lease().await, Err(Error::PoolClosed)));
    lent.done();
    closed.await;
    assert_eq!((db.ready(), db.made()), (0, 2));
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

async fn is_opened_anew_after_a_loss<D: Dialect>(db: Database<D>) {
    let lent = db.connections.lease().await.unwrap();
    db.echo(1).await.unwrap();
    assert_eq!((db.ready(), db.made()), (1, 2));
    db.connections.0.renew();
    assert_eq!(db.ready(), 0);
    lent.done();
    assert_eq!(db.ready(), 0, "one from before is not used again either");
    db.echo(1).await.unwrap();
    assert_eq!((db.ready(), db.made()), (1, 3));
}

#[tokio::test]
async fn one_in_a_transaction_that_nobody_ended_is_replaced() {
    let db = sqlite(1, PATIENCE);
    let mut lease = db.connections.lease().await.unwrap();
    Sqlite::execute(&mut lease, Sqlite::BEGIN.into_sql_str()).await.unwrap();
    lease.done();
    for _ in 0..2 {
        db.connections.begin(None).await.unwrap().commit().await.unwrap();
        assert_eq!(db.made(), 2);
    }
}

/// As after a disk was full: SQLite has rolled back by itself.
#[tokio::test]
async fn one_whose_transaction_is_gone_is_replaced() {
    let db = sqlite(1, PATIENCE);
    let mut transaction = db.connections.begin(None).await.unwrap();
    Sqlite::execute(&mut transaction, "ROLLBACK".into_sql_str()).await.unwrap();
    drop(transaction);
    db.connections.begin(None).await.unwrap().commit().await.unwrap();
    assert_eq!(db.made(), 2);
    let mut transaction = db.connections.begin(None).await.unwrap();
    Sqlite::execute(&mut transaction, "ROLLBACK".into_sql_str()).await.unwrap();
    transaction.commit().await.unwrap_err();
    db.connections.begin(None).await.unwrap().commit().await.unwrap();
    assert_eq!(db.made(), 3);
}

async fn replaces_a_commit_that_was_cancelled<D: Dialect>(db: Database<D>) {
    let mut cancelled = false;
    while !cancelled {
        let transaction = db.connections.begin(None).await.unwrap();
        // Now and then it is quicker.
        cancelled = timeout(Duration::ZERO, transaction.commit()).await.is_err();
    }
    db.connections.probe().await.unwrap();
    assert_eq!(db.made(), 2);
}

#[tokio::test]
async fn old_and_idle_ones_are_closed() {
    let db = postgres(2, PATIENCE);
    db.echo(1).await.unwrap();
    for _ in 0..IDLE_ROUNDS - 1 {
        db.connections.0.next_round();
    }
    assert_eq!(db.ready(), 1);
    db.connections.0.next_round();
    assert_eq!(db.ready(), 0, "nobody used it");
    for _ in 0..MAX_ROUNDS {
        db.echo(1).await.unwrap();
        db.connections.0.next_round();
    }
    assert_eq!((db.ready(), db.made()), (0, 2), "it is old");
}

#[tokio::test]
async fn a_refusal_is_named() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let servers = Servers::parse(&format!("postgres://u:secret@{unused}/db"), "test", "test").unwrap();
    let refused = servers.connect().await.unwrap_err().to_string();
    assert!(
        refused.contains(&format!("connection refused by {unused}")) && !refused.contains("secret"),
        "{refused}"
    );
    // The next in the list is asked.
    let (user, rest) = postgres_url().rsplit_once('@').map(|(u, r)| (u.to_owned(), r.to_owned())).unwrap();
    let servers = Servers::parse(&format!("{user}@{unused},{rest}"), "test", "test").unwrap();
    servers.connect().await.unwrap();
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
    assert_eq!(db.made(), 2);
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
