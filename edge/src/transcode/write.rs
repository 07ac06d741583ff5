//! Messages into JSON: every field, in the order of its proto file.
//!
//! Unset is `null` where a field can be unset, else the default value. The value 0 of an enum is
//! `null`. Entries of maps are sorted by key, for answers with the same content to be the same bytes.
//! What JSON cannot say (a time outside of years 1 to 9999, a number that is none in a
//! `google.protobuf.Value`) is `null`, too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, MapKey, Value};
use serde::Serialize;

use super::number::EXACT;
use super::schema::{Field, Form, Kind, Message, MessageId, Schema, Shape};
use super::time;

/// Writes to a buffer.
pub(crate) struct Writer<'w> {
    pub(crate) out: &'w mut Vec<u8>,
    pub(crate) schema: &'w Schema,
}

impl Writer<'_> {
    /// The fields of a message as an object, without one of them.
    pub(crate) fn fields(&mut self, message: &Message, value: &DynamicMessage, without: Option<usize>) {
        self.out.push(b'{');
        let mut first = true;
        for (i, field) in message.fields.iter().enumerate() {
            if without == Some(i) {
                continue;
            }
            if !first {
                self.out.push(b',');
            }
            first = false;
            self.out.extend_from_slice(&field.key);
            self.field(value, field);
        }
        self.out.push(b'}');
    }

    /// What a message holds in a field.
    pub(crate) fn field(&mut self, owner: &DynamicMessage, field: &Field) {
        if field.presence && !owner.has_field(&field.descriptor) {
            return self.null();
        }
        match (&*owner.get_field(&field.descriptor), field.shape) {
            (Value::List(list), Shape::List) => self.list(field.kind, list),
            (Value::Map(map), Shape::Map(_)) => {
                let mut entries: Vec<(&MapKey, &Value)> = map.iter().collect();
                entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
                self.out.push(b'{');
                for (i, (key, value)) in entries.into_iter().enumerate() {
                    if i > 0 {
                        self.out.push(b',');
                    }
                    self.key(key);
                    self.value(field.kind, value);
                }
                self.out.push(b'}');
            }
            (value, _) => self.value(field.kind, value),
        }
    }

    /// `,"pagination":{…}`, with its `total` only when there is one.
    pub(crate) fn pagination(&mut self, owner: &DynamicMessage, field: &Field) {
        let Kind::Message(id) = field.kind else { return };
        let message = self.schema.message(id);
        let page = owner.get_field(&field.descriptor);
        let Some(page) = page.as_message() else { return };
        let total = message.named("total");
        let without = total.filter(|&i| !page.has_field(&message.fields[i].descriptor));
        self.out.extend_from_slice(br#","pagination":"#);
        self.fields(message, page, without);
    }

    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    fn list(&mut self, kind: Kind, list: &[Value]) {
        self.out.push(b'[');
        for (i, value) in list.iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            self.value(kind, value);
        }
        self.out.push(b']');
    }

    fn key(&mut self, key: &MapKey) {
        match key {
            MapKey::String(text) => string(self.out, text),
            MapKey::Bool(key) => string(self.out, if *key { "true" } else { "false" }),
            MapKey::I32(key) => string(self.out, &key.to_string()),
            MapKey::I64(key) => string(self.out, &key.to_string()),
            MapKey::U32(key) => string(self.out, &key.to_string()),
            MapKey::U64(key) => string(self.out, &key.to_string()),
        }
        self.out.push(b':');
    }

    fn value(&mut self, kind: Kind, value: &Value) {
        match (value, kind) {
            (Value::Bool(value), _) => self.out.extend_from_slice(if *value { b"true" } else { b"false" }),
            (Value::I32(n), _) => serialize(self.out, n),
            (Value::U32(n), _) => serialize(self.out, n),
            // As strings, as protobuf's JSON has it: a reader may hold numbers as doubles.
            (Value::I64(n), _) => string(self.out, &n.to_string()),
            (Value::U64(n), _) => string(self.out, &n.to_string()),
            (Value::F32(n), _) if !n.is_finite() => self.not_finite(f64::from(*n)),
            (Value::F32(n), _) if is_exact(f64::from(*n)) => serialize(self.out, &(*n as i64)),
            (Value::F32(n), _) => serialize(self.out, n),
            (Value::F64(n), _) if !n.is_finite() => self.not_finite(*n),
            (Value::F64(n), _) => double(self.out, *n),
            (Value::String(text), _) => string(self.out, text),
            (Value::Bytes(bytes), _) => string(self.out, &STANDARD.encode(bytes)),
            (Value::EnumNumber(0), _) => self.null(),
            (Value::EnumNumber(number), Kind::Enum(id)) => match self.schema.enumeration(id).name(*number) {
                Some(name) => string(self.out, name),
                None => serialize(self.out, number),
            },
            (Value::Message(message), Kind::Message(id)) => self.message(id, message),
            (Value::EnumNumber(_) | Value::Message(_) | Value::List(_) | Value::Map(_), _) => self.null(),
        }
    }

    fn not_finite(&mut self, number: f64) {
        let name = match number {
            n if n.is_nan() => "NaN",
            n if n > 0.0 => "Infinity",
            _ => "-Infinity",
        };
        string(self.out, name);
    }

    fn message(&mut self, id: MessageId, value: &DynamicMessage) {
        let message = self.schema.message(id);
        match message.form {
            Form::Fields => self.fields(message, value, None),
            Form::Timestamp => time::write_timestamp(self.out, value),
            Form::Duration => time::write_duration(self.out, value),
            Form::FieldMask => self.mask(value),
            Form::Value => self.any(message, value),
            // Their one field is a map, a list or the value.
            Form::Struct | Form::ListValue | Form::Wrapper => match message.fields.first() {
                Some(field) => self.field(value, field),
                None => self.null(),
            },
        }
    }

    /// A `google.protobuf.Value`: whichever of its fields is set.
    fn any(&mut self, message: &Message, value: &DynamicMessage) {
        let set = value.fields().next();
        match set {
            Some((_, Value::F64(number))) if !number.is_finite() => self.null(),
            Some((field, inner)) => match message.kind_of(field.number()) {
                Some(kind) => self.value(kind, inner),
                None => self.null(),
            },
            None => self.null(),
        }
    }

    fn mask(&mut self, value: &DynamicMessage) {
        let paths = value.get_field_by_number(1);
        let paths = paths.iter().flat_map(|p| p.as_list().unwrap_or_default()).filter_map(Value::as_str);
        string(self.out, &paths.map(camel).collect::<Vec<_>>().join(","));
    }
}

/// Writes a string, quoted and escaped.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

/// A double: whole numbers without a fraction, others as short as they can be.
fn double(out: &mut Vec<u8>, number: f64) {
    match is_exact(number) {
        true => serialize(out, &(number as i64)),
        false => serialize(out, &number),
    }
}

/// Whether this is a whole number that a double holds exactly.
fn is_exact(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < EXACT
}

fn serialize<T: Serialize>(out: &mut Vec<u8>, number: &T) {
    // Writing a number to a vector does not fail.
    let _ = serde_json::to_writer(out, number);
}

/// `rate_limits.per_minute` as `rateLimits.perMinute`.
fn camel(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut upper = false;
    for c in path.chars() {
        match c {
            '_' => upper = true,
            _ if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            _ => out.push(c),
        }
    }
    out
}
