//! Personal access tokens.

use async_trait::async_trait;
use svc_db::{Dialect, Row, sql};

use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use super::{Slice, StoreError, row};
use crate::domain::{MemberId, OrganizationId, Role, Token, TokenId};
use crate::secrets::TokenHash;

/// A token and the role of its member now.
#[derive(Clone, Debug)]
pub(crate) struct TokenRecord {
    /// The token.
    pub(crate) token: Token,
    /// The role of its member.
    pub(crate) member_role: Role,
}

/// Reads tokens.
#[async_trait]
pub(crate) trait Tokens: Send + Sync {
    /// For the credential check.
    async fn token_record(&self, hash: &TokenHash) -> Result<Option<TokenRecord>, StoreError>;

    /// One token of a member.
    async fn token(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &TokenId,
    ) -> Result<Option<Token>, StoreError>;

    /// A slice of a member's tokens.
    async fn tokens(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        slice: &Slice,
    ) -> Result<Vec<Token>, StoreError>;

    /// How many tokens a member has.
    async fn count_tokens(&self, organization: &OrganizationId, member: &MemberId)
    -> Result<i64, StoreError>;
}

/// Changes tokens.
#[async_trait]
pub(crate) trait TokenChanges: Send {
    /// Adds a token.
    async fn insert_token(&mut self, token: &Token, hash: &TokenHash) -> Result<(), StoreError>;

    /// Deletes a token of a member, and says which it was.
    async fn delete_token(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &TokenId,
    ) -> Result<Option<Token>, StoreError>;
}

#[async_trait]
impl<D: Announce> Tokens for SqlStore<D> {
    async fn token_record(&self, hash: &TokenHash) -> Result<Option<TokenRecord>, StoreError> {
        let select = "SELECT t.*, m.role AS member_role FROM tokens t \
             JOIN members m ON m.id = t.member_id AND m.removed_at IS NULL WHERE t.hash = $1";
        let row = read!(self, "db.token.check", |c| sql::<D>(select).bind(hash.as_slice()).optional(c))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(TokenRecord { token: token(&row)?, member_role: row::role(&row, "member_role")? }))
    }

    async fn token(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &TokenId,
    ) -> Result<Option<Token>, StoreError> {
        let select = "SELECT * FROM tokens WHERE organization_id = $1 AND member_id = $2 AND id = $3";
        let row = read!(self, "db.token.get", |c| sql::<D>(select)
            .bind(organization)
            .bind(member)
            .bind(id)
            .optional(c))?;
        row.as_ref().map(token).transpose()
    }

    async fn tokens(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        slice: &Slice,
    ) -> Result<Vec<Token>, StoreError> {
        let select = "SELECT * FROM tokens \
             WHERE organization_id = $1 AND member_id = $2 AND ($3 = '' OR id < $3) \
             ORDER BY id DESC LIMIT $4";
        let before = slice.before.as_deref().unwrap_or_default();
        let rows = read!(self, "db.token.list", |c| sql::<D>(select)
            .bind(organization)
            .bind(member)
            .bind(before)
            .bind(slice.limit)
            .all(c))?;
        rows.iter().map(token).collect()
    }

    async fn count_tokens(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
    ) -> Result<i64, StoreError> {
        let count = "SELECT COUNT(*) AS count FROM tokens WHERE organization_id = $1 AND member_id = $2";
        row::count(read!(self, "db.token.count", |c| sql::<D>(count)
            .bind(organization)
            .bind(member)
            .optional(c))?)
    }
}

#[async_trait]
impl<D: Announce> TokenChanges for SqlWork<D> {
    async fn insert_token(&mut self, token: &Token, hash: &TokenHash) -> Result<(), StoreError> {
        let query = sql::<D>(
            "INSERT INTO tokens \
             (id, organization_id, member_id, name, role, hash, last4, expires_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        );
        let query = query.bind(&token.id).bind(&token.organization_id).bind(&token.member_id);
        let query = query.bind(&token.name).bind(token.role.as_str()).bind(hash.as_slice());
        let query = query.bind(&token.last4).bind(token.expires_at).bind(token.created_at);
        run!(self, "db.token.insert", |c| query.run(c))?;
        Ok(())
    }

    async fn delete_token(
        &mut self,
        organization: &OrganizationId,
        member: &MemberId,
        id: &TokenId,
    ) -> Result<Option<Token>, StoreError> {
        let query = sql::<D>(
            "DELETE FROM tokens WHERE organization_id = $1 AND member_id = $2 AND id = $3 RETURNING *",
        );
        let query = query.bind(organization).bind(member).bind(id);
        let row = run!(self, "db.token.delete", |c| query.optional(c))?;
        row.as_ref().map(token).transpose()
    }
}

fn token<D: Dialect>(row: &Row<D>) -> Result<Token, StoreError> {
    Ok(Token {
        id: TokenId::new(row.get::<String>("id")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        member_id: MemberId::new(row.get::<String>("member_id")?),
        name: row.get("name")?,
        role: row::role(row, "role")?,
        last4: row.get("last4")?,
        expires_at: row.optional_time("expires_at")?,
        created_at: row.time("created_at")?,
    })
}
