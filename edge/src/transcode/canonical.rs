//! One form of the many in which a message may be written.

use prost_reflect::{Kind, MessageDescriptor};
use svc_core::wire::{Fields, Malformed, Value, Writer};

/// How deep messages are looked into, as deep as protobuf's own readers go.
const MAX_DEPTH: usize = 100;
/// How many entries of maps one message may have of its own.
const MAX_ENTRIES: usize = 65_536;

/// The message in a form that is the same however its client wrote it: the entries of maps stand last and in the order
/// of their bytes, since some clients write them in an order that changes from one time to the next. What is no
/// message, or is over the bounds, stays as it is.
pub(crate) fn canonical(message: &MessageDescriptor, bytes: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(bytes.len());
    match write(message, bytes, MAX_DEPTH, &mut out) {
        Ok(()) => out.finish(),
        Err(Malformed) => bytes.to_vec(),
    }
}

fn write(message: &MessageDescriptor, bytes: &[u8], depth: usize, out: &mut Writer) -> Result<(), Malformed> {
    let inner = depth.checked_sub(1).ok_or(Malformed)?;
    let mut entries = Vec::new();
    for field in Fields::of(bytes) {
        let (number, value) = field?;
        let bytes = match value {
            Value::Varint(value) => {
                out.varint_field(number, value);
                continue;
            }
            Value::Fixed32(value) => {
                out.fixed32_field(number, value);
                continue;
            }
            Value::Fixed64(value) => {
                out.fixed64_field(number, value);
                continue;
            }
            Value::Bytes(bytes) => bytes,
        };
        let kind = message.get_field(number).map(|field| field.kind());
        match kind {
            Some(Kind::Message(entry)) if entry.is_map_entry() => {
                if entries.len() == MAX_ENTRIES {
                    return Err(Malformed);
                }
                let mut written = Writer::with_capacity(bytes.len());
                write(&entry, bytes, inner, &mut written)?;
                entries.push((number, written.finish()));
            }
            Some(Kind::Message(other)) => {
                let open = out.open(number);
                write(&other, bytes, inner, out)?;
                out.close(open);
            }
            _ => out.bytes_field(number, bytes),
        }
    }
    entries.sort_unstable();
    entries.iter().for_each(|(number, entry)| out.bytes_field(*number, entry));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::DescriptorPool;

    /// A message of the well-known types.
    fn of(name: &str) -> MessageDescriptor {
        DescriptorPool::global().get_message_by_name(name).unwrap()
    }

    fn field(number: u32, value: &[u8]) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes_field(number, value);
        out.finish()
    }

    /// An entry of a Struct: its name, and a Value of this text.
    fn entry(name: &str, text: &str) -> [Vec<u8>; 2] {
        [field(1, name.as_bytes()), field(2, &field(3, text.as_bytes()))]
    }

    #[test]
    fn entries_of_maps_have_one_order() {
        let structure = of("google.protobuf.Struct");
        let [a, b] = [entry("a", "1"), entry("b", "2")];
        let one = [field(1, &a.concat()), field(1, &b.concat())].concat();
        let another = [field(1, &b.concat()), field(1, &a.concat())].concat();
        assert_ne!(one, another);
        assert_eq!(canonical(&structure, &one), one);
        assert_eq!(canonical(&structure, &another), one);
        // Also further in.
        let value = of("google.protobuf.Value");
        let list = |of: &[u8]| field(6, &field(1, &field(5, of)));
        assert_eq!(canonical(&value, &list(&another)), list(&one));
        assert_ne!(canonical(&structure, &one), canonical(&structure, &field(1, &a.concat())));
    }

    #[test]
    fn lists_keep_their_order_and_what_is_no_message_its_bytes() {
        let list = of("google.protobuf.ListValue");
        let [a, b] = ["a", "b"].map(|text| field(1, &field(3, text.as_bytes())));
        assert_ne!(canonical(&list, &[a.clone(), b.clone()].concat()), canonical(&list, &[b, a].concat()));
        for bad in [&b"\xff"[..], b"\x0a\x09a", b"\x0a\x01\xff", b""] {
            assert_eq!(canonical(&list, bad), bad);
        }
        // Numbers, and fields that are not known.
        let numbers =
            [&b"\x08\x05\x15\x01\x02\x03\x04\x19\x01\x02\x03\x04\x05\x06\x07\x08"[..], &field(9, b"x")]
                .concat();
        assert_eq!(canonical(&of("google.protobuf.Duration"), &numbers), numbers);
    }

    #[test]
    fn depth_has_a_bound() {
        let list = of("google.protobuf.Value");
        let mut deep = Vec::new();
        for _ in 0..5_000 {
            deep = field(6, &field(1, &deep));
        }
        assert_eq!(canonical(&list, &deep), deep);
    }
}
