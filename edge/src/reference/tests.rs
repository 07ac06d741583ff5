use std::collections::HashSet;

use serde_json::{Value, json};
use svc_core::error::{Fault, Reason};
use svc_core::policy::{Policy, built_in_descriptors};

use super::*;
use crate::transcode::tests::pool;

/// The reference of all services of ours.
pub(crate) fn built_in() -> Reference {
    Reference::of(&crate::routes::tests::built_in()).unwrap()
}

fn operation<'a>(api: &'a Reference, id: &str) -> &'a Operation {
    api.operations().find(|operation| operation.id == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn operations_have_ids_that_stay() {
    let api = built_in();
    let ids: Vec<&str> = api.operations().map(|operation| operation.id.as_str()).collect();
    let expected = [
        "createApiKey",
        "listApiKeys",
        "listApiKeysWithoutAgentId",
        "getCurrentKey",
        "listContacts",
        "createContact",
        "getContact",
        "getContactById",
        "replaceContactById",
        "listContactsAsMember",
        "getContactAsMember",
    ];
    for id in expected {
        assert!(ids.contains(&id), "{id} is missing: {ids:?}");
    }
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    let pool = built_in_descriptors().unwrap();
    let services: Vec<String> = pool.services().map(|service| service.full_name().to_owned()).collect();
    let ours = services.iter().map(String::as_str).filter(|name| name.starts_with("keyward."));
    for rpc in Policy::of(&pool, ours).unwrap().rpcs().filter(|rpc| rpc.http.planned) {
        let id = rpc.method.name().to_lowercase();
        assert!(!ids.iter().any(|known| known.to_lowercase() == id), "{id} is not built yet");
    }
}

#[test]
fn every_operation_says_what_it_does_and_what_it_answers() {
    for operation in built_in().operations() {
        let id = &operation.id;
        assert!(
            !operation.summary.is_empty() && !operation.summary.contains('`'),
            "{id}: {}",
            operation.summary
        );
        assert!(
            !operation.about_codes.is_empty(),
            "{id}: its comment has no paragraph that begins with `Codes:`"
        );
        for parameter in &operation.parameters {
            assert!(!parameter.about.is_empty(), "{id}: {}", parameter.name);
            assert!(!parameter.about.contains("gRPC"), "{id}: {}", parameter.about);
        }
        assert!(!operation.about.contains("NOT_FOUND") && !operation.about.contains("gRPC"), "{id}");
    }
}

#[test]
fn what_people_read_names_fields_as_json_does() {
    let api = built_in();
    // How a request of the log may have ended besides, what a row of an explanation may be, and why a document is not
    // read.
    let values = [
        "client_disconnected",
        "not_reached",
        "unreadable_document",
        "password_protected",
        "too_many_pages",
        "too_large",
        "timed_out",
        "engine_unavailable",
    ];
    let is_code = |word: &str| {
        Reason::from_code(word).is_some() || Fault::codes().any(|code| code == word) || values.contains(&word)
    };
    let snake = |text: &str| {
        let quoted: Vec<String> = text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        quoted.into_iter().find(|word| {
            word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !is_code(word)
        })
    };
    for operation in api.operations() {
        assert_eq!(snake(&operation.about), None, "{}", operation.id);
        for parameter in &operation.parameters {
            assert_eq!(snake(&parameter.about), None, "{} {}", operation.id, parameter.name);
        }
    }
    for (name, of) in api.types.iter() {
        let Type::Object(object) = of else { continue };
        assert_eq!(snake(&object.about), None, "{name}");
        for member in &object.members {
            assert_eq!(snake(&member.about), None, "{name}.{}", member.name);
        }
    }
}

#[test]
fn a_contact_as_each_view_has_it() {
    let api = built_in();
    let schema = |name: &str| match api.types.iter().find(|(known, _)| *known == name) {
        Some((_, Type::Object(object))) => object.schema(),
        _ => panic!("no {name}"),
    };
    let input = schema("ContactInput");
    assert_eq!(input["properties"]["id"], Value::Null, "clients never send it");
    assert_eq!(input["properties"]["name"]["type"], json!(["string", "null"]));
    assert_eq!(input["properties"]["name"]["maxLength"], 200);
    assert_eq!(input["additionalProperties"], false);
    let neither = json!({"properties": {"email": {"type": "null"}, "mobileNumber": {"type": "null"}}});
    assert_eq!(input["not"], neither);
    let output = schema("Contact");
    let required = output["required"].as_array().unwrap();
    let optional =
        output["properties"].as_object().unwrap().keys().filter(|name| !required.contains(&json!(name)));
    // Only some answers tell of them.
    assert_eq!(optional.collect::<Vec<_>>(), ["possibleDuplicates"]);
    assert_eq!(output["properties"]["createdAt"]["type"], "string", "it is always there");
    assert_eq!(output["properties"]["archivedAt"]["type"], json!(["string", "null"]));
}

#[test]
fn a_service_of_ones_own() {
    let source = r#"syntax = "proto3";
        package acme;
        import "google/api/annotations.proto";
        import "keyward/policy/v1/policy.proto";
        // Orders.
        service OrderLineService {
          // Reads <b>one</b>. Over gRPC it is the same.
          //
          // Codes: `not_found`.
          rpc GetContact(Req) returns (Res) {
            option (google.api.http) = {get: "/v1/open/orders/{order.id}/{line}"};
            option (keyward.policy.v1.rule) = {any_key: {}};
          }
          // Changes one.
          rpc ChangeOrder(Req) returns (Res) {
            option (google.api.http) = {post: "/v1/open/orders/{line}/{text}" body: "*"};
            option (keyward.policy.v1.rule) = {public: {}};
          }
        }
        message Req { Order order = 1; string line = 2; string text = 3; oneof way { string a = 4; int64 b = 5; } }
        message Order { string id = 1; repeated Order parts = 2; map<string, int32> counts = 3; }
        message Res { Order order = 1; bytes raw = 2; }"#;
    let api = Reference::of(&Table::build(&pool(source), &["acme.OrderLineService"]).unwrap()).unwrap();
    assert_eq!(api.chapters[0].title, "Order line");
    let get = operation(&api, "getContact");
    assert_eq!((get.about.as_str(), get.summary.as_str()), ("Reads <b>one</b>.", "Reads <b>one</b>"));
    assert_eq!(get.path, "/v1/open/orders/{id}/{line}");
    // The same path but for the names of its variables has the same names.
    let change = operation(&api, "changeOrder");
    assert_eq!(change.path, "/v1/open/orders/{id}/{line}");
    let names: Vec<&str> = change.parameters_in(Place::Path).map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["id", "line"]);
    let Some((_, Type::Object(body))) =
        api.types.referred(change.body.as_ref().unwrap().schema.as_ref().unwrap())
    else {
        panic!("no body")
    };
    assert_eq!(body.exclusive, [["a", "b"]]);
    assert_eq!(body.schema()["properties"]["b"]["type"], json!(["string", "null"]));
    assert_eq!(body.schema()["not"], json!({"required": ["a", "b"]}));
}
