use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::grpc::test_service::{address, ask, bind, serve};
use crate::grpc::{Address, Upstream, status};
use crate::telemetry::Metrics;
use svc_core::error::Reason;

const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;

/// What a peer does once a call is there: it writes a frame or none, and closes the connection.
type Then = Option<Vec<u8>>;

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, stream: u32, payload: &[u32]) -> Vec<u8> {
    let length = u32::try_from(payload.len() * 4).unwrap();
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, 0]);
    [stream].iter().chain(payload).for_each(|word| frame.extend(word.to_be_bytes()));
    frame
}

/// A reset of the call.
fn reset(reason: h2::Reason) -> Then {
    Some(frame(RST_STREAM, 1, &[reason.into()]))
}

/// The call is stream 1.
fn go_away(last_stream: u32, reason: h2::Reason) -> Then {
    Some(frame(GOAWAY, 0, &[last_stream, reason.into()]))
}

/// A peer that speaks as much HTTP/2 as it needs, and how many connections it took.
async fn peer(then: Then) -> (Address, Arc<AtomicUsize>) {
    let (listener, taken) = (bind().await, Arc::new(AtomicUsize::new(0)));
    let (address, counted) = (address(&listener), taken.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = converse(stream, &then).await;
        }
    });
    (address, taken)
}

async fn converse(mut stream: TcpStream, then: &Then) -> std::io::Result<()> {
    const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const SETTINGS: u8 = 4;
    const DATA: u8 = 0;
    const END_STREAM: u8 = 1;
    stream.read_exact(&mut [0; PREFACE.len()]).await?;
    stream.write_all(&frame(SETTINGS, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [_, a, b, kind, flags, ..] = head;
        let mut payload = vec![0; usize::from(a) << 8 | usize::from(b)];
        stream.read_exact(&mut payload).await?;
        if kind == DATA && flags & END_STREAM != 0 {
            if let Some(frame) = then {
                stream.write_all(frame).await?;
                stream.shutdown().await?;
                // What the client still writes is read, or the frame could be lost with the connection.
                return stream.read_to_end(&mut Vec::new()).await.map(|_| ());
            }
            return Ok(());
        }
    }
}

#[tokio::test]
async fn only_what_was_surely_not_processed_is_repeated() {
    use h2::Reason as H2;
    for (what, then, repeated) in [
        ("refused", reset(H2::REFUSED_STREAM), true),
        ("going away before it", go_away(0, H2::NO_ERROR), true),
        ("going away before it, in trouble", go_away(0, H2::ENHANCE_YOUR_CALM), true),
        ("going away after it", go_away(1, H2::NO_ERROR), false),
        ("going away after it, in trouble", go_away(1, H2::INTERNAL_ERROR), false),
        ("going away some time", go_away(i32::MAX.cast_unsigned(), H2::NO_ERROR), false),
        ("canceled", reset(H2::CANCEL), false),
        ("reset", reset(H2::INTERNAL_ERROR), false),
        ("reset without an error", reset(H2::NO_ERROR), false),
        ("cut", None, false),
    ] {
        let (first, taken) = peer(then).await;
        let listener = bind().await;
        let upstream = Upstream::connect("test", &[first, address(&listener)], &Metrics::new()).unwrap();
        let (other, _stop) = serve(listener);
        let answer = ask(&upstream, "quick").await;
        assert_eq!(answer.is_ok(), repeated, "{what}: {answer:?}");
        if let Err(status) = answer {
            assert_eq!(status::reason(&status), Reason::BadGateway, "{what}: it may have been processed");
        }
        assert_eq!(taken.load(Ordering::SeqCst), 1, "{what}");
        assert_eq!(other.calls.load(Ordering::SeqCst), usize::from(repeated), "{what}");
    }
}

#[tokio::test]
async fn another_replica_stands_in_for_one_that_is_away() {
    let (gone, listener) = (bind().await, bind().await);
    let addresses = [address(&gone), address(&listener)];
    drop(gone);
    let (other, _stop) = serve(listener);
    ask(&Upstream::connect("test", &addresses, &Metrics::new()).unwrap(), "quick").await.unwrap();
    assert_eq!(other.calls.load(Ordering::SeqCst), 1);
    let alone = ask(&Upstream::connect("test", &addresses[..1], &Metrics::new()).unwrap(), "quick").await;
    assert_eq!(status::reason(&alone.unwrap_err()), Reason::Unavailable);
}

#[tokio::test]
async fn a_call_is_made_twice_at_most() {
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(peer(reset(h2::Reason::REFUSED_STREAM)).await);
    }
    let addresses: Vec<Address> = peers.iter().map(|(address, _)| address.clone()).collect();
    let upstream = Upstream::connect("test", &addresses, &Metrics::new()).unwrap();
    let failure = ask(&upstream, "quick").await.unwrap_err();
    assert_eq!(status::reason(&failure), Reason::Unavailable);
    let taken = peers.iter().map(|(_, taken)| taken.load(Ordering::SeqCst));
    assert_eq!(taken.collect::<Vec<_>>(), [1, 1, 0]);
}

#[tokio::test]
async fn a_service_that_restarts_at_its_address_fails_no_call() {
    let listener = bind().await;
    let address = listener.local_addr().unwrap();
    let addresses = [Address::Tcp(address.to_string())];
    let upstream = Upstream::connect("test", &addresses, &Metrics::new()).unwrap();
    let (mut service, mut stop) = serve(listener);
    for _ in 0..20 {
        // It holds the connection, on which the stopping service takes no more calls.
        let (old, slow) = (service.clone(), upstream.clone());
        let before = old.calls.load(Ordering::SeqCst);
        let slow = tokio::spawn(async move { ask(&slow, "slow").await });
        old.entered.notified().await;
        stop.cancel();
        let listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        (service, stop) = serve(listener);
        let mut asked = 0;
        while service.calls.load(Ordering::SeqCst) == 0 {
            ask(&upstream, "quick").await.unwrap();
            asked += 1;
        }
        old.release.notify_one();
        slow.await.unwrap().unwrap();
        let processed = [&old, &service].map(|service| service.calls.load(Ordering::SeqCst));
        assert_eq!(processed.iter().sum::<usize>(), before + 1 + asked, "each once, and the slow one");
    }
}
