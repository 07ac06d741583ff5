//! A stream is authorised again while it goes on, and ends when it is refused.

use std::sync::atomic::Ordering;
use std::time::Duration;

use keyward_proto::auth::v1 as auth;
use serde_json::Value;
use tonic::Status;

use super::{Streaming, get, in_time, notified, path, time_passes};
use crate::client::{Client, CutOff, call};

/// A little more than until a stream is authorised again.
const UNTIL_ASKED: Duration = Duration::from_secs(26);

/// Waits until auth-svc was asked so often.
async fn asked(streaming: &Streaming, times: usize) {
    in_time(async {
        while streaming.stack.auth.count() < times {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn refuse(streaming: &Streaming, code: &str) {
    let refusal =
        auth::Refusal { code: code.to_owned(), message: "No more.".to_owned(), retry_after_seconds: None };
    *streaming.stack.auth.refusal.lock().unwrap() = Some(refusal);
}

/// A stream of which two messages are on the way.
async fn begun(streaming: &Streaming, name: &str, verb: &str, accept: &str) -> Client {
    let mut client = streaming.begin(&get(name, verb).field("Accept", accept)).await;
    assert_eq!(client.head().await.unwrap().0, 200);
    notified(&streaming.service.entered).await;
    client
}

/// The code in the event of an error that ends a stream.
async fn last_event(client: &mut Client) -> String {
    let (text, end) = in_time(client.chunks()).await;
    assert_eq!(end, Ok(()));
    let text = String::from_utf8(text).unwrap();
    let error = text.split("event: error\ndata: ").nth(1).unwrap_or_else(|| panic!("no error: {text}"));
    serde_json::from_str::<Value>(error).unwrap()["error"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_may_go_on_goes_on_and_takes_no_slot() {
    let streaming = Streaming::in_process().await;
    for verb in ["download", "follow"] {
        let before = streaming.stack.auth.count();
        let mut client = begun(&streaming, "waits", verb, "*/*").await;
        let first = streaming.stack.auth.last();
        assert!(!first.goes_on);
        time_passes(UNTIL_ASKED).await;
        asked(&streaming, before + 2).await;
        assert_eq!(streaming.stack.auth.last(), auth::AuthorizeRequest { goes_on: true, ..first });
        streaming.service.release.notify_one();
        assert_eq!(in_time(client.chunks()).await.1, Ok(()), "{verb}");
    }
}

#[tokio::test]
async fn a_refusal_ends_every_kind_of_stream() {
    let streaming = Streaming::in_process().await;
    for (verb, accept) in [("download", "*/*"), ("follow", "application/x-ndjson")] {
        let mut client = begun(&streaming, "stalls", verb, accept).await;
        refuse(&streaming, "key_disabled");
        time_passes(UNTIL_ASKED).await;
        assert_eq!(in_time(client.chunks()).await.1, Err(CutOff), "{verb}");
        notified(&streaming.service.dropped).await;
        *streaming.stack.auth.refusal.lock().unwrap() = None;
    }
    let mut client = begun(&streaming, "stalls", "follow", "text/event-stream").await;
    refuse(&streaming, "invalid_credentials");
    time_passes(UNTIL_ASKED).await;
    assert_eq!(last_event(&mut client).await, "invalid_credentials");
    notified(&streaming.service.dropped).await;
    *streaming.stack.auth.refusal.lock().unwrap() = None;

    // An upload has no head yet, so that it gets an answer.
    let upload = call("POST", &path("a", "upload")).field("Transfer-Encoding", "chunked");
    let mut client = streaming.begin(&upload).await;
    client.send(b"3\r\none\r\n").await;
    notified(&streaming.service.entered).await;
    refuse(&streaming, "key_expired");
    time_passes(UNTIL_ASKED).await;
    let answer = in_time(client.answer()).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (401, "key_expired"));
    notified(&streaming.service.dropped).await;
    assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_check_that_cannot_be_made_has_a_moment_and_then_ends_it() {
    let streaming = Streaming::in_process().await;
    let away = |is_away: bool| {
        *streaming.stack.auth.failure.lock().unwrap() = is_away.then(|| Status::unavailable("away"));
    };
    let mut client = begun(&streaming, "waits", "follow", "text/event-stream").await;
    away(true);
    time_passes(UNTIL_ASKED).await;
    asked(&streaming, 2).await;
    away(false);
    time_passes(Duration::from_secs(1)).await;
    asked(&streaming, 3).await;
    streaming.service.release.notify_one();
    assert_eq!(in_time(client.chunks()).await.1, Ok(()));

    let mut client = begun(&streaming, "stalls", "follow", "text/event-stream").await;
    away(true);
    time_passes(UNTIL_ASKED).await;
    asked(&streaming, 5).await;
    time_passes(Duration::from_secs(4)).await;
    assert_eq!(last_event(&mut client).await, "authorization_unavailable");
    notified(&streaming.service.dropped).await;
}

#[tokio::test]
async fn requests_that_are_no_stream_are_asked_about_once() {
    let streaming = Streaming::in_process().await;
    let answer = get("any", "downloadWhole").send(streaming.stack.address).await;
    assert_eq!(answer.status, 200);
    time_passes(UNTIL_ASKED).await;
    tokio::task::yield_now().await;
    assert_eq!(streaming.stack.auth.count(), 1);
}
