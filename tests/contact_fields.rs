//! Members declare which custom fields an agent's contacts have; keys read them as a schema and are held to them.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::{Answer, Api, Stack, assert_json, output_for, python};

/// Judges values by a schema, as somebody else's code does.
const JUDGE: &str = "
import json, sys
from jsonschema import Draft202012Validator
asked = json.load(sys.stdin)
Draft202012Validator.check_schema(asked['schema'])
validator = Draft202012Validator(asked['schema'])
print(json.dumps([validator.is_valid(value) for value in asked['values']]))
";

fn fields(agent: &str) -> String {
    format!("/v1/console/agents/{agent}/contact-fields")
}

async fn send(api: &Api, method: &str, path: &str, body: Value) -> Answer {
    api.send(api.by_member(method, path).json(&body)).await
}

async fn declare(stack: &Stack, field: Value) -> Answer {
    send(stack, "POST", &fields(&stack.agent), field).await
}

async fn patch(stack: &Stack, path: &str, body: Value) -> Answer {
    stack.send(stack.by_key("PATCH", path).json(&body)).await
}

/// The fields of the details with their codes.
fn details(answer: &Answer) -> Vec<String> {
    let details = answer.body["error"]["details"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    details.iter().map(|detail| format!("{} {}", text(&detail["field"]), text(&detail["code"]))).collect()
}

#[tokio::test]
async fn a_field_from_its_declaration_to_its_end() {
    Stack::each(async |stack| {
        let stack = &stack;
        let list = fields(&stack.agent);
        let one = format!("{list}/plan");
        let sent = json!({"key": "plan", "title": "Plan", "type": "SELECT", "options": ["free", "pro"]});
        let declared = declare(stack, sent).await;
        let expected = json!({
            "key": "plan", "title": "Plan", "type": "SELECT", "required": false, "unique": false, "default": null,
            "options": ["free", "pro"], "minimum": null, "maximum": null, "maxLength": null,
            "createdAt": "<time>", "updatedAt": "<time>",
        });
        assert_json(declared.success(201, "Contact field created."), expected.clone());
        assert_eq!(declared.header("location"), one);
        let found = stack.send(stack.by_member("GET", &one)).await;
        assert_json(found.success(200, "Contact field retrieved."), expected.clone());
        declare(stack, json!({"key": "seats", "type": "NUMBER"})).await.ok();
        let listed = stack.send(stack.by_member("GET", &list)).await;
        let keys: Vec<&str> = listed.success(200, "Contact fields retrieved.").as_array().unwrap().iter()
            .map(|field| field["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["plan", "seats"]);

        let changed = send(stack, "PATCH", &one, json!({"title": "Tariff", "default": "free", "required": true})).await;
        let mut expected = expected;
        (expected["title"], expected["default"], expected["required"]) = (json!("Tariff"), json!("free"), json!(true));
        assert_json(changed.success(200, "Contact field updated."), expected);
        let cleared = send(stack, "PATCH", &one, json!({"title": null, "default": null})).await;
        assert_eq!((&cleared.ok()["title"], &cleared.ok()["default"]), (&json!("plan"), &Value::Null));

        let gone = stack.send(stack.by_member("DELETE", &one)).await;
        assert!(gone.success(200, "Contact field deleted.").is_null());
        stack.send(stack.by_member("DELETE", &one)).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn members_declare_them_and_nobody_else() {
    Stack::each(async |stack| {
        let stack = &stack;
        let list = fields(&stack.agent);
        let field = json!({"key": "x", "type": "TEXT"});
        let token = stack.new_token(json!({"name": "looking", "role": "USER"})).await;
        let user = stack.with_token(token.ok()["secret"].as_str().unwrap());
        send(&user, "POST", &list, field.clone()).await.refusal(403, "role_required");
        user.send(user.by_member("GET", &list)).await.success(200, "Contact fields retrieved.");
        stack.send(stack.by_key("POST", &list).json(&field)).await.refusal(401, "not_signed_in");
        // An agent of nobody, and a field of another agent.
        let nowhere = fields("65f0c0ffee65f0c0ffee65f0");
        send(stack, "POST", &nowhere, field.clone()).await.refusal(404, "not_found");
        declare(stack, field).await.ok();
        let other = stack.new_agent("Other", &["contacts:create"]).await;
        let elsewhere = stack.send(stack.by_member("GET", &fields(&other.agent))).await;
        assert_eq!(elsewhere.ok(), &json!([]));
        let there = other.create_contact(json!({"email": "a@example.com", "customFields": {"y": 1}})).await;
        there.success(201, "Contact created.");
    })
    .await;
}

#[tokio::test]
async fn bad_declarations_are_named_field_by_field() {
    Stack::each(async |stack| {
        let stack = &stack;
        let cases = [
            (json!({}), vec!["key required", "type required"]),
            (json!({"key": "a b", "type": "TEXT"}), vec!["key invalid"]),
            (json!({"key": "", "type": "TEXT"}), vec!["key invalid"]),
            (json!({"key": "a".repeat(65), "type": "TEXT"}), vec!["key invalid"]),
            (json!({"key": "a", "type": "KING"}), vec!["type invalid"]),
            (json!({"key": "a", "type": "TEXT", "title": " "}), vec!["title too_short"]),
            (json!({"key": "a", "type": "TEXT", "title": "\u{0}"}), vec!["title invalid"]),
            (json!({"key": "a", "type": "TEXT", "maxLength": 0}), vec!["maxLength out_of_range"]),
            (
                json!({"key": "a", "type": "TEXT", "maxLength": 99_999_999_999_u64}),
                vec!["maxLength out_of_range"],
            ),
            (json!({"key": "a", "type": "TEXT", "maxLength": 1.5}), vec!["maxLength invalid"]),
            (json!({"key": "a", "type": "NUMBER", "minimum": "1"}), vec!["minimum invalid"]),
            (json!({"key": "a", "type": "NUMBER", "minimum": 2, "maximum": 1}), vec!["maximum out_of_range"]),
            (json!({"key": "a", "type": "SELECT"}), vec!["options required"]),
            (
                json!({"key": "a", "type": "SELECT", "options": ["x", "x", ""]}),
                vec!["options[1] duplicate", "options[2] too_short"],
            ),
            (json!({"key": "a", "type": "SELECT", "options": [null]}), vec!["options[0] invalid"]),
            (json!({"key": "a", "type": "BOOLEAN", "unique": true}), vec!["unique invalid"]),
            (json!({"key": "a", "type": "DATE", "default": "31.12.2026"}), vec!["default invalid"]),
            (
                json!({"key": "a", "type": "TEXT", "createdAt": "2026-01-01T00:00:00Z"}),
                vec!["createdAt immutable"],
            ),
            (json!({"key": "a", "type": "TEXT", "color": "red"}), vec!["color unknown_field"]),
        ];
        for (field, expected) in cases {
            let answer = declare(stack, field.clone()).await;
            answer.refusal(400, "invalid_argument");
            assert_eq!(details(&answer), expected, "{field}");
        }
        declare(stack, json!({"key": "a", "type": "TEXT"})).await.ok();
        let one = format!("{}/a", fields(&stack.agent));
        for (body, expected) in [
            (json!({"key": "b"}), "key immutable"),
            (json!({"type": "NUMBER"}), "type immutable"),
            (json!({"updatedAt": null}), "updatedAt immutable"),
            (json!({"maxLength": 4001}), "maxLength out_of_range"),
        ] {
            let answer = send(stack, "PATCH", &one, body.clone()).await;
            answer.refusal(400, "invalid_argument");
            assert_eq!(details(&answer), [expected], "{body}");
        }
        let taken = declare(stack, json!({"key": "a", "type": "NUMBER"})).await;
        taken.refusal(409, "already_exists");
        assert_eq!(details(&taken), ["key duplicate"]);
    })
    .await;
}

#[tokio::test]
async fn writes_are_held_to_them() {
    Stack::each(async |stack| {
        let stack = &stack;
        stack.create_contact(json!({"externalReferenceId": "old", "email": "o@example.com", "customFields": {"legacy": [1], "seats": "five"}})).await.ok();
        for field in [
            json!({"key": "plan", "type": "SELECT", "options": ["free", "pro"], "required": true}),
            json!({"key": "born", "type": "DATE"}),
            json!({"key": "vip", "type": "BOOLEAN", "default": false}),
            json!({"key": "phone", "type": "PHONE"}),
            json!({"key": "site", "type": "URL"}),
            json!({"key": "tax", "type": "TEXT", "unique": true, "maxLength": 8}),
        ] {
            declare(stack, field).await.success(201, "Contact field created.");
        }
        // There is a value that does not fit.
        let seats = json!({"key": "seats", "type": "NUMBER", "minimum": 1});
        let refused = declare(stack, seats.clone()).await;
        refused.refusal(409, "conflict");
        assert!(refused.body["message"].as_str().unwrap().contains("1 contact"), "{}", refused.body);
        send(stack, "POST", &format!("{}?confirm=true", fields(&stack.agent)), seats).await.ok();

        let good = json!({
            "externalReferenceId": "new", "email": "n@example.com",
            "customFields": {"plan": " pro ", "born": "2001-02-03", "phone": "0049 170 1234567", "site": "https://example.com", "tax": "DE-1", "seats": 2.5},
        });
        let created = stack.create_contact(good).await;
        let stored = json!({"plan": "pro", "born": "2001-02-03", "phone": "+491701234567", "site": "https://example.com", "tax": "DE-1", "seats": 2.5, "vip": false});
        assert_eq!(created.success(201, "Contact created.")["customFields"], stored);

        let bad = json!({"plan": "gold", "born": "03.02.2001", "vip": "yes", "phone": "170", "site": "example.com", "tax": "DE-123456", "seats": 0, "color": "red"});
        let expected = ["born invalid", "color unknown_field", "phone invalid", "plan invalid", "seats out_of_range", "site invalid", "tax too_long", "vip invalid"];
        let expected: Vec<String> = expected.iter().map(|detail| format!("customFields.{detail}")).collect();
        let contact = json!({"email": "b@example.com", "customFields": bad});
        let path = stack.contact_path("new");
        for answer in [
            stack.create_contact(contact.clone()).await,
            stack.replace_contact("new", contact.clone()).await,
            patch(stack, &path, json!({"customFields": bad})).await,
            stack.send(stack.by_member("POST", &format!("/v1/console/agents/{}/contacts", stack.agent)).json(&contact)).await,
        ] {
            answer.refusal(400, "invalid_argument");
            assert_eq!(details(&answer), expected, "{}", answer.asked);
        }
        assert_eq!(stack.get_contact("new").await.ok()["customFields"], stored);

        let taken = stack.create_contact(json!({"email": "c@example.com", "customFields": {"plan": "free", "tax": "de-1"}})).await;
        taken.refusal(409, "already_exists");
        assert_eq!((details(&taken), &taken.body["error"]["id"]), (vec!["customFields.tax duplicate".to_owned()], &created.ok()["id"]));

        // Nothing of what was there before is lost, and what is changed has to fit.
        let old = stack.contact_path("old");
        let named = patch(stack, &old, json!({"name": "Old", "customFields": {"seats": 3}})).await;
        assert_eq!(named.ok()["customFields"], json!({"legacy": [1], "seats": 3}));
        let refused = patch(stack, &old, json!({"customFields": {"legacy": [2]}})).await;
        assert_eq!(details(&refused), ["customFields.legacy unknown_field"]);
        let cleared = patch(stack, &old, json!({"customFields": {"legacy": null, "plan": "free"}})).await;
        assert_eq!(cleared.ok()["customFields"], json!({"plan": "free", "seats": 3}));
        let required = patch(stack, &old, json!({"customFields": {"plan": null}})).await;
        assert_eq!(details(&required), ["customFields.plan required"]);

        let one = format!("{}/plan", fields(&stack.agent));
        let narrow = send(stack, "PATCH", &one, json!({"options": ["free"]})).await;
        narrow.refusal(409, "conflict");
        let remain = stack.send(stack.by_member("DELETE", &one)).await;
        remain.refusal(409, "conflict");
        assert!(remain.body["message"].as_str().unwrap().contains("2 contacts"), "{}", remain.body);
        stack.send(stack.by_member("DELETE", &format!("{one}?confirm=true"))).await.ok();
        assert_eq!(stack.get_contact("new").await.ok()["customFields"]["plan"], "pro");
    })
    .await;
}

/// A value that did not fit is no value of the field, and may be there twice. Once it fits, it may not.
#[tokio::test]
async fn a_field_that_takes_more_values_keeps_them_unique() {
    Stack::each(async |stack| {
        let stack = &stack;
        for email in ["a@example.com", "b@example.com"] {
            stack.create_contact(json!({"email": email, "customFields": {"seat": 20}})).await.ok();
        }
        let seat = json!({"key": "seat", "type": "NUMBER", "unique": true, "maximum": 10});
        send(stack, "POST", &format!("{}?confirm=true", fields(&stack.agent)), seat).await.ok();
        let one = format!("{}/seat", fields(&stack.agent));
        let wider = json!({"maximum": 100});
        send(stack, "PATCH", &one, wider.clone()).await.refusal(409, "conflict");

        let listed = stack.list_contacts("?email=b@example.com").await;
        let id = listed.ok()[0]["id"].as_str().unwrap().to_owned();
        patch(stack, &stack.contact_path_by_id(&id), json!({"customFields": {"seat": null}})).await.ok();
        send(stack, "PATCH", &one, wider).await.ok();
        let again =
            stack.create_contact(json!({"email": "c@example.com", "customFields": {"seat": 20}})).await;
        again.refusal(409, "already_exists");
        assert_eq!(details(&again), ["customFields.seat duplicate"]);
    })
    .await;
}

#[tokio::test]
async fn two_writes_of_a_unique_value_at_once() {
    Stack::each(async |stack| {
        let stack = &stack;
        declare(stack, json!({"key": "tax", "type": "TEXT", "unique": true})).await.ok();
        for round in 0..5 {
            let contact =
                |email: &str| json!({"email": email, "customFields": {"tax": format!("T-{round}")}});
            let (one, other) = tokio::join!(
                stack.create_contact(contact("a@example.com")),
                stack.create_contact(contact("b@example.com"))
            );
            let (won, lost) = if one.status == 201 { (one, other) } else { (other, one) };
            won.success(201, "Contact created.");
            lost.refusal(409, "already_exists");
            assert_eq!(lost.body["error"]["id"], won.ok()["id"]);
        }
    })
    .await;
}

#[tokio::test]
async fn the_schema_says_what_the_server_does() {
    Stack::each(async |stack| {
        let stack = &stack;
        let path = format!("/v1/open/contacts/schema/chatbots/{}", stack.agent);
        let values = [
            json!({"email": "a@example.com"}),
            json!({"mobileNumber": "+491701234567", "name": "Ann", "tags": ["a", "b"], "notes": "one\ntwo"}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "seats": 5, "colors": ["red"]}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "born": "2001-02-03", "vip": null}}),
            json!({"email": "a@example.com", "customFields": {"plan": "gold"}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "seats": 0}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "seats": "5"}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "colors": []}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "colors": ["red", "red"]}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "born": "2001-2-3"}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "short": "abcdef"}}),
            json!({"email": "a@example.com", "customFields": {"plan": "pro", "short": "a\nb"}}),
            json!({"email": "a@example.com", "customFields": {"anything": {"goes": []}}}),
            json!({"email": "a@example.com", "customFields": null}),
            json!({"email": null, "mobileNumber": null}),
            json!({"name": "Ann"}),
            json!({"email": "a@example.com", "name": ""}),
            json!({"email": "a@example.com", "name": "x".repeat(201)}),
            json!({"email": "a@example.com", "name": "a\u{7}"}),
            json!({"email": "a@example.com", "stage": "KING"}),
            json!({"email": "a@example.com", "tags": ["a", "a"]}),
            json!({"email": "a@example.com", "externalReferenceId": "schema"}),
            json!({"email": "a@example.com", "color": "red"}),
            json!({"email": 7}),
        ];
        for round in ["without fields", "with fields"] {
            let read = stack.send(stack.by_key("GET", &path)).await;
            let schema = read.success(200, "Contact schema retrieved.").clone();
            let by_member = format!("/v1/console/agents/{}/contacts/schema", stack.agent);
            assert_eq!(stack.send(stack.by_member("GET", &by_member)).await.ok(), &schema);
            let said = judge(&json!({"schema": schema, "values": values})).await;
            for (value, said) in values.iter().zip(said) {
                let answer = stack.create_contact(value.clone()).await;
                assert_eq!(answer.status == 201, said, "{round}: {value}: {}", answer.body);
            }
            for field in [
                json!({"key": "plan", "type": "SELECT", "options": ["free", "pro"], "required": true}),
                json!({"key": "seats", "type": "NUMBER", "minimum": 1, "required": true, "default": 1}),
                json!({"key": "colors", "type": "MULTI_SELECT", "options": ["red", "green"]}),
                json!({"key": "born", "type": "DATE"}),
                json!({"key": "vip", "type": "BOOLEAN"}),
                json!({"key": "short", "type": "TEXT", "maxLength": 5}),
            ] {
                let confirmed = format!("{}?confirm=true", fields(&stack.agent));
                send(stack, "POST", &confirmed, field).await;
            }
        }
    })
    .await;
}

async fn judge(asked: &Value) -> Vec<bool> {
    let mut judge = Command::new(python());
    let output = output_for(judge.args(["-c", JUDGE]), asked.to_string().as_bytes()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
