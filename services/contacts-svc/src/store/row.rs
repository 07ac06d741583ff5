//! Rows and contacts.

use svc_core::clock::Timestamp;
use svc_core::json::{self, Broken, Json, Next};
use svc_db::{Dialect, Row};

use super::StoreError;
use crate::domain::{Contact, ContactFields, CustomFields, JsonText, Stage, Status};

/// The contact in a row that has `columns!` one after the other.
pub(super) fn read<D: Dialect>(row: &Row<D>) -> Result<Contact, StoreError> {
    let mut columns = row.columns_from("id")?;
    let id = columns.next("id")?;
    let external_reference_id = columns.next("external_reference_id")?;
    let name = columns.next("name")?;
    let email = columns.next("email")?;
    let mobile_number = columns.next("mobile_number")?;
    let gender = columns.next("gender")?;
    let stage = match columns.next::<Option<String>>("stage")? {
        Some(word) => Some(Stage::from_str(&word).ok_or(StoreError::Corrupt { column: "stage" })?),
        None => None,
    };
    let status = Status::from_str(&columns.next::<String>("status")?);
    let source = columns.next("source")?;
    let tags = tags(&columns.next::<String>("tags")?)?;
    let notes = columns.next("notes")?;
    let custom_fields = custom_fields(&columns.next::<String>("custom_fields")?)
        .map_err(|_| StoreError::Corrupt { column: "custom_fields" })?;
    let created_at = Timestamp(columns.next("created_at")?);
    let updated_at = Timestamp(columns.next("updated_at")?);
    let archived_at = columns.next::<Option<i64>>("archived_at")?.map(Timestamp);
    let version = i32::try_from(columns.next::<i64>("version")?);
    Ok(Contact {
        id,
        fields: ContactFields {
            external_reference_id,
            name,
            email,
            mobile_number,
            gender,
            stage,
            source,
            tags,
            notes,
            custom_fields,
        },
        status: status.ok_or(StoreError::Corrupt { column: "status" })?,
        created_at,
        updated_at,
        archived_at,
        version: version.map_err(|_| StoreError::Corrupt { column: "version" })?,
    })
}

fn tags(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt { column: "tags" })
}

/// As they are stored.
pub(super) fn tags_text(tags: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(tags).map_err(|_| StoreError::Corrupt { column: "tags" })
}

/// The values stay text: only where each begins and ends is looked for.
pub(super) fn custom_fields(text: &str) -> Result<CustomFields, Broken> {
    let mut json = Json::new(text.as_bytes())?;
    if json.peek()? != Next::Object {
        return Err(json.broken("an object is expected"));
    }
    json.open()?;
    let mut fields = CustomFields::new();
    while let Some(name) = json.member(fields.is_empty())? {
        fields.insert(name.into_owned(), JsonText::new(json.raw()?));
    }
    json.end()?;
    Ok(fields)
}

/// As they are stored.
pub(super) fn custom_fields_text(fields: &CustomFields) -> Result<String, StoreError> {
    let mut text = vec![b'{'];
    for (name, value) in fields {
        if text.len() > 1 {
            text.push(b',');
        }
        json::string(&mut text, name);
        text.push(b':');
        text.extend_from_slice(value.as_bytes());
    }
    text.push(b'}');
    String::from_utf8(text).map_err(|_| StoreError::Corrupt { column: "custom_fields" })
}
