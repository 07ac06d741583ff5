//! Every code of the contract, over HTTP, in both forms.

use keyward_proto::auth::v1::Refusal;
use serde_json::{Value, json};
use svc_core::error::Reason;

use crate::client::{Answer, Call, call, console, contact, contacts};
use crate::stack::{AGENT, SAYS, Stack};

/// How a request comes to be refused.
enum By {
    /// By the edge, as it is.
    Edge(Call),
    /// By the credential check.
    Check,
    /// By a service.
    Service,
}

/// Each code, its status, and how it is provoked here. Where it comes from in the whole stack is tested there:
/// `tests/` has a journey for each of the credential check and of the services.
fn table() -> Vec<(&'static str, u16, By)> {
    let big = format!("{{\"notes\":\"{}\"}}", "n".repeat(1_000));
    let json = |body: &str| call("POST", &contacts()).field("Content-Type", "application/json").body(body);
    let stalled =
        call("POST", &contacts()).field("Content-Type", "application/json").field("Content-Length", "2");
    let long = format!("/{}", "a".repeat(8 * 1024));
    let unknown_key =
        Call::new("GET", &contact("r")).field("X-API-Key", "kw_live_x").field("X-API-Secret", "s");
    vec![
        ("missing_credentials", 401, By::Edge(Call::new("GET", &contact("r")))),
        ("invalid_credentials", 401, By::Edge(unknown_key)),
        ("key_expired", 401, By::Check),
        ("key_disabled", 403, By::Check),
        ("ip_not_allowed", 403, By::Check),
        ("rate_limited", 429, By::Check),
        ("agent_mismatch", 403, By::Check),
        ("permission_denied", 403, By::Check),
        ("authorization_unavailable", 503, By::Check),
        ("address_throttled", 429, By::Check),
        ("role_required", 403, By::Check),
        ("csrf_failed", 403, By::Service),
        ("not_signed_in", 401, By::Edge(Call::new("GET", &format!("/v1/console/agents/{AGENT}")))),
        ("headers_too_large", 431, By::Edge(call("GET", &contacts()).field("X-Big", &"v".repeat(16 * 1024)))),
        ("uri_too_long", 414, By::Edge(call("GET", &long))),
        ("route_not_found", 404, By::Edge(call("GET", "/v1/open/nothing"))),
        ("method_not_allowed", 405, By::Edge(call("PUT", &contacts()))),
        ("unsupported_media_type", 415, By::Edge(call("POST", &contacts()).body("{}"))),
        ("body_too_large", 413, By::Edge(json(&big))),
        ("request_timeout", 408, By::Edge(stalled)),
        ("invalid_json", 400, By::Edge(json("{"))),
        ("invalid_argument", 400, By::Edge(json("{\"nick\": 1}"))),
        ("unimplemented", 501, By::Edge(call("GET", &format!("{}:export", contacts())))),
        ("internal", 500, By::Edge(call("GET", &contact("panic")))),
        ("bad_gateway", 502, By::Edge(call("GET", &contact("unauthenticated")))),
        ("invalid_cursor", 400, By::Service),
        ("not_found", 404, By::Service),
        ("already_exists", 409, By::Service),
        ("request_in_progress", 409, By::Service),
        ("conflict", 409, By::Service),
        ("precondition_failed", 412, By::Service),
        ("range_not_satisfiable", 416, By::Service),
        ("idempotency_key_reused", 422, By::Service),
        ("unavailable", 503, By::Service),
        ("overloaded", 503, By::Service),
        ("deadline_exceeded", 504, By::Service),
    ]
}

#[tokio::test]
async fn every_code_has_its_status_its_headers_and_both_forms() {
    let small = |config: &mut edge::Config| {
        config.max_json_body_bytes = 1_000;
        config.body_timeout_seconds = 1;
    };
    let stack = Stack::with(small).await;
    let mut codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    for (code, status, by) in table() {
        let refusal =
            Refusal { code: code.to_owned(), message: "Because.".to_owned(), retry_after_seconds: None };
        *stack.auth.refusal.lock().unwrap() = matches!(by, By::Check).then_some(refusal);
        let request = match by {
            By::Edge(request) => request,
            By::Check if code == "role_required" => console("GET", &format!("/v1/console/agents/{AGENT}")),
            By::Check => call("GET", &contact("r")),
            By::Service => call("GET", &contact(&format!("{SAYS}{code}"))),
        };
        let ours = request.send(stack.address).await;
        assert_is_ours(&ours, code);
        assert_headers(&ours, code, status);
        let problem = request.field("Accept", "application/problem+json").send(stack.address).await;
        assert_is_problem(&problem, code, status);
        assert_headers(&problem, code, status);
        let listed =
            codes.iter().position(|listed| *listed == code).unwrap_or_else(|| panic!("{code} twice"));
        codes.swap_remove(listed);
    }
    assert!(codes.is_empty(), "without a row: {codes:?}");
}

fn assert_is_ours(answer: &Answer, code: &str) {
    assert_eq!(answer.header("content-type"), "application/json", "{code}");
    let body = answer.json();
    let id = answer.header("x-request-id");
    let error = json!({"code": code, "requestId": id, "details": body["error"]["details"]});
    assert_eq!(body, json!({"success": false, "message": body["message"], "error": error}), "{code}");
    assert_said(&body["message"], &body["error"]["details"], code);
}

fn assert_is_problem(answer: &Answer, code: &str, status: u16) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{code}");
    let body = answer.json();
    let expected = json!({
        "type": format!("/docs/errors#{code}"), "title": body["title"], "status": status,
        "detail": body["detail"], "code": code, "requestId": answer.header("x-request-id"),
        "errors": body["errors"],
    });
    assert_eq!(body, expected, "{code}");
    assert_eq!(body["title"].as_str().unwrap().to_ascii_lowercase().replace(' ', "_"), code);
    assert_said(&body["detail"], &body["errors"], code);
}

fn assert_said(message: &Value, details: &Value, code: &str) {
    assert!(message.as_str().is_some_and(|message| !message.is_empty()), "{code}");
    for detail in details.as_array().unwrap() {
        for member in ["field", "code", "message"] {
            assert!(detail[member].is_string(), "{code}: {detail}");
        }
    }
}

fn assert_headers(answer: &Answer, code: &str, status: u16) {
    assert_eq!(answer.status, status, "{code}");
    let challenge = if status == 401 { "ApiKey realm=\"keyward\"" } else { "" };
    assert_eq!(answer.header("www-authenticate"), challenge, "{code}");
    let retry = if matches!(status, 429 | 503) { "1" } else { "" };
    assert_eq!(answer.header("retry-after"), retry, "{code}");
    let allow = if status == 405 { "GET, HEAD, OPTIONS, POST" } else { "" };
    assert_eq!(answer.header("allow"), allow, "{code}");
    assert_eq!(answer.header("cache-control"), "no-store", "{code}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{code}");
}
