//! One of several replicas is paused, cut off, restarted or killed, as processes: those that go on serve.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Answer, Api, Cluster, Process, Way};

/// Until a fault must have been noticed.
const NOTICED: Duration = Duration::from_secs(1);
/// How long each fault is watched.
const WATCHED: Duration = Duration::from_secs(4);
/// The most that nearly all requests take after that.
const PROMPT: Duration = Duration::from_secs(1);

/// The most that any takes.
const LONGEST: Duration = Duration::from_secs(8);

const CALLERS: usize = 8;

/// What the callers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Read,
    Write,
    ConsoleRead,
    ConsoleWrite,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Read, Kind::Write, Kind::ConsoleRead, Kind::ConsoleWrite];

    async fn call(self, api: &Api, key: &str) -> Answer {
        match self {
            Kind::Read => api.get_contact("crm-1").await,
            Kind::Write => api.create_contact(json!({"email": "ada@example.com"})).await,
            Kind::ConsoleRead => api.get_key(key).await,
            Kind::ConsoleWrite => api.update_key(key, json!({"description": "changed"})).await,
        }
    }

    fn is_read(self) -> bool {
        matches!(self, Kind::Read | Kind::ConsoleRead)
    }
}

struct Call {
    kind: Kind,
    began: Instant,
    took: Duration,
    status: u16,
    code: String,
}

/// Callers of all kinds, each on a connection of its own, each with its next call when the last is answered.
struct Load {
    callers: JoinSet<Vec<Call>>,
    done: Arc<AtomicBool>,
}

impl Load {
    fn start(api: &Api, key: &str) -> Load {
        let done = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for kind in (0..CALLERS).map(|caller| Kind::ALL[caller % Kind::ALL.len()]) {
            let (api, key, done) = (api.on_its_own_connection(), key.to_owned(), done.clone());
            callers.spawn(async move {
                let mut calls = Vec::new();
                while !done.load(Ordering::SeqCst) {
                    let began = Instant::now();
                    let answer = kind.call(&api, &key).await;
                    let code = answer.body["error"]["code"].as_str().unwrap_or_default().to_owned();
                    calls.push(Call { kind, began, took: began.elapsed(), status: answer.status, code });
                }
                calls
            });
        }
        Load { callers, done }
    }

    async fn stop(self) -> Vec<Call> {
        self.done.store(true, Ordering::SeqCst);
        self.callers.join_all().await.into_iter().flatten().collect()
    }
}

/// Puts a load on while `fault` holds. From then on, reads are always answered, writes too once the fault is
/// noticed, and nearly all within a second. Until it is, a write may meet it, and is told the truth.
async fn survives(api: &Api, key: &str, what: &str, may_say: &[(u16, &str)], fault: impl AsyncFnOnce()) {
    let load = Load::start(api, key);
    fault().await;
    let began = Instant::now();
    tokio::time::sleep(WATCHED).await;
    let calls = load.stop().await;

    let mut outcomes: BTreeMap<(Kind, u16, &str), usize> = BTreeMap::new();
    for call in &calls {
        *outcomes.entry((call.kind, call.status, &call.code)).or_default() += 1;
    }
    eprintln!("{what}: {outcomes:?}");
    for call in &calls {
        let refused = !matches!(call.status, 200 | 201);
        let noticed = call.began >= began + NOTICED;
        assert!(!(refused && call.kind.is_read()), "{what}: {:?} {} {}", call.kind, call.status, call.code);
        assert!(!(refused && noticed), "{what}: {:?} {} {} once noticed", call.kind, call.status, call.code);
        assert!(!refused || may_say.contains(&(call.status, &*call.code)), "{what}: {}", call.status);
    }
    // A change of a key waits for a replica of auth-svc that is paused until that is forgotten, as it must.
    let prompt = calls.iter().filter(|call| call.kind != Kind::ConsoleWrite);
    let after = prompt.filter(|call| call.began >= began + NOTICED);
    let times: Vec<Duration> = after.map(|call| call.took).collect();
    assert!(times.len() >= 50, "{what}: too few calls, {}", times.len());
    let late = times.iter().filter(|took| **took >= PROMPT).count();
    // One in a hundred, and of each caller the one that a pause of the machine has met.
    assert!(late <= times.len() / 100 + CALLERS, "{what}: {late} of {} are late", times.len());
    let longest = calls.iter().map(|call| call.took).max().unwrap_or_default();
    assert!(longest < LONGEST, "{what}: {longest:?}");
}

/// Waits until all that run are in rotation; extraction-svc does not run here.
async fn all_are_back(cluster: &Cluster) {
    let is_out = |line: &str| {
        let of_replica = line.starts_with("upstream_replica_ejected") && !line.contains("extraction");
        of_replica && line.ends_with(" 1")
    };
    for _ in 0..200 {
        if !cluster.edge_metrics(0).await.lines().any(is_out) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not all are back:\n{}", cluster.edge_metrics(0).await);
}

/// A client whose key meets no limit, and the id of that key.
async fn unlimited(api: &Api) -> (Api, String) {
    let key = json!({
        "name": "Load",
        "permissions": ["contacts:create", "contacts:read"],
        "rateLimits": {"perMinute": 1_000_000, "perHour": 1_000_000},
    });
    let key = api.new_key_with(key).await;
    (api.with_key(&key), key.id)
}

fn pause(process: &Option<Process>) {
    process.as_ref().unwrap().signal(Signal::STOP);
}

fn resume(process: &Option<Process>) {
    process.as_ref().unwrap().signal(Signal::CONT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_serve_while_one_does_not() {
    let mut cluster = Cluster::start_with(2, 2, 2, 1).await;
    let (api, key) = unlimited(&cluster.apis[0]).await;
    api.new_contact("crm-1").await;

    // What was sent to a paused replica may yet be done.
    let unknown = [(504, "deadline_exceeded")];
    survives(&api, &key, "contacts-svc paused", &unknown, async || pause(&cluster.contacts[0])).await;
    resume(&cluster.contacts[0]);
    all_are_back(&cluster).await;
    survives(&api, &key, "auth-svc paused", &unknown, async || pause(&cluster.auth[1])).await;
    resume(&cluster.auth[1]);
    all_are_back(&cluster).await;

    // Without its database a service says that it cannot serve.
    let away = [(503, "unavailable"), (503, "authorization_unavailable")];
    let cut = async || cluster.contacts_ways[0].set(Way::Cut);
    survives(&api, &key, "contacts-svc cut from its database", &away, cut).await;
    says(&cluster, "reason=\"not_serving\"").await;
    cluster.contacts_ways[0].set(Way::Open);
    all_are_back(&cluster).await;
    // It starts while nobody gives it the public keys, and cannot check who calls.
    cluster.contacts[1].take().unwrap().terminate().await;
    cluster.auth[0].take().unwrap().terminate().await;
    cluster.start_contacts(1).await;
    survives(&api, &key, "contacts-svc started without auth-svc", &away, async || {}).await;
}

/// What the edge says of its replicas by now holds this line.
async fn says(cluster: &Cluster, line: &str) {
    for _ in 0..200 {
        if cluster.edge_metrics(0).await.contains(line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{line} is not in\n{}", cluster.edge_metrics(0).await);
}

/// Waits until requests are in flight at the edge, and always the same number.
async fn only_stuck_calls_are_left(cluster: &Cluster) {
    let mut seen = Vec::new();
    for _ in 0..200 {
        let metrics = cluster.edge_metrics(0).await;
        let line = metrics.lines().find_map(|line| line.strip_prefix("http_server_active_requests "));
        seen.push(line.unwrap().parse::<usize>().unwrap());
        if seen.len() >= 10 && seen[seen.len() - 10..].iter().all(|n| *n > 0 && Some(n) == seen.last()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no calls are stuck: {seen:?}");
}

/// The replica that is killed waits for its database, so that the calls to it are in flight.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_a_crash_cuts_off_may_have_been_processed() {
    let mut cluster = Cluster::start_with(1, 1, 2, 1).await;
    let api = cluster.apis[0].clone();
    api.new_contact("crm-1").await;
    cluster.contacts_ways[0].set(Way::Stalled);
    let mut calls = JoinSet::new();
    for n in 0..16 {
        let api = api.on_its_own_connection();
        let kind = if n < 8 { Kind::Write } else { Kind::Read };
        calls.spawn(async move { (kind, kind.call(&api, "").await) });
        if n == 7 {
            only_stuck_calls_are_left(&cluster).await;
        }
    }
    cluster.contacts[0].take().unwrap().kill().await;
    let answers = calls.join_all().await;
    let mut cut_off = 0;
    for (kind, answer) in &answers {
        match (kind, answer.status) {
            (_, 200 | 201) => {}
            (Kind::Write, 502) => {
                answer.refusal(502, "bad_gateway");
                cut_off += 1;
            }
            // It waited for a connection to the database until the service gave up.
            (Kind::Write, 503) => {
                answer.refusal(503, "unavailable");
            }
            (kind, status) => panic!("{kind:?}: {status} {}", answer.body),
        }
    }
    assert!(cut_off > 0, "no call was in flight");

    // Where nobody is, nothing is processed.
    cluster.contacts[1].take().unwrap().kill().await;
    api.create_contact(json!({"email": "ada@example.com"})).await.refusal(503, "unavailable");
    api.get_contact("crm-1").await.refusal(503, "unavailable");
}
