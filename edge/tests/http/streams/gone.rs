//! A client that goes away ends the call behind, whatever it was streaming and however far it was.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::{Streaming, notified, path};
use crate::client::{Client, call};
use crate::stack::{KEY, SECRET};

/// A stream: its method, the name and the verb of its path, a header field, and what is sent of its body.
type Case =
    (&'static str, &'static str, &'static str, &'static str, (&'static str, &'static str), &'static str);

const PLAIN: (&str, &str) = ("Accept", "*/*");
const EVENTS: (&str, &str) = ("Accept", "text/event-stream");
const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=b");
const FILE: &str = "--b\r\nContent-Disposition: form-data; name=file\r\n\r\none";

const CASES: &[Case] = &[
    ("bytes before their head", "GET", "never", "download", PLAIN, ""),
    ("bytes that stand still", "GET", "stalls", "download", PLAIN, ""),
    ("bytes that are not read", "GET", "endless", "download", PLAIN, ""),
    ("lines before their head", "GET", "never", "follow", PLAIN, ""),
    ("lines that stand still", "GET", "stalls", "follow", PLAIN, ""),
    ("lines that are not read", "GET", "endless", "follow", PLAIN, ""),
    ("events before their head", "GET", "never", "follow", EVENTS, ""),
    ("events that stand still", "GET", "stalls", "follow", EVENTS, ""),
    ("events that are not read", "GET", "endless", "follow", EVENTS, ""),
    ("an upload", "POST", "a", "upload", PLAIN, "one"),
    ("an upload that its service does not read", "POST", "waits", "upload", PLAIN, "one"),
    ("a form", "POST", "a", "attach", FORM, FILE),
    ("a form into one message", "POST", "a", "upload", FORM, FILE),
];

/// Forgets what calls before have told.
fn begin(streaming: &Streaming) {
    streaming.service.made.store(0, Ordering::SeqCst);
    while streaming.service.entered.notified().now_or_never().is_some() {}
}

#[tokio::test]
async fn a_closed_connection_ends_the_call() {
    for streaming in Streaming::both().await {
        for (what, method, name, verb, (field, value), body) in CASES {
            begin(&streaming);
            let mut request = call(method, &path(name, verb)).field(field, value);
            if !body.is_empty() {
                request = request.field("Transfer-Encoding", "chunked");
            }
            let mut client = Client::connect(streaming.stack.address).await;
            client.send(request.bytes()).await;
            if !body.is_empty() {
                client.send(format!("{:x}\r\n{body}\r\n", body.len())).await;
            }
            notified(&streaming.service.entered).await;
            drop(client);
            notified(&streaming.service.dropped).await;
            assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0, "{what}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_ends_the_call_and_nothing_else() {
    for streaming in Streaming::both().await {
        let stream = TcpStream::connect(streaming.stack.address).await.unwrap();
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for (what, method, name, verb, (field, value), body) in CASES {
            begin(&streaming);
            let first = (!body.is_empty())
                .then(|| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(body.as_bytes()))));
            // A body without an end, or none.
            let rest = match body.is_empty() {
                true => stream::empty().boxed(),
                false => stream::pending().boxed(),
            };
            let request = Request::builder()
                .method(*method)
                .uri(format!("http://localhost{}", path(name, verb)))
                .header("x-api-key", KEY)
                .header("x-api-secret", SECRET)
                .header(*field, *value)
                .body(StreamBody::new(stream::iter(first).chain(rest)))
                .unwrap();
            let answer = sender.send_request(request);
            let held = tokio::spawn(async move {
                let _answer = answer.await;
                std::future::pending::<()>().await;
            });
            notified(&streaming.service.entered).await;
            held.abort();
            notified(&streaming.service.dropped).await;
            assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0, "{what}");
            assert!(!sender.is_closed(), "{what}");
        }
    }
}
