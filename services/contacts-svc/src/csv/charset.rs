//! Encodings of text, as its bytes come.

use std::char::decode_utf16;

/// How a text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Utf16Le,
    Utf16Be,
}

const BOM_UTF_8: &[u8] = &[0xEF, 0xBB, 0xBF];
const BOM_UTF_16_LE: &[u8] = &[0xFF, 0xFE];
const BOM_UTF_16_BE: &[u8] = &[0xFE, 0xFF];

/// Stands where half of a character is. No text in UTF-8 has this byte, so whoever reads it as text sees that
/// something is wrong there, and only there.
const BROKEN: u8 = 0xFF;

/// Makes UTF-8 of what comes. What is no UTF-8 is passed on as it is, for its reader to find.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// `None` until the first bytes have said it.
    charset: Option<Charset>,
    /// What holds where there is no byte order mark.
    otherwise: Charset,
    /// What came before the encoding was known, or the first byte of a pair.
    held: Vec<u8>,
    /// The first half of a character of two.
    high: Option<u16>,
}

impl Decoder {
    /// For a text that has this encoding unless a byte order mark says another one.
    pub(crate) fn new(otherwise: Charset) -> Decoder {
        Decoder { charset: None, otherwise, held: Vec::new(), high: None }
    }

    /// Appends what `bytes` say to `text`.
    pub(crate) fn feed(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        match self.charset {
            Some(charset) => self.decode(charset, bytes, text),
            None => {
                self.held.extend_from_slice(bytes);
                if self.held.len() >= BOM_UTF_8.len() {
                    self.begin(text);
                }
            }
        }
    }

    /// The text has ended.
    pub(crate) fn end(&mut self, text: &mut Vec<u8>) {
        if self.charset.is_none() {
            self.begin(text);
        }
        if self.high.take().is_some() || !std::mem::take(&mut self.held).is_empty() {
            text.push(BROKEN);
        }
    }

    fn begin(&mut self, text: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let marks = [
            (BOM_UTF_8, Charset::Utf8),
            (BOM_UTF_16_LE, Charset::Utf16Le),
            (BOM_UTF_16_BE, Charset::Utf16Be),
        ];
        let marked = marks.iter().find_map(|(mark, charset)| Some((held.strip_prefix(*mark)?, *charset)));
        let (rest, charset) = marked.unwrap_or((&held, self.otherwise));
        self.charset = Some(charset);
        self.decode(charset, rest, text);
    }

    fn decode(&mut self, charset: Charset, bytes: &[u8], text: &mut Vec<u8>) {
        let unit: fn([u8; 2]) -> u16 = match charset {
            Charset::Utf8 => return text.extend_from_slice(bytes),
            Charset::Utf16Le => u16::from_le_bytes,
            Charset::Utf16Be => u16::from_be_bytes,
        };
        let mut rest = bytes;
        if let ([first], [second, others @ ..]) = (self.held.as_slice(), rest) {
            let pair = unit([*first, *second]);
            self.held.clear();
            self.push(pair, text);
            rest = others;
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        for pair in pairs {
            self.push(unit(*pair), text);
        }
        self.held.extend_from_slice(odd);
    }

    fn push(&mut self, unit: u16, text: &mut Vec<u8>) {
        let is_high = (0xD800..0xDC00).contains(&unit);
        let high = self.high.take();
        if is_high {
            if high.is_some() {
                text.push(BROKEN);
            }
            self.high = Some(unit);
            return;
        }
        for character in decode_utf16(high.into_iter().chain([unit])) {
            match character {
                Ok(character) => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => text.push(BROKEN),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn decoded(otherwise: Charset, bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut decoder = Decoder::new(otherwise);
        let mut text = Vec::new();
        for piece in bytes.chunks(piece) {
            decoder.feed(piece, &mut text);
        }
        decoder.end(&mut text);
        text
    }

    #[test]
    fn every_encoding_in_pieces_of_any_size() {
        let text = "name;größe\r\n\"Zoë 🙂\";12\r\n";
        let cases = [
            (Charset::Utf8, text.as_bytes().to_vec()),
            (Charset::Utf8, [BOM_UTF_8, text.as_bytes()].concat()),
            (Charset::Utf16Be, [BOM_UTF_8, text.as_bytes()].concat()),
            (Charset::Utf8, [BOM_UTF_16_LE, &utf_16(text, u16::to_le_bytes)].concat()),
            (Charset::Utf8, [BOM_UTF_16_BE, &utf_16(text, u16::to_be_bytes)].concat()),
            (Charset::Utf16Le, utf_16(text, u16::to_le_bytes)),
            (Charset::Utf16Be, utf_16(text, u16::to_be_bytes)),
        ];
        for (number, (otherwise, bytes)) in cases.iter().enumerate() {
            for piece in 1..=bytes.len() {
                let decoded = decoded(*otherwise, bytes, piece);
                assert_eq!(std::str::from_utf8(&decoded), Ok(text), "case {number} by {piece}");
            }
        }
    }

    #[test]
    fn short_texts() {
        for (bytes, text) in [
            (&b""[..], &b""[..]),
            (b"a", b"a"),
            (b"ab", b"ab"),
            (&[0xEF, 0xBB, 0xBF], b""),
            (&[0xFF, 0xFE], b""),
            (&[0xFF, 0xFE, b'a', 0], b"a"),
            // Half a mark is no mark.
            (&[0xEF, 0xBB], &[0xEF, 0xBB]),
        ] {
            assert_eq!(decoded(Charset::Utf8, bytes, 1), text, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_broken_stays_broken_and_all_else_is_read() {
        let high_alone = [BOM_UTF_16_LE, &[0x3D, 0xD8, b'a', 0]].concat();
        assert_eq!(decoded(Charset::Utf8, &high_alone, 2), [BROKEN, b'a']);
        let two_high = [BOM_UTF_16_LE, &[0x3D, 0xD8, 0x3D, 0xD8, 0x42, 0xDE]].concat();
        assert_eq!(decoded(Charset::Utf8, &two_high, 3), [&[BROKEN], "🙂".as_bytes()].concat());
        let low_alone = [BOM_UTF_16_LE, &[0x42, 0xDE, b'a', 0]].concat();
        assert_eq!(decoded(Charset::Utf8, &low_alone, 1), [BROKEN, b'a']);
        let odd = [BOM_UTF_16_BE, &[0, b'a', 0]].concat();
        assert_eq!(decoded(Charset::Utf8, &odd, 5), [b'a', BROKEN]);
        assert_eq!(decoded(Charset::Utf8, &[b'a', 0xC3, b'b'], 1), [b'a', 0xC3, b'b']);
    }
}
