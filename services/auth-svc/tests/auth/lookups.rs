//! Credentials that memory does not know: what they cost, and whom they must not keep waiting.

use std::collections::HashMap;

use auth_svc::testing::credentials;
use auth_svc::{Config, LimitsConfig};
use keyward_proto::auth::v1 as pb;
use sqlx::{Connection, Executor, PgConnection};
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::harness::{Auth, call};

/// Looks that may be made or wait.
const LOOKS: u32 = 256;
/// More than that, and more than may wait of one stream.
const UNKNOWN: u32 = 1_100;

/// Limits in memory, so that what memory knows needs no database at all.
fn config() -> Config {
    let limits = LimitsConfig { store: Some(Secret::new("memory")), ..LimitsConfig::default() };
    Config { limits, ..Config::default() }
}

/// A request with a key that does not exist, from an address of its own.
fn unknown(auth: &Auth, number: u32) -> pb::AuthorizeRequest {
    let (api_key, secret) = credentials(number);
    let client_address = std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string();
    pb::AuthorizeRequest { client_address, ..auth.read_contacts(&api_key, &secret) }
}

fn code(response: Option<pb::AuthorizeResponse>) -> String {
    match response.and_then(|response| response.decision) {
        Some(pb::authorize_response::Decision::Principal(_)) => "ok".to_owned(),
        Some(pb::authorize_response::Decision::Refusal(refusal)) => refusal.code,
        None => "no decision".to_owned(),
    }
}

/// What a counter of this environment says.
fn counted(auth: &Auth, name: &str) -> u64 {
    let metrics = auth.home.environment.metrics.encode().unwrap();
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix("_total "));
    lines.map(|count| count.parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn what_memory_knows_never_waits_for_what_it_does_not() {
    let auth = Auth::at(TestEnvironment::postgres().await, &config()).await;
    let good = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
    assert!(auth.authorize(good.clone()).await.is_ok());

    // From here on no look ends.
    let url = auth.home.environment.database.url.clone().unwrap();
    let mut database = PgConnection::connect(url.expose()).await.unwrap();
    let mut lock = database.begin().await.unwrap();
    lock.execute("LOCK TABLE auth.api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();

    let (messages, outgoing) = mpsc::channel(1);
    let mut answers = auth.stream(ReceiverStream::new(outgoing)).await;
    let questions = (0..UNKNOWN).map(|number| (number, unknown(&auth, number))).chain([(UNKNOWN, good)]);
    let questions = questions.map(|(id, request)| pb::AuthorizeQuestion {
        id,
        request: Some(request),
        traceparent: None,
    });
    messages.send(pb::AuthorizeStreamRequest { questions: questions.collect() }).await.unwrap();

    let mut codes: HashMap<u32, String> = HashMap::new();
    while codes.len() < (UNKNOWN - LOOKS + 1) as usize {
        let batch = answers.message().await.unwrap().unwrap();
        codes.extend(batch.answers.into_iter().map(|answer| (answer.id, code(answer.response))));
    }
    assert_eq!(codes.remove(&UNKNOWN).as_deref(), Some("ok"), "the good one is among the first");
    assert!(codes.values().all(|code| code == "authorization_unavailable"), "{codes:?}");
    assert_eq!(counted(&auth, "auth_key_lookups_refused"), u64::from(UNKNOWN - LOOKS));

    // Where no look ends, one over the bound is told so by a call, too, and the good one is let through.
    let refused = auth.authorize(unknown(&auth, UNKNOWN + 1)).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.retry_after_seconds), ("authorization_unavailable", Some(1)));
    let good = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
    assert!(auth.authorize(good).await.is_ok());

    lock.rollback().await.unwrap();
    codes.clear();
    while codes.len() < LOOKS as usize {
        let batch = answers.message().await.unwrap().unwrap();
        codes.extend(batch.answers.into_iter().map(|answer| (answer.id, code(answer.response))));
    }
    assert!(codes.values().all(|code| code == "invalid_credentials"), "{codes:?}");
}

#[tokio::test]
async fn whoever_is_refused_has_cost_the_same_look() {
    for (engine, auth) in Auth::each().await {
        let owner = auth.owner();
        let (key, secret) = auth.create_key(&owner, &["contacts:read"]).await;
        let (deleted, deleted_secret) = auth.create_key(&owner, &["contacts:read"]).await;
        for (api_key, secret) in [(&key.api_key, &secret), (&deleted.api_key, &deleted_secret)] {
            assert!(auth.authorize(auth.read_contacts(api_key, secret)).await.is_ok());
        }
        let agent_id = auth.first.agent_id.clone();
        let delete = pb::DeleteApiKeyRequest { agent_id, id: deleted.id.clone(), if_match: None };
        auth.keys().delete_api_key(call(&owner, delete)).await.unwrap();

        let (unknown, other_secret) = credentials(1);
        let mut refusals = Vec::new();
        for (what, api_key, secret, looks) in [
            ("a wrong secret", &key.api_key, other_secret.as_str(), 1),
            ("an unknown key", &unknown, &other_secret, 1),
            ("a deleted key", &deleted.api_key, &deleted_secret, 1),
            ("a deleted key and a wrong secret", &deleted.api_key, &other_secret, 1),
            ("not a secret", &key.api_key, "hello", 0),
            ("not a secret of an unknown key", &unknown, "hello", 0),
        ] {
            for time in 1..=2 {
                let before = counted(&auth, "auth_key_lookups");
                refusals.push(auth.authorize(auth.read_contacts(api_key, secret)).await.unwrap_err());
                let cost = counted(&auth, "auth_key_lookups") - before;
                assert_eq!(cost, looks, "{engine}: {what}, {time}");
            }
        }
        assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{engine}: {refusals:?}");
        let before = counted(&auth, "auth_key_lookups");
        assert!(auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.is_ok());
        assert_eq!(counted(&auth, "auth_key_lookups"), before, "{engine}: a good one costs none");
    }
}
