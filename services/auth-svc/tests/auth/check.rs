//! The credential check.

use std::sync::Arc;
use std::time::Duration;

use auth_svc::Config;
use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role;
use svc_core::clock::{Clock, ManualClock};
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;
use svc_runtime::service::{Environment, Service};
use svc_runtime::token::{JwksSource, TokenVerifier};

use crate::harness::{Auth, call};

fn code(decision: Result<pb::Principal, pb::Refusal>) -> String {
    decision.map_or_else(|refusal| refusal.code, |_| "ok".to_owned())
}

#[tokio::test]
async fn the_first_refusal_in_the_contract_s_order_answers() {
    for (engine, auth) in Auth::each().await {
        let owner = auth.owner();
        let (key, secret) = auth.create_key(&owner, &["contacts:read"]).await;
        let soon = auth.clock().now().plus(Duration::from_secs(60));
        let (expiring, expiring_secret) =
            auth.create_expiring_key(&owner, &["document-extraction:read"], Some(soon)).await;
        let first_secret = auth.first.api_secret.expose();
        let other = if secret.ends_with('x') { 'y' } else { 'x' };
        let flipped = format!("{}{other}", &secret[..secret.len() - 1]);

        let other_agent = |mut request: pb::AuthorizeRequest| {
            request.agent_id = Some("65f0c0ffee65f0c0ffee65f0".to_owned());
            request
        };
        let to_delete = |mut request: pb::AuthorizeRequest| {
            request.permissions = vec!["contacts:delete".to_owned(), "contacts:read".to_owned()];
            request
        };
        let right = || auth.read_contacts(&key.api_key, &secret);
        for (what, request, expected) in [
            ("all is well", right(), "ok"),
            ("no secret", auth.read_contacts(&key.api_key, ""), "missing_credentials"),
            ("no key", auth.read_contacts("", &secret), "missing_credentials"),
            ("not a key", auth.read_contacts("hello", &secret), "invalid_credentials"),
            ("not a secret", auth.read_contacts(&key.api_key, "hello"), "invalid_credentials"),
            ("a typing error", auth.read_contacts(&key.api_key, &flipped), "invalid_credentials"),
            ("another key's secret", auth.read_contacts(&key.api_key, first_secret), "invalid_credentials"),
            (
                "a key that is not there",
                auth.read_contacts("kw_live_00000000000000000000000hTq89", &secret),
                "invalid_credentials",
            ),
            ("key and secret swapped", auth.read_contacts(&secret, &key.api_key), "invalid_credentials"),
            ("another agent", other_agent(right()), "agent_mismatch"),
            ("a missing permission", to_delete(right()), "permission_denied"),
            ("another agent and a missing permission", other_agent(to_delete(right())), "agent_mismatch"),
            (
                "wrong secret and another agent",
                other_agent(auth.read_contacts(&key.api_key, first_secret)),
                "invalid_credentials",
            ),
        ] {
            assert_eq!(code(auth.authorize(request).await), expected, "{engine}: {what}");
        }

        let refusal = auth.authorize(to_delete(right())).await.unwrap_err();
        assert!(refusal.message.contains("contacts:delete") && !refusal.message.contains("contacts:read"));

        auth.clock().advance(Duration::from_secs(60));
        let expired = || auth.read_contacts(&expiring.api_key, &expiring_secret);
        assert_eq!(code(auth.authorize(expired()).await), "key_expired", "{engine}");
        assert_eq!(code(auth.authorize(other_agent(to_delete(expired()))).await), "key_expired", "{engine}");
        let wrong = auth.read_contacts(&expiring.api_key, &secret);
        assert_eq!(code(auth.authorize(wrong).await), "invalid_credentials", "a stranger learns nothing");
    }
}

#[tokio::test]
async fn every_way_to_be_invalid_reads_the_same() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    let mut texts = Vec::new();
    for (api_key, secret) in [
        ("kw_live_00000000000000000000000hTq89", secret.as_str()),
        ("x", &secret),
        (&key.api_key, "x"),
        (&key.api_key, auth.first.api_secret.expose()),
    ] {
        texts.push(auth.authorize(auth.read_contacts(api_key, secret)).await.unwrap_err());
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
}

#[tokio::test]
async fn a_principal_token_is_good_for_its_audience_and_minted_once() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let audience = |name: &str| {
        let mut request = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
        request.audience = Some(name.to_owned());
        request
    };
    let first = auth.authorize(audience("contacts")).await.unwrap().token.unwrap();
    let again = auth.authorize(audience("contacts")).await.unwrap().token.unwrap();
    let other = auth.authorize(audience("extraction")).await.unwrap().token.unwrap();
    assert_eq!(first, again);
    assert_ne!(first, other);

    let keys = JwksSource::Fixed(auth.service.keys().unwrap());
    let verifier = TokenVerifier::new("contacts", keys, &auth.home.environment);
    let principal = verifier.verify(&first).await.unwrap();
    assert_eq!(principal.agent_id.as_deref(), Some(auth.first.agent_id.as_str()));
    assert!(verifier.verify(&other).await.is_err());

    auth.clock().advance(Duration::from_secs(31));
    assert_ne!(auth.authorize(audience("contacts")).await.unwrap().token.unwrap(), first);
}

#[tokio::test]
async fn secrets_outlive_the_verifier_key() {
    for (engine, home) in TestEnvironment::each().await {
        let auth = Auth::at(home, &Config::default()).await;
        let (api_key, secret) = (auth.first.api_key.clone(), auth.first.api_secret.clone());
        let old = std::fs::read_to_string(auth.home.path().join("verifier.key")).unwrap();
        let new = Secret::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let rotated = Config {
            verifier_key: Some(new.clone()),
            verifier_key_previous: Some(Secret::new(old.trim())),
            ..Config::default()
        };
        let lost = Config { verifier_key: Some(new), ..Config::default() };
        let auth = auth.restart(&rotated).await;
        assert_eq!(
            code(auth.authorize(auth.read_contacts(&api_key, secret.expose())).await),
            "ok",
            "{engine}"
        );
        // Now argon2id decides.
        let auth = auth.restart(&lost).await;
        assert_eq!(
            code(auth.authorize(auth.read_contacts(&api_key, secret.expose())).await),
            "ok",
            "{engine}"
        );
        let (_, other) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let wrong = auth.authorize(auth.read_contacts(&api_key, &other)).await;
        assert_eq!(code(wrong), "invalid_credentials", "{engine}");
    }
}

#[tokio::test]
async fn changes_are_seen_at_once() {
    for (engine, auth) in Auth::each().await {
        let owner = auth.owner();
        let admin = auth.create_member("admin@example.com", Role::Admin).await;
        let by_admin = auth.member(&admin.id, Role::Admin);
        let (key, secret) = auth.create_key(&by_admin, &["contacts:read"]).await;
        let decide = async || code(auth.authorize(auth.read_contacts(&key.api_key, &secret)).await);
        assert_eq!(decide().await, "ok", "{engine}");

        let update = |role: Role| pb::UpdateMemberRequest {
            id: admin.id.clone(),
            member: Some(pb::Member { role: role.into(), ..pb::Member::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["role".to_owned()] }),
        };
        auth.members().update_member(call(&owner, update(Role::User))).await.unwrap();
        assert_eq!(decide().await, "permission_denied", "{engine}: the creator was demoted");
        auth.members().update_member(call(&owner, update(Role::Admin))).await.unwrap();
        assert_eq!(decide().await, "ok", "{engine}: and promoted again");

        let narrow = pb::UpdateApiKeyRequest {
            agent_id: auth.first.agent_id.clone(),
            id: key.id.clone(),
            key: Some(pb::ApiKey {
                permissions: vec!["contacts:create".to_owned()],
                ..pb::ApiKey::default()
            }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["permissions".to_owned()] }),
            if_match: None,
        };
        auth.keys().update_api_key(call(&owner, narrow)).await.unwrap();
        assert_eq!(decide().await, "permission_denied", "{engine}: narrowed");

        let delete = pb::DeleteApiKeyRequest {
            agent_id: auth.first.agent_id.clone(),
            id: key.id.clone(),
            if_match: None,
        };
        auth.keys().delete_api_key(call(&owner, delete)).await.unwrap();
        assert_eq!(decide().await, "invalid_credentials", "{engine}: deleted");

        let first = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
        assert_eq!(code(auth.authorize(first.clone()).await), "ok", "{engine}");
        let agent = pb::DeleteAgentRequest { agent_id: auth.first.agent_id.clone() };
        auth.agents().delete_agent(call(&owner, agent)).await.unwrap();
        assert_eq!(code(auth.authorize(first).await), "invalid_credentials", "{engine}: its agent is gone");
    }
}

#[tokio::test]
async fn members_are_who_their_tokens_say_and_no_more() {
    for (engine, auth) in Auth::each().await {
        let owner = auth.first.owner_token.expose().to_owned();
        for (token, role, expected) in [
            (owner.as_str(), Role::Owner, "ok"),
            (&owner, Role::User, "ok"),
            ("", Role::User, "not_signed_in"),
            ("kwp_nonsense", Role::User, "not_signed_in"),
            (auth.first.api_secret.expose(), Role::User, "not_signed_in"),
            ("kwp_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10YosoA", Role::User, "not_signed_in"),
        ] {
            assert_eq!(
                code(auth.authorize(auth.as_member(token, role)).await),
                expected,
                "{engine}: {role:?}"
            );
        }

        let admin = auth.create_member("admin@example.com", Role::Admin).await;
        let soon = auth.clock().now().plus(Duration::from_secs(60)).to_proto();
        let new = pb::CreateTokenRequest {
            name: Some("ci".to_owned()),
            role: Role::Unspecified.into(),
            expires_at: Some(soon),
        };
        let by_admin = auth.member(&admin.id, Role::Admin);
        let made = auth.tokens().create_token(call(&by_admin, new)).await.unwrap().into_inner();
        let decide = async |role| code(auth.authorize(auth.as_member(&made.secret, role)).await);
        assert_eq!(decide(Role::Admin).await, "ok", "{engine}");
        assert_eq!(decide(Role::Owner).await, "role_required", "{engine}");
        let principal = auth.authorize(auth.as_member(&made.secret, Role::Admin)).await.unwrap();
        assert_eq!(principal.token_id, made.token.map(|token| token.id), "{engine}");
        auth.clock().advance(Duration::from_secs(60));
        assert_eq!(decide(Role::User).await, "not_signed_in", "{engine}: expired");
    }
}

#[tokio::test]
async fn a_principal_token_ends_no_later_than_the_credential() {
    for (engine, auth) in Auth::each().await {
        let now = auth.clock().now();
        let ends = now.plus(Duration::from_millis(20_500));
        let owner = auth.owner();
        let (key, secret) = auth.create_expiring_key(&owner, &["contacts:read"], Some(ends)).await;
        let new = pb::CreateTokenRequest {
            name: Some("ci".to_owned()),
            role: Role::Unspecified.into(),
            expires_at: Some(ends.to_proto()),
        };
        let token = auth.tokens().create_token(call(&owner, new)).await.unwrap().into_inner().secret;
        for (what, request) in [
            ("a key", auth.read_contacts(&key.api_key, &secret)),
            ("a token", auth.as_member(&token, Role::User)),
        ] {
            let request = pb::AuthorizeRequest { audience: Some("contacts".to_owned()), ..request };
            let principal = auth.authorize(request).await.unwrap();
            assert_eq!(principal.expires_at, Some(ends.to_proto()), "{engine}: {what}");
            let keys = JwksSource::Fixed(auth.service.keys().unwrap());
            let clock = ManualClock::at(now);
            let environment = Environment { clock: Arc::new(clock.clone()), ..auth.home.environment.clone() };
            let verifier = TokenVerifier::new("contacts", keys, &environment);
            let token = principal.token.unwrap();
            assert_eq!(verifier.verify(&token).await.unwrap().expires_at, Some(ends), "{engine}: {what}");
            // A second for the fraction, and five that clocks may differ.
            clock.advance(Duration::from_secs(20 + 1 + 5));
            assert!(verifier.verify(&token).await.is_err(), "{engine}: {what}");
        }
    }
}
