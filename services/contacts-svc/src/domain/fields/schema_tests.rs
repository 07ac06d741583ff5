use svc_core::clock::Timestamp;

use super::super::Declaration;
use super::*;
use crate::domain::Phones;

fn field(key: &str, kind: FieldType, more: impl FnOnce(&mut Declaration)) -> Field {
    let mut declaration =
        Declaration { key: Some(key.to_owned()), kind: Some(kind), ..Declaration::default() };
    more(&mut declaration);
    declaration.declare(Phones::default(), Timestamp(0)).unwrap()
}

#[test]
fn without_fields_any_are_taken() {
    let schema = schema(&FieldSet::default());
    assert_eq!(schema["$schema"], DIALECT);
    assert_eq!(schema["required"], Value::Null);
    assert_eq!(schema["properties"]["customFields"]["properties"], Value::Null);
    assert_eq!(schema["properties"]["customFields"]["maxProperties"], 100);
    assert_eq!(schema["properties"]["name"]["maxLength"], 200);
    let stages = json!(["LEAD", "PROSPECT", "CUSTOMER", "OLD_CUSTOMER", null]);
    assert_eq!(schema["properties"]["stage"]["enum"], stages);
}

#[test]
fn declared_fields_are_told_with_their_rules() {
    let set = FieldSet {
        revision: 3,
        fields: vec![
            field("plan", FieldType::Select, |d| {
                (d.options, d.required) = (vec!["free".to_owned(), "pro".to_owned()], Some(true));
            }),
            field("seats", FieldType::Number, |d| {
                (d.title, d.minimum, d.default) =
                    (Some("Seats".to_owned()), Some(1.0), Some(crate::domain::JsonText::new("5")));
                d.required = Some(true);
            }),
            field("code", FieldType::Text, |d| (d.unique, d.max_length) = (Some(true), Some(8))),
        ],
    };
    let schema = schema(&set);
    assert_eq!(schema["required"], json!(["customFields"]));
    let custom = &schema["properties"]["customFields"];
    assert_eq!(custom["type"], "object");
    // What has a default need not be sent.
    assert_eq!(custom["required"], json!(["plan"]));
    assert_eq!(custom["additionalProperties"], false);
    let expected = json!({"title": "plan", "type": "string", "enum": ["free", "pro"]});
    assert_eq!(custom["properties"]["plan"], expected);
    let expected = json!({"title": "Seats", "type": ["number", "null"], "minimum": 1.0, "default": 5});
    assert_eq!(custom["properties"]["seats"], expected);
    let code = &custom["properties"]["code"];
    assert_eq!((&code["maxLength"], &code["x-keyward-unique"]), (&json!(8), &json!(true)));
}
