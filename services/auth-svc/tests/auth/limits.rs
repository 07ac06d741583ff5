//! Limits, addresses, and failures of one client address.

use auth_svc::Config;
use keyward_proto::auth::v1 as pb;
use svc_core::testing::Home;

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
    for (engine, home) in Home::each().await {
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
    let auth = Auth::at(Home::sqlite(), &config).await;
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
    let owner = auth.as_member(auth.first.owner_token.expose(), keyward_proto::policy::v1::Role::User);
    assert_eq!(decide(owner).await, "ok");
}
