//! Answers of language models: whatever an endpoint sends, it is read or refused within its limits; and whatever a model
//! says, what becomes of it are words of the document.

#![no_main]

use std::sync::LazyLock;

use extraction_svc::document::Document;
use extraction_svc::engine::{CompiledSchema, Question, Said, ground};
use extraction_svc::model_answers::answer;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Document> =
    LazyLock::new(|| serde_json::from_str(include_str!("extraction_document.json")).unwrap());

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    json!({"type": "object", "properties": {
        "number": {"type": "string", "title": "Invoice number"},
        "date": {"type": "string", "format": "date"},
        "total": {"type": "number"},
        "paid": {"type": "boolean"},
        "currency": {"enum": ["EUR", "USD"]},
        "supplier": {"type": "object", "properties": {"name": {"type": "string"}}},
        "notes": {"type": "array", "items": {"type": "string"}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {
            "description": {"type": "string"}, "amount": {"type": "number"},
        }}},
    }})
});
static COMPILED: LazyLock<CompiledSchema> = LazyLock::new(|| CompiledSchema::compile(&SCHEMA).unwrap());
static QUESTION: LazyLock<Question> = LazyLock::new(|| Question::new(&SCHEMA, &COMPILED));

/// Statuses that mean something to whoever asks.
const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 413, 429, 503];

// A byte for the status, then `Retry-After` and `Date` with their ends of line, then the body.
fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let mut parts = rest.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (retry_after, date, body) = (next(), next(), next());
    let status = STATUSES[usize::from(*first) % STATUSES.len()];
    let Some(said) = answer(status, retry_after, date, body) else { return };
    if !QUESTION.is_answered(&said) {
        return;
    }
    let words: Vec<&str> =
        DOCUMENT.pages.iter().flat_map(|page| &page.words).map(|word| word.text.as_str()).collect();
    let found = ground(&DOCUMENT, &COMPILED, None, &[Said { pages: 1..=1, answer: said }]);
    for leaf in &found.fields {
        assert_eq!(leaf.value.is_null(), leaf.source.is_none(), "{leaf:?}");
        if let Some(source) = &leaf.source {
            let is_there = |text: &str| words.iter().any(|word| word.contains(text));
            assert!(source.text.split_whitespace().all(is_there), "{leaf:?}");
        }
    }
});
