//! The contacts that the benchmark asks for: the same in every server.

use std::collections::HashMap;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::value::Value;
use prost::Message;
use prost_types::Timestamp;
use prost_types::value::Kind;
use serde_json::json;

/// How many there are. The load asks for them in turn.
pub const COUNT: u32 = 100;

/// The reference of a contact. `load.lua` makes the same.
pub fn reference(number: u32) -> String {
    format!("customer-{number:04}")
}

/// A contact as a client creates it.
pub fn json(number: u32) -> serde_json::Value {
    json!({
        "externalReferenceId": reference(number),
        "name": "Ada Lovelace",
        "email": "ada.lovelace@example.com",
        "mobileNumber": "+4915112345678",
        "gender": "female",
        "stage": "CUSTOMER",
        "source": "website",
        "tags": ["newsletter", "vip"],
        "notes": "Prefers to be called in the afternoon.",
        "customFields": {"plan": "premium", "seats": 25},
    })
}

/// The same as a service answers with.
pub fn message(number: u32) -> pb::Contact {
    let text = |text: &str| Some(text.to_owned());
    let value = |kind| Value::from_wire(prost_types::Value { kind: Some(kind) }.encode_to_vec());
    let created = Timestamp { seconds: 1_767_225_600, nanos: 123_000_000 };
    pb::Contact {
        id: format!("{number:024x}"),
        external_reference_id: Some(reference(number)),
        name: text("Ada Lovelace"),
        email: text("ada.lovelace@example.com"),
        mobile_number: text("+4915112345678"),
        gender: text("female"),
        stage: Some(pb::ContactStage::Customer.into()),
        status: pb::ContactStatus::Active.into(),
        source: text("website"),
        tags: vec!["newsletter".to_owned(), "vip".to_owned()],
        notes: text("Prefers to be called in the afternoon."),
        custom_fields: HashMap::from([
            ("plan".to_owned(), value(Kind::StringValue("premium".to_owned()))),
            ("seats".to_owned(), value(Kind::NumberValue(25.0))),
        ]),
        created_at: Some(created),
        updated_at: Some(created),
        archived_at: None,
        version: 1,
        possible_duplicates: Vec::new(),
    }
}
