//! `google.protobuf.Value` and `Struct`, and JSON.

use keyward_proto::value;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct};
use serde_json::{Map, Number, Value};
use svc_core::json::value::{Lenience, write};
use svc_core::json::{Json, value as wire};
use svc_core::wire::Writer;

/// How deep a value may be nested: deeper than the edge lets any through.
const DEPTH_MAX: usize = 100;
/// Up to here (2^53) a double holds every whole number.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The object. `None` for what JSON does not have: NaN, infinity, a value of no kind; and for what is nested too deep.
pub(super) fn object(sent: Struct) -> Option<Value> {
    members(sent, DEPTH_MAX)
}

fn members(sent: Struct, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let members = sent.fields.into_iter().map(|(name, value)| Some((name, any(value, depth)?)));
    Some(Value::Object(members.collect::<Option<Map<_, _>>>()?))
}

fn any(value: prost_types::Value, depth: usize) -> Option<Value> {
    Some(match value.kind? {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(value) => Value::Bool(value),
        Kind::StringValue(text) => Value::String(text),
        Kind::NumberValue(number) => Value::Number(whole(number)?),
        Kind::StructValue(object) => members(object, depth)?,
        Kind::ListValue(list) => {
            let depth = depth.checked_sub(1)?;
            Value::Array(list.values.into_iter().map(|value| any(value, depth)).collect::<Option<_>>()?)
        }
    })
}

/// A number, without a fraction where it has none.
fn whole(number: f64) -> Option<Number> {
    if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
        #[allow(clippy::cast_possible_truncation)] // It is whole, and an i64 holds it.
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

/// The JSON that a message's value is. `None` for what JSON does not have.
pub(super) fn read(value: &value::Value) -> Option<Value> {
    let mut json = Vec::with_capacity(value.wire().len());
    write(&mut json, value.wire(), Lenience::Refuse).ok()?;
    serde_json::from_slice(&json).ok()
}

/// A value as a message holds it.
pub(super) fn value(json: &Value) -> value::Value {
    let text = json.to_string();
    let mut out = Writer::with_capacity(text.len() * 2);
    match Json::new(text.as_bytes()).and_then(|mut json| wire::read(&mut json, &mut out)) {
        Ok(()) => value::Value::from_wire(out.finish()),
        // JSON that was just written can be read. Half a value would be another one.
        Err(_) => value::Value::default(),
    }
}

/// An object as a message holds it; empty for what is none.
pub(super) fn structure(json: &Value) -> Struct {
    let Value::Object(members) = json else { return Struct::default() };
    Struct { fields: members.iter().map(|(name, value)| (name.clone(), message(value))).collect() }
}

fn message(json: &Value) -> prost_types::Value {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(message).collect() }),
        Value::Object(_) => Kind::StructValue(structure(json)),
    };
    prost_types::Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_survives_there_and_back() {
        let value =
            json!({"a": [1, 2.5, -3, "ä", null, true], "b": {"c": {}}, "big": 9_007_199_254_740_992_i64});
        assert_eq!(object(structure(&value)), Some(value.clone()));
        assert_eq!(read(&super::value(&value)), Some(value));
    }

    #[test]
    fn what_json_does_not_have_is_none() {
        let of = |kind| Struct { fields: [("x".to_owned(), prost_types::Value { kind })].into() };
        for kind in [None, Some(Kind::NumberValue(f64::NAN)), Some(Kind::NumberValue(f64::INFINITY))] {
            assert_eq!(object(of(kind)), None);
        }
        let mut deep = Struct::default();
        for _ in 0..=DEPTH_MAX {
            deep = of(Some(Kind::StructValue(deep)));
        }
        assert_eq!(object(deep), None);
    }
}
