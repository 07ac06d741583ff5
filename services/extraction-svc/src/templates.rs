//! Schemas that come with Keyward, each with an example, and which of them a document is likely of.

use std::sync::OnceLock;

use serde_json::Value;

use crate::document::Document;
use crate::engine::{CompiledSchema, detect};

/// A schema by a name.
#[derive(Debug)]
pub struct BuiltIn {
    /// What callers ask for it by.
    pub name: &'static str,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// A JSON Schema; `examples` holds an answer.
    pub schema: Value,
    /// The same, ready for use.
    pub compiled: CompiledSchema,
}

const SOURCES: &[(&str, &str)] = &[
    ("contract", include_str!("templates/contract.json")),
    ("id-card", include_str!("templates/id-card.json")),
    ("invoice", include_str!("templates/invoice.json")),
    ("purchase-order", include_str!("templates/purchase-order.json")),
    ("receipt", include_str!("templates/receipt.json")),
    ("resume", include_str!("templates/resume.json")),
];

/// All of them, by name. A template that does not compile is left out; a test holds that none is.
pub fn built_in() -> &'static [BuiltIn] {
    static ALL: OnceLock<Vec<BuiltIn>> = OnceLock::new();
    ALL.get_or_init(|| {
        SOURCES
            .iter()
            .filter_map(|(name, source)| {
                let schema: Value = serde_json::from_str(source).ok()?;
                let compiled = CompiledSchema::compile(&schema).ok()?;
                let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                Some(BuiltIn {
                    name,
                    title: text("title"),
                    description: text("description"),
                    schema: schema.clone(),
                    compiled,
                })
            })
            .collect()
    })
}

/// The template that a document is most likely of, with how likely (0 to 1); `None` when nothing speaks for any.
pub fn detect_type(document: &Document) -> Option<(&'static BuiltIn, f64)> {
    let all = built_in();
    let kinds: Vec<(&str, &CompiledSchema)> = all.iter().map(|t| (t.name, &t.compiled)).collect();
    let (index, likely) = detect(document, &kinds)?;
    all.get(index).map(|template| (template, likely))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles_and_its_example_has_its_fields() {
        assert_eq!(built_in().len(), SOURCES.len());
        for template in built_in() {
            let properties = template.schema["properties"].as_object().unwrap();
            let example = template.schema["examples"][0].as_object().unwrap();
            let names = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(properties), names(example), "{}", template.name);
            assert!(!template.title.is_empty() && !template.description.is_empty());
        }
    }
}
