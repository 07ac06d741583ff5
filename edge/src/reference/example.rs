//! Examples: what the protos give, and what stands in where they give none.

use keyward_proto::policy::v1 as pb;
use prost_reflect::FieldDescriptor;
use serde_json::{Value, json};
use svc_core::policy::PolicyError;

use super::rules::OBJECT_ID;

/// An id, as every resource has one.
pub(crate) const ID: &str = "65f0c0ffee65f0c0ffee65f0";

/// The example that an annotation gives.
pub(super) fn named(field: &FieldDescriptor, rules: &pb::Rules) -> Result<Option<Value>, PolicyError> {
    for (name, text) in [("default", &rules.default), ("example", &rules.example)] {
        if let (false, Err(error)) = (text.is_empty(), serde_json::from_str::<Value>(text)) {
            let problem = format!("`{name}` is not JSON: {error}");
            return Err(PolicyError::BadRule { rpc: field.full_name().to_owned(), problem });
        }
    }
    Ok(serde_json::from_str(&rules.example).ok())
}

/// A value of a schema that names none.
pub(super) fn of_scalar(schema: &Value) -> Value {
    if let Some(first) = schema.get("enum").and_then(|names| names.get(0)) {
        return first.clone();
    }
    if let Some(first) = schema.get("anyOf").and_then(|any| any.get(0)) {
        return of_scalar(first);
    }
    let of = schema.get("type").and_then(|of| of.as_str().or_else(|| of.get(0)?.as_str()));
    match (of, schema.get("format").and_then(Value::as_str)) {
        (Some("boolean"), _) => json!(false),
        (Some("integer" | "number"), _) => schema.get("minimum").cloned().unwrap_or(json!(0)),
        (Some("string"), Some("date-time")) => json!("2026-01-31T12:00:00.000Z"),
        (Some("string"), Some(OBJECT_ID)) => json!(ID),
        (Some("string"), _) => json!("text"),
        (Some("object"), _) => json!({}),
        (Some("array"), _) => json!([]),
        _ => Value::Null,
    }
}
