//! Whole replicas in one process, by the calls that members and the edge make.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyward_proto::auth::v1 as pb;
use svc_core::error::{Error, Reason};
use svc_core::testing::Home;

use crate::domain::{Key, KeyDraft, Role};
use crate::management::Actor;
use crate::revocation::{LEASE, Revocation};
use crate::setup::{self, SetupRequest, SetupResult};
use crate::store::{Ledger, Touched};
use crate::{AuthService, Config};
use svc_core::db::AnyDb;
use svc_core::secret::Secret;

/// Two replicas over one database.
struct Fixture {
    home: Home,
    first: SetupResult,
    one: AuthService,
    two: AuthService,
}

impl Fixture {
    async fn new() -> Fixture {
        let home = Home::postgres().await;
        let one = open(&home).await;
        let request = SetupRequest {
            organization: "Example".to_owned(),
            email: "owner@example.com".to_owned(),
            agent: "Support".to_owned(),
        };
        let first = setup::run(&one, &request).await.unwrap();
        let two = open(&home).await;
        Fixture { home, first, one, two }
    }

    fn actor(&self) -> Actor {
        Actor {
            organization_id: self.first.organization_id.clone(),
            member_id: self.first.member_id.clone(),
            role: Role::Owner,
        }
    }

    async fn new_key(&self) -> (Key, Secret) {
        let draft = KeyDraft {
            name: Some("A key".to_owned()),
            permissions: vec!["contacts:read".to_owned()],
            ..KeyDraft::default()
        };
        let agent = self.first.agent_id.clone();
        self.one.management.create_key(self.actor(), agent, draft).await.unwrap()
    }

    async fn delete(&self, by: &AuthService, key: &Key) -> Result<(), Error> {
        let agent = self.first.agent_id.clone();
        by.management.clone().delete_key(self.actor(), agent, key.id.clone(), None).await
    }
}

async fn open(home: &Home) -> AuthService {
    // What is refused here is refused on purpose.
    let config = Config { failures_per_minute: 1_000_000, ..Config::default() };
    AuthService::open(&config, &home.environment).await.unwrap()
}

/// `ok`, the code of a refusal or of the error.
async fn decide(service: &AuthService, key: &Key, secret: &Secret) -> String {
    let credential =
        pb::ApiKeyCredential { api_key: key.api_key.clone(), secret: secret.expose().to_owned() };
    let request = pb::AuthorizeRequest {
        credential: Some(pb::authorize_request::Credential::ApiKey(credential)),
        client_address: "192.0.2.1".to_owned(),
        permissions: vec!["contacts:read".to_owned()],
        ..pb::AuthorizeRequest::default()
    };
    match service.management.checker.authorize(request).await.map(|answer| answer.decision.unwrap()) {
        Ok(pb::authorize_response::Decision::Principal(_)) => "ok".to_owned(),
        Ok(pb::authorize_response::Decision::Refusal(refusal)) => refusal.code,
        Err(error) => error.reason.code().to_owned(),
    }
}

/// Lets a request through that must be. On a busy machine a lease may run out for a moment.
async fn let_through(service: &AuthService, key: &Key, secret: &Secret) {
    loop {
        match decide(service, key, secret).await.as_str() {
            "ok" => return,
            "authorization_unavailable" => tokio::time::sleep(Duration::from_millis(10)).await,
            other => panic!("{other}"),
        }
    }
}

/// Stops a replica as SIGSTOP does: it polls no more, and its row stays.
fn pause(service: &AuthService) {
    let Revocation::Replicas(replicas) = &*service.management.revocation else { unreachable!() };
    replicas.pause();
}

fn ledger(service: &AuthService) -> Ledger {
    let AnyDb::Postgres(db) = &service.db else { unreachable!() };
    Ledger::new(db.clone())
}

#[tokio::test]
async fn a_key_deleted_through_one_replica_is_refused_by_every_other() {
    let f = Arc::new(Fixture::new().await);
    for _ in 0..10 {
        let (key, secret) = f.new_key().await;
        let_through(&f.two, &key, &secret).await;
        let deleted = Arc::new(AtomicBool::new(false));
        let calls = Arc::new(AtomicU64::new(0));
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (f, key, secret) = (f.clone(), key.clone(), secret.clone());
                let (deleted, calls) = (deleted.clone(), calls.clone());
                tokio::spawn(async move {
                    loop {
                        let starts_after = deleted.load(Ordering::SeqCst);
                        let answer = decide(&f.two, &key, &secret).await;
                        calls.fetch_add(1, Ordering::SeqCst);
                        assert!(!starts_after || answer != "ok", "let through after the deletion");
                        if starts_after {
                            return;
                        }
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        while calls.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
        f.delete(&f.one, &key).await.unwrap();
        deleted.store(true, Ordering::SeqCst);
        for caller in callers {
            caller.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_paused_replica_answers_unavailable_and_is_not_waited_for_twice() {
    let f = Fixture::new().await;
    let (key, secret) = f.new_key().await;
    let (other, _) = f.new_key().await;
    let_through(&f.two, &key, &secret).await;
    pause(&f.two);

    let began = Instant::now();
    f.delete(&f.one, &key).await.unwrap();
    assert!(began.elapsed() >= LEASE, "it lives for all that the change can know");
    assert_eq!(decide(&f.two, &key, &secret).await, "authorization_unavailable");
    assert_ne!(decide(&f.one, &key, &secret).await, "ok");

    let ledger = ledger(&f.one);
    while ledger.replicas().await.unwrap().1.len() > 1 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    f.delete(&f.one, &other).await.unwrap();
    assert!(began.elapsed() < LEASE, "the dead row is gone");
}

#[tokio::test]
async fn a_replica_taken_for_dead_joins_again_with_an_empty_cache() {
    let f = Fixture::new().await;
    let (key, secret) = f.new_key().await;
    let_through(&f.two, &key, &secret).await;
    let ledger = ledger(&f.one);
    let before = ledger.replicas().await.unwrap().1;
    for replica in &before {
        ledger.leave(&replica.incarnation).await.unwrap();
    }
    loop {
        let (n, now) = ledger.replicas().await.unwrap();
        if now.len() == 2 && now.iter().all(|replica| replica.seen == n) {
            assert!(now.iter().all(|r| before.iter().all(|b| b.incarnation != r.incarnation)));
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(f.two.management.checker.cache.known(&key.api_key).is_none());
    let_through(&f.two, &key, &secret).await;
}

#[tokio::test]
async fn a_retried_delete_answers_no_sooner_than_the_first() {
    let f = Fixture::new().await;
    let (key, _) = f.new_key().await;
    let ledger = ledger(&f.one);
    // A third replica that the test moves.
    let mut line = ledger.line().await.unwrap();
    line.join("third").await.unwrap();
    let before = ledger.revision().await.unwrap();
    line.poll("third", Some(&before)).await.unwrap();

    let acknowledges = AtomicBool::new(false);
    let first = async {
        f.delete(&f.one, &key).await.unwrap();
        assert!(acknowledges.load(Ordering::SeqCst));
    };
    let retried = async {
        while ledger.revision().await.unwrap() == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(f.delete(&f.two, &key).await.unwrap_err().reason, Reason::NotFound);
        assert!(acknowledges.load(Ordering::SeqCst));
    };
    let third = async {
        let mut polled = line.poll("third", Some(&before)).await.unwrap();
        while polled.revision == before {
            polled = line.poll("third", Some(&before)).await.unwrap();
        }
        assert_eq!(polled.touched, Touched::key(&key.api_key));
        acknowledges.store(true, Ordering::SeqCst);
        line.poll("third", Some(&polled.revision)).await.unwrap();
    };
    tokio::join!(first, retried, third);
}

#[tokio::test]
async fn a_graceful_stop_leaves_no_row_and_answers_nobody() {
    let f = Fixture::new().await;
    let (key, secret) = f.new_key().await;
    let_through(&f.two, &key, &secret).await;
    f.two.management.revocation.stop().await;
    assert_eq!(ledger(&f.one).replicas().await.unwrap().1.len(), 1);
    assert_eq!(decide(&f.two, &key, &secret).await, "authorization_unavailable");
    f.two.close().await;
    f.delete(&f.one, &key).await.unwrap();
    let three = open(&f.home).await;
    assert_ne!(decide(&three, &key, &secret).await, "ok");
    three.close().await;
    f.one.close().await;
}
