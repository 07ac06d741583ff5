//! What a language model is asked: the fields in words, the form of its answer, and the document as it is read to it.

use serde_json::{Map, Value, json};

use crate::document::Document;

use super::layout::View;
use super::schema::{CompiledSchema, Kind, Node};

/// What parts the cells of a row.
const BETWEEN_CELLS: &str = " | ";
/// The most choices that stand in the form of the answer; servers refuse or are slow with more. What is answered instead is
/// looked at anyway.
const MOST_CHOICES: usize = 100;
/// The most characters of a field's description, and of its choices.
const DESCRIPTION_MAX: usize = 300;
/// How many references lead to a place of a schema: it is compiled, so they come to an end.
const REFERENCES_MAX: usize = 20;

/// A schema as a question.
#[derive(Debug, Clone)]
pub struct Question {
    /// A line a field.
    pub fields: String,
    /// The JSON Schema of the answer: the shape of the schema with a text or `null` at each leaf, since values are copied.
    pub form: Value,
}

impl Question {
    /// Of a schema as it was given, and compiled.
    #[must_use]
    pub fn new(schema: &Value, compiled: &CompiledSchema) -> Self {
        let mut asked = Asked { root: schema, compiled, fields: String::new() };
        let form = asked.object(schema, &compiled.root, "");
        Self { fields: asked.fields, form }
    }

    /// Whether an answer has the shape that was asked for. What is left out of it is not in the document.
    #[must_use]
    pub fn is_answered(&self, answer: &Value) -> bool {
        fits(&self.form, answer)
    }
}

struct Asked<'a> {
    root: &'a Value,
    compiled: &'a CompiledSchema,
    fields: String,
}

impl<'a> Asked<'a> {
    fn object(&mut self, schema: &'a Value, members: &[(String, Node)], path: &str) -> Value {
        let mut properties = Map::new();
        for (name, node) in members {
            let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let of =
                self.resolved(schema).get("properties").and_then(|all| all.get(name)).unwrap_or(&Value::Null);
            properties.insert(name.clone(), self.node(of, node, &at));
        }
        let required: Vec<&String> = members.iter().map(|(name, _)| name).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    fn node(&mut self, schema: &'a Value, node: &Node, path: &str) -> Value {
        match node {
            Node::Object(inside) => self.object(schema, inside, path),
            Node::Scalar(index) => {
                self.line(schema, path, &self.compiled.fields[*index].kind);
                self.leaf(*index, true)
            }
            Node::List(index) => {
                self.line(schema, &format!("{path}[]"), &self.compiled.fields[*index].kind);
                json!({"type": "array", "items": self.leaf(*index, false)})
            }
            Node::Table(_, columns) => {
                let items = self.resolved(schema).get("items").unwrap_or(&Value::Null);
                let columns: Vec<(String, Node)> =
                    columns.iter().map(|(name, index)| (name.clone(), Node::Scalar(*index))).collect();
                self.line(schema, &format!("{path}[]"), &Kind::Text);
                json!({"type": "array", "items": self.object(items, &columns, &format!("{path}[]"))})
            }
        }
    }

    fn leaf(&self, index: usize, may_be_null: bool) -> Value {
        let kind = if may_be_null { json!(["string", "null"]) } else { json!("string") };
        match &self.compiled.fields[index].kind {
            Kind::Enum(choices) if choices.len() <= MOST_CHOICES => {
                let null = may_be_null.then_some(Value::Null);
                let choices: Vec<Value> = choices.iter().map(|choice| json!(choice)).chain(null).collect();
                json!({"type": kind, "enum": choices})
            }
            _ => json!({"type": kind}),
        }
    }

    /// "total: Total due. What is to be paid. (a number)"
    fn line(&mut self, schema: &'a Value, path: &str, kind: &Kind) {
        let text = |keyword: &str| {
            let own =
                schema.get(keyword).or_else(|| self.resolved(schema).get(keyword)).and_then(Value::as_str);
            own.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|text| !text.is_empty())
        };
        let mut line = format!("- {path}");
        let described =
            [text("title"), text("description")].into_iter().flatten().collect::<Vec<_>>().join(". ");
        if !described.is_empty() {
            line.push_str(": ");
            line.extend(described.chars().take(DESCRIPTION_MAX));
        }
        match kind {
            Kind::Date => line.push_str(" (a date)"),
            Kind::Number(_) => line.push_str(" (a number)"),
            Kind::Boolean => line.push_str(" (the word or mark that says yes or no)"),
            Kind::Enum(choices) => {
                // The form of the answer has all of them.
                let named = choices.join("; ");
                if named.len() <= DESCRIPTION_MAX {
                    line.push_str(&format!(" (one of: {named})"));
                }
            }
            Kind::Text => {}
        }
        self.fields.push_str(&line);
        self.fields.push('\n');
    }

    /// The schema that a place refers to, and of one that may be null the other.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let mut at = schema;
        for _ in 0..REFERENCES_MAX {
            let reference =
                at.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
            let choices = at.get("anyOf").or_else(|| at.get("oneOf")).and_then(Value::as_array);
            let is_null = |one: &&Value| one.get("type").and_then(Value::as_str) == Some("null");
            let next = match (reference, choices) {
                (Some(inside), _) => self.root.pointer(inside),
                (None, Some(choices)) => choices.iter().find(|one| !is_null(one)),
                (None, None) => return at,
            };
            let Some(next) = next else { return at };
            at = next;
        }
        at
    }
}

fn fits(form: &Value, answer: &Value) -> bool {
    if let Some(properties) = form.get("properties").and_then(Value::as_object) {
        let Some(members) = answer.as_object() else { return false };
        return members
            .iter()
            .all(|(name, member)| properties.get(name).is_none_or(|form| fits(form, member)));
    }
    if let Some(items) = form.get("items") {
        return match answer {
            Value::Array(all) => all.iter().all(|item| fits(items, item)),
            // There is none.
            _ => answer.is_null(),
        };
    }
    // Numbers and truths are as good as texts: they are looked for all the same.
    !answer.is_object() && !answer.is_array()
}

/// A page as it is read to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// From 1.
    pub page: u32,
    /// Its rows, from top to bottom, cells parted by bars. Hidden words are left out.
    pub rows: Vec<String>,
}

/// A document as it is read to a model, page by page.
#[must_use]
pub fn written(document: &Document) -> Vec<Written> {
    let view = View::new(document);
    let mut pages: Vec<Written> =
        view.pages.iter().map(|(number, _)| Written { page: *number, rows: Vec::new() }).collect();
    for row in &view.rows {
        let cells: Vec<String> = view.segments[row.segments.clone()]
            .iter()
            .map(|segment| view.text(segment.start, segment.end))
            .collect();
        if let Some(page) = pages.get_mut(row.page) {
            page.rows.push(cells.join(BETWEEN_CELLS));
        }
    }
    pages
}
