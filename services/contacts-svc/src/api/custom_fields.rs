//! Custom fields: `google.protobuf.Value` and JSON.

use std::collections::HashMap;

use keyward_proto::value::Value;
use svc_core::error::{Fault, Violation};
use svc_core::json::Json;
use svc_core::json::value::{self, Lenience};
use svc_core::wire::Writer;

use crate::domain::{CUSTOM_FIELDS_MAX, CUSTOM_FIELDS_MAX_BYTES, CustomFields, JsonText};

/// The most bytes that a value has on the wire for each byte of its JSON: the two of `0,` are eleven.
const WIRE_PER_JSON: usize = 6;

/// The values by name. One that is no JSON is left out and noted.
pub(super) fn read(sent: HashMap<String, Value>, violations: &mut Vec<Violation>) -> CustomFields {
    let mut fields = CustomFields::new();
    // What cannot be within the bounds is not even read.
    let bytes: usize = sent.iter().map(|(name, value)| name.len() + value.wire().len()).sum();
    let too_much = if sent.len() > CUSTOM_FIELDS_MAX {
        Some(format!("{CUSTOM_FIELDS_MAX} members"))
    } else if bytes > CUSTOM_FIELDS_MAX_BYTES * WIRE_PER_JSON {
        Some(format!("{CUSTOM_FIELDS_MAX_BYTES} bytes of JSON"))
    } else {
        None
    };
    if let Some(most) = too_much {
        let message = format!("`customFields` has at most {most}.");
        violations.push(Violation::new("customFields", Fault::TooLong, message));
        return fields;
    }
    let mut not_json = false;
    for (name, value) in sent {
        match json(&value) {
            Some(json) => drop(fields.insert(name, json)),
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
    fields.into_iter().map(|(name, json)| (name, wire(&json))).collect()
}

/// `None` for what JSON does not have: NaN, infinity, and a value of no kind.
pub(super) fn json(value: &Value) -> Option<JsonText> {
    let mut json = Vec::with_capacity(value.wire().len());
    value::write(&mut json, value.wire(), Lenience::Refuse).ok()?;
    String::from_utf8(json).ok().map(JsonText::new)
}

pub(super) fn wire(json: &JsonText) -> Value {
    let mut out = Writer::with_capacity(json.len() * 2);
    match Json::new(json.as_bytes()).and_then(|mut json| value::read(&mut json, &mut out)) {
        Ok(()) => Value::from_wire(out.finish()),
        // Whoever made a `JsonText` has seen that it is JSON. Half a value would be another one.
        Err(_) => Value::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(wire: &[u8]) -> HashMap<String, Value> {
        HashMap::from([("x".to_owned(), Value::from_wire(wire.to_vec()))])
    }

    #[test]
    fn json_survives_there_and_back() {
        for text in ["null", "0.1", r#""ä""#, "[]", r#"{"a":[1,{"b":null}]}"#] {
            let mut violations = Vec::new();
            let fields = CustomFields::from([("x".to_owned(), JsonText::new(text))]);
            assert_eq!(read(write(fields.clone()), &mut violations), fields);
            assert!(violations.is_empty());
        }
    }

    #[test]
    fn what_json_does_not_have_is_refused() {
        let nan = [&[0x11][..], &f64::NAN.to_le_bytes()].concat();
        for wrong in [&nan[..], b"", b"\x1a\x01\xff", b"\xff", &b"\x32\x04\x0a\x02".repeat(100)] {
            let mut violations = Vec::new();
            assert!(read(sent(wrong), &mut violations).is_empty());
            assert_eq!(violations[0].fault, Fault::Invalid);
        }
    }

    #[test]
    fn what_is_far_over_a_bound_is_not_read() {
        // No JSON, and that is not what is said.
        let wrong = || Value::from_wire(b"\xff".to_vec());
        let far = CUSTOM_FIELDS_MAX_BYTES * WIRE_PER_JSON;
        let long_name = HashMap::from([("x".repeat(far), wrong())]);
        let many = (0..=CUSTOM_FIELDS_MAX).map(|number| (number.to_string(), wrong())).collect();
        for (much, most) in
            [(sent(&vec![0xff; far + 1]), "65536 bytes"), (long_name, "65536 bytes"), (many, "100 members")]
        {
            let mut violations = Vec::new();
            assert!(read(much, &mut violations).is_empty());
            assert_eq!((violations.len(), violations[0].fault), (1, Fault::TooLong));
            assert!(violations[0].message.contains(most), "{violations:?}");
        }
    }

    #[test]
    fn text_that_is_no_json_is_no_value() {
        assert_eq!(wire(&JsonText::new(r#"{"a":1,"b"}"#)), Value::default());
    }
}
