//! The signing key of principal tokens is rotated while requests come, or is made up: none fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use keyward_proto::contacts::v1::ListContactsRequest;
use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use parking_lot::Mutex;
use svc_core::secret::Secret;
use svc_runtime::grpc::Upstream;
use svc_runtime::telemetry::Metrics;
use svc_runtime::token::{JWKS_PATH, JwkSet, TokenSigner};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{Api, CONTACTS, Engine, Stack, Topology};

const CLIENTS: usize = 4;
/// How many requests are made between two steps.
const BETWEEN: usize = 60;

/// How long a client may take for a turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clients that make requests of every kind until they are told to stop, in turn to each edge that there
/// is. Any failure is theirs.
struct Traffic {
    edges: Arc<Mutex<Vec<Arc<Api>>>>,
    made: Arc<AtomicUsize>,
    one_more: Arc<Notify>,
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

/// Tells of a client whose request failed.
struct Witness {
    failed: Arc<AtomicBool>,
    one_more: Arc<Notify>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failed.store(true, Ordering::SeqCst);
            self.one_more.notify_one();
        }
    }
}

impl Traffic {
    fn start(api: &Api) -> Traffic {
        let edges = Arc::new(Mutex::new(vec![Arc::new(api.clone())]));
        let (made, one_more, stop) = <(Arc<AtomicUsize>, Arc<Notify>, Arc<AtomicBool>)>::default();
        let failed = Arc::new(AtomicBool::new(false));
        let client = |number: usize| {
            let witness = Witness { failed: failed.clone(), one_more: one_more.clone() };
            let edges = edges.clone();
            let (made, one_more, stop) = (made.clone(), one_more.clone(), stop.clone());
            tokio::spawn(async move {
                let _witness = witness;
                for turn in 0.. {
                    let api = {
                        let edges = edges.lock();
                        edges[turn % edges.len()].clone()
                    };
                    api.list_contacts("").await.success(200, "Contacts retrieved.");
                    api.new_contact(&format!("{number}-{turn}")).await;
                    api.list_keys("").await.success(200, "API keys retrieved successfully.");
                    drop(api);
                    made.fetch_add(3, Ordering::SeqCst);
                    one_more.notify_one();
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                }
            })
        };
        let clients = (0..CLIENTS).map(client).collect();
        Traffic { edges, made, one_more, stop, failed, clients }
    }

    /// Waits for some more requests.
    async fn go_on(&self) {
        let enough = self.made.load(Ordering::SeqCst) + BETWEEN;
        while self.made.load(Ordering::SeqCst) < enough {
            self.a_turn().await;
        }
    }

    /// Calls this edge, too.
    fn add(&self, edge: Api) {
        self.edges.lock().push(Arc::new(edge));
    }

    /// Calls the oldest edge no more.
    async fn leave_oldest(&self) {
        let edge = self.edges.lock().remove(0);
        while Arc::strong_count(&edge) > 1 {
            self.a_turn().await;
        }
    }

    async fn a_turn(&self) {
        let one_more = tokio::time::timeout(PATIENCE, self.one_more.notified()).await;
        assert!(!self.failed.load(Ordering::SeqCst), "a request failed");
        one_more.expect("no request ends");
    }

    async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

async fn shown(stack: &Stack) -> Vec<String> {
    let url = format!("http://{}{JWKS_PATH}", stack.jwks_from());
    let set: JwkSet = reqwest::get(url).await.unwrap().json().await.unwrap();
    set.keys.into_iter().map(|key| key.kid).collect()
}

fn kid(key: &Secret) -> String {
    TokenSigner::new(key).unwrap().public().kid.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_traffic_fails_no_request() {
    let mut stack = Stack::start_replaceable().await;
    let old = stack.signing_key();
    let [new, newest] = [(); 2].map(|()| TokenSigner::generate().unwrap());
    assert_eq!(shown(&stack).await, [kid(&old)]);
    let traffic = Traffic::start(&stack);
    traffic.go_on().await;
    for (current, previous) in [
        // As docs/operations.md says: shown first, then used, then the old one is dropped.
        (&old, Some(&new)),
        (&new, Some(&old)),
        (&new, None),
        // In one step, so that services meet a key that they have never seen.
        (&newest, Some(&new)),
    ] {
        let api = stack.add_auth(current, previous).await;
        // For a while old and new replicas sign, as in a rolling restart.
        traffic.add(api);
        let expected: Vec<String> = [Some(current), previous].into_iter().flatten().map(kid).collect();
        assert_eq!(shown(&stack).await, expected);
        traffic.go_on().await;
        traffic.leave_oldest().await;
        stack.retire_auth().await;
    }
    traffic.end().await;
}

/// How many calls with made-up keys are under way at once, each on one of so many connections.
const MADE_UP: usize = 1_200;
const CONNECTIONS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn calls_with_made_up_keys_take_nobody_s_place() {
    let stack = Stack::start(Engine::Sqlite, Topology::SeparateServices).await;
    stack.list_contacts("").await.success(200, "Contacts retrieved.");
    let connections: Vec<Upstream> = (0..CONNECTIONS)
        .map(|_| Upstream::connect("contacts", &[stack.grpc(CONTACTS)], &Metrics::new()).unwrap())
        .collect();
    let mut calls = JoinSet::new();
    for number in 0..MADE_UP {
        let mut contacts = ContactServiceClient::new(connections[number % CONNECTIONS].clone());
        let tokens = [(); 2].map(|()| stack.forged_token("contacts"));
        calls.spawn(async move {
            for token in tokens {
                let mut request = Request::new(ListContactsRequest::default());
                request.metadata_mut().insert("x-keyward-principal", token.parse().unwrap());
                let refused = contacts.list_contacts(request).await.unwrap_err();
                assert!(matches!(refused.code(), Code::Unauthenticated | Code::Unavailable), "{refused}");
            }
        });
    }
    let mut good = 0;
    while !calls.is_empty() || good < BETWEEN {
        stack.list_contacts("").await.success(200, "Contacts retrieved.");
        good += 1;
        while let Some(call) = calls.try_join_next() {
            call.unwrap();
        }
    }
}

#[tokio::test]
async fn a_service_says_that_it_knows_no_keys_and_outlasts_auth_svc_with_those_it_knows() {
    let mut stack = Stack::start_replaceable().await;
    stack.hide_auth_admin(true);
    let (admin, address) = stack.add(CONTACTS).await;
    let readyz = async || {
        let answer = reqwest::get(format!("http://{admin}/readyz")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, why) = readyz().await;
    assert!(status == 503 && why.contains("contacts/signing-keys: no auth-svc has shown"), "{status} {why}");
    let added = Upstream::connect("contacts", &[address], &Metrics::new()).unwrap();
    let mut states = HealthClient::new(added.clone()).watch(HealthCheckRequest::default()).await.unwrap();
    let mut next = async || states.get_mut().message().await.unwrap().unwrap().status();
    assert_eq!(next().await, ServingStatus::NotServing);
    // The one that has asked before goes on, also with what was signed since.
    stack.advance(Duration::from_secs(45 * 60));
    let key = stack.new_key(&["contacts:read"]).await;
    stack.with_key(&key).list_contacts("").await.success(200, "Contacts retrieved.");

    stack.hide_auth_admin(false);
    assert_eq!(next().await, ServingStatus::Serving);
    assert_eq!(readyz().await, (200, "ready\n".to_owned()));
    let mut list = Request::new(ListContactsRequest::default());
    let token = crate::grpc::token(&stack, "contacts").await;
    list.metadata_mut().insert("x-keyward-principal", token.parse().unwrap());
    ContactServiceClient::new(added).list_contacts(list).await.unwrap();
}
