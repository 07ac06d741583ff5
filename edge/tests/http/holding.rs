//! Connections that their clients hold for nothing: each ends in time, and none keeps others out.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use edge::Config;
use futures::future::join_all;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Call, Client, call, contact, contacts};
use crate::http2::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, Http2, PING, SETTINGS, WINDOW_UPDATE, block, frame, get,
};
use crate::stack::{KEY, SECRET, Stack};

/// How long a test waits for what takes a second.
const PATIENCE: Duration = Duration::from_secs(15);
const HEALTH: &str = "/v1/open/health";
/// SETTINGS_INITIAL_WINDOW_SIZE.
const WINDOW: u16 = 4;

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it takes too long")
}

/// An edge on which nothing takes longer than it takes at the test's own setting.
async fn patient(change: impl FnOnce(&mut Config)) -> Stack {
    Stack::with(|config| {
        config.head_timeout_seconds = 60;
        config.idle_timeout_seconds = 60;
        config.write_timeout_seconds = 60;
        config.body_timeout_seconds = 60;
        change(config);
    })
    .await
}

/// How often the edge has ended a connection for this reason.
fn ended(stack: &Stack, reason: &str) -> u64 {
    let metrics = stack.metrics.encode().unwrap();
    let name = format!("connections_closed_total{{listener=\"edge\",reason=\"{reason}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).expect(reason).parse().unwrap()
}

#[tokio::test]
async fn a_connection_without_requests_ends_also_when_it_answers_ping() {
    let stack = patient(|config| config.idle_timeout_seconds = 1).await;
    let http1 = async {
        let mut client = Client::connect(stack.address).await;
        client.send(Call::new("GET", HEALTH).bytes()).await;
        assert_eq!(client.answer().await.unwrap().status, 200);
        assert!(client.is_closed().await);
    };
    // Sends PING and WINDOW_UPDATE all the time, and answers what it is sent.
    let http2 = async {
        let mut client = Http2::connect(stack.address, &[]).await;
        client.send(&get(1, HEALTH)).await;
        let Http2 { mut read, mut write } = client;
        let own = [frame(PING, 0, 0, &[7; 8]), frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())].concat();
        while write.write_all(&own).await.is_ok() {
            let Some(got) = read.next().await else { break };
            let asked = got.kind == PING && got.flags == 0;
            if asked && write.write_all(&frame(PING, 1, 0, &got.payload)).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time(async { tokio::join!(http1, http2) }).await;
    assert_eq!(ended(&stack, "idle"), 2);
}

#[tokio::test]
async fn answers_that_no_window_is_opened_for_end_the_connection() {
    let stack = patient(|config| config.write_timeout_seconds = 1).await;
    let mut client = Http2::connect(stack.address, &[(WINDOW, 0)]).await;
    for n in 0..128 {
        client.send(&get(2 * n + 1, HEALTH)).await;
    }
    client.next_of(HEADERS).await.unwrap();
    in_time(client.closed()).await;
    assert_eq!(ended(&stack, "write_timeout"), 1);
}

#[tokio::test]
async fn answers_that_are_never_read_end_the_connection() {
    let stack = patient(|config| config.write_timeout_seconds = 1).await;
    let mut stream = TcpStream::connect(stack.address).await.unwrap();
    let requests = Call::new("GET", HEALTH).bytes().repeat(100);
    in_time(async { while stream.write_all(requests.as_bytes()).await.is_ok() {} }).await;
    assert_eq!(ended(&stack, "write_timeout"), 1);
}

#[tokio::test]
async fn answers_that_wait_are_bounded_in_all() {
    let stack = patient(|config| config.max_unread_answer_bytes = 4 * 1024).await;
    let mut small = Http2::connect(stack.address, &[(WINDOW, 0)]).await;
    small.send(&get(1, HEALTH)).await;
    small.next_of(HEADERS).await.unwrap();
    let mut large = Http2::connect(stack.address, &[(WINDOW, 0)]).await;
    for n in 0..120 {
        large.send(&get(2 * n + 1, HEALTH)).await;
    }
    in_time(large.closed()).await;
    assert_eq!(ended(&stack, "unread"), 1);
    small.send(&frame(WINDOW_UPDATE, 0, 1, &1_000_u32.to_be_bytes())).await;
    assert!(in_time(small.next_of(DATA)).await.is_some(), "who holds little goes on");
}

#[tokio::test]
async fn bodies_that_never_come_end_their_streams() {
    let stack = patient(|config| {
        config.body_timeout_seconds = 1;
        config.idle_timeout_seconds = 3;
    })
    .await;
    let io = TokioIo::new(TcpStream::connect(stack.address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let answers = (0..10).map(|_| {
        let never = futures::stream::pending::<Result<Frame<Bytes>, hyper::Error>>();
        let request = http::Request::post(format!("http://localhost{}", contacts()))
            .header("x-api-key", KEY)
            .header("x-api-secret", SECRET)
            .header("content-type", "application/json");
        sender.send_request(request.body(StreamBody::new(never)).unwrap())
    });
    let answers = in_time(join_all(answers.collect::<Vec<_>>())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 408));
    let _closed = in_time(connection).await;
    assert_eq!(ended(&stack, "idle"), 1);
}

#[tokio::test]
async fn heads_of_http2_that_do_not_come_end_the_connection() {
    let stack = patient(|config| config.head_timeout_seconds = 1).await;
    let begun = async {
        let mut client = Http2::begin(stack.address).await;
        client.closed().await;
    };
    let settings = async {
        let mut client = Http2::begin(stack.address).await;
        client.send(&frame(SETTINGS, 0, 0, &[0; 6])[..12]).await;
        client.closed().await;
    };
    let head = async {
        let mut client = Http2::connect(stack.address, &[]).await;
        client.send(&get(1, HEALTH)).await;
        client.next_of(HEADERS).await.unwrap();
        let head = frame(HEADERS, END_HEADERS, 3, &block("GET", HEALTH));
        client.send(&head[..20]).await;
        client.closed().await;
    };
    let continuation = async {
        let mut client = Http2::connect(stack.address, &[]).await;
        client.send(&frame(HEADERS, 0, 1, &block("GET", HEALTH))).await;
        let field = frame(CONTINUATION, 0, 1, &[0, 1, b'x', 1, b'y']);
        loop {
            if client.write.write_all(&field).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    in_time(async { tokio::join!(begun, settings, head, continuation) }).await;
    // h2 itself may be the first to give up on the CONTINUATION frames.
    assert!((3..=4).contains(&ended(&stack, "head_timeout")));
}

#[tokio::test]
async fn when_all_connections_are_taken_the_idlest_goes() {
    let stack = patient(|config| config.max_connections = 4).await;
    let mut busy = Client::connect(stack.address).await;
    busy.send(call("GET", &contact("slow")).bytes()).await;
    stack.contacts.entered.notified().await;
    let mut silent = Http2::connect(stack.address, &[]).await;
    silent.next_of(SETTINGS).await.unwrap();
    // Who came, and who asked for something, half a second later is less idle.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut begun = Client::connect(stack.address).await;
    begun.send("GET / HTTP/1.1\r\n").await;
    let mut used = Http2::connect(stack.address, &[]).await;
    used.send(&get(1, HEALTH)).await;
    used.next_of(DATA).await.unwrap();

    let answer = in_time(Call::new("GET", HEALTH).send(stack.address)).await;
    assert_eq!(answer.status, 200, "there is room for who comes now");
    in_time(silent.closed()).await;
    assert_eq!(ended(&stack, "idlest"), 1);
    stack.contacts.release.notify_waiters();
    assert_eq!(busy.answer().await.unwrap().status, 200, "who waits for an answer stays");
    used.send(&get(3, HEALTH)).await;
    assert!(used.next_of(HEADERS).await.is_some());
}

#[tokio::test]
async fn an_address_has_a_bounded_part_of_the_connections() {
    let few = |config: &mut Config| config.max_connections_per_address = 2;
    let stack = patient(few).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(stack.address).await;
        client.send(Call::new("GET", HEALTH).bytes()).await;
        assert_eq!(client.answer().await.unwrap().status, 200);
        held.push(client);
    }
    let mut third = Client::connect(stack.address).await;
    assert!(in_time(third.is_closed()).await);
    assert_eq!(ended(&stack, "address_full"), 1);
    held.pop();
    let again = async {
        loop {
            let mut client = Client::connect(stack.address).await;
            client.send(Call::new("GET", HEALTH).bytes()).await;
            if let Some(answer) = client.answer().await {
                return answer.status;
            }
        }
    };
    assert_eq!(in_time(again).await, 200);

    // Through a proxy come many clients.
    let proxied = patient(|config| {
        few(config);
        config.trusted_proxies.0.push("127.0.0.1/32".parse().unwrap());
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(proxied.address).await;
        client.send(Call::new("GET", HEALTH).bytes()).await;
        assert_eq!(client.answer().await.unwrap().status, 200);
        held.push(client);
    }
}

#[tokio::test]
async fn a_stop_waits_for_nobody_without_a_request() {
    let mut stack = patient(|config| config.drain_seconds = 60).await;
    let mut begun = Client::connect(stack.address).await;
    begun.send("GET / HTTP/1.1\r\nHost: a\r\n").await;
    let mut silent = Http2::connect(stack.address, &[]).await;
    silent.next_of(SETTINGS).await.unwrap();
    let mut head = Http2::connect(stack.address, &[]).await;
    head.send(&frame(HEADERS, 0, 1, &block("GET", HEALTH))).await;
    head.next_of(SETTINGS).await.unwrap();
    let _connected = TcpStream::connect(stack.address).await.unwrap();
    // Sends without end, and never reads what comes back.
    let mut pings = Http2::connect(stack.address, &[]).await;
    pings.next_of(SETTINGS).await.unwrap();
    let pinging = tokio::spawn(async move {
        while pings.write.write_all(&frame(PING, 0, 0, &[0; 8])).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut answered = Client::connect(stack.address).await;
    answered.send(Call::new("GET", HEALTH).bytes()).await;
    assert_eq!(answered.answer().await.unwrap().status, 200);

    stack.shutdown.cancel();
    in_time(&mut stack.serving).await.unwrap().unwrap();
    in_time(pinging).await.unwrap();
}
