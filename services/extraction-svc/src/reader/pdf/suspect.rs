//! Whether a PDF may have text that is not seen, by a look at its drawing operators.
//!
//! Only a hint, and a cheap one: what is suspected is then looked at in a picture of the page. So this reads streams one
//! by one as they stand in the file, follows nothing, and suspects what it cannot read.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::drawn::Streams;

/// How much of a stream is looked at, and of all together.
const MAX_STREAM: u64 = 4 << 20;
const MAX_TOTAL: u64 = 128 << 20;
/// How far before a stream its dictionary may begin.
const DICTIONARY: usize = 2_048;
/// What is drawn with less than this is not seen.
const CLEAR: f32 = 0.1;

/// Whether pages have to be looked at.
pub(super) fn is_suspect(file: &[u8]) -> bool {
    // What is encrypted cannot be read here, and notes may lie over text.
    if memchr::memmem::find(file, b"/Encrypt").is_some() || hides_by_objects(file) {
        return true;
    }
    let (mut streams, mut total) = (Streams::default(), 0);
    for at in memchr::memmem::find_iter(file, b"stream") {
        let (before, after) = file.split_at(at);
        if before.ends_with(b"end") {
            continue;
        }
        let content = match after.get(6..) {
            Some([b'\r', b'\n', content @ ..] | [b'\n' | b'\r', content @ ..]) => content,
            _ => continue,
        };
        let dictionary = before.get(before.len().saturating_sub(DICTIONARY)..).unwrap_or_default();
        let dictionary = dictionary.rsplit(|byte| *byte == b'>').nth(2).map_or(dictionary, |_| {
            // The object that the stream belongs to begins after the last one ended.
            let begin = memchr::memmem::rfind(dictionary, b" obj").unwrap_or(0);
            dictionary.get(begin..).unwrap_or_default()
        });
        let has = |name: &[u8]| memchr::memmem::find(dictionary, name).is_some();
        if [
            &b"/Image"[..],
            b"/Length1",
            b"/FontFile",
            b"/XRef",
            b"/Metadata",
            b"/FunctionType",
            b"Type1C",
            b"OpenType",
            b"CIDFontType0C",
        ]
        .iter()
        .any(|name| has(name))
        {
            continue;
        }
        if [&b"/LZW"[..], b"/ASCII", b"/A85", b"/AHx", b"/RunLength"].iter().any(|name| has(name)) {
            return true;
        }
        let content = match has(b"/FlateDecode") || has(b"/Fl ") || has(b"/Fl]") {
            true => {
                let mut unpacked = Vec::new();
                // What is broken is looked at as far as it goes.
                let _ = ZlibDecoder::new(content).take(MAX_STREAM).read_to_end(&mut unpacked);
                unpacked
            }
            false => {
                let end = memchr::memmem::find(content, b"endstream").unwrap_or(content.len());
                content.get(..end).unwrap_or_default().to_vec()
            }
        };
        total += content.len() as u64;
        // Objects, and not operators.
        if has(b"/ObjStm") {
            if total > MAX_TOTAL || hides_by_objects(&content) {
                return true;
            }
            continue;
        }
        if total > MAX_TOTAL || content.len() as u64 >= MAX_STREAM || streams.hide_text(&content) {
            return true;
        }
    }
    streams.cover_text()
}

/// Whether objects say that something is filled with next to nothing, or lie over a page as notes with a ground of their own.
fn hides_by_objects(objects: &[u8]) -> bool {
    let notes = [&b"/Square"[..], b"/Redact", b"/FreeText", b"/Stamp"];
    if notes.iter().any(|name| memchr::memmem::find(objects, name).is_some()) {
        return true;
    }
    memchr::memmem::find_iter(objects, b"/ca").any(|at| {
        let value = objects.get(at + 3..objects.len().min(at + 16)).unwrap_or_default();
        let value = value.trim_ascii_start();
        let end = value.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.')).unwrap_or(value.len());
        let number =
            value.get(..end).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<f32>().ok());
        number.is_some_and(|number| number < CLEAR)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_that_may_hide_text() {
        let cases: [(&str, bool); 23] = [
            ("BT /F1 12 Tf (a) Tj ET", false),
            ("1 1 1 rg 0 0 595 842 re f 0 g BT (a) Tj ET", false),
            ("q 1 g 0 0 9 9 re f Q BT (a) Tj ET", false),
            ("1 g BT (a) Tj ET", true),
            ("0 0 0 0 k BT [(a) 12 (b)] TJ ET", true),
            ("0.95 0.95 0.95 rg BT (a) Tj ET", true),
            ("1 0 0 rg BT (a) Tj ET", false),
            ("BT 3 Tr (a) Tj ET", true),
            ("BT (a) Tj ET 1 1 1 rg 0 0 9 9 re f", true),
            ("BT 60 600 Td (a) Tj ET 0 g 50 595 300 22 re f", true),
            ("BT 60 600 Td (a) Tj ET 0 g 50 560 300 22 re f", false),
            ("BT 60 600 Td (a) Tj ET 0 g 50 599.5 300 1 re f", false),
            ("BT 60 600 Td (a) Tj ET 0 g 50 595 m 350 595 l 350 620 l 50 620 l h f", true),
            ("BT 60 600 Td (a) Tj ET q 300 0 0 22 50 595 cm /Im0 Do Q", true),
            ("BT 60 600 Td (a) Tj ET q 300 0 0 22 50 400 cm /Im0 Do Q", false),
            ("q 0 0 1 1 re W n BT 60 600 Td (a) Tj ET Q", true),
            ("q 50 500 300 200 re W n BT 60 600 Td (a) Tj ET Q BT 60 100 Td (b) Tj ET", false),
            ("q 2 0 0 2 0 0 cm BT 1 0 0 1 30 300 Tm (a) Tj ET Q 50 595 300 22 re f", true),
            ("BT 14 TL 60 600 Td (a) ' ET 50 580 300 12 re f", true),
            ("BT [(a) -20 (b)] TJ ET", false),
            ("BT (1 g \\) 3 Tr) Tj (b) Tj ET", false),
            ("(((((", false),
            ("/Cs8 cs 1 1 1 scn BT (a) Tj ET", true),
        ];
        for (content, expected) in cases {
            assert_eq!(Streams::default().hide_text(content.as_bytes()), expected, "{content}");
            let file = format!("5 0 obj << /Length 9 >>\nstream\n{content}\nendstream endobj");
            assert_eq!(is_suspect(file.as_bytes()), expected, "{content}");
        }
        assert!(is_suspect(b"trailer << /Encrypt 3 0 R >>"));
        assert!(is_suspect(b"4 0 obj << /Type /ExtGState /ca 0 >> endobj"));
        assert!(is_suspect(b"4 0 obj << /ca 0.05/CA 1 >> endobj"));
        assert!(is_suspect(b"4 0 obj << /Subtype /Square /IC [0 0 0] >> endobj"));
        let two = |cover: &str| {
            let text = "1 0 obj << >>\nstream\nBT 60 600 Td (a) Tj ET\nendstream endobj";
            format!("{text} 2 0 obj << >>\nstream\n{cover}\nendstream endobj").into_bytes()
        };
        assert!(is_suspect(&two("0 g 50 595 300 22 re f")));
        assert!(!is_suspect(&two("0 g 50 100 300 22 re f")));
        // Of a stream with text of its own, others are other pages.
        assert!(!is_suspect(&two("0 g 50 595 300 22 re f BT 60 600 Td (b) Tj ET")));
        assert!(!is_suspect(b"4 0 obj << /ca 0.5 >> 5 0 obj << /category 0 >> endobj"));
        assert!(!is_suspect(b"stream stream\n stream\r\nendstreamstream"));
    }
}
