//! The queries of agents, members and tokens.

use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_core::db::{DbError, Dialect, sql};

use super::rows;
use super::{Page, TokenRecord};
use crate::domain::{Agent, Member, Token};

/// Email addresses are compared without regard to case.
pub(super) fn folded(email: &str) -> String {
    email.to_lowercase()
}

pub(super) async fn agent<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    id: &str,
    lock: &str,
) -> Result<Option<Agent>, DbError> {
    let select = "SELECT * FROM agents WHERE organization_id = $1 AND id = $2";
    let query = sql::<D>(AssertSqlSafe(format!("{select}{lock}")));
    let row = query.bind(organization).bind(id).optional(connection).await?;
    row.as_ref().map(rows::agent).transpose()
}

pub(super) async fn agents<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    page: &Page,
) -> Result<Vec<Agent>, DbError> {
    let query = sql::<D>(
        "SELECT * FROM agents WHERE organization_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3",
    );
    let query = query.bind(organization).bind(page.before.as_deref().unwrap_or_default()).bind(page.limit);
    query.all(connection).await?.iter().map(rows::agent).collect()
}

pub(super) async fn insert_agent<D: Dialect>(
    connection: &mut D::Connection,
    agent: &Agent,
) -> Result<(), DbError> {
    sql::<D>(
        "INSERT INTO agents (id, organization_id, name, mode, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&agent.id)
    .bind(&agent.organization_id)
    .bind(&agent.name)
    .bind(agent.mode.as_str())
    .bind(agent.created_at)
    .bind(agent.updated_at)
    .run(connection)
    .await
    .map(drop)
}

pub(super) async fn update_agent<D: Dialect>(
    connection: &mut D::Connection,
    agent: &Agent,
) -> Result<(), DbError> {
    sql::<D>("UPDATE agents SET name = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2")
        .bind(&agent.organization_id)
        .bind(&agent.id)
        .bind(&agent.name)
        .bind(agent.updated_at)
        .run(connection)
        .await
        .map(drop)
}

pub(super) async fn delete_agent<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    id: &str,
) -> Result<(), DbError> {
    let keys = sql::<D>("DELETE FROM api_keys WHERE organization_id = $1 AND agent_id = $2");
    keys.bind(organization).bind(id).run(connection).await?;
    let agent = sql::<D>("DELETE FROM agents WHERE organization_id = $1 AND id = $2");
    agent.bind(organization).bind(id).run(connection).await.map(drop)
}

pub(super) async fn member<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    id: &str,
    lock: &str,
) -> Result<Option<Member>, DbError> {
    let select = "SELECT * FROM members WHERE organization_id = $1 AND id = $2 AND removed_at IS NULL";
    let query = sql::<D>(AssertSqlSafe(format!("{select}{lock}")));
    let row = query.bind(organization).bind(id).optional(connection).await?;
    row.as_ref().map(rows::member).transpose()
}

pub(super) async fn member_by_email<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    email: &str,
) -> Result<Option<Member>, DbError> {
    let select =
        "SELECT * FROM members WHERE organization_id = $1 AND email_folded = $2 AND removed_at IS NULL";
    let row = sql::<D>(select).bind(organization).bind(&folded(email)).optional(connection).await?;
    row.as_ref().map(rows::member).transpose()
}

pub(super) async fn members<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    page: &Page,
) -> Result<Vec<Member>, DbError> {
    let query = sql::<D>(
        "SELECT * FROM members WHERE organization_id = $1 AND removed_at IS NULL AND ($2 = '' OR id < $2) \
         ORDER BY id DESC LIMIT $3",
    );
    let query = query.bind(organization).bind(page.before.as_deref().unwrap_or_default()).bind(page.limit);
    query.all(connection).await?.iter().map(rows::member).collect()
}

pub(super) async fn insert_member<D: Dialect>(
    connection: &mut D::Connection,
    member: &Member,
) -> Result<(), DbError> {
    sql::<D>(
        "INSERT INTO members (id, organization_id, email, email_folded, name, role, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&member.id)
    .bind(&member.organization_id)
    .bind(&member.email)
    .bind(&folded(&member.email))
    .bind(&member.name)
    .bind(member.role.as_str())
    .bind(member.created_at)
    .bind(member.updated_at)
    .run(connection)
    .await
    .map(drop)
}

pub(super) async fn update_member<D: Dialect>(
    connection: &mut D::Connection,
    member: &Member,
) -> Result<(), DbError> {
    sql::<D>("UPDATE members SET role = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2")
        .bind(&member.organization_id)
        .bind(&member.id)
        .bind(member.role.as_str())
        .bind(member.updated_at)
        .run(connection)
        .await
        .map(drop)
}

pub(super) async fn remove_member<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    id: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let tokens = sql::<D>("DELETE FROM tokens WHERE organization_id = $1 AND member_id = $2");
    tokens.bind(organization).bind(id).run(connection).await?;
    let member = sql::<D>(
        "UPDATE members SET removed_at = $3, updated_at = $3 WHERE organization_id = $1 AND id = $2",
    );
    member.bind(organization).bind(id).bind(now).run(connection).await.map(drop)
}

pub(super) async fn token_record<D: Dialect>(
    connection: &mut D::Connection,
    hash: &[u8],
) -> Result<Option<TokenRecord>, DbError> {
    let query = sql::<D>(
        "SELECT t.*, m.role AS member_role FROM tokens t \
         JOIN members m ON m.id = t.member_id AND m.removed_at IS NULL WHERE t.hash = $1",
    );
    let row = query.bind(hash).optional(connection).await?;
    row.map(|row| {
        Ok(TokenRecord { token: rows::token(&row)?, member_role: rows::role(&row, "member_role")? })
    })
    .transpose()
}

pub(super) async fn token<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    member: &str,
    id: &str,
) -> Result<Option<Token>, DbError> {
    let query = sql::<D>("SELECT * FROM tokens WHERE organization_id = $1 AND member_id = $2 AND id = $3");
    let row = query.bind(organization).bind(member).bind(id).optional(connection).await?;
    row.as_ref().map(rows::token).transpose()
}

pub(super) async fn tokens<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    member: &str,
    page: &Page,
) -> Result<Vec<Token>, DbError> {
    let query = sql::<D>(
        "SELECT * FROM tokens WHERE organization_id = $1 AND member_id = $2 AND ($3 = '' OR id < $3) \
         ORDER BY id DESC LIMIT $4",
    );
    let before = page.before.as_deref().unwrap_or_default();
    let query = query.bind(organization).bind(member).bind(before).bind(page.limit);
    query.all(connection).await?.iter().map(rows::token).collect()
}

pub(super) async fn insert_token<D: Dialect>(
    connection: &mut D::Connection,
    token: &Token,
    hash: &[u8],
) -> Result<(), DbError> {
    sql::<D>(
        "INSERT INTO tokens (id, organization_id, member_id, name, role, hash, last4, expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&token.id)
    .bind(&token.organization_id)
    .bind(&token.member_id)
    .bind(&token.name)
    .bind(token.role.as_str())
    .bind(hash)
    .bind(&token.last4)
    .bind(token.expires_at)
    .bind(token.created_at)
    .run(connection)
    .await
    .map(drop)
}

pub(super) async fn delete_token<D: Dialect>(
    connection: &mut D::Connection,
    organization: &str,
    member: &str,
    id: &str,
) -> Result<bool, DbError> {
    let query = sql::<D>("DELETE FROM tokens WHERE organization_id = $1 AND member_id = $2 AND id = $3");
    Ok(query.bind(organization).bind(member).bind(id).run(connection).await? > 0)
}

/// How many rows a query that counts finds.
pub(super) async fn count<D: Dialect>(
    connection: &mut D::Connection,
    query: svc_core::db::Query<D>,
) -> Result<i64, DbError> {
    query.optional(connection).await?.map_or(Ok(0), |row| row.get("count"))
}
