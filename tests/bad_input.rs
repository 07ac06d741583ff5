//! Bad requests, and the exact answer that the contract demands of each: status, code, the form of the
//! body, and that nothing changed.

mod bodies;
mod credentials;
mod heads;
mod paths;
mod request;
mod values;

use std::time::Duration;

use serde_json::{Value, json};
use svc_core::clock::Clock;

use crate::harness::{Api, Key, Stack, raw};
use request::{Request, get};

/// A bad request and what it gets.
struct Case {
    what: &'static str,
    request: Request,
    status: u16,
    code: &'static str,
    /// The first of the details: the field and its code.
    detail: Option<(&'static str, &'static str)>,
    /// The header `Allow`.
    allow: &'static str,
}

fn case(what: &'static str, request: Request, status: u16, code: &'static str) -> Case {
    Case { what, request, status, code, detail: None, allow: "" }
}

/// A request with a value that breaks a rule.
fn invalid(what: &'static str, request: Request, field: &'static str, fault: &'static str) -> Case {
    Case { detail: Some((field, fault)), ..case(what, request, 400, "invalid_argument") }
}

/// What the requests are made of.
struct Ground {
    /// The path of the agent's contacts.
    contacts: String,
    agent: String,
    /// A key with every permission.
    key: Key,
    /// A key that may only read.
    reader: Key,
    /// A key that was deleted.
    deleted: Key,
    /// A key that has expired.
    expired: Key,
    /// Another agent of the organization.
    other_agent: String,
    /// A key of that agent.
    other_key: Key,
    /// A cursor of that agent's list.
    other_cursor: String,
    /// The owner's token.
    token: String,
}

/// Puts a contact `crm-1` there, and keys of all kinds.
async fn prepare(stack: &Stack) -> Ground {
    let other = stack.new_agent("Sales", &["contacts:create", "contacts:read"]).await;
    other.new_contact("one").await;
    other.new_contact("two").await;
    let page = other.list_contacts("?limit=1").await;
    stack.new_contact("crm-1").await;
    let deleted = stack.new_key(&["contacts:read"]).await;
    stack.delete_key(&deleted.id).await.ok();
    let expired = stack.new_key(&["contacts:read"]).await;
    let soon = stack.clock.now().plus(Duration::from_secs(60)).to_string();
    stack.update_key(&expired.id, json!({"expiresAt": soon})).await.ok();
    stack.advance(Duration::from_secs(61));
    Ground {
        contacts: stack.contacts_path(),
        agent: stack.agent.clone(),
        key: stack.key.clone(),
        reader: stack.new_key(&["contacts:read"]).await,
        deleted,
        expired,
        other_agent: other.agent.clone(),
        other_key: other.key.clone(),
        other_cursor: page.body["pagination"]["nextCursor"].as_str().unwrap().to_owned(),
        token: stack.token.clone(),
    }
}

/// Everything that a request could have changed.
async fn state(api: &Api) -> Value {
    let ids = |list: &Value| -> Vec<Value> {
        let each = list.as_array().unwrap().iter();
        each.map(|item| json!([item["id"], item["version"], item["updatedAt"]])).collect()
    };
    json!([
        api.list_contacts("?limit=100").await.ok(),
        ids(api.list_keys("?limit=100").await.ok()),
        ids(api.list_agents("?limit=100").await.ok()),
        ids(api.list_members().await.ok()),
        ids(api.list_tokens().await.ok()),
    ])
}

async fn run(stack: &Stack, cases: Vec<Case>) {
    let before = state(stack).await;
    for Case { what, request, status, code, detail, allow } in cases {
        let answer = raw(stack.edge(), &request.bytes()).await.json(what);
        let details = answer.refusal(status, code);
        if let Some((field, fault)) = detail {
            let first = (&details[0]["field"], &details[0]["code"]);
            assert_eq!(first, (&json!(field), &json!(fault)), "{what}: {}", answer.body);
        }
        assert_eq!(answer.header("allow"), allow, "{what}");
        assert_eq!(state(stack).await, before, "{what}: something changed");
    }
}

#[tokio::test]
async fn every_bad_request_gets_its_answer() {
    Stack::each(async |stack| {
        let ground = prepare(&stack).await;
        run(&stack, credentials::cases(&ground)).await;
        run(&stack, paths::cases(&ground)).await;
        run(&stack, bodies::cases(&ground)).await;
        run(&stack, values::cases(&ground)).await;
        run(&stack, heads::cases(&ground)).await;
    })
    .await;
}

#[tokio::test]
async fn what_must_not_be_told_apart_is_the_same_to_the_byte() {
    Stack::each(async |stack| {
        let ground = prepare(&stack).await;
        for code in ["invalid_credentials", "agent_mismatch"] {
            let mut seen: Vec<(&str, Value)> = Vec::new();
            let cases = credentials::cases(&ground).into_iter().chain(paths::cases(&ground));
            for Case { what, request, .. } in cases.filter(|case| case.code == code) {
                let mut answer = raw(stack.edge(), &request.bytes()).await.json(what);
                answer.refusal(answer.status, code);
                answer.body["error"]["requestId"] = Value::Null;
                answer.headers.remove("x-request-id");
                answer.headers.remove("date");
                // What remains of a key's limits is the key's own affair.
                let rates = answer.headers.keys().filter(|name| name.as_str().contains("ratelimit"));
                for rate in rates.cloned().collect::<Vec<_>>() {
                    answer.headers.remove(rate);
                }
                let names: Vec<String> =
                    answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
                seen.push((what, json!([answer.body, names])));
            }
            assert!(seen.len() > 3);
            for (what, answer) in &seen {
                assert_eq!(answer, &seen[0].1, "{what} is not like {}", seen[0].0);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn problems_are_told_in_the_form_of_rfc_9457_to_those_who_ask() {
    Stack::each(async |stack| {
        let request = get(format!("{}?limit=0", stack.contacts_path())).by(&stack.key);
        let request = request.header("Accept", "application/problem+json");
        let answer = raw(stack.edge(), &request.bytes()).await.json("problem");
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"));
        let detail = &answer.body["errors"][0];
        let expected = json!({
            "type": "/docs/errors#invalid_argument",
            "title": "Invalid argument",
            "status": 400,
            "detail": answer.body["detail"],
            "code": "invalid_argument",
            "requestId": answer.header("x-request-id"),
            "errors": [{"field": "limit", "code": "out_of_range", "message": detail["message"]}],
        });
        assert_eq!(answer.body, expected);
    })
    .await;
}
