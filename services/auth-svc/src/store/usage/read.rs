//! Reading usage. Each answer is one statement, so that what is rolled up meanwhile is in it once.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{DbError, Dialect, Query, Row, sql};

use super::{UsageCount, UsageIn, count, json, query, rows};
use crate::domain::{AgentId, DENIALS, Granularity, KeyDenial, KeyId, OrganizationId};
use crate::store::StoreError;
use crate::store::sql::read;

/// The most addresses that are told.
const ADDRESSES: i64 = 100;

/// A key, where it is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyPath<'k> {
    /// Its organization.
    pub(crate) organization: &'k OrganizationId,
    /// Its agent.
    pub(crate) agent: &'k AgentId,
    /// The key.
    pub(crate) id: &'k KeyId,
}

/// What usage to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsageQuery {
    /// How long its buckets are.
    pub(crate) granularity: Granularity,
    /// Where the first bucket starts.
    pub(crate) from: Timestamp,
    /// Where the last one ends.
    pub(crate) to: Timestamp,
    /// Since when to say which permissions were needed.
    pub(crate) needed_since: Timestamp,
}

/// What was found of usage: rolled up, and what is not rolled up yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageFound {
    /// Buckets with requests: start, requests, allowed, rate limited.
    pub(crate) buckets: Vec<(Timestamp, i64, i64, i64)>,
    /// Operation, permission, outcome.
    pub(crate) operations: Vec<(String, String, String, UsageCount)>,
    /// Minutes that are not rolled up: start, operation, permission, outcome. Some may be outside of the buckets.
    pub(crate) recent: Vec<(Timestamp, String, String, String, UsageCount)>,
    /// The permissions of each operation that was asked for, in a text.
    pub(crate) needed: Vec<String>,
}

/// Where requests of a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressUse {
    /// The address.
    pub(crate) address: String,
    /// How many, and when the last one.
    pub(crate) count: UsageCount,
}

/// Some requests of a key within an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HourOfKey {
    /// The key.
    pub(crate) key_id: String,
    /// A moment of the hour.
    pub(crate) at: Timestamp,
    /// How many.
    pub(crate) requests: i64,
    /// How many of them were let through.
    pub(crate) allowed: i64,
}

/// Reads usage.
#[async_trait]
pub(crate) trait UsageReads: Send + Sync {
    /// How a key was used.
    async fn usage(&self, key: KeyPath<'_>, asked: UsageQuery) -> Result<UsageFound, StoreError>;

    /// Where its requests came from since the day that starts then, most used first.
    async fn addresses(&self, key: KeyPath<'_>, since: Timestamp) -> Result<Vec<AddressUse>, StoreError>;

    /// Its latest refusals, newest first.
    async fn denials(&self, key: KeyPath<'_>) -> Result<Vec<KeyDenial>, StoreError>;

    /// The requests of several keys since the hour that starts then. An hour may come in several parts.
    async fn activity(
        &self,
        organization: &OrganizationId,
        keys: &[&KeyId],
        since: Timestamp,
    ) -> Result<Vec<HourOfKey>, StoreError>;
}

/// `$1` organization, `$2` agent, `$3` key; `$4` granularity of the buckets from `$5` to `$6`. Over the same time the
/// operations are read from rows as coarse as they fit: days from `$7` to `$8`, hours from `$9` to `$7` and from `$8`
/// to `$10`, minutes from `$5` to `$9` and from `$10` to `$6`. `$11`: since when minutes that are not rolled up are
/// wanted, `$12` the permissions that were needed.
const USAGE: &str = "WITH own AS (SELECT id FROM api_keys WHERE organization_id = $1 AND agent_id = $2 AND id = $3) \
     SELECT 'bucket' AS kind, start, '' AS operation, '' AS permission, '' AS outcome, requests, allowed, \
     rate_limited, 0 AS last_at FROM usage_buckets \
     WHERE key_id = (SELECT id FROM own) AND granularity = $4 AND start >= $5 AND start < $6 \
     UNION ALL \
     SELECT 'operation', 0, operation, permission, outcome, CAST(SUM(requests) AS BIGINT), 0, 0, MAX(last_at) FROM (\
     SELECT operation, permission, outcome, requests, last_at FROM usage_operations \
     WHERE key_id = (SELECT id FROM own) AND granularity = 86400 AND start >= $7 AND start < $8 UNION ALL \
     SELECT operation, permission, outcome, requests, last_at FROM usage_operations \
     WHERE key_id = (SELECT id FROM own) AND granularity = 3600 AND start >= $9 AND start < $7 UNION ALL \
     SELECT operation, permission, outcome, requests, last_at FROM usage_operations \
     WHERE key_id = (SELECT id FROM own) AND granularity = 3600 AND start >= $8 AND start < $10 UNION ALL \
     SELECT operation, permission, outcome, requests, last_at FROM usage_operations \
     WHERE key_id = (SELECT id FROM own) AND granularity = 60 AND start >= $5 AND start < $9 UNION ALL \
     SELECT operation, permission, outcome, requests, last_at FROM usage_operations \
     WHERE key_id = (SELECT id FROM own) AND granularity = 60 AND start >= $10 AND start < $6\
     ) AS parts GROUP BY operation, permission, outcome \
     UNION ALL \
     SELECT 'recent', minute, operation, permission, outcome, CAST(SUM(requests) AS BIGINT), 0, 0, MAX(last_at) \
     FROM usage_recent WHERE key_id = (SELECT id FROM own) AND minute >= $11 \
     GROUP BY minute, operation, permission, outcome \
     UNION ALL \
     SELECT DISTINCT 'needed', 0, '', permission, '', 0, 0, 0, 0 FROM usage_operations \
     WHERE key_id = (SELECT id FROM own) AND granularity = 86400 AND start >= $12";

const ADDRESSES_OF: &str = "WITH own AS (SELECT id FROM api_keys WHERE organization_id = $1 AND agent_id = $2 AND id = $3) \
     SELECT address, CAST(SUM(requests) AS BIGINT) AS requests, MAX(last_at) AS last_at FROM (\
     SELECT address, requests, last_at FROM usage_addresses \
     WHERE key_id = (SELECT id FROM own) AND day >= $4 UNION ALL \
     SELECT address, requests, last_at FROM usage_recent \
     WHERE key_id = (SELECT id FROM own) AND minute >= $4 AND address <> ''\
     ) AS parts GROUP BY address ORDER BY SUM(requests) DESC, address LIMIT $5";

const DENIALS_OF: &str = "WITH own AS (SELECT id FROM api_keys WHERE organization_id = $1 AND agent_id = $2 AND id = $3) \
     SELECT at, request_id, code, permission, client_address FROM usage_denials \
     WHERE key_id = (SELECT id FROM own) ORDER BY at DESC, request_id LIMIT $4";

/// `$1` the keys, `$2` their organization.
fn activity_of<D: Dialect>() -> String {
    format!(
        "WITH own AS (SELECT id FROM api_keys WHERE organization_id = $2 \
         AND id IN (SELECT e.value ->> 0 FROM {})) \
         SELECT key_id, start AS at, requests, allowed FROM usage_buckets \
         WHERE key_id IN (SELECT id FROM own) AND granularity = 3600 AND start >= $3 \
         UNION ALL \
         SELECT key_id, minute, CAST(SUM(requests) AS BIGINT), \
         CAST(SUM(CASE WHEN outcome = 'ok' THEN requests ELSE 0 END) AS BIGINT) FROM usage_recent \
         WHERE key_id IN (SELECT id FROM own) AND minute >= $3 GROUP BY key_id, minute",
        rows::<D>()
    )
}

fn of_key<D: Dialect>(text: &'static str, key: KeyPath<'_>) -> Query<D> {
    sql::<D>(text).bind(key.organization).bind(key.agent).bind(key.id)
}

fn usage_of<D: Dialect>(key: KeyPath<'_>, asked: UsageQuery) -> Query<D> {
    let UsageQuery { granularity, from, to, needed_since } = asked;
    // Whole days within whole hours within the buckets; where there are none, the coarser part is empty and lies
    // within the finer one.
    let inner = |granularity: Granularity, from: Timestamp, to: Timestamp| {
        let start = granularity.ceil(from).min(to);
        (start, granularity.floor(to).max(start))
    };
    let hours = inner(Granularity::Hour, from, to);
    let days = inner(Granularity::Day, hours.0, hours.1);
    let query = of_key::<D>(USAGE, key).bind(granularity.seconds()).bind(from).bind(to);
    let query = query.bind(days.0).bind(days.1).bind(hours.0).bind(hours.1);
    query.bind(from.min(needed_since)).bind(Granularity::Day.floor(needed_since))
}

impl UsageFound {
    fn read<D: Dialect>(rows: &[Row<D>]) -> Result<UsageFound, DbError> {
        let mut found = UsageFound::default();
        for row in rows {
            let start = || row.time("start");
            match row.get::<String>("kind")?.as_str() {
                "bucket" => {
                    let requests = row.get("requests")?;
                    let bucket = (start()?, requests, row.get("allowed")?, row.get("rate_limited")?);
                    found.buckets.push(bucket);
                }
                "operation" => {
                    let (operation, permission) = (row.get("operation")?, row.get("permission")?);
                    found.operations.push((operation, permission, row.get("outcome")?, count(row)?));
                }
                "recent" => {
                    let (operation, permission) = (row.get("operation")?, row.get("permission")?);
                    found.recent.push((start()?, operation, permission, row.get("outcome")?, count(row)?));
                }
                _ => found.needed.push(row.get("permission")?),
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl<D: Dialect> UsageReads for UsageIn<D> {
    async fn usage(&self, key: KeyPath<'_>, asked: UsageQuery) -> Result<UsageFound, StoreError> {
        let rows = read!(self, "db.usage.get", |c| usage_of::<D>(key, asked).all(c))?;
        Ok(UsageFound::read(&rows)?)
    }

    async fn addresses(&self, key: KeyPath<'_>, since: Timestamp) -> Result<Vec<AddressUse>, StoreError> {
        let query = || of_key::<D>(ADDRESSES_OF, key).bind(since).bind(ADDRESSES);
        let rows = read!(self, "db.usage.addresses", |c| query().all(c))?;
        rows.iter().map(|row| Ok(AddressUse { address: row.get("address")?, count: count(row)? })).collect()
    }

    async fn denials(&self, key: KeyPath<'_>) -> Result<Vec<KeyDenial>, StoreError> {
        let most = i64::try_from(DENIALS).unwrap_or(i64::MAX);
        let rows = read!(self, "db.usage.denials", |c| of_key::<D>(DENIALS_OF, key).bind(most).all(c))?;
        let denial = |row: &Row<D>| {
            let request_id: String = row.get("request_id")?;
            Ok(KeyDenial {
                at: row.time("at")?,
                request_id: Some(request_id).filter(|id| !id.is_empty()),
                code: row.get("code")?,
                permission: row.get("permission")?,
                client_address: row.get("client_address")?,
            })
        };
        rows.iter().map(denial).collect()
    }

    async fn activity(
        &self,
        organization: &OrganizationId,
        keys: &[&KeyId],
        since: Timestamp,
    ) -> Result<Vec<HourOfKey>, StoreError> {
        let keys: Vec<_> = keys.iter().map(|key| (key.as_str(),)).collect();
        let keys = json(&keys);
        let query = || query::<D>(activity_of::<D>()).bind(&keys).bind(organization).bind(since);
        let rows = read!(self, "db.usage.activity", |c| query().all(c))?;
        let hour = |row: &Row<D>| {
            Ok(HourOfKey {
                key_id: row.get("key_id")?,
                at: row.time("at")?,
                requests: row.get("requests")?,
                allowed: row.get("allowed")?,
            })
        };
        rows.iter().map(hour).collect()
    }
}
