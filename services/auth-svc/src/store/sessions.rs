//! Sessions of members.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row, sql};

use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use super::{StoreError, row};
use crate::domain::{MAX_SESSIONS, MemberId, OrganizationId, Role, Session, SessionId};
use crate::secrets::TokenHash;

/// A session and the role of its member now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionRecord {
    /// The session.
    pub(crate) session: Session,
    /// The role of its member.
    pub(crate) member_role: Role,
}

/// Reads sessions.
#[async_trait]
pub(crate) trait Sessions: Send + Sync {
    /// For the credential check. Of a member who was removed there is none.
    async fn session_record(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, StoreError>;

    /// One session of a member, and the hash of its token.
    async fn session(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &SessionId,
    ) -> Result<Option<(Session, TokenHash)>, StoreError>;

    /// The sessions of a member that have not reached their absolute end, newest first.
    async fn sessions(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError>;
}

/// Changes sessions.
#[async_trait]
pub(crate) trait SessionChanges: Send {
    /// Adds a session, and removes those of the same member that are over or too many.
    async fn insert_session(&mut self, session: &Session, hash: &TokenHash) -> Result<(), StoreError>;

    /// Gives a session another token, if its token is this one. `false` when it is not, or it has ended.
    async fn renew_session(
        &mut self,
        session: &Session,
        before: &TokenHash,
        hash: &TokenHash,
    ) -> Result<bool, StoreError>;

    /// Writes down that a session is in use.
    async fn see_session(&mut self, session: &Session, now: Timestamp) -> Result<(), StoreError>;

    /// Ends a session of a member. `false` when there is none.
    async fn end_session(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &SessionId,
    ) -> Result<bool, StoreError>;

    /// Ends every session of a member, but for this one.
    async fn end_sessions(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        but: Option<&SessionId>,
    ) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> Sessions for SqlStore<D> {
    async fn session_record(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, StoreError> {
        let select = "SELECT s.*, m.role AS member_role FROM sessions s \
             JOIN members m ON m.id = s.member_id AND m.removed_at IS NULL WHERE s.hash = $1";
        let row = read!(self, "db.session.check", |c| sql::<D>(select).bind(hash.as_slice()).optional(c))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SessionRecord { session: session(&row)?, member_role: row::role(&row, "member_role")? }))
    }

    async fn session(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &SessionId,
    ) -> Result<Option<(Session, TokenHash)>, StoreError> {
        let select = "SELECT * FROM sessions WHERE organization_id = $1 AND member_id = $2 AND id = $3";
        let row = read!(self, "db.session.get", |c| sql::<D>(select)
            .bind(organization)
            .bind(member)
            .bind(id)
            .optional(c))?;
        let Some(row) = row else { return Ok(None) };
        let hash = TokenHash::try_from(row.get::<Vec<u8>>("hash")?)
            .map_err(|_| StoreError::Corrupt { column: "hash" })?;
        Ok(Some((session(&row)?, hash)))
    }

    async fn sessions(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let select = "SELECT * FROM sessions \
             WHERE organization_id = $1 AND member_id = $2 AND expires_at > $3 ORDER BY id DESC LIMIT $4";
        let rows = read!(self, "db.session.list", |c| sql::<D>(select)
            .bind(organization)
            .bind(member)
            .bind(now)
            .bind(MAX_SESSIONS)
            .all(c))?;
        rows.iter().map(session).collect()
    }
}

#[async_trait]
impl<D: Announce> SessionChanges for SqlWork<D> {
    async fn insert_session(&mut self, session: &Session, hash: &TokenHash) -> Result<(), StoreError> {
        let query = sql::<D>(
            "DELETE FROM sessions WHERE organization_id = $1 AND member_id = $2 AND (expires_at <= $3 \
             OR id IN (SELECT id FROM sessions WHERE organization_id = $1 AND member_id = $2 \
             ORDER BY id DESC LIMIT $5 OFFSET $4))",
        );
        let query = query.bind(&session.organization_id).bind(&session.member_id).bind(session.created_at);
        let query = query.bind(MAX_SESSIONS - 1).bind(MAX_SESSIONS);
        run!(self, "db.session.tidy", |c| query.run(c))?;
        let query = sql::<D>(
            "INSERT INTO sessions (id, organization_id, member_id, hash, role, client_address, user_agent, \
             created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        );
        let query = query.bind(&session.id).bind(&session.organization_id).bind(&session.member_id);
        let query = query.bind(hash.as_slice()).bind(session.role.as_str());
        let query = query.bind(&session.client_address).bind(&session.user_agent);
        let query = query.bind(session.created_at).bind(session.last_seen_at).bind(session.expires_at);
        run!(self, "db.session.insert", |c| query.run(c))?;
        Ok(())
    }

    async fn renew_session(
        &mut self,
        session: &Session,
        before: &TokenHash,
        hash: &TokenHash,
    ) -> Result<bool, StoreError> {
        let query = sql::<D>(
            "UPDATE sessions SET hash = $5, role = $6 \
             WHERE organization_id = $1 AND member_id = $2 AND id = $3 AND hash = $4",
        );
        let query = query.bind(&session.organization_id).bind(&session.member_id).bind(&session.id);
        let query = query.bind(before.as_slice()).bind(hash.as_slice()).bind(session.role.as_str());
        Ok(run!(self, "db.session.renew", |c| query.run(c))? > 0)
    }

    async fn see_session(&mut self, session: &Session, now: Timestamp) -> Result<(), StoreError> {
        let query = sql::<D>(
            "UPDATE sessions SET last_seen_at = $4 \
             WHERE organization_id = $1 AND member_id = $2 AND id = $3 AND last_seen_at < $4",
        );
        let query = query.bind(&session.organization_id).bind(&session.member_id).bind(&session.id);
        let query = query.bind(now);
        run!(self, "db.session.see", |c| query.run(c))?;
        Ok(())
    }

    async fn end_session(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &SessionId,
    ) -> Result<bool, StoreError> {
        let query =
            sql::<D>("DELETE FROM sessions WHERE organization_id = $1 AND member_id = $2 AND id = $3");
        let query = query.bind(organization).bind(member).bind(id);
        Ok(run!(self, "db.session.delete", |c| query.run(c))? > 0)
    }

    async fn end_sessions(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        but: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        let query =
            sql::<D>("DELETE FROM sessions WHERE organization_id = $1 AND member_id = $2 AND id <> $3");
        let query = query.bind(organization).bind(member);
        let query = query.bind(but.map(SessionId::as_str).unwrap_or_default());
        run!(self, "db.session.delete", |c| query.run(c))?;
        Ok(())
    }
}

fn session<D: Dialect>(row: &Row<D>) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId::new(row.get::<String>("id")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        member_id: MemberId::new(row.get::<String>("member_id")?),
        role: row::role(row, "role")?,
        client_address: row.get("client_address")?,
        user_agent: row.get("user_agent")?,
        created_at: row.time("created_at")?,
        last_seen_at: row.time("last_seen_at")?,
        expires_at: row.time("expires_at")?,
    })
}
