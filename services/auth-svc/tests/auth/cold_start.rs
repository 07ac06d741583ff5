//! A replica that starts with many keys and knows none of them.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use auth_svc::testing::{self, KeySettings};
use auth_svc::{Config, LimitsConfig};
use futures::{StreamExt, stream};
use keyward_proto::auth::v1 as pb;
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;

use crate::harness::{Auth, call};
use crate::secrets::argon2_runs;

const KEYS: u32 = 100_000;
/// One key in this many is first tried with a wrong secret.
const WRONG_EVERY: u32 = 100;
/// Tasks, and requests of each at once.
const TASKS: u32 = 4;
const AT_ONCE: usize = 16;

fn settings() -> KeySettings {
    KeySettings {
        permissions: vec!["contacts:read".to_owned(), "contacts:create".to_owned()],
        allowed_ips: vec!["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()],
        per_minute: Some(7),
        per_hour: Some(70),
    }
}

/// The id of the key that a request with this one is let through as.
async fn first_request(auth: &Auth, number: u32) -> String {
    let (api_key, secret) = testing::credentials(number);
    if number.is_multiple_of(WRONG_EVERY) {
        let (_, wrong) = testing::credentials(number + 1);
        // Each from an address of its own, so that none is throttled.
        let client_address = Ipv4Addr::from(0x0a00_0000 + number).to_string();
        let wrong = pb::AuthorizeRequest { client_address, ..auth.read_contacts(&api_key, &wrong) };
        assert_eq!(auth.authorize(wrong).await.unwrap_err().code, "invalid_credentials", "key {number}");
    }
    let answer = auth.answer(auth.read_contacts(&api_key, &secret)).await;
    let minute = answer.rate.and_then(|rate| rate.minute).unwrap();
    assert_eq!((minute.limit, minute.remaining), (7, 6), "key {number}");
    let Some(pb::authorize_response::Decision::Principal(principal)) = answer.decision else {
        panic!("key {number} is refused: {:?}", answer.decision);
    };
    assert_eq!(principal.agent_id, auth.first.agent_id);
    assert_eq!(principal.organization_id, auth.first.organization_id);
    assert_eq!(principal.permissions, settings().permissions);
    let Some(pb::principal::Subject::KeyId(id)) = principal.subject else {
        panic!("key {number} is no key: {:?}", principal.subject);
    };
    id
}

/// Their argon2 records match nothing: a request that is let through was decided without.
async fn start_cold(home: TestEnvironment) {
    // Limits are not what is tried here, and memory is the fastest place for them.
    let limits = LimitsConfig { store: Some(Secret::new("memory")), ..LimitsConfig::default() };
    let config = Config { limits, ..Config::default() };
    let auth = Auth::at(home, &config).await;
    testing::insert_keys(&auth.service, &auth.first.agent_id, 0..KEYS, &settings()).await.unwrap();
    let auth = Arc::new(auth.restart(&config).await);
    let before = argon2_runs(&auth);
    let tasks = (0..TASKS).map(|task| {
        let auth = auth.clone();
        let mine = stream::iter((task..KEYS).step_by(TASKS as usize));
        let ids = mine.map(move |number| {
            let auth = auth.clone();
            async move { first_request(&auth, number).await }
        });
        tokio::spawn(ids.buffer_unordered(AT_ONCE).collect::<Vec<String>>())
    });
    let ids = futures::future::join_all(tasks).await;
    let ids: HashSet<String> = ids.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(ids.len(), KEYS as usize, "each is itself");
    auth.service.secrets_renewed().await;
    assert_eq!(argon2_runs(&auth), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_keys_on_sqlite_start_without_argon2() {
    start_cold(TestEnvironment::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_keys_on_postgres_start_without_argon2() {
    start_cold(TestEnvironment::postgres().await).await;
}

#[tokio::test]
async fn inserted_keys_are_as_the_console_makes_them() {
    for (engine, auth) in Auth::each().await {
        let KeySettings { permissions, allowed_ips, per_minute, per_hour } = settings();
        let create = pb::CreateApiKeyRequest {
            agent_id: auth.first.agent_id.clone(),
            name: Some("Key".to_owned()),
            permissions,
            rate_limits: Some(pb::RateLimits { per_minute, per_hour }),
            allowed_ips,
            ..pb::CreateApiKeyRequest::default()
        };
        let made = auth.keys().create_api_key(call(&auth.owner(), create)).await.unwrap().into_inner();
        let made = made.key.unwrap();
        testing::insert_keys(&auth.service, &auth.first.agent_id, 0..3, &settings()).await.unwrap();
        let (api_key, secret) = testing::credentials(2);
        let list = pb::ListApiKeysRequest {
            agent_id: Some(auth.first.agent_id.clone()),
            search: Some(api_key.clone()),
            ..pb::ListApiKeysRequest::default()
        };
        let found = auth.keys().list_api_keys(call(&auth.owner(), list)).await.unwrap().into_inner().keys;
        let expected = pb::ApiKey {
            id: found[0].id.clone(),
            secret_last4: secret[secret.len() - 4..].to_owned(),
            api_key: api_key.clone(),
            ..made
        };
        assert_eq!(found, [expected], "{engine}");

        // With another K argon2 decides: the record matches nothing, the right secret neither.
        let k = Secret::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let auth = auth.restart(&Config { verifier_key: Some(k), ..Config::default() }).await;
        let before = argon2_runs(&auth);
        let refused = auth.authorize(auth.read_contacts(&api_key, &secret)).await.unwrap_err();
        assert_eq!(
            (refused.code.as_str(), argon2_runs(&auth) - before),
            ("invalid_credentials", 1),
            "{engine}"
        );
    }
}
