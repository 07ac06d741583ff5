//! Frames that move no request on, without end: the connection is told to calm down, and closed.

use std::time::Duration;

use futures::future::join_all;
use tokio::io::AsyncWriteExt;

use crate::http2::{
    DATA, END_HEADERS, END_STREAM, HEADERS, Http2, PING, PRIORITY, RST_STREAM, SETTINGS, UNKNOWN,
    WINDOW_UPDATE, block, frame, get,
};
use crate::stack::Stack;

const PATIENCE: Duration = Duration::from_secs(60);
const HEALTH: &str = "/v1/open/health";
const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

/// What a flood of these comes to: the code of GOAWAY.
async fn flood(stack: &Stack, opening: &[u8], drop: &[u8]) -> Option<u32> {
    let mut client = Http2::connect(stack.address, &[]).await;
    client.send(&get(1, HEALTH)).await;
    client.next_of(HEADERS).await.unwrap();
    client.send(opening).await;
    let Http2 { mut read, mut write } = client;
    let wave = drop.repeat(100);
    let flooding = async { while write.write_all(&wave).await.is_ok() {} };
    let both = async { tokio::join!(flooding, read.closed()) };
    tokio::time::timeout(PATIENCE, both).await.expect("it may go on").1
}

#[tokio::test]
async fn frames_that_move_nothing_on_end_in_calm() {
    let stack = Stack::start().await;
    let body = frame(HEADERS, END_HEADERS, 3, &block("GET", HEALTH));
    let unwanted = frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]);
    let floods = [
        ("PING", &[][..], frame(PING, 0, 0, &[1; 8])),
        ("SETTINGS", &[], frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9])),
        ("WINDOW_UPDATE", &[], frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())),
        ("RST_STREAM on a stream that is closed", &[], frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes())),
        ("PRIORITY", &[], unwanted),
        ("a kind that nobody knows", &[], frame(UNKNOWN, 0, 0, &[])),
        ("empty DATA", &body, frame(DATA, 0, 3, &[])),
        ("padding", &body, frame(DATA, 8, 3, &[1, 0])),
    ];
    join_all(floods.iter().map(async |(what, opening, drop)| {
        assert_eq!(flood(&stack, opening, drop).await, Some(ENHANCE_YOUR_CALM), "{what}");
    }))
    .await;
    let metrics = stack.metrics.encode().unwrap();
    assert!(metrics.contains("connections_closed_total{listener=\"edge\",reason=\"flood\"}"), "{metrics}");
}

#[tokio::test]
async fn heads_that_are_refused_for_their_size_end_the_connection() {
    let stack = Stack::start().await;
    // Sent once, and from then on a byte stands for 3 KB (RFC 7541, 6.1 and 6.2.1).
    let kept = [&[0x40, 1, b'x', 0x7f, 0xb9, 0x16][..], &[b'v'; 3_000]].concat();
    let again = 0xbe;
    // We refuse the first, and h2 the second, which is over what it decodes.
    for (fields, at_most) in [(10, 100), (30, 600)] {
        let mut client = Http2::connect(stack.address, &[]).await;
        let first = [block("GET", HEALTH), kept.clone()].concat();
        client.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &first)).await;
        client.next_of(HEADERS).await.unwrap();
        let head = [block("GET", HEALTH), vec![again; fields]].concat();
        let mut refused = 0;
        let code = loop {
            let asked = frame(HEADERS, END_STREAM | END_HEADERS, 2 * refused + 3, &head);
            let _gone = client.write.write_all(&asked).await;
            match client.next_of(HEADERS).await {
                Some(_) => refused += 1,
                None => break client.read.goaway,
            }
        };
        assert!((10..=at_most).contains(&refused), "{refused}");
        assert_eq!(code, Some(ENHANCE_YOUR_CALM));
    }
}

#[tokio::test]
async fn who_makes_requests_may_make_any_number() {
    let stack = Stack::start().await;
    let mut client = Http2::connect(stack.address, &[]).await;
    for n in 0..1_000 {
        let stream = 2 * n + 1;
        client.send(&frame(PING, 0, 0, &[2; 8])).await;
        client.send(&get(stream, HEALTH)).await;
        client.next_of(DATA).await.expect("it may go on");
        client.send(&frame(WINDOW_UPDATE, 0, 0, &64_u32.to_be_bytes())).await;
    }
}

#[tokio::test]
async fn what_does_not_begin_with_settings_is_malformed() {
    let stack = Stack::start().await;
    for first in [frame(PING, 0, 0, &[0; 8]), get(1, HEALTH), frame(SETTINGS, 1, 0, &[])] {
        let mut client = Http2::begin(stack.address).await;
        client.send(&first).await;
        assert_eq!(client.next().await.unwrap().kind, SETTINGS, "the server's own come first");
        assert_eq!(client.closed().await, Some(PROTOCOL_ERROR));
    }
}
