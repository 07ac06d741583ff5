//! Windows in PostgreSQL, shared by all replicas: one row a key, one round trip for all requests that arrive
//! together.

mod takes;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{Postgres, Row as _};
use svc_db::{Batcher, Db, DbError};
use svc_runtime::telemetry::Metrics;
use tokio::time::timeout;
use tracing::{Instrument, debug_span};

use super::window::{LONGEST, Windows};
use super::{LimitError, LimitStore, Taken, WindowLimits};
use takes::{Take, Takes};

/// How long a request waits for its answer.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How many times [`LimitStore::maintain`] is called between two purges: ten minutes.
const PURGE_EVERY: u32 = 600;

/// The span of a statement.
macro_rules! span {
    ($name:literal, $operation:literal) => {
        debug_span!(
            $name,
            otel.kind = "client",
            db.system.name = "postgresql",
            db.operation.name = $operation
        )
    };
}

/// The windows of all keys, in PostgreSQL.
#[derive(Debug)]
pub struct DatabaseStore {
    db: Db<Postgres>,
    takes: Batcher<Postgres, Takes>,
    /// Calls since the last purge.
    maintained: AtomicU32,
    timeout: Duration,
}

impl DatabaseStore {
    /// In this database.
    pub(crate) fn new(db: Db<Postgres>, metrics: &Metrics) -> DatabaseStore {
        DatabaseStore::waiting(db, metrics, TIMEOUT)
    }

    fn waiting(db: Db<Postgres>, metrics: &Metrics, timeout: Duration) -> DatabaseStore {
        let takes = Batcher::new(db.clone(), Takes, "auth_limit_takes", timeout, metrics);
        DatabaseStore { db, takes, maintained: AtomicU32::new(0), timeout }
    }

    /// For tests of what is decided, on a machine that has other work to do.
    #[cfg(test)]
    pub(super) fn patient(self) -> DatabaseStore {
        DatabaseStore::waiting(self.db, &Metrics::new(), Duration::from_secs(60))
    }

    /// `at` stands for the clock in tests.
    pub(super) async fn take_at(
        &self,
        key_id: &str,
        limits: WindowLimits,
        at: Option<i64>,
    ) -> Result<Taken, LimitError> {
        let take = self.takes.ask(Take { key_id: key_id.to_owned(), limits, at });
        let take = take.instrument(span!("db.limit.take", "SELECT"));
        let taken = timeout(self.timeout, take).await.map_err(|_| LimitError::TooSlow)??;
        taken.ok_or(LimitError::Malformed)
    }

    /// How many statements took slots for several requests, and for how many.
    #[cfg(test)]
    pub(super) fn batches(&self) -> (u64, u64) {
        self.takes.batches()
    }

    async fn purge(&self) -> Result<(), DbError> {
        let mut connection = self.db.read().await?;
        // A key in use at this moment is not empty. Waiting for it, two replicas could wait for each other.
        let purge = "DELETE FROM shared_limits WHERE key_id IN (SELECT key_id FROM shared_limits \
             WHERE newest < floor(extract(epoch FROM now()) * 1000)::BIGINT - $1 FOR UPDATE SKIP LOCKED)";
        sqlx::query(purge).bind(LONGEST as i64).execute(&mut *connection).await?;
        Ok(())
    }
}

impl LimitStore for DatabaseStore {
    async fn take(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        self.take_at(key_id, limits, None).await
    }

    async fn peek(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        let peek = async {
            let mut connection = self.db.read().await?;
            let query = sqlx::query(
                "SELECT floor(extract(epoch FROM now()) * 1000)::BIGINT AS now_millis, \
                 newest, minute, hour FROM (SELECT) AS always LEFT JOIN shared_limits ON key_id = $1",
            );
            let row = query.bind(key_id).fetch_one(&mut *connection).await?;
            connection.done();
            let known = row.try_get::<Option<i64>, _>("newest")?.is_some();
            let found =
                if known { windows(&row, "newest", "minute", "hour")? } else { Some(Windows::default()) };
            Ok::<_, DbError>((row.try_get::<i64, _>("now_millis")?, found))
        };
        let peek = peek.instrument(span!("db.limit.peek", "SELECT"));
        let (now, windows) = timeout(self.timeout, peek).await.map_err(|_| LimitError::TooSlow)??;
        Ok(windows.ok_or(LimitError::Malformed)?.peek(now.unsigned_abs(), limits))
    }

    async fn forget(&self, key_id: &str) -> Result<(), LimitError> {
        let forget = async {
            let mut connection = self.db.read().await?;
            let query = sqlx::query("DELETE FROM shared_limits WHERE key_id = $1");
            query.bind(key_id).execute(&mut *connection).await.map_err(DbError::from)
        };
        forget.instrument(span!("db.limit.forget", "DELETE")).await?;
        Ok(())
    }

    async fn maintain(&self) -> Result<(), LimitError> {
        let maintained = self.maintained.fetch_add(1, Ordering::Relaxed);
        if !maintained.is_multiple_of(PURGE_EVERY) {
            return Ok(());
        }
        Ok(self.purge().instrument(span!("db.limit.purge", "DELETE")).await?)
    }
}

/// The windows in these columns. `None` when there are not as many counters as there must be.
fn windows(
    row: &sqlx::postgres::PgRow,
    time: &str,
    minute: &str,
    hour: &str,
) -> Result<Option<Windows>, sqlx::Error> {
    let counters = |column: &str| {
        let counters: Vec<i32> = row.try_get(column)?;
        Ok::<_, sqlx::Error>(counters.into_iter().map(i32::unsigned_abs).collect::<Vec<u32>>())
    };
    let time: i64 = row.try_get(time)?;
    Ok(Windows::from_counters(time.unsigned_abs(), &counters(minute)?, &counters(hour)?))
}
