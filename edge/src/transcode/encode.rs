//! How single values stand on the wire, and writing them there.

use std::borrow::Cow;

use svc_core::wire::Writer;

use super::encoding::Encoding;
use super::schema::{Field, Form, Kind, Schema};

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Into the field with this number.
    Field(u32),
    /// Behind the others of a packed list.
    Packed,
}

/// A value that is one text or number in JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'t> {
    /// `int32`, `sfixed64`, an enum and their like.
    Signed(i64),
    /// `uint32`, `fixed64`, `bool` and their like.
    Unsigned(u64),
    Float(f32),
    Double(f64),
    /// `string` and `bytes`.
    Bytes(Cow<'t, [u8]>),
    /// `google.protobuf.Timestamp` and `Duration`.
    Time(Time),
    /// `google.protobuf.FieldMask`, as JSON has it.
    Mask(&'t str),
}

/// Seconds and nanoseconds.
pub(crate) type Time = (i64, i32);

/// Writes what a field is set to, which is nothing where a default value is the same as none.
pub(crate) fn field(out: &mut Writer, schema: &Schema, field: &Field, value: &Scalar<'_>) {
    if field.presence || !is_default(value) {
        self::value(out, schema, Place::Field(field.number), field, value);
    }
}

/// Writes one value of a field's type.
pub(crate) fn value(out: &mut Writer, schema: &Schema, place: Place, field: &Field, value: &Scalar<'_>) {
    match (field.kind, field.form, place) {
        (Kind::Message(id), Some(Form::Wrapper), Place::Field(number)) => {
            let open = out.open(number);
            if let Some(inner) = schema.message(id).fields.first() {
                self::field(out, schema, inner, value);
            }
            out.close(open);
        }
        _ => scalar(out, place, field.encoding, value),
    }
}

/// Writes one value that is no wrapper.
pub(crate) fn scalar(out: &mut Writer, place: Place, encoding: Encoding, value: &Scalar<'_>) {
    match (value, place) {
        (Scalar::Signed(value), _) => number(out, place, encoding, *value, value.cast_unsigned()),
        (Scalar::Unsigned(value), _) => number(out, place, encoding, value.cast_signed(), *value),
        (Scalar::Float(value), _) => fixed32(out, place, value.to_bits()),
        (Scalar::Double(value), _) => fixed64(out, place, value.to_bits()),
        (Scalar::Bytes(data), Place::Field(number)) => out.bytes_field(number, data),
        (Scalar::Time(value), Place::Field(number)) => {
            let open = out.open(number);
            time(out, *value);
            out.close(open);
        }
        (Scalar::Mask(text), Place::Field(number)) => {
            let open = out.open(number);
            mask(out, text);
            out.close(open);
        }
        // What has a length is never packed.
        (Scalar::Bytes(_) | Scalar::Time(_) | Scalar::Mask(_), Place::Packed) => {}
    }
}

/// Writes the fields of a `Timestamp` or a `Duration`.
pub(crate) fn time(out: &mut Writer, (seconds, nanos): Time) {
    if seconds != 0 {
        out.varint_field(1, seconds.cast_unsigned());
    }
    if nanos != 0 {
        out.varint_field(2, i64::from(nanos).cast_unsigned());
    }
}

/// Writes the paths of a `FieldMask`: `rateLimits.perMinute` is `rate_limits.per_minute`.
pub(crate) fn mask(out: &mut Writer, text: &str) {
    let mut snake = String::new();
    for path in text.split(',').filter(|path| !path.is_empty()) {
        snake.clear();
        for c in path.chars() {
            if c.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        out.bytes_field(1, snake.as_bytes());
    }
}

fn is_default(value: &Scalar<'_>) -> bool {
    match value {
        Scalar::Signed(value) => *value == 0,
        Scalar::Unsigned(value) => *value == 0,
        // A negative zero is another value.
        Scalar::Float(value) => value.to_bits() == 0,
        Scalar::Double(value) => value.to_bits() == 0,
        Scalar::Bytes(data) => data.is_empty(),
        Scalar::Time(_) | Scalar::Mask(_) => false,
    }
}

fn number(out: &mut Writer, place: Place, encoding: Encoding, signed: i64, bits: u64) {
    match encoding {
        Encoding::Varint | Encoding::Bytes => varint(out, place, bits),
        Encoding::ZigZag => varint(out, place, ((signed << 1) ^ (signed >> 63)).cast_unsigned()),
        Encoding::Fixed32 => fixed32(out, place, bits as u32),
        Encoding::Fixed64 => fixed64(out, place, bits),
    }
}

fn varint(out: &mut Writer, place: Place, value: u64) {
    match place {
        Place::Field(number) => out.varint_field(number, value),
        Place::Packed => out.varint(value),
    }
}

fn fixed32(out: &mut Writer, place: Place, value: u32) {
    match place {
        Place::Field(number) => out.fixed32_field(number, value),
        Place::Packed => out.fixed32(value),
    }
}

fn fixed64(out: &mut Writer, place: Place, value: u64) {
    match place {
        Place::Field(number) => out.fixed64_field(number, value),
        Place::Packed => out.fixed64(value),
    }
}
