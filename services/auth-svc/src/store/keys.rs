//! The queries of keys and their secrets.

use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_core::db::{DbError, Dialect, Query, sql};

use super::rows;
use super::{KeyFilter, KeyRecord, Page};
use crate::domain::Key;
use crate::secrets::StoredSecret;

/// A key with the names that it mentions, and the last characters of its newest secret and the one before.
const SELECT: &str = "SELECT k.*, a.name AS agent_name, m.name AS creator_name, m.email AS creator_email, \
     m.role AS creator_role, m.removed_at AS creator_removed_at, s.last4 AS secret_last4, \
     p.last4 AS previous_last4, p.expires_at AS previous_ends_at, p.last_used_at AS previous_last_used_at \
     FROM api_keys k \
     JOIN agents a ON a.id = k.agent_id \
     JOIN members m ON m.id = k.created_by \
     JOIN api_key_secrets s ON s.key_id = k.id AND s.expires_at IS NULL \
     LEFT JOIN api_key_secrets p ON p.key_id = k.id AND p.expires_at IS NOT NULL \
     WHERE k.organization_id = $1";

/// `$2` agent, `$3` search pattern, `$4` status at `$5`; an empty text stands for "any".
const FILTER: &str = " AND ($2 = '' OR k.agent_id = $2) \
     AND ($3 = '' OR lower(k.name) LIKE $3 ESCAPE '\\' OR lower(k.description) LIKE $3 ESCAPE '\\' \
          OR lower(k.api_key) LIKE $3 ESCAPE '\\') \
     AND ($4 = '' OR $4 = CASE WHEN k.expires_at <= $5 THEN 'EXPIRED' \
          WHEN k.disabled_at IS NOT NULL THEN 'DISABLED' ELSE 'ACTIVE' END)";

pub(super) async fn record<D: Dialect>(
    connection: &mut D::Connection,
    api_key: &str,
) -> Result<Option<KeyRecord>, DbError> {
    // One statement, so that key, creator and secrets are of one moment.
    let query = sql::<D>(
        "SELECT s.*, k.id AS of_key, k.organization_id, k.agent_id, k.permissions, k.expires_at AS key_expires_at, \
         k.disabled_at, k.allowed_ips, k.per_minute, k.per_hour, \
         m.role AS creator_role, m.removed_at AS creator_removed_at \
         FROM api_keys k \
         JOIN members m ON m.id = k.created_by \
         JOIN api_key_secrets s ON s.key_id = k.id \
         WHERE k.api_key = $1 ORDER BY s.id DESC",
    );
    let found = query.bind(api_key).all(connection).await?;
    let Some(first) = found.first() else { return Ok(None) };
    Ok(Some(KeyRecord {
        id: first.get("of_key")?,
        organization_id: first.get("organization_id")?,
        agent_id: first.get("agent_id")?,
        permissions: rows::list(first, "permissions")?,
        expires_at: first.optional_time("key_expires_at")?,
        allowed_ips: rows::addresses(first)?,
        rate_limits: rows::limits(first)?,
        disabled: first.optional_time("disabled_at")?.is_some(),
        creator_role: rows::creator_role(first)?,
        secrets: found.iter().map(rows::secret).collect::<Result<_, _>>()?,
    }))
}

pub(super) async fn get<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    agent: &str,
    id: &str,
) -> Result<Option<Key>, DbError> {
    let query = sql::<D>(AssertSqlSafe(format!("{SELECT} AND k.agent_id = $2 AND k.id = $3")));
    let row = query.bind(organization).bind(agent).bind(id).optional(connection).await?;
    row.as_ref().map(rows::key).transpose()
}

pub(super) async fn lock<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    agent: &str,
    id: &str,
) -> Result<Option<Key>, DbError> {
    let lock = "SELECT id FROM api_keys WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
    let query = sql::<D>(AssertSqlSafe(format!("{lock}{}", D::FOR_UPDATE)));
    if query.bind(organization).bind(agent).bind(id).optional(connection).await?.is_none() {
        return Ok(None);
    }
    get::<D>(connection, organization, agent, id).await
}

pub(super) async fn list<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    filter: &KeyFilter,
    page: &Page,
) -> Result<Vec<Key>, DbError> {
    let order = " AND ($6 = '' OR k.id < $6) ORDER BY k.id DESC LIMIT $7";
    let query = sql::<D>(AssertSqlSafe(format!("{SELECT}{FILTER}{order}")));
    let query = filtered(query.bind(organization), filter);
    let query = query.bind(page.before.as_deref().unwrap_or_default()).bind(page.limit);
    query.all(connection).await?.iter().map(rows::key).collect()
}

pub(super) async fn count<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    filter: &KeyFilter,
) -> Result<i64, DbError> {
    let count = "SELECT COUNT(*) AS count FROM api_keys k WHERE k.organization_id = $1";
    let query = sql::<D>(AssertSqlSafe(format!("{count}{FILTER}")));
    let row = filtered(query.bind(organization), filter).optional(connection).await?;
    row.map_or(Ok(0), |row| row.get("count"))
}

fn filtered<D: Dialect>(query: Query<D>, filter: &KeyFilter) -> Query<D> {
    let pattern = filter.search.as_deref().map(like).unwrap_or_default();
    let (status, at) = filter.status.map_or(("", 0), |(status, at)| (status.as_str(), at.0));
    query.bind(filter.agent_id.as_deref().unwrap_or_default()).bind(&pattern).bind(status).bind(at)
}

/// A LIKE pattern for text that holds `search`.
fn like(search: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in search.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

pub(super) async fn insert<D: Dialect>(connection: &mut D::Connection, key: &Key) -> Result<(), DbError> {
    sql::<D>(
        "INSERT INTO api_keys (id, organization_id, agent_id, api_key, name, description, permissions, per_minute, \
         per_hour, allowed_ips, expires_at, disabled_at, created_by, created_at, updated_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&key.id)
    .bind(&key.organization_id)
    .bind(&key.agent.id)
    .bind(&key.api_key)
    .bind(&key.name)
    .bind(&key.description)
    .bind(&rows::to_list(&key.permissions))
    .bind(key.rate_limits.per_minute)
    .bind(key.rate_limits.per_hour)
    .bind(&rows::to_list(&key.allowed_ips.to_strings()))
    .bind(key.expires_at)
    .bind(key.disabled_at)
    .bind(&key.created_by.0)
    .bind(key.created_at)
    .bind(key.updated_at)
    .bind(key.version)
    .run(connection)
    .await
    .map(drop)
}

pub(super) async fn update<D: Dialect>(connection: &mut D::Connection, key: &Key) -> Result<(), DbError> {
    sql::<D>(
        "UPDATE api_keys SET name = $4, description = $5, permissions = $6, per_minute = $7, per_hour = $8, \
         allowed_ips = $9, expires_at = $10, disabled_at = $11, updated_at = $12, version = $13 \
         WHERE organization_id = $1 AND agent_id = $2 AND id = $3",
    )
    .bind(&key.organization_id)
    .bind(&key.agent.id)
    .bind(&key.id)
    .bind(&key.name)
    .bind(&key.description)
    .bind(&rows::to_list(&key.permissions))
    .bind(key.rate_limits.per_minute)
    .bind(key.rate_limits.per_hour)
    .bind(&rows::to_list(&key.allowed_ips.to_strings()))
    .bind(key.expires_at)
    .bind(key.disabled_at)
    .bind(key.updated_at)
    .bind(key.version)
    .run(connection)
    .await
    .map(drop)
}

pub(super) async fn delete<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    agent: &str,
    id: &str,
) -> Result<(), DbError> {
    let query = sql::<D>("DELETE FROM api_keys WHERE organization_id = $1 AND agent_id = $2 AND id = $3");
    query.bind(organization).bind(agent).bind(id).run(connection).await.map(drop)
}

pub(super) async fn insert_secret<D: Dialect>(
    connection: &mut D::Connection,
    key_id: &str,
    secret: &StoredSecret,
) -> Result<(), DbError> {
    sql::<D>(
        "INSERT INTO api_key_secrets (id, key_id, hash, verifier, verifier_key_id, last4, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&secret.id)
    .bind(key_id)
    .bind(&secret.hash)
    .bind(secret.verifier.as_deref())
    .bind(&secret.verifier_key_id)
    .bind(&secret.last4)
    .bind(secret.created_at)
    .bind(secret.expires_at)
    .run(connection)
    .await
    .map(drop)
}

/// Writes another record and verifier of the same secret, unless someone else has.
pub(super) async fn renew_secret<D: Dialect>(
    connection: &mut D::Connection,
    before: &StoredSecret,
    after: &StoredSecret,
) -> Result<bool, DbError> {
    let renewed = sql::<D>(
        "UPDATE api_key_secrets SET hash = $2, verifier = $3, verifier_key_id = $4 \
         WHERE id = $1 AND hash = $5 AND COALESCE(verifier_key_id, '') = $6",
    )
    .bind(&before.id)
    .bind(&after.hash)
    .bind(after.verifier.as_deref())
    .bind(&after.verifier_key_id)
    .bind(&before.hash)
    .bind(before.verifier_key_id.as_deref().unwrap_or_default())
    .run(connection)
    .await?;
    Ok(renewed > 0)
}

/// Ends secrets of a key: the newest at this moment, and any older one now. `None` deletes all.
pub(super) async fn end_secrets<D: Dialect>(
    connection: &mut D::Connection,
    key_id: &str,
    newest_ends_at: Option<Timestamp>,
) -> Result<(), DbError> {
    let Some(at) = newest_ends_at else {
        let all = sql::<D>("DELETE FROM api_key_secrets WHERE key_id = $1");
        return all.bind(key_id).run(connection).await.map(drop);
    };
    end_overlap::<D>(connection, key_id).await?;
    let newest = sql::<D>("UPDATE api_key_secrets SET expires_at = $2 WHERE key_id = $1");
    newest.bind(key_id).bind(at).run(connection).await.map(drop)
}

/// Ends the overlap of a key.
pub(super) async fn end_overlap<D: Dialect>(
    connection: &mut D::Connection,
    key_id: &str,
) -> Result<(), DbError> {
    let query = sql::<D>("DELETE FROM api_key_secrets WHERE key_id = $1 AND expires_at IS NOT NULL");
    query.bind(key_id).run(connection).await.map(drop)
}

/// One key by its id alone, for the key itself.
pub(super) async fn by_id<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    id: &str,
) -> Result<Option<Key>, DbError> {
    let query = sql::<D>(AssertSqlSafe(format!("{SELECT} AND k.id = $2")));
    let row = query.bind(organization).bind(id).optional(connection).await?;
    row.as_ref().map(rows::key).transpose()
}

/// The `apiKey` of each key that a column of it singles out.
pub(super) async fn names_by<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    column: Column,
    value: &str,
) -> Result<Vec<String>, DbError> {
    let query = match column {
        Column::Agent => "SELECT api_key FROM api_keys WHERE organization_id = $1 AND agent_id = $2",
        Column::Creator => "SELECT api_key FROM api_keys WHERE organization_id = $1 AND created_by = $2",
    };
    let found = sql::<D>(query).bind(organization).bind(value).all(connection).await?;
    found.iter().map(|row| row.get("api_key")).collect()
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Agent,
    Creator,
}
