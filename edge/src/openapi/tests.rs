use std::collections::HashSet;

use serde_json::Value;

use super::*;
use crate::reference::tests::built_in;

fn built() -> Value {
    serde_json::from_slice(&document(&built_in())).unwrap()
}

/// All operations, with method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'_ Value)| {
        let item = item.as_object().unwrap().clone();
        item.into_iter().map(|(method, _)| (method, path.clone())).collect::<Vec<_>>()
    };
    let named: Vec<(String, String)> = paths.iter().flat_map(of_path).collect();
    named
        .into_iter()
        .map(|(method, path)| (format!("{method} {path}"), &document["paths"][&path][&method]))
        .collect()
}

#[test]
fn every_reference_leads_somewhere() {
    let document = built();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    // And each type is used.
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("schemas/{name}\"")), "{name} is used by nobody");
    }
}

#[test]
fn operations_say_who_may_call_them() {
    let document = built();
    for (name, operation) in operations(&document) {
        let security = &operation["security"];
        match name.as_str() {
            // Who signs in has nothing to show yet.
            "get /v1/open/health"
            | "get /v1/console/sign-in-methods"
            | "get /v1/console/oidc/{provider}/start"
            | "get /v1/console/oidc/{provider}/callback"
            | "post /v1/console/invitations:accept"
            | "post /v1/console/passwords:requestReset"
            | "post /v1/console/passwords:reset"
            | "post /v1/console/sessions"
            | "post /v1/console/setup" => assert_eq!(*security, json!([]), "{name}"),
            name if name.contains("/v1/open/") => {
                let both = json!([{"apiKey": [], "apiSecret": []}, {"basic": []}]);
                assert_eq!(*security, both, "{name}");
                assert!(operation["x-keyward-permissions"].is_array(), "{name}");
            }
            name => {
                assert_eq!(*security, json!([{"personalAccessToken": []}]), "{name}");
                assert!(operation["x-keyward-role"].is_string(), "{name}");
            }
        }
    }
    let replace = &document["paths"]["/v1/open/contacts/{ref}/chatbots/{agentId}"]["put"];
    assert_eq!(replace["x-keyward-permissions"], json!(["contacts:update"]));
    assert_eq!(replace["x-keyward-permissions-when"], json!({"upsert": ["contacts:create"]}));
    assert!(replace["responses"]["201"]["headers"]["Location"].is_object());
    assert!(replace["responses"]["412"].is_object());
}

#[test]
fn ids_and_tags_are_unique_and_known() {
    let document = built();
    let tags: HashSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = HashSet::new();
    for (name, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}");
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{name}");
        assert!(!name.starts_with("head ") && !name.starts_with("options "), "{name}");
    }
    assert_eq!(document["openapi"], "3.1.1");
}
