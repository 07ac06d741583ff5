//! Errors: their two forms, and the answers that have them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use svc_core::error::Reason;

use super::header_reference;
use crate::reference::{Operation, reference};

pub(super) const PAGINATION: &str = "Pagination";
const ERROR: &str = "Error";
const PROBLEM: &str = "Problem";
const DETAIL: &str = "ErrorDetail";
const CODE: &str = "ErrorCode";
const DETAIL_CODE: &str = "ErrorDetailCode";

/// The types that all operations share.
pub(super) fn schemas() -> Map<String, Value> {
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    let details: Vec<&str> = svc_core::error::Fault::codes().collect();
    let request_id = json!({"type": "string", "description": "The `X-Request-Id` of the answer."});
    let id = json!({"type": "string", "description": "With `already_exists`: the id of what exists."});
    let all = [
        (
            CODE,
            json!({"type": "string", "enum": codes, "description": "Why a request fails. Each code stands at `/docs/errors`."}),
        ),
        (
            DETAIL_CODE,
            json!({"type": "string", "enum": details, "description": "What is wrong with a field."}),
        ),
        (
            DETAIL,
            json!({
                "type": "object",
                "description": "What is wrong with one field.",
                "properties": {
                    "field": {"type": "string", "description": "The field, e.g. `rateLimits.perMinute` or `tags[2]`."},
                    "code": reference(DETAIL_CODE),
                    "message": {"type": "string"},
                },
                "required": ["field", "code", "message"],
            }),
        ),
        (
            ERROR,
            json!({
                "type": "object",
                "description": "A failure.",
                "properties": {
                    "success": {"type": "boolean", "const": false},
                    "message": {"type": "string", "description": "The reason in a sentence."},
                    "error": {
                        "type": "object",
                        "properties": {
                            "code": reference(CODE),
                            "requestId": request_id,
                            "id": id,
                            "details": {"type": "array", "items": reference(DETAIL)},
                        },
                        "required": ["code", "requestId", "details"],
                    },
                },
                "required": ["success", "message", "error"],
            }),
        ),
        (
            PROBLEM,
            json!({
                "type": "object",
                "description": "A failure in the form of RFC 9457, for `Accept: application/problem+json`.",
                "properties": {
                    "type": {"type": "string", "format": "uri-reference", "description": "Where the code is documented."},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string", "description": "The reason in a sentence."},
                    "code": reference(CODE),
                    "requestId": request_id,
                    "id": id,
                    "errors": {"type": "array", "items": reference(DETAIL)},
                },
                "required": ["type", "title", "status", "detail", "code", "requestId", "errors"],
            }),
        ),
        (
            PAGINATION,
            json!({
                "type": "object",
                "description": "Where a page of a list stands.",
                "properties": {
                    "limit": {"type": "integer", "minimum": 0, "description": "The most items on a page."},
                    "hasMore": {"type": "boolean", "description": "More items follow."},
                    "nextCursor": {"type": ["string", "null"], "description": "The `cursor` of the next page. `null` on the last."},
                    "total": {"type": "integer", "minimum": 0, "description": "How many items there are on all pages. Only with `includeTotal=true`."},
                },
                "required": ["limit", "hasMore", "nextCursor"],
            }),
        ),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// The failures of an operation, by status.
pub(super) fn responses(operation: &Operation) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
    for &reason in &operation.codes {
        by_status.entry(reason.http()).or_default().push(reason);
    }
    by_status.into_iter().map(|(status, reasons)| (status.to_string(), response(status, &reasons))).collect()
}

/// The answer with a status that has these codes.
pub(super) fn response(status: u16, reasons: &[Reason]) -> Value {
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code()).collect();
    let quoted = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
    let mut headers = Map::new();
    headers.insert("X-Request-Id".into(), header_reference("RequestId"));
    if matches!(status, 429 | 503) {
        headers.insert("Retry-After".into(), header_reference("RetryAfter"));
    }
    if status == 416 {
        headers.insert("Content-Range".into(), header_reference("ContentRange"));
    }
    if status == 401 {
        headers.insert("WWW-Authenticate".into(), header_reference("WWWAuthenticate"));
    }
    json!({
        "description": quoted,
        "x-keyward-codes": codes,
        "headers": headers,
        "content": {
            "application/json": {"schema": reference(ERROR)},
            "application/problem+json": {"schema": reference(PROBLEM)},
        },
    })
}
