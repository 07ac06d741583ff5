//! Custom fields: `google.protobuf.Value` and JSON.

use std::collections::HashMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Map, Number, Value as Json};
use svc_core::error::{Fault, Violation};

use crate::domain::CustomFields;

/// The largest whole number up to which every one has its own `f64`: 2^53.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The values by name. One that is no JSON is left out and noted.
pub(super) fn read(sent: HashMap<String, Value>, violations: &mut Vec<Violation>) -> CustomFields {
    let mut fields = CustomFields::new();
    let mut not_json = false;
    for (name, value) in sent {
        match json(value) {
            Some(value) => {
                fields.insert(name, value);
            }
            None => not_json = true,
        }
    }
    // Only over gRPC, and one note for all: a map has no order to name the first of.
    if not_json {
        let message = "`customFields` has a value that is not JSON.";
        violations.push(Violation::new("customFields", Fault::Invalid, message));
    }
    fields
}

/// The values as a message holds them.
pub(super) fn write(fields: CustomFields) -> HashMap<String, Value> {
    fields.into_iter().map(|(name, json)| (name, value(json))).collect()
}

/// `None` for what JSON does not have: NaN, infinity, and a value of no kind.
fn json(value: Value) -> Option<Json> {
    Some(match value.kind? {
        Kind::NullValue(_) => Json::Null,
        Kind::BoolValue(bool) => Json::Bool(bool),
        Kind::NumberValue(number) => Json::Number(whole(number).or_else(|| Number::from_f64(number))?),
        Kind::StringValue(text) => Json::String(text),
        Kind::ListValue(list) => Json::Array(list.values.into_iter().map(json).collect::<Option<_>>()?),
        Kind::StructValue(members) => {
            let members = members.fields.into_iter().map(|(name, value)| Some((name, json(value)?)));
            Json::Object(members.collect::<Option<Map<_, _>>>()?)
        }
    })
}

/// Whole numbers are stored as people write them: `5`, not `5.0`.
fn whole(number: f64) -> Option<Number> {
    (number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER).then(|| Number::from(number as i64))
}

fn value(json: Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(bool) => Kind::BoolValue(bool),
        // Every JSON number has an `f64` as serde_json is built here.
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(items) => Kind::ListValue(ListValue { values: items.into_iter().map(value).collect() }),
        Json::Object(members) => {
            let fields = members.into_iter().map(|(name, json)| (name, value(json))).collect();
            Kind::StructValue(Struct { fields })
        }
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: f64) -> Value {
        Value { kind: Some(Kind::NumberValue(number)) }
    }

    #[test]
    fn json_survives_there_and_back() {
        for text in [
            "null",
            "true",
            r#""\u0000 and ä""#,
            "0",
            "5",
            "-5",
            "5.5",
            "9007199254740992",
            "1e+300",
            "[]",
            "{}",
            r#"[1,[null],{"a":{"b":[]}}]"#,
        ] {
            let parsed: Json = serde_json::from_str(text).unwrap();
            assert_eq!(json(value(parsed)).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_json_does_not_have_is_refused_wherever_it_is() {
        let nothing = Value { kind: None };
        let list = |item: Value| Value { kind: Some(Kind::ListValue(ListValue { values: vec![item] })) };
        for wrong in [number(f64::NAN), number(f64::INFINITY), nothing, list(number(f64::NEG_INFINITY))] {
            let mut violations = Vec::new();
            let fields = read(HashMap::from([("x".to_owned(), wrong)]), &mut violations);
            assert!(fields.is_empty());
            assert_eq!(violations[0].fault, Fault::Invalid);
        }
    }
}
