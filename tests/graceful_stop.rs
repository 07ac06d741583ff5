//! A stop lets what is in flight end, and nothing else keeps it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Process, Processes, Stack};

/// What an HTTP/2 client begins with: the preface and SETTINGS.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

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
    let process = &mut keyward.all[0];
    let status = loop {
        // One that comes at once is still the first: see below.
        process.signal(Signal::TERM);
        if let Ok(status) = timeout(Duration::from_millis(100), process.ended()).await {
            break status;
        }
    };
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn a_stop_that_is_sent_twice_is_one() {
    let mut keyward = Processes::together(&[]).await;
    let request = half_a_request(&keyward).await;
    // As from `timeout`, or from a terminal and what watches it. Paused, it meets both in one moment.
    for signal in [Signal::STOP, Signal::TERM, Signal::INT, Signal::CONT] {
        keyward.all[0].signal(signal);
    }
    keyward.all[0].logged("stopping: requests in flight may end").await;
    assert!(finish(request).await.starts_with("HTTP/1.1 201 "));
    assert!(keyward.all[0].ended().await.success());
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

/// Clients of these addresses that want nothing, and hold on to it.
async fn hold(addresses: &[&str]) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for address in addresses {
        // Nothing, half a head, HTTP/2 without and with SETTINGS, and half a head of HTTP/2.
        let half_a_head = [HTTP2, &[0, 0, 9, 1, 0, 0, 0, 0, 1, 0x82][..]].concat();
        for begun in [b"", &b"GET /metrics HTTP/1.1\r\nHost: a\r\n"[..], &HTTP2[..24], HTTP2, &half_a_head] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun).await.unwrap();
            held.push(stream);
        }
        // Asks and asks, and reads no answer.
        let mut stream = TcpStream::connect(address).await.unwrap();
        let requests = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000);
        let asked = stream.write_all(requests.as_bytes());
        let _until_nobody_reads = tokio::time::timeout(Duration::from_secs(1), asked).await;
        held.push(stream);
    }
    held
}

/// SIGTERM. Nobody has a request in flight, so it ends long before the time that such ones would have.
async fn ends_at_once(process: &mut Process) {
    process.signal(Signal::TERM);
    let ended = tokio::time::timeout(Duration::from_secs(15), process.ended()).await;
    let status = ended.unwrap_or_else(|_| panic!("it does not end:\n{}", process.log()));
    assert!(status.success(), "{}", process.log());
}

#[tokio::test]
async fn no_client_keeps_the_process_alive() {
    let mut keyward = Processes::together(&[("KEYWARD_EDGE__DRAIN_SECONDS", "60")]).await;
    let (edge, admin) = (keyward.all[0].address("edge"), keyward.all[0].address("admin"));
    let _held = hold(&[&edge, &admin]).await;
    ends_at_once(&mut keyward.all[0]).await;
}

#[tokio::test]
async fn no_caller_keeps_a_service_alive() {
    let (token, dir) = ("0123456789abcdef0123456789abcdef", tempfile::TempDir::new().unwrap());
    let settings = [
        ("KEYWARD_DATA_DIR", dir.path().to_str().unwrap()),
        ("KEYWARD_EDGE__AUTH_TOKEN", token),
        ("KEYWARD_AUTH__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_ADMIN__LISTEN", "127.0.0.1:0"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut auth = Process::serve(Some("auth"), &settings).await;
    let (grpc, admin) = (auth.address("grpc"), auth.address("admin"));
    let _held = hold(&[&grpc, &admin]).await;
    ends_at_once(&mut auth).await;
}

#[tokio::test]
async fn operators_see_the_process_until_its_last_request_has_ended() {
    let mut keyward = Processes::together(&[]).await;
    let request = half_a_request(&keyward).await;
    keyward.all[0].signal(Signal::TERM);
    keyward.all[0].logged("stopping: requests in flight may end").await;
    let live = format!("http://{}/livez", keyward.all[0].address("admin"));
    assert_eq!(reqwest::get(&live).await.unwrap().status(), 200);
    assert!(keyward.all[0].metrics().await.contains("http_server_active_requests 1"));
    assert!(finish(request).await.starts_with("HTTP/1.1 201 "));
    assert!(keyward.all[0].ended().await.success());
}
