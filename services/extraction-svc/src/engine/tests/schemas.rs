//! Which schemas are understood, and what is said of those that are not.

use serde_json::{Value, json};

use crate::engine::{CompiledSchema, MAX_BYTES, MAX_DEPTH, MAX_ENUM, MAX_FIELDS};

fn of(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({"type": "string"}), |inner, _| of(json!({"a": inner})))
}

#[test]
fn what_is_understood_compiles() {
    for (schema, leaves) in [
        (of(json!({"a": {"type": "string"}})), 1),
        (of(json!({"a": {"type": ["string", "null"], "format": "date"}})), 1),
        (of(json!({"a": {"anyOf": [{"type": "number"}, {"type": "null"}], "title": "Total"}})), 1),
        (of(json!({"a": {"enum": ["x", "y", null]}, "b": {"const": "z"}, "c": {"type": "boolean"}})), 3),
        (of(json!({"a": {"type": "array", "items": {"type": "string"}}})), 1),
        (
            of(
                json!({"l": {"type": "array", "items": of(json!({"a": {"type": "string"}, "b": {"type": "number"}}))}}),
            ),
            2,
        ),
        (of(json!({"a": of(json!({"b": {"type": "integer", "minimum": 1, "maximum": 5}}))})), 1),
        (
            json!({"type": "object", "$defs": {"money": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/money"}, "b": {"$ref": "#/$defs/money"}}}),
            2,
        ),
        (of(json!({"a": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$", "x-order": 1}})), 1),
        (
            json!({"type": "object", "$defs": {"the line": of(json!({"b": {"type": "number"}}))}, "properties": {
                "a": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/the%20line"}}, {"type": "null"}]},
                "c": {"$ref": "#/$defs/the%20line", "title": "Other line"},
            }}),
            2,
        ),
        (
            of(
                json!({"a": {"type": ["number", "null"], "anyOf": [{"type": "number", "maximum": 1.0}], "maximum": 1.0}}),
            ),
            1,
        ),
    ] {
        let compiled = CompiledSchema::compile(&schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
        assert_eq!(compiled.len(), leaves, "{schema}");
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let many: Value = (0..10_000)
        .map(|i| (format!("p{i}"), json!({"type": "string"})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let huge: Vec<String> = (0..=MAX_ENUM).map(|i| i.to_string()).collect();
    for (schema, code, said) in [
        (json!(true), "invalid", "object"),
        (json!({}), "invalid", "type"),
        (of(json!({})), "invalid", "nothing"),
        (of(json!({"a": true})), "unsupported", "object"),
        (of(json!({"a": {}})), "invalid", "type"),
        (of(json!({"a": {"type": "text"}})), "invalid", "text"),
        (of(json!({"a": {"type": ["string", "number"]}})), "unsupported", "type"),
        (of(json!({"a": {"type": "string", "contentEncoding": "base64"}})), "unsupported", "contentEncoding"),
        (of(json!({"a": {"allOf": [{"type": "string"}]}})), "unsupported", "allOf"),
        (of(json!({"a": {"not": {"type": "string"}}})), "unsupported", "not"),
        (of(json!({"a": {"type": "string", "if": {}}})), "unsupported", "if"),
        (of(json!({"a": {"oneOf": [{"type": "string"}, {"type": "number"}]}})), "unsupported", "oneOf"),
        (
            json!({"type": "object", "patternProperties": {}, "properties": {}}),
            "unsupported",
            "patternProperties",
        ),
        (
            of(
                json!({"a": {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}}),
            ),
            "unsupported",
            "additionalProperties",
        ),
        (of(json!({"a": {"$ref": "https://example.com/schema"}})), "external_reference", "schema itself"),
        (of(json!({"a": {"$ref": "#"}})), "recursive", "itself"),
        (of(json!({"a": {"$ref": "#/properties/a"}})), "recursive", "itself"),
        (of(json!({"a": {"$ref": "#/$defs/gone"}})), "invalid", "not in the schema"),
        (of(json!({"a": {"$ref": 5}})), "invalid", "text"),
        (of(json!({"a": {"type": "string", "$anchor": "a"}})), "unsupported", "$anchor"),
        (
            of(
                json!({"a": {"$ref": "#/properties/b", "maxLength": 3}, "b": {"type": "string", "maxLength": 4}}),
            ),
            "unsupported",
            "maxLength",
        ),
        (of(json!({"a": {"type": "number", "minimum": "1"}})), "invalid", "minimum"),
        (of(json!({"a": {"type": "number", "minimum": 2, "maximum": 1}})), "invalid", "minimum"),
        (of(json!({"a": {"type": "number", "exclusiveMinimum": 1, "maximum": 1}})), "invalid", "minimum"),
        (of(json!({"a": {"type": "number", "multipleOf": 0}})), "invalid", "multipleOf"),
        (of(json!({"a": {"type": "string", "maxLength": -1}})), "invalid", "maxLength"),
        (of(json!({"a": {"type": "string", "minLength": 2, "maxLength": 1}})), "invalid", "minLength"),
        (of(json!({"a": {"type": "string", "title": 5}})), "invalid", "title"),
        (
            of(json!({"a": {"type": "array", "uniqueItems": 1, "items": {"type": "string"}}})),
            "invalid",
            "unique",
        ),
        (
            json!({"type": "object", "$defs": {"a": of(json!({"b": {"$ref": "#/$defs/a"}}))}, "properties": {"a": {"$ref": "#/$defs/a"}}}),
            "recursive",
            "itself",
        ),
        (of(many), "too_many_fields", &MAX_FIELDS.to_string()),
        (nested(MAX_DEPTH + 1), "too_deep", &MAX_DEPTH.to_string()),
        (nested(60), "too_deep", "deep"),
        (of(json!({"a": {"enum": huge}})), "too_large", "enum"),
        (of(json!({"a": {"enum": [1, 2]}})), "unsupported", "enum"),
        (of(json!({"a": {"type": "string", "pattern": "(("}})), "unsupported", "pattern"),
        (of(json!({"a": {"type": "string", "pattern": "(a{1000}){1000}"}})), "unsupported", "pattern"),
        (of(json!({"a": {"type": "string", "pattern": "(?=a)"}})), "unsupported", "pattern"),
        (of(json!({"a": {"type": "array"}})), "invalid", "items"),
        (
            of(json!({"a": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}})),
            "unsupported",
            "array",
        ),
        (
            of(
                json!({"a": {"type": "array", "items": of(json!({"b": of(json!({"c": {"type": "string"}}))}))}}),
            ),
            "unsupported",
            "single values",
        ),
        (of(json!({"a": {"type": "string", "title": "x".repeat(5_000)}})), "too_large", "title"),
        (
            json!({"$schema": "urn:other", "type": "object", "properties": {"a": {"type": "string"}}}),
            "unsupported",
            "JSON Schema",
        ),
    ] {
        let refused = CompiledSchema::compile(&schema).map(|_| ()).unwrap_err();
        let short: String = schema.to_string().chars().take(120).collect();
        assert_eq!(refused.code, code, "{short}: {refused}");
        assert!(refused.message.contains(said), "{short}: {refused} does not name {said:?}");
    }
}

/// References that fan out at each level, to objects that ask for nothing: a short schema of very many places.
#[test]
fn references_cannot_make_a_schema_larger_than_its_bounds() {
    let level = |below: usize| {
        let names = (0..100).map(|n| (format!("p{n}"), json!({"$ref": format!("#/$defs/{below}")})));
        of(names.collect::<serde_json::Map<_, _>>().into())
    };
    let mut levels: serde_json::Map<String, Value> = (1..9).map(|n| (n.to_string(), level(n - 1))).collect();
    levels.insert("0".to_owned(), of(json!({})));
    let schema = json!({"type": "object", "$defs": levels, "properties": {"a": {"$ref": "#/$defs/8"}}});
    assert_eq!(CompiledSchema::compile(&schema).unwrap_err().code, "too_many_fields");
}

#[test]
fn a_text_is_bounded_before_it_is_read() {
    let long = format!("{{\"$comment\": \"{}\"}}", "x".repeat(MAX_BYTES));
    assert_eq!(CompiledSchema::parse(long.as_bytes()).unwrap_err().code, "too_large");
    assert_eq!(CompiledSchema::parse(b"{").unwrap_err().code, "invalid");
    assert_eq!(CompiledSchema::parse(&b"[".repeat(100_000)).unwrap_err().code, "invalid");
    // A value that never was a text is bounded as well.
    let comments: Vec<String> = (0..600).map(|_| "x".repeat(1_000)).collect();
    let value = json!({"type": "object", "properties": {"a": {"type": "string", "examples": comments}}});
    assert_eq!(CompiledSchema::compile(&value).unwrap_err().code, "too_large");
}
