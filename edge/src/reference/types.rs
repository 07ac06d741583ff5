//! The types of bodies and answers: messages as JSON Schema (draft 2020-12), each once for each way that it is used.

use std::collections::BTreeMap;

use keyward_proto::policy::v1 as pb;
use prost_reflect::{
    DescriptorPool, EnumDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
};
use serde_json::{Value, json};
use svc_core::policy::{self, PolicyError};

use super::comments::Comments;
use super::example;
use super::object::{Member, Object, Type, View};
use super::rules;
use crate::transcode::enum_names;

/// `google.api.FieldBehavior`.
const REQUIRED: i32 = 2;
const OUTPUT_ONLY: i32 = 3;
const IMMUTABLE: i32 = 5;

/// Where a schema of a document stands.
pub(crate) const REFERENCE: &str = "#/components/schemas/";

/// All named types, and what they are made from.
pub(crate) struct Types {
    all: BTreeMap<String, Type>,
    /// Which name stands for which message or enum in which view.
    names: BTreeMap<(String, Option<View>), String>,
    comments: Comments,
    field: ExtensionDescriptor,
    message: ExtensionDescriptor,
    behavior: Option<ExtensionDescriptor>,
    permissions: Vec<String>,
}

impl Types {
    pub(super) fn of(pool: &DescriptorPool, comments: Comments) -> Result<Types, PolicyError> {
        let scopes = policy::scopes(pool)?;
        let permissions = scopes.iter().flat_map(|s| s.actions.iter().map(|a| format!("{}:{a}", s.name)));
        Ok(Types {
            all: BTreeMap::new(),
            names: BTreeMap::new(),
            comments,
            field: policy::extension(pool, "keyward.policy.v1.field")?,
            message: policy::extension(pool, "keyward.policy.v1.message")?,
            behavior: pool.get_extension_by_name("google.api.field_behavior"),
            permissions: permissions.collect(),
        })
    }

    pub(super) fn comments(&self) -> &Comments {
        &self.comments
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.all.iter().map(|(name, of)| (name.as_str(), of))
    }

    /// The one that a schema refers to, by itself, in a list, or as one that may be null.
    pub(crate) fn referred<'t>(&'t self, schema: &Value) -> Option<(&'t str, &'t Type)> {
        let name = refers_to(schema)?;
        self.all.get_key_value(name).map(|(name, of)| (name.as_str(), of))
    }

    /// The schema of a message in a view: a reference, unless JSON has a form of its own for it.
    pub(super) fn message(&mut self, message: &MessageDescriptor, view: View) -> Result<Value, PolicyError> {
        if let Some(schema) = well_known(message.full_name()) {
            return Ok(schema);
        }
        let fields: Vec<FieldDescriptor> = declared(message).collect();
        self.object(message, view, &fields)
    }

    /// A message with some of its fields.
    pub(super) fn object(
        &mut self,
        message: &MessageDescriptor,
        view: View,
        fields: &[FieldDescriptor],
    ) -> Result<Value, PolicyError> {
        let key = (message.full_name().to_owned(), Some(view));
        if let Some(name) = self.names.get(&key) {
            return Ok(reference(name));
        }
        let suffix = match view {
            View::Output => "",
            View::Input if message.name().ends_with("Request") => "",
            View::Input => "Input",
            View::Patch => "Patch",
        };
        let name = self.free_name(message.full_name(), message.package_name(), suffix);
        // Before its members, which may hold it.
        self.names.insert(key, name.clone());
        let mut members = Vec::new();
        for field in fields {
            members.extend(self.member(field, view)?);
        }
        let needs_one_of = match message.options().get_extension(&self.message).as_message() {
            Some(option) if view == View::Input => {
                policy::recode::<pb::Message>(option, message.full_name())?.needs_one_of
            }
            _ => Vec::new(),
        };
        let json = |name: &String| match message.get_field_by_name(name) {
            Some(field) => Ok(field.json_name().to_owned()),
            None => Err(PolicyError::BadRule {
                rpc: message.full_name().to_owned(),
                problem: format!("`needs_one_of` names `{name}`, which is not a field"),
            }),
        };
        let object = Object {
            about: self.comments.message(message),
            needs_one_of: needs_one_of.iter().map(json).collect::<Result<_, _>>()?,
            exclusive: exclusive(message, &members),
            members,
            view,
        };
        self.all.insert(name.clone(), Type::Object(object));
        Ok(reference(&name))
    }

    /// Whether a message has a name in this view.
    pub(super) fn knows(&self, message: &str, view: View) -> bool {
        self.names.contains_key(&(message.to_owned(), Some(view)))
    }

    /// Forgets the type that a schema refers to, which no document is to name.
    pub(super) fn forget(&mut self, schema: &Value) {
        if let Some(name) = refers_to(schema) {
            self.all.remove(name);
            self.names.retain(|_, known| known != name);
        }
    }

    /// A member, unless this view has none.
    fn member(&mut self, field: &FieldDescriptor, view: View) -> Result<Option<Member>, PolicyError> {
        let behavior = self.behavior_of(field);
        let ours = self.annotation(field)?;
        let hidden = match view {
            View::Output => false,
            View::Input => behavior.contains(&OUTPUT_ONLY) || ours.planned,
            View::Patch => behavior.contains(&OUTPUT_ONLY) || behavior.contains(&IMMUTABLE) || ours.planned,
        };
        if hidden {
            return Ok(None);
        }
        let rules = ours.rules.unwrap_or_default();
        let must_be_there = behavior.contains(&REQUIRED);
        let nullable = match view {
            View::Input | View::Patch => !must_be_there && !is_any(field),
            View::Output => {
                let has_none = field.supports_presence() || matches!(field.kind(), Kind::Enum(_));
                has_none && !field.is_list() && !field.is_map() && !rules.never_null && !is_any(field)
            }
        };
        let schema = self.schema(field, view, &rules, ours.through_day)?;
        let named = example::named(field, &rules)?;
        let example = match (view, named) {
            (View::Output, _) if ours.omit_empty => None,
            (View::Output, None) if nullable => Some(Value::Null),
            (View::Output, None) => Some(self.example(&schema)),
            (View::Input | View::Patch, None) if must_be_there => Some(self.example(&schema)),
            (_, named) => named,
        };
        Ok(Some(Member {
            name: field.json_name().to_owned(),
            about: self.comments.field(field),
            required: (view == View::Output && !ours.omit_empty) || (view == View::Input && must_be_there),
            schema: if nullable { or_null(schema) } else { schema },
            example,
        }))
    }

    /// The schema of all that a field holds.
    pub(super) fn schema(
        &mut self,
        field: &FieldDescriptor,
        view: View,
        rules: &pb::Rules,
        through_day: bool,
    ) -> Result<Value, PolicyError> {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return Ok(json!({})) };
            let value = entry.map_entry_value_field();
            let value = self.element(&value.kind(), view, rules, through_day)?;
            // In a patch a null takes the name out.
            let value = if view == View::Patch && value != json!({}) { or_null(value) } else { value };
            return Ok(rules::map(rules, value));
        }
        let element = self.element(&field.kind(), view, rules, through_day)?;
        Ok(match field.is_list() {
            true => rules::list(rules, element, view),
            false => element,
        })
    }

    fn element(
        &mut self,
        kind: &Kind,
        view: View,
        rules: &pb::Rules,
        through_day: bool,
    ) -> Result<Value, PolicyError> {
        Ok(match kind {
            Kind::Message(message) => match through_day && view != View::Output {
                // A plain date is fine, too.
                true => json!({"anyOf": [
                    {"type": "string", "format": "date-time"}, {"type": "string", "format": "date"},
                ]}),
                false => self.message(message, view)?,
            },
            Kind::Enum(descriptor) if view == View::Output => self.enumeration(descriptor, &[]),
            Kind::Enum(descriptor) => self.enumeration(descriptor, &rules.without),
            Kind::String if rules.permission => json!({"type": "string", "enum": self.permissions}),
            scalar => rules::scalar(rules, scalar, view),
        })
    }

    fn enumeration(&mut self, descriptor: &EnumDescriptor, without: &[String]) -> Value {
        let names = enum_names(descriptor);
        if !without.is_empty() {
            let rest: Vec<&String> = names.iter().filter(|name| !without.contains(name)).collect();
            return json!({"type": "string", "enum": rest});
        }
        let key = (descriptor.full_name().to_owned(), None);
        let name = match self.names.get(&key) {
            Some(name) => name.clone(),
            None => {
                let name = self.free_name(descriptor.full_name(), descriptor.package_name(), "");
                self.names.insert(key, name.clone());
                let meaning = |short: &String| {
                    let value = descriptor
                        .values()
                        .find(|v| v.name() == short || v.name().ends_with(&format!("_{short}")));
                    value.map(|v| self.comments.enum_value(&v)).unwrap_or_default()
                };
                let values = names.iter().map(|name| (name.clone(), meaning(name))).collect();
                let about = self.comments.enumeration(descriptor);
                self.all.insert(name.clone(), Type::Enum { about, values });
                name
            }
        };
        reference(&name)
    }

    /// A value of this schema, made of the examples of what it holds.
    pub(crate) fn example(&self, schema: &Value) -> Value {
        if let Some(items) = schema.get("items") {
            return json!([self.example(items)]);
        }
        match self.referred(schema) {
            Some((_, Type::Object(object))) => object.example(),
            Some((_, Type::Enum { values, .. })) => {
                values.first().map_or(Value::Null, |(name, _)| json!(name))
            }
            None => example::of_scalar(schema),
        }
    }

    /// Whether an empty object is not enough.
    pub(super) fn needs_something(&self, schema: &Value) -> bool {
        match self.referred(schema) {
            Some((_, Type::Object(object))) => {
                !object.needs_one_of.is_empty() || object.members.iter().any(|member| member.required)
            }
            _ => false,
        }
    }

    pub(super) fn annotation(&self, field: &FieldDescriptor) -> Result<pb::Field, PolicyError> {
        match field.options().get_extension(&self.field).as_message() {
            Some(option) => policy::recode(option, field.full_name()),
            None => Ok(pb::Field::default()),
        }
    }

    pub(super) fn is_required(&self, field: &FieldDescriptor) -> bool {
        self.behavior_of(field).contains(&REQUIRED)
    }

    fn behavior_of(&self, field: &FieldDescriptor) -> Vec<i32> {
        let Some(behavior) = &self.behavior else { return Vec::new() };
        let options = field.options();
        let values = options.get_extension(behavior);
        values.as_list().unwrap_or_default().iter().filter_map(|v| v.as_enum_number()).collect()
    }

    /// The short name of a type, with its package before it where another type has that name.
    fn free_name(&self, full_name: &str, package: &str, suffix: &str) -> String {
        let within = full_name.strip_prefix(package).unwrap_or(full_name);
        let short = within.replace('.', "") + suffix;
        let long: String = package.split('.').map(capitalized).collect();
        let mut name = short.clone();
        if self.all.contains_key(&name) || self.names.values().any(|taken| *taken == name) {
            name = long + &short;
        }
        name
    }
}

/// The fields of a message, in the order of the proto.
pub(super) fn declared(message: &MessageDescriptor) -> impl Iterator<Item = FieldDescriptor> {
    let fields = message.descriptor_proto().field.iter();
    fields.filter_map(|field| message.get_field_by_name(field.name())).collect::<Vec<_>>().into_iter()
}

/// The `oneof`s of a message that are left with two members or more.
fn exclusive(message: &MessageDescriptor, members: &[Member]) -> Vec<Vec<String>> {
    let oneofs = message.oneofs().filter(|oneof| !oneof.is_synthetic());
    let names = oneofs.map(|oneof| {
        let names = oneof.fields().map(|field| field.json_name().to_owned());
        names.filter(|name| members.iter().any(|m| m.name == *name)).collect::<Vec<_>>()
    });
    names.filter(|names| names.len() > 1).collect()
}

/// The name of the type that a schema is about.
fn refers_to(schema: &Value) -> Option<&str> {
    if let Some(target) = schema.get("$ref") {
        return target.as_str()?.strip_prefix(REFERENCE);
    }
    match schema.get("items") {
        Some(items) => refers_to(items),
        None => schema.get("anyOf")?.as_array()?.iter().find_map(refers_to),
    }
}

pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{REFERENCE}{name}")})
}

/// The same, or null.
pub(super) fn or_null(mut schema: Value) -> Value {
    let nothing = json!({"type": "null"});
    if schema.get("enum").is_none()
        && let Some(of @ Value::String(_)) = schema.get_mut("type")
    {
        *of = json!([of.take(), "null"]);
        return schema;
    }
    match schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        Some(any) => {
            any.push(nothing);
            schema
        }
        None => json!({"anyOf": [schema, nothing]}),
    }
}

/// Any JSON at all, null included.
fn is_any(field: &FieldDescriptor) -> bool {
    let kind = field.kind();
    !field.is_list()
        && !field.is_map()
        && kind.as_message().is_some_and(|m| m.full_name() == "google.protobuf.Value")
}

/// The messages for which protobuf's JSON has a form of its own.
fn well_known(full_name: &str) -> Option<Value> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({"type": "string", "format": "date-time"}),
        "Duration" => json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"}),
        "FieldMask" => json!({"type": "string"}),
        "Struct" | "Any" => json!({"type": "object"}),
        "Value" => json!({}),
        "ListValue" => json!({"type": "array"}),
        "BoolValue" => json!({"type": ["boolean", "null"]}),
        "StringValue" => json!({"type": ["string", "null"]}),
        "BytesValue" => json!({"type": ["string", "null"], "contentEncoding": "base64"}),
        "Int32Value" | "UInt32Value" => json!({"type": ["integer", "null"]}),
        "Int64Value" | "UInt64Value" => json!({"type": ["string", "null"], "pattern": "^-?[0-9]+$"}),
        "FloatValue" | "DoubleValue" => json!({"type": ["number", "null"]}),
        _ => return None,
    })
}

/// `word` as `Word`.
pub(super) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
