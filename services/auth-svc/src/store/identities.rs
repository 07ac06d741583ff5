//! As whom OpenID Connect providers know members.
//!
//! Who signs in belongs to no organization yet, so these statements find the organization by the person.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{DbError, Row, sql};

use super::StoreError;
use super::announcements::Announce;
use super::members::{MemberChanges, folded};
use super::sql::{SqlWork, run};
use crate::domain::{Identity, Member, MemberId, MemberStatus, OrganizationId};

/// Changes identities, and reads what is needed for that.
#[async_trait]
pub(crate) trait IdentityChanges: Send {
    /// The member with this identity, kept from being changed. None when they were removed.
    async fn lock_member_by_identity(&mut self, identity: &Identity) -> Result<Option<Member>, StoreError>;

    /// The member with this email address, without regard to case, kept from being changed. None when several
    /// organizations have one.
    async fn lock_member_by_email(&mut self, email: &str) -> Result<Option<Member>, StoreError>;

    /// Gives a member an identity, which those who were removed lose. `false`, and the transaction is lost, when
    /// this provider knows the member by another subject.
    async fn link_identity(
        &mut self,
        member: &Member,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// A member who was invited has come in.
    async fn activate_member(&mut self, member: &Member, now: Timestamp) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> IdentityChanges for SqlWork<D> {
    async fn lock_member_by_identity(&mut self, identity: &Identity) -> Result<Option<Member>, StoreError> {
        let select = "SELECT m.organization_id, m.id FROM members m JOIN identities i ON i.member_id = m.id \
             WHERE i.issuer = $1 AND i.subject = $2 AND m.removed_at IS NULL";
        let query = sql::<D>(select).bind(&identity.issuer).bind(&identity.subject);
        let row = run!(self, "db.identity.get", |c| query.optional(c))?;
        self.lock_one(row.as_slice()).await
    }

    async fn lock_member_by_email(&mut self, email: &str) -> Result<Option<Member>, StoreError> {
        let select = "SELECT organization_id, id FROM members \
             WHERE email_folded = $1 AND removed_at IS NULL ORDER BY id LIMIT 2";
        let query = sql::<D>(select).bind(&folded(email));
        let rows = run!(self, "db.member.get", |c| query.all(c))?;
        self.lock_one(&rows).await
    }

    async fn link_identity(
        &mut self,
        member: &Member,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let query = sql::<D>(
            "DELETE FROM identities WHERE issuer = $1 AND subject = $2 \
             AND member_id IN (SELECT id FROM members WHERE removed_at IS NOT NULL)",
        );
        let query = query.bind(&identity.issuer).bind(&identity.subject);
        run!(self, "db.identity.delete", |c| query.run(c))?;
        let query = sql::<D>(
            "INSERT INTO identities (issuer, subject, organization_id, member_id, created_at) \
             VALUES ($1, $2, $3, $4, $5)",
        );
        let query = query.bind(&identity.issuer).bind(&identity.subject);
        let query = query.bind(&member.organization_id).bind(&member.id).bind(now);
        match run!(self, "db.identity.insert", |c| query.run(c)) {
            Ok(_) => Ok(true),
            Err(DbError::Duplicate) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn activate_member(&mut self, member: &Member, now: Timestamp) -> Result<(), StoreError> {
        let query = sql::<D>(
            "UPDATE members SET status = $4, updated_at = $5 \
             WHERE organization_id = $1 AND id = $2 AND status = $3 AND removed_at IS NULL",
        );
        let query = query.bind(&member.organization_id).bind(&member.id);
        let query = query.bind(MemberStatus::Invited.as_str()).bind(MemberStatus::Active.as_str()).bind(now);
        run!(self, "db.member.activate", |c| query.run(c))?;
        Ok(())
    }
}

impl<D: Announce> SqlWork<D> {
    /// The member of these rows, if there is one row.
    async fn lock_one(&mut self, rows: &[Row<D>]) -> Result<Option<Member>, StoreError> {
        let [row] = rows else { return Ok(None) };
        let organization = OrganizationId::new(row.get::<String>("organization_id")?);
        let id = MemberId::new(row.get::<String>("id")?);
        self.lock_member(&organization, &id).await
    }
}
