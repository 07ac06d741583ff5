//! Pages as messages.

use keyward_proto::extraction::v1 as pb;
use svc_core::error::{Error, Fault, Violation};

use crate::document::{Bounds, Line, Method, OnePage};

/// The most words of a page in one answer.
const WORDS_MAX: usize = 20_000;

/// The number of a page.
pub(super) fn number(sent: i32) -> Result<u32, Error> {
    match u32::try_from(sent) {
        Ok(number @ 1..) => Ok(number),
        _ => {
            let violation = Violation::new("page", Fault::OutOfRange, "`page` must be at least 1.");
            Err(Error::invalid(vec![violation]))
        }
    }
}

/// A page as callers see it.
pub(super) fn message(one: OnePage) -> pb::Page {
    let OnePage { page, previous, next } = one;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let lines = page
        .lines
        .iter()
        .zip(0_i32..)
        .flat_map(|(line, at): (&Line, i32)| line.words.range().map(move |_| at));
    let word_count = i32::try_from(page.words.len()).unwrap_or(i32::MAX);
    let words = page.words.into_iter().zip(lines).take(WORDS_MAX).map(|(word, line)| pb::PageWord {
        text: word.text,
        bounding_box: Some(bounding_box(word.bounds)),
        line,
        hidden: word.hidden,
        confidence: word.confidence.map(f64::from),
    });
    let words = words.collect();
    let method = match page.method {
        Method::Text => pb::ExtractionMethod::Text,
        Method::Ocr => pb::ExtractionMethod::Ocr,
    };
    pb::Page {
        number: number(page.number),
        name: page.name,
        width: page.width.into(),
        height: page.height.into(),
        synthetic: page.synthetic,
        method: method.into(),
        words,
        word_count,
        previous: previous.map(number),
        next: next.map(number),
    }
}

fn bounding_box(bounds: Bounds) -> pb::BoundingBox {
    pb::BoundingBox {
        left: bounds.left.into(),
        top: bounds.top.into(),
        width: bounds.width.into(),
        height: bounds.height.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Page, Span, Word};

    #[test]
    fn words_come_with_their_lines_and_not_without_bound() {
        let line = |start, end| Line {
            bounds: Bounds::default(),
            words: Span::new(start, end),
            cells: vec![Span::new(start, end)],
            block: 0,
            path: None,
        };
        let word =
            |hidden| Word { text: "x".to_owned(), bounds: Bounds::default(), hidden, confidence: None };
        let mut page = Page {
            number: 2,
            name: None,
            width: 595.0,
            height: 842.0,
            synthetic: false,
            turned: 0.0,
            method: Method::Ocr,
            reader: "tesseract".to_owned(),
            words: vec![word(false), word(true), word(false)],
            lines: vec![line(0, 2), line(2, 3)],
            tables: Vec::new(),
        };
        let of = |page: &Page| message(OnePage { page: page.clone(), previous: Some(1), next: None });
        let small = of(&page);
        let words: Vec<_> = small.words.iter().map(|word| (word.line, word.hidden)).collect();
        assert_eq!(words, [(0, false), (0, true), (1, false)]);
        assert_eq!((small.word_count, small.previous, small.next), (3, Some(1), None));
        assert_eq!(small.method(), pb::ExtractionMethod::Ocr);
        page.words = vec![word(false); WORDS_MAX + 5];
        page.lines = vec![line(0, WORDS_MAX + 5)];
        let large = of(&page);
        assert_eq!((large.words.len(), large.word_count as usize), (WORDS_MAX, WORDS_MAX + 5));
    }

    #[test]
    fn pages_are_counted_from_one() {
        for (sent, good) in [(1, true), (i32::MAX, true), (0, false), (-1, false), (i32::MIN, false)] {
            assert_eq!(number(sent).is_ok(), good, "{sent}");
        }
    }
}
