//! Every setting of a key, with its exact rule.

use std::time::Duration;

use auth_svc::Config;
use keyward_proto::auth::v1 as pb;
use svc_core::clock::{Clock, LATEST, Timestamp};
use svc_core::error::Fault;
use svc_db::testing::{START, TestEnvironment};

use crate::harness::{Auth, call, error};

fn good(auth: &Auth) -> pb::CreateApiKeyRequest {
    pb::CreateApiKeyRequest {
        agent_id: auth.first.agent_id.clone(),
        name: Some("A key".to_owned()),
        permissions: vec!["contacts:read".to_owned()],
        ..pb::CreateApiKeyRequest::default()
    }
}

fn limits(per_minute: Option<i32>, per_hour: Option<i32>) -> Option<pb::RateLimits> {
    Some(pb::RateLimits { per_minute, per_hour })
}

fn at(seconds_from_now: i64) -> Option<prost_types::Timestamp> {
    Some(Timestamp(START.0 + seconds_from_now * 1_000_000).to_proto())
}

fn text(character: &str, count: usize) -> Option<String> {
    Some(character.repeat(count))
}

#[tokio::test]
async fn what_is_refused_and_what_is_taken() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let base = || good(&auth);
    let ips = |ips: &[&str]| ips.iter().map(|&ip| ip.to_owned()).collect::<Vec<_>>();
    let permissions = |all: &[&str]| all.iter().map(|&p| p.to_owned()).collect::<Vec<_>>();
    let hundred: Vec<String> = (0..100).map(|n| format!("10.0.0.{n}")).collect();
    let over: Vec<String> = (0..101).map(|n| format!("10.0.0.{n}")).collect();
    let beyond = prost_types::Timestamp { seconds: LATEST.seconds() + 1, nanos: 0 };
    for (what, request, refused) in [
        ("all defaults", base(), None),
        ("no name", pb::CreateApiKeyRequest { name: None, ..base() }, Some(("name", Fault::Required))),
        (
            "a blank name",
            pb::CreateApiKeyRequest { name: text(" ", 3), ..base() },
            Some(("name", Fault::Required)),
        ),
        ("a name of 100", pb::CreateApiKeyRequest { name: text("é", 100), ..base() }, None),
        (
            "a name of 101",
            pb::CreateApiKeyRequest { name: text("é", 101), ..base() },
            Some(("name", Fault::TooLong)),
        ),
        (
            "a NUL",
            pb::CreateApiKeyRequest { name: text("\u{0}", 1), ..base() },
            Some(("name", Fault::Invalid)),
        ),
        ("a description of 500", pb::CreateApiKeyRequest { description: text("é", 500), ..base() }, None),
        (
            "a description of 501",
            pb::CreateApiKeyRequest { description: text("é", 501), ..base() },
            Some(("description", Fault::TooLong)),
        ),
        (
            "no permissions",
            pb::CreateApiKeyRequest { permissions: Vec::new(), ..base() },
            Some(("permissions", Fault::Required)),
        ),
        (
            "a doubled permission",
            pb::CreateApiKeyRequest {
                permissions: permissions(&["contacts:read", "contacts:read"]),
                ..base()
            },
            Some(("permissions[1]", Fault::Duplicate)),
        ),
        (
            "an unknown permission",
            pb::CreateApiKeyRequest { permissions: permissions(&["contacts:fly"]), ..base() },
            Some(("permissions[0]", Fault::Invalid)),
        ),
        ("limits of 1", pb::CreateApiKeyRequest { rate_limits: limits(Some(1), Some(1)), ..base() }, None),
        (
            "the maxima",
            pb::CreateApiKeyRequest { rate_limits: limits(Some(1_000), Some(10_000)), ..base() },
            None,
        ),
        ("only a minute", pb::CreateApiKeyRequest { rate_limits: limits(Some(5), None), ..base() }, None),
        (
            "a minute of 0",
            pb::CreateApiKeyRequest { rate_limits: limits(Some(0), None), ..base() },
            Some(("rateLimits.perMinute", Fault::OutOfRange)),
        ),
        (
            "a minute of -1",
            pb::CreateApiKeyRequest { rate_limits: limits(Some(-1), None), ..base() },
            Some(("rateLimits.perMinute", Fault::OutOfRange)),
        ),
        (
            "a minute over the maximum",
            pb::CreateApiKeyRequest { rate_limits: limits(Some(1_001), None), ..base() },
            Some(("rateLimits.perMinute", Fault::OutOfRange)),
        ),
        (
            "an hour over the maximum",
            pb::CreateApiKeyRequest { rate_limits: limits(None, Some(10_001)), ..base() },
            Some(("rateLimits.perHour", Fault::OutOfRange)),
        ),
        (
            "a huge hour",
            pb::CreateApiKeyRequest { rate_limits: limits(None, Some(i32::MAX)), ..base() },
            Some(("rateLimits.perHour", Fault::OutOfRange)),
        ),
        ("100 addresses", pb::CreateApiKeyRequest { allowed_ips: hundred.clone(), ..base() }, None),
        (
            "100 in one element",
            pb::CreateApiKeyRequest { allowed_ips: vec![hundred.join(", ")], ..base() },
            None,
        ),
        (
            "101 addresses",
            pb::CreateApiKeyRequest { allowed_ips: over, ..base() },
            Some(("allowedIps", Fault::TooLong)),
        ),
        (
            "brackets",
            pb::CreateApiKeyRequest { allowed_ips: ips(&["[::1]"]), ..base() },
            Some(("allowedIps[0]", Fault::Invalid)),
        ),
        (
            "host bits",
            pb::CreateApiKeyRequest { allowed_ips: ips(&["::1", "10.0.0.1/24"]), ..base() },
            Some(("allowedIps[1]", Fault::Invalid)),
        ),
        ("everyone", pb::CreateApiKeyRequest { allowed_ips: ips(&["0.0.0.0/0"]), ..base() }, None),
        ("a second from now", pb::CreateApiKeyRequest { expires_at: at(1), ..base() }, None),
        (
            "now",
            pb::CreateApiKeyRequest { expires_at: at(0), ..base() },
            Some(("expiresAt", Fault::OutOfRange)),
        ),
        (
            "past",
            pb::CreateApiKeyRequest { expires_at: at(-1), ..base() },
            Some(("expiresAt", Fault::OutOfRange)),
        ),
        ("the year 9999", pb::CreateApiKeyRequest { expires_at: Some(LATEST.to_proto()), ..base() }, None),
        (
            "the year 10000",
            pb::CreateApiKeyRequest { expires_at: Some(beyond), ..base() },
            Some(("expiresAt", Fault::OutOfRange)),
        ),
    ] {
        let made = auth.keys().create_api_key(call(&auth.owner(), request)).await;
        match refused {
            None => assert!(made.is_ok(), "{what}: {made:?}"),
            Some((field, fault)) => {
                let violation = error(made).violations.remove(0);
                assert_eq!((violation.field.as_str(), violation.fault), (field, fault), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn settings_come_back_as_they_are_meant_and_survive_a_change_of_others() {
    for (engine, auth) in Auth::each().await {
        let create = pb::CreateApiKeyRequest {
            name: Some("  Padded  ".to_owned()),
            description: Some("why".to_owned()),
            rate_limits: limits(Some(5), None),
            allowed_ips: vec!["::ffff:192.0.2.1, 10.0.0.0/24".to_owned()],
            expires_at: at(3_600),
            ..good(&auth)
        };
        let owner = auth.owner();
        let key = auth.keys().create_api_key(call(&owner, create)).await.unwrap().into_inner().key.unwrap();
        assert_eq!((key.name.as_str(), key.description.as_str()), ("Padded", "why"), "{engine}");
        assert_eq!(key.rate_limits, limits(Some(5), Some(1_000)));
        assert_eq!(key.allowed_ips, ["192.0.2.1", "10.0.0.0/24"]);
        assert_eq!(key.expires_at, at(3_600));

        let change = async |changed: pb::ApiKey, paths: &[&str]| {
            let update = pb::UpdateApiKeyRequest {
                agent_id: auth.first.agent_id.clone(),
                id: key.id.clone(),
                key: Some(changed),
                update_mask: Some(prost_types::FieldMask {
                    paths: paths.iter().map(|&p| p.to_owned()).collect(),
                }),
                if_match: None,
            };
            auth.keys().update_api_key(call(&owner, update)).await.unwrap().into_inner().key.unwrap()
        };
        let changed = pb::ApiKey { rate_limits: limits(None, Some(7)), ..pb::ApiKey::default() };
        let key = change(changed, &["rate_limits.per_hour"]).await;
        assert_eq!(key.rate_limits, limits(Some(5), Some(7)), "{engine}: one of two");
        let key = change(pb::ApiKey::default(), &["rate_limits", "allowed_ips", "expires_at"]).await;
        assert_eq!(key.rate_limits, limits(Some(60), Some(1_000)), "{engine}: cleared");
        assert_eq!((key.allowed_ips.len(), key.expires_at, key.version), (0, None, 3), "{engine}: cleared");
        assert_eq!(key.name, "Padded", "{engine}");
    }
}

#[tokio::test]
async fn a_future_expiry_revives_an_expired_key() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let owner = auth.owner();
    let soon = auth.clock().now().plus(Duration::from_secs(1));
    let (key, secret) = auth.create_expiring_key(&owner, &["contacts:read"], Some(soon)).await;
    auth.clock().advance(Duration::from_secs(1));
    let refusal = auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.unwrap_err();
    assert_eq!(refusal.code, "key_expired");
    let update = pb::UpdateApiKeyRequest {
        agent_id: auth.first.agent_id.clone(),
        id: key.id.clone(),
        key: Some(pb::ApiKey { expires_at: at(60), ..pb::ApiKey::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["expires_at".to_owned()] }),
        if_match: None,
    };
    let key = auth.keys().update_api_key(call(&owner, update)).await.unwrap().into_inner().key.unwrap();
    assert_eq!(key.status(), pb::ApiKeyStatus::Active);
    assert!(auth.authorize(auth.read_contacts(&key.api_key, &secret)).await.is_ok());
}
