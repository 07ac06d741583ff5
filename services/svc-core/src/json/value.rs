//! `google.protobuf.Value` and its kin as bytes on the wire, into JSON text and out of it.

use std::borrow::Cow;

use super::{Broken, Json, Next, string};
use crate::wire::{Fields, Malformed, Value, Writer, as_text};

/// The deepest nesting that is written: deeper than any reader of ours accepts.
const MAX_DEPTH: usize = 64;

/// Up to here (2^53) a double holds every whole number.
pub const EXACT: f64 = 9_007_199_254_740_992.0;

// The fields of `google.protobuf.Value`, …
const NULL: u32 = 1;
const NUMBER: u32 = 2;
const STRING: u32 = 3;
const BOOL: u32 = 4;
const STRUCT: u32 = 5;
const LIST: u32 = 6;
/// … of `Struct` and `ListValue`, which have one each, …
const MEMBERS: u32 = 1;
const ELEMENTS: u32 = 1;
/// … and of a map's entry.
const KEY: u32 = 1;
const ENTRY_VALUE: u32 = 2;

/// What becomes of a value that JSON cannot say: a number that is none, or nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lenience {
    /// It is written as `null`.
    Null,
    /// It is [`Malformed`].
    Refuse,
    /// A number that is none is [`Malformed`], and nothing at all is `null`.
    RefuseNumbers,
}

/// Writes a `Value` as JSON. Members of objects are sorted by name.
pub fn write(out: &mut Vec<u8>, wire: &[u8], lenience: Lenience) -> Result<(), Malformed> {
    Text { out, lenience }.value(wire, MAX_DEPTH)
}

/// Writes a `Struct` as JSON.
pub fn write_struct(out: &mut Vec<u8>, wire: &[u8], lenience: Lenience) -> Result<(), Malformed> {
    Text { out, lenience }.object(wire, MAX_DEPTH)
}

/// Writes a `ListValue` as JSON.
pub fn write_list(out: &mut Vec<u8>, wire: &[u8], lenience: Lenience) -> Result<(), Malformed> {
    Text { out, lenience }.list(wire, MAX_DEPTH)
}

struct Text<'o> {
    out: &'o mut Vec<u8>,
    lenience: Lenience,
}

impl Text<'_> {
    fn value(&mut self, wire: &[u8], depth: usize) -> Result<(), Malformed> {
        // Of a `oneof` the last one counts, and a message that stands in several pieces is one.
        let mut last = None;
        let mut pieces: Cow<'_, [u8]> = Cow::Borrowed(b"");
        for field in Fields::of(wire) {
            let (number, value) = field?;
            if !(NULL..=LIST).contains(&number) {
                continue;
            }
            if let Value::Bytes(bytes) = value {
                match last {
                    Some((before, _)) if before == number && number >= STRUCT => {
                        pieces.to_mut().extend_from_slice(bytes);
                    }
                    _ => pieces = Cow::Borrowed(bytes),
                }
            }
            last = Some((number, value));
        }
        match last {
            None if self.lenience == Lenience::RefuseNumbers => self.null(),
            None => self.cannot_say(),
            Some((NULL, _)) => self.null(),
            Some((NUMBER, value)) => match f64::from_bits(value.fixed64()?) {
                number if number.is_finite() => {
                    double(self.out, number);
                    Ok(())
                }
                _ => self.cannot_say(),
            },
            Some((STRING, value)) => {
                string(self.out, as_text(value.bytes()?)?);
                Ok(())
            }
            Some((BOOL, value)) => {
                self.out.extend_from_slice(if value.varint()? == 0 { b"false" } else { b"true" });
                Ok(())
            }
            Some((number, value)) => {
                value.bytes()?;
                if number == STRUCT { self.object(&pieces, depth) } else { self.list(&pieces, depth) }
            }
        }
    }

    fn object(&mut self, wire: &[u8], depth: usize) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let mut members: Vec<(&str, Cow<'_, [u8]>)> = Vec::new();
        for field in Fields::of(wire) {
            let (number, entry) = field?;
            if number == MEMBERS {
                members.push(member(entry.bytes()?)?);
            }
        }
        // A stable sort: of members with the same name the last one counts.
        members.sort_by_key(|(name, _)| *name);
        self.out.push(b'{');
        let mut first = true;
        for (at, (name, value)) in members.iter().enumerate() {
            if members.get(at + 1).is_some_and(|(next, _)| next == name) {
                continue;
            }
            if !first {
                self.out.push(b',');
            }
            first = false;
            string(self.out, name);
            self.out.push(b':');
            self.value(value, depth)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn list(&mut self, wire: &[u8], depth: usize) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        self.out.push(b'[');
        let mut first = true;
        for field in Fields::of(wire) {
            let (number, value) = field?;
            if number != ELEMENTS {
                continue;
            }
            if !first {
                self.out.push(b',');
            }
            first = false;
            self.value(value.bytes()?, depth)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn null(&mut self) -> Result<(), Malformed> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn cannot_say(&mut self) -> Result<(), Malformed> {
        match self.lenience {
            Lenience::Null => self.null(),
            Lenience::Refuse | Lenience::RefuseNumbers => Err(Malformed),
        }
    }
}

fn member(entry: &[u8]) -> Result<(&str, Cow<'_, [u8]>), Malformed> {
    let (mut name, mut value): (&[u8], Cow<'_, [u8]>) = (b"", Cow::Borrowed(b""));
    for field in Fields::of(entry) {
        match field? {
            (KEY, field) => name = field.bytes()?,
            (ENTRY_VALUE, field) if value.is_empty() => value = Cow::Borrowed(field.bytes()?),
            // A message that stands in several pieces is one.
            (ENTRY_VALUE, field) => value.to_mut().extend_from_slice(field.bytes()?),
            _ => {}
        }
    }
    Ok((as_text(name)?, value))
}

/// A double: whole numbers without a fraction, others as short as they can be.
pub fn double(out: &mut Vec<u8>, number: f64) {
    match number.fract() == 0.0 && number.abs() <= EXACT {
        true => super::number(out, &(number as i64)),
        false => super::number(out, &number),
    }
}

/// The fields of a `Value`, for a reader that reports faults in its own words. A container is opened,
/// filled and closed: [`Writer::open`].
pub mod pieces {
    use super::*;
    use crate::wire::Open;

    /// `null`.
    pub fn null(out: &mut Writer) {
        out.varint_field(NULL, 0);
    }

    /// A number.
    pub fn number(out: &mut Writer, number: f64) {
        out.fixed64_field(NUMBER, number.to_bits());
    }

    /// A string.
    pub fn string(out: &mut Writer, text: &str) {
        out.bytes_field(STRING, text.as_bytes());
    }

    /// `true` or `false`.
    pub fn boolean(out: &mut Writer, value: bool) {
        out.varint_field(BOOL, u64::from(value));
    }

    /// An object.
    pub fn open_struct(out: &mut Writer) -> Open {
        out.open(STRUCT)
    }

    /// A list.
    pub fn open_list(out: &mut Writer) -> Open {
        out.open(LIST)
    }

    /// A member of an object: its entry, and in that its value.
    pub fn open_member(out: &mut Writer, name: &str) -> (Open, Open) {
        let entry = out.open(MEMBERS);
        out.bytes_field(KEY, name.as_bytes());
        (entry, out.open(ENTRY_VALUE))
    }

    /// An element of a list.
    pub fn open_element(out: &mut Writer) -> Open {
        out.open(ELEMENTS)
    }
}

/// The JSON value that comes next as a `Value`. Numbers become the nearest double.
pub fn read(json: &mut Json<'_>, out: &mut Writer) -> Result<(), Broken> {
    match json.peek()? {
        Next::Null => {
            json.null()?;
            pieces::null(out);
        }
        Next::Number => {
            // Every number as JSON writes it is one to Rust.
            let number = json.number()?.parse().unwrap_or(f64::NAN);
            pieces::number(out, number);
        }
        Next::String => pieces::string(out, &json.string()?),
        Next::Bool => pieces::boolean(out, json.boolean()?),
        Next::Object => {
            let object = pieces::open_struct(out);
            json.open()?;
            let mut first = true;
            while let Some(name) = json.member(first)? {
                first = false;
                let (entry, value) = pieces::open_member(out, &name);
                read(json, out)?;
                out.close(value);
                out.close(entry);
            }
            out.close(object);
        }
        Next::Array => {
            let list = pieces::open_list(out);
            json.open()?;
            let mut first = true;
            while json.element(first)? {
                first = false;
                let element = pieces::open_element(out);
                read(json, out)?;
                out.close(element);
            }
            out.close(list);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(text: &str) -> Vec<u8> {
        let mut json = Json::new(text.as_bytes()).unwrap();
        let mut out = Writer::default();
        read(&mut json, &mut out).unwrap();
        json.end().unwrap();
        out.finish()
    }

    fn text(wire: &[u8], lenience: Lenience) -> Option<String> {
        let mut out = Vec::new();
        write(&mut out, wire, lenience).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn json_survives_there_and_back() {
        let long = format!("[{}]", vec![r#"{"a":["x",{"b":0.1}]}"#; 500].join(","));
        let deep = format!("{}1{}", r#"{"a":["#.repeat(30), "]}".repeat(30));
        for json in [
            "null",
            "true",
            r#""\u0000 and ä""#,
            "0",
            "5",
            "-5",
            "5.5",
            "0.1",
            "9007199254740992",
            "1e+300",
            "1.7976931348623157e+308",
            "123456.78901234567",
            "[]",
            "{}",
            r#"{"":0}"#,
            r#"[1,[null],{"a":{"b":[]}}]"#,
            long.as_str(),
            deep.as_str(),
        ] {
            assert_eq!(text(&wire(json), Lenience::Refuse).as_deref(), Some(json));
        }
    }

    #[test]
    fn the_same_bytes_as_prost_makes() {
        use prost::Message;
        for json in [r#"[1,"x",true,null,{"a":[]}]"#, r#"{"a":{"b":{"c":"d"}}}"#, "[[[[]]]]", r#"{"":""}"#] {
            let ours = wire(json);
            let theirs = prost_types::Value::decode(ours.as_slice()).unwrap();
            assert_eq!(theirs.encoded_len(), ours.len() - empty_names(json), "{json}");
            assert_eq!(text(&theirs.encode_to_vec(), Lenience::Refuse).as_deref(), Some(json));
        }
        // prost leaves out the key of an entry when it is empty.
        fn empty_names(json: &str) -> usize {
            2 * usize::from(json.contains(r#""":"#))
        }
    }

    #[test]
    fn what_json_cannot_say_is_null_or_refused_wherever_it_is() {
        let nan = {
            let mut out = Writer::default();
            pieces::number(&mut out, f64::NAN);
            out.finish()
        };
        let list_of = |value: &[u8]| {
            let mut out = Writer::default();
            let list = pieces::open_list(&mut out);
            out.bytes_field(ELEMENTS, value);
            out.close(list);
            out.finish()
        };
        for (wire, json) in [(nan.clone(), "null"), (Vec::new(), "null"), (list_of(&nan), "[null]")] {
            assert_eq!(text(&wire, Lenience::Refuse), None);
            assert_eq!(text(&wire, Lenience::Null).as_deref(), Some(json));
        }
        for malformed in [&b"\x1a\x05ab"[..], b"\x1a\x02\xff\xfe", b"\x10\x01", b"\xff"] {
            assert_eq!(text(malformed, Lenience::Null), None, "{malformed:?}");
        }
        // Deeper than anybody reads.
        let deep = (0..100).fold(wire("1"), |inner, _| list_of(&inner));
        assert_eq!(text(&deep, Lenience::Null), None);
    }

    #[test]
    fn a_member_in_pieces_is_one() {
        let mut out = Writer::default();
        let object = pieces::open_struct(&mut out);
        let (entry, value) = pieces::open_member(&mut out, "a");
        let list_of = |out: &mut Writer, number| {
            let list = pieces::open_list(out);
            let element = pieces::open_element(out);
            pieces::number(out, number);
            out.close(element);
            out.close(list);
        };
        list_of(&mut out, 1.0);
        out.close(value);
        let value = out.open(ENTRY_VALUE);
        list_of(&mut out, 2.0);
        out.close(value);
        out.close(entry);
        out.close(object);
        let wire = out.finish();
        assert_eq!(text(&wire, Lenience::Refuse).as_deref(), Some(r#"{"a":[1,2]}"#));
        let theirs = <prost_types::Value as prost::Message>::decode(wire.as_slice()).unwrap();
        let again = prost::Message::encode_to_vec(&theirs);
        assert_eq!(text(&again, Lenience::Refuse).as_deref(), Some(r#"{"a":[1,2]}"#));
    }

    #[test]
    fn of_two_members_with_a_name_the_last_one_counts() {
        let mut out = Writer::default();
        let object = pieces::open_struct(&mut out);
        for (name, number) in [("b", 1.0), ("a", 2.0), ("b", 3.0)] {
            let (entry, value) = pieces::open_member(&mut out, name);
            pieces::number(&mut out, number);
            out.close(value);
            out.close(entry);
        }
        out.close(object);
        assert_eq!(text(&out.finish(), Lenience::Refuse).as_deref(), Some(r#"{"a":2,"b":3}"#));
    }
}
