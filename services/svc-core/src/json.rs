//! JSON without trees: its text read piece by piece, and `google.protobuf.Value` between text and wire
//! bytes in one pass. What a request costs is linear in its bytes.

mod text;
pub mod value;

use serde::Serialize;

pub use text::{Broken, Json, MAX_DEPTH, Measure, Next, is_number};

/// Writes a string, quoted and escaped.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { break };
        escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
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

/// How many bytes stand before the first quote, backslash or control character: eight are looked at at once.
fn plain_length(text: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Each sets the high bit of the first byte that it is about; above that one, bits may be set by the borrow.
    let below = |word: u64, bound: u8| word.wrapping_sub(LOW * u64::from(bound)) & !word & HIGH;
    let equal = |word: u64, byte: u8| below(word ^ (LOW * u64::from(byte)), 1);
    let mut at = 0;
    while let Some(eight) = text[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let special = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(*byte, b'"' | b'\\');
    text[at..].iter().position(is_special).map_or(text.len(), |more| at + more)
}

/// Writes a number as it is.
pub fn number(out: &mut Vec<u8>, number: &impl Serialize) {
    // Writing a number to a vector does not fail.
    let _ = serde_json::to_writer(out, number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_runs_end_at_the_first_special_byte() {
        let slow = |text: &[u8]| {
            let special = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\';
            text.iter().position(special).unwrap_or(text.len())
        };
        for before in 0..20 {
            for byte in 0..=255_u8 {
                for after in [b'a', 0x1f, 0x20, 0x21, 0x7f, 0x80, 0xff, b'"', b'\\', 0] {
                    let mut text = vec![b'a'; before];
                    text.extend([byte, after, b'"', byte]);
                    assert_eq!(plain_length(&text), slow(&text), "{text:?}");
                }
            }
        }
    }
}
