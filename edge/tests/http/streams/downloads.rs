//! Answers that are made while their client reads them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;

use super::{Streaming, get, in_time, notified, path};
use crate::client::{Call, CutOff, call};
use crate::stack::{KEY, SECRET};

/// How much may be made of an answer that nobody reads: what sockets and windows hold on the way, with room.
const MOST_AHEAD: usize = 32 * 1024 * 1024;
const LINES: &[u8] =
    b"{\"number\":1,\"text\":\"a \\\"line\\\"\\n\"}\n{\"number\":2,\"text\":\"a \\\"line\\\"\\n\"}\n";

/// An answer over HTTP/2.
async fn over_http2(streaming: &Streaming, path: &str) -> http::Response<Incoming> {
    let stream = TcpStream::connect(streaming.stack.address).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://localhost{path}"))
        .header("x-api-key", KEY)
        .header("x-api-secret", SECRET)
        .body(Empty::<Bytes>::new())
        .unwrap();
    sender.send_request(request).await.unwrap()
}

/// What is read of it, and whether it came to its end.
async fn read(mut answer: http::Response<Incoming>) -> (Vec<u8>, bool) {
    let mut whole = Vec::new();
    while let Some(frame) = answer.frame().await {
        match frame {
            Ok(frame) => whole.extend(frame.into_data().unwrap_or_default()),
            Err(_) => return (whole, false),
        }
    }
    (whole, true)
}

#[tokio::test]
async fn bytes_are_handed_on_with_their_type() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&get("three", "download")).await;
        let (status, headers) = client.head().await.unwrap();
        assert_eq!((status, &headers["content-type"]), (200, &"text/csv".parse().unwrap()));
        for (name, value) in [
            ("transfer-encoding", "chunked"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(headers[name], value);
        }
        assert_eq!(headers["x-request-id"].len(), 24);
        assert_eq!(client.chunks().await, (b"one\ntwo\nthree\n".to_vec(), Ok(())));

        // The connection goes on.
        client.send(get("nothing", "download").bytes()).await;
        let (status, headers) = client.head().await.unwrap();
        assert_eq!((status, &headers["content-type"]), (200, &"application/octet-stream".parse().unwrap()));
        assert_eq!(client.chunks().await, (Vec::new(), Ok(())));

        let whole = get("any", "downloadWhole").send(streaming.stack.address).await;
        assert_eq!((whole.status, whole.header("content-type")), (200, "text/csv"));
        assert_eq!(whole.body, b"a,b\n");

        let answer = over_http2(&streaming, &path("three", "download")).await;
        assert_eq!(answer.headers()["content-type"], "text/csv");
        assert_eq!(read(answer).await, (b"one\ntwo\nthree\n".to_vec(), true));
    }
}

#[tokio::test]
async fn messages_are_lines_of_json() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&get("three", "watch")).await;
        let (status, headers) = client.head().await.unwrap();
        assert_eq!((status, &headers["content-type"]), (200, &"application/x-ndjson".parse().unwrap()));
        let (lines, end) = client.chunks().await;
        assert_eq!(end, Ok(()));
        assert!(lines.starts_with(LINES));
        let lines: Vec<serde_json::Value> = lines
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let line = |number: i32| json!({"number": number, "text": "a \"line\"\n"});
        assert_eq!(lines, [line(1), line(2), line(3)]);
    }
}

#[tokio::test]
async fn head_is_the_head_and_ends_the_call() {
    let streaming = Streaming::apart().await;
    let mut client = streaming.begin(&call("HEAD", &path("stalls", "download"))).await;
    let answer = client.answer_to_head().await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv"));
    notified(&streaming.service.dropped).await;
    client.send(get("any", "downloadWhole").bytes()).await;
    assert_eq!(client.answer().await.unwrap().status, 200, "the connection goes on");
}

#[tokio::test]
async fn refusals_come_before_the_call() {
    let streaming = Streaming::apart().await;
    let other = path("three", "watch").replace("65f0", "65f1");
    for (what, call, status, code) in [
        ("no credentials", Call::new("GET", &path("three", "watch")), 401, "missing_credentials"),
        ("another agent", call("GET", &other), 403, "agent_mismatch"),
        (
            "an unknown parameter",
            call("GET", &format!("{}?x=1", path("three", "watch"))),
            400,
            "invalid_argument",
        ),
        ("a body", get("three", "watch").json(&json!({})), 400, "invalid_argument"),
        ("a precondition", get("three", "watch").field("If-Match", "\"1\""), 400, "invalid_argument"),
    ] {
        let answer = call.send(streaming.stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
    }
    assert_eq!(streaming.calls(), 0);
}

#[tokio::test]
async fn what_fails_before_the_head_is_an_error_as_any_other() {
    // A service without a stack takes its connection along when it panics, so only the one in the process does.
    let panics = Some(("panics-first", 500));
    for (streaming, panics) in Streaming::both().await.into_iter().zip([None, panics]) {
        for (name, status) in [("fails-first", 404), ("never", 504)].into_iter().chain(panics) {
            let answer = in_time(get(name, "watch").send(streaming.stack.address)).await;
            assert_eq!(answer.status, status, "{name}: {:?}", answer.json());
            answer.code();
        }
        let answer = get("fails-first", "download").send(streaming.stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    }
}

#[tokio::test]
async fn what_fails_after_the_head_is_no_whole_answer() {
    for (streaming, panics) in Streaming::both().await.into_iter().zip([None, Some("panics")]) {
        // The deadline of the one that stalls passes.
        for name in ["fails", "stalls"].into_iter().chain(panics) {
            let mut client = streaming.begin(&get(name, "watch")).await;
            assert_eq!(client.head().await.unwrap().0, 200, "{name}");
            let (lines, end) = in_time(client.chunks()).await;
            assert_eq!((lines, end), (LINES.to_vec(), Err(CutOff)), "{name}");

            let answer = over_http2(&streaming, &path(name, "watch")).await;
            assert_eq!(answer.status(), 200, "{name}");
            let (lines, is_whole) = in_time(read(answer)).await;
            assert!(!is_whole && LINES.starts_with(&lines), "{name}");
        }
        let mut client = streaming.begin(&get("fails", "download")).await;
        client.head().await.unwrap();
        assert_eq!(in_time(client.chunks()).await, (b"one\ntwo\n".to_vec(), Err(CutOff)));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_service_and_nobody_else() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&get("endless", "download")).await;
        client.head().await.unwrap();
        let made = || streaming.service.made.load(Ordering::SeqCst);
        let mut before = 0;
        // Until no more is made for a while.
        in_time(async {
            while before < made() {
                before = made();
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        })
        .await;
        assert!(before * 64 * 1024 <= MOST_AHEAD, "{before} pieces were made ahead");
        let answer = in_time(get("any", "downloadWhole").send(streaming.stack.address)).await;
        assert_eq!(answer.status, 200, "over the same connection to the service");

        // Who reads on gets more.
        in_time(async {
            while made() == before {
                client.chunk().await.unwrap().unwrap();
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_streamed_answer_counts_until_it_ends() {
    let streaming = Streaming::apart().await;
    let answered = format!(
        "http_server_request_duration_seconds_count{{method=\"GET\",route=\"{}\",status=\"200\"}}",
        "/v1/{agent_id}/{name}:download"
    );
    let mut client = streaming.begin(&get("waits", "download")).await;
    client.head().await.unwrap();
    notified(&streaming.service.entered).await;
    assert_eq!(streaming.metric("http_server_active_requests ").as_deref(), Some("1"));
    assert_eq!(streaming.metric(&answered), None);
    streaming.service.release.notify_one();
    assert_eq!(client.chunks().await.1, Ok(()));
    assert_eq!(streaming.metric("http_server_active_requests ").as_deref(), Some("0"));
    assert_eq!(streaming.metric(&answered).as_deref(), Some("1"));

    // One that is cut off keeps the status of its head.
    let mut client = streaming.begin(&get("fails", "download")).await;
    client.head().await.unwrap();
    assert_eq!(client.chunks().await.1, Err(CutOff));
    assert_eq!(streaming.metric(&answered).as_deref(), Some("2"));
}

#[tokio::test]
async fn a_stop_lets_an_answer_come_to_its_end() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&get("waits", "download")).await;
        client.head().await.unwrap();
        notified(&streaming.service.entered).await;
        streaming.stack.shutdown.cancel();
        tokio::task::yield_now().await;
        streaming.service.release.notify_one();
        assert_eq!(client.chunks().await, (b"one\ntwo\nthree\n".to_vec(), Ok(())));
        in_time(streaming.stack.serving).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_stop_cuts_an_answer_that_does_not_end() {
    let streaming = Streaming::apart_with(|config| config.drain_seconds = 1).await;
    let mut client = streaming.begin(&get("stalls", "download")).await;
    client.head().await.unwrap();
    streaming.stack.shutdown.cancel();
    assert_eq!(in_time(client.chunks()).await.1, Err(CutOff));
    notified(&streaming.service.dropped).await;
    in_time(streaming.stack.serving).await.unwrap().unwrap();
}
