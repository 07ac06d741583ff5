//! What a service enforces of values, as keywords of JSON Schema.

use keyward_proto::policy::v1 as pb;
use prost_reflect::Kind;
use serde_json::{Map, Value, json};

use super::object::View;

// Formats of our own (policy.proto).
pub(super) const OBJECT_ID: &str = "object-id";
const LINE: &str = "line";
const TEXT: &str = "text";

const ID_PATTERN: &str = "^[0-9a-f]{24}$";
const LINE_PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
const TEXT_PATTERN: &str = concat!(
    r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f]",
    r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
);

/// One value that is no message and no enum.
pub(super) fn scalar(rules: &pb::Rules, kind: &Kind, view: View) -> Value {
    let schema = match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
        Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        // Protobuf's JSON writes 64-bit integers as strings.
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"})
        }
        Kind::Uint64 | Kind::Fixed64 => {
            json!({"type": "string", "format": "uint64", "pattern": "^[0-9]+$"})
        }
        Kind::Float => json!({"type": "number", "format": "float"}),
        Kind::Double => json!({"type": "number", "format": "double"}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Kind::String | Kind::Message(_) | Kind::Enum(_) => json!({"type": "string"}),
    };
    let Value::Object(mut schema) = schema else { return schema };
    if matches!(kind, Kind::String) {
        let pattern = match rules.format.as_str() {
            OBJECT_ID => ID_PATTERN,
            LINE => LINE_PATTERN,
            TEXT => TEXT_PATTERN,
            _ => &rules.pattern,
        };
        if !matches!(rules.format.as_str(), "" | LINE | TEXT) {
            schema.insert("format".into(), rules.format.clone().into());
        }
        // An answer may hold what an older rule let in.
        if view != View::Output {
            put(&mut schema, "minLength", rules.min_length);
            put(&mut schema, "maxLength", rules.max_length);
            if !pattern.is_empty() {
                schema.insert("pattern".into(), pattern.into());
            }
        }
    } else if !matches!(kind, Kind::Bool | Kind::Bytes) && view != View::Output {
        put(&mut schema, "minimum", rules.minimum);
        put(&mut schema, "maximum", rules.maximum);
    }
    if let (Ok(default), true) = (serde_json::from_str::<Value>(&rules.default), view == View::Input) {
        schema.insert("default".into(), default);
    }
    schema.into()
}

/// A list of such values.
pub(super) fn list(rules: &pb::Rules, element: Value, view: View) -> Value {
    let mut schema = Map::new();
    schema.insert("type".into(), "array".into());
    schema.insert("items".into(), element);
    if view != View::Output {
        put(&mut schema, "minItems", rules.min_items);
        put(&mut schema, "maxItems", rules.max_items);
        if rules.unique_items {
            schema.insert("uniqueItems".into(), true.into());
        }
    }
    schema.into()
}

/// An object with any names and such values.
pub(super) fn map(rules: &pb::Rules, value: Value) -> Value {
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("additionalProperties".into(), value);
    if !rules.key_pattern.is_empty() {
        schema.insert("propertyNames".into(), json!({"pattern": rules.key_pattern}));
    }
    put(&mut schema, "maxProperties", rules.max_items);
    schema.into()
}

fn put(schema: &mut Map<String, Value>, keyword: &str, number: Option<impl Into<Value>>) {
    if let Some(number) = number {
        schema.insert(keyword.into(), number.into());
    }
}
