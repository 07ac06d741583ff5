//! HTTP as bytes: what a well-behaved client never sends.

use crate::client::{Call, Client, call, contact, contacts, exchange};
use crate::stack::{KEY, SECRET, Stack};

fn post(fields: &str, body: &str) -> String {
    let path = contacts();
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nX-API-Secret: {SECRET}\r\n{fields}\r\n{body}"
    )
}

#[tokio::test]
async fn hosts() {
    let stack = Stack::start().await;
    for (what, request, status) in [
        ("none", "GET /v1/open/health HTTP/1.1\r\n\r\n", 400),
        ("two", "GET /v1/open/health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("no host", "GET /v1/open/health HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("an empty one", "GET /v1/open/health HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("a port that is none", "GET /v1/open/health HTTP/1.1\r\nHost: x:port\r\n\r\n", 400),
        ("a port out of range", "GET /v1/open/health HTTP/1.1\r\nHost: x:99999\r\n\r\n", 400),
        ("two ports", "GET /v1/open/health HTTP/1.1\r\nHost: x:1:2\r\n\r\n", 400),
        ("half an address", "GET /v1/open/health HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        ("user information", "GET /v1/open/health HTTP/1.1\r\nHost: u:p@a\r\n\r\n", 400),
        ("a good address", "GET /v1/open/health HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200),
        ("blanks around it", "GET /v1/open/health HTTP/1.1\r\nHost: \t a \r\n\r\n", 200),
        ("one", "GET /v1/open/health HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("none in HTTP/1.0", "GET /v1/open/health HTTP/1.0\r\n\r\n", 200),
        ("absolute form", "GET http://a/v1/open/health HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("absolute form, another host", "GET http://a/v1/open/health HTTP/1.1\r\nHost: b\r\n\r\n", 200),
        ("absolute form, no host", "GET http://a/v1/open/health HTTP/1.1\r\n\r\n", 400),
        ("absolute form, bad port", "GET http://a:x/v1/open/health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("absolute form, user", "GET http://u@a/v1/open/health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ] {
        let answer = exchange(stack.address, request).await;
        assert_eq!(answer.status, status, "{what}");
        if status == 400 {
            assert_eq!(answer.code(), "invalid_argument", "{what}");
        }
    }
}

#[tokio::test]
async fn connect_opens_no_tunnel() {
    let stack = Stack::start().await;
    let answer =
        exchange(stack.address, "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "route_not_found"));
}

#[tokio::test]
async fn heads_that_are_far_over_the_limits_get_a_bare_status() {
    let stack = Stack::start().await;
    let many: String = (0..100).map(|n| format!("X-{n}: v\r\n")).collect();
    let huge = "v".repeat(80 * 1024);
    for (what, fields) in [("fields", many), ("bytes", format!("X: {huge}\r\n"))] {
        let mut client = Client::connect(stack.address).await;
        client.send(format!("GET /v1/open/health HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (431, 0), "{what}");
        assert!(client.is_closed().await, "{what}");
    }
}

#[tokio::test]
async fn heads_over_our_limits_get_our_answer() {
    let stack = Stack::start().await;
    let target = format!("/{}", "a".repeat(60_000));
    assert_eq!(Call::new("GET", &target).send(stack.address).await.code(), "uri_too_long");
    let huge = "v".repeat(60_000);
    let answer = Call::new("GET", "/").field("X", &huge).send(stack.address).await;
    assert_eq!(answer.code(), "headers_too_large");
    let most =
        (0..99).fold(Call::new("GET", "/v1/open/health"), |call, n| call.field(&format!("X-{n}"), "v"));
    assert_eq!(most.send(stack.address).await.status, 200);
}

#[tokio::test]
async fn a_length_and_chunks_together_smuggle_nothing() {
    let stack = Stack::start().await;
    // One server reads the length and sees one request; another reads the chunks and sees two.
    let hidden = format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", contact("smuggled"));
    let json = "Content-Type: application/json\r\n";
    for fields in [
        format!("{json}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", 5 + hidden.len()),
        format!("{json}Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", 5 + hidden.len()),
    ] {
        let mut client = Client::connect(stack.address).await;
        client.send(post(&fields, &format!("0\r\n\r\n{hidden}"))).await;
        let _first = client.answer().await;
        assert!(client.is_closed().await, "the second request is never read: {fields}");
    }
}

#[tokio::test]
async fn malformed_framing_is_refused_and_the_connection_closed() {
    let stack = Stack::start().await;
    for (what, fields) in [
        ("two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n"),
        ("no number", "Content-Length: two\r\n"),
        ("negative", "Content-Length: -1\r\n"),
        ("signed", "Content-Length: +2\r\n"),
        ("unknown encoding", "Transfer-Encoding: gzip\r\n"),
        ("chunked not last", "Transfer-Encoding: chunked, gzip\r\n"),
        ("space before the colon", "Transfer-Encoding : chunked\r\n"),
        ("folded", "X: a\r\n b: c\r\n"),
        ("NUL", "X: a\0b\r\n"),
    ] {
        let mut client = Client::connect(stack.address).await;
        client.send(post(fields, "{}")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, 400, "{what}");
        assert!(client.is_closed().await, "{what}");
    }
    assert_eq!(stack.auth.count(), 0);
}

/// hyper looks at the last coding alone (RFC 9112, 6.1).
#[tokio::test]
async fn transfer_codings_other_than_chunked_are_refused_and_the_connection_closed() {
    let stack = Stack::start().await;
    let json = "Content-Type: application/json\r\n";
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    for (fields, status, code) in [
        ("Transfer-Encoding: gzip, chunked\r\n", 501, "unimplemented"),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501, "unimplemented"),
        ("Transfer-Encoding: identity, chunked\r\n", 501, "unimplemented"),
        ("Transfer-Encoding: chunked, chunked\r\n", 400, "invalid_argument"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n", 400, "invalid_argument"),
    ] {
        let mut client = Client::connect(stack.address).await;
        client.send(post(&format!("{json}{fields}"), chunks)).await;
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{fields}");
        assert_eq!(answer.header("connection"), "close", "{fields}");
        assert!(client.is_closed().await, "{fields}");
    }
    assert_eq!(stack.auth.count(), 0);
    let answer =
        exchange(stack.address, post(&format!("{json}Transfer-Encoding: CHUNKED\r\n"), chunks)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
}

#[tokio::test]
async fn bad_chunks_are_a_bad_body() {
    let stack = Stack::start().await;
    let fields = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    for body in ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx0\r\n\r\n", "fffffffffffffffff\r\n"] {
        let answer = exchange(stack.address, post(fields, body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_argument"), "{body:?}");
    }
    let answer =
        exchange(stack.address, post(fields, "8\r\n{\"name\":\r\n5\r\n\"Ada\"\r\n1\r\n}\r\n0\r\n\r\n")).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
}

#[tokio::test]
async fn chunks_over_the_limit_are_refused_as_they_come() {
    let stack = Stack::with(|config| config.max_json_body_bytes = 100).await;
    let fields = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let chunk = format!("64\r\n{}\r\n", " ".repeat(100));
    let answer = exchange(stack.address, post(fields, &format!("{chunk}{chunk}"))).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
}

#[tokio::test]
async fn an_early_answer_is_seen_by_a_client_that_sends_all_first() {
    let stack = Stack::start().await;
    let body = "n".repeat(3 * 1024 * 1024);
    let request = call("POST", &contacts()).field("Content-Type", "application/json").body(&body);
    let mut client = Client::connect(stack.address).await;
    client.send(request.bytes()).await;
    let answer = client.answer().await.expect("the connection is not reset");
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    // It was read to its end, so the connection is good for the next request.
    client.send(call("GET", &contact("next")).bytes()).await;
    assert_eq!(client.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_client_that_waits_for_continue_is_not_asked_for_a_body_that_is_refused() {
    let stack = Stack::start().await;
    let expect = "Content-Type: application/json\r\nExpect: 100-continue\r\n";
    let answer = exchange(stack.address, post(&format!("{expect}Content-Length: 9000000\r\n"), "")).await;
    assert_eq!(answer.status, 413);

    let mut client = Client::connect(stack.address).await;
    client.send(post(&format!("{expect}Content-Length: 2\r\n"), "")).await;
    assert_eq!(client.answer().await.unwrap().status, 100);
    client.send("{}").await;
    assert_eq!(client.answer().await.unwrap().status, 201);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let stack = Stack::with(|config| config.body_timeout_seconds = 1).await;
    let fields = "Content-Type: application/json\r\nContent-Length: 2\r\n";
    let answer = exchange(stack.address, post(fields, "{")).await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let stack = Stack::with(|config| config.head_timeout_seconds = 1).await;
    let begun = ["", "G", "PRI * HTTP", "GET / HTTP/1.1\r\nHost: a\r\n"];
    let closed = begun.map(async |begun| {
        let mut client = Client::connect(stack.address).await;
        client.send(begun).await;
        client.is_closed().await
    });
    assert_eq!(futures::future::join_all(closed).await, [true; 4]);
}
