//! Maps.

use std::ops::Range;

use serde::Serialize;
use svc_core::json::{number, string};
use svc_core::wire::{Fields, Malformed, Value, as_text};

use super::Writer;
use super::value::{signed, unsigned};
use crate::transcode::encoding::Encoding;
use crate::transcode::schema::{Field, Kind};

impl<'m> Writer<'_, 'm> {
    pub(super) fn map(&mut self, field: &Field, key: Kind, values: Range<usize>) -> Result<(), Malformed> {
        let base = self.values.len();
        let mut entries = Vec::with_capacity(values.len());
        for at in values {
            let entry = self.values[at].1.bytes()?;
            let (mut name, start) = (None, self.values.len());
            for part in Fields::of(entry) {
                match part? {
                    (1, part) => name = Some(part),
                    (2, part) => self.values.push((0, part)),
                    _ => {}
                }
            }
            entries.push((Key::of(key, field.key_encoding, name)?, start..self.values.len()));
        }
        // A stable sort: of entries with the same key the last one counts.
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        self.out.push(b'{');
        let start = self.out.len();
        for (at, (key, value)) in entries.iter().enumerate() {
            if entries.get(at + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            if self.out.len() > start {
                self.out.push(b',');
            }
            key.write(self.out);
            self.one(field, value.clone())?;
        }
        self.out.push(b'}');
        self.values.truncate(base);
        Ok(())
    }
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'m> {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Text(&'m str),
}

impl<'m> Key<'m> {
    fn of(kind: Kind, encoding: Encoding, value: Option<Value<'m>>) -> Result<Key<'m>, Malformed> {
        Ok(match (kind, value) {
            (Kind::Bool, None) => Key::Bool(false),
            (Kind::Bool, Some(value)) => Key::Bool(value.varint()? != 0),
            (Kind::Int32, Some(value)) => Key::Signed(i64::from(signed(encoding, value)? as i32)),
            (Kind::Int64, Some(value)) => Key::Signed(signed(encoding, value)?),
            (Kind::Int32 | Kind::Int64, None) => Key::Signed(0),
            (Kind::Uint32, Some(value)) => Key::Unsigned(u64::from(unsigned(encoding, value)? as u32)),
            (Kind::Uint64, Some(value)) => Key::Unsigned(unsigned(encoding, value)?),
            (Kind::Uint32 | Kind::Uint64, None) => Key::Unsigned(0),
            (_, None) => Key::Text(""),
            (_, Some(value)) => Key::Text(as_text(value.bytes()?)?),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Key::Bool(true) => out.extend_from_slice(br#""true":"#),
            Key::Bool(false) => out.extend_from_slice(br#""false":"#),
            Key::Text(key) => {
                string(out, key);
                out.push(b':');
            }
            Key::Signed(key) => quoted_key(out, key),
            Key::Unsigned(key) => quoted_key(out, key),
        }
    }
}

fn quoted_key(out: &mut Vec<u8>, key: &impl Serialize) {
    out.push(b'"');
    number(out, key);
    out.extend_from_slice(br#"":"#);
}
