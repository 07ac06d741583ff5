//! The caller's own fields: JSON, kept as text and never as a tree.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use svc_core::error::{Fault, Violation};
use svc_core::json::Json;

use super::text::Verdict;
use super::{Basis, Rules, UniqueValue};

// Limits of the contract.
pub(crate) const FIELDS_MAX: usize = 100;
pub(super) const NAME_MAX: usize = 64;
/// The most bytes of JSON that one value has.
const VALUE_MAX_BYTES: usize = 4_096;
/// The most bytes of JSON that all of them have, with their names.
pub(crate) const MAX_BYTES: usize = 65_536;
/// The most values that all of them hold: each object and list is one, and each member and element. It
/// bounds what a contact costs beyond its bytes: `{},` is three bytes of JSON and much more of anything
/// else.
const MAX_VALUES: usize = 2_000;
/// How deep lists and objects nest in a value: as deep as the edge reads.
const MAX_DEPTH: usize = 30;

/// JSON values by name.
pub(crate) type CustomFields = BTreeMap<String, JsonText>;

/// One JSON value as text, without white space. Whoever makes one has seen that it is JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct JsonText(Box<str>);

impl JsonText {
    pub(crate) fn new(json: impl Into<Box<str>>) -> JsonText {
        JsonText(json.into())
    }

    pub(crate) fn is_null(&self) -> bool {
        &*self.0 == "null"
    }
}

impl Deref for JsonText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Everything that is wrong with them. Where fields are declared, values become what is stored of them.
pub(super) fn check(fields: &mut CustomFields, rules: Rules<'_>, basis: Basis<'_>) -> Vec<Violation> {
    let mut violations = check_size(fields);
    if violations.is_empty() && !rules.set.is_empty() {
        hold_against_declared(fields, rules, basis, &mut violations);
    }
    violations
}

/// Whether they fit the fields of the agent, and what these add: defaults, and what must be there.
fn hold_against_declared(
    fields: &mut CustomFields,
    rules: Rules<'_>,
    basis: Basis<'_>,
    violations: &mut Vec<Violation>,
) {
    let before = basis.before().map(|before| &before.custom_fields);
    let is_kept = |name: &str, json: &JsonText| before.is_some_and(|before| before.get(name) == Some(json));
    fields.retain(|name, json| !json.is_null() || is_kept(name, json));
    for (name, json) in fields.iter_mut() {
        // What fitted once, or was there before anything was declared, may stay.
        if is_kept(name, json) {
            continue;
        }
        match rules.set.get(name).map(|field| field.accept(json, rules.phones)) {
            Some(Ok(accepted)) => *json = accepted,
            Some(Err((fault, rule))) => violations.push(of(name, fault, &rule)),
            None => violations.push(of(name, Fault::UnknownField, "is no field of this agent's contacts")),
        }
    }
    let had = |name: &str| before.is_some_and(|before| before.contains_key(name));
    for field in &rules.set.fields {
        let key = field.key.as_str();
        if fields.contains_key(key) {
            continue;
        }
        match (&field.default, basis) {
            // What replaces is as if it were new, so that sending it twice is sending it once.
            (Some(default), Basis::New | Basis::Replacing(_)) => {
                drop(fields.insert(key.to_owned(), default.clone()))
            }
            (_, Basis::Changing(_)) if !had(key) => {}
            _ if field.required => violations.push(of(key, Fault::Required, "is required")),
            _ => {}
        }
    }
}

/// The values that no other contact of the agent may have.
pub(crate) fn unique_values(fields: &CustomFields, rules: Rules<'_>) -> Vec<UniqueValue> {
    let values = rules.set.unique().filter_map(|field| field.unique_value(fields.get(&field.key)?));
    let mut values: Vec<UniqueValue> = values.collect();
    // Whoever takes several takes them in the same order as everybody else.
    values.sort_unstable();
    values
}

fn of(name: &str, fault: Fault, rule: &str) -> Violation {
    Violation::new(format!("customFields.{name}"), fault, format!("`customFields.{name}` {rule}."))
}

fn check_size(fields: &CustomFields) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut note = |field: &str, (fault, rule): (Fault, String)| {
        violations.push(Violation::new(field, fault, format!("`{field}` {rule}.")));
    };
    if fields.len() > FIELDS_MAX {
        note("customFields", (Fault::TooLong, format!("has at most {FIELDS_MAX} members")));
        return violations;
    }
    let mut values = 0;
    for (name, json) in fields {
        if !is_name(name) {
            note("customFields", not_a_name(name));
            continue;
        }
        if let Err(broken) = check_value(json, &mut values) {
            note(&format!("customFields.{name}"), broken);
        }
    }
    if bytes(fields) > MAX_BYTES {
        note("customFields", (Fault::TooLong, format!("has at most {MAX_BYTES} bytes of JSON")));
    }
    if values > MAX_VALUES {
        let rule = format!("has at most {MAX_VALUES} values, lists and objects in all of its members");
        note("customFields", (Fault::TooLong, rule));
    }
    violations
}

fn check_value(json: &JsonText, values: &mut usize) -> Verdict {
    if json.len() > VALUE_MAX_BYTES {
        return Err((Fault::TooLong, format!("has at most {VALUE_MAX_BYTES} bytes of JSON")));
    }
    let measure = Json::new(json.as_bytes()).and_then(Json::measure);
    let measure = measure.map_err(|_| (Fault::Invalid, "is not JSON".to_owned()))?;
    *values += measure.values;
    match measure.depth <= MAX_DEPTH {
        true => Ok(()),
        false => Err((Fault::TooLong, format!("nests at most {MAX_DEPTH} deep"))),
    }
}

/// As one JSON object.
fn bytes(fields: &CustomFields) -> usize {
    // Quotes, a colon and a comma each; names have nothing to escape.
    fields.iter().map(|(name, json)| name.len() + json.len() + 4).sum::<usize>() + 1
}

/// Whether a custom field can have it.
pub(super) fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    letters && (1..=NAME_MAX).contains(&name.len())
}

/// Shows only the start of the name, which may be as long as the body.
fn not_a_name(name: &str) -> (Fault, String) {
    let start: String = name.chars().take(20).collect();
    (Fault::Invalid, format!("has names of the form `[A-Za-z0-9_-]{{1,{NAME_MAX}}}`, not {start:?}"))
}

#[cfg(test)]
#[path = "custom_fields_tests.rs"]
mod tests;
