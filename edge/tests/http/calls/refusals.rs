//! Refusals of the edge itself, in the form of gRPC.

use keyward_proto::auth::v1 as auth;
use svc_core::error::Reason;
use tonic::{Code, Status};

use super::{contacts, get, refusal, with, with_key};
use crate::stack::{KEY, SECRET, Stack};

#[tokio::test]
async fn every_row_of_the_credential_check() {
    let stack = Stack::start().await;
    let mut client = contacts(stack.address);
    for (what, metadata, code, reason) in [
        ("nothing", vec![], Code::Unauthenticated, Reason::MissingCredentials),
        ("no secret", vec![("x-api-key", KEY)], Code::Unauthenticated, Reason::MissingCredentials),
        (
            "a wrong secret",
            vec![("x-api-key", KEY), ("x-api-secret", "kws_live_bad")],
            Code::Unauthenticated,
            Reason::InvalidCredentials,
        ),
        (
            "both ways",
            vec![("x-api-key", KEY), ("x-api-secret", SECRET), ("authorization", "Basic eA==")],
            Code::Unauthenticated,
            Reason::InvalidCredentials,
        ),
    ] {
        let (said, why, retry) = refusal(client.get_contact(with(get("a"), &metadata)).await);
        assert_eq!((said, why, retry), (code, reason, None), "{what}");
    }
    for (code, grpc, retry) in [
        ("invalid_credentials", Code::Unauthenticated, None),
        ("key_expired", Code::Unauthenticated, None),
        ("key_disabled", Code::PermissionDenied, None),
        ("ip_not_allowed", Code::PermissionDenied, None),
        ("rate_limited", Code::ResourceExhausted, Some(7)),
        ("permission_denied", Code::PermissionDenied, None),
        ("address_throttled", Code::ResourceExhausted, Some(7)),
        ("authorization_unavailable", Code::Unavailable, Some(1)),
    ] {
        *stack.auth.refusal.lock().unwrap() = Some(auth::Refusal {
            code: code.to_owned(),
            message: "no".to_owned(),
            retry_after_seconds: retry.filter(|seconds| *seconds != 1).map(|seconds: i64| seconds as u32),
        });
        let (said, why, wait) = refusal(client.get_contact(with_key(get("a"))).await);
        assert_eq!((said, why.code(), wait), (grpc, code, retry));
    }
    *stack.auth.refusal.lock().unwrap() = None;
    *stack.auth.failure.lock().unwrap() = Some(Status::internal("password=hunter2"));
    let (code, reason, wait) = refusal(client.get_contact(with_key(get("a"))).await);
    assert_eq!((code, reason, wait), (Code::Unavailable, Reason::AuthorizationUnavailable, Some(1)));
    assert_eq!(stack.contacts.count(), 0, "none of them reached the service");
}

#[tokio::test]
async fn another_agent_is_refused_before_the_service_sees_it() {
    let stack = Stack::start().await;
    let mut message = get("a");
    message.agent_id = "65f0c0ffee65f0c0ffee65ff".to_owned();
    let (code, reason, _) = refusal(contacts(stack.address).get_contact(with_key(message)).await);
    assert_eq!((code, reason), (Code::PermissionDenied, Reason::AgentMismatch));
    assert_eq!(stack.contacts.count(), 0);
}
