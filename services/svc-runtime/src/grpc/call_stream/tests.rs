//! Calls by the stream over real connections: each as if it were made alone.

mod service;

use std::num::NonZero;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use svc_core::error::Reason;

use super::*;
use crate::cores::{Cores, Place};
use crate::grpc::status;
use crate::telemetry::Metrics;
use service::{Asked, Cable, Credential, Replica, upstream, upstream_of};

/// What the metrics of the caller say.
fn count(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.encode().unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{upstream=\"test\"}}")));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn many_calls_share_a_stream_and_are_answered_in_any_order() {
    let (replica, metrics) = (Replica::start().await, Metrics::new());
    let upstream = upstream(&[replica.address()], &metrics);
    let slow = tokio::spawn(Asked::of("slow").call(upstream.clone()));
    replica.things.entered.notified().await;
    let names: Vec<String> = (0..1_000).map(|n| format!("c{n}")).collect();
    let answers = join_all(names.iter().map(|name| Asked::of(name).call(upstream.clone()))).await;
    for (name, answer) in names.iter().zip(answers) {
        assert_eq!(answer.unwrap().name(), *name);
    }
    assert!(!slow.is_finished());
    replica.things.release.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().name(), "slow");
    assert_eq!(count(&metrics, "upstream_call_streams"), 1);
    assert_eq!(replica.plain(), 0, "nothing went another way");
    assert_eq!(replica.things.calls.load(Ordering::SeqCst), 1_001);
}

#[tokio::test]
async fn a_call_brings_its_principal_its_origin_and_metadata_and_takes_metadata_home() {
    let replica = Replica::start().await;
    let answer = Asked::of("echo").call(upstream(&[replica.address()], &Metrics::new())).await.unwrap();
    assert_eq!(answer.name(), "agent 65f0 of 192.0.2.7 in r-1 with said");
    assert_eq!(answer.metadata["x-heard"], "yes");
}

#[tokio::test]
async fn each_core_has_a_stream_and_lends_it_to_one_whose_connection_leads_nowhere() {
    let (replica, metrics) = (Replica::start().await, Metrics::new());
    let cable = Cable::to(replica.port()).await;
    let cores = Cores::start(NonZero::new(2).unwrap()).unwrap();
    let upstream = upstream_of(&cores, &[cable.address()], &metrics);
    let places = [cores.place().unwrap(), cores.place().unwrap()];
    let call = async |place: &Place, millis| {
        let asked = Asked::of("quick").within(millis).call(upstream.clone());
        place.runtime().spawn(asked).await.unwrap()
    };
    for place in &places {
        call(place, 10_000).await.unwrap();
    }
    assert_eq!(count(&metrics, "upstream_call_streams"), 2);
    cable.hold_the_first();
    // In time, and long before the connection is known to be dead.
    let all_are_answered = async {
        for place in &places {
            while call(place, 100).await.is_err() {}
        }
    };
    tokio::time::timeout(Duration::from_secs(15), all_are_answered).await.unwrap();
}

#[tokio::test]
async fn each_call_is_guarded_by_itself() {
    let replica = Replica::start().await;
    let upstream = upstream(&[replica.address()], &Metrics::new());
    let asked = || Asked::of("quick");
    let calls = [
        (asked(), None),
        (asked().by(Credential::None), Some(Reason::MissingCredentials)),
        (asked().by(Credential::Forged), Some(Reason::InvalidCredentials)),
        (asked().by(Credential::Without), Some(Reason::PermissionDenied)),
        (asked().at("65f1"), Some(Reason::AgentMismatch)),
        (asked().rpc("NoSuchThing"), Some(Reason::Unimplemented)),
        (Asked::of("panic"), Some(Reason::Internal)),
        (Asked::of("gone"), Some(Reason::NotFound)),
        (asked(), None),
    ];
    let answers = join_all(calls.into_iter().map(|(asked, expected)| {
        let answer = asked.call(upstream.clone());
        async move { (answer.await.err().map(|status| status::reason(&status)), expected) }
    }));
    for (at, (answer, expected)) in answers.await.into_iter().enumerate() {
        assert_eq!(answer, expected, "{at}");
    }
    assert_eq!(replica.plain(), 0);
}

#[tokio::test]
async fn a_replica_without_a_stream_is_called_by_plain_grpc() {
    for replica in [Replica::older().await, Replica::without_credential().await] {
        let metrics = Metrics::new();
        let upstream = upstream(&[replica.address()], &metrics);
        for name in ["a", "b"] {
            assert_eq!(Asked::of(name).call(upstream.clone()).await.unwrap().name(), name);
        }
        assert_eq!(count(&metrics, "upstream_call_streams_refused_total"), 1, "it is asked once");
        assert_eq!(count(&metrics, "upstream_call_streams"), 0);
    }
}

#[tokio::test]
async fn what_is_long_goes_another_way_or_in_pieces() {
    let (replica, metrics) = (Replica::start().await, Metrics::new());
    let upstream = upstream(&[replica.address()], &metrics);
    // As long as may travel with others, and one byte more.
    for (length, plain) in [(MAX_PIECE, 0), (MAX_PIECE + 1, 1)] {
        let before = replica.plain();
        let answer = Asked::of("quick").padded_to(length).call(upstream.clone()).await.unwrap();
        assert_eq!((answer.name(), replica.plain() - before), ("quick".to_owned(), plain));
    }
    let answer = Asked::of("long").call(upstream).await.unwrap();
    assert_eq!(answer.contact.name.unwrap().len(), service::LONG);
    assert_eq!(replica.plain(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_ends_the_work_for_it() {
    let replica = Replica::start().await;
    let upstream = upstream(&[replica.address()], &Metrics::new());
    let slow = tokio::spawn(Asked::of("slow").call(upstream.clone()));
    replica.things.entered.notified().await;
    slow.abort();
    replica.things.left.notified().await;
    // The stream is there for others.
    Asked::of("quick").call(upstream).await.unwrap();
    assert_eq!(replica.plain(), 0);
}

#[tokio::test]
async fn a_deadline_is_kept_by_the_service() {
    let replica = Replica::start().await;
    let upstream = upstream(&[replica.address()], &Metrics::new());
    // One whose time is over before it is sent, as on a busy machine, reaches nobody.
    while replica.things.calls.load(Ordering::SeqCst) == 0 {
        let late = Asked::of("slow").within(50).call(upstream.clone()).await.unwrap_err();
        assert_eq!(status::reason(&late), Reason::DeadlineExceeded);
    }
    replica.things.left.notified().await;
}

#[tokio::test]
async fn so_many_calls_wait_and_more_are_refused_at_once() {
    let replica = Replica::start().await;
    let upstream = upstream(&[replica.address()], &Metrics::new());
    let calls = (0..3_000).map(|_| Asked::of("slow").within(500).call(upstream.clone()));
    let mut overloaded = 0;
    for answer in join_all(calls).await {
        match status::reason(&answer.unwrap_err()) {
            Reason::Overloaded => overloaded += 1,
            reason => assert_eq!(reason, Reason::DeadlineExceeded),
        }
    }
    assert!((1..2_000).contains(&overloaded), "{overloaded}");
    Asked::of("quick").call(upstream).await.unwrap();
}

#[tokio::test]
async fn a_service_that_stops_answers_what_it_has_taken_and_others_take_the_rest() {
    let (one, two) = (Replica::start().await, Replica::start().await);
    let upstream = upstream(&[one.address(), two.address()], &Metrics::new());
    let slow: Vec<_> = (0..2).map(|_| tokio::spawn(Asked::of("slow").call(upstream.clone()))).collect();
    // One each.
    one.things.entered.notified().await;
    two.things.entered.notified().await;
    one.stop.cancel();
    for n in 0..100 {
        let name = format!("c{n}");
        assert_eq!(Asked::of(&name).call(upstream.clone()).await.unwrap().name(), name);
    }
    assert!(slow.iter().all(|slow| !slow.is_finished()));
    one.things.release.notify_one();
    two.things.release.notify_one();
    for slow in slow {
        slow.await.unwrap().unwrap();
    }
    one.stopped().await;
}

#[tokio::test]
async fn what_was_sent_when_the_stream_breaks_may_have_happened() {
    let replica = Replica::start().await;
    let cable = Cable::to(replica.port()).await;
    let upstream = upstream(&[cable.address()], &Metrics::new());
    let slow = tokio::spawn(Asked::of("slow").call(upstream.clone()));
    replica.things.entered.notified().await;
    cable.cut();
    let lost = slow.await.unwrap().unwrap_err();
    assert_eq!(status::reason(&lost), Reason::BadGateway, "{lost:?}");
    replica.things.left.notified().await;
    // The next call opens another stream.
    Asked::of("quick").call(upstream).await.unwrap();
    assert_eq!(replica.things.calls.load(Ordering::SeqCst), 2, "and the lost one was not made again");
}

#[tokio::test]
async fn what_changes_nothing_is_made_elsewhere_when_the_stream_breaks() {
    let (one, two) = (Replica::start().await, Replica::start().await);
    let (first, second) = (Cable::to(one.port()).await, Cable::to(two.port()).await);
    let upstream = upstream(&[first.address(), second.address()], &Metrics::new());
    let slow = tokio::spawn(Asked::of("slow").safe().call(upstream.clone()));
    let (cut, other) = tokio::select! {
        () = one.things.entered.notified() => (first, two),
        () = two.things.entered.notified() => (second, one),
    };
    cut.cut();
    other.things.entered.notified().await;
    other.things.release.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().name(), "slow");
}

#[tokio::test]
async fn nobody_there_is_told_at_once_and_the_others_are_called() {
    let (replica, nobody) = (Replica::start().await, Replica::start().await);
    let gone = nobody.address();
    nobody.stop.cancel();
    nobody.stopped().await;
    let alone =
        Asked::of("quick").call(upstream(std::slice::from_ref(&gone), &Metrics::new())).await.unwrap_err();
    assert_eq!(status::reason(&alone), Reason::Unavailable, "{alone:?}");
    let both = upstream(&[gone, replica.address()], &Metrics::new());
    for _ in 0..20 {
        Asked::of("quick").call(both.clone()).await.unwrap();
    }
}
