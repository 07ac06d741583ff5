//! Values from plain text: JSON strings, map keys, query parameters and path variables.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use prost_reflect::{DynamicMessage, MapKey, Value};
use svc_core::error::Fault;

use super::json;
use super::number::{self, Refusal};
use super::schema::{Field, Form, Kind, Schema};
use super::time;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What a boolean must be.
pub(crate) const BOOLEAN: &str = "must be true or false";

/// How many characters of the legal names an answer lists.
const MAX_LEGAL: usize = 300;

/// A value of a field (or of an element of it) from a query or a path, where everything is text.
pub(crate) fn value(schema: &Schema, field: &Field, text: &str) -> Result<Value, Refusal> {
    match field.kind {
        Kind::Bool => boolean(text).map(Value::Bool),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => match json::is_number(text) {
            true => number::number(field.kind, text),
            false => Err((Fault::Invalid, number::WHOLE.to_owned())),
        },
        Kind::Float | Kind::Double => match json::is_number(text) {
            true => number::number(field.kind, text),
            false => Err((Fault::Invalid, "must be a number".to_owned())),
        },
        Kind::Message(id) if schema.message(id).form == Form::Wrapper => {
            let Some(inner) = schema.message(id).fields.first() else { return Err(no_text()) };
            let mut wrapper = DynamicMessage::new(schema.message(id).descriptor.clone());
            wrapper.set_field(&inner.descriptor, value(schema, inner, text)?);
            Ok(Value::Message(wrapper))
        }
        _ => string(schema, field, text),
    }
}

/// A value of a field (or of an element of it) from a JSON string.
pub(crate) fn string(schema: &Schema, field: &Field, text: &str) -> Result<Value, Refusal> {
    match field.kind {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Bytes => bytes(text),
        Kind::Enum(id) => {
            let known = schema.enumeration(id);
            known.number(text).map(Value::EnumNumber).ok_or_else(|| (Fault::Invalid, one_of(&known.legal)))
        }
        Kind::Message(id) => {
            let message = schema.message(id);
            match message.form {
                Form::Timestamp => {
                    time::timestamp(text, field.through_day).map(|t| time::message(&message.descriptor, t))
                }
                Form::Duration => time::duration(text).map(|t| time::message(&message.descriptor, t)),
                Form::FieldMask => {
                    let paths = text.split(',').filter(|p| !p.is_empty()).map(|p| Value::String(snake(p)));
                    Ok(mask(schema, field, paths.collect()))
                }
                _ => Err(no_text()),
            }
        }
        // Protobuf's JSON writes 64-bit integers as strings.
        Kind::Int64 | Kind::Uint64 if json::is_number(text) => number::number(field.kind, text),
        Kind::Bool => Err((Fault::Invalid, BOOLEAN.to_owned())),
        Kind::Float | Kind::Double => Err((Fault::Invalid, "must be a number".to_owned())),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => {
            Err((Fault::Invalid, number::WHOLE.to_owned()))
        }
    }
}

/// Whether a field (or an element of it) can be written as one text: what a query or a path binds.
pub(crate) fn is_leaf(schema: &Schema, kind: Kind) -> bool {
    match schema.form(kind) {
        None => true,
        Some(form) => matches!(form, Form::Timestamp | Form::Duration | Form::Wrapper),
    }
}

/// A field mask with these paths.
pub(crate) fn mask(schema: &Schema, field: &Field, paths: Vec<Value>) -> Value {
    let Kind::Message(id) = field.kind else { return Value::List(paths) };
    let mut mask = DynamicMessage::new(schema.message(id).descriptor.clone());
    mask.set_field_by_number(1, Value::List(paths));
    Value::Message(mask)
}

/// A key of a map.
pub(crate) fn map_key(kind: Kind, text: &str) -> Result<MapKey, Refusal> {
    let number = || match json::is_number(text) {
        true => number::number(kind, text),
        false => Err((Fault::Invalid, "must have a whole number as its name".to_owned())),
    };
    match kind {
        Kind::Bool => boolean(text).map(MapKey::Bool),
        Kind::String => Ok(MapKey::String(text.to_owned())),
        _ => match number()? {
            Value::I32(n) => Ok(MapKey::I32(n)),
            Value::I64(n) => Ok(MapKey::I64(n)),
            Value::U32(n) => Ok(MapKey::U32(n)),
            Value::U64(n) => Ok(MapKey::U64(n)),
            _ => Err((Fault::Invalid, "must have a whole number as its name".to_owned())),
        },
    }
}

fn boolean(text: &str) -> Result<bool, Refusal> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err((Fault::Invalid, BOOLEAN.to_owned())),
    }
}

/// Both alphabets, with padding or without, as protobuf's JSON has it.
fn bytes(text: &str) -> Result<Value, Refusal> {
    let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    match engine.decode(text) {
        Ok(bytes) => Ok(Value::Bytes(Bytes::from(bytes))),
        Err(_) => Err((Fault::Invalid, "must be base64".to_owned())),
    }
}

pub(crate) fn one_of(legal: &str) -> String {
    match legal.char_indices().nth(MAX_LEGAL) {
        Some((end, _)) => format!("must be one of {}…", &legal[..end]),
        None => format!("must be one of {legal}"),
    }
}

fn no_text() -> Refusal {
    (Fault::Invalid, "must be an object".to_owned())
}

/// `rateLimits.perMinute` as `rate_limits.per_minute`.
fn snake(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
