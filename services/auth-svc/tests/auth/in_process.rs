//! Questions of an edge in the same process: the answers of the RPC, and at once where memory has them.

use std::sync::Arc;

use auth_svc::Config;
use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role;
use svc_core::error::Reason;
use svc_db::testing::TestEnvironment;
use svc_runtime::authorize::Asked;

use crate::harness::{Auth, error};
use crate::rotation::{OVERLAP, rotated};

/// A good key that this replica knows, and questions about it that differ in one thing each.
async fn questions(auth: &Auth) -> Vec<(&'static str, pb::AuthorizeRequest)> {
    let (key, secret) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    let right = || auth.read_contacts(&key.api_key, &secret);
    auth.authorize(right()).await.unwrap();
    let with = |change: fn(&mut pb::AuthorizeRequest)| {
        let mut request = right();
        change(&mut request);
        request
    };
    vec![
        ("good", right()),
        ("for a service apart", with(|r| r.audience = Some("contacts".to_owned()))),
        ("any agent", with(|r| r.agent_id = None)),
        ("another agent", with(|r| r.agent_id = Some("65f0c0ffee65f0c0ffee65f0".to_owned()))),
        ("a missing permission", with(|r| r.permissions.push("contacts:delete".to_owned()))),
        ("no secret", auth.read_contacts(&key.api_key, "")),
        ("not a secret", auth.read_contacts(&key.api_key, "hello")),
        ("not a key", auth.read_contacts("hello", &secret)),
    ]
}

/// What is waited for: the database says whether there is such a key, and who a member is.
fn looked_up(auth: &Auth) -> Vec<(&'static str, pb::AuthorizeRequest)> {
    let another = auth.first.api_secret.expose();
    vec![
        ("a key that is not there", auth.read_contacts("kw_live_00000000000000000000000hTq89", another)),
        ("a token that is not there", auth.as_member("kwp_nobody", Role::User)),
        ("a member", auth.as_member(auth.first.owner_token.expose(), Role::Owner)),
    ]
}

/// Without the windows, which every question moves.
fn decision(message: pb::AuthorizeResponse) -> pb::AuthorizeResponse {
    pb::AuthorizeResponse { rate: None, ..message }
}

#[tokio::test]
async fn the_answers_are_those_of_the_rpc() {
    for (engine, auth) in Auth::each().await {
        for (what, request) in questions(&auth).await.into_iter().chain(looked_up(&auth)) {
            let of_rpc = auth.answer(request.clone()).await;
            let answer = auth.answer_in_process(&request).await;
            assert_eq!(answer.windows.is_some(), of_rpc.rate.is_some(), "{engine}: {what}");
            assert_eq!(decision(answer.into()), decision(of_rpc), "{engine}: {what}");
        }
    }
}

#[tokio::test]
async fn what_memory_knows_is_answered_at_once() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    for (what, request) in questions(&auth).await {
        assert!(matches!(auth.ask(&request), Asked::Answered(Ok(_))), "{what}");
    }
    for (what, request) in looked_up(&auth) {
        assert!(matches!(auth.ask(&request), Asked::Waiting(_)), "{what}");
    }
}

#[tokio::test]
async fn each_question_takes_one_slot_and_a_dropped_one_none() {
    for (engine, auth) in Auth::each().await {
        let request = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
        let remaining = async || auth.answer_in_process(&request).await.windows.unwrap().minute.remaining;
        let first = remaining().await;
        assert_eq!(remaining().await, first - 1, "{engine}");
        if let waiting @ Asked::Waiting(_) = auth.ask(&request) {
            drop(waiting);
            assert_eq!(remaining().await, first - 2, "{engine}: nothing was asked yet");
        }
    }
}

#[tokio::test]
async fn one_principal_serves_all_requests_of_a_key() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let request = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
    let principal = async || auth.ask(&request).answer().await.unwrap().decision.unwrap().principal;
    assert!(Arc::ptr_eq(&principal().await, &principal().await));
}

#[tokio::test]
async fn the_older_secret_of_a_rotation_has_a_principal_that_ends_with_it() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let (key, older) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
    let (_, newer) = rotated(&auth, &key.id, OVERLAP).await;
    let ask =
        async |secret: &str| auth.ask(&auth.read_contacts(&key.api_key, secret)).answer().await.unwrap();
    for _ in 0..2 {
        let (by_older, by_newer) = (ask(&older).await, ask(&newer).await);
        let ends = by_older.secret_expires_at;
        assert!(ends.is_some() && by_newer.secret_expires_at.is_none());
        assert_eq!(by_older.decision.unwrap().principal.expires_at, ends);
        assert_eq!(by_newer.decision.unwrap().principal.expires_at, None);
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let with_address =
        pb::AuthorizeRequest { client_address: "192.0.2.1".to_owned(), ..pb::AuthorizeRequest::default() };
    for (request, field) in
        [(pb::AuthorizeRequest::default(), "client_address"), (with_address, "credential")]
    {
        let refused = error(auth.try_authorize(request).await);
        assert_eq!(refused.reason, Reason::InvalidArgument);
        assert!(refused.message.contains(field), "{refused}");
    }
}
