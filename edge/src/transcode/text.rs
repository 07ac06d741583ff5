//! Values from plain text: JSON strings, map keys, query parameters and path variables.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use svc_core::error::Fault;
use svc_core::json;

use super::encode::Scalar;
use super::number::{self, InvalidValue};
use super::schema::{EnumId, Field, Form, Kind, Schema};
use super::time;

/// With padding or without, as protobuf's JSON has it; the last bits of `-_` may be anything.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What a boolean must be.
pub(crate) const BOOLEAN: &str = "must be true or false";

/// How many characters of the legal names an answer lists.
const MAX_LEGAL: usize = 300;

/// A value of a field (or of an element of it) from a query or a path, where everything is text.
pub(crate) fn value<'t>(schema: &Schema, field: &Field, text: &'t str) -> Result<Scalar<'t>, InvalidValue> {
    match field.kind {
        Kind::Bool => boolean(text),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => match json::is_number(text) {
            true => number::of_field(field, text),
            false => Err(invalid(number::WHOLE)),
        },
        Kind::Float | Kind::Double => real(schema, field, text),
        Kind::Message(id) if field.form == Some(Form::Wrapper) => match schema.message(id).fields.first() {
            Some(inner) => value(schema, inner, text),
            None => Err(no_text()),
        },
        _ => string(schema, field, text),
    }
}

/// A value of a field (or of an element of it) from a JSON string.
pub(crate) fn string<'t>(schema: &Schema, field: &Field, text: &'t str) -> Result<Scalar<'t>, InvalidValue> {
    match field.kind {
        Kind::String => Ok(Scalar::Bytes(Cow::Borrowed(text.as_bytes()))),
        Kind::Bytes => bytes(text),
        Kind::Enum(id) => enumeration(schema, id, text),
        Kind::Message(_) => match field.form {
            Some(form) => message(schema, form, field.through_day, text),
            None => Err(no_text()),
        },
        // Protobuf's JSON writes 64-bit integers as strings, and takes all others so.
        Kind::Int64 | Kind::Uint64 if json::is_number(text) => number::number(field.kind, text),
        Kind::Int32 | Kind::Uint32 if !schema.is_contract() && json::is_number(text) => {
            number::of_field(field, text)
        }
        Kind::Float | Kind::Double if !schema.is_contract() => real(schema, field, text),
        Kind::Bool => Err(invalid(BOOLEAN)),
        Kind::Float | Kind::Double => Err(invalid(number::NUMBER)),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => Err(invalid(number::WHOLE)),
    }
}

/// A message of which JSON has one string.
pub(crate) fn message<'t>(
    schema: &Schema,
    form: Form,
    through_day: bool,
    text: &'t str,
) -> Result<Scalar<'t>, InvalidValue> {
    match form {
        // Protobuf's JSON has these letters in upper case.
        Form::Timestamp if !schema.is_contract() && text.contains(['t', 'z']) => {
            time::timestamp("", false).map(Scalar::Time)
        }
        Form::Timestamp => time::timestamp(text, through_day).map(Scalar::Time),
        Form::Duration => time::duration(text).map(Scalar::Time),
        // What it is in snake_case would not come back.
        Form::FieldMask if text.contains('_') => {
            Err(invalid("must be names as in JSON, with commas between, such as name,rateLimits.perMinute"))
        }
        Form::FieldMask => Ok(Scalar::Mask(text)),
        _ => Err(no_text()),
    }
}

/// Whether a field (or an element of it) can be written as one text: what a query or a path binds.
pub(crate) fn is_leaf(field: &Field) -> bool {
    use Form::{Duration, FieldMask, Timestamp, Wrapper};
    field.form.is_none_or(|form| matches!(form, Timestamp | Duration | FieldMask | Wrapper))
}

/// A key of a map.
pub(crate) fn map_key(kind: Kind, text: &str) -> Result<Scalar<'_>, InvalidValue> {
    match kind {
        Kind::Bool => boolean(text),
        Kind::String => Ok(Scalar::Bytes(Cow::Borrowed(text.as_bytes()))),
        _ if json::is_number(text) => number::number(kind, text),
        _ => Err(invalid("must have a whole number as its name")),
    }
}

fn boolean(text: &str) -> Result<Scalar<'static>, InvalidValue> {
    match text {
        "true" => Ok(Scalar::Unsigned(1)),
        "false" => Ok(Scalar::Unsigned(0)),
        _ => Err(invalid(BOOLEAN)),
    }
}

/// A `float` or `double`. Outside of the contract it may be none.
fn real(schema: &Schema, field: &Field, text: &str) -> Result<Scalar<'static>, InvalidValue> {
    let special = match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    };
    match special.filter(|_| !schema.is_contract()) {
        Some(number) if field.kind == Kind::Float => Ok(Scalar::Float(number as f32)),
        Some(number) => Ok(Scalar::Double(number)),
        None if json::is_number(text) => number::number(field.kind, text),
        None => Err(invalid(number::NUMBER)),
    }
}

/// A value of an enum by its name or, in protobuf's own JSON, by its number.
fn enumeration(schema: &Schema, id: EnumId, text: &str) -> Result<Scalar<'static>, InvalidValue> {
    match schema.enumeration(id).number(text) {
        Some(number) => Ok(Scalar::Signed(number.into())),
        None => enum_number(schema, id, text),
    }
}

/// A value of an enum by its number.
pub(crate) fn enum_number(schema: &Schema, id: EnumId, text: &str) -> Result<Scalar<'static>, InvalidValue> {
    let known = schema.enumeration(id);
    let number = json::is_number(text).then(|| number::number(Kind::Int32, text));
    match number {
        Some(Ok(Scalar::Signed(number))) if known.is_read(number as i32) => Ok(Scalar::Signed(number)),
        _ => Err((Fault::Invalid, Cow::Owned(one_of(&known.legal)))),
    }
}

/// Both alphabets.
fn bytes(text: &str) -> Result<Scalar<'static>, InvalidValue> {
    let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    match engine.decode(text) {
        Ok(bytes) => Ok(Scalar::Bytes(Cow::Owned(bytes))),
        Err(_) => Err(invalid("must be base64")),
    }
}

pub(crate) fn one_of(legal: &str) -> String {
    match legal.char_indices().nth(MAX_LEGAL) {
        Some((end, _)) => format!("must be one of {}…", &legal[..end]),
        None => format!("must be one of {legal}"),
    }
}

const fn invalid(what: &'static str) -> InvalidValue {
    (Fault::Invalid, Cow::Borrowed(what))
}

const fn no_text() -> InvalidValue {
    invalid("must be an object")
}
