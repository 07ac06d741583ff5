//! Messages into JSON, from their bytes, in the contract's or protobuf's own
//! [`Dialect`](super::schema::Dialect).
//!
//! In the contract every field is there, in the order of its proto file. Unset is `null` where a field can be
//! unset, else the default value. The value 0 of an enum that stands for unset is `null`. What JSON cannot say
//! (a time outside of years 1 to 9999, a number that is none in a `google.protobuf.Value`) is `null`, too.
//! Protobuf's own JSON leaves out what is unset and has no answer where JSON cannot say it.
//!
//! Entries of maps are sorted by key, for answers with the same content to be the same bytes.
//!
//! - here: the fields of a message; `held`: what a message holds, indexed
//! - `value`: single values and messages with a form of their own; `map`: maps

mod held;
mod map;
mod value;

use std::ops::Range;

use svc_core::wire::{Malformed, Value};

pub(crate) use self::held::Held;
use self::value::is_default;
use super::encoding::Encoding;
use super::schema::{Field, Kind, Message, MessageId, Schema, Shape};

/// How deep messages nest at the most, as everywhere in protobuf.
const MAX_DEPTH: usize = 100;

/// How much is written at the most, in bytes. Two bytes of an answer can be an element of a list with every field
/// of its message: what a service may send, small as it is, could fill the memory.
const MAX_JSON: usize = 64 * 1024 * 1024;

/// Writes to a buffer.
pub(crate) struct Writer<'w, 'm> {
    pub(super) out: &'w mut Vec<u8>,
    pub(super) schema: &'w Schema,
    depth: usize,
    /// What the messages being written hold, those of the innermost last: places of fields in
    /// [`Message::fields`] with their values.
    values: Vec<(u32, Value<'m>)>,
}

impl<'w, 'm> Writer<'w, 'm> {
    pub(crate) fn new(out: &'w mut Vec<u8>, schema: &'w Schema) -> Writer<'w, 'm> {
        Writer { out, schema, depth: MAX_DEPTH, values: Vec::new() }
    }

    /// The fields of a message as an object, without one of them.
    pub(crate) fn fields(
        &mut self,
        message: &Message,
        held: &Held,
        without: Option<usize>,
    ) -> Result<(), Malformed> {
        self.out.push(b'{');
        self.members(message, held, without)?;
        self.out.push(b'}');
        Ok(())
    }

    fn members(&mut self, message: &Message, held: &Held, without: Option<usize>) -> Result<(), Malformed> {
        // Whatever stands before the first of them (`"@type"`) ends with its comma.
        let start = self.out.len();
        let mut rest = held.range();
        if !self.schema.is_contract() {
            // What is not there is not even looked at: of a large message, little may be held.
            while let Some((index, _)) = self.values[rest.clone()].first() {
                let index = *index as usize;
                let values = self.next_of(&mut rest, index);
                let field = &message.fields[index];
                if without != Some(index) && !self.is_left_out(field, &values) {
                    self.member(start, field, values)?;
                }
            }
            return Ok(());
        }
        for (index, field) in message.fields.iter().enumerate() {
            let values = self.next_of(&mut rest, index);
            if without != Some(index) && !(field.omit_empty && values.is_empty()) {
                self.member(start, field, values)?;
            }
        }
        Ok(())
    }

    fn member(&mut self, start: usize, field: &Field, values: Range<usize>) -> Result<(), Malformed> {
        if self.out.len() > start {
            self.out.push(b',');
        }
        self.out.extend_from_slice(&field.key);
        self.field(field, values)
    }

    /// Takes the values of a field from those that are left: the fields are asked for in their order.
    fn next_of(&self, rest: &mut Range<usize>, index: usize) -> Range<usize> {
        let start = rest.start;
        while rest.start < rest.end && self.values[rest.start].0 as usize == index {
            rest.start += 1;
        }
        start..rest.start
    }

    /// What a message holds in a field.
    pub(crate) fn field(&mut self, field: &Field, values: Range<usize>) -> Result<(), Malformed> {
        match field.shape {
            Shape::List => self.list(field, values),
            Shape::Map(key) => self.map(field, key, values),
            Shape::One if values.is_empty() && field.presence && self.schema.is_contract() => {
                self.null();
                Ok(())
            }
            Shape::One => self.one(field, values),
        }
    }

    /// One value, or the default of its kind.
    fn one(&mut self, field: &Field, values: Range<usize>) -> Result<(), Malformed> {
        match (field.kind, values.clone().next_back()) {
            (Kind::Message(id), _) => self.whole(id, values),
            (kind, Some(last)) => self.value(kind, field.encoding, self.values[last].1),
            (kind, None) => {
                self.default(kind);
                Ok(())
            }
        }
    }

    /// A message, which is one also when it stands in several pieces.
    fn whole(&mut self, id: MessageId, pieces: Range<usize>) -> Result<(), Malformed> {
        match &self.values[pieces] {
            [] => self.message(id, b""),
            [(_, piece)] => {
                let piece = piece.bytes()?;
                self.message(id, piece)
            }
            pieces => {
                let pieces: Result<Vec<&[u8]>, Malformed> =
                    pieces.iter().map(|(_, piece)| piece.bytes()).collect();
                let whole = pieces?.concat();
                let mut writer =
                    Writer { out: self.out, schema: self.schema, depth: self.depth, values: Vec::new() };
                writer.message(id, &whole)
            }
        }
    }

    /// `,"pagination":{…}`, with its `total` only when there is one.
    pub(crate) fn pagination(&mut self, field: &Field, values: Range<usize>) -> Result<(), Malformed> {
        let Kind::Message(id) = field.kind else { return Ok(()) };
        let message = self.schema.message(id);
        self.out.extend_from_slice(br#","pagination":"#);
        let wire = match &self.values[values] {
            [(_, one)] => one.bytes()?,
            // Nobody sends it in pieces; of several the last one counts.
            values => values.last().map_or(Ok(&b""[..]), |(_, last)| last.bytes())?,
        };
        let held = self.hold(message, wire)?;
        let without = message.named("total").filter(|total| self.of(&held, *total).is_empty());
        self.fields(message, &held, without)?;
        self.release(held);
        Ok(())
    }

    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    fn list(&mut self, field: &Field, values: Range<usize>) -> Result<(), Malformed> {
        self.out.push(b'[');
        let start = self.out.len();
        for at in values {
            match self.values[at].1 {
                // Numbers may stand in one field or in several.
                Value::Bytes(packed) if field.encoding != Encoding::Bytes => {
                    let mut rest = packed;
                    while !rest.is_empty() {
                        let value = Value::packed(&mut rest, field.encoding.into())?;
                        self.element(start, field, value)?;
                    }
                }
                value => self.element(start, field, value)?,
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn element(&mut self, start: usize, field: &Field, value: Value<'m>) -> Result<(), Malformed> {
        if self.out.len() > start {
            self.out.push(b',');
        }
        self.value(field.kind, field.encoding, value)
    }

    /// Whether protobuf's own JSON says nothing of a field that is on the wire.
    fn is_left_out(&self, field: &Field, values: &Range<usize>) -> bool {
        match (field.shape, &self.values[values.clone()]) {
            (Shape::One, [.., (_, last)]) => !field.presence && is_default(field, *last),
            // A packed list may be empty.
            (Shape::List, values) if field.encoding != Encoding::Bytes => {
                values.iter().all(|(_, value)| *value == Value::Bytes(b""))
            }
            _ => false,
        }
    }
}
