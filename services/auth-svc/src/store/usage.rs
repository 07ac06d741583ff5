//! How keys are used: what each replica counted, and what that is rolled up into.
//!
//! No change of an organization's, so it does not go through the change seam: nobody decides by it, and nothing of
//! it is announced.

mod read;
mod roll_up;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{AnyDb, Db, DbError, Dialect, Query, Row, sql};
use tracing::{Instrument, debug_span};

use super::StoreError;
use crate::domain::{Granularity, KeyDenial};

pub(crate) use read::{AddressUse, HourOfKey, KeyPath, UsageFound, UsageQuery, UsageReads};

/// The rows of one statement: few enough that PostgreSQL ends none for taking too long.
const STATEMENT: usize = 5_000;
/// Who rolls up, on PostgreSQL: one replica at a time.
const ROLL_UP_LOCK: i64 = 0x006b_775f_7573_6167;

/// Requests of one kind in one minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UsageCell {
    /// Whose.
    pub(crate) key_id: String,
    /// Where the minute starts.
    pub(crate) minute: Timestamp,
    /// What they asked for.
    pub(crate) operation: String,
    /// What that needs.
    pub(crate) permission: String,
    /// `ok`, or the error code.
    pub(crate) outcome: String,
    /// Where they came from. Empty for those of a key that has too many.
    pub(crate) address: String,
    /// With which secret.
    pub(crate) secret_id: String,
}

/// How many requests, and when the last of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageCount {
    /// How many.
    pub(crate) requests: i64,
    /// When the last one came.
    pub(crate) last_at: Timestamp,
}

impl UsageCount {
    /// Both together.
    pub(crate) fn add(&mut self, other: UsageCount) {
        self.requests = self.requests.saturating_add(other.requests);
        self.last_at = self.last_at.max(other.last_at);
    }
}

/// What a replica counted since its last flush. No cell is there twice.
#[derive(Debug, Default)]
pub(crate) struct UsageBatch {
    /// Its requests.
    pub(crate) cells: Vec<(UsageCell, UsageCount)>,
    /// Its refusals, by key.
    pub(crate) denials: Vec<(String, KeyDenial)>,
}

/// Until which moment each kind of row is deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsageAge {
    /// Buckets that start before.
    pub(crate) buckets: [(Granularity, Timestamp); 3],
    /// Addresses and refusals from before.
    pub(crate) recent: Timestamp,
    /// Notes of flushes from before.
    pub(crate) flushes: Timestamp,
}

/// Writes usage. What each call writes is one transaction.
#[async_trait]
pub(crate) trait UsageWrites: Send + Sync {
    /// Adds a batch, unless the flush of this number, or a later one, of this replica is there.
    async fn flush(
        &self,
        replica: &str,
        seq: i64,
        now: Timestamp,
        batch: &UsageBatch,
    ) -> Result<(), StoreError>;

    /// Rolls up at most so many rows of minutes that start before this one, and says how many there were. `None`:
    /// another replica does it.
    async fn roll_up(&self, before: Timestamp, limit: usize) -> Result<Option<usize>, StoreError>;

    /// Deletes some of what is too old, at most so many rows of each kind, and says how many at the most of one
    /// kind. `None`: another replica does it.
    async fn prune(&self, age: UsageAge, limit: i64) -> Result<Option<u64>, StoreError>;
}

/// What is kept of usage, read and written.
pub(crate) trait Usage: UsageReads + UsageWrites {}

impl<U: UsageReads + UsageWrites> Usage for U {}

/// In this database.
pub(crate) fn over(db: AnyDb) -> Arc<dyn Usage> {
    match db {
        AnyDb::Sqlite(db) => Arc::new(UsageIn { db }),
        AnyDb::Postgres(db) => Arc::new(UsageIn { db }),
    }
}

struct UsageIn<D: Dialect> {
    db: Db<D>,
}

/// The elements of the JSON array `$1`, each an array itself, as `e.value`.
fn rows<D: Dialect>() -> &'static str {
    D::choose("json_each($1) AS e", "json_array_elements($1::json) AS e(value)")
}

/// As `$1`.
fn json(rows: &impl Serialize) -> String {
    // Of texts and numbers, which cannot fail.
    serde_json::to_string(rows).unwrap_or_default()
}

fn query<D: Dialect>(text: String) -> Query<D> {
    sql::<D>(AssertSqlSafe(text))
}

fn count<D: Dialect>(row: &Row<D>) -> Result<UsageCount, DbError> {
    Ok(UsageCount { requests: row.get("requests")?, last_at: row.time("last_at")? })
}

const FLUSHED: &str = "INSERT INTO usage_flushes (replica, seq, flushed_at) VALUES ($1, $2, $3) \
     ON CONFLICT (replica) DO UPDATE SET seq = excluded.seq, flushed_at = excluded.flushed_at \
     WHERE usage_flushes.seq < excluded.seq";

fn add_recent<D: Dialect>() -> String {
    format!(
        "INSERT INTO usage_recent \
         (key_id, minute, operation, permission, outcome, address, secret_id, replica, requests, last_at) \
         SELECT e.value ->> 0, CAST(e.value ->> 1 AS BIGINT), e.value ->> 2, e.value ->> 3, e.value ->> 4, \
         e.value ->> 5, e.value ->> 6, $2, CAST(e.value ->> 7 AS BIGINT), CAST(e.value ->> 8 AS BIGINT) \
         FROM {} WHERE true \
         ON CONFLICT (key_id, minute, operation, permission, outcome, address, secret_id, replica) \
         DO UPDATE SET requests = usage_recent.requests + excluded.requests, \
         last_at = CASE WHEN excluded.last_at > usage_recent.last_at THEN excluded.last_at \
         ELSE usage_recent.last_at END",
        rows::<D>()
    )
}

fn add_denials<D: Dialect>() -> String {
    format!(
        "INSERT INTO usage_denials (key_id, at, request_id, code, permission, client_address) \
         SELECT e.value ->> 0, CAST(e.value ->> 1 AS BIGINT), e.value ->> 2, e.value ->> 3, e.value ->> 4, \
         e.value ->> 5 FROM {} WHERE true ON CONFLICT DO NOTHING",
        rows::<D>()
    )
}

#[async_trait]
impl<D: Dialect> UsageWrites for UsageIn<D> {
    async fn flush(
        &self,
        replica: &str,
        seq: i64,
        now: Timestamp,
        batch: &UsageBatch,
    ) -> Result<(), StoreError> {
        self.add(replica, seq, now, batch)
            .instrument(debug_span!("db.usage.flush", otel.kind = "client"))
            .await
    }

    async fn roll_up(&self, before: Timestamp, limit: usize) -> Result<Option<usize>, StoreError> {
        let span = debug_span!("db.usage.rollup", otel.kind = "client");
        roll_up::roll_up(&self.db, before, limit).instrument(span).await
    }

    async fn prune(&self, age: UsageAge, limit: i64) -> Result<Option<u64>, StoreError> {
        let span = debug_span!("db.usage.prune", otel.kind = "client");
        roll_up::prune(&self.db, age, limit).instrument(span).await
    }
}

impl<D: Dialect> UsageIn<D> {
    async fn add(
        &self,
        replica: &str,
        seq: i64,
        now: Timestamp,
        batch: &UsageBatch,
    ) -> Result<(), StoreError> {
        let mut work = self.db.begin().await?;
        let flushed = sql::<D>(FLUSHED).bind(replica).bind(seq).bind(now).run(&mut work).await;
        if flushed.map_err(|error| work.failed(error))? == 0 {
            // It was committed before, and its answer was lost.
            return Ok(());
        }
        for cells in batch.cells.chunks(STATEMENT) {
            let rows: Vec<_> = cells
                .iter()
                .map(|(cell, count)| {
                    let UsageCell { key_id, minute, operation, permission, outcome, address, secret_id } =
                        cell;
                    let (minute, UsageCount { requests, last_at }) = (minute.0, count);
                    (key_id, minute, operation, permission, outcome, address, secret_id, requests, last_at.0)
                })
                .collect();
            let add = query::<D>(add_recent::<D>()).bind(&json(&rows)).bind(replica);
            add.run(&mut work).await.map_err(|error| work.failed(error))?;
        }
        for denials in batch.denials.chunks(STATEMENT) {
            let rows: Vec<_> = denials
                .iter()
                .map(|(key_id, denial)| {
                    let request_id = denial.request_id.as_deref().unwrap_or_default();
                    let (code, from) = (&denial.code, &denial.client_address);
                    (key_id, denial.at.0, request_id, code, &denial.permission, from)
                })
                .collect();
            let add = query::<D>(add_denials::<D>()).bind(&json(&rows));
            add.run(&mut work).await.map_err(|error| work.failed(error))?;
        }
        Ok(work.commit().await.map_err(DbError::from)?)
    }
}
