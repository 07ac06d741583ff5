//! Messages as server-sent events.

use std::time::Duration;

use serde_json::Value;

use super::{Streaming, get, in_time, notified, time_passes};
use crate::client::{CutOff, call};
use crate::stack::AGENT;

const EVENT_1: &str = "data: {\"number\":1,\"text\":\"a \\\"line\\\"\\n\"}\n\n";
const EVENT_2: &str = "data: {\"number\":2,\"text\":\"a \\\"line\\\"\\n\"}\n\n";

fn events(name: &str, verb: &str) -> crate::client::Call {
    get(name, verb).field("Accept", "text/event-stream")
}

#[tokio::test]
async fn messages_are_events_where_they_are_asked_for() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&events("three", "watch")).await;
        let (status, headers) = client.head().await.unwrap();
        assert_eq!((status, &headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
        assert_eq!(
            (&headers["cache-control"], &headers["x-accel-buffering"]),
            (&"no-store".parse().unwrap(), &"no".parse().unwrap())
        );
        let (text, end) = client.chunks().await;
        let expected = [EVENT_1, EVENT_2, &EVENT_2.replace('2', "3")].concat();
        assert_eq!((String::from_utf8(text).unwrap(), end), (expected, Ok(())));
    }
}

#[tokio::test]
async fn what_fails_before_the_head_is_no_event() {
    let streaming = Streaming::apart().await;
    let answer = events("fails-first", "watch").send(streaming.stack.address).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    let path = format!("/v1/{AGENT}/three:watch?x=1");
    let answer = call("GET", &path).field("Accept", "text/event-stream").send(streaming.stack.address).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_argument"));
}

#[tokio::test]
async fn what_fails_after_the_head_is_an_event() {
    for streaming in Streaming::both().await {
        // The deadline of the one that stalls passes.
        for (name, code) in [("fails", "internal"), ("stalls", "deadline_exceeded")] {
            let mut client = streaming.begin(&events(name, "watch")).await;
            let (_, headers) = client.head().await.unwrap();
            let (text, end) = in_time(client.chunks()).await;
            let text = String::from_utf8(text).unwrap();
            let last = text.strip_prefix(&[EVENT_1, EVENT_2].concat()).unwrap();
            let last = last.strip_prefix("event: error\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let error: Value = serde_json::from_str(last).unwrap();
            assert_eq!(
                (error["success"].as_bool(), error["error"]["code"].as_str()),
                (Some(false), Some(code))
            );
            assert_eq!(error["error"]["requestId"], headers["x-request-id"].to_str().unwrap());
            assert!(!text.contains("hunter2"));
            assert_eq!(end, Ok(()), "it is said, and needs no other sign");
        }
    }
}

#[tokio::test]
async fn silence_is_broken_by_comments() {
    let streaming = Streaming::in_process().await;
    let mut client = streaming.begin(&events("stalls", "follow")).await;
    client.head().await.unwrap();
    notified(&streaming.service.entered).await;
    let mut text = Vec::new();
    while text.len() < EVENT_1.len() + EVENT_2.len() {
        text.extend(in_time(client.chunk()).await.unwrap().unwrap());
    }
    assert_eq!(text, [EVENT_1, EVENT_2].concat().as_bytes());
    for _ in 0..2 {
        time_passes(Duration::from_secs(15)).await;
        assert_eq!(in_time(client.chunk()).await, Ok(Some(b": keep-alive\n\n".to_vec())));
    }
    drop(client);
    notified(&streaming.service.dropped).await;
}

#[tokio::test]
async fn the_head_does_not_wait_for_a_late_message() {
    for (verb, first) in [("follow", EVENT_1)] {
        let streaming = Streaming::in_process().await;
        let mut client = streaming.begin(&events("late", verb)).await;
        notified(&streaming.service.entered).await;
        time_passes(Duration::from_secs(1)).await;
        assert_eq!(in_time(client.head()).await.unwrap().0, 200);
        streaming.service.release.notify_one();
        assert_eq!(in_time(client.chunk()).await, Ok(Some(first.as_bytes().to_vec())));
        assert_eq!(in_time(client.chunk()).await, Ok::<_, CutOff>(None));
    }
}
