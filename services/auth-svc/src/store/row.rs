//! What several things have in their rows: ids, lists, roles, numbers.

use svc_db::{Dialect, Param, Row};

use super::StoreError;
use crate::domain::{
    AgentId, KeyId, LinkId, MailId, MemberId, OrganizationId, Role, SecretId, SessionId, TokenId,
};

macro_rules! bound {
    ($($id:ty),*) => {
        $(impl<'a> From<&'a $id> for Param<'a> {
            fn from(id: &'a $id) -> Param<'a> {
                Param::Text(Some(id.as_str()))
            }
        })*
    };
}

bound!(OrganizationId, AgentId, KeyId, MailId, SecretId, MemberId, TokenId, SessionId, LinkId);

pub(super) fn list<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(|_| StoreError::Corrupt { column })
}

/// As it is stored.
pub(super) fn list_text(items: &[String]) -> String {
    serde_json::Value::from(items).to_string()
}

pub(super) fn role<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<Role, StoreError> {
    Role::parse(&row.get::<String>(column)?).ok_or(StoreError::Corrupt { column })
}

pub(super) fn int<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<i32, StoreError> {
    i32::try_from(row.get::<i64>(column)?).map_err(|_| StoreError::Corrupt { column })
}

/// Of a query that counts.
pub(super) fn count<D: Dialect>(row: Option<Row<D>>) -> Result<i64, StoreError> {
    Ok(row.map_or(Ok(0), |row| row.get("count"))?)
}
