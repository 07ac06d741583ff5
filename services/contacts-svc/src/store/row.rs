//! Rows and contacts.

use serde::Serialize;
use serde::de::DeserializeOwned;
use svc_core::db::{Dialect, Row};

use super::StoreError;
use crate::domain::{Contact, ContactFields, Stage, Status};

/// The contact in a row with all columns but those of the partition.
pub(super) fn read<D: Dialect>(row: &Row<D>) -> Result<Contact, StoreError> {
    let stage = match row.get::<Option<String>>("stage")? {
        Some(word) => Some(Stage::from_str(&word).ok_or(StoreError::Corrupt { column: "stage" })?),
        None => None,
    };
    let status = Status::from_str(&row.get::<String>("status")?);
    let version = i32::try_from(row.get::<i64>("version")?);
    Ok(Contact {
        id: row.get("id")?,
        fields: ContactFields {
            external_reference_id: row.get("external_reference_id")?,
            name: row.get("name")?,
            email: row.get("email")?,
            mobile_number: row.get("mobile_number")?,
            gender: row.get("gender")?,
            stage,
            source: row.get("source")?,
            tags: from_json(row, "tags")?,
            notes: row.get("notes")?,
            custom_fields: from_json(row, "custom_fields")?,
        },
        status: status.ok_or(StoreError::Corrupt { column: "status" })?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        archived_at: row.optional_time("archived_at")?,
        version: version.map_err(|_| StoreError::Corrupt { column: "version" })?,
    })
}

fn from_json<D: Dialect, T: DeserializeOwned>(row: &Row<D>, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(|_| StoreError::Corrupt { column })
}

/// As it is stored.
pub(super) fn json(value: &impl Serialize, column: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt { column })
}
