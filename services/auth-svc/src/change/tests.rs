//! The seam by itself.

use parking_lot::Mutex;
use svc_core::clock::Timestamp;
use svc_db::AnyDb;
use svc_db::testing::{START, TestEnvironment};
use tokio::sync::{RwLock, oneshot};

use super::*;
use crate::audit::{Action, ChainKey, Elsewhere, Facts, Resource, Told as ToldDeed};
use crate::domain::MemberId;
use crate::store::{self, AuditFilter, Store};

/// A cache that only remembers what it was told to forget.
#[derive(Default)]
struct Told(Mutex<Vec<Touched>>);

impl Forget for Told {
    fn forget(&self, touched: &Touched) {
        self.0.lock().push(touched.clone());
    }
}

struct Fixture {
    home: TestEnvironment,
    _db: AnyDb,
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
    told: Arc<Told>,
}

impl Fixture {
    async fn new() -> Fixture {
        let home = TestEnvironment::sqlite();
        let (sqlite, postgres) = store::migrations();
        let db = svc_db::open(&home.environment, crate::NAME, sqlite, postgres).await.unwrap();
        let (store, writer) = store::over(db.clone());
        let told = Arc::new(Told::default());
        let revocation = Revocation::OneProcess(RwLock::default());
        let tasks = home.environment.supervisor.of(crate::NAME);
        let records = IdempotencyRecords::new(crate::NAME, db.clone(), &home.environment, &tasks);
        let key = ChainKey::new(&ChainKey::generate(&*home.environment.random)).unwrap();
        let auditor = Auditor::new(key, &home.environment);
        let changes = Arc::new(Changes::new(writer, records, auditor, told.clone(), revocation));
        Fixture { home, _db: db, store, changes, told }
    }

    /// Sets up, once `go_on` says so, and then ends as `end` says.
    async fn set_up<T: Send + 'static>(
        &self,
        go_on: oneshot::Receiver<()>,
        end: impl FnOnce() -> Result<Changed<T>, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let author = Author::Setup(OrganizationId::new("o"));
        let changed = self.changes.make(&author, move |work| {
            Box::pin(async move {
                work.claim_setup().await?;
                work.insert_organization(&OrganizationId::new("o"), "Example", START).await?;
                go_on.await.unwrap();
                end()
            })
        });
        changed.await
    }
}

/// Says at once that the work may go on.
fn at_once() -> oneshot::Receiver<()> {
    let (go_on, when) = oneshot::channel();
    go_on.send(()).unwrap();
    when
}

#[tokio::test]
async fn what_a_work_touched_is_forgotten_once_it_is_committed() {
    let f = Fixture::new().await;
    let touched = Touched::these(&["a", "b"]);
    let end = {
        let touched = touched.clone();
        move || Ok(Changed::new(7, touched, Audit::nothing(Unaudited::Test)))
    };
    assert_eq!(f.set_up(at_once(), end).await.unwrap(), 7);
    assert!(f.store.is_set_up().await.unwrap());
    assert_eq!(*f.told.0.lock(), [touched]);
}

#[tokio::test]
async fn a_work_that_fails_or_changes_nothing_leaves_nothing() {
    let f = Fixture::new().await;
    let fails = || Err::<Changed<()>, _>(AuthError::OwnerIsFixed);
    assert!(matches!(f.set_up(at_once(), fails).await, Err(AuthError::OwnerIsFixed)));
    f.set_up(at_once(), || Ok(Changed::unchanged(()))).await.unwrap();
    let panics = || -> Result<Changed<()>, AuthError> { panic!("a work panics") };
    assert!(matches!(f.set_up(at_once(), panics).await, Err(AuthError::Lost)));
    assert!(!f.store.is_set_up().await.unwrap());
    assert!(f.told.0.lock().is_empty());
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_end_a_change() {
    let f = Fixture::new().await;
    let (go_on, when) = oneshot::channel();
    {
        let change =
            f.set_up(when, || Ok(Changed::new((), Touched::these(&["a"]), Audit::nothing(Unaudited::Test))));
        futures::pin_mut!(change);
        assert!(futures::poll!(change).is_pending());
    }
    go_on.send(()).unwrap();
    while f.told.0.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(f.store.is_set_up().await.unwrap());
}

#[tokio::test]
async fn what_another_service_tells_twice_is_written_once_and_is_not_of_the_future() {
    let f = Fixture::new().await;
    let organization = OrganizationId::new("o");
    let told = |id: &str, at: i64| ToldDeed {
        by: Elsewhere {
            id: id.to_owned(),
            organization_id: organization.clone(),
            member_id: MemberId::new("m"),
            token_id: None,
            agent_id: Some("a".to_owned()),
            origin: Origin { client_address: Some("192.0.2.1".to_owned()), request_id: None },
            at: Timestamp(START.0 + at * 1_000),
        },
        action: Action::WebhookUpdated,
        resource: Resource::new("w", "https://example.com/…"),
        before: Some(Facts::new().with("status", "ACTIVE").with("url", "u")),
        after: Some(Facts::new().with("status", "DISABLED").with("url", "u")),
    };
    for (id, at) in [("zero", 0), ("one", 5_000), ("two", 3_600_000), ("one", 5_000)] {
        let (by, audit) = told(id, at).audit();
        let author = Author::Elsewhere(by);
        let work = f
            .changes
            .make(&author, |_| Box::pin(async move { Ok(Changed::new((), Touched::nothing(), audit)) }));
        work.await.unwrap();
        f.home.clock.set(START.plus(std::time::Duration::from_secs(10)));
    }
    let written = f.store.audit_entries(&organization, &AuditFilter::default(), None, 10).await.unwrap();
    let summary: Vec<_> =
        written.iter().map(|entry| (entry.id.as_str(), entry.at.millis() - START.millis())).collect();
    assert_eq!(summary[..3], [("two", 10_000), ("one", 5_000), ("zero", 0)]);
    assert_eq!(written.len(), 4, "and the log has begun");
    let entry = &written[1];
    assert_eq!(entry.description, "Webhook \"https://example.com/…\" was updated: status.");
    assert_eq!((entry.who.kind.as_str(), entry.who.id.as_deref()), ("MEMBER", Some("m")));
    assert_eq!(
        entry.before.as_deref(),
        Some(r#"{"agentId":"a","id":"w","name":"https://example.com/…","status":"ACTIVE"}"#)
    );
}
