//! The fields of an agent's contacts as a JSON Schema (draft 2020-12) of what a caller sends.

use serde_json::{Map, Value, json};

use super::{Field, FieldSet, FieldType};
use crate::domain::custom_fields::{FIELDS_MAX, NAME_MAX};
use crate::domain::draft::{GENDER_MAX, NOTES_MAX, SOURCE_MAX, TAG_MAX, TAGS_MAX};
use crate::domain::phone::WRITTEN_MAX;
use crate::domain::text::REFERENCE_MAX;
use crate::domain::{Stage, draft};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// A reference: no control characters, and not a word that paths need.
const REFERENCE: &str = r"^(?!(\.|\.\.|schema|mantisid)$)[^\x00-\x1f\x7f-\x9f]*$";
/// A line of text that is more than white space.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// The same with line breaks and tabs.
const TEXT: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

/// The schema of a contact of an agent with these fields.
pub(crate) fn schema(set: &FieldSet) -> Value {
    let line = |title: &str, max: usize| json!({"title": title, "type": ["string", "null"], "minLength": 1, "maxLength": max, "pattern": LINE});
    let mut schema = json!({
        "$schema": DIALECT,
        "title": "Contact",
        "type": "object",
        "properties": {
            "externalReferenceId": {
                "title": "External reference id",
                "description": "The caller's own id, unique within the agent.",
                "type": ["string", "null"], "minLength": 1, "maxLength": REFERENCE_MAX, "pattern": REFERENCE,
            },
            "name": line("Name", draft::NAME_MAX),
            "email": {
                "title": "Email address",
                "type": ["string", "null"], "minLength": 1, "maxLength": svc_core::email::MAX_LENGTH,
                "format": "idn-email",
            },
            "mobileNumber": {
                "title": "Mobile number",
                "description": "In international form. It is stored in E.164 form.",
                "type": ["string", "null"], "minLength": 1, "maxLength": WRITTEN_MAX,
            },
            "gender": line("Gender", GENDER_MAX),
            "stage": {
                "title": "Stage",
                "enum": [
                    Stage::Lead.as_str(), Stage::Prospect.as_str(), Stage::Customer.as_str(),
                    Stage::OldCustomer.as_str(), null,
                ],
            },
            "source": line("Source", SOURCE_MAX),
            "tags": {
                "title": "Tags",
                "type": ["array", "null"],
                "items": {"type": "string", "minLength": 1, "maxLength": TAG_MAX, "pattern": LINE},
                "maxItems": TAGS_MAX, "uniqueItems": true,
            },
            "notes": {
                "title": "Notes",
                "type": ["string", "null"], "minLength": 1, "maxLength": NOTES_MAX, "pattern": TEXT,
            },
            "customFields": custom_fields(set),
        },
        "additionalProperties": false,
        "anyOf": [
            {"required": ["email"], "properties": {"email": {"type": "string"}}},
            {"required": ["mobileNumber"], "properties": {"mobileNumber": {"type": "string"}}},
        ],
    });
    if set.fields.iter().any(Field::must_be_sent) {
        schema["required"] = json!(["customFields"]);
    }
    schema
}

fn custom_fields(set: &FieldSet) -> Value {
    if set.is_empty() {
        return json!({
            "title": "Custom fields",
            "description": "Any JSON values: no fields are declared for this agent.",
            "type": ["object", "null"],
            "maxProperties": FIELDS_MAX,
            "propertyNames": {"pattern": format!("^[A-Za-z0-9_-]{{1,{NAME_MAX}}}$")},
        });
    }
    let required: Vec<&str> =
        set.fields.iter().filter(|field| field.must_be_sent()).map(|field| field.key.as_str()).collect();
    let properties: Map<String, Value> =
        set.fields.iter().map(|field| (field.key.clone(), field.schema())).collect();
    json!({
        "title": "Custom fields",
        "type": if required.is_empty() { json!(["object", "null"]) } else { json!("object") },
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

impl Field {
    /// Whether a new contact has to come with a value of its own.
    fn must_be_sent(&self) -> bool {
        self.required && self.default.is_none()
    }

    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            FieldType::Text => {
                json!({"type": "string", "minLength": 1, "maxLength": self.max_length, "pattern": LINE})
            }
            FieldType::LongText => {
                json!({"type": "string", "minLength": 1, "maxLength": self.max_length, "pattern": TEXT})
            }
            FieldType::Number => json!({"type": "number"}),
            FieldType::Date => {
                json!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
            }
            FieldType::Boolean => json!({"type": "boolean"}),
            FieldType::Select => json!({"type": "string", "enum": self.options}),
            FieldType::MultiSelect => json!({
                "type": "array",
                "items": {"type": "string", "enum": self.options},
                "minItems": 1,
                "uniqueItems": true,
            }),
            FieldType::Email => {
                json!({"type": "string", "format": "idn-email", "maxLength": svc_core::email::MAX_LENGTH})
            }
            FieldType::Phone => json!({
                "type": "string",
                "description": "A phone number in international form. It is stored in E.164 form.",
                "maxLength": WRITTEN_MAX,
            }),
            FieldType::Url => {
                json!({"type": "string", "format": "iri", "pattern": "^[hH][tT][tT][pP][sS]?:"})
            }
        };
        schema["title"] = json!(self.title);
        for (name, bound) in [("minimum", self.minimum), ("maximum", self.maximum)] {
            if let Some(bound) = bound {
                schema[name] = json!(bound);
            }
        }
        if let Some(default) = self.default.as_ref().and_then(|json| serde_json::from_str(json).ok()) {
            schema["default"] = default;
        }
        // No word of JSON Schema: what is unique is so over contacts.
        if self.unique {
            schema["x-keyward-unique"] = json!(true);
        }
        if !self.must_be_sent() {
            nullable(&mut schema);
        }
        schema
    }
}

/// `null` says that there is no value.
fn nullable(schema: &mut Value) {
    let kind = schema["type"].take();
    schema["type"] = json!([kind, "null"]);
    if let Some(options) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        options.push(Value::Null);
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
