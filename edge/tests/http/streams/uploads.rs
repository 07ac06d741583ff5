//! Bodies that are handed on as they come.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{Streaming, in_time, notified, path};
use crate::client::{Call, call};

/// The largest piece in a message.
const PIECE: usize = 64 * 1024;
/// How much may be read of an upload that its service does not read: what sockets and windows hold on the way, with
/// room.
const MOST_AHEAD: usize = 32 * 1024 * 1024;

/// A request with an upload in chunks, of which none is there yet.
fn chunked(name: &str) -> Call {
    call("POST", &path(name, "upload")).field("Transfer-Encoding", "chunked")
}

fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

#[tokio::test]
async fn an_upload_reaches_its_service_in_bounded_pieces() {
    for streaming in Streaming::both().await {
        let data = "abcdefgh".repeat(100_000);
        let upload = call("POST", &format!("{}?line=7", path("a", "upload")))
            .field("Content-Type", "image/png")
            .body(&data);
        let answer = in_time(upload.send(streaming.stack.address)).await;
        assert_eq!(answer.status, 201);
        let expected = json!({"success": true, "message": "Uploaded.", "data": {"bytes": data.len()}});
        assert_eq!(answer.json(), expected);
        let messages = streaming.service.uploaded.lock().unwrap().clone();
        let file = |at: usize| messages[at].file.clone().unwrap();
        assert_eq!((messages[0].name.as_str(), messages[0].line), ("a", 7));
        assert_eq!(file(0).content_type, "image/png");
        assert!(messages[1..].iter().all(|m| m.agent_id.is_empty() && m.name.is_empty()));
        let pieces: Vec<Vec<u8>> = (0..messages.len()).map(|at| file(at).data).collect();
        assert!(pieces.iter().all(|piece| (1..=PIECE).contains(&piece.len())));
        assert_eq!(pieces.concat(), data.as_bytes());
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn chunks_are_handed_on_as_they_come() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&chunked("a")).await;
        for piece in ["one", "two"] {
            client.send(chunk(piece.as_bytes())).await;
            notified(&streaming.service.entered).await;
        }
        assert_eq!(streaming.service.uploaded.lock().unwrap().len(), 2);
        client.send(chunk(b"")).await;
        assert_eq!(client.answer().await.unwrap().json()["data"]["bytes"], 6);

        // Nothing is an upload, too.
        client.send(chunked("a").bytes()).await;
        client.send(chunk(b"")).await;
        assert_eq!(client.answer().await.unwrap().json()["data"]["bytes"], 0);
        assert_eq!(streaming.service.uploaded.lock().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn one_message_holds_a_whole_upload() {
    let streaming = Streaming::apart_with(|config| config.max_json_body_bytes = 10).await;
    let whole = |data: &str| call("POST", &path("a", "uploadWhole")).body(data);
    let answer = whole("0123456789").send(streaming.stack.address).await;
    assert_eq!(answer.json()["data"]["bytes"], 10);
    let answer = whole("0123456789a").send(streaming.stack.address).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert_eq!(streaming.calls(), 1);
}

#[tokio::test]
async fn refusals_come_before_the_body_is_read() {
    let streaming = Streaming::apart().await;
    let upload = |path: &str| call("POST", path).field("Expect", "100-continue");
    let path = path("a", "upload");
    let (other, unknown) = (path.replace("65f0", "65f1"), format!("{path}?x=1"));
    let gigabyte = ("Content-Length", "1073741824");
    for (what, call, status, code) in [
        (
            "no credentials",
            Call::new("POST", &path).field("Expect", "100-continue").field("Content-Length", "10"),
            401,
            "missing_credentials",
        ),
        ("another agent", upload(&other).field("Content-Length", "10"), 403, "agent_mismatch"),
        ("an unknown parameter", upload(&unknown).field("Content-Length", "10"), 400, "invalid_argument"),
        ("too much", upload(&path).field(gigabyte.0, gigabyte.1), 413, "body_too_large"),
        (
            "compressed",
            upload(&path).field("Content-Encoding", "gzip").field("Content-Length", "10"),
            415,
            "unsupported_media_type",
        ),
        (
            "too much, and an unknown parameter",
            upload(&unknown).field(gigabyte.0, gigabyte.1),
            413,
            "body_too_large",
        ),
        (
            "two media types",
            upload(&path)
                .field("Content-Type", "a/b")
                .field("Content-Type", "c/d")
                .field("Content-Length", "10"),
            415,
            "unsupported_media_type",
        ),
        (
            "an idempotency key, of which it takes none",
            upload(&path).field("Idempotency-Key", "k").field("Content-Length", "10"),
            400,
            "invalid_argument",
        ),
    ] {
        let answer = in_time(call.send(streaming.stack.address)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
    }
    assert!(streaming.service.uploaded.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_upload_that_is_cut_short_never_ends_well() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&chunked("a")).await;
        client.send(chunk(b"one")).await;
        notified(&streaming.service.entered).await;
        drop(client);
        notified(&streaming.service.dropped).await;
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);

        // Broken chunks.
        let mut client = streaming.begin(&chunked("a")).await;
        client.send(chunk(b"one")).await;
        notified(&streaming.service.entered).await;
        client.send("nonsense\r\n").await;
        assert_eq!(in_time(client.answer()).await.unwrap().code(), "invalid_argument");
        notified(&streaming.service.dropped).await;
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn an_upload_that_stalls_is_given_up() {
    let streaming = Streaming::apart_with(|config| config.body_timeout_seconds = 1).await;
    let mut client = streaming.begin(&chunked("a")).await;
    client.send(chunk(b"one")).await;
    let answer = in_time(client.answer()).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
    notified(&streaming.service.dropped).await;
    assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_service_may_refuse_an_upload_before_its_end() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&chunked("refused")).await;
        client.send(chunk(b"one")).await;
        let answer = in_time(client.answer()).await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (409, "already_exists"));
    }
    let streaming = Streaming::in_process().await;
    let mut client = streaming.begin(&chunked("panics")).await;
    client.send(chunk(b"one")).await;
    assert_eq!(in_time(client.answer()).await.unwrap().code(), "internal");
}

#[tokio::test]
async fn a_service_that_does_not_read_stops_its_client() {
    for streaming in Streaming::both().await {
        let mut client = streaming.begin(&chunked("waits")).await;
        let chunk = chunk(&vec![b'x'; PIECE]);
        let mut sent = 0;
        // Until nothing more is taken for a while.
        while let Ok(written) =
            tokio::time::timeout(Duration::from_secs(1), client.stream.write(&chunk[sent % chunk.len()..]))
                .await
        {
            sent += written.unwrap();
            assert!(sent <= MOST_AHEAD, "{sent} bytes were taken");
        }
        assert_eq!(streaming.service.uploaded.lock().unwrap().len(), 1);

        // It goes on once the service does.
        streaming.service.release.notify_one();
        let rest = chunk[sent % chunk.len()..].to_vec();
        in_time(client.send(rest)).await;
        in_time(client.send(b"0\r\n\r\n")).await;
        let answer = in_time(client.answer()).await.unwrap();
        let bytes = sent.div_ceil(chunk.len()) * PIECE;
        assert_eq!(answer.json()["data"]["bytes"], bytes);
    }
}
