//! API keys.

mod row;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Query, sql};

use super::announcements::{Announce, Touched};
use super::row::{count, list_text};
use super::sql::{SqlStore, SqlWork, read, run};
use super::{Slice, StoreError};
use crate::domain::{Addresses, AgentId, Key, KeyId, KeyStatus, OrganizationId, RateLimits, Role};
use crate::secrets::StoredSecret;

/// What the credential check needs to know about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRecord {
    /// The id of the key.
    pub(crate) id: KeyId,
    /// Its organization.
    pub(crate) organization_id: OrganizationId,
    /// Its agent.
    pub(crate) agent_id: AgentId,
    /// What it was given.
    pub(crate) permissions: Vec<String>,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
    /// Where requests may come from.
    pub(crate) allowed_ips: Addresses,
    /// How many requests it may make.
    pub(crate) rate_limits: RateLimits,
    /// It is disabled.
    pub(crate) disabled: bool,
    /// The role of its creator; `None` when they were removed.
    pub(crate) creator_role: Option<Role>,
    /// Its secrets, the newest first.
    pub(crate) secrets: Vec<StoredSecret>,
}

/// Which keys to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFilter {
    /// Of this agent.
    pub(crate) agent_id: Option<AgentId>,
    /// Whose name, description or `apiKey` holds this text, without regard to ASCII case.
    pub(crate) search: Option<String>,
    /// Of this status at this moment.
    pub(crate) status: Option<(KeyStatus, Timestamp)>,
    /// Made before this moment and not used after it.
    pub(crate) unused_since: Option<Timestamp>,
}

/// Reads keys.
#[async_trait]
pub(crate) trait Keys: Send + Sync {
    /// A key and its secrets of one moment, for the credential check.
    async fn key_record(&self, api_key: &str) -> Result<Option<KeyRecord>, StoreError>;

    /// One key of an agent.
    async fn key(
        &self,
        organization: &OrganizationId,
        agent: &AgentId,
        id: &KeyId,
    ) -> Result<Option<Key>, StoreError>;

    /// One key, for the key itself.
    async fn key_by_id(&self, organization: &OrganizationId, id: &KeyId) -> Result<Option<Key>, StoreError>;

    /// A slice of the keys.
    async fn keys(
        &self,
        organization: &OrganizationId,
        filter: &KeyFilter,
        slice: &Slice,
    ) -> Result<Vec<Key>, StoreError>;

    /// How many keys.
    async fn count_keys(&self, organization: &OrganizationId, filter: &KeyFilter) -> Result<i64, StoreError>;
}

/// Changes keys.
#[async_trait]
pub(crate) trait KeyChanges: Send {
    /// Adds a key.
    async fn insert_key(&mut self, key: &Key) -> Result<Touched, StoreError>;

    /// Reads a key and keeps others from changing it.
    async fn lock_key(
        &mut self,
        organization: &OrganizationId,
        agent: &AgentId,
        id: &KeyId,
    ) -> Result<Option<Key>, StoreError>;

    /// Writes a key's settings and version.
    async fn update_key(&mut self, key: &Key) -> Result<Touched, StoreError>;

    /// Deletes a key and its secrets.
    async fn delete_key(&mut self, key: &Key) -> Result<Touched, StoreError>;
}

/// A key with the names that it mentions, and the last characters of its newest secret and the one before.
const SELECT: &str = "SELECT k.*, a.name AS agent_name, m.name AS creator_name, m.email AS creator_email, \
     m.role AS creator_role, m.removed_at AS creator_removed_at, s.last4 AS secret_last4, \
     p.last4 AS previous_last4, p.expires_at AS previous_ends_at, \
     (SELECT MAX(u.last_at) FROM usage_last u WHERE u.key_id = k.id) AS used_at, \
     (SELECT MAX(u.last_at) FROM usage_recent u WHERE u.key_id = k.id) AS used_recently_at, \
     (SELECT MAX(u.last_at) FROM usage_last u WHERE u.key_id = k.id AND u.secret_id = p.id) \
     AS previous_used_at, \
     (SELECT MAX(u.last_at) FROM usage_recent u WHERE u.key_id = k.id AND u.secret_id = p.id) \
     AS previous_used_recently_at \
     FROM api_keys k \
     JOIN agents a ON a.id = k.agent_id \
     JOIN members m ON m.id = k.created_by \
     JOIN api_key_secrets s ON s.key_id = k.id AND s.expires_at IS NULL \
     LEFT JOIN api_key_secrets p ON p.key_id = k.id AND p.expires_at IS NOT NULL \
     WHERE k.organization_id = $1";

/// `$2` the agent, `$3` the key.
const OF_AGENT: &str = " AND k.agent_id = $2 AND k.id = $3";

/// `$2` agent, `$3` search pattern, `$4` status at `$5`, `$6` unused since; an empty text or 0 stands for "any".
const FILTER: &str = " AND ($2 = '' OR k.agent_id = $2) \
     AND ($3 = '' OR lower(k.name) LIKE $3 ESCAPE '\\' OR lower(k.description) LIKE $3 ESCAPE '\\' \
          OR lower(k.api_key) LIKE $3 ESCAPE '\\') \
     AND ($4 = '' OR $4 = CASE WHEN k.expires_at <= $5 THEN 'EXPIRED' \
          WHEN k.disabled_at IS NOT NULL THEN 'DISABLED' ELSE 'ACTIVE' END) \
     AND ($6 = 0 OR (k.created_at <= $6 \
          AND NOT EXISTS (SELECT 1 FROM usage_last u WHERE u.key_id = k.id AND u.last_at > $6) \
          AND NOT EXISTS (SELECT 1 FROM usage_recent u WHERE u.key_id = k.id AND u.last_at > $6)))";

// One statement, so that key, creator and secrets are of one moment.
const RECORD: &str = "SELECT s.*, k.id AS of_key, k.organization_id, k.agent_id, k.permissions, \
     k.expires_at AS key_expires_at, k.disabled_at, k.allowed_ips, k.per_minute, k.per_hour, \
     m.role AS creator_role, m.removed_at AS creator_removed_at \
     FROM api_keys k \
     JOIN members m ON m.id = k.created_by \
     JOIN api_key_secrets s ON s.key_id = k.id \
     WHERE k.api_key = $1 ORDER BY s.id DESC";

const LOCK: &str = "SELECT id FROM api_keys WHERE organization_id = $1 AND agent_id = $2 AND id = $3";

const INSERT: &str = "INSERT INTO api_keys (id, organization_id, agent_id, api_key, name, description, \
     permissions, per_minute, per_hour, allowed_ips, expires_at, disabled_at, created_by, created_at, \
     updated_at, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const UPDATE: &str = "UPDATE api_keys SET name = $4, description = $5, permissions = $6, per_minute = $7, \
     per_hour = $8, allowed_ips = $9, expires_at = $10, disabled_at = $11, updated_at = $12, version = $13 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";

const DELETE: &str = "DELETE FROM api_keys WHERE organization_id = $1 AND agent_id = $2 AND id = $3";

/// One key of an agent.
fn select<D: Dialect>(organization: &OrganizationId, agent: &AgentId, id: &KeyId) -> Query<D> {
    sql::<D>(AssertSqlSafe(format!("{SELECT}{OF_AGENT}"))).bind(organization).bind(agent).bind(id)
}

fn filtered<D: Dialect>(query: Query<D>, organization: &OrganizationId, filter: &KeyFilter) -> Query<D> {
    let agent = filter.agent_id.as_ref().map_or("", AgentId::as_str);
    let pattern = filter.search.as_deref().map(like).unwrap_or_default();
    let (status, at) = filter.status.map_or(("", 0), |(status, at)| (status.as_str(), at.0));
    let query = query.bind(organization).bind(agent).bind(&pattern).bind(status).bind(at);
    query.bind(filter.unused_since.map_or(0, |since| since.0))
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

#[async_trait]
impl<D: Announce> Keys for SqlStore<D> {
    async fn key_record(&self, api_key: &str) -> Result<Option<KeyRecord>, StoreError> {
        let rows = read!(self, "db.key.check", |c| sql::<D>(RECORD).bind(api_key).all(c))?;
        row::record(&rows)
    }

    async fn key(
        &self,
        organization: &OrganizationId,
        agent: &AgentId,
        id: &KeyId,
    ) -> Result<Option<Key>, StoreError> {
        let row = read!(self, "db.key.get", |c| select::<D>(organization, agent, id).optional(c))?;
        row.as_ref().map(row::key).transpose()
    }

    async fn key_by_id(&self, organization: &OrganizationId, id: &KeyId) -> Result<Option<Key>, StoreError> {
        let query = || sql::<D>(AssertSqlSafe(format!("{SELECT} AND k.id = $2"))).bind(organization).bind(id);
        let row = read!(self, "db.key.get", |c| query().optional(c))?;
        row.as_ref().map(row::key).transpose()
    }

    async fn keys(
        &self,
        organization: &OrganizationId,
        filter: &KeyFilter,
        slice: &Slice,
    ) -> Result<Vec<Key>, StoreError> {
        let query = || {
            let order = " AND ($7 = '' OR k.id < $7) ORDER BY k.id DESC LIMIT $8";
            let query = sql::<D>(AssertSqlSafe(format!("{SELECT}{FILTER}{order}")));
            let query = filtered(query, organization, filter);
            query.bind(slice.before.as_deref().unwrap_or_default()).bind(slice.limit)
        };
        let rows = read!(self, "db.key.list", |c| query().all(c))?;
        rows.iter().map(row::key).collect()
    }

    async fn count_keys(&self, organization: &OrganizationId, filter: &KeyFilter) -> Result<i64, StoreError> {
        let query = || {
            let select = "SELECT COUNT(*) AS count FROM api_keys k WHERE k.organization_id = $1";
            filtered(sql::<D>(AssertSqlSafe(format!("{select}{FILTER}"))), organization, filter)
        };
        count(read!(self, "db.key.count", |c| query().optional(c))?)
    }
}

#[async_trait]
impl<D: Announce> KeyChanges for SqlWork<D> {
    async fn insert_key(&mut self, key: &Key) -> Result<Touched, StoreError> {
        let query = sql::<D>(INSERT).bind(&key.id).bind(&key.organization_id).bind(&key.agent.id);
        let query = query.bind(&key.api_key).bind(&key.name).bind(&key.description);
        let query = query.bind(&list_text(&key.permissions));
        let query = query.bind(key.rate_limits.per_minute).bind(key.rate_limits.per_hour);
        let query = query.bind(&list_text(&key.allowed_ips.to_strings()));
        let query = query.bind(key.expires_at).bind(key.disabled_at).bind(&key.created_by.0);
        let query = query.bind(key.created_at).bind(key.updated_at).bind(key.version);
        run!(self, "db.key.insert", |c| query.run(c))?;
        Ok(Touched::key(key))
    }

    async fn lock_key(
        &mut self,
        organization: &OrganizationId,
        agent: &AgentId,
        id: &KeyId,
    ) -> Result<Option<Key>, StoreError> {
        let query = sql::<D>(AssertSqlSafe(format!("{LOCK}{}", D::FOR_UPDATE)));
        let query = query.bind(organization).bind(agent).bind(id);
        if run!(self, "db.key.lock", |c| query.optional(c))?.is_none() {
            return Ok(None);
        }
        let row = run!(self, "db.key.get", |c| select::<D>(organization, agent, id).optional(c))?;
        row.as_ref().map(row::key).transpose()
    }

    async fn update_key(&mut self, key: &Key) -> Result<Touched, StoreError> {
        let query = sql::<D>(UPDATE).bind(&key.organization_id).bind(&key.agent.id).bind(&key.id);
        let query = query.bind(&key.name).bind(&key.description).bind(&list_text(&key.permissions));
        let query = query.bind(key.rate_limits.per_minute).bind(key.rate_limits.per_hour);
        let query = query.bind(&list_text(&key.allowed_ips.to_strings()));
        let query = query.bind(key.expires_at).bind(key.disabled_at);
        let query = query.bind(key.updated_at).bind(key.version);
        run!(self, "db.key.update", |c| query.run(c))?;
        Ok(Touched::key(key))
    }

    async fn delete_key(&mut self, key: &Key) -> Result<Touched, StoreError> {
        let query = sql::<D>(DELETE).bind(&key.organization_id).bind(&key.agent.id).bind(&key.id);
        run!(self, "db.key.delete", |c| query.run(c))?;
        Ok(Touched::key(key))
    }
}
