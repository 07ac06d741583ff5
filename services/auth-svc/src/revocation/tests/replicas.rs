//! Whole replicas in one process, by the calls that members and the edge make.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use svc_runtime::service::Service;

use svc_core::error::Error;
use svc_core::precondition::Precondition;
use svc_db::testing::TestEnvironment;
use svc_runtime::authorize::{self, NoDecision, Question};

use super::PATIENCE;
use crate::domain::{Actor, AgentId, Credential, Key, KeyDraft, MemberId, OrganizationId, Role};
use crate::error::{AuthError, Thing};
use crate::revocation::{LEASE, Revocation};
use crate::setup::{self, SetupRequest, SetupResult};
use crate::store::{Announcements, Touched};
use crate::{AuthService, Config};
use svc_core::secret::Secret;
use svc_db::AnyDb;

/// Two replicas over one database.
struct Fixture {
    home: TestEnvironment,
    first: SetupResult,
    one: AuthService,
    two: AuthService,
}

impl Fixture {
    async fn new() -> Fixture {
        let home = TestEnvironment::postgres().await;
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
            organization_id: OrganizationId::new(&*self.first.organization_id),
            member_id: MemberId::new(&*self.first.member_id),
            role: Role::Owner,
            credential: Credential::default(),
            client_address: None,
            request_id: None,
        }
    }

    async fn new_key(&self) -> (Key, Secret) {
        let draft = KeyDraft {
            name: Some("A key".to_owned()),
            permissions: vec!["contacts:read".to_owned()],
            ..KeyDraft::default()
        };
        let agent = AgentId::new(&*self.first.agent_id);
        self.one.management.create_key(&self.actor(), agent, draft, None).await.unwrap()
    }

    async fn delete(&self, by: &AuthService, key: &Key) -> Result<(), AuthError> {
        let agent = AgentId::new(&*self.first.agent_id);
        by.management.clone().delete_key(&self.actor(), agent, key.id.clone(), Precondition::default()).await
    }
}

async fn open(home: &TestEnvironment) -> AuthService {
    // What is refused here is refused on purpose.
    let config = Config { failures_per_minute: 1_000_000, ..Config::default() };
    AuthService::open_polling(&config, &home.environment, PATIENCE).await.unwrap()
}

/// Why a request is not let through.
#[derive(Debug)]
enum Denied {
    Refused(Error),
    Undecided(NoDecision),
}

async fn decide(service: &AuthService, key: &Key, secret: &Secret) -> Result<(), Denied> {
    let question = Question {
        credential: authorize::Credential::ApiKey { key: &key.api_key, secret },
        client: [192, 0, 2, 1].into(),
        operation: "",
        permissions: &["contacts:read"],
        agent: None,
        audience: None,
        goes_on: false,
        request_id: "",
    };
    let answer = service.management.checker.ask(&question).answer().await.map_err(Denied::Undecided)?;
    answer.decision.map(drop).map_err(Denied::Refused)
}

/// Lets a request through that must be. On a busy machine a lease may run out for a moment.
async fn let_through(service: &AuthService, key: &Key, secret: &Secret) {
    loop {
        match decide(service, key, secret).await {
            Ok(()) => return,
            Err(Denied::Undecided(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(Denied::Refused(refusal)) => panic!("{refusal}"),
        }
    }
}

/// Stops a replica as SIGSTOP does: it polls no more, and its row stays.
fn pause(service: &AuthService) {
    let Revocation::Replicas(replicas) = service.management.changes.revocation() else { unreachable!() };
    replicas.pause();
}

fn announcements(service: &AuthService) -> Announcements {
    let AnyDb::Postgres(db) = &service.db else { unreachable!() };
    Announcements::new(db.clone())
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
                        assert!(!starts_after || answer.is_err(), "let through after the deletion");
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
    let_through(&f.two, &key, &secret).await;
    pause(&f.two);

    let began = Instant::now();
    f.delete(&f.one, &key).await.unwrap();
    assert!(began.elapsed() >= LEASE, "it lives for all that the change can know");
    assert!(matches!(decide(&f.two, &key, &secret).await, Err(Denied::Undecided(NoDecision::Undecided))));
    assert!(decide(&f.one, &key, &secret).await.is_err());

    let announcements = announcements(&f.one);
    while announcements.replicas().await.unwrap().1.len() > 1 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Each would take as long if it waited for the dead row; one of them may on a busy machine.
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let (other, _) = f.new_key().await;
        let began = Instant::now();
        f.delete(&f.one, &other).await.unwrap();
        quickest = quickest.min(began.elapsed());
        if quickest < LEASE {
            break;
        }
    }
    assert!(quickest < LEASE, "the dead row is gone");
}

#[tokio::test]
async fn a_replica_taken_for_dead_joins_again_with_an_empty_cache() {
    let f = Fixture::new().await;
    let (key, secret) = f.new_key().await;
    let_through(&f.two, &key, &secret).await;
    let announcements = announcements(&f.one);
    let before = announcements.replicas().await.unwrap().1;
    for replica in &before {
        announcements.leave(&replica.incarnation).await.unwrap();
    }
    loop {
        let (n, now) = announcements.replicas().await.unwrap();
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
    let announcements = announcements(&f.one);
    // A third replica that the test moves.
    let mut connection = announcements.poll_connection().await.unwrap();
    connection.join("third").await.unwrap();
    let before = announcements.revision().await.unwrap();
    connection.poll("third", Some(&before)).await.unwrap();

    let acknowledges = AtomicBool::new(false);
    // After all of `LEASE`, as on a busy machine, a deletion answers without.
    let began = Instant::now();
    let waited = || acknowledges.load(Ordering::SeqCst) || began.elapsed() >= LEASE;
    let first = async {
        f.delete(&f.one, &key).await.unwrap();
        assert!(waited());
    };
    let retried = async {
        while announcements.revision().await.unwrap() == before {
            tokio::task::yield_now().await;
        }
        let error = f.delete(&f.two, &key).await.unwrap_err();
        assert!(matches!(error, AuthError::NotFound(Thing::Key)));
        assert!(waited());
    };
    let third = async {
        let mut polled = connection.poll("third", Some(&before)).await.unwrap();
        while polled.revision == before {
            polled = connection.poll("third", Some(&before)).await.unwrap();
        }
        assert_eq!(polled.touched, Touched::these(&[&key.api_key]));
        acknowledges.store(true, Ordering::SeqCst);
        connection.poll("third", Some(&polled.revision)).await.unwrap();
    };
    tokio::join!(first, retried, third);
}

#[tokio::test]
async fn a_graceful_stop_leaves_no_row_and_answers_nobody() {
    let f = Fixture::new().await;
    let (key, secret) = f.new_key().await;
    let_through(&f.two, &key, &secret).await;
    f.two.management.changes.revocation().stop().await;
    assert_eq!(announcements(&f.one).replicas().await.unwrap().1.len(), 1);
    assert!(matches!(decide(&f.two, &key, &secret).await, Err(Denied::Undecided(NoDecision::Undecided))));
    f.two.close().await;
    f.delete(&f.one, &key).await.unwrap();
    let three = open(&f.home).await;
    assert!(decide(&three, &key, &secret).await.is_err());
    three.close().await;
    f.one.close().await;
}
