//! Limits, addresses, and failures of one client address.

use std::time::Duration;

use auth_svc::Config;
use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role;
use svc_core::clock::Clock;
use svc_db::testing::TestEnvironment;

use crate::harness::{Auth, call};

async fn limited_key(auth: &Auth, per_minute: i32, allowed_ips: &[&str]) -> (pb::ApiKey, String) {
    let request = pb::CreateApiKeyRequest {
        agent_id: auth.first.agent_id.clone(),
        name: Some("Limited".to_owned()),
        permissions: vec!["contacts:read".to_owned()],
        rate_limits: Some(pb::RateLimits { per_minute: Some(per_minute), per_hour: Some(5) }),
        allowed_ips: allowed_ips.iter().map(|&ip| ip.to_owned()).collect(),
        ..pb::CreateApiKeyRequest::default()
    };
    let made = auth.keys().create_api_key(call(&auth.owner(), request)).await.unwrap().into_inner();
    (made.key.unwrap(), made.secret)
}

fn from(mut request: pb::AuthorizeRequest, address: &str) -> pb::AuthorizeRequest {
    request.client_address = address.to_owned();
    request
}

#[tokio::test]
async fn a_slot_is_taken_at_the_limit_s_row_of_the_order() {
    for (engine, auth) in Auth::each().await {
        let (key, secret) = limited_key(&auth, 3, &["192.0.2.0/24"]).await;
        let request = || auth.read_contacts(&key.api_key, &secret);
        let elsewhere = || from(request(), "203.0.113.1");
        let other_agent =
            || pb::AuthorizeRequest { agent_id: Some("65f0c0ffee65f0c0ffee65f0".to_owned()), ..request() };
        let no_permission =
            || pb::AuthorizeRequest { permissions: vec!["contacts:delete".to_owned()], ..request() };
        for (what, request, code, remaining) in [
            ("the wrong address takes none", elsewhere(), "ip_not_allowed", 3),
            ("a good request takes one", request(), "ok", 2),
            ("so does another agent", other_agent(), "agent_mismatch", 1),
            ("and a missing permission", no_permission(), "permission_denied", 0),
            ("over the limit", request(), "rate_limited", 0),
            ("which answers before the agent", other_agent(), "rate_limited", 0),
            ("but after the address", elsewhere(), "ip_not_allowed", 0),
        ] {
            let answer = auth.answer(request).await;
            let minute = answer.rate.unwrap().minute.unwrap();
            let (got, wait) = match answer.decision.unwrap() {
                pb::authorize_response::Decision::Principal(_) => ("ok".to_owned(), None),
                pb::authorize_response::Decision::Refusal(refusal) => {
                    (refusal.code, refusal.retry_after_seconds)
                }
            };
            assert_eq!(
                (got.as_str(), minute.remaining, minute.limit),
                (code, remaining, 3),
                "{engine}: {what}"
            );
            assert_eq!(wait.is_some(), code == "rate_limited", "{engine}: {what}");
        }
        let refusal = auth.authorize(elsewhere()).await.unwrap_err();
        assert!(refusal.message.contains("203.0.113.1") && !refusal.message.contains("192.0.2"), "{engine}");
        let refusal = auth.authorize(request()).await.unwrap_err();
        assert!(refusal.message.contains("minute"), "{engine}: {}", refusal.message);
    }
}

#[tokio::test]
async fn limits_survive_a_restart() {
    for (engine, home) in TestEnvironment::each().await {
        let auth = Auth::at(home, &Config::default()).await;
        let (key, secret) = limited_key(&auth, 2, &[]).await;
        for _ in 0..2 {
            assert!(auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.is_ok(), "{engine}");
        }
        let auth = auth.restart(&Config::default()).await;
        let refusal = auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.unwrap_err();
        assert_eq!(refusal.code, "rate_limited", "{engine}");
    }
}

#[tokio::test]
async fn after_too_many_failures_only_what_memory_knows_passes() {
    let config = Config { failures_per_minute: 3, ..Config::default() };
    let auth = Auth::at(TestEnvironment::sqlite(), &config).await;
    let owner = auth.owner();
    let (known, known_secret) = auth.create_key(&owner, &["contacts:read"]).await;
    let (unknown, unknown_secret) = auth.create_key(&owner, &["contacts:read"]).await;
    let decide = async |request| match auth.authorize(request).await {
        Ok(_) => "ok".to_owned(),
        Err(refusal) => refusal.code,
    };
    assert_eq!(decide(auth.read_contacts(&known.api_key, &known_secret)).await, "ok");
    for _ in 0..3 {
        assert_eq!(decide(auth.read_contacts("", "")).await, "missing_credentials");
    }
    for (what, request, code) in [
        ("a key that memory knows", auth.read_contacts(&known.api_key, &known_secret), "ok"),
        ("with another secret", auth.read_contacts(&known.api_key, &unknown_secret), "address_throttled"),
        (
            "one that it does not know",
            auth.read_contacts(&unknown.api_key, &unknown_secret),
            "address_throttled",
        ),
        ("nothing", auth.read_contacts("", ""), "address_throttled"),
        ("from elsewhere", from(auth.read_contacts(&unknown.api_key, &unknown_secret), "203.0.113.1"), "ok"),
    ] {
        assert_eq!(decide(request).await, code, "{what}");
    }
    // Tokens count for themselves: a failing integration does not lock people out.
    let owner = auth.as_member(auth.first.owner_token.expose(), Role::User);
    assert_eq!(decide(owner).await, "ok");
}

#[tokio::test]
async fn a_failure_while_the_clock_stands_wrong_makes_nobody_wait() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    let right = auth.clock().now();
    let wrong = auth.read_contacts("", "");

    auth.clock().set(right.plus(Duration::from_secs(2 * 3_600)));
    assert_eq!(auth.authorize(wrong).await.unwrap_err().code, "missing_credentials");
    assert_eq!(auth.authorize(auth.as_member("kwp_x", Role::User)).await.unwrap_err().code, "not_signed_in");
    auth.clock().set(right);
    // Memory does not know the key, so that its address is asked for.
    assert!(auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.is_ok());
    assert!(auth.authorize(auth.as_member(auth.first.owner_token.expose(), Role::User)).await.is_ok());
}

#[tokio::test]
async fn after_too_many_bad_tokens_only_good_ones_that_were_used_pass() {
    let config = Config { failures_per_minute: 3, ..Config::default() };
    for (engine, home) in TestEnvironment::each().await {
        let auth = Auth::at(home, &config).await;
        let owner = auth.owner();
        let decide = async |token: &str| match auth.authorize(auth.as_member(token, Role::User)).await {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => refusal.code,
        };
        let new_token = async |expires_at| {
            let request = pb::CreateTokenRequest { name: Some("ci".to_owned()), role: 0, expires_at };
            auth.tokens().create_token(call(&owner, request)).await.unwrap().into_inner()
        };
        let soon = auth.clock().now().plus(Duration::from_secs(30)).to_proto();
        let (deleted, ending, unused) =
            (new_token(None).await, new_token(Some(soon)).await, new_token(None).await);
        let good = auth.first.owner_token.expose();
        for used in [good, &deleted.secret, &ending.secret] {
            assert_eq!(decide(used).await, "ok", "{engine}");
        }
        // Well-formed ones, which only the database knows to be wrong, and others.
        for bad in ["kwp_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10YosoA", "kwp_", ""] {
            assert_eq!(decide(bad).await, "not_signed_in", "{engine}");
        }
        for (what, token, code) in [
            ("one that was used", good, "ok"),
            ("and again", good, "ok"),
            ("one that was never used", unused.secret.as_str(), "address_throttled"),
            ("a bad one", "kwp_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10YosoA", "address_throttled"),
            ("none", "", "address_throttled"),
        ] {
            assert_eq!(decide(token).await, code, "{engine}: {what}");
        }
        // It is let by, not let in: what has ended has ended at once, and does not pass again.
        let id = deleted.token.unwrap().id;
        auth.tokens().delete_token(call(&owner, pb::DeleteTokenRequest { id })).await.unwrap();
        assert_eq!(decide(&deleted.secret).await, "not_signed_in", "{engine}: deleted");
        assert_eq!(decide(&deleted.secret).await, "address_throttled", "{engine}: forgotten");
        auth.clock().advance(Duration::from_secs(30));
        for _ in 0..3 {
            decide("").await;
        }
        assert_eq!(decide(&ending.secret).await, "not_signed_in", "{engine}: ended");
        assert_eq!(decide(&ending.secret).await, "address_throttled", "{engine}: forgotten");
        assert_eq!(decide(good).await, "ok", "{engine}");
    }
}
