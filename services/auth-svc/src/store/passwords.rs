//! Passwords, and what is asked of them when somebody signs in.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row, sql};

use super::StoreError;
use super::announcements::Announce;
use super::members::folded;
use super::row;
use super::sql::{SqlStore, SqlWork, read, run};
use crate::domain::{MemberId, MemberStatus, OrganizationId, Role};

/// What signing in needs to know of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasswordRecord {
    /// The member.
    pub(crate) member_id: MemberId,
    /// Their organization.
    pub(crate) organization_id: OrganizationId,
    /// Their role.
    pub(crate) role: Role,
    /// argon2id in PHC format. `None`: there is no password.
    pub(crate) hash: Option<String>,
}

/// Reads passwords. Those of members who were removed are not found.
#[async_trait]
pub(crate) trait Passwords: Send + Sync {
    /// Of the member with this email address, without regard to case: who signs in names no organization.
    async fn password_by_email(&self, email: &str) -> Result<Option<PasswordRecord>, StoreError>;

    /// Of a member.
    async fn password(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
    ) -> Result<Option<PasswordRecord>, StoreError>;
}

/// Changes passwords.
#[async_trait]
pub(crate) trait PasswordChanges: Send {
    /// Whether this is still the record of a member's password.
    async fn is_password(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        hash: &str,
    ) -> Result<bool, StoreError>;

    /// Writes the record of a member's password. Who has one is active.
    async fn set_password(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        hash: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Writes the record of the same password anew, with other parameters, unless it is another password by now.
    async fn renew_password(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        before: &str,
        hash: &str,
    ) -> Result<(), StoreError>;

    /// Writes the name that a member has chosen.
    async fn set_member_name(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> Passwords for SqlStore<D> {
    async fn password_by_email(&self, email: &str) -> Result<Option<PasswordRecord>, StoreError> {
        let select = "SELECT id, organization_id, role, password FROM members \
             WHERE email_folded = $1 AND removed_at IS NULL ORDER BY id LIMIT 1";
        let email = folded(email);
        let row = read!(self, "db.password.check", |c| sql::<D>(select).bind(&email).optional(c))?;
        row.as_ref().map(record).transpose()
    }

    async fn password(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
    ) -> Result<Option<PasswordRecord>, StoreError> {
        let select = "SELECT id, organization_id, role, password FROM members \
             WHERE organization_id = $1 AND id = $2 AND removed_at IS NULL";
        let row =
            read!(self, "db.password.get", |c| sql::<D>(select).bind(organization).bind(member).optional(c))?;
        row.as_ref().map(record).transpose()
    }
}

#[async_trait]
impl<D: Announce> PasswordChanges for SqlWork<D> {
    async fn is_password(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        hash: &str,
    ) -> Result<bool, StoreError> {
        let query = sql::<D>(
            "SELECT id FROM members \
             WHERE organization_id = $1 AND id = $2 AND password = $3 AND removed_at IS NULL",
        );
        let query = query.bind(organization).bind(member).bind(hash);
        Ok(run!(self, "db.password.check", |c| query.optional(c))?.is_some())
    }

    async fn set_password(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        hash: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql::<D>(
            "UPDATE members SET password = $3, status = $4, updated_at = $5 \
             WHERE organization_id = $1 AND id = $2 AND removed_at IS NULL",
        );
        let query = query.bind(organization).bind(member).bind(hash);
        let query = query.bind(MemberStatus::Active.as_str()).bind(now);
        run!(self, "db.password.set", |c| query.run(c))?;
        Ok(())
    }

    async fn renew_password(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        before: &str,
        hash: &str,
    ) -> Result<(), StoreError> {
        let query = sql::<D>(
            "UPDATE members SET password = $4 WHERE organization_id = $1 AND id = $2 AND password = $3",
        );
        let query = query.bind(organization).bind(member).bind(before).bind(hash);
        run!(self, "db.password.renew", |c| query.run(c))?;
        Ok(())
    }

    async fn set_member_name(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query =
            sql::<D>("UPDATE members SET name = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2");
        let query = query.bind(organization).bind(member).bind(name).bind(now);
        run!(self, "db.member.rename", |c| query.run(c))?;
        Ok(())
    }
}

fn record<D: Dialect>(row: &Row<D>) -> Result<PasswordRecord, StoreError> {
    Ok(PasswordRecord {
        member_id: MemberId::new(row.get::<String>("id")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        role: row::role(row, "role")?,
        hash: row.get("password")?,
    })
}
