//! A stop lets what is in flight end.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Processes, Stack};

/// A create that has begun: its head and half of its body are sent.
async fn half_a_request(stack: &crate::harness::Api) -> (TcpStream, &'static [u8]) {
    let (begin, end): (&[u8], &[u8]) = (b"{\"email\":", b"\"ada@example.com\"}");
    let address = stack.base.strip_prefix("http://").unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {}\r\nX-API-Secret: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        stack.contacts_path(),
        stack.key.api_key,
        stack.key.secret,
        begin.len() + end.len(),
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body once the request is past the credential check: it is in flight.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(begin).await.unwrap();
    (stream, end)
}

async fn finish((mut stream, end): (TcpStream, &'static [u8])) -> String {
    stream.write_all(end).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_in_flight_ends_well() {
    Stack::each(async |mut stack| {
        let request = half_a_request(&stack).await;
        let ((), answer) = tokio::join!(stack.stop(), finish(request));
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        stack.run().await;
        assert_eq!(stack.list_contacts("").await.ok().as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn sigterm_and_sigint_end_the_process_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut keyward = Processes::together(&[]).await;
        let request = half_a_request(&keyward).await;
        keyward.all[0].signal(signal);
        keyward.all[0].logged("stopping: requests in flight may end").await;
        let answer = finish(request).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        let body: Value = serde_json::from_str(answer.rsplit("\r\n\r\n").next().unwrap()).unwrap();
        assert_eq!(body["data"]["email"], json!("ada@example.com"));
        assert!(keyward.all[0].ended().await.success());
    }
}

#[tokio::test]
async fn the_process_is_not_ready_while_it_stops() {
    let mut keyward = Processes::together(&[]).await;
    let ready = format!("http://{}/readyz", keyward.all[0].address("admin"));
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200);
    let request = half_a_request(&keyward).await;
    keyward.all[0].signal(Signal::TERM);
    keyward.all[0].logged("stopping: requests in flight may end").await;
    // It is said before the drain, and the drain waits for the request above.
    while reqwest::get(&ready).await.unwrap().status() != 503 {
        tokio::task::yield_now().await;
    }
    assert!(finish(request).await.starts_with("HTTP/1.1 201 "));
    assert!(keyward.all[0].ended().await.success());
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let mut keyward = Processes::together(&[]).await;
    let _in_flight = half_a_request(&keyward).await;
    keyward.all[0].signal(Signal::TERM);
    keyward.all[0].logged("stopping: requests in flight may end").await;
    keyward.all[0].signal(Signal::TERM);
    assert_eq!(keyward.all[0].ended().await.code(), Some(1));
}

#[tokio::test]
async fn auth_svc_stops_although_an_edge_goes_on_asking() {
    let mut keyward = Processes::apart(&[]).await;
    // From now on there is a stream of questions, which the edge keeps.
    keyward.list_contacts("").await.success(200, "Contacts retrieved.");
    let mut auth = keyward.all.pop().unwrap();
    auth.signal(Signal::TERM);
    assert!(auth.ended().await.success());
    assert!(!auth.log().contains("calls were cut off"), "{}", auth.log());
    keyward.list_contacts("").await.refusal(503, "authorization_unavailable");
}
