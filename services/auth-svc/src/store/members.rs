//! Members.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{DbError, Dialect, Row, sql};

use super::announcements::{Announce, Touched};
use super::sql::{SqlStore, SqlWork, read, run};
use super::{Slice, StoreError, row};
use crate::domain::{Member, MemberId, MemberStatus, OrganizationId};

/// Reads members. Those who were removed are not found.
#[async_trait]
pub(crate) trait Members: Send + Sync {
    /// One member.
    async fn member(
        &self,
        organization: &OrganizationId,
        id: &MemberId,
    ) -> Result<Option<Member>, StoreError>;

    /// The member with this email address, without regard to case.
    async fn member_by_email(
        &self,
        organization: &OrganizationId,
        email: &str,
    ) -> Result<Option<Member>, StoreError>;

    /// A slice of the members.
    async fn members(&self, organization: &OrganizationId, slice: &Slice) -> Result<Vec<Member>, StoreError>;

    /// How many members.
    async fn count_members(&self, organization: &OrganizationId) -> Result<i64, StoreError>;
}

/// Changes members.
#[async_trait]
pub(crate) trait MemberChanges: Send {
    /// Adds a member. `false`, and the transaction is lost, when another one has the email address.
    async fn insert_member(&mut self, member: &Member) -> Result<bool, StoreError>;

    /// Reads a member and keeps others from changing it.
    async fn lock_member(
        &mut self,
        organization: &OrganizationId,
        id: &MemberId,
    ) -> Result<Option<Member>, StoreError>;

    /// Writes a member's role, by which the keys that they made may do more or less.
    async fn update_member(&mut self, member: &Member) -> Result<Touched, StoreError>;

    /// Removes a member, their tokens, sessions and links. The keys that they made may do nothing more.
    async fn remove_member(&mut self, member: &Member, now: Timestamp) -> Result<Touched, StoreError>;
}

/// What a member is made of, with what stands elsewhere.
macro_rules! columns {
    () => {
        "m.*, (SELECT MAX(l.expires_at) FROM links l WHERE l.organization_id = m.organization_id \
         AND l.member_id = m.id AND l.kind = 'INVITATION') AS invited_until, \
         (SELECT MAX(s.last_seen_at) FROM sessions s WHERE s.organization_id = m.organization_id \
         AND s.member_id = m.id) AS last_seen_at"
    };
}

const SELECT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM members m WHERE m.organization_id = $1 AND m.id = $2 AND m.removed_at IS NULL"
);

#[async_trait]
impl<D: Announce> Members for SqlStore<D> {
    async fn member(
        &self,
        organization: &OrganizationId,
        id: &MemberId,
    ) -> Result<Option<Member>, StoreError> {
        let row = read!(self, "db.member.get", |c| sql::<D>(SELECT).bind(organization).bind(id).optional(c))?;
        row.as_ref().map(member).transpose()
    }

    async fn member_by_email(
        &self,
        organization: &OrganizationId,
        email: &str,
    ) -> Result<Option<Member>, StoreError> {
        let select = concat!(
            "SELECT ",
            columns!(),
            " FROM members m WHERE m.organization_id = $1 AND m.email_folded = $2 AND m.removed_at IS NULL"
        );
        let row = read!(self, "db.member.get", |c| sql::<D>(select)
            .bind(organization)
            .bind(&folded(email))
            .optional(c))?;
        row.as_ref().map(member).transpose()
    }

    async fn members(&self, organization: &OrganizationId, slice: &Slice) -> Result<Vec<Member>, StoreError> {
        let select = concat!(
            "SELECT ",
            columns!(),
            " FROM members m WHERE m.organization_id = $1 AND m.removed_at IS NULL AND ($2 = '' OR m.id < $2) \
             ORDER BY m.id DESC LIMIT $3"
        );
        let before = slice.before.as_deref().unwrap_or_default();
        let rows = read!(self, "db.member.list", |c| sql::<D>(select)
            .bind(organization)
            .bind(before)
            .bind(slice.limit)
            .all(c))?;
        rows.iter().map(member).collect()
    }

    async fn count_members(&self, organization: &OrganizationId) -> Result<i64, StoreError> {
        let count = "SELECT COUNT(*) AS count FROM members WHERE organization_id = $1 AND removed_at IS NULL";
        row::count(read!(self, "db.member.count", |c| sql::<D>(count).bind(organization).optional(c))?)
    }
}

#[async_trait]
impl<D: Announce> MemberChanges for SqlWork<D> {
    async fn insert_member(&mut self, member: &Member) -> Result<bool, StoreError> {
        let query = sql::<D>(
            "INSERT INTO members \
             (id, organization_id, email, email_folded, name, role, created_at, updated_at, status) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        );
        let query = query.bind(&member.id).bind(&member.organization_id).bind(&member.email);
        let query = query.bind(&folded(&member.email)).bind(&member.name).bind(member.role.as_str());
        let query = query.bind(member.created_at).bind(member.updated_at).bind(member.status.as_str());
        match run!(self, "db.member.insert", |c| query.run(c)) {
            Ok(_) => Ok(true),
            Err(DbError::Duplicate) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn lock_member(
        &mut self,
        organization: &OrganizationId,
        id: &MemberId,
    ) -> Result<Option<Member>, StoreError> {
        let query = sql::<D>(AssertSqlSafe(format!("{SELECT}{}", D::FOR_UPDATE)));
        let query = query.bind(organization).bind(id);
        let row = run!(self, "db.member.lock", |c| query.optional(c))?;
        row.as_ref().map(member).transpose()
    }

    async fn update_member(&mut self, member: &Member) -> Result<Touched, StoreError> {
        let query =
            sql::<D>("UPDATE members SET role = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2");
        let query = query.bind(&member.organization_id).bind(&member.id);
        let query = query.bind(member.role.as_str()).bind(member.updated_at);
        run!(self, "db.member.update", |c| query.run(c))?;
        self.keys_made_by(member).await
    }

    async fn remove_member(&mut self, member: &Member, now: Timestamp) -> Result<Touched, StoreError> {
        let (organization, id) = (&member.organization_id, &member.id);
        let query = sql::<D>("DELETE FROM tokens WHERE organization_id = $1 AND member_id = $2");
        let query = query.bind(organization).bind(id);
        run!(self, "db.token.delete", |c| query.run(c))?;
        let query = sql::<D>("DELETE FROM sessions WHERE organization_id = $1 AND member_id = $2");
        let query = query.bind(organization).bind(id);
        run!(self, "db.session.delete", |c| query.run(c))?;
        let query = sql::<D>("DELETE FROM links WHERE organization_id = $1 AND member_id = $2");
        let query = query.bind(organization).bind(id);
        run!(self, "db.link.delete", |c| query.run(c))?;
        let query = sql::<D>(
            "UPDATE members SET removed_at = $3, updated_at = $3, password = NULL \
             WHERE organization_id = $1 AND id = $2",
        );
        let query = query.bind(organization).bind(id).bind(now);
        run!(self, "db.member.remove", |c| query.run(c))?;
        self.keys_made_by(member).await
    }
}

impl<D: Announce> SqlWork<D> {
    async fn keys_made_by(&mut self, member: &Member) -> Result<Touched, StoreError> {
        let query = sql::<D>("SELECT api_key FROM api_keys WHERE organization_id = $1 AND created_by = $2");
        let query = query.bind(&member.organization_id).bind(&member.id);
        Touched::rows(&run!(self, "db.key.list", |c| query.all(c))?)
    }
}

pub(super) fn folded(email: &str) -> String {
    email.to_lowercase()
}

fn member<D: Dialect>(row: &Row<D>) -> Result<Member, StoreError> {
    Ok(Member {
        id: MemberId::new(row.get::<String>("id")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        email: row.get("email")?,
        name: row.get("name")?,
        role: row::role(row, "role")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        status: MemberStatus::parse(&row.get::<String>("status")?)
            .ok_or(StoreError::Corrupt { column: "status" })?,
        invited_until: row.optional_time("invited_until")?,
        last_seen_at: row.optional_time("last_seen_at")?,
    })
}
