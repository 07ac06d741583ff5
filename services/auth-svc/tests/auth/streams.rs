//! A stream that goes on is decided as any request, and nothing is taken or counted for it.

use auth_svc::Config;
use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role;
use svc_db::testing::TestEnvironment;

use crate::harness::{Auth, call};

fn going_on(request: pb::AuthorizeRequest) -> pb::AuthorizeRequest {
    pb::AuthorizeRequest { goes_on: true, ..request }
}

async fn decide(auth: &Auth, request: pb::AuthorizeRequest) -> String {
    match auth.authorize(request).await {
        Ok(_) => "ok".to_owned(),
        Err(refusal) => refusal.code,
    }
}

#[tokio::test]
async fn a_stream_takes_no_slot_and_is_not_held_against_the_limit() {
    for (engine, auth) in Auth::each().await {
        let request = pb::CreateApiKeyRequest {
            agent_id: auth.first.agent_id.clone(),
            name: Some("Streams".to_owned()),
            permissions: vec!["contacts:read".to_owned()],
            rate_limits: Some(pb::RateLimits { per_minute: Some(1), per_hour: Some(5) }),
            ..pb::CreateApiKeyRequest::default()
        };
        let made = auth.keys().create_api_key(call(&auth.owner(), request)).await.unwrap().into_inner();
        let (key, secret) = (made.key.unwrap(), made.secret);
        let request = || auth.read_contacts(&key.api_key, &secret);
        for (what, request, code) in [
            ("a stream before", going_on(request()), "ok"),
            ("a request", request(), "ok"),
            ("another, over the limit", request(), "rate_limited"),
            ("a stream", going_on(request()), "ok"),
            (
                "a stream without its permission",
                going_on(pb::AuthorizeRequest {
                    permissions: vec!["contacts:delete".to_owned()],
                    ..request()
                }),
                "permission_denied",
            ),
        ] {
            assert_eq!(decide(&auth, request).await, code, "{engine}: {what}");
        }
        let delete = pb::DeleteApiKeyRequest {
            agent_id: auth.first.agent_id.clone(),
            id: key.id.clone(),
            ..pb::DeleteApiKeyRequest::default()
        };
        auth.keys().delete_api_key(call(&auth.owner(), delete)).await.unwrap();
        assert_eq!(decide(&auth, going_on(request())).await, "invalid_credentials", "{engine}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_is_no_failure_of_its_address() {
    let config = Config { failures_per_minute: 3, ..Config::default() };
    let auth = Auth::at(TestEnvironment::sqlite(), &config).await;
    let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    let (_, wrong) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    for _ in 0..10 {
        assert_eq!(
            decide(&auth, going_on(auth.read_contacts(&key.api_key, &wrong))).await,
            "invalid_credentials"
        );
        assert_eq!(decide(&auth, going_on(auth.as_member("kwp_x", Role::User))).await, "not_signed_in");
    }
    assert_eq!(decide(&auth, auth.read_contacts(&key.api_key, &secret)).await, "ok");
    assert_eq!(decide(&auth, auth.as_member(auth.first.owner_token.expose(), Role::User)).await, "ok");

    // Nor is it refused for the failures of others there, when memory has forgotten its key.
    let (unknown, unknown_secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    for _ in 0..3 {
        assert_eq!(decide(&auth, auth.read_contacts("", "")).await, "missing_credentials");
    }
    let request = || auth.read_contacts(&unknown.api_key, &unknown_secret);
    assert_eq!(decide(&auth, request()).await, "address_throttled");
    assert_eq!(decide(&auth, going_on(request())).await, "ok");
}
