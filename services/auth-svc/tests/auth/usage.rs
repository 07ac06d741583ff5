//! What is counted of a key's requests, and what is not.

use std::collections::BTreeMap;
use std::time::Duration;

use auth_svc::{Config, UsageConfig};
use keyward_proto::auth::v1 as pb;
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::{Fault, Reason};
use svc_runtime::service::Service;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::harness::{Auth, call, error};
use crate::rotation::{OVERLAP, rotated};

fn asked(auth: &Auth, id: &str) -> pb::GetApiKeyUsageRequest {
    let agent_id = auth.first.agent_id.clone();
    pb::GetApiKeyUsageRequest { agent_id, id: id.to_owned(), ..pb::GetApiKeyUsageRequest::default() }
}

async fn usage(auth: &Auth, id: &str) -> pb::GetApiKeyUsageResponse {
    let request = call(&auth.owner(), asked(auth, id));
    auth.keys().get_api_key_usage(request).await.unwrap().into_inner()
}

async fn key(auth: &Auth, id: &str) -> pb::ApiKey {
    let request = pb::GetApiKeyRequest { agent_id: auth.first.agent_id.clone(), id: id.to_owned() };
    auth.keys().get_api_key(call(&auth.owner(), request)).await.unwrap().into_inner().key.unwrap()
}

/// What is read, once it is so. A read waits for what is counted, but not for long: on a busy machine another
/// one may be needed. A few at the most, since what nobody waits for is written after a while, too.
async fn once<T>(read: impl AsyncFn() -> T, is_so: impl Fn(&T) -> bool) -> T {
    for _ in 0..5 {
        let found = read().await;
        if is_so(&found) {
            return found;
        }
    }
    read().await
}

/// The usage of a key that has had so many requests.
async fn usage_of(auth: &Auth, id: &str, requests: i32) -> pb::GetApiKeyUsageResponse {
    once(async || usage(auth, id).await, |usage| totals(usage).0 == requests).await
}

/// A key that was last used then.
async fn key_used(auth: &Auth, id: &str, at: Option<prost_types::Timestamp>) -> pb::ApiKey {
    once(async || key(auth, id).await, |key| key.last_used_at == at).await
}

fn outcomes(usage: &pb::GetApiKeyUsageResponse) -> BTreeMap<&str, i32> {
    usage.outcomes.iter().map(|outcome| (outcome.code.as_str(), outcome.requests)).collect()
}

fn totals(usage: &pb::GetApiKeyUsageResponse) -> (i32, i32, i32) {
    let totals = usage.totals.as_ref().unwrap();
    (totals.requests, totals.allowed, totals.denied)
}

#[tokio::test]
async fn a_request_counts_however_it_is_asked_about_and_whatever_is_decided() {
    for (engine, auth) in Auth::each().await {
        let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read", "contacts:update"]).await;
        let read = auth.read_contacts(&key.api_key, &secret);
        // By the RPC, in the process, and over a stream.
        auth.authorize(read.clone()).await.unwrap();
        assert!(auth.answer_in_process(&read).await.decision.is_ok(), "{engine}");
        let (questions, asked) = mpsc::channel(1);
        let question = pb::AuthorizeQuestion { id: 7, request: Some(read.clone()), traceparent: None };
        questions.send(pb::AuthorizeStreamRequest { questions: vec![question] }).await.unwrap();
        auth.stream(ReceiverStream::new(asked)).await.message().await.unwrap().unwrap();

        let elsewhere = pb::AuthorizeRequest { agent_id: Some("f".repeat(24)), ..read.clone() };
        assert_eq!(auth.authorize(elsewhere).await.unwrap_err().code, "agent_mismatch", "{engine}");
        auth.clock().advance(Duration::from_millis(1));
        let delete = pb::AuthorizeRequest {
            operation: "keyward.contacts.v1.ContactService/DeleteContact".to_owned(),
            permissions: vec!["contacts:delete".to_owned()],
            ..read.clone()
        };
        assert_eq!(auth.authorize(delete).await.unwrap_err().code, "permission_denied", "{engine}");

        let usage = usage_of(&auth, &key.id, 5).await;
        assert_eq!(totals(&usage), (5, 3, 2), "{engine}");
        let expected = [("ok", 3), ("agent_mismatch", 1), ("permission_denied", 1)];
        assert_eq!(outcomes(&usage), expected.into(), "{engine}");
        let of = |of: &pb::OperationUsage| (of.operation.clone(), of.permission.clone(), of.requests);
        let operations: Vec<_> = usage.operations.iter().map(of).collect();
        let expected = [("contacts.list", "contacts:read", 4), ("contacts.delete", "contacts:delete", 1)];
        let expected = expected.map(|(name, needs, times)| (name.to_owned(), needs.to_owned(), times));
        assert_eq!(operations, expected, "{engine}");
        assert_eq!(usage.unused_permissions, ["contacts:update"], "{engine}");
        assert_eq!(usage.granularity, "hour", "{engine}");
        assert_eq!(usage.buckets.len(), 25, "{engine}: a day, from within an hour");
        assert_eq!(usage.buckets.last().unwrap().requests, 5, "{engine}");
        let denied: Vec<_> = usage
            .recent_denials
            .iter()
            .map(|denial| {
                (denial.code.as_str(), denial.permission.as_deref(), denial.client_address.as_str())
            })
            .collect();
        assert_eq!(denied.len(), 2, "{engine}");
        assert!(denied.contains(&("permission_denied", Some("contacts:delete"), "192.0.2.1")), "{engine}");
        assert!(denied.contains(&("agent_mismatch", None, "192.0.2.1")), "{engine}");
        // To look takes nothing: three were let through and one was refused after its slot was taken, twice.
        let minute = usage.windows.unwrap().minute.unwrap();
        assert_eq!((minute.limit, minute.remaining), (60, 55), "{engine}");
    }
}

#[tokio::test]
async fn what_is_not_a_request_of_the_key_does_not_count() {
    for (engine, auth) in Auth::each().await {
        let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let (_, wrong) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let code = auth.authorize(auth.read_contacts(&key.api_key, &wrong)).await.unwrap_err().code;
        assert_eq!(code, "invalid_credentials", "{engine}");
        let goes_on = pb::AuthorizeRequest { goes_on: true, ..auth.read_contacts(&key.api_key, &secret) };
        auth.authorize(goes_on).await.unwrap();
        assert_eq!(totals(&usage(&auth, &key.id).await), (0, 0, 0), "{engine}");
        assert_eq!(self::key(&auth, &key.id).await.last_used_at, None, "{engine}");
    }
}

#[tokio::test]
async fn a_key_says_when_each_of_its_secrets_was_last_used() {
    for (engine, auth) in Auth::each().await {
        let (key, first) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let use_it = async |secret: &str| {
            auth.clock().advance(Duration::from_secs(1));
            auth.authorize(auth.read_contacts(&key.api_key, secret)).await.unwrap();
            Some(auth.clock().now().to_proto())
        };
        let before = use_it(&first).await;
        key_used(&auth, &key.id, before).await;
        let (after, second) = rotated(&auth, &key.id, OVERLAP).await;
        assert_eq!(after.last_used_at, before, "{engine}");
        assert_eq!(after.rotation.unwrap().previous_last_used_at, before, "{engine}");
        let newer = use_it(&second).await;
        let shown = key_used(&auth, &key.id, newer).await;
        assert_eq!(shown.last_used_at, newer, "{engine}");
        assert_eq!(shown.rotation.unwrap().previous_last_used_at, before, "{engine}");
        let older = use_it(&first).await;
        let shown = key_used(&auth, &key.id, older).await;
        assert_eq!(shown.last_used_at, older, "{engine}");
        assert_eq!(shown.rotation.unwrap().previous_last_used_at, older, "{engine}");
        assert_eq!(totals(&usage_of(&auth, &key.id, 3).await), (3, 3, 0), "{engine}: usage stays");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_loses_and_doubles_nothing() {
    for (engine, auth) in Auth::each().await {
        let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let start = auth.clock().now();
        for ahead in [7_200, 0, 7_200, 3_600] {
            auth.clock().set(Timestamp(start.0 + ahead * 1_000_000));
            auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.unwrap();
            usage(&auth, &key.id).await;
        }
        auth.clock().set(Timestamp(start.0 + 7_200_000_000));
        let usage = usage_of(&auth, &key.id, 4).await;
        let requests: Vec<i32> = usage.buckets.iter().rev().take(4).map(|bucket| bucket.requests).collect();
        assert_eq!(requests, [2, 1, 1, 0], "{engine}");
        assert_eq!(totals(&usage), (4, 4, 0), "{engine}");
    }
}

#[tokio::test]
async fn a_graceful_stop_loses_no_request() {
    for (engine, auth) in Auth::each().await {
        let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        for _ in 0..7 {
            auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.unwrap();
        }
        let auth = auth.restart(&Config::default()).await;
        assert_eq!(totals(&usage(&auth, &key.id).await), (7, 7, 0), "{engine}");
    }
}

#[tokio::test]
async fn usage_can_be_turned_off() {
    let config =
        Config { usage: UsageConfig { enabled: false, ..UsageConfig::default() }, ..Config::default() };
    let auth = Auth::at(svc_db::testing::TestEnvironment::sqlite(), &config).await;
    let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.unwrap();
    assert_eq!(totals(&usage(&auth, &key.id).await), (0, 0, 0));
}

#[tokio::test]
async fn how_long_usage_is_kept_must_make_sense() {
    for (minutes, hours, days) in [(0, 35, 400), (36, 35, 400), (2, 401, 400)] {
        let usage = UsageConfig {
            minutes_kept_days: minutes,
            hours_kept_days: hours,
            days_kept_days: days,
            ..UsageConfig::default()
        };
        let home = svc_db::testing::TestEnvironment::sqlite();
        let config = Config { usage, ..Config::default() };
        let refused = auth_svc::AuthService::open(&config, &home.environment).await.unwrap_err();
        assert!(refused.to_string().contains("auth.usage"), "{refused}");
    }
}

#[tokio::test]
async fn only_a_range_that_makes_sense_is_told() {
    for (engine, auth) in Auth::each().await {
        let (key, _) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let asked = asked(&auth, &key.id);
        let now = auth.clock().now();
        let days_ago = |days: i64| Some(Timestamp(now.0 - days * 86_400_000_000).to_proto());
        let granularity = |name: &str| Some(name.to_owned());
        for (request, field, fault) in [
            (
                pb::GetApiKeyUsageRequest { from: days_ago(1), to: days_ago(2), ..asked.clone() },
                "from",
                Fault::Invalid,
            ),
            (pb::GetApiKeyUsageRequest { to: days_ago(-1), ..asked.clone() }, "to", Fault::OutOfRange),
            (pb::GetApiKeyUsageRequest { from: days_ago(-1), ..asked.clone() }, "from", Fault::OutOfRange),
            (
                pb::GetApiKeyUsageRequest {
                    from: days_ago(3),
                    granularity: granularity("minute"),
                    ..asked.clone()
                },
                "from",
                Fault::OutOfRange,
            ),
            (
                pb::GetApiKeyUsageRequest { granularity: granularity("week\u{1b}[2J"), ..asked.clone() },
                "granularity",
                Fault::Invalid,
            ),
            (
                pb::GetApiKeyUsageRequest {
                    from: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
                    ..asked.clone()
                },
                "from",
                Fault::OutOfRange,
            ),
        ] {
            let refused = error(auth.keys().get_api_key_usage(call(&auth.owner(), request)).await);
            assert_eq!(refused.reason, Reason::InvalidArgument, "{engine} {field}");
            assert_eq!(
                (refused.violations[0].field.as_str(), refused.violations[0].fault),
                (field, fault),
                "{engine}"
            );
        }
        let unknown = pb::GetApiKeyUsageRequest { id: "f".repeat(24), ..asked };
        let refused = error(auth.keys().get_api_key_usage(call(&auth.owner(), unknown)).await);
        assert_eq!(refused.reason, Reason::NotFound, "{engine}");
    }
}
