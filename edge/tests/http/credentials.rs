//! The credential check, as a caller sees it.

use serde_json::json;
use tonic::Status;

use crate::client::{Call, basic, call, console, contact, contacts};
use crate::stack::{AGENT, KEY, SECRET, Stack, TOKEN};

#[tokio::test]
async fn keys_in_every_way() {
    let stack = Stack::start().await;
    let (good, wrong) = (basic(KEY, SECRET), basic(KEY, "kws_live_wrong"));
    let (key, secret) = (("X-API-Key", KEY), ("X-API-Secret", SECRET));
    let bearer = format!("Bearer {TOKEN}");
    for (what, fields, status, code) in [
        ("headers", vec![key, secret], 200, ""),
        ("headers in another case", vec![("x-api-KEY", KEY), ("X-API-SECRET", SECRET)], 200, ""),
        ("basic", vec![("Authorization", good.as_str())], 200, ""),
        ("nothing", vec![], 401, "missing_credentials"),
        ("no secret", vec![key], 401, "missing_credentials"),
        ("empty secret", vec![key, ("X-API-Secret", "")], 401, "missing_credentials"),
        ("a member's token", vec![("Authorization", bearer.as_str())], 401, "missing_credentials"),
        ("doubled key", vec![key, key, secret], 401, "invalid_credentials"),
        ("both ways", vec![key, secret, ("Authorization", good.as_str())], 401, "invalid_credentials"),
        ("wrong secret", vec![key, ("X-API-Secret", "kws_live_wrong")], 401, "invalid_credentials"),
        ("unknown key", vec![("X-API-Key", "kw_live_x"), secret], 401, "invalid_credentials"),
        ("wrong in basic", vec![("Authorization", wrong.as_str())], 401, "invalid_credentials"),
        ("not ASCII", vec![key, ("X-API-Secret", "schlüssel")], 401, "invalid_credentials"),
    ] {
        let request = fields
            .iter()
            .fold(Call::new("GET", &contact("r")), |call, (name, value)| call.field(name, value));
        let answer = request.send(stack.address).await;
        assert_eq!(answer.status, status, "{what}");
        if status == 401 {
            assert_eq!(answer.code(), code, "{what}");
            assert_eq!(answer.header("www-authenticate"), "ApiKey realm=\"keyward\"", "{what}");
        }
    }
    assert_eq!(stack.contacts.count(), 3, "refused requests reach no service");
}

#[tokio::test]
async fn all_bad_credentials_get_the_same_bytes() {
    let stack = Stack::start().await;
    let mut bodies = Vec::new();
    for request in [
        Call::new("GET", &contact("r")).field("X-API-Key", KEY).field("X-API-Secret", "kws_live_wrong"),
        Call::new("GET", &contact("r")).field("X-API-Key", "made up").field("X-API-Secret", SECRET),
        call("GET", &contact("r")).field("X-API-Key", KEY),
        call("GET", &contact("r")).field("Authorization", &basic(KEY, SECRET)),
    ] {
        let answer = request.send(stack.address).await;
        let body =
            String::from_utf8(answer.body.clone()).unwrap().replace(answer.header("x-request-id"), "ID");
        bodies.push((answer.status, body));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}

#[tokio::test]
async fn the_answer_to_missing_credentials_names_both_headers() {
    let stack = Stack::start().await;
    let message = Call::new("GET", &contact("r")).send(stack.address).await.json()["message"].to_string();
    assert!(message.contains("x-api-key") && message.contains("x-api-secret"), "{message}");
}

#[tokio::test]
async fn the_console_takes_tokens_only() {
    let stack = Stack::start().await;
    let path = format!("/v1/console/agents/{AGENT}");
    for (what, request) in [
        ("nothing", Call::new("GET", &path)),
        ("an API key", call("GET", &path)),
        ("basic", Call::new("GET", &path).field("Authorization", &basic(KEY, SECRET))),
        ("another token", Call::new("GET", &path).field("Authorization", "Bearer abc")),
        ("a wrong token", Call::new("GET", &path).field("Authorization", "Bearer kwp_wrong")),
        ("two tokens", console("GET", &path).field("Authorization", &format!("Bearer {TOKEN}"))),
    ] {
        let answer = request.send(stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "not_signed_in"), "{what}");
        assert_eq!(answer.header("www-authenticate"), "ApiKey realm=\"keyward\"", "{what}");
    }
}

#[tokio::test]
async fn refusals_of_auth_svc_are_passed_on() {
    let stack = Stack::start().await;
    for (code, status, retry) in [
        ("key_expired", 401, None),
        ("key_disabled", 403, None),
        ("ip_not_allowed", 403, None),
        ("rate_limited", 429, Some(17)),
        ("agent_mismatch", 403, None),
        ("permission_denied", 403, None),
        ("authorization_unavailable", 503, Some(2)),
    ] {
        *stack.auth.refusal.lock().unwrap() = Some(keyward_proto::auth::v1::Refusal {
            code: code.to_owned(),
            message: format!("because {code}"),
            retry_after_seconds: retry,
        });
        let answer = call("GET", &contact("r")).send(stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.json()["message"], format!("because {code}"));
        assert_eq!(answer.header("retry-after"), retry.map_or(String::new(), |s| s.to_string()), "{code}");
    }
    assert_eq!(stack.contacts.count(), 0);
}

#[tokio::test]
async fn without_a_decision_nobody_passes() {
    let stack = Stack::start().await;
    let refused = async |what: &str| {
        let answer = call("POST", &contacts()).json(&json!({"name": "Ada"})).send(stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "authorization_unavailable"), "{what}");
        assert_eq!(answer.header("retry-after"), "1", "{what}");
    };
    for status in [
        Status::unavailable("down"),
        Status::internal("broken"),
        Status::unauthenticated("who is asking"),
        Status::permission_denied("no"),
        Status::deadline_exceeded("late"),
    ] {
        *stack.auth.failure.lock().unwrap() = Some(status.clone());
        refused(&status.to_string()).await;
    }
    *stack.auth.failure.lock().unwrap() = None;
    *stack.auth.refusal.lock().unwrap() =
        Some(keyward_proto::auth::v1::Refusal { code: "fine".to_owned(), ..Default::default() });
    refused("an unknown code").await;
    assert_eq!(stack.contacts.count(), 0);
}

#[tokio::test]
async fn an_auth_svc_that_is_away_lets_nobody_pass() {
    let stack = Stack::without_auth().await;
    let answer = call("GET", &contact("r")).send(stack.address).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "authorization_unavailable"));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(stack.contacts.count(), 0);
}
