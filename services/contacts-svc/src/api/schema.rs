//! JSON as `google.protobuf.Struct`.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::Value as Json;

/// An object as a message holds it. Anything else has no members.
pub(super) fn message(object: Json) -> Struct {
    match object {
        Json::Object(members) => {
            Struct { fields: members.into_iter().map(|(name, json)| (name, value(json))).collect() }
        }
        _ => Struct::default(),
    }
}

/// As deep as the schemas are that we make.
fn value(json: Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(value),
        // A schema of ours has no number that is none.
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(elements) => {
            Kind::ListValue(ListValue { values: elements.into_iter().map(value).collect() })
        }
        object @ Json::Object(_) => Kind::StructValue(message(object)),
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_what_it_is() {
        let schema =
            serde_json::json!({"type": ["string", "null"], "maxLength": 3, "x": {"y": [true, 0.5, null]}});
        let list = |values: Vec<Value>| Some(Kind::ListValue(ListValue { values }));
        let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
        let message = message(schema);
        assert_eq!(message.fields["type"].kind, list(vec![text("string"), text("null")]));
        assert_eq!(message.fields["maxLength"].kind, Some(Kind::NumberValue(3.0)));
        let Some(Kind::StructValue(inner)) = &message.fields["x"].kind else { panic!("no object") };
        let of = |kind: Kind| Value { kind: Some(kind) };
        let expected = vec![of(Kind::BoolValue(true)), of(Kind::NumberValue(0.5)), of(Kind::NullValue(0))];
        assert_eq!(inner.fields["y"].kind, list(expected));
    }
}
