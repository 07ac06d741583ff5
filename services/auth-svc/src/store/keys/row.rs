//! Rows and keys.

use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row};

use super::super::StoreError;
use super::super::row::{int, list, role};
use super::super::secrets::secret;
use super::KeyRecord;
use crate::domain::{
    Addresses, AgentId, AgentName, Key, KeyId, MemberId, OrganizationId, Previous, RateLimits, Role,
    display_name, effective,
};

pub(super) fn key<D: Dialect>(row: &Row<D>) -> Result<Key, StoreError> {
    let permissions = list(row, "permissions")?;
    let (name, email): (String, String) = (row.get("creator_name")?, row.get("creator_email")?);
    Ok(Key {
        id: KeyId::new(row.get::<String>("id")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        agent: AgentName { id: AgentId::new(row.get::<String>("agent_id")?), name: row.get("agent_name")? },
        api_key: row.get("api_key")?,
        secret_last4: row.get("secret_last4")?,
        name: row.get("name")?,
        description: row.get("description")?,
        effective_permissions: effective(&permissions, creator_role(row)?),
        permissions,
        rate_limits: rate_limits(row)?,
        allowed_ips: addresses(row)?,
        expires_at: row.optional_time("expires_at")?,
        disabled_at: row.optional_time("disabled_at")?,
        previous: previous(row)?,
        created_by: (MemberId::new(row.get::<String>("created_by")?), display_name(&name, &email).to_owned()),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        last_used_at: used_at(row, "used_at", "used_recently_at")?,
        version: int(row, "version")?,
    })
}

/// A key from the rows of its secrets. It has one at least.
pub(super) fn record<D: Dialect>(rows: &[Row<D>]) -> Result<Option<KeyRecord>, StoreError> {
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(KeyRecord {
        id: KeyId::new(row.get::<String>("of_key")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        agent_id: AgentId::new(row.get::<String>("agent_id")?),
        permissions: list(row, "permissions")?,
        expires_at: row.optional_time("key_expires_at")?,
        allowed_ips: addresses(row)?,
        rate_limits: rate_limits(row)?,
        disabled: row.optional_time("disabled_at")?.is_some(),
        creator_role: creator_role(row)?,
        secrets: rows.iter().map(secret).collect::<Result<_, _>>()?,
    }))
}

fn addresses<D: Dialect>(row: &Row<D>) -> Result<Addresses, StoreError> {
    let column = "allowed_ips";
    Addresses::parse_stored(&list(row, column)?).ok_or(StoreError::Corrupt { column })
}

fn previous<D: Dialect>(row: &Row<D>) -> Result<Option<Previous>, StoreError> {
    let Some(ends_at) = row.optional_time("previous_ends_at")? else { return Ok(None) };
    let last_used_at = used_at(row, "previous_used_at", "previous_used_recently_at")?;
    Ok(Some(Previous { last4: row.get("previous_last4")?, ends_at, last_used_at }))
}

/// The later of what is rolled up and what is not yet.
fn used_at<D: Dialect>(
    row: &Row<D>,
    rolled_up: &str,
    recently: &str,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.optional_time(rolled_up)?.max(row.optional_time(recently)?))
}

fn rate_limits<D: Dialect>(row: &Row<D>) -> Result<RateLimits, StoreError> {
    Ok(RateLimits { per_minute: int(row, "per_minute")?, per_hour: int(row, "per_hour")? })
}

/// The role of a key's creator; `None` once they were removed.
fn creator_role<D: Dialect>(row: &Row<D>) -> Result<Option<Role>, StoreError> {
    match row.optional_time("creator_removed_at")? {
        Some(_) => Ok(None),
        None => role(row, "creator_role").map(Some),
    }
}
