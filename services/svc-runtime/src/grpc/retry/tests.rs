use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::task::yield_now;
use tokio::time::advance;

use super::*;
use crate::grpc::Address;
use crate::grpc::test_service::{Service, address, ask, bind, call, serve};
use crate::telemetry::Metrics;

/// One that is paused: the system takes connections for it, and nobody answers.
fn paused() -> (Address, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    (Address::Tcp(listener.local_addr().unwrap().to_string()), listener)
}

fn upstream(addresses: &[Address], metrics: &Metrics) -> Upstream {
    Upstream::connect("test", addresses, metrics).unwrap()
}

fn calls(service: &Arc<Service>) -> usize {
    service.calls.load(Ordering::SeqCst)
}

#[tokio::test]
async fn what_changes_nothing_is_answered_by_another_replica() {
    let ((asleep, _listener), listener, metrics) = (paused(), bind().await, Metrics::new());
    let upstream = upstream(&[asleep, address(&listener)], &metrics);
    let (good, _stop) = serve(listener);
    for n in 1..=20 {
        // One that is made nowhere else fails, since its replica is silent.
        call(&upstream, "read", true).await.unwrap();
        assert_eq!(calls(&good), n);
    }
    assert!(metrics.encode().unwrap().contains(r#"upstream_repeats_total{upstream="test",reason="hedged"}"#));
}

#[tokio::test]
async fn what_may_have_changed_something_is_given_up_and_never_made_again() {
    let ((asleep, _listener), listener) = (paused(), bind().await);
    let upstream = upstream(&[asleep, address(&listener)], &Metrics::new());
    let (good, _stop) = serve(listener);
    let began = Instant::now();
    let failure = ask(&upstream, "write").await.unwrap_err();
    assert_eq!(status::reason(&failure), Reason::DeadlineExceeded);
    // Its deadline is two seconds after that.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(calls(&good), 0);
    // By then it is out of rotation.
    for n in 1..=10 {
        ask(&upstream, "write").await.unwrap();
        assert_eq!(calls(&good), n);
    }
}

/// Time stands but for what the test lets pass, and the test never waits idly, which would let time go on: however
/// busy the machine is, what the monitors ask is answered in time.
#[tokio::test(start_paused = true)]
async fn a_replica_that_is_slow_with_one_call_is_waited_for() {
    let (one, two) = (bind().await, bind().await);
    let metrics = Metrics::new();
    let upstream = upstream(&[address(&one), address(&two)], &metrics);
    let ((slow, _stop), (other, _stop_too)) = (serve(one), serve(two));
    let waiting = tokio::spawn(async move { call(&upstream, "slow", true).await });
    while calls(&slow) == 0 {
        yield_now().await;
    }
    for _ in 0..HEDGE_DELAY.as_millis() * 4 {
        advance(Duration::from_millis(1)).await;
        // What is on its way arrives.
        for _ in 0..20 {
            yield_now().await;
        }
    }
    assert!(!waiting.is_finished());
    slow.release.notify_one();
    while !waiting.is_finished() {
        yield_now().await;
    }
    waiting.await.unwrap().unwrap();
    assert_eq!((calls(&slow), calls(&other)), (1, 0));
    assert!(!metrics.encode().unwrap().contains("hedged"));
}

#[tokio::test]
async fn what_changes_nothing_is_tried_once_elsewhere_when_its_replica_fails() {
    for (safe, expected) in [(true, [1, 1]), (false, [1, 0])] {
        let (one, two) = (bind().await, bind().await);
        let upstream = upstream(&[address(&one), address(&two)], &Metrics::new());
        let ((first, _stop), (second, _stop_too)) = (serve(one), serve(two));
        let failure = call(&upstream, "fail", safe).await.unwrap_err();
        assert_eq!(status::reason(&failure), Reason::Unavailable);
        assert_eq!([calls(&first), calls(&second)], expected);
    }
}

#[tokio::test]
async fn a_deadline_that_passes_is_that_whoever_notices() {
    let listener = bind().await;
    let upstream = upstream(&[address(&listener)], &Metrics::new());
    let (_service, _stop) = serve(listener);
    for time in [Duration::from_millis(1), Duration::from_millis(50)] {
        let ends = tokio::time::Instant::now() + time;
        let call = upstream.call_with(CallOptions { ends, safe: true }, |upstream| {
            let request = tonic_health::pb::HealthCheckRequest { service: "slow".to_owned() };
            let mut request = tonic::Request::new(request);
            // tonic's own timers, here and at the service, are earlier than ours.
            request.set_timeout(time / 2);
            async move { tonic_health::pb::health_client::HealthClient::new(upstream).check(request).await }
        });
        assert_eq!(status::reason(&call.await.unwrap_err()), Reason::DeadlineExceeded, "{time:?}");
    }
}
