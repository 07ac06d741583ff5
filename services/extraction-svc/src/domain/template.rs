//! Templates: schemas under a name, in versions that never change.

use serde_json::{Map, Value};
use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};
use svc_core::policy::is_scope;

use super::lesson_of;
use crate::templates::BuiltIn;

/// The largest schema, in bytes of JSON.
pub(crate) const SCHEMA_MAX_BYTES: usize = 256 * 1024;
/// The most templates of an organization.
pub(crate) const TEMPLATES_MAX: i64 = 100;
/// The most versions of a template.
pub(crate) const VERSIONS_MAX: i64 = 100;
/// The longest title and description, in characters.
const TITLE_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 500;
/// What a schema says for people and tools alone: it may change in a version that only adds.
const FREE: [&str; 6] = ["$schema", "$id", "title", "description", "examples", "required"];

/// A template in one version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    pub(crate) name: String,
    /// From 1.
    pub(crate) version: i64,
    pub(crate) title: String,
    pub(crate) description: String,
    /// JSON text. Empty in lists of versions.
    pub(crate) schema: String,
    /// What the corrections of its jobs teach.
    pub(crate) lesson: String,
    /// `None`: it comes with Keyward.
    pub(crate) created_at: Option<Timestamp>,
}

impl From<&BuiltIn> for Template {
    fn from(template: &BuiltIn) -> Template {
        let schema = template.schema.to_string();
        Template {
            name: template.name.to_owned(),
            version: 1,
            title: template.title.clone(),
            description: template.description.clone(),
            lesson: lesson_of(Some(template.name), &schema),
            schema,
            created_at: None,
        }
    }
}

/// What a member says of a template.
#[derive(Clone, Debug)]
pub(crate) struct NewTemplate {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) schema: Value,
}

impl NewTemplate {
    /// Notes what breaks its rule, but for what the engine says of the schema.
    pub(crate) fn check(&self, violations: &mut Vec<Violation>) {
        // Names of templates have the form of scopes.
        if !is_scope(&self.name) {
            let message = "`name` begins with a letter and has at most 40 of a-z, 0-9 and `-`.";
            violations.push(Violation::new("name", Fault::Invalid, message));
        }
        let title = self.title.chars().count();
        if self.title.trim().is_empty() {
            violations.push(Violation::new("title", Fault::Required, "`title` is missing."));
        } else if title > TITLE_MAX || self.title.chars().any(char::is_control) {
            let message =
                format!("`title` has at most {TITLE_MAX} characters, none of them a control character.");
            violations.push(Violation::new("title", Fault::Invalid, message));
        }
        let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if self.description.chars().count() > DESCRIPTION_MAX {
            let message = format!("`description` has at most {DESCRIPTION_MAX} characters.");
            violations.push(Violation::new("description", Fault::TooLong, message));
        } else if self.description.chars().any(is_odd) {
            let message = "`description` has no control characters but line breaks and tabs.";
            violations.push(Violation::new("description", Fault::Invalid, message));
        }
    }
}

/// What a job extracts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chosen {
    /// The name and the version of the template, if it is of one.
    pub(crate) template: Option<(String, i64)>,
    /// JSON text. Empty: what the document is of is found out when it is read.
    pub(crate) schema: String,
    pub(crate) lesson: String,
}

impl From<Template> for Chosen {
    fn from(template: Template) -> Chosen {
        let Template { name, version, schema, lesson, .. } = template;
        Chosen { template: Some((name, version)), schema, lesson }
    }
}

/// Whether a schema says all that the one before said, and perhaps more: then what corrections taught of its fields
/// holds for the same fields here.
pub(crate) fn adds_only(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return false };
    let without = |schema: &Map<String, Value>| {
        let kept = schema.iter().filter(|(key, _)| !FREE.contains(&key.as_str()));
        kept.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    holds(&without(before), &without(after))
}

/// Whether an object of a schema has all of another, with more properties and definitions perhaps.
fn holds(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let mut keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    keys.all(|key| match (key.as_str(), before.get(key), after.get(key)) {
        (_, before, after) if before == after => true,
        ("properties" | "$defs", Some(Value::Object(before)), Some(Value::Object(after))) => {
            before.iter().all(|(name, before)| after.get(name).is_some_and(|after| part_holds(before, after)))
        }
        ("items", Some(before), Some(after)) => part_holds(before, after),
        // Definitions are only what refers to them.
        ("$defs", None, Some(_)) | ("required", _, _) => true,
        _ => false,
    })
}

fn part_holds(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => holds(before, after),
        (before, after) => before == after,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_adds() {
        let line = |more: Value| json!({"type": "array", "items": {"type": "object", "properties": more}});
        let before = json!({"title": "A", "type": "object", "required": ["a"], "properties": {
            "a": {"type": "string", "title": "Number"}, "lines": line(json!({"x": {"type": "number"}})),
        }});
        let after = |change: fn(&mut Value)| {
            let mut after = before.clone();
            change(&mut after);
            after
        };
        for (change, adds) in [
            (after(|_| {}), true),
            (after(|s| s["properties"]["b"] = json!({"type": "string"})), true),
            (after(|s| s["title"] = json!("B")), true),
            (after(|s| s["required"] = json!([])), true),
            (after(|s| s["$defs"] = json!({"d": {}})), true),
            (after(|s| s["properties"]["lines"]["items"]["properties"]["y"] = json!({})), true),
            (after(|s| s["properties"]["a"]["title"] = json!("No.")), false),
            (after(|s| s["properties"]["a"]["type"] = json!("number")), false),
            (after(|s| drop(s["properties"].as_object_mut().unwrap().remove("a"))), false),
            (after(|s| s["properties"]["lines"]["items"]["properties"] = json!({})), false),
            (after(|s| s["properties"]["lines"]["type"] = json!("object")), false),
            (after(|s| s["additionalProperties"] = json!(false)), false),
            (json!(true), false),
        ] {
            assert_eq!(adds_only(&before, &change), adds, "{change}");
        }
    }

    #[test]
    fn what_breaks_its_rule_is_named() {
        let good = NewTemplate {
            name: "delivery-note".to_owned(),
            title: "Delivery note".to_owned(),
            description: "What was delivered,\nand when.".to_owned(),
            schema: json!({}),
        };
        let with = |change: fn(&mut NewTemplate)| {
            let mut template = good.clone();
            change(&mut template);
            template
        };
        for (template, fields) in [
            (with(|_| {}), vec![]),
            (with(|t| t.name = "Delivery note".to_owned()), vec!["name"]),
            (with(|t| t.name = String::new()), vec!["name"]),
            (with(|t| t.title = "\u{7}".to_owned()), vec!["title"]),
            (with(|t| t.title = " ".to_owned()), vec!["title"]),
            (with(|t| t.title = "x".repeat(TITLE_MAX + 1)), vec!["title"]),
            (with(|t| t.description = "\0".to_owned()), vec!["description"]),
            (with(|t| t.description = "x".repeat(DESCRIPTION_MAX + 1)), vec!["description"]),
        ] {
            let mut violations = Vec::new();
            template.check(&mut violations);
            let found: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
            assert_eq!(found, fields, "{template:?}");
        }
    }
}
