//! Single values, and messages that have a form of their own in JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use svc_core::json::value::{self, EXACT, Lenience};
use svc_core::json::{number, string};
use svc_core::wire::{Fields, Malformed, Value, as_text};

use super::{MAX_JSON, Writer};
use crate::transcode::encode::Time;
use crate::transcode::encoding::Encoding;
use crate::transcode::read::TYPE;
use crate::transcode::schema::{EnumId, Field, Form, Kind, MessageId};
use crate::transcode::time::{self, Digits};

impl<'m> Writer<'_, 'm> {
    pub(super) fn default(&mut self, kind: Kind) {
        let text: &[u8] = match kind {
            Kind::Bool => b"false",
            Kind::Int32 | Kind::Uint32 | Kind::Float | Kind::Double => b"0",
            Kind::Int64 | Kind::Uint64 => br#""0""#,
            Kind::String | Kind::Bytes => br#""""#,
            Kind::Enum(id) => return self.enumeration(id, 0),
            Kind::Message(_) => b"{}",
        };
        self.out.extend_from_slice(text);
    }

    pub(super) fn value(
        &mut self,
        kind: Kind,
        encoding: Encoding,
        value: Value<'m>,
    ) -> Result<(), Malformed> {
        match kind {
            Kind::String => string(self.out, as_text(value.bytes()?)?),
            Kind::Message(id) => return self.message(id, value.bytes()?),
            Kind::Bool => {
                let text: &[u8] = if value.varint()? == 0 { b"false" } else { b"true" };
                self.out.extend_from_slice(text);
            }
            Kind::Enum(id) => self.enumeration(id, value.varint()? as i32),
            Kind::Int32 => number(self.out, &(signed(encoding, value)? as i32)),
            Kind::Uint32 => number(self.out, &(unsigned(encoding, value)? as u32)),
            // As strings, as protobuf's JSON has it: a reader may hold numbers as doubles.
            Kind::Int64 => self.quoted(signed(encoding, value)?),
            Kind::Uint64 => self.quoted(unsigned(encoding, value)?),
            Kind::Float => match f32::from_bits(value.fixed32()?) {
                number if !number.is_finite() => self.not_finite(f64::from(number)),
                number if is_exact(f64::from(number)) => self.whole_number(f64::from(number)),
                one => number(self.out, &one),
            },
            Kind::Double => match f64::from_bits(value.fixed64()?) {
                number if !number.is_finite() => self.not_finite(number),
                number if is_exact(number) => self.whole_number(number),
                one => number(self.out, &one),
            },
            Kind::Bytes => self.base64(value.bytes()?),
        }
        Ok(())
    }

    fn quoted(&mut self, integer: impl serde::Serialize) {
        self.out.push(b'"');
        number(self.out, &integer);
        self.out.push(b'"');
    }

    /// A whole number without a fraction. A negative zero keeps its sign.
    fn whole_number(&mut self, whole: f64) {
        match whole == 0.0 && whole.is_sign_negative() {
            true => self.out.extend_from_slice(b"-0"),
            false => number(self.out, &(whole as i64)),
        }
    }

    fn not_finite(&mut self, number: f64) {
        let name: &[u8] = match number {
            n if n.is_nan() => br#""NaN""#,
            n if n > 0.0 => br#""Infinity""#,
            _ => br#""-Infinity""#,
        };
        self.out.extend_from_slice(name);
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        let start = self.out.len();
        self.out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        // It has just the room that it needs.
        let written = STANDARD.encode_slice(bytes, &mut self.out[start..]).unwrap_or_default();
        self.out.truncate(start + written);
        self.out.push(b'"');
    }

    fn enumeration(&mut self, id: EnumId, value: i32) {
        let known = self.schema.enumeration(id);
        match known.text(value) {
            _ if known.is_null => self.null(),
            Some(text) => self.out.extend_from_slice(text),
            // Of no name: the contract's `…_UNSPECIFIED`.
            None if value == 0 && self.schema.is_contract() => self.null(),
            None => number(self.out, &value),
        }
    }

    /// A message in whatever form it has.
    pub(crate) fn message(&mut self, id: MessageId, wire: &'m [u8]) -> Result<(), Malformed> {
        let schema = self.schema;
        let message = schema.message(id);
        self.depth = self.depth.checked_sub(1).ok_or(Malformed)?;
        if self.out.len() > MAX_JSON {
            return Err(Malformed);
        }
        match message.form {
            Form::Fields => {
                let held = self.hold(message, wire)?;
                self.fields(message, &held, None)?;
                self.release(held);
            }
            Form::Timestamp => {
                let digits = if schema.is_contract() { Digits::Three } else { Digits::AsNeeded };
                let written = time::write_timestamp(self.out, seconds_and_nanos(wire)?, digits);
                self.or_null(written)?;
            }
            Form::Duration => {
                let written = time::write_duration(self.out, seconds_and_nanos(wire)?);
                self.or_null(written)?;
            }
            Form::FieldMask => self.mask(wire)?,
            Form::Value => value::write(self.out, wire, self.lenience())?,
            Form::Struct => value::write_struct(self.out, wire, self.lenience())?,
            Form::ListValue => value::write_list(self.out, wire, self.lenience())?,
            Form::Any => self.any(wire)?,
            // Its one field is the value.
            Form::Wrapper => match message.fields.first() {
                Some(field) => {
                    let held = self.hold(message, wire)?;
                    let values = self.of(&held, 0);
                    self.one(field, values)?;
                    self.release(held);
                }
                None => self.null(),
            },
        }
        self.depth += 1;
        Ok(())
    }

    /// What JSON cannot say is `null` in the contract, and nothing at all in protobuf's own JSON.
    fn or_null(&mut self, written: Option<()>) -> Result<(), Malformed> {
        match written {
            Some(()) => Ok(()),
            None if self.schema.is_contract() => {
                self.null();
                Ok(())
            }
            None => Err(Malformed),
        }
    }

    fn lenience(&self) -> Lenience {
        if self.schema.is_contract() { Lenience::Null } else { Lenience::RefuseNumbers }
    }

    /// `google.protobuf.Any`. One that holds a type which is not described here has no form in JSON.
    fn any(&mut self, wire: &'m [u8]) -> Result<(), Malformed> {
        let (mut url, mut content): (&[u8], &[u8]) = (b"", b"");
        for field in Fields::of(wire) {
            match field? {
                (1, value) => url = value.bytes()?,
                (2, value) => content = value.bytes()?,
                _ => {}
            }
        }
        if url.is_empty() && content.is_empty() {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        }
        let url = as_text(url)?;
        let name = url.rsplit_once('/').map(|(_, name)| name);
        let id = name.and_then(|name| self.schema.named(name)).ok_or_else(|| {
            tracing::error!(%url, "an answer has a google.protobuf.Any of a type that is not described");
            Malformed
        })?;
        self.out.push(b'{');
        string(self.out, TYPE);
        self.out.push(b':');
        string(self.out, url);
        let message = self.schema.message(id);
        match message.form {
            Form::Fields => {
                self.depth = self.depth.checked_sub(1).ok_or(Malformed)?;
                let held = self.hold(message, content)?;
                // A comma that no member follows is taken back.
                self.out.push(b',');
                let before = self.out.len();
                self.members(message, &held, None)?;
                if self.out.len() == before {
                    self.out.pop();
                }
                self.release(held);
                self.depth += 1;
            }
            _ => {
                self.out.extend_from_slice(br#","value":"#);
                self.message(id, content)?;
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn mask(&mut self, wire: &[u8]) -> Result<(), Malformed> {
        let mut text = String::new();
        for field in Fields::of(wire) {
            if let (1, path) = field? {
                if !text.is_empty() {
                    text.push(',');
                }
                let comes_back = camel(&mut text, as_text(path.bytes()?)?);
                if !comes_back && !self.schema.is_contract() {
                    return Err(Malformed);
                }
            }
        }
        string(self.out, &text);
        Ok(())
    }
}

/// Whether a value is what a field has when it is not set.
pub(super) fn is_default(field: &Field, value: Value<'_>) -> bool {
    match (field.kind, value) {
        (Kind::Message(_), _) => false,
        // What is no number of its type is found when it is written.
        (Kind::Int32 | Kind::Uint32, Value::Varint(bits)) => bits as u32 == 0,
        (Kind::Enum(_), Value::Varint(bits)) => bits as i32 == 0,
        (_, Value::Varint(bits)) => bits == 0,
        (_, Value::Fixed32(bits)) => bits == 0,
        (_, Value::Fixed64(bits)) => bits == 0,
        (_, Value::Bytes(bytes)) => bytes.is_empty(),
    }
}

pub(super) fn signed(encoding: Encoding, value: Value<'_>) -> Result<i64, Malformed> {
    Ok(match encoding {
        Encoding::Varint | Encoding::Bytes => value.varint()?.cast_signed(),
        Encoding::ZigZag => {
            let value = value.varint()?;
            (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
        }
        Encoding::Fixed32 => i64::from(value.fixed32()?.cast_signed()),
        Encoding::Fixed64 => value.fixed64()?.cast_signed(),
    })
}

pub(super) fn unsigned(encoding: Encoding, value: Value<'_>) -> Result<u64, Malformed> {
    match encoding {
        Encoding::Fixed32 => value.fixed32().map(u64::from),
        Encoding::Fixed64 => value.fixed64(),
        Encoding::Varint | Encoding::ZigZag | Encoding::Bytes => value.varint(),
    }
}

/// Of a `Timestamp` or a `Duration`: both are seconds and nanoseconds.
fn seconds_and_nanos(wire: &[u8]) -> Result<Time, Malformed> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::of(wire) {
        match field? {
            (1, value) => seconds = value.varint()?.cast_signed(),
            (2, value) => nanos = value.varint()? as i32,
            _ => {}
        }
    }
    Ok((seconds, nanos))
}

/// Whether this is a whole number that a double holds exactly.
fn is_exact(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < EXACT
}

/// `rate_limits.per_minute` as `rateLimits.perMinute`. Whether that is the same path when it is read.
fn camel(out: &mut String, path: &str) -> bool {
    let (mut upper, mut comes_back) = (false, true);
    for c in path.chars() {
        match c {
            '_' => {
                comes_back &= !upper;
                upper = true;
            }
            _ if upper => {
                comes_back &= c.is_ascii_lowercase();
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            _ => {
                comes_back &= !c.is_ascii_uppercase();
                out.push(c);
            }
        }
    }
    comes_back && !upper
}
