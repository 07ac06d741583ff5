//! Plain text, and what all readers do with text: which characters it is made of, and what a word is.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::layout::Flow;
use super::{Output, ReadError};
use crate::document::{Kind, MAX_WORD_CHARACTERS};

/// How far a tab goes.
const TAB: usize = 8;
/// How many blanks part what stands apart within a line.
const BLANKS: usize = 2;
/// Longer lines are broken: they are no lines that a person reads.
const MAX_LINE: usize = 2_000;

/// Reads text: a line as it stands, with what wide gaps part as cells.
pub(crate) fn read(text: &str, output: &mut Output<'_>) -> Result<(), ReadError> {
    let pages: Vec<&str> = text.split('\u{c}').collect();
    // A form feed ends a page: the last one may be followed by nothing.
    let count = match pages.last() {
        Some(last) if last.trim().is_empty() && pages.len() > 1 => pages.len() - 1,
        _ => pages.len(),
    };
    output.head(Kind::Text, u32::try_from(count).unwrap_or(u32::MAX))?;
    let mut line = 0_usize;
    for (number, text) in (1..).zip(pages.into_iter().take(count)) {
        let mut flow = Flow::default();
        lines(text, &mut line, &mut flow);
        if flow.words() > output.words_left() {
            return Err(output.too_many_words());
        }
        if let Some(page) = flow.into_page(number, None) {
            output.page(page)?;
        }
    }
    output.end()
}

/// Adds the lines of a text. `line` counts them through pages.
pub(crate) fn lines(text: &str, line: &mut usize, flow: &mut Flow) {
    for whole in text.lines() {
        *line += 1;
        if whole.trim().is_empty() {
            flow.block();
            continue;
        }
        flow.at(&format!("line[{line}]"));
        let mut rest = whole;
        while !rest.is_empty() {
            let end = rest.char_indices().nth(MAX_LINE).map_or(rest.len(), |(at, _)| at);
            let (part, after) = rest.split_at(end);
            one_line(part, flow);
            flow.end_line();
            rest = after;
        }
    }
}

fn one_line(line: &str, flow: &mut Flow) {
    let (mut column, mut blanks) = (0_usize, 0_usize);
    let mut word = String::new();
    let mut begins = None;
    for c in line.chars().chain([' ']) {
        if !c.is_whitespace() {
            if word.is_empty() {
                begins = (blanks >= BLANKS || column == blanks).then_some(column);
            }
            word.push(c);
            (column, blanks) = (column + 1, 0);
            continue;
        }
        if !word.is_empty() {
            if let Some(column) = begins {
                #[expect(clippy::cast_precision_loss, reason = "columns of a line that is bounded")]
                flow.gap(Some(column as f32));
            }
            flow.text(&word, false);
            flow.text(" ", false);
            word.clear();
        }
        let step = if c == '\t' { TAB - column % TAB } else { 1 };
        column += step;
        blanks += if c == '\t' { BLANKS } else { 1 };
    }
}

/// The words of a text: what stands between blanks, without characters that are not seen, and cut where it is longer
/// than a word can be.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in text.split_whitespace() {
        let mut word = String::with_capacity(part.len());
        let mut length = 0;
        for c in part.chars().filter(|c| !is_unseen(*c)) {
            if length == MAX_WORD_CHARACTERS {
                words.push(std::mem::take(&mut word));
                length = 0;
            }
            word.push(c);
            length += 1;
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

/// Controls, and what has no shape and no width: it would make two texts that look the same different ones.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text of bytes in whatever encoding: a mark at the begin says it, else UTF-8 when it is, else what `declared`
/// says, else what the bytes look like.
pub(crate) fn decode(bytes: &[u8], declared: Option<&'static Encoding>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    if let Some(encoding) = wide(bytes) {
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let guess = || {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Allow)
    };
    let encoding = declared.filter(|encoding| *encoding != UTF_8).unwrap_or_else(guess);
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// UTF-16 without a mark: text of mostly ASCII has every other byte zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..bytes.len().min(512) & !1)?;
    let pairs = sample.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |at: usize| sample.chunks_exact(2).filter(|pair| pair.get(at) == Some(&0)).count();
    match (zeros(0), zeros(1)) {
        (0, low) if low * 10 > pairs * 7 => Some(UTF_16LE),
        (high, 0) if high * 10 > pairs * 7 => Some(UTF_16BE),
        _ => None,
    }
}
