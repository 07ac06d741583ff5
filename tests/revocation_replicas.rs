//! The promise of revocation, with real processes: replicas of auth-svc that are stopped, cut off from
//! the database, started and killed while keys are deleted under load. Not one request that begins after
//! its key's DELETE answered is let through.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Api, Cluster, Key, Way};

/// Callers, each on a kept-alive connection of its own.
const CALLERS: usize = 8;
/// Keys that stay.
const GOOD: usize = 3;
/// Keys that are deleted.
const DOOMED: usize = 64;
/// How many keys around the one that is being deleted are called with.
const WINDOW: usize = 4;
/// How long a DELETE may go unanswered before it is sent again through the other edge.
const RETRY: Duration = Duration::from_secs(4);
/// How long after the disturbance all must be well again.
const RECOVERY: Duration = Duration::from_secs(30);

/// One request and what became of it.
struct Call {
    key: usize,
    /// Before its first byte was sent.
    began: Instant,
    ended: Instant,
    status: u16,
}

/// When the DELETE of a key was first sent, and when one was answered.
#[derive(Clone, Copy)]
struct Deleted {
    asked: Instant,
    answered: Instant,
}

/// What the callers share.
struct Load {
    keys: Vec<Key>,
    /// The doomed key that is being deleted.
    at: AtomicUsize,
    done: AtomicBool,
}

impl Load {
    /// The `n`th key to call with: one that stays, or one a little before or after the one being deleted.
    fn key(&self, n: usize) -> usize {
        if n.is_multiple_of(4) {
            return n / 4 % GOOD;
        }
        let around = (self.at.load(Ordering::SeqCst) + n % (2 * WINDOW)).saturating_sub(WINDOW);
        GOOD + around.min(DOOMED - 1)
    }

    /// Calls until it is done.
    async fn run(self: Arc<Load>, api: Api, seed: usize) -> Vec<Call> {
        let mut calls = Vec::new();
        let mut n = seed;
        while !self.done.load(Ordering::SeqCst) {
            // A stride that visits every remainder, and differs from the other callers' by its start.
            n += 7;
            let key = self.key(n);
            let caller = api.with_key(&self.keys[key]);
            let began = Instant::now();
            let status = caller.list_contacts("?limit=1").await.status;
            calls.push(Call { key, began, ended: Instant::now(), status });
        }
        calls
    }
}

/// Deletes keys one after another, through one edge after another.
struct Deleter<'c> {
    load: &'c Load,
    apis: &'c [Api],
    deleted: Vec<Deleted>,
}

impl Deleter<'_> {
    /// Deletes the next keys. Says how long each took.
    async fn delete(&mut self, count: usize, what: &str) {
        let before = self.deleted.len();
        let mut unanswered = 0;
        for _ in 0..count {
            let at = self.deleted.len();
            self.load.at.store(at, Ordering::SeqCst);
            let id = &self.load.keys[GOOD + at].id;
            let asked = Instant::now();
            let mut through = at;
            loop {
                let api = &self.apis[through % self.apis.len()];
                let status = match tokio::time::timeout(RETRY, api.delete_key(id)).await {
                    Ok(answer) => answer.status,
                    Err(_) => 0,
                };
                // An answer that it is gone already holds for it, too.
                if matches!(status, 200 | 404) {
                    break;
                }
                assert!(matches!(status, 0 | 500 | 502 | 503 | 504), "DELETE answered {status}");
                unanswered += 1;
                through += 1;
            }
            self.deleted.push(Deleted { asked, answered: Instant::now() });
        }
        let mut times: Vec<u128> =
            self.deleted[before..].iter().map(|d| (d.answered - d.asked).as_millis()).collect();
        times.sort_unstable();
        let (p50, p99) = (times[times.len() / 2], times[(times.len() * 99).div_ceil(100) - 1]);
        say(&format!("DELETE, {what}: p50 {p50} ms, p99 {p99} ms ({count} keys, {unanswered} sent again)"));
    }
}

/// To stderr itself: the test runner holds back what a test that passes prints with `eprintln!`.
fn say(text: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{text}").unwrap();
}

async fn keys(api: &Api) -> Vec<Key> {
    let mut keys = Vec::new();
    while keys.len() < GOOD + DOOMED {
        let settings = json!({
            "name": format!("Key {}", keys.len()),
            "permissions": ["contacts:read"],
            "rateLimits": {"perMinute": 1_000_000, "perHour": 1_000_000},
        });
        let answer = api.create_key(settings).await;
        // The replica that is not there yet has its turn, too: who changes something is told to try again.
        if answer.status != 503 {
            keys.push(Key::made(answer.ok()));
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_replica_lets_a_deleted_key_through() {
    let mut cluster = Cluster::start(4, 3, 2).await;
    let apis = cluster.apis.clone();
    let load = Load { keys: keys(&apis[0]).await, at: AtomicUsize::new(0), done: AtomicBool::new(false) };
    let load = Arc::new(load);
    let mut callers = JoinSet::new();
    for n in 0..CALLERS {
        let api = apis[n % apis.len()].on_its_own_connection();
        callers.spawn(load.clone().run(api, n));
    }

    let mut deleter = Deleter { load: &load, apis: &apis, deleted: Vec::new() };
    deleter.delete(20, "all replicas well").await;

    // It goes on the moment that the answer is there, with all that it had in memory.
    for _ in 0..3 {
        cluster.signal(1, Signal::STOP);
        deleter.delete(1, "one replica stopped").await;
        cluster.signal(1, Signal::CONT);
        deleter.delete(1, "one replica resumed").await;
    }
    cluster.signal(1, Signal::STOP);
    deleter.delete(6, "one replica stopped for long").await;
    cluster.signal(1, Signal::CONT);
    deleter.delete(4, "one replica resumed").await;

    cluster.ways[2].set(Way::Stalled);
    deleter.delete(2, "one replica parted from the database").await;
    cluster.ways[2].set(Way::Cut);
    deleter.delete(4, "one replica without its connections").await;
    cluster.ways[2].set(Way::Open);
    deleter.delete(2, "all replicas well").await;

    let (started, ()) = tokio::join!(cluster.replica(3), deleter.delete(4, "one replica starting"));
    cluster.auth[3] = Some(started);
    deleter.delete(2, "four replicas well").await;

    cluster.auth[1].take().unwrap().kill().await;
    deleter.delete(6, "one replica killed").await;
    deleter.delete(8, "after it is forgotten").await;

    let deleted = deleter.deleted;
    let disturbed = Instant::now();
    for api in &apis {
        let mut in_a_row = 0;
        while in_a_row < 20 {
            assert!(
                disturbed.elapsed() < RECOVERY,
                "good keys are not let through again:\n{}",
                cluster.logs()
            );
            let status = api.with_key(&load.keys[in_a_row % GOOD]).list_contacts("?limit=1").await.status;
            in_a_row = if status == 200 { in_a_row + 1 } else { 0 };
        }
    }
    load.done.store(true, Ordering::SeqCst);
    let calls: Vec<Call> = callers.join_all().await.into_iter().flatten().collect();
    check(&calls, &deleted);
}

fn check(calls: &[Call], deleted: &[Deleted]) {
    let (mut good, mut refused, mut unavailable) = (0, 0, 0);
    for call in calls {
        let deleted = call.key.checked_sub(GOOD).and_then(|key| deleted.get(key));
        match deleted {
            Some(deleted) if call.began >= deleted.answered => {
                assert!(
                    matches!(call.status, 401 | 429 | 503),
                    "key {} answered {} to a request {:?} after its deletion",
                    call.key,
                    call.status,
                    call.began - deleted.answered
                );
                refused += 1;
            }
            // In between either is right.
            Some(deleted) if call.ended >= deleted.asked => {}
            _ => {
                assert!(matches!(call.status, 200 | 429 | 503), "key {} answered {}", call.key, call.status);
                good += usize::from(call.status == 200);
                unavailable += usize::from(call.status != 200);
            }
        }
    }
    say(&format!(
        "{} requests: {good} of live keys let through, {unavailable} not; {refused} of deleted keys refused",
        calls.len()
    ));
    assert!(good > 500 && refused > 500, "too little load: {good} and {refused}");
}
