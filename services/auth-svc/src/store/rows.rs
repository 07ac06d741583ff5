//! From rows to the things of the domain.

use svc_core::db::{DbError, Dialect, Row};

use crate::domain::{
    Addresses, Agent, AgentMode, AgentName, Key, Member, Previous, RateLimits, Role, Token, display_name,
    effective,
};
use crate::secrets::StoredSecret;

/// A column holds what no version of ours writes.
pub(super) fn corrupt(column: &'static str) -> DbError {
    DbError::Failed(sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "not a value of ours".into(),
    })
}

pub(super) fn list<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<Vec<String>, DbError> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(|_| corrupt(column))
}

pub(super) fn to_list(items: &[String]) -> String {
    serde_json::Value::from(items).to_string()
}

pub(super) fn role<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<Role, DbError> {
    Role::parse(&row.get::<String>(column)?).ok_or_else(|| corrupt(column))
}

pub(super) fn addresses<D: Dialect>(row: &Row<D>) -> Result<Addresses, DbError> {
    Addresses::parse_stored(&list(row, "allowed_ips")?).ok_or_else(|| corrupt("allowed_ips"))
}

fn previous<D: Dialect>(row: &Row<D>) -> Result<Option<Previous>, DbError> {
    let Some(ends_at) = row.optional_time("previous_ends_at")? else { return Ok(None) };
    let last_used_at = row.optional_time("previous_last_used_at")?;
    Ok(Some(Previous { last4: row.get("previous_last4")?, ends_at, last_used_at }))
}

pub(super) fn limits<D: Dialect>(row: &Row<D>) -> Result<RateLimits, DbError> {
    Ok(RateLimits { per_minute: int(row, "per_minute")?, per_hour: int(row, "per_hour")? })
}

fn int<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<i32, DbError> {
    i32::try_from(row.get::<i64>(column)?).map_err(|_| corrupt(column))
}

/// The role of a key's creator; `None` once they were removed.
pub(super) fn creator_role<D: Dialect>(row: &Row<D>) -> Result<Option<Role>, DbError> {
    match row.optional_time("creator_removed_at")? {
        Some(_) => Ok(None),
        None => role(row, "creator_role").map(Some),
    }
}

pub(super) fn agent<D: Dialect>(row: &Row<D>) -> Result<Agent, DbError> {
    Ok(Agent {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        name: row.get("name")?,
        mode: AgentMode::parse(&row.get::<String>("mode")?).ok_or_else(|| corrupt("mode"))?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

pub(super) fn member<D: Dialect>(row: &Row<D>) -> Result<Member, DbError> {
    Ok(Member {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        role: role(row, "role")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

pub(super) fn token<D: Dialect>(row: &Row<D>) -> Result<Token, DbError> {
    Ok(Token {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        member_id: row.get("member_id")?,
        name: row.get("name")?,
        role: role(row, "role")?,
        last4: row.get("last4")?,
        expires_at: row.optional_time("expires_at")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) fn key<D: Dialect>(row: &Row<D>) -> Result<Key, DbError> {
    let permissions = list(row, "permissions")?;
    let (name, email): (String, String) = (row.get("creator_name")?, row.get("creator_email")?);
    Ok(Key {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        agent: AgentName { id: row.get("agent_id")?, name: row.get("agent_name")? },
        api_key: row.get("api_key")?,
        secret_last4: row.get("secret_last4")?,
        name: row.get("name")?,
        description: row.get("description")?,
        effective_permissions: effective(&permissions, creator_role(row)?),
        permissions,
        rate_limits: limits(row)?,
        allowed_ips: addresses(row)?,
        expires_at: row.optional_time("expires_at")?,
        disabled_at: row.optional_time("disabled_at")?,
        previous: previous(row)?,
        created_by: (row.get("created_by")?, display_name(&name, &email).to_owned()),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        last_used_at: row.optional_time("last_used_at")?,
        version: int(row, "version")?,
    })
}

pub(super) fn secret<D: Dialect>(row: &Row<D>) -> Result<StoredSecret, DbError> {
    Ok(StoredSecret {
        id: row.get("id")?,
        hash: row.get("hash")?,
        verifier: row.get("verifier")?,
        verifier_key_id: row.get("verifier_key_id")?,
        last4: row.get("last4")?,
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
    })
}
