//! What ends soon, and which notices of it were mailed.

use std::collections::HashSet;

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row, sql};

use super::StoreError;
use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use crate::domain::{
    AgentId, AgentName, KEY_AHEAD, KeyId, Notice, NoticeKind, OrganizationId, Role, SECRET_AHEAD,
};

/// What tells a mailed notice from others: the key, what of it ends, when, and how many days before it was mailed.
pub(crate) type NoticeMark = (KeyId, NoticeKind, Timestamp, i64);

/// An organization, as mails name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrganizationName {
    /// Its id.
    pub(crate) id: OrganizationId,
    /// Its name.
    pub(crate) name: String,
}

/// Reads what ends.
#[async_trait]
pub(crate) trait Notices: Send + Sync {
    /// Keys that expire within 14 days and secrets that end within one, of an agent or of all, the soonest first. Those
    /// of keys that are disabled are left out: they do not work now.
    async fn notices(
        &self,
        organization: &OrganizationId,
        agent: Option<&AgentId>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Notice>, StoreError>;

    /// The notices that were mailed of what has not ended yet.
    async fn mailed_notices(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<HashSet<NoticeMark>, StoreError>;

    /// Every organization.
    async fn organizations(&self) -> Result<Vec<OrganizationName>, StoreError>;

    /// The email addresses of the owner and the admins, at most so many.
    async fn admin_emails(
        &self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<Vec<String>, StoreError>;
}

/// Marks notices.
#[async_trait]
pub(crate) trait NoticeChanges: Send {
    /// A notice is mailed. `false` when it was before.
    async fn mark_notice(
        &mut self,
        organization: &OrganizationId,
        notice: &Notice,
        days: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Forgets marks of what has ended.
    async fn delete_notice_marks(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

const ENDING: &str = "SELECT 'KEY_EXPIRES' AS kind, k.id AS key_id, k.name AS key_name, a.id AS agent_id, \
     a.name AS agent_name, s.last4, k.expires_at AS ends_at, k.last_used_at \
     FROM api_keys k \
     JOIN agents a ON a.id = k.agent_id \
     JOIN api_key_secrets s ON s.key_id = k.id AND s.expires_at IS NULL \
     WHERE k.organization_id = $1 AND k.disabled_at IS NULL AND k.expires_at > $2 AND k.expires_at <= $3 \
     AND ($6 = '' OR k.agent_id = $6) \
     UNION ALL \
     SELECT 'SECRET_ENDS', k.id, k.name, a.id, a.name, s.last4, s.expires_at, s.last_used_at \
     FROM api_keys k \
     JOIN agents a ON a.id = k.agent_id \
     JOIN api_key_secrets s ON s.key_id = k.id AND s.expires_at > $2 AND s.expires_at <= $4 \
     WHERE k.organization_id = $1 AND k.disabled_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) \
     AND ($6 = '' OR k.agent_id = $6) \
     ORDER BY ends_at, key_id, kind LIMIT $5";

#[async_trait]
impl<D: Announce> Notices for SqlStore<D> {
    async fn notices(
        &self,
        organization: &OrganizationId,
        agent: Option<&AgentId>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Notice>, StoreError> {
        let rows = read!(self, "db.notice.list", |c| sql::<D>(ENDING)
            .bind(organization)
            .bind(now)
            .bind(now.plus(KEY_AHEAD))
            .bind(now.plus(SECRET_AHEAD))
            .bind(limit)
            .bind(agent.map_or("", AgentId::as_str))
            .all(c))?;
        rows.iter().map(notice).collect()
    }

    async fn mailed_notices(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<HashSet<NoticeMark>, StoreError> {
        let select = "SELECT key_id, kind, ends_at, days FROM notices_mailed \
             WHERE organization_id = $1 AND ends_at > $2";
        let rows = read!(self, "db.notice.marks", |c| sql::<D>(select).bind(organization).bind(now).all(c))?;
        rows.iter().map(mark).collect()
    }

    async fn organizations(&self) -> Result<Vec<OrganizationName>, StoreError> {
        let select = "SELECT id, name FROM organizations ORDER BY id";
        let rows = read!(self, "db.organization.list", |c| sql::<D>(select).all(c))?;
        rows.iter().map(organization).collect()
    }

    async fn admin_emails(
        &self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let select = "SELECT email FROM members \
             WHERE organization_id = $1 AND removed_at IS NULL AND role IN ($2, $3) ORDER BY id LIMIT $4";
        let rows = read!(self, "db.member.list", |c| sql::<D>(select)
            .bind(organization)
            .bind(Role::Owner.as_str())
            .bind(Role::Admin.as_str())
            .bind(limit)
            .all(c))?;
        rows.iter().map(|row| -> Result<String, StoreError> { Ok(row.get("email")?) }).collect()
    }
}

#[async_trait]
impl<D: Announce> NoticeChanges for SqlWork<D> {
    async fn mark_notice(
        &mut self,
        organization: &OrganizationId,
        notice: &Notice,
        days: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // Only of a key that is still there: it may have been deleted since it was read.
        let query = sql::<D>(
            "INSERT INTO notices_mailed (organization_id, key_id, kind, ends_at, days, mailed_at) \
             SELECT organization_id, id, $3, $4, $5, $6 FROM api_keys WHERE organization_id = $1 AND id = $2 \
             ON CONFLICT DO NOTHING",
        );
        let query = query.bind(organization).bind(&notice.key_id).bind(notice.kind.as_str());
        let query = query.bind(notice.ends_at).bind(days).bind(now);
        Ok(run!(self, "db.notice.mark", |c| query.run(c))? > 0)
    }

    async fn delete_notice_marks(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql::<D>("DELETE FROM notices_mailed WHERE organization_id = $1 AND ends_at <= $2");
        let query = query.bind(organization).bind(now);
        run!(self, "db.notice.unmark", |c| query.run(c))?;
        Ok(())
    }
}

fn kind<D: Dialect>(row: &Row<D>) -> Result<NoticeKind, StoreError> {
    NoticeKind::parse(&row.get::<String>("kind")?).ok_or(StoreError::Corrupt { column: "kind" })
}

fn organization<D: Dialect>(row: &Row<D>) -> Result<OrganizationName, StoreError> {
    Ok(OrganizationName { id: OrganizationId::new(row.get::<String>("id")?), name: row.get("name")? })
}

fn notice<D: Dialect>(row: &Row<D>) -> Result<Notice, StoreError> {
    Ok(Notice {
        kind: kind(row)?,
        key_id: KeyId::new(row.get::<String>("key_id")?),
        key_name: row.get("key_name")?,
        agent: AgentName { id: AgentId::new(row.get::<String>("agent_id")?), name: row.get("agent_name")? },
        secret_last4: row.get("last4")?,
        ends_at: row.time("ends_at")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}

fn mark<D: Dialect>(row: &Row<D>) -> Result<NoticeMark, StoreError> {
    Ok((KeyId::new(row.get::<String>("key_id")?), kind(row)?, row.time("ends_at")?, row.get("days")?))
}
