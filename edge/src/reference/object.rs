//! Objects and enums, as one view has them.

use serde_json::{Map, Value, json};

/// How a message is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View {
    /// A client sends it whole.
    Input,
    /// A client sends what changes (RFC 7396).
    Patch,
    /// An answer holds it: every member is there.
    Output,
}

/// An object, as one view has it.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) about: String,
    pub(crate) members: Vec<Member>,
    /// At least one of these must be there.
    pub(crate) needs_one_of: Vec<String>,
    /// Of each of these sets at most one may be there.
    pub(crate) exclusive: Vec<Vec<String>>,
    pub(crate) view: View,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) required: bool,
    pub(crate) schema: Value,
    /// What an example of the object holds. `None`: examples leave it out.
    pub(crate) example: Option<Value>,
}

/// A named type.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Object(Object),
    /// Names with what they mean.
    Enum {
        about: String,
        values: Vec<(String, String)>,
    },
}

impl Object {
    /// One with the examples of its members.
    pub(crate) fn example(&self) -> Value {
        let members = self.members.iter().filter_map(|m| Some((m.name.clone(), m.example.clone()?)));
        Value::Object(members.collect())
    }

    /// Its JSON Schema.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        if !self.about.is_empty() {
            schema.insert("description".into(), self.about.clone().into());
        }
        let described = |member: &Member| {
            let mut schema = member.schema.clone();
            if let (Some(object), false) = (schema.as_object_mut(), member.about.is_empty()) {
                object.insert("description".into(), member.about.clone().into());
            }
            (member.name.clone(), schema)
        };
        let properties: Map<String, Value> = self.members.iter().map(described).collect();
        schema.insert("properties".into(), properties.into());
        let required: Vec<&str> =
            self.members.iter().filter(|m| m.required).map(|m| m.name.as_str()).collect();
        if !required.is_empty() {
            schema.insert("required".into(), json!(required));
        }
        if self.view != View::Output {
            schema.insert("additionalProperties".into(), false.into());
        }
        // `not` and no `anyOf`, of which generators of clients would make a union of nothing.
        let mut never: Vec<Value> = Vec::new();
        if !self.needs_one_of.is_empty() {
            let absent = |name: &String| (name.clone(), json!({"type": "null"}));
            never.push(json!({"properties": self.needs_one_of.iter().map(absent).collect::<Map<_, _>>()}));
        }
        for set in &self.exclusive {
            let pairs = set.iter().enumerate().flat_map(|(at, a)| set[at + 1..].iter().map(move |b| (a, b)));
            never.extend(pairs.map(|(a, b)| json!({"required": [a, b]})));
        }
        match never.len() {
            0 => {}
            1 => {
                schema.extend(never.pop().map(|only| ("not".to_owned(), only)));
            }
            _ => {
                schema.insert("not".into(), json!({"anyOf": never}));
            }
        }
        schema.into()
    }
}
