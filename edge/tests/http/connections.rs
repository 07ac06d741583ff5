//! Connections: HTTP/2, many requests on one, and how they end.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::client::{Call, Client, call, contact};
use crate::stack::{KEY, SECRET, Stack};

async fn http2(address: SocketAddr) -> (SendRequest<Empty<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn get(path: &str) -> http::request::Builder {
    Request::get(format!("http://localhost{path}"))
        .version(Version::HTTP_2)
        .header("x-api-key", KEY)
        .header("x-api-secret", SECRET)
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let stack = Stack::start().await;
    let (mut sender, _connection) = http2(stack.address).await;
    let response = sender.send_request(get(&contact("r-1")).body(Empty::new()).unwrap()).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(json["data"]["externalReferenceId"], "r-1");
}

#[tokio::test]
async fn http2_heads_over_our_limits_get_our_answer() {
    let stack = Stack::start().await;
    let (mut sender, _connection) = http2(stack.address).await;
    let big = get("/v1/open/health").header("x-big", "v".repeat(20_000));
    let many = (0..101).fold(get("/v1/open/health"), |request, n| request.header(format!("x-{n}"), "v"));
    let long = get(&format!("/{}", "a".repeat(9_000)));
    for (request, status) in [(big, 431), (many, 431), (long, 414)] {
        let response = sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}

#[tokio::test]
async fn many_requests_on_one_connection() {
    let stack = Stack::start().await;
    let mut client = Client::connect(stack.address).await;
    let mut ids = std::collections::HashSet::new();
    for n in 0..20 {
        client.send(call("GET", &contact(&format!("r-{n}"))).bytes()).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.json()["data"]["externalReferenceId"], format!("r-{n}"));
        ids.insert(answer.header("x-request-id").to_owned());
    }
    assert_eq!(ids.len(), 20, "every answer has an id of its own");
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_end() {
    let mut stack = Stack::start().await;
    let mut idle = Client::connect(stack.address).await;
    idle.send(call("GET", &contact("r")).bytes()).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);

    let mut busy = Client::connect(stack.address).await;
    busy.send(call("GET", &contact("slow")).bytes()).await;
    stack.contacts.entered.notified().await;
    let (mut sender, connection) = http2(stack.address).await;
    let slow = tokio::spawn(sender.send_request(get(&contact("slow")).body(Empty::new()).unwrap()));
    stack.contacts.entered.notified().await;

    stack.shutdown.cancel();
    assert!(idle.is_closed().await, "an idle connection is closed at once");
    assert!(!stack.serving.is_finished(), "requests in flight are waited for");
    stack.contacts.release.notify_waiters();
    let answer = busy.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(busy.is_closed().await);
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    connection.await.unwrap().unwrap();
    (&mut stack.serving).await.unwrap().unwrap();
    assert!(TcpStream::connect(stack.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let mut stack = Stack::with(|config| config.drain_seconds = 0).await;
    let mut busy = Client::connect(stack.address).await;
    busy.send(call("GET", &contact("slow")).bytes()).await;
    stack.contacts.entered.notified().await;
    stack.shutdown.cancel();
    (&mut stack.serving).await.unwrap().unwrap();
    assert!(busy.is_closed().await);
}

#[tokio::test]
async fn connections_over_the_limit_wait_their_turn() {
    let stack = Stack::with(|config| config.max_connections = 1).await;
    let health = Call::new("GET", "/v1/open/health").bytes();
    let mut first = Client::connect(stack.address).await;
    first.send(&health).await;
    assert_eq!(first.answer().await.unwrap().status, 200);
    let mut second = Client::connect(stack.address).await;
    second.send(&health).await;
    for _ in 0..10 {
        first.send(&health).await;
        assert_eq!(first.answer().await.unwrap().status, 200);
    }
    let nothing = second.stream.try_read(&mut [0]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock, "there is no room yet");
    drop(first);
    assert_eq!(second.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn what_keeps_the_edge_from_starting() {
    assert!(Stack::try_on("127.0.0.1:0", |_| {}).await.is_ok());
    let error = Stack::try_on("0.0.0.0:0", |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("edge.behind_tls_proxy"), "{error}");
    let error = Stack::try_on("127.0.0.1:0", |parts| parts.auth_token = None).await.unwrap_err().to_string();
    assert!(error.contains("edge.auth_token"), "{error}");
    let error = Stack::try_on("127.0.0.1:0", |parts| parts.upstreams.clear()).await.unwrap_err().to_string();
    assert!(error.contains("no upstream serves keyward."), "{error}");
}
