use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, advance, sleep};

use super::monitor::{PROBE_EVERY, PROBE_TIMEOUT, SUSPECT_AFTER, TICK};
use super::*;

fn balancer(replicas: usize) -> Arc<Balancer> {
    let addresses = (0..replicas).map(|n| format!("replica-{n}")).collect();
    Arc::new(Balancer::new("test", addresses, &Metrics::new()))
}

fn picks(balancer: &Balancer, count: usize) -> Vec<usize> {
    (0..count).map(|_| balancer.pick()).collect()
}

fn is_out(balancer: &Balancer, replica: usize) -> bool {
    balancer.replicas[replica].ejection().is_some()
}

/// What a replica answers when it is asked for its health. `None`: nothing.
type Says = Arc<Mutex<Option<Health>>>;

/// Watches the replica at position 0.
fn watched(balancer: &Arc<Balancer>, says: Option<Health>) -> Says {
    let says = Arc::new(Mutex::new(says));
    let asked = says.clone();
    let probe = move || {
        let says = *asked.lock();
        async move {
            match says {
                Some(health) => health,
                None => std::future::pending().await,
            }
        }
    };
    tokio::spawn(watch(balancer.clone(), 0, probe));
    says
}

/// How long it takes until the replica at position 0 is out, or is back.
async fn until(balancer: &Balancer, out: bool) -> Duration {
    let began = Instant::now();
    while is_out(balancer, 0) != out {
        assert!(began.elapsed() < Duration::from_secs(120), "it never is");
        sleep(Duration::from_millis(1)).await;
    }
    began.elapsed()
}

#[test]
fn all_in_rotation_take_turns() {
    let balancer = balancer(3);
    assert_eq!(picks(&balancer, 6), [0, 1, 2, 0, 1, 2]);
    balancer.eject(1, Ejection::NotServing);
    assert!(picks(&balancer, 6).iter().all(|replica| *replica != 1));
    balancer.readmit(1);
    assert!(picks(&balancer, 6).contains(&1));
}

#[test]
fn who_has_fewer_calls_waiting_goes_first() {
    let balancer = balancer(2);
    let stuck = balancer.begin(0);
    assert_eq!(picks(&balancer, 4), [1; 4]);
    let as_busy = balancer.begin(1);
    assert_eq!(picks(&balancer, 4), [0, 1, 0, 1]);
    drop((stuck, as_busy));
}

#[test]
fn another_one_is_another_one() {
    let three = balancer(3);
    for failed in [0, 1, 2, 2, 2] {
        assert_ne!(three.pick_other_than(failed), Some(failed));
    }
    three.eject(0, Ejection::Unreachable);
    assert!((0..6).all(|_| three.pick_other_than(1) == Some(2)));
    assert_eq!(balancer(1).pick_other_than(0), None);
}

#[test]
fn when_all_are_out_the_least_bad_are_called() {
    let balancer = balancer(3);
    (0..3).for_each(|replica| balancer.eject(replica, Ejection::Silent));
    assert_eq!(picks(&balancer, 6).into_iter().collect::<HashSet<_>>().len(), 3);
    assert!((0..3).all(|_| balancer.pick_other_than(1).is_some_and(|other| other != 1)));
    balancer.eject(2, Ejection::NotServing);
    assert_eq!(picks(&balancer, 3), [2; 3]);
}

#[test]
fn failures_in_a_row_take_a_replica_out() {
    let balancer = balancer(4);
    for _ in 1..FAILURES_IN_A_ROW {
        balancer.begin(0).refused();
    }
    balancer.begin(0).answered();
    balancer.begin(0).lost();
    assert!(!is_out(&balancer, 0));
    (0..FAILURES_IN_A_ROW).for_each(|_| balancer.begin(0).lost());
    assert!(is_out(&balancer, 0));
    // Half of them at the most: what all share is then more likely at fault.
    for replica in [1, 2] {
        (0..FAILURES_IN_A_ROW).for_each(|_| balancer.begin(replica).refused());
    }
    assert!(is_out(&balancer, 1) && !is_out(&balancer, 2));
}

#[test]
fn who_gives_up_says_nothing_of_the_replica() {
    let balancer = balancer(2);
    (0..10).for_each(|_| drop(balancer.begin(0)));
    assert!(!is_out(&balancer, 0));
    assert_eq!(balancer.replicas[0].waiting.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_answers_nothing_is_out_at_once_and_back_when_it_does() {
    let balancer = balancer(2);
    let says = watched(&balancer, Some(Health::Serving));
    // In between two of the questions that it is asked anyway.
    sleep(Duration::from_millis(5_300)).await;
    *says.lock() = None;
    let _waiting = balancer.begin(0);
    let took = until(&balancer, true).await;
    assert!(took >= SUSPECT_AFTER + PROBE_TIMEOUT - TICK, "{took:?}");
    assert!(took <= Duration::from_millis(700), "{took:?}");
    assert!(balancer.is_silent(0));
    sleep(Duration::from_secs(30)).await;
    assert!(is_out(&balancer, 0));
    *says.lock() = Some(Health::Serving);
    let took = until(&balancer, false).await;
    assert!(took <= Duration::from_millis(700), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_nobody_calls_is_watched_too() {
    let balancer = balancer(2);
    watched(&balancer, None);
    let took = until(&balancer, true).await;
    assert!(took <= PROBE_EVERY + PROBE_TIMEOUT + Duration::from_millis(100), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_alone_proves_nothing() {
    let balancer = balancer(2);
    watched(&balancer, Some(Health::Serving));
    let _slow = balancer.begin(0);
    for _ in 0..60_000 {
        advance(Duration::from_millis(1)).await;
        assert!(!is_out(&balancer, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_answers_others_is_not_silent() {
    let balancer = balancer(2);
    watched(&balancer, None);
    let _slow = balancer.begin(0);
    for _ in 0..600 {
        sleep(Duration::from_millis(100)).await;
        balancer.begin(0).answered();
        assert!(!is_out(&balancer, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_says_of_itself_counts() {
    for (bad, why) in
        [(Health::NotServing, Ejection::NotServing), (Health::Unreachable, Ejection::Unreachable)]
    {
        let balancer = balancer(2);
        let says = watched(&balancer, Some(Health::Serving));
        sleep(Duration::from_secs(3)).await;
        *says.lock() = Some(bad);
        let took = until(&balancer, true).await;
        assert!(took <= PROBE_EVERY + Duration::from_millis(100), "{took:?}");
        assert_eq!(balancer.replicas[0].ejection(), Some(why));
        *says.lock() = Some(Health::Serving);
        let took = until(&balancer, false).await;
        assert!(took <= Duration::from_millis(500), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_of_which_most_calls_fail_is_out_for_longer_each_time() {
    let balancer = balancer(2);
    watched(&balancer, Some(Health::Serving));
    let calling = Arc::new(AtomicBool::new(true));
    let (called, goes_on) = (balancer.clone(), calling.clone());
    tokio::spawn(async move {
        while goes_on.load(Ordering::Relaxed) {
            if !is_out(&called, 0) {
                called.begin(0).refused();
                called.begin(0).lost();
                called.begin(0).answered();
            }
            sleep(Duration::from_millis(20)).await;
        }
    });
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        assert!(until(&balancer, true).await <= Duration::from_secs(3));
        let (out, least) = (until(&balancer, false).await, Duration::from_secs(seconds));
        assert!(out >= least - Duration::from_millis(100), "{out:?} after {seconds} s");
        assert!(out <= least + Duration::from_millis(600), "{out:?} after {seconds} s");
    }
    // Well for long, it begins anew.
    calling.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(120)).await;
    (0..FAILURES_IN_A_ROW).for_each(|_| balancer.begin(0).refused());
    assert!(until(&balancer, false).await <= Duration::from_secs(2));
}

#[test]
fn a_scrape_shows_who_is_out_and_why() {
    let metrics = Metrics::new();
    let balancer = Balancer::new("contacts", vec!["a:1".to_owned(), "b:1".to_owned()], &metrics);
    balancer.eject(0, Ejection::Silent);
    assert!(balancer.may_retry(Retry::Hedged));
    while balancer.may_retry(Retry::Failed) {}
    balancer.abandons();
    let text = metrics.encode().unwrap();
    for line in [
        "upstream_replica_ejected{upstream=\"contacts\",replica=\"a:1\"} 1",
        "upstream_replica_ejected{upstream=\"contacts\",replica=\"b:1\"} 0",
        "upstream_ejections_total{upstream=\"contacts\",reason=\"silent\"} 1",
        "upstream_repeats_total{upstream=\"contacts\",reason=\"hedged\"} 1",
        "upstream_repeats_refused_total{upstream=\"contacts\"} 1",
        "upstream_calls_abandoned_total{upstream=\"contacts\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
