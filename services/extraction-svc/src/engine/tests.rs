//! Made-up documents, and what the engine finds in them.

mod extracts;
mod forms;
mod goods;
mod grounds;
mod layouts;
mod learns;
mod recognises;
mod relations;
mod schemas;
mod spans;
mod wholes;

use serde_json::{Value, json};

use crate::document::{Bounds, Document, Kind, Line, Method, Page, Span, Word};

use super::{CompiledSchema, Extraction, extract};

/// How wide a letter and how tall a line is, in fractions of the page.
const LETTER: f32 = 0.01;
const LINE: f32 = 0.014;

/// A page of texts at their places: (left in letters, line, text).
fn paper(texts: &[(u16, u16, &str)]) -> Document {
    let mut page = Page {
        number: 1,
        name: None,
        width: 600.0,
        height: 800.0,
        synthetic: false,
        turned: 0.0,
        method: Method::Text,
        reader: "test".to_owned(),
        words: Vec::new(),
        lines: Vec::new(),
        tables: Vec::new(),
    };
    for (block, (left, line, text)) in texts.iter().enumerate() {
        let start = page.words.len();
        let mut at = f32::from(*left);
        for word in text.split(' ') {
            let count = f32::from(u16::try_from(word.chars().count()).unwrap());
            if !word.is_empty() {
                let top = f32::from(*line) * 1.5 * LINE;
                let bounds = Bounds { left: at * LETTER, top, width: count * LETTER, height: LINE };
                page.words.push(Word { text: word.to_owned(), bounds, hidden: false, confidence: None });
            }
            at += count + 0.6;
        }
        let words = Span::new(start, page.words.len());
        let bounds = page.words[start].bounds;
        page.lines.push(Line {
            bounds,
            words,
            cells: vec![words],
            block: u32::try_from(block).unwrap(),
            path: None,
        });
    }
    Document {
        kind: Kind::Pdf,
        page_count: 1,
        pages: vec![page],
        attachments: vec![],
        notices: vec![],
        languages: vec![],
    }
}

fn schema(properties: Value) -> CompiledSchema {
    schema_of("Test", properties)
}

/// A schema whose title says what the document is.
fn schema_of(title: &str, properties: Value) -> CompiledSchema {
    CompiledSchema::compile(&json!({"title": title, "type": "object", "properties": properties})).unwrap()
}

/// What stands in these texts.
fn found(texts: &[(u16, u16, &str)], properties: Value) -> Value {
    found_of("Test", texts, properties)
}

/// The same of a schema with this title.
fn found_of(title: &str, texts: &[(u16, u16, &str)], properties: Value) -> Value {
    let document = paper(texts);
    let found = extract(&document, &schema_of(title, properties), None);
    assert_proven(&document, &found);
    found.data
}

/// Every answer stands in the document, word for word, and so does the text that it was read from.
fn assert_proven(document: &Document, found: &Extraction) {
    let all: String = document.pages.iter().flat_map(|p| &p.words).map(|w| w.text.as_str()).collect();
    for leaf in found.fields.iter().filter(|leaf| !leaf.value.is_null()) {
        let source = leaf.source.as_ref().unwrap();
        assert!(source.bounds.is_valid(), "{leaf:?}");
        assert!((0.0..=1.0).contains(&leaf.confidence), "{leaf:?}");
        for word in source.text.split(' ') {
            assert!(all.contains(word), "{word:?} of {leaf:?} is not in the document");
        }
    }
}

/// A small invoice, in the words of a language.
fn invoice(words: [&str; 5], number: &str, date: &str, total: &str) -> Document {
    paper(&[
        (4, 1, "Northwind Paper Ltd"),
        (4, 2, "12 Station Street"),
        (4, 3, "Leeds, LS1 4AP"),
        (4, 6, words[0]),
        (4, 8, words[1]),
        (30, 8, number),
        (4, 9, words[2]),
        (30, 9, date),
        (4, 11, "Paper A4"),
        (50, 11, "100.00"),
        (4, 13, words[3]),
        (50, 13, "20.00"),
        (4, 14, words[4]),
        (50, 14, total),
    ])
}
