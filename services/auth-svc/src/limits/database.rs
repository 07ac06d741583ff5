//! Windows in PostgreSQL, shared by all replicas: one row a key, one round trip a request.
//!
//! The function `limits_take` of the migrations decides under the lock of the row.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{Postgres, Row as _};
use svc_core::db::{Db, DbError};
use tokio::time::timeout;
use tracing::{Instrument, debug_span};

use super::window::{LONGEST, Windows};
use super::{LimitError, LimitStore, Limits, Taken};

/// How long a request waits for its answer.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How many times [`LimitStore::tend`] is called between two purges: ten minutes.
const PURGE_EVERY: u32 = 600;

/// The windows of all keys, in PostgreSQL.
#[derive(Debug)]
pub struct DatabaseStore {
    db: Db<Postgres>,
    /// Calls since the last purge.
    tended: AtomicU32,
    timeout: Duration,
}

impl DatabaseStore {
    /// In this database.
    pub fn new(db: Db<Postgres>) -> DatabaseStore {
        DatabaseStore { db, tended: AtomicU32::new(0), timeout: TIMEOUT }
    }

    /// For tests of what is decided, on a machine that has other work to do.
    #[cfg(test)]
    pub(super) fn patient(self) -> DatabaseStore {
        DatabaseStore { timeout: Duration::from_secs(60), ..self }
    }

    /// `at` stands for the clock in tests.
    pub(super) async fn take_at(
        &self,
        key_id: &str,
        limits: Limits,
        at: Option<i64>,
    ) -> Result<Taken, LimitError> {
        let take = async {
            // Not a transaction of ours, which would be three round trips: the statement is one by itself.
            let mut connection = self.db.read().await?;
            let query = sqlx::query(
                "SELECT allowed, now_millis, new_minute, new_hour FROM limits_take($1, $2, $3, $4)",
            );
            let query = query.bind(key_id).bind(i64::from(limits.per_minute));
            let row = query.bind(i64::from(limits.per_hour)).bind(at).fetch_one(&mut *connection).await?;
            connection.done();
            Ok::<_, DbError>((
                row.try_get("allowed")?,
                windows(&row, "now_millis", "new_minute", "new_hour")?,
            ))
        };
        let take = take.instrument(debug_span!("db.limit.take", otel.kind = "client"));
        let (allowed, windows) = timeout(self.timeout, take).await.map_err(|_| LimitError::TooSlow)??;
        Ok(windows.ok_or(LimitError::Malformed)?.answer(limits, allowed))
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
    async fn take(&self, key_id: &str, limits: Limits) -> Result<Taken, LimitError> {
        self.take_at(key_id, limits, None).await
    }

    async fn peek(&self, key_id: &str, limits: Limits) -> Result<Taken, LimitError> {
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
        let peek = peek.instrument(debug_span!("db.limit.peek", otel.kind = "client"));
        let (now, windows) = timeout(self.timeout, peek).await.map_err(|_| LimitError::TooSlow)??;
        Ok(windows.ok_or(LimitError::Malformed)?.peek(now.unsigned_abs(), limits))
    }

    async fn forget(&self, key_id: &str) -> Result<(), LimitError> {
        let forget = async {
            let mut connection = self.db.read().await?;
            let query = sqlx::query("DELETE FROM shared_limits WHERE key_id = $1");
            query.bind(key_id).execute(&mut *connection).await.map_err(DbError::from)
        };
        forget.instrument(debug_span!("db.limit.forget", otel.kind = "client")).await?;
        Ok(())
    }

    async fn tend(&self) -> Result<(), LimitError> {
        let tended = self.tended.fetch_add(1, Ordering::Relaxed);
        if !tended.is_multiple_of(PURGE_EVERY) {
            return Ok(());
        }
        Ok(self.purge().instrument(debug_span!("db.limit.purge", otel.kind = "client")).await?)
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
