//! Whether a PDF may have text that is not seen, by a look at its drawing operators.
//!
//! Only a hint, and a cheap one: what is suspected is then looked at in a picture of the page. So this reads streams one
//! by one as they stand in the file, follows nothing, and suspects what it cannot read.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// How much of a stream is looked at, and of all together.
const MAX_STREAM: u64 = 4 << 20;
const MAX_TOTAL: u64 = 128 << 20;
/// How far before a stream its dictionary may begin.
const DICTIONARY: usize = 2_048;
/// From here on a colour is nearly white.
const LIGHT: f32 = 0.9;

/// Whether pages have to be looked at.
pub(super) fn is_suspect(file: &[u8]) -> bool {
    // What is encrypted cannot be read here.
    if memchr::memmem::find(file, b"/Encrypt").is_some() {
        return true;
    }
    let mut total = 0;
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
            b"/ObjStm",
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
        if total > MAX_TOTAL || content.len() as u64 >= MAX_STREAM || draws_unseen(&content) {
            return true;
        }
    }
    false
}

/// Whether the operators show text that is nearly white or invisible, or paint something nearly white after text.
fn draws_unseen(content: &[u8]) -> bool {
    let mut numbers: Vec<f32> = Vec::with_capacity(8);
    let (mut is_light, mut saved) = (false, Vec::new());
    let (mut is_invisible, mut has_text) = (false, false);
    let tokens = Tokens { rest: content };
    for token in tokens {
        if let Some(number) = std::str::from_utf8(token).ok().and_then(|token| token.parse::<f32>().ok()) {
            if numbers.len() < 8 {
                numbers.push(number);
            }
            continue;
        }
        match token {
            b"g" | b"rg" => is_light = !numbers.is_empty() && numbers.iter().all(|number| *number >= LIGHT),
            b"k" => is_light = numbers.len() == 4 && numbers.iter().all(|number| *number <= 1.0 - LIGHT),
            b"sc" | b"scn" => {
                let all = |test: fn(f32) -> bool| numbers.iter().all(|number| test(*number));
                is_light = match numbers.len() {
                    1 | 3 => all(|number| number >= LIGHT),
                    4 => all(|number| number <= 1.0 - LIGHT),
                    _ => false,
                };
            }
            b"Tr" => is_invisible = numbers.last().is_some_and(|mode| *mode == 3.0 || *mode == 7.0),
            b"q" if saved.len() < 64 => saved.push((is_light, is_invisible)),
            b"Q" => (is_light, is_invisible) = saved.pop().unwrap_or((is_light, is_invisible)),
            b"Tj" | b"TJ" | b"'" | b"\"" => {
                if is_light || is_invisible {
                    return true;
                }
                has_text = true;
            }
            b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" if has_text && is_light => return true,
            _ => {}
        }
        numbers.clear();
    }
    false
}

/// The tokens of a content stream; strings and arrays are passed over.
struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let begin = self.rest.iter().position(|byte| !is_blank(*byte))?;
            self.rest = self.rest.get(begin..)?;
            match self.rest.first()? {
                b'(' => self.rest = after_string(self.rest),
                b'%' => {
                    let end = memchr::memchr2(b'\n', b'\r', self.rest).unwrap_or(self.rest.len());
                    self.rest = self.rest.get(end..)?;
                }
                b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b')' => self.rest = self.rest.get(1..)?,
                _ => {
                    let rest = self.rest.get(1..).unwrap_or_default();
                    let end = rest.iter().position(|byte| is_blank(*byte) || b"()<>[]{}/%".contains(byte));
                    let (token, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 1));
                    self.rest = rest;
                    return Some(token);
                }
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'\0' | 0x0c)
}

fn after_string(text: &[u8]) -> &[u8] {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    text.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_that_may_hide_text() {
        let cases: [(&str, bool); 12] = [
            ("BT /F1 12 Tf (a) Tj ET", false),
            ("1 1 1 rg 0 0 595 842 re f 0 g BT (a) Tj ET", false),
            ("q 1 g 0 0 9 9 re f Q BT (a) Tj ET", false),
            ("1 g BT (a) Tj ET", true),
            ("0 0 0 0 k BT [(a) 12 (b)] TJ ET", true),
            ("0.95 0.95 0.95 rg BT (a) Tj ET", true),
            ("1 0 0 rg BT (a) Tj ET", false),
            ("BT 3 Tr (a) Tj ET", true),
            ("BT (a) Tj ET 1 1 1 rg 0 0 9 9 re f", true),
            ("BT (1 g \\) 3 Tr) Tj (b) Tj ET", false),
            ("(((((", false),
            ("/Cs8 cs 1 1 1 scn BT (a) Tj ET", true),
        ];
        for (content, expected) in cases {
            assert_eq!(draws_unseen(content.as_bytes()), expected, "{content}");
            let file = format!("5 0 obj << /Length 9 >>\nstream\n{content}\nendstream endobj");
            assert_eq!(is_suspect(file.as_bytes()), expected, "{content}");
        }
        assert!(is_suspect(b"trailer << /Encrypt 3 0 R >>"));
        assert!(!is_suspect(b"stream stream\n stream\r\nendstreamstream"));
    }
}
