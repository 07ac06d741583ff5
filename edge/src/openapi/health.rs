//! The one operation that the edge answers itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use svc_core::error::Reason;

use super::errors;
use super::{envelope, header_reference};
use crate::reference::reference;

pub(super) const TAG: &str = "Health";

const ANSWER: &str = "GetHealthAnswer";

const REASONS: &[Reason] = &[
    Reason::InvalidArgument,
    Reason::UriTooLong,
    Reason::AddressThrottled,
    Reason::HeadersTooLarge,
    Reason::Internal,
    Reason::Unavailable,
];

/// Adds it.
pub(super) fn add(paths: &mut BTreeMap<String, Map<String, Value>>, schemas: &mut Map<String, Value>) {
    let status = json!({"type": "string", "enum": ["SERVING", "NOT_SERVING"]});
    let data = json!({
        "type": "object",
        "properties": {
            "status": status,
            "upstreams": {
                "type": "object",
                "description": "Each service by its name. Only with `deep=true`.",
                "additionalProperties": status,
            },
        },
        "required": ["status"],
    });
    schemas.insert(ANSWER.to_owned(), envelope(&data, false));
    let example = json!({"success": true, "message": "Serving.", "data": {"status": "SERVING"}});
    let mut responses = Map::new();
    for reason in REASONS {
        responses.insert(reason.http().to_string(), errors::response(reason.http(), &[*reason]));
    }
    let ok = json!({
        "description": "It is up.",
        "headers": {"X-Request-Id": header_reference("RequestId")},
        "content": {"application/json": {"schema": reference(ANSWER), "example": example}},
    });
    responses.insert("200".to_owned(), ok);
    let operation = json!({
        "operationId": "getHealth",
        "tags": [TAG],
        "summary": "Tells whether the API is up",
        "description": "Tells whether the API is up. With `deep=true` it asks every service behind, and answers \
            503 when one is down.\n\nNeeds no credentials.",
        "security": [],
        "parameters": [{
            "name": "deep", "in": "query", "required": false,
            "description": "Also asks every service behind.",
            "schema": {"type": "boolean", "default": false},
        }],
        "responses": responses,
    });
    paths.entry("/v1/open/health".to_owned()).or_default().insert("get".to_owned(), operation);
}
