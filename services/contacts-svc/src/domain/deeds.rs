//! What the audit log is told of contacts and their fields. The log outlives them, so of a contact it is told the id
//! alone.

use serde_json::{Map, Value, json};
use svc_core::deed::Deed;

use super::Field;

/// A member declared a field.
pub(super) fn field_created(field: &Field) -> Deed {
    Deed::on_named("contact_field.created", &field.key).after(facts(field))
}

/// A member changed a field.
pub(super) fn field_updated(before: &Field, after: &Field) -> Deed {
    Deed::on_named("contact_field.updated", &after.key).before(facts(before)).after(facts(after))
}

/// A member removed a field.
pub(super) fn field_deleted(field: &Field) -> Deed {
    Deed::on_named("contact_field.deleted", &field.key).before(facts(field))
}

/// A member deleted a contact with all that was held of the person.
pub(super) fn contact_deleted(id: &str) -> Deed {
    Deed::on("contact.deleted", id).before(Map::new())
}

/// A member was handed all that is held of a person.
pub(super) fn contact_exported(id: &str) -> Deed {
    Deed::on("contact.exported", id)
}

/// As the API names them. Times would differ with every change.
fn facts(field: &Field) -> Map<String, Value> {
    let default = field.default.as_ref().and_then(|json| serde_json::from_str::<Value>(json).ok());
    let facts = [
        ("key", json!(field.key)),
        ("title", json!(field.title)),
        ("type", json!(field.kind)),
        ("required", json!(field.required)),
        ("unique", json!(field.unique)),
        ("default", json!(default)),
        ("options", json!(field.options)),
        ("minimum", json!(field.minimum)),
        ("maximum", json!(field.maximum)),
        ("maxLength", json!(field.max_length)),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
