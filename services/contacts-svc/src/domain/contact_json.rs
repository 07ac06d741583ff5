//! A contact as JSON, the same as the REST API answers, for messages of webhooks: these are made without an edge.

use svc_core::clock::Timestamp;

use super::Contact;

/// All of a contact.
pub(crate) fn contact_json(contact: &Contact) -> String {
    let fields = &contact.fields;
    let mut json = Object::default();
    json.text("id", Some(&contact.id));
    json.text("externalReferenceId", fields.external_reference_id.as_deref());
    json.text("name", fields.name.as_deref());
    json.text("email", fields.email.as_deref());
    json.text("mobileNumber", fields.mobile_number.as_deref());
    json.text("gender", fields.gender.as_deref());
    json.text("stage", fields.stage.map(|stage| stage.as_str()));
    json.text("status", Some(contact.status.as_str()));
    json.text("source", fields.source.as_deref());
    let tags: Vec<String> = fields.tags.iter().map(|tag| quoted(tag)).collect();
    json.raw("tags", &format!("[{}]", tags.join(",")));
    json.text("notes", fields.notes.as_deref());
    let mut custom_fields = Object::default();
    for (name, value) in &fields.custom_fields {
        custom_fields.raw(name, value);
    }
    json.raw("customFields", &custom_fields.end());
    json.time("createdAt", Some(contact.created_at));
    json.time("updatedAt", Some(contact.updated_at));
    json.time("archivedAt", contact.archived_at);
    json.raw("version", &contact.version.to_string());
    json.end()
}

/// Of a contact that is gone, its id.
pub(crate) fn gone_json(id: &str) -> String {
    let mut json = Object::default();
    json.text("id", Some(id));
    json.end()
}

/// An object that is being written. Values of custom fields are JSON already, and stay as they are.
#[derive(Default)]
struct Object(String);

impl Object {
    fn raw(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(json);
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        let json = text.map_or_else(|| "null".to_owned(), quoted);
        self.raw(name, &json);
    }

    fn time(&mut self, name: &str, time: Option<Timestamp>) {
        let text = time.map(|time| time.to_string());
        self.text(name, text.as_deref());
    }

    fn end(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{ContactFields, CustomFields, JsonText, Stage, Status};

    #[test]
    fn a_contact_is_whole_and_custom_values_stay_as_they_are() {
        let exact = "123456789012345678901234567890.10";
        let custom_fields =
            [("plan".to_owned(), JsonText::new(exact)), ("a\"b".to_owned(), JsonText::new("null"))];
        let contact = Contact {
            id: "65f0c0ffee65f0c0ffee65f0".to_owned(),
            fields: ContactFields {
                name: Some("Ada \"Countess\"\n\u{2028}".to_owned()),
                stage: Some(Stage::OldCustomer),
                tags: vec!["a\\".to_owned()],
                custom_fields: CustomFields::from(custom_fields),
                ..ContactFields::default()
            },
            status: Status::Archived,
            created_at: Timestamp(0),
            updated_at: Timestamp(1_500),
            archived_at: Some(Timestamp(2_000)),
            version: 7,
        };
        let text = contact_json(&contact);
        assert!(text.contains(exact), "{text}");
        let mut read: Value = serde_json::from_str(&text).unwrap();
        read["customFields"]["plan"] = json!("seen");
        let expected = json!({
            "id": contact.id, "externalReferenceId": null, "name": contact.fields.name, "email": null,
            "mobileNumber": null, "gender": null, "stage": "OLD_CUSTOMER", "status": "ARCHIVED", "source": null,
            "tags": ["a\\"], "notes": null, "customFields": {"plan": "seen", "a\"b": null},
            "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": "1970-01-01T00:00:00.001Z",
            "archivedAt": "1970-01-01T00:00:00.002Z", "version": 7,
        });
        assert_eq!(read, expected);
        assert_eq!(gone_json("x"), r#"{"id":"x"}"#);
    }
}
