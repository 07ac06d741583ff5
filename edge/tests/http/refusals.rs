//! Every refusal of the edge itself, and their order.

use serde_json::json;

use crate::client::{Call, call, contact, contacts};
use crate::stack::{AGENT, Stack};

#[tokio::test]
async fn a_visible_table_of_bad_requests() {
    let stack = Stack::with(|config| config.max_json_body_bytes = 1_000).await;
    let json = ("Content-Type", "application/json");
    let long = format!("/{}", "a".repeat(8 * 1024));
    let big = "v".repeat(16 * 1024);
    let too_big = format!("{{\"notes\":\"{}\"}}", "n".repeat(1_000));
    let slash = format!("{}/", contacts());
    let other_agent = "/v1/open/contacts/r/chatbots/65f0c0ffee65f0c0ffee65f9";
    for (what, request, status, code) in [
        ("unknown path", call("GET", "/v1/open/nothing"), 404, "route_not_found"),
        ("root", call("GET", "/"), 404, "route_not_found"),
        ("trailing slash", call("GET", &slash), 404, "route_not_found"),
        ("wrong method", call("PUT", &contacts()), 405, "method_not_allowed"),
        ("made-up method", call("BREW", &contacts()), 405, "method_not_allowed"),
        ("TRACE", call("TRACE", &contacts()), 405, "method_not_allowed"),
        ("GET *", call("GET", "*"), 404, "route_not_found"),
        ("long target", call("GET", &long), 414, "uri_too_long"),
        ("large head", call("GET", &contacts()).field("X-Big", &big), 431, "headers_too_large"),
        ("two hosts", call("GET", &contacts()).field("Host", "b"), 400, "invalid_argument"),
        ("other agent", call("GET", other_agent), 403, "agent_mismatch"),
        ("no type", call("POST", &contacts()).body("{}"), 415, "unsupported_media_type"),
        (
            "form",
            call("POST", &contacts()).field("Content-Type", "text/plain").body("a"),
            415,
            "unsupported_media_type",
        ),
        (
            "compressed",
            call("POST", &contacts()).field(json.0, json.1).field("Content-Encoding", "gzip").body("x"),
            415,
            "unsupported_media_type",
        ),
        ("big body", call("POST", &contacts()).field(json.0, json.1).body(&too_big), 413, "body_too_large"),
        ("no JSON", call("POST", &contacts()).field(json.0, json.1).body("{"), 400, "invalid_json"),
        ("unknown field", call("POST", &contacts()).json(&json!({"nick": 1})), 400, "invalid_argument"),
        ("unknown parameter", call("GET", &format!("{}?nick=1", contact("r"))), 400, "invalid_argument"),
        ("body on GET", call("GET", &contact("r")).json(&json!({})), 400, "invalid_argument"),
        ("body on DELETE", call("DELETE", &contact("r")).json(&json!({})), 400, "invalid_argument"),
        (
            "If-Match where none is",
            call("GET", &contacts()).field("If-Match", "\"1\""),
            400,
            "invalid_argument",
        ),
        (
            "If-None-Match on a write",
            call("DELETE", &contact("r")).field("If-None-Match", "*"),
            400,
            "invalid_argument",
        ),
        (
            "an idempotency key on a stream",
            call("POST", &format!("{}:import", contacts())).field("Idempotency-Key", "k"),
            501,
            "unimplemented",
        ),
        (
            "an idempotency key on a read",
            call("GET", &contacts()).field("Idempotency-Key", "k"),
            400,
            "invalid_argument",
        ),
        (
            "an empty idempotency key",
            call("POST", &contacts()).field("Idempotency-Key", ""),
            400,
            "invalid_argument",
        ),
        (
            "two idempotency keys",
            call("POST", &contacts()).field("Idempotency-Key", "k").field("Idempotency-Key", "k"),
            400,
            "invalid_argument",
        ),
        (
            "a long idempotency key",
            call("POST", &contacts()).field("Idempotency-Key", &"k".repeat(256)),
            400,
            "invalid_argument",
        ),
        (
            "stream in",
            call("POST", &format!("{}:import", contacts())).field(json.0, json.1).body("{}"),
            501,
            "unimplemented",
        ),
        ("stream out", call("GET", &format!("{}:export", contacts())), 501, "unimplemented"),
        ("no code yet", call("GET", &contacts()), 501, "unimplemented"),
    ] {
        let answer = request.send(stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
        assert_eq!(answer.header("content-type"), "application/json", "{what}");
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    }
    assert_eq!(stack.contacts.count(), 0, "nothing bad reaches a service");
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let stack = Stack::start().await;
    let answer = Call::new("PUT", &contacts()).send(stack.address).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS, POST");
}

#[tokio::test]
async fn what_is_wrong_earlier_is_said_first() {
    let stack = Stack::with(|config| config.max_json_body_bytes = 10).await;
    // Each request has the fault of its row and of all rows below.
    let (long, agent) = (format!("/{}", "a".repeat(8 * 1024)), AGENT);
    let bulk = format!("/v1/open/contacts/chatbots/{agent}");
    let text = ("Content-Type", "text/plain");
    for (request, code) in [
        (Call::new("BREW", &long).field(text.0, text.1).body("0123456789a"), "uri_too_long"),
        (Call::new("BREW", "/nowhere").field(text.0, text.1).body("0123456789a"), "route_not_found"),
        (Call::new("BREW", &bulk).field(text.0, text.1).body("0123456789a"), "method_not_allowed"),
        (Call::new("POST", &bulk).field(text.0, text.1).body("0123456789a"), "missing_credentials"),
        (call("POST", &bulk).field(text.0, text.1).body("0123456789a"), "unsupported_media_type"),
        (call("POST", &bulk).field("Content-Type", "application/json").body("0123456789a"), "body_too_large"),
        (
            call("POST", &format!("{bulk}?x=1")).field("Content-Type", "application/json").body("{"),
            "invalid_json",
        ),
    ] {
        assert_eq!(request.send(stack.address).await.code(), code);
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_need_no_credentials_and_cost_no_check() {
    let stack = Stack::start().await;
    Call::new("GET", "/v1/open/nothing").send(stack.address).await;
    Call::new("PUT", &contacts()).send(stack.address).await;
    assert_eq!(stack.auth.count(), 0);
}

#[tokio::test]
async fn an_address_over_its_cap_is_told_when_to_come_back() {
    let stack = Stack::with(|config| config.address_requests_per_second = 2).await;
    let mut throttled = None;
    for _ in 0..20 {
        let answer = Call::new("GET", "/v1/open/health").send(stack.address).await;
        if answer.status != 200 {
            throttled = Some(answer);
            break;
        }
    }
    let answer = throttled.expect("the cap holds");
    assert_eq!((answer.status, answer.code().as_str()), (429, "address_throttled"));
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn addresses_behind_a_proxy_have_caps_of_their_own() {
    let trust = json!("127.0.0.1");
    let stack = Stack::with(|config| {
        config.address_requests_per_second = 1;
        config.trusted_proxies = serde_json::from_value(trust).unwrap();
    })
    .await;
    for octet in 1..50 {
        let from = format!("203.0.113.{octet}");
        let answer =
            Call::new("GET", "/v1/open/health").field("X-Forwarded-For", &from).send(stack.address).await;
        assert_eq!(answer.status, 200);
    }
}
