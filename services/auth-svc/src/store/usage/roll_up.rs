//! Rolling usage up, and deleting what is old.
//!
//! One replica at a time does it, so the rows that all of them add to are written by one. What is rolled up goes
//! in the same transaction: there is no moment at which a request is counted twice or not at all.

use std::collections::{BTreeMap, BTreeSet};

use svc_core::clock::Timestamp;
use svc_db::{Db, DbError, Dialect, Transaction, sql};

use super::{ROLL_UP_LOCK, STATEMENT, UsageAge, UsageCell, UsageCount, count, json, query, rows};
use crate::domain::{DENIALS, Granularity};
use crate::store::StoreError;

/// The most addresses of a key and a day. Others are counted in its buckets, but not by themselves.
const ADDRESSES: i64 = 1_000;

/// The last condition is for nothing on SQLite; on PostgreSQL a row that a replica adds to at this moment is taken
/// as that leaves it.
const TAKE: &str = "DELETE FROM usage_recent \
     WHERE (key_id, minute, operation, permission, outcome, address, secret_id, replica) IN \
     (SELECT key_id, minute, operation, permission, outcome, address, secret_id, replica FROM usage_recent \
     WHERE minute < $1 ORDER BY minute LIMIT $2) \
     RETURNING key_id, minute, operation, permission, outcome, address, secret_id, requests, last_at";

const LATER: &str = "CASE WHEN excluded.last_at > @.last_at THEN excluded.last_at ELSE @.last_at END";

/// The requests of a key in a bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    requests: i64,
    allowed: i64,
    rate_limited: i64,
}

/// What rows come to.
#[derive(Debug, Default)]
struct Sums {
    buckets: BTreeMap<(String, i64, i64), Bucket>,
    operations: BTreeMap<(String, i64, i64, String, String, String), UsageCount>,
    addresses: BTreeMap<(String, i64, String), UsageCount>,
    last: BTreeMap<(String, String), Timestamp>,
    /// The keys that were refused something.
    refused: BTreeSet<String>,
}

impl Sums {
    fn add(&mut self, cell: UsageCell, count: UsageCount) {
        let UsageCell { key_id, minute, operation, permission, outcome, address, secret_id } = cell;
        let of = |wanted: &str| if outcome == wanted { count.requests } else { 0 };
        for granularity in Granularity::ALL {
            let (seconds, start) = (granularity.seconds(), granularity.floor(minute).0);
            let bucket = self.buckets.entry((key_id.clone(), seconds, start)).or_default();
            bucket.requests += count.requests;
            bucket.allowed += of("ok");
            bucket.rate_limited += of("rate_limited");
            let what = (operation.clone(), permission.clone(), outcome.clone());
            let key = (key_id.clone(), seconds, start, what.0, what.1, what.2);
            self.operations.entry(key).or_default().add(count);
        }
        if !address.is_empty() {
            let day = Granularity::Day.floor(minute).0;
            self.addresses.entry((key_id.clone(), day, address)).or_default().add(count);
        }
        if outcome != "ok" {
            self.refused.insert(key_id.clone());
        }
        let last = self.last.entry((key_id, secret_id)).or_default();
        *last = (*last).max(count.last_at);
    }
}

pub(super) async fn roll_up<D: Dialect>(
    db: &Db<D>,
    before: Timestamp,
    limit: usize,
) -> Result<Option<usize>, StoreError> {
    let mut work = db.begin().await?;
    if !leads(&mut work).await? {
        return Ok(None);
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let taken = sql::<D>(TAKE).bind(before).bind(limit).all(&mut work).await;
    let taken = taken.map_err(|error| work.failed(error))?;
    if taken.is_empty() {
        return Ok(Some(0));
    }
    let mut sums = Sums::default();
    for row in &taken {
        let cell = UsageCell {
            key_id: row.get("key_id")?,
            minute: row.time("minute")?,
            operation: row.get("operation")?,
            permission: row.get("permission")?,
            outcome: row.get("outcome")?,
            address: row.get("address")?,
            secret_id: row.get("secret_id")?,
        };
        sums.add(cell, count(row)?);
    }
    sums.write(&mut work).await.map_err(|error| work.failed(error))?;
    work.commit().await.map_err(DbError::from)?;
    Ok(Some(taken.len()))
}

/// Whether no other replica does this.
async fn leads<D: Dialect>(work: &mut Transaction<D>) -> Result<bool, DbError> {
    let Some(lock) = D::TRY_LOCK else { return Ok(true) };
    let row = sql::<D>(lock).bind(ROLL_UP_LOCK).optional(work).await;
    match row.map_err(|error| work.failed(error))? {
        Some(row) => row.get("taken"),
        None => Ok(false),
    }
}

impl Sums {
    async fn write<D: Dialect>(self, work: &mut Transaction<D>) -> Result<(), DbError> {
        let from = rows::<D>();
        let buckets: Vec<_> = self.buckets.into_iter().collect();
        for some in buckets.chunks(STATEMENT) {
            let rows: Vec<_> = some
                .iter()
                .map(|((key, seconds, start), b)| {
                    (key, seconds, start, b.requests, b.allowed, b.rate_limited)
                })
                .collect();
            let text = format!(
                "INSERT INTO usage_buckets (key_id, granularity, start, requests, allowed, rate_limited) \
                 SELECT e.value ->> 0, CAST(e.value ->> 1 AS BIGINT), CAST(e.value ->> 2 AS BIGINT), \
                 CAST(e.value ->> 3 AS BIGINT), CAST(e.value ->> 4 AS BIGINT), CAST(e.value ->> 5 AS BIGINT) \
                 FROM {from} WHERE true ON CONFLICT (key_id, granularity, start) DO UPDATE SET \
                 requests = usage_buckets.requests + excluded.requests, \
                 allowed = usage_buckets.allowed + excluded.allowed, \
                 rate_limited = usage_buckets.rate_limited + excluded.rate_limited"
            );
            query::<D>(text).bind(&json(&rows)).run(work).await?;
        }
        let operations: Vec<_> = self.operations.into_iter().collect();
        for some in operations.chunks(STATEMENT) {
            let rows: Vec<_> = some
                .iter()
                .map(|((key, seconds, start, operation, permission, outcome), count)| {
                    (key, seconds, start, operation, permission, outcome, count.requests, count.last_at.0)
                })
                .collect();
            let text = format!(
                "INSERT INTO usage_operations \
                 (key_id, granularity, start, operation, permission, outcome, requests, last_at) \
                 SELECT e.value ->> 0, CAST(e.value ->> 1 AS BIGINT), CAST(e.value ->> 2 AS BIGINT), \
                 e.value ->> 3, e.value ->> 4, e.value ->> 5, CAST(e.value ->> 6 AS BIGINT), \
                 CAST(e.value ->> 7 AS BIGINT) FROM {from} WHERE true \
                 ON CONFLICT (key_id, granularity, start, operation, permission, outcome) DO UPDATE SET \
                 requests = usage_operations.requests + excluded.requests, last_at = {}",
                LATER.replace('@', "usage_operations")
            );
            query::<D>(text).bind(&json(&rows)).run(work).await?;
        }
        let addresses: Vec<_> = self.addresses.into_iter().collect();
        for some in addresses.chunks(STATEMENT) {
            let rows: Vec<_> = some
                .iter()
                .map(|((key, day, address), count)| (key, day, address, count.requests, count.last_at.0))
                .collect();
            let text = format!(
                "INSERT INTO usage_addresses (key_id, day, address, requests, last_at) \
                 SELECT n.key_id, n.day, n.address, n.requests, n.last_at FROM \
                 (SELECT e.value ->> 0 AS key_id, CAST(e.value ->> 1 AS BIGINT) AS day, \
                 e.value ->> 2 AS address, CAST(e.value ->> 3 AS BIGINT) AS requests, \
                 CAST(e.value ->> 4 AS BIGINT) AS last_at FROM {from}) AS n \
                 WHERE EXISTS (SELECT 1 FROM usage_addresses u \
                 WHERE u.key_id = n.key_id AND u.day = n.day AND u.address = n.address) \
                 OR (SELECT COUNT(*) FROM usage_addresses u WHERE u.key_id = n.key_id AND u.day = n.day) < $2 \
                 ON CONFLICT (key_id, day, address) DO UPDATE SET \
                 requests = usage_addresses.requests + excluded.requests, last_at = {}",
                LATER.replace('@', "usage_addresses")
            );
            query::<D>(text).bind(&json(&rows)).bind(ADDRESSES).run(work).await?;
        }
        let last: Vec<_> = self.last.iter().map(|((key, secret), at)| (key, secret, at.0)).collect();
        let text = format!(
            "INSERT INTO usage_last (key_id, secret_id, last_at) \
             SELECT e.value ->> 0, e.value ->> 1, CAST(e.value ->> 2 AS BIGINT) FROM {from} WHERE true \
             ON CONFLICT (key_id, secret_id) DO UPDATE SET last_at = {}",
            LATER.replace('@', "usage_last")
        );
        query::<D>(text).bind(&json(&last)).run(work).await?;
        if self.refused.is_empty() {
            return Ok(());
        }
        let refused: Vec<_> = self.refused.iter().map(|key| (key,)).collect();
        let text = format!(
            "DELETE FROM usage_denials WHERE key_id IN (SELECT e.value ->> 0 FROM {from}) \
             AND at < (SELECT d.at FROM usage_denials d WHERE d.key_id = usage_denials.key_id \
             ORDER BY d.at DESC LIMIT 1 OFFSET {})",
            DENIALS - 1
        );
        query::<D>(text).bind(&json(&refused)).run(work).await?;
        Ok(())
    }
}

/// Deletes the rows of a table whose column is before `$1`, at most `$2` of them.
fn old(table: &str, key: &str, column: &str, more: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE ({key}) IN \
         (SELECT {key} FROM {table} WHERE {column} < $1{more} ORDER BY {column} LIMIT $2)"
    )
}

pub(super) async fn prune<D: Dialect>(
    db: &Db<D>,
    age: UsageAge,
    limit: i64,
) -> Result<Option<u64>, StoreError> {
    let mut work = db.begin().await?;
    if !leads(&mut work).await? {
        return Ok(None);
    }
    let mut deletes = Vec::new();
    for (granularity, before) in age.buckets {
        let of = format!(" AND granularity = {}", granularity.seconds());
        deletes.push((old("usage_buckets", "key_id, granularity, start", "start", &of), before));
        let key = "key_id, granularity, start, operation, permission, outcome";
        deletes.push((old("usage_operations", key, "start", &of), before));
    }
    deletes.push((old("usage_addresses", "key_id, day, address", "day", ""), age.recent));
    deletes.push((old("usage_denials", "key_id, at, request_id", "at", ""), age.recent));
    deletes.push((old("usage_flushes", "replica", "flushed_at", ""), age.flushes));
    // Of keys that are there no more.
    let gone = " AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.id = usage_last.key_id)";
    deletes.push((old("usage_last", "key_id, secret_id", "last_at", gone), age.recent));
    let mut most = 0;
    for (text, before) in deletes {
        let deleted = query::<D>(text).bind(before).bind(limit).run(&mut work).await;
        most = most.max(deleted.map_err(|error| work.failed(error))?);
    }
    work.commit().await.map_err(DbError::from)?;
    Ok(Some(most))
}
