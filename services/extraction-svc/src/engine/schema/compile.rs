//! From a JSON Schema to fields. What is not understood is refused by its name, never passed over.

use std::fmt;

use regex::RegexBuilder;
use serde_json::{Map, Value};

use crate::engine::lexicon::lexicon;
use crate::engine::text::words;
use crate::pointer;

use super::{CompiledSchema, Field, Kind, Node, Topic};

/// The longest schema as text, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The most leaves, columns of tables among them.
pub const MAX_FIELDS: usize = 500;
/// The deepest nesting of objects.
pub const MAX_DEPTH: usize = 12;
/// The most values of one `enum`.
pub const MAX_ENUM: usize = 1_000;
/// The longest name, title or text of an `enum`, in bytes.
const MAX_TEXT: usize = 2_000;
/// The longest `pattern`, in bytes.
const MAX_PATTERN: usize = 1_000;
/// The memory that one compiled pattern may take, in bytes.
const MAX_PATTERN_MEMORY: usize = 256 * 1024;
/// The memory that all patterns together may take is bounded by how many there may be.
const MAX_PATTERNS: usize = 50;

/// Why a schema is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// Where in the schema, as a JSON Pointer.
    pub path: String,
    /// A stable code: `invalid`, `unsupported`, `too_large`, `too_deep`, `too_many_fields`, `recursive`,
    /// `external_reference`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.message, if self.path.is_empty() { "the root" } else { &self.path })
    }
}

impl std::error::Error for SchemaError {}

type Result<T> = std::result::Result<T, SchemaError>;

fn refuse<T>(path: &str, code: &'static str, message: impl Into<String>) -> Result<T> {
    Err(SchemaError { path: path.to_owned(), code, message: message.into() })
}

/// Keywords that say something we use or that change nothing of what is looked for.
const KNOWN: &[&str] = &[
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "$comment",
    "$anchor",
    "definitions",
    "type",
    "title",
    "description",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "nullable",
    "anyOf",
    "oneOf",
];

pub(super) fn parse(text: &[u8]) -> Result<CompiledSchema> {
    if text.len() > MAX_BYTES {
        return refuse("", "too_large", format!("a schema has at most {MAX_BYTES} bytes"));
    }
    // serde_json refuses nesting beyond 128 by itself.
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => compile(&value),
        Err(error) => refuse("", "invalid", format!("it is no JSON: {error}")),
    }
}

pub(super) fn compile(schema: &Value) -> Result<CompiledSchema> {
    let mut counted = 0;
    measure(schema, 0, &mut counted)?;
    let mut compiler = Compiler { document: schema, fields: Vec::new(), references: Vec::new(), patterns: 0 };
    let Some(root) = schema.as_object() else { return refuse("", "invalid", "a schema is an object") };
    if let Some(dialect) = root.get("$schema") {
        match dialect.as_str() {
            Some(d) if d.contains("json-schema.org/") => {}
            _ => return refuse("/$schema", "unsupported", "only JSON Schema is understood"),
        }
    }
    let node = compiler.node(schema, "", "", "", 0, false)?;
    let Some(Node::Object(root)) = node else {
        return refuse("", "invalid", "the root is an object with properties");
    };
    if !compiler.fields.iter().any(|f| !f.is_group) {
        return refuse("", "invalid", "it asks for nothing");
    }
    let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
    let about = lexicon().meaning(&words(title));
    for field in &mut compiler.fields {
        field.issues = field.is_issuer(&about);
        field.of_document = field.is_of_document(&about);
        if field.is_title(&about) {
            field.topic = Topic::Heading;
        }
    }
    Ok(CompiledSchema { root, fields: compiler.fields, about })
}

/// Bounds what a `Value` that did not come through [`parse`] may be.
fn measure(value: &Value, depth: usize, counted: &mut usize) -> Result<()> {
    if depth > 128 {
        return refuse("", "too_deep", "it is nested too deeply");
    }
    *counted += match value {
        Value::String(s) => s.len() + 3,
        Value::Array(items) => {
            for item in items {
                measure(item, depth + 1, counted)?;
            }
            2
        }
        Value::Object(members) => {
            for (name, member) in members {
                *counted += name.len() + 4;
                measure(member, depth + 1, counted)?;
            }
            2
        }
        _ => 4,
    };
    if *counted > 2 * MAX_BYTES {
        return refuse("", "too_large", format!("a schema has at most {MAX_BYTES} bytes"));
    }
    Ok(())
}

struct Compiler<'a> {
    document: &'a Value,
    fields: Vec<Field>,
    /// The references that are being followed, to see recursion.
    references: Vec<&'a str>,
    patterns: usize,
}

impl<'a> Compiler<'a> {
    /// Compiles one place. `path` is where it stands in the schema, `pointer` where its value stands in the answer.
    /// `None`: it allows nothing but null.
    fn node(
        &mut self,
        schema: &'a Value,
        path: &str,
        pointer: &str,
        name: &str,
        depth: usize,
        in_list: bool,
    ) -> Result<Option<Node>> {
        if depth > MAX_DEPTH {
            return refuse(path, "too_deep", format!("objects are nested at most {MAX_DEPTH} deep"));
        }
        let Some(schema) = schema.as_object() else {
            return refuse(path, "unsupported", "a schema is an object here");
        };
        for keyword in schema.keys() {
            if !KNOWN.contains(&keyword.as_str()) && !keyword.starts_with("x-") {
                return refuse(
                    path,
                    "unsupported",
                    format!("the keyword \"{}\" is not supported", clip(keyword)),
                );
            }
        }
        if let Some(reference) = schema.get("$ref") {
            return self.follow(reference, path, pointer, name, depth, in_list);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(keyword) {
                return self.choice(schema, keyword, choices, path, pointer, name, depth, in_list);
            }
        }
        match type_of(schema, path)? {
            "object" => self.object(schema, path, pointer, depth, in_list).map(Some),
            "array" => self.array(schema, path, pointer, name, depth, in_list).map(Some),
            "null" => Ok(None),
            scalar => {
                self.scalar(schema, scalar, path, pointer, name, in_list).map(|i| Some(Node::Scalar(i)))
            }
        }
    }

    fn follow(
        &mut self,
        reference: &'a Value,
        path: &str,
        pointer: &str,
        name: &str,
        depth: usize,
        in_list: bool,
    ) -> Result<Option<Node>> {
        let Some(target) = reference.as_str() else { return refuse(path, "invalid", "\"$ref\" is a text") };
        let Some(inside) = target.strip_prefix('#') else {
            return refuse(path, "external_reference", "\"$ref\" may only point into the schema itself");
        };
        if self.references.contains(&target) || inside.is_empty() {
            return refuse(path, "recursive", format!("\"{}\" refers to itself", clip(target)));
        }
        let Some(found) = self.document.pointer(inside) else {
            return refuse(path, "invalid", format!("\"{}\" is not in the schema", clip(target)));
        };
        self.references.push(target);
        let node = self.node(found, path, pointer, name, depth + 1, in_list);
        self.references.pop();
        node
    }

    /// `anyOf` and `oneOf` say only that a value may be null.
    #[expect(clippy::too_many_arguments, reason = "a place of the schema and one of the answer")]
    fn choice(
        &mut self,
        schema: &'a Map<String, Value>,
        keyword: &str,
        choices: &'a Value,
        path: &str,
        pointer: &str,
        name: &str,
        depth: usize,
        in_list: bool,
    ) -> Result<Option<Node>> {
        let choices = choices.as_array().map(Vec::as_slice).unwrap_or_default();
        let real: Vec<&Value> =
            choices.iter().filter(|c| c.get("type").and_then(Value::as_str) != Some("null")).collect();
        let [one] = real[..] else {
            return refuse(
                path,
                "unsupported",
                format!("the keyword \"{keyword}\" is supported only for one schema or null"),
            );
        };
        let before = self.fields.len();
        let node = self.node(one, &format!("{path}/{keyword}"), pointer, name, depth + 1, in_list)?;
        // A title beside the choice is a better label than none within it.
        let (title, description) = (text(schema, "title"), text(schema, "description"));
        if let (Some(Node::Scalar(i)), true) = (&node, title.is_some() || description.is_some())
            && *i >= before
        {
            let old = self.fields[*i].clone();
            let format = one.get("format").and_then(Value::as_str).unwrap_or_default();
            let title = title.or_else(|| one.get("title").and_then(Value::as_str)).unwrap_or_default();
            let description =
                description.or_else(|| one.get("description").and_then(Value::as_str)).unwrap_or_default();
            let fresh = Field::new(old.path.clone(), name, title, description, old.kind.clone(), format);
            let field = &mut self.fields[*i];
            field.label = fresh.label;
            field.other_label = fresh.other_label;
            field.description = fresh.description;
            field.topic = fresh.topic;
        }
        Ok(node)
    }

    fn object(
        &mut self,
        schema: &'a Map<String, Value>,
        path: &str,
        pointer: &str,
        depth: usize,
        in_list: bool,
    ) -> Result<Node> {
        match schema.get("additionalProperties") {
            None | Some(Value::Bool(_)) => {}
            Some(_) => return refuse(path, "unsupported", "\"additionalProperties\" is true or false"),
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return refuse(path, "invalid", "an object has \"properties\"");
        };
        let mut members = Vec::with_capacity(properties.len().min(MAX_FIELDS));
        for (name, property) in properties {
            if name.len() > MAX_TEXT {
                return refuse(path, "too_large", "the name of a property is too long");
            }
            let escaped = pointer::escaped(name);
            let at = format!("{path}/properties/{escaped}");
            if let Some(node) =
                self.node(property, &at, &format!("{pointer}/{escaped}"), name, depth + 1, in_list)?
            {
                members.push((name.clone(), node));
            }
        }
        Ok(Node::Object(members))
    }

    fn array(
        &mut self,
        schema: &'a Map<String, Value>,
        path: &str,
        pointer: &str,
        name: &str,
        depth: usize,
        in_list: bool,
    ) -> Result<Node> {
        if in_list {
            return refuse(path, "unsupported", "an array within an array is not supported");
        }
        let Some(items) = schema.get("items") else {
            return refuse(path, "invalid", "an array has \"items\"");
        };
        let at = format!("{path}/items");
        let below = format!("{pointer}/*");
        // The list's own label heads its items; it is kept even where the items have one.
        let (title, description) =
            (text(schema, "title").unwrap_or_default(), text(schema, "description").unwrap_or_default());
        let mut group = Field::new(pointer.to_owned(), name, title, description, Kind::Text, "");
        group.is_group = true;
        let group_index = self.push(group, path)?;
        match self.node(items, &at, &below, name, depth + 1, true)? {
            Some(Node::Scalar(i)) => {
                let group = self.fields.remove(group_index);
                let field = &mut self.fields[i - 1];
                field.label = group.label;
                field.other_label = group.other_label;
                field.description = group.description;
                if field.kind == Kind::Text {
                    field.topic = group.topic;
                }
                Ok(Node::List(i - 1))
            }
            Some(Node::Object(members)) => {
                let mut columns = Vec::with_capacity(members.len());
                for (name, node) in members {
                    let Node::Scalar(i) = node else {
                        return refuse(&at, "unsupported", "an object of a list holds single values only");
                    };
                    columns.push((name, i));
                }
                Ok(Node::Table(group_index, columns))
            }
            _ => refuse(&at, "unsupported", "items of an array are single values or objects of such"),
        }
    }

    fn scalar(
        &mut self,
        schema: &'a Map<String, Value>,
        of: &str,
        path: &str,
        pointer: &str,
        name: &str,
        in_list: bool,
    ) -> Result<usize> {
        let format = text(schema, "format").unwrap_or_default();
        let kind = if let Some(choices) = schema.get("enum") {
            Kind::Enum(choices_of(choices, path)?)
        } else if let Some(one) = schema.get("const") {
            Kind::Enum(choices_of(&Value::Array(vec![one.clone()]), path)?)
        } else {
            match (of, format) {
                ("string", "date" | "date-time") => Kind::Date,
                ("number", _) => Kind::Number(false),
                ("integer", _) => Kind::Number(true),
                ("boolean", _) => Kind::Boolean,
                _ => Kind::Text,
            }
        };
        for keyword in ["title", "description"] {
            if text(schema, keyword).is_some_and(|t| t.len() > MAX_TEXT) {
                return refuse(path, "too_large", format!("\"{keyword}\" has at most {MAX_TEXT} bytes"));
            }
        }
        let (title, description) =
            (text(schema, "title").unwrap_or_default(), text(schema, "description").unwrap_or_default());
        let mut field = Field::new(pointer.to_owned(), name, title, description, kind, format);
        field.in_list = in_list;
        field.minimum = number(schema, "minimum").or_else(|| number(schema, "exclusiveMinimum"));
        field.maximum = number(schema, "maximum").or_else(|| number(schema, "exclusiveMaximum"));
        field.min_length = length(schema, "minLength").unwrap_or(0);
        field.max_length = length(schema, "maxLength").unwrap_or(usize::MAX);
        if let Some(pattern) = text(schema, "pattern") {
            self.patterns += 1;
            if pattern.len() > MAX_PATTERN || self.patterns > MAX_PATTERNS {
                return refuse(
                    path,
                    "too_large",
                    format!("a schema has at most {MAX_PATTERNS} patterns of {MAX_PATTERN} bytes"),
                );
            }
            match RegexBuilder::new(pattern)
                .size_limit(MAX_PATTERN_MEMORY)
                .dfa_size_limit(MAX_PATTERN_MEMORY)
                .build()
            {
                Ok(regex) => field.pattern = Some(regex),
                Err(_) => {
                    return refuse(path, "unsupported", "the pattern is not understood, or is too large");
                }
            }
        }
        self.push(field, path)
    }

    fn push(&mut self, field: Field, path: &str) -> Result<usize> {
        if self.fields.len() >= MAX_FIELDS {
            return refuse(path, "too_many_fields", format!("a schema asks for at most {MAX_FIELDS} values"));
        }
        self.fields.push(field);
        Ok(self.fields.len() - 1)
    }
}

fn type_of<'a>(schema: &'a Map<String, Value>, path: &str) -> Result<&'a str> {
    let named = match schema.get("type") {
        Some(Value::String(one)) => Some(one.as_str()),
        Some(Value::Array(several)) => {
            let real: Vec<&str> = several.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect();
            match real[..] {
                [one] => Some(one),
                _ => return refuse(path, "unsupported", "\"type\" is one type, or one and \"null\""),
            }
        }
        Some(_) => return refuse(path, "invalid", "\"type\" is a text"),
        None if schema.contains_key("properties") => Some("object"),
        None if schema.contains_key("items") => Some("array"),
        None if schema.contains_key("enum")
            || schema.contains_key("const")
            || schema.contains_key("format") =>
        {
            Some("string")
        }
        None => None,
    };
    match named {
        Some(t @ ("object" | "array" | "string" | "number" | "integer" | "boolean" | "null")) => Ok(t),
        Some(other) => refuse(path, "invalid", format!("\"{}\" is no type", clip(other))),
        None => refuse(path, "invalid", "a value has a \"type\""),
    }
}

fn choices_of(choices: &Value, path: &str) -> Result<Vec<String>> {
    let Some(choices) = choices.as_array() else { return refuse(path, "invalid", "\"enum\" is an array") };
    if choices.is_empty() || choices.len() > MAX_ENUM {
        return refuse(path, "too_large", format!("\"enum\" has 1 to {MAX_ENUM} values"));
    }
    let mut texts = Vec::with_capacity(choices.len());
    for choice in choices {
        match choice {
            Value::Null => {}
            Value::String(s) if s.len() <= MAX_TEXT => texts.push(s.clone()),
            _ => return refuse(path, "unsupported", "the values of \"enum\" are texts"),
        }
    }
    Ok(texts)
}

fn text<'a>(schema: &'a Map<String, Value>, keyword: &str) -> Option<&'a str> {
    schema.get(keyword).and_then(Value::as_str)
}

fn number(schema: &Map<String, Value>, keyword: &str) -> Option<f64> {
    schema.get(keyword).and_then(Value::as_f64)
}

fn length(schema: &Map<String, Value>, keyword: &str) -> Option<usize> {
    schema.get(keyword).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}

/// As much of a text from outside as a message holds.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
