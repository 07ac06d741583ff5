//! Protobuf's wire format, piece by piece: written without knowing lengths before, read without copying.
//! Both are linear in the bytes, however deep messages nest.

use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, encoded_len_varint,
    key_len, skip_field,
};

/// Bytes that are not a message, or not one of the expected type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a message of the expected type")]
pub struct Malformed;

/// Writes fields one after another; a field of a message is opened, filled and closed.
///
/// A length is one byte until it is known, which is all that most need. What the others need more is made
/// room for at the end, in one go: to write lengths first would take a second pass over the input, and to
/// make room at each [`Writer::close`] would move the innermost bytes once for every level.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    /// Lengths of more than a byte, inner ones before outer ones.
    long: Vec<Long>,
    /// How many bytes those will add.
    added: usize,
}

/// A length and the place of its first byte.
#[derive(Clone, Copy, Debug)]
struct Long {
    at: usize,
    length: usize,
}

/// A field that was opened.
#[derive(Debug)]
#[must_use = "a field that is opened must be closed"]
pub struct Open {
    at: usize,
    added: usize,
}

impl Writer {
    /// A writer with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { out: Vec::with_capacity(bytes), ..Writer::default() }
    }

    /// Opens a field of a message, or of packed numbers.
    pub fn open(&mut self, number: u32) -> Open {
        encode_key(number, WireType::LengthDelimited, &mut self.out);
        let open = Open { at: self.out.len(), added: self.added };
        self.out.push(0);
        open
    }

    /// Closes what was opened last.
    pub fn close(&mut self, open: Open) {
        let length = self.out.len() - open.at - 1 + (self.added - open.added);
        match u8::try_from(length) {
            Ok(byte) if byte < 0x80 => self.out[open.at] = byte,
            _ => {
                self.long.push(Long { at: open.at, length });
                self.added += encoded_len_varint(length as u64) - 1;
            }
        }
    }

    /// Closes what was opened last with this number, or takes it back when it holds nothing, where that is the same.
    pub fn close_unless_empty(&mut self, open: Open, number: u32) {
        match self.out.len() == open.at + 1 {
            true => self.out.truncate(open.at - key_len(number)),
            false => self.close(open),
        }
    }

    /// A field of type `int32`, `uint64`, `bool`, an enum and their like.
    pub fn varint_field(&mut self, number: u32, value: u64) {
        encode_key(number, WireType::Varint, &mut self.out);
        self.varint(value);
    }

    /// A field of type `fixed32`, `float` and their like.
    pub fn fixed32_field(&mut self, number: u32, value: u32) {
        encode_key(number, WireType::ThirtyTwoBit, &mut self.out);
        self.fixed32(value);
    }

    /// A field of type `fixed64`, `double` and their like.
    pub fn fixed64_field(&mut self, number: u32, value: u64) {
        encode_key(number, WireType::SixtyFourBit, &mut self.out);
        self.fixed64(value);
    }

    /// A field of type `string` or `bytes`, or a message that is encoded already.
    pub fn bytes_field(&mut self, number: u32, value: &[u8]) {
        encode_key(number, WireType::LengthDelimited, &mut self.out);
        self.varint(value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// A number among packed ones.
    pub fn varint(&mut self, value: u64) {
        encode_varint(value, &mut self.out);
    }

    /// A number among packed ones.
    pub fn fixed32(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// A number among packed ones.
    pub fn fixed64(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// The bytes. Everything that was opened is closed.
    pub fn finish(mut self) -> Vec<u8> {
        if self.long.is_empty() {
            return self.out;
        }
        self.long.sort_unstable_by_key(|long| long.at);
        // From the end, so that every byte moves once, to where nothing is needed any more.
        let mut from = self.out.len();
        let mut to = from + self.added;
        self.out.resize(to, 0);
        for long in self.long.iter().rev() {
            let start = long.at + 1;
            to -= from - start;
            self.out.copy_within(start..from, to);
            to -= encoded_len_varint(long.length as u64);
            encode_varint(long.length as u64, &mut &mut self.out[to..]);
            from = long.at;
        }
        self.out
    }
}

/// The value of a field as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `int32`, `uint64`, `bool`, enums and their like.
    Varint(u64),
    /// `fixed32`, `float` and their like.
    Fixed32(u32),
    /// `fixed64`, `double` and their like.
    Fixed64(u64),
    /// `string`, `bytes`, messages and packed numbers.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The first of several values that stand one behind the other, as numbers do in a packed list.
    pub fn packed(rest: &mut &'a [u8], wire_type: WireType) -> Result<Value<'a>, Malformed> {
        Ok(match wire_type {
            WireType::Varint => Value::Varint(varint(rest)?),
            WireType::SixtyFourBit => Value::Fixed64(u64::from_le_bytes(array(rest)?)),
            WireType::ThirtyTwoBit => Value::Fixed32(u32::from_le_bytes(array(rest)?)),
            WireType::LengthDelimited => {
                let length = varint(rest)?;
                let length = usize::try_from(length).map_err(|_| Malformed)?;
                let (value, after) = rest.split_at_checked(length).ok_or(Malformed)?;
                *rest = after;
                Value::Bytes(value)
            }
            WireType::StartGroup | WireType::EndGroup => return Err(Malformed),
        })
    }

    /// As a varint.
    pub fn varint(self) -> Result<u64, Malformed> {
        if let Value::Varint(value) = self { Ok(value) } else { Err(Malformed) }
    }

    /// As four bytes.
    pub fn fixed32(self) -> Result<u32, Malformed> {
        if let Value::Fixed32(value) = self { Ok(value) } else { Err(Malformed) }
    }

    /// As eight bytes.
    pub fn fixed64(self) -> Result<u64, Malformed> {
        if let Value::Fixed64(value) = self { Ok(value) } else { Err(Malformed) }
    }

    /// As bytes.
    pub fn bytes(self) -> Result<&'a [u8], Malformed> {
        if let Value::Bytes(value) = self { Ok(value) } else { Err(Malformed) }
    }
}

/// Most are one byte.
fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    match rest.split_first() {
        Some((&byte, after)) if byte < 0x80 => {
            *rest = after;
            Ok(byte.into())
        }
        _ => decode_varint(rest).map_err(|_| Malformed),
    }
}

/// Those of the first 15 fields are one byte.
fn key(rest: &mut &[u8]) -> Result<(u32, WireType), Malformed> {
    match rest.split_first() {
        Some((&byte @ 8..0x80, after)) => {
            *rest = after;
            let wire_type = WireType::try_from(u64::from(byte & 7)).map_err(|_| Malformed)?;
            Ok((u32::from(byte >> 3), wire_type))
        }
        _ => decode_key(rest).map_err(|_| Malformed),
    }
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (array, after) = rest.split_first_chunk::<N>().ok_or(Malformed)?;
    *rest = after;
    Ok(*array)
}

/// Bytes as text.
pub fn as_text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

/// The fields of a message in the order of the wire, groups left out.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of the message with these bytes.
    pub fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    fn read(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        while !self.rest.is_empty() {
            let (number, wire_type) = key(&mut self.rest)?;
            if matches!(wire_type, WireType::StartGroup | WireType::EndGroup) {
                skip_field(wire_type, number, &mut self.rest, DecodeContext::default())
                    .map_err(|_| Malformed)?;
                continue;
            }
            let value = Value::packed(&mut self.rest, wire_type)?;
            return Ok(Some((number, value)));
        }
        Ok(None)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            // Nothing after it can be told apart.
            self.rest = &[];
        }
        read.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_any_size_nest() {
        // Around the lengths at which a prefix grows, once and twice.
        for size in [0, 1, 125, 126, 127, 128, 129, 16_378, 16_381, 16_383, 16_384, 16_385, 70_000] {
            let mut writer = Writer::default();
            let outer = writer.open(1);
            writer.varint_field(2, 300);
            let inner = writer.open(3);
            writer.bytes_field(4, &vec![7; size]);
            writer.close(inner);
            let second = writer.open(3);
            writer.fixed64_field(5, 1);
            writer.close(second);
            writer.close(outer);
            writer.fixed32_field(6, 2);
            let wire = writer.finish();

            let fields: Result<Vec<_>, _> = Fields::of(&wire).collect();
            let [(1, Value::Bytes(outer)), (6, Value::Fixed32(2))] = fields.unwrap()[..] else {
                panic!("{size}: {wire:?}")
            };
            let fields: Result<Vec<_>, _> = Fields::of(outer).collect();
            let [(2, Value::Varint(300)), (3, Value::Bytes(inner)), (3, Value::Bytes(second))] =
                fields.unwrap()[..]
            else {
                panic!("{size}: {outer:?}")
            };
            let data = vec![7; size];
            assert_eq!(Fields::of(inner).next(), Some(Ok((4, Value::Bytes(&data)))));
            assert_eq!(Fields::of(second).next(), Some(Ok((5, Value::Fixed64(1)))));
        }
    }

    #[test]
    fn depth_costs_no_more_than_bytes() {
        // Each level is over 128 bytes, so that each length is a long one.
        let mut writer = Writer::default();
        let mut opened = Vec::new();
        for _ in 0..60 {
            opened.push(writer.open(1));
        }
        writer.bytes_field(2, &[0; 200]);
        while let Some(open) = opened.pop() {
            writer.close(open);
        }
        let wire = writer.finish();
        let mut rest: &[u8] = &wire;
        for _ in 0..60 {
            let Some(Ok((1, Value::Bytes(inner)))) = Fields::of(rest).next() else { panic!("{rest:?}") };
            rest = inner;
        }
        assert_eq!(Fields::of(rest).next(), Some(Ok((2, Value::Bytes(&[0; 200])))));
    }

    #[test]
    fn malformed_bytes_end_the_fields() {
        for wire in
            [&b"\xff"[..], b"\x08", b"\x0a\x02a", b"\x0d123", b"\x09123", b"\x0c", b"\x0b", b"\x00\x00"]
        {
            let fields: Vec<_> = Fields::of(wire).collect();
            assert_eq!(fields, [Err(Malformed)], "{wire:?}");
        }
        // A group that is whole is passed over.
        let fields: Vec<_> = Fields::of(b"\x0b\x08\x01\x0c\x10\x05").collect();
        assert_eq!(fields, [Ok((2, Value::Varint(5)))]);
    }
}
