//! A place of a JSON Schema, with what `$ref`, `anyOf` and `oneOf` lead to from there.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// How many references are followed from one place to the next, once a schema has been compiled.
const FOLLOWED_MAX: usize = 64;

/// The objects whose keywords hold at a place, the outermost first: what stands there, and what that leads to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place<'a> {
    layers: Vec<&'a Map<String, Value>>,
}

/// What an object leads to, beside its own keywords.
pub(super) enum Next<'a> {
    /// Nothing.
    End,
    /// The place of the same schema that `$ref` names.
    Reference(&'a str),
    /// Of `anyOf` or `oneOf`, the one schema beside null.
    Choice(&'a Value),
    /// A reference that is no text.
    Invalid,
    /// More than one schema beside null, by this keyword.
    Several(&'static str),
}

/// Keywords that say something about a value and do not bind it. Of several the outermost counts.
const NOTES: &[&str] = &[
    "$schema",
    "$id",
    "$defs",
    "$comment",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "nullable",
    "required",
];

impl<'a> Place<'a> {
    /// The place that a compiled schema has here.
    pub(crate) fn of(root: &'a Value, at: &'a Value) -> Place<'a> {
        let mut place = Place::default();
        let mut at = Some(at);
        while let Some(layer) = at.and_then(Value::as_object)
            && place.layers.len() < FOLLOWED_MAX
        {
            place.layers.push(layer);
            at = match next(layer) {
                Next::Reference(target) => target.strip_prefix('#').and_then(|inside| within(root, inside)),
                Next::Choice(one) => Some(one),
                Next::End | Next::Invalid | Next::Several(_) => None,
            };
        }
        place
    }

    /// What a keyword says here.
    pub(crate) fn get(&self, keyword: &str) -> Option<&'a Value> {
        self.layers.iter().find_map(|layer| layer.get(keyword))
    }

    pub(crate) fn has(&self, keyword: &str) -> bool {
        self.get(keyword).is_some()
    }

    /// Adds what the place leads to. A keyword that would bind a value in two ways is given back.
    pub(super) fn push(&mut self, layer: &'a Map<String, Value>) -> Result<(), &'a str> {
        let binds = |keyword: &str| !NOTES.contains(&keyword) && !keyword.starts_with("x-");
        let leads = |keyword: &str| matches!(keyword, "$ref" | "anyOf" | "oneOf");
        for (keyword, value) in layer {
            let other = self.get(keyword).filter(|_| binds(keyword) && !leads(keyword));
            if other.is_some_and(|other| match keyword.as_str() {
                "type" => real_types(other) != real_types(value),
                _ => other != value,
            }) {
                return Err(keyword);
            }
        }
        self.layers.push(layer);
        Ok(())
    }
}

/// The types beside null.
pub(super) fn real_types(types: &Value) -> Vec<&str> {
    let named = match types {
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    };
    named.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect()
}

/// What an object leads to.
pub(super) fn next(layer: &Map<String, Value>) -> Next<'_> {
    if let Some(reference) = layer.get("$ref") {
        return match reference.as_str() {
            Some(target) => Next::Reference(target),
            None => Next::Invalid,
        };
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(choices) = layer.get(keyword) else { continue };
        let choices = choices.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_null = |choice: &&Value| choice.get("type").and_then(Value::as_str) == Some("null");
        let mut real = choices.iter().filter(|choice| !is_null(choice));
        return match (real.next(), real.next()) {
            (Some(one), None) => Next::Choice(one),
            _ => Next::Several(keyword),
        };
    }
    Next::End
}

/// What a JSON Pointer in a fragment (RFC 6901, 6) leads to.
pub(super) fn within<'a>(root: &'a Value, fragment: &str) -> Option<&'a Value> {
    root.pointer(&percent_decode_str(fragment).decode_utf8().ok()?)
}
