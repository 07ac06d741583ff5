//! Two secrets for a while, and disabling.

use std::time::Duration;
use svc_runtime::service::Service;

use keyward_proto::auth::v1 as pb;
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::Reason;
use svc_runtime::token::{JwksSource, TokenVerifier};

use crate::harness::{Auth, call, error};

pub const OVERLAP: Duration = Duration::from_secs(3_600);

fn rotate(auth: &Auth, id: &str, overlap_seconds: i32) -> pb::RotateApiKeyRequest {
    let agent_id = auth.first.agent_id.clone();
    pb::RotateApiKeyRequest { agent_id, id: id.to_owned(), overlap_seconds: Some(overlap_seconds) }
}

pub async fn rotated(auth: &Auth, id: &str, overlap: Duration) -> (pb::ApiKey, String) {
    let request = rotate(auth, id, i32::try_from(overlap.as_secs()).unwrap());
    let made = auth.keys().rotate_api_key(call(&auth.owner(), request)).await.unwrap().into_inner();
    (made.key.unwrap(), made.secret)
}

#[tokio::test]
async fn two_secrets_work_for_the_overlap_and_never_three() {
    for (engine, auth) in Auth::each().await {
        let (key, first) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let works =
            async |secret: &str| auth.authorize(auth.read_contacts(&key.api_key, secret)).await.is_ok();
        assert!(works(&first).await, "{engine}");

        let (after, second) = rotated(&auth, &key.id, OVERLAP).await;
        let rotation = after.rotation.unwrap();
        assert_eq!(
            (after.id, after.api_key, after.version),
            (key.id.clone(), key.api_key.clone(), 2),
            "{engine}"
        );
        assert_eq!(rotation.previous_secret_last4, key.secret_last4, "{engine}");
        assert!(works(&first).await && works(&second).await, "{engine}");
        let answer = auth.answer(auth.read_contacts(&key.api_key, &first)).await;
        assert_eq!(answer.secret_expires_at, rotation.overlap_ends_at, "{engine}");
        let answer = auth.answer(auth.read_contacts(&key.api_key, &second)).await;
        assert_eq!(answer.secret_expires_at, None, "{engine}");

        let (_, third) = rotated(&auth, &key.id, OVERLAP).await;
        assert!(!works(&first).await && works(&second).await && works(&third).await, "{engine}");
        auth.clock().advance(OVERLAP);
        assert!(!works(&second).await && works(&third).await, "{engine}: the overlap is over");

        let (after, fourth) = rotated(&auth, &key.id, Duration::ZERO).await;
        assert!(
            after.rotation.is_none() && !works(&third).await && works(&fourth).await,
            "{engine}: at once"
        );
    }
}

#[tokio::test]
async fn what_is_made_with_the_older_secret_ends_with_it() {
    for (engine, auth) in Auth::each().await {
        let (key, first) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let (after, second) = rotated(&auth, &key.id, OVERLAP).await;
        let keys = JwksSource::Fixed(auth.service.keys().unwrap());
        let verifier = TokenVerifier::new("contacts", keys, &auth.home.environment);
        let ends = after.rotation.unwrap().overlap_ends_at;
        for (secret, ends) in [(&second, None), (&first, ends), (&second, None), (&first, ends)] {
            let request = auth.read_contacts(&key.api_key, secret);
            let request = pb::AuthorizeRequest { audience: Some("contacts".to_owned()), ..request };
            let principal = auth.authorize(request).await.unwrap();
            assert_eq!(principal.expires_at, ends, "{engine}");
            let verified = verifier.verify(&principal.token.unwrap()).await.unwrap();
            assert_eq!(verified.expires_at.map(Timestamp::to_proto), ends, "{engine}");
        }
    }
}

#[tokio::test]
async fn an_overlap_can_be_ended_early() {
    for (engine, auth) in Auth::each().await {
        let (key, first) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let (_, second) = rotated(&auth, &key.id, OVERLAP).await;
        let works =
            async |secret: &str| auth.authorize(auth.read_contacts(&key.api_key, secret)).await.is_ok();
        assert!(works(&first).await, "{engine}");
        let end = || pb::EndOverlapRequest { agent_id: auth.first.agent_id.clone(), id: key.id.clone() };
        for version in [3, 3] {
            let ended = auth.keys().end_overlap(call(&auth.owner(), end())).await.unwrap().into_inner();
            let ended = ended.key.unwrap();
            assert_eq!((ended.rotation, ended.version), (None, version), "{engine}");
        }
        assert!(!works(&first).await && works(&second).await, "{engine}");
    }
}

#[tokio::test]
async fn overlaps_have_bounds() {
    for (engine, auth) in Auth::each().await {
        let (key, _) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        for overlap in [-1, 604_801, i32::MAX, i32::MIN] {
            let request = rotate(&auth, &key.id, overlap);
            let refused = error(auth.keys().rotate_api_key(call(&auth.owner(), request)).await);
            assert_eq!(refused.reason, Reason::InvalidArgument, "{engine}: {overlap}");
        }
        let request = rotate(&auth, "65f0c0ffee65f0c0ffee65f0", 0);
        let refused = error(auth.keys().rotate_api_key(call(&auth.owner(), request)).await);
        assert_eq!(refused.reason, Reason::NotFound, "{engine}");
    }
}

#[tokio::test]
async fn a_disabled_key_is_refused_at_once_and_works_again_when_enabled() {
    for (engine, auth) in Auth::each().await {
        let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let owner = auth.owner();
        let decide = async || match auth.authorize(auth.read_contacts(&key.api_key, &secret)).await {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => refusal.code,
        };
        let disable =
            || pb::DisableApiKeyRequest { agent_id: auth.first.agent_id.clone(), id: key.id.clone() };
        let enable = || pb::EnableApiKeyRequest { agent_id: auth.first.agent_id.clone(), id: key.id.clone() };
        assert_eq!(decide().await, "ok", "{engine}");
        for _ in 0..2 {
            let key =
                auth.keys().disable_api_key(call(&owner, disable())).await.unwrap().into_inner().key.unwrap();
            assert_eq!((key.status(), key.version), (pb::ApiKeyStatus::Disabled, 2), "{engine}");
            assert_eq!(decide().await, "key_disabled", "{engine}");
        }
        for _ in 0..2 {
            let key =
                auth.keys().enable_api_key(call(&owner, enable())).await.unwrap().into_inner().key.unwrap();
            assert_eq!((key.status(), key.version), (pb::ApiKeyStatus::Active, 3), "{engine}");
            assert_eq!(decide().await, "ok", "{engine}");
        }
        assert!(auth.clock().now().0 > 0);
    }
}
