//! What an entry tells of a thing: names and values, never a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Resource;

/// The most bytes of one side of an entry. What is more is left out, and said.
const MAX_BYTES: usize = 64 * 1024;

/// A thing that entries tell of.
pub(crate) trait Auditable {
    /// Which one it is.
    fn resource(&self) -> Resource;

    /// What may be told of it. No secret, and no hash of one, however short.
    fn facts(&self) -> Facts;
}

/// Names, as the API has them, and values, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    values: BTreeMap<Cow<'static, str>, Value>,
    /// The agent whose it is, told on each side though it never differs.
    agent_id: Option<String>,
}

impl Facts {
    /// None yet.
    pub(crate) fn new() -> Facts {
        Facts::default()
    }

    /// With one more.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Facts {
        self.values.insert(Cow::Borrowed(name), value.into());
        self
    }

    /// Those that another service tells.
    pub(crate) fn told(facts: Map<String, Value>) -> Facts {
        let values = facts.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect();
        Facts { values, agent_id: None }
    }

    /// With the agent whose it is.
    #[must_use]
    pub(crate) fn of_agent(self, id: &str) -> Facts {
        Facts { agent_id: Some(id.to_owned()), ..self }
    }

    /// What differs between the two, on each side.
    pub(super) fn difference(mut before: Facts, mut after: Facts) -> (Facts, Facts) {
        let same: Vec<_> = before
            .values
            .iter()
            .filter(|(name, value)| after.values.get(*name) == Some(*value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in same {
            before.values.remove(&name);
            after.values.remove(&name);
        }
        (before, after)
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(AsRef::as_ref)
    }

    /// As an entry keeps them, with whose they are: JSON without spaces, members in the order of their names.
    pub(super) fn text(mut self, of: &Resource) -> String {
        if let Some(id) = &of.id {
            self.values.insert(Cow::Borrowed("id"), json!(id));
        }
        if let Some(name) = &of.name {
            self.values.entry(Cow::Borrowed("name")).or_insert_with(|| json!(name));
        }
        if let Some(agent) = &self.agent_id {
            self.values.insert(Cow::Borrowed("agentId"), json!(agent));
        }
        let text = canonical(&json!(self.values));
        match text.len() <= MAX_BYTES {
            true => text,
            false => canonical(&json!({"id": of.id, "name": of.name, "omitted": "more than 65,536 bytes"})),
        }
    }
}

/// JSON without spaces, members in the order of their names, whatever their order was.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            let members: Vec<_> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        // As a `google.protobuf.Value` has it: a double.
        Value::Number(number) => match number.as_f64() {
            Some(double) if double.fract() == 0.0 && double.abs() < 9e15 => format!("{double:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_text() {
        let read = |text: &str| canonical(&serde_json::from_str(text).unwrap());
        let text = "{\"a\":[1,\"\\u0007=1+1\",\"\u{202e}x\",null],\"b\":{\"c\":true,\"d\":-7}}";
        assert_eq!(read(text), text);
        assert_eq!(
            read(r#" {"b": {"d": -7.0, "c": true}, "a": [1.0, "\u0007=1+1", "\u202ex", null]} "#),
            text
        );
    }

    #[test]
    fn what_is_too_long_is_left_out_and_said() {
        let of = Resource { id: Some("i".to_owned()), name: Some("n".to_owned()) };
        let text = Facts::new().with("description", "x".repeat(MAX_BYTES)).text(&of);
        assert_eq!(text, r#"{"id":"i","name":"n","omitted":"more than 65,536 bytes"}"#);
    }

    #[test]
    fn a_difference_is_what_differs() {
        let before = Facts::new().with("name", "A").with("mode", "LIVE").with("gone", 1);
        let after = Facts::new().with("name", "B").with("mode", "LIVE").with("new", 2);
        let (before, after) = Facts::difference(before, after);
        assert_eq!(before, Facts::new().with("name", "A").with("gone", 1));
        assert_eq!(after, Facts::new().with("name", "B").with("new", 2));
    }
}
