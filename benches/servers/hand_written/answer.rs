//! What is answered, by serde.

use std::collections::HashMap;

use anyhow::Context;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use keyward_proto::contacts::v1 as pb;
use prost::Message;
use prost_types::value::Kind;
use serde::{Serialize, Serializer};

use super::check::Limits;

#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    message: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    limit: u32,
    has_more: bool,
    next_cursor: Option<String>,
}

/// A contact as clients see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    id: String,
    external_reference_id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    mobile_number: Option<String>,
    gender: Option<String>,
    stage: Option<&'static str>,
    status: &'static str,
    source: Option<String>,
    tags: Vec<String>,
    notes: Option<String>,
    custom_fields: HashMap<String, Value>,
    created_at: Option<Time>,
    updated_at: Option<Time>,
    archived_at: Option<Time>,
    version: i32,
}

/// A custom field; these contacts have texts and numbers.
#[derive(Serialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Number(f64),
    Whole(i64),
}

/// As in RFC 3339.
struct Time(jiff::Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

impl TryFrom<prost_types::Timestamp> for Time {
    type Error = anyhow::Error;

    fn try_from(time: prost_types::Timestamp) -> anyhow::Result<Time> {
        Ok(Time(jiff::Timestamp::new(time.seconds, time.nanos)?))
    }
}

impl TryFrom<pb::Contact> for Contact {
    type Error = anyhow::Error;

    fn try_from(contact: pb::Contact) -> anyhow::Result<Contact> {
        let stage = match contact.stage() {
            pb::ContactStage::Unspecified => None,
            stage => stage.as_str_name().strip_prefix("CONTACT_STAGE_"),
        };
        let status = contact.status().as_str_name().strip_prefix("CONTACT_STATUS_").context("no status")?;
        let fields =
            contact.custom_fields.into_iter().map(|(name, value)| Ok((name, Value::try_from(value)?)));
        let time = |time: Option<prost_types::Timestamp>| time.map(Time::try_from).transpose();
        Ok(Contact {
            id: contact.id,
            external_reference_id: contact.external_reference_id,
            name: contact.name,
            email: contact.email,
            mobile_number: contact.mobile_number,
            gender: contact.gender,
            stage,
            status,
            source: contact.source,
            tags: contact.tags,
            notes: contact.notes,
            custom_fields: fields.collect::<anyhow::Result<_>>()?,
            created_at: time(contact.created_at)?,
            updated_at: time(contact.updated_at)?,
            archived_at: time(contact.archived_at)?,
            version: contact.version,
        })
    }
}

impl TryFrom<keyward_proto::value::Value> for Value {
    type Error = anyhow::Error;

    fn try_from(value: keyward_proto::value::Value) -> anyhow::Result<Value> {
        match prost_types::Value::decode(value.wire())?.kind {
            Some(Kind::StringValue(text)) => Ok(Value::Text(text)),
            Some(Kind::NumberValue(number)) if number.fract() == 0.0 => Ok(Value::Whole(number as i64)),
            Some(Kind::NumberValue(number)) => Ok(Value::Number(number)),
            kind => anyhow::bail!("{kind:?} is not expected here"),
        }
    }
}

pub(super) fn answer<T: Serialize>(message: &'static str, data: T, limits: Limits) -> Response {
    envelope(&Envelope { success: true, message, data, pagination: None }, limits)
}

pub(super) fn list_answer<T: Serialize>(data: T, limits: Limits) -> Response {
    let pagination = Some(Pagination { limit: 100, has_more: false, next_cursor: None });
    envelope(&Envelope { success: true, message: "Contacts retrieved.", data, pagination }, limits)
}

fn envelope<T: Serialize>(envelope: &Envelope<T>, limits: Limits) -> Response {
    match serde_json::to_vec(envelope) {
        Ok(body) => (limits.headers(), [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
