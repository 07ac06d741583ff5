//! Links that work once.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row, sql};

use super::StoreError;
use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use crate::domain::{Link, LinkId, LinkKind, MemberId, OrganizationId};
use crate::secrets::TokenHash;

/// Reads links.
#[async_trait]
pub(crate) trait Links: Send + Sync {
    /// For whoever presents the token of a link of this kind, which works now.
    async fn link(
        &self,
        kind: LinkKind,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Link>, StoreError>;
}

/// Changes links.
#[async_trait]
pub(crate) trait LinkChanges: Send {
    /// Adds a link. The one before, of the same kind and member, works no more.
    async fn insert_link(&mut self, link: &Link, hash: &TokenHash) -> Result<(), StoreError>;

    /// Uses a link that works now. `None` when there is none, or another change has used it: of two that use one,
    /// one gets it.
    async fn take_link(
        &mut self,
        kind: LinkKind,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Link>, StoreError>;

    /// Withdraws every link of this kind that a member has or, without one, that nobody has.
    async fn withdraw_links(
        &mut self,
        kind: LinkKind,
        member: Option<(&OrganizationId, &MemberId)>,
    ) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> Links for SqlStore<D> {
    async fn link(
        &self,
        kind: LinkKind,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Link>, StoreError> {
        let select = "SELECT * FROM links WHERE kind = $1 AND hash = $2 AND expires_at > $3";
        let row = read!(self, "db.link.get", |c| sql::<D>(select)
            .bind(kind.as_str())
            .bind(hash.as_slice())
            .bind(now)
            .optional(c))?;
        row.as_ref().map(|row| link(row, kind)).transpose()
    }
}

#[async_trait]
impl<D: Announce> LinkChanges for SqlWork<D> {
    async fn insert_link(&mut self, link: &Link, hash: &TokenHash) -> Result<(), StoreError> {
        let member = link.member.as_ref().map(|(organization, member)| (organization, member));
        self.withdraw_links(link.kind, member).await?;
        let query = sql::<D>(
            "INSERT INTO links (id, kind, organization_id, member_id, hash, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let query = query.bind(&link.id).bind(link.kind.as_str());
        let query = query.bind(member.map(|(organization, _)| organization.as_str()));
        let query = query.bind(member.map(|(_, member)| member.as_str())).bind(hash.as_slice());
        let query = query.bind(link.created_at).bind(link.expires_at);
        run!(self, "db.link.insert", |c| query.run(c))?;
        Ok(())
    }

    async fn take_link(
        &mut self,
        kind: LinkKind,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Link>, StoreError> {
        let query =
            sql::<D>("DELETE FROM links WHERE kind = $1 AND hash = $2 AND expires_at > $3 RETURNING *");
        let query = query.bind(kind.as_str()).bind(hash.as_slice()).bind(now);
        let row = run!(self, "db.link.take", |c| query.optional(c))?;
        row.as_ref().map(|row| link(row, kind)).transpose()
    }

    async fn withdraw_links(
        &mut self,
        kind: LinkKind,
        member: Option<(&OrganizationId, &MemberId)>,
    ) -> Result<(), StoreError> {
        let query = match member {
            Some((organization, member)) => {
                sql::<D>("DELETE FROM links WHERE kind = $1 AND organization_id = $2 AND member_id = $3")
                    .bind(kind.as_str())
                    .bind(organization)
                    .bind(member)
            }
            None => sql::<D>("DELETE FROM links WHERE kind = $1 AND member_id IS NULL").bind(kind.as_str()),
        };
        run!(self, "db.link.delete", |c| query.run(c))?;
        Ok(())
    }
}

fn link<D: Dialect>(row: &Row<D>, kind: LinkKind) -> Result<Link, StoreError> {
    let organization = row.get::<Option<String>>("organization_id")?.map(OrganizationId::new);
    let member = row.get::<Option<String>>("member_id")?.map(MemberId::new);
    Ok(Link {
        id: LinkId::new(row.get::<String>("id")?),
        kind,
        member: organization.zip(member),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}
