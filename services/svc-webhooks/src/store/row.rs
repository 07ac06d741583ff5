//! Rows as they are read.

use svc_db::{DbError, Dialect, Row, StoreError};

use super::{Due, Kept, Told};
use crate::domain::{
    Delivery, DeliveryStatus, DisabledReason, EventType, Failure, Partition, Settings, Webhook, WebhookStatus,
};

/// The columns of [`kept`].
macro_rules! webhook_columns {
    () => {
        "id, organization_id, agent_id, url, events, description, status, disabled_reason, secret, older_secret, \
         older_ends_at, position, failures, failing_since, created_at, updated_at, version"
    };
}
pub(super) use webhook_columns;

/// The columns of [`delivery`].
macro_rules! delivery_columns {
    () => {
        "id, event, status, attempts, last_status, last_failure, next_attempt_at, created_at"
    };
}
pub(super) use delivery_columns;

/// The columns of [`due`].
macro_rules! due_columns {
    () => {
        "id, event, event_at, contact_id, data, attempts, queued_at"
    };
}
pub(super) use due_columns;

pub(super) fn kept<D: Dialect>(row: &Row<D>) -> Result<Kept, StoreError> {
    let events = serde_json::from_str::<Vec<String>>(&row.get::<String>("events")?);
    let events = events.map_err(|_| StoreError::Corrupt { column: "events" })?;
    let events = events.iter().map(|event| EventType::parse(event));
    let settings = Settings {
        url: row.get("url")?,
        events: events.collect::<Option<_>>().ok_or(StoreError::Corrupt { column: "events" })?,
        description: row.get("description")?,
        status: word(row, "status", WebhookStatus::parse)?,
    };
    let older_secret: Option<Vec<u8>> = row.get("older_secret")?;
    let webhook = Webhook {
        id: row.get("id")?,
        settings,
        disabled_reason: optional_word(row, "disabled_reason", DisabledReason::parse)?,
        failing_since: row.optional_time("failing_since")?,
        overlap_ends_at: row.optional_time("older_ends_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: number(row, "version")?,
    };
    Ok(Kept {
        owner: owner(row)?,
        webhook,
        secret: row.get("secret")?,
        older_secret,
        position: row.get("position")?,
        failures: number(row, "failures")?,
    })
}

pub(super) fn delivery<D: Dialect>(row: &Row<D>) -> Result<Delivery, StoreError> {
    let last_status: Option<i64> = row.get("last_status")?;
    let last_status = last_status.map(i32::try_from).transpose();
    Ok(Delivery {
        id: row.get("id")?,
        event: word(row, "event", EventType::parse)?,
        status: word(row, "status", DeliveryStatus::parse)?,
        attempts: number(row, "attempts")?,
        last_status: last_status.map_err(|_| StoreError::Corrupt { column: "last_status" })?,
        last_failure: optional_word(row, "last_failure", Failure::parse)?,
        next_attempt_at: row.optional_time("next_attempt_at")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) fn due<D: Dialect>(row: &Row<D>) -> Result<Due, StoreError> {
    let contact: Option<String> = row.get("contact_id")?;
    let told = match contact {
        Some(contact) => Told::Contact(contact),
        None => {
            let data: Option<String> = row.get("data")?;
            Told::Data(data.ok_or(StoreError::Corrupt { column: "data" })?)
        }
    };
    Ok(Due {
        id: row.get("id")?,
        event: word(row, "event", EventType::parse)?,
        event_at: row.time("event_at")?,
        told,
        attempts: number(row, "attempts")?,
        queued_at: row.time("queued_at")?,
    })
}

pub(super) fn owner<D: Dialect>(row: &Row<D>) -> Result<Partition, DbError> {
    Ok(Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? })
}

fn number<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<i32, StoreError> {
    i32::try_from(row.get::<i64>(column)?).map_err(|_| StoreError::Corrupt { column })
}

fn word<D: Dialect, T>(
    row: &Row<D>,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(&row.get::<String>(column)?).ok_or(StoreError::Corrupt { column })
}

fn optional_word<D: Dialect, T>(
    row: &Row<D>,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let found: Option<String> = row.get(column)?;
    let word = found.map(|word| parse(&word).ok_or(StoreError::Corrupt { column }));
    word.transpose()
}
