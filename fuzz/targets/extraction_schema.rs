//! Schemas of document extraction: whatever the text is, it is compiled or refused in words, within its limits; and what
//! was compiled answers a small document, each answer with its proof.

#![no_main]

use std::sync::LazyLock;

use extraction_svc::document::Document;
use extraction_svc::engine::{CompiledSchema, MAX_FIELDS, extract};
use libfuzzer_sys::fuzz_target;

static DOCUMENT: LazyLock<Document> =
    LazyLock::new(|| serde_json::from_str(include_str!("extraction_document.json")).unwrap());

fuzz_target!(|input: &[u8]| {
    match CompiledSchema::parse(input) {
        Ok(schema) => {
            assert!((1..=MAX_FIELDS).contains(&schema.len()));
            let found = extract(&DOCUMENT, &schema, None);
            for leaf in &found.fields {
                assert_eq!(leaf.value.is_null(), leaf.source.is_none(), "{leaf:?}");
            }
        }
        Err(refused) => assert!(!refused.message.is_empty()),
    }
});
