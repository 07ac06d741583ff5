//! From a JSON Schema to fields. What is not understood is refused by its name, never passed over.

use std::fmt;

use regex::RegexBuilder;
use serde_json::Value;

use crate::engine::lexicon::lexicon;
use crate::engine::text::words;
use crate::pointer;

use super::field::Range;
use super::place::{self, Next, Place};
use super::{CompiledSchema, Field, Kind, Node, Topic};

/// The longest schema as text, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The most leaves, columns of tables among them.
pub const MAX_FIELDS: usize = 500;
/// The most places, counted once for each reference that leads to them.
pub const MAX_PLACES: usize = 5_000;
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
    let mut compiler =
        Compiler { document: schema, fields: Vec::new(), references: Vec::new(), patterns: 0, places: 0 };
    let Some(root) = schema.as_object() else { return refuse("", "invalid", "a schema is an object") };
    if let Some(dialect) = root.get("$schema") {
        match dialect.as_str() {
            Some(d) if d.contains("json-schema.org/") => {}
            _ => return refuse("/$schema", "unsupported", "only JSON Schema is understood"),
        }
    }
    let node = compiler.node(schema, At { path: "", pointer: "", name: "", depth: 0, in_list: false })?;
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
    /// The places that were compiled.
    places: usize,
}

/// Where a place stands: in the schema, its value in the answer, and in what.
#[derive(Clone, Copy)]
struct At<'p> {
    /// In the schema, as a JSON Pointer.
    path: &'p str,
    /// Its value in the answer, as a JSON Pointer.
    pointer: &'p str,
    name: &'p str,
    depth: usize,
    in_list: bool,
}

impl<'a> Compiler<'a> {
    /// Compiles one place. `None`: it allows nothing but null.
    fn node(&mut self, schema: &'a Value, at: At<'_>) -> Result<Option<Node>> {
        let path = at.path;
        if at.depth > MAX_DEPTH {
            return refuse(path, "too_deep", format!("objects are nested at most {MAX_DEPTH} deep"));
        }
        // References may lead to the same objects in many ways, and these need not ask for anything.
        self.places += 1;
        if self.places > MAX_PLACES {
            return refuse(path, "too_many_fields", format!("a schema has at most {MAX_PLACES} places"));
        }
        let following = self.references.len();
        let place = self.place(schema, path)?;
        let node = match type_of(&place, path)? {
            "object" => self.object(&place, at).map(Some),
            "array" => self.array(&place, at).map(Some),
            "null" => Ok(None),
            scalar => self.scalar(&place, scalar, at).map(|index| Some(Node::Scalar(index))),
        };
        self.references.truncate(following);
        node
    }

    /// What holds at a place: its own keywords, and those that it leads to.
    fn place(&mut self, schema: &'a Value, path: &str) -> Result<Place<'a>> {
        let mut place = Place::default();
        let mut at = schema;
        loop {
            let Some(layer) = at.as_object() else {
                return refuse(path, "unsupported", "a schema is an object here");
            };
            for keyword in layer.keys() {
                if !KNOWN.contains(&keyword.as_str()) && !keyword.starts_with("x-") {
                    let message = format!("the keyword \"{}\" is not supported", clip(keyword));
                    return refuse(path, "unsupported", message);
                }
            }
            if let Err(keyword) = place.push(layer) {
                let message = format!("\"{keyword}\" stands twice, beside a reference or choice and in it");
                return refuse(path, "unsupported", message);
            }
            at = match place::next(layer) {
                Next::End => return Ok(place),
                Next::Reference(target) => self.target(target, path)?,
                Next::Choice(one) => one,
                Next::Invalid => return refuse(path, "invalid", "\"$ref\" is a text"),
                Next::Several(keyword) => {
                    let message =
                        format!("the keyword \"{keyword}\" is supported only for one schema or null");
                    return refuse(path, "unsupported", message);
                }
            };
        }
    }

    /// What a reference leads to.
    fn target(&mut self, target: &'a str, path: &str) -> Result<&'a Value> {
        let Some(inside) = target.strip_prefix('#') else {
            return refuse(path, "external_reference", "\"$ref\" may only point into the schema itself");
        };
        if self.references.contains(&target) || inside.is_empty() {
            return refuse(path, "recursive", format!("\"{}\" refers to itself", clip(target)));
        }
        let Some(found) = place::within(self.document, inside) else {
            return refuse(path, "invalid", format!("\"{}\" is not in the schema", clip(target)));
        };
        self.references.push(target);
        Ok(found)
    }

    fn object(&mut self, place: &Place<'a>, at: At<'_>) -> Result<Node> {
        let path = at.path;
        match place.get("additionalProperties") {
            None | Some(Value::Bool(_)) => {}
            Some(_) => return refuse(path, "unsupported", "\"additionalProperties\" is true or false"),
        }
        let Some(properties) = place.get("properties").and_then(Value::as_object) else {
            return refuse(path, "invalid", "an object has \"properties\"");
        };
        let mut members = Vec::with_capacity(properties.len().min(MAX_FIELDS));
        for (name, property) in properties {
            if name.len() > MAX_TEXT {
                return refuse(path, "too_large", "the name of a property is too long");
            }
            let escaped = pointer::escaped(name);
            let below = At {
                path: &format!("{path}/properties/{escaped}"),
                pointer: &format!("{}/{escaped}", at.pointer),
                name,
                depth: at.depth + 1,
                ..at
            };
            if let Some(node) = self.node(property, below)? {
                members.push((name.clone(), node));
            }
        }
        Ok(Node::Object(members))
    }

    fn array(&mut self, place: &Place<'a>, at: At<'_>) -> Result<Node> {
        let path = at.path;
        if at.in_list {
            return refuse(path, "unsupported", "an array within an array is not supported");
        }
        let Some(items) = place.get("items") else {
            return refuse(path, "invalid", "an array has \"items\"");
        };
        let most = length(place, "maxItems", path)?.unwrap_or(usize::MAX);
        let once = flag(place, "uniqueItems", path)?;
        length(place, "minItems", path)?;
        // The list's own label heads its items; it is kept even where the items have one.
        let (title, description) = (text(place, "title", path)?, text(place, "description", path)?);
        let mut group = Field::new(at.pointer.to_owned(), at.name, title, description, Kind::Text, "");
        group.is_group = true;
        group.max_items = most;
        group.unique_items = once;
        let group_index = self.push(group, path)?;
        let below = At {
            path: &format!("{path}/items"),
            pointer: &format!("{}/*", at.pointer),
            depth: at.depth + 1,
            in_list: true,
            ..at
        };
        match self.node(items, below)? {
            Some(Node::Scalar(i)) => {
                let group = self.fields.remove(group_index);
                let field = &mut self.fields[i - 1];
                field.label = group.label;
                field.other_label = group.other_label;
                field.description = group.description;
                field.max_items = group.max_items;
                field.unique_items = group.unique_items;
                if field.kind == Kind::Text {
                    field.topic = group.topic;
                }
                Ok(Node::List(i - 1))
            }
            Some(Node::Object(members)) => {
                let mut columns = Vec::with_capacity(members.len());
                for (name, node) in members {
                    let Node::Scalar(i) = node else {
                        return refuse(
                            below.path,
                            "unsupported",
                            "an object of a list holds single values only",
                        );
                    };
                    columns.push((name, i));
                }
                Ok(Node::Table(group_index, columns))
            }
            _ => refuse(below.path, "unsupported", "items of an array are single values or objects of such"),
        }
    }

    fn scalar(&mut self, place: &Place<'a>, of: &str, at: At<'_>) -> Result<usize> {
        let path = at.path;
        let format = text(place, "format", path)?;
        let kind = if let Some(choices) = place.get("enum") {
            Kind::Enum(choices_of(choices, path)?)
        } else if let Some(one) = place.get("const") {
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
        let (title, description) = (text(place, "title", path)?, text(place, "description", path)?);
        let mut field = Field::new(at.pointer.to_owned(), at.name, title, description, kind, format);
        field.in_list = at.in_list;
        field.range = range(place, path)?;
        field.min_length = length(place, "minLength", path)?.unwrap_or(0);
        field.max_length = length(place, "maxLength", path)?.unwrap_or(usize::MAX);
        if field.min_length > field.max_length {
            return refuse(path, "invalid", "\"minLength\" is more than \"maxLength\"");
        }
        if place.has("pattern") {
            let pattern = text(place, "pattern", path)?;
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

fn type_of<'a>(place: &Place<'a>, path: &str) -> Result<&'a str> {
    let named = match place.get("type") {
        Some(types @ (Value::String(_) | Value::Array(_))) => match place::real_types(types)[..] {
            [one] => Some(one),
            [] if types == "null" => Some("null"),
            _ => return refuse(path, "unsupported", "\"type\" is one type, or one and \"null\""),
        },
        Some(_) => return refuse(path, "invalid", "\"type\" is a text"),
        None if place.has("properties") => Some("object"),
        None if place.has("items") => Some("array"),
        None if place.has("enum") || place.has("const") || place.has("format") => Some("string"),
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

fn text<'a>(place: &Place<'a>, keyword: &str, path: &str) -> Result<&'a str> {
    match place.get(keyword) {
        None => Ok(""),
        Some(Value::String(text)) if text.len() <= MAX_TEXT => Ok(text),
        Some(Value::String(_)) => {
            refuse(path, "too_large", format!("\"{keyword}\" has at most {MAX_TEXT} bytes"))
        }
        Some(_) => refuse(path, "invalid", format!("\"{keyword}\" is a text")),
    }
}

fn number(place: &Place<'_>, keyword: &str, path: &str) -> Result<Option<f64>> {
    match place.get(keyword) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(_) => refuse(path, "invalid", format!("\"{keyword}\" is a number")),
    }
}

fn length(place: &Place<'_>, keyword: &str, path: &str) -> Result<Option<usize>> {
    let Some(value) = place.get(keyword) else { return Ok(None) };
    // JSON Schema has whole numbers written as 1.0, too.
    let whole = value.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0);
    match whole {
        Some(length) => Ok(Some(length as usize)),
        None => refuse(path, "invalid", format!("\"{keyword}\" is a whole number from 0 on")),
    }
}

fn flag(place: &Place<'_>, keyword: &str, path: &str) -> Result<bool> {
    match place.get(keyword) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => refuse(path, "invalid", format!("\"{keyword}\" is true or false")),
    }
}

fn range(place: &Place<'_>, path: &str) -> Result<Range> {
    let range = Range {
        least: number(place, "minimum", path)?,
        above: number(place, "exclusiveMinimum", path)?,
        most: number(place, "maximum", path)?,
        below: number(place, "exclusiveMaximum", path)?,
        multiple_of: number(place, "multipleOf", path)?,
    };
    if range.multiple_of.is_some_and(|step| step <= 0.0) {
        return refuse(path, "invalid", "\"multipleOf\" is more than 0");
    }
    match range.is_empty() {
        true => refuse(path, "invalid", "no number is within \"minimum\" and \"maximum\""),
        false => Ok(range),
    }
}

/// As much of a text from outside as a message holds.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
