//! Poll, lease, barrier, sweep and the strict gate, each by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use svc_core::random::SystemRandom;
use svc_db::AnyDb;
use svc_db::testing::TestEnvironment;

use super::{PATIENCE, StandingClock, Told};
use crate::audit::Unaudited;
use crate::revocation::barrier::{Barrier, Waiting};
use crate::revocation::lease::{Gate, Lease, LeaseExpired};
use crate::revocation::poll::{Poller, Shared};
use crate::revocation::strict::Strict;
use crate::revocation::sweep::Sweep;
use crate::store::{Announcements, Recorded, Replica as Row, Touched, Writer, migrations, over};

struct Fixture {
    _home: TestEnvironment,
    writer: Writer,
    announcements: Announcements,
    clock: StandingClock,
}

/// A replica that polls when the test says so.
struct Replica {
    poller: Poller,
    lease: Arc<Lease>,
    told: Arc<Told>,
    shared: Arc<Shared>,
}

impl Fixture {
    async fn new() -> Fixture {
        let home = TestEnvironment::postgres().await;
        let (sqlite, postgres) = migrations();
        let opened = svc_db::open(&home.environment, crate::NAME, sqlite, postgres).await.unwrap();
        let (_, writer) = over(opened.clone());
        let AnyDb::Postgres(db) = opened else { unreachable!() };
        let clock = StandingClock::default();
        clock.advance(1_000_000);
        Fixture { _home: home, announcements: Announcements::new(db), writer, clock }
    }

    fn replica(&self) -> Replica {
        let clock = Arc::new(self.clock.clone());
        let lease = Arc::new(Lease::new(clock.clone()));
        let told = Arc::new(Told::default());
        let shared = Arc::new(Shared::default());
        let poller = Poller {
            announcements: self.announcements.clone(),
            clock,
            random: Arc::new(SystemRandom),
            lease: lease.clone(),
            cache: told.clone(),
            condition: self._home.environment.health.of(crate::NAME).condition("revocation"),
            shared: shared.clone(),
            timeout: PATIENCE,
            connection: None,
            incarnation: None,
        };
        Replica { poller, lease, told, shared }
    }

    fn barrier(&self) -> Arc<Barrier> {
        Arc::new(Barrier::new(self.announcements.clone(), Arc::new(self.clock.clone())))
    }

    async fn change(&self, key: &str) {
        self.writer
            .begin()
            .await
            .unwrap()
            .commit(&Touched::these(&[key]), Recorded::nothing(Unaudited::Test))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_poll_renews_the_lease_from_when_it_was_sent_and_forgets_what_changed() {
    let f = Fixture::new().await;
    let mut replica = f.replica();
    assert_eq!(replica.lease.check(), Err(LeaseExpired), "none before the first poll");
    assert!(replica.poller.poll().await.unwrap(), "the first poll is acknowledged at once");
    assert_eq!(replica.told.take(), [Touched::everything()]);
    assert_eq!(replica.lease.check(), Ok(()));
    assert!(!replica.poller.poll().await.unwrap());
    replica.told.take();

    f.clock.advance(1_599);
    assert_eq!(replica.lease.check(), Ok(()));
    f.clock.advance(1);
    assert_eq!(replica.lease.check(), Err(LeaseExpired));

    f.change("a").await;
    assert!(replica.poller.poll().await.unwrap());
    assert_eq!(replica.told.take(), [Touched::these(&["a"])]);
    assert_eq!(replica.lease.check(), Ok(()));
    assert!(!replica.poller.poll().await.unwrap());
}

#[tokio::test]
async fn an_answer_that_comes_late_renews_nothing() {
    let f = Fixture::new().await;
    let mut replica = f.replica();
    replica.poller.poll().await.unwrap();
    let now = f.announcements.revision().await.unwrap();
    let incarnation = replica.poller.incarnation.clone().unwrap();
    let polled = replica.poller.connection.as_mut().unwrap().poll(&incarnation, Some(&now)).await.unwrap();
    let began = 1_000_000;
    f.clock.advance(1_600);
    replica.poller.take_in(began, 2, polled);
    assert_eq!(replica.lease.check(), Err(LeaseExpired));
}

#[tokio::test]
async fn a_replica_whose_row_was_removed_forgets_everything_and_joins_anew() {
    let f = Fixture::new().await;
    let mut replica = f.replica();
    while replica.poller.poll().await.unwrap() {}
    let first = replica.poller.incarnation.clone().unwrap();
    f.announcements.leave(&first).await.unwrap();
    replica.told.take();

    assert!(replica.poller.poll().await.unwrap(), "it polls again at once");
    assert_eq!(replica.told.take(), [Touched::everything()]);
    assert_eq!(replica.lease.check(), Err(LeaseExpired), "changes did not wait for it");
    while replica.poller.poll().await.unwrap() {}
    assert_eq!(replica.lease.check(), Ok(()));
    assert_ne!(replica.poller.incarnation, Some(first));
    assert_eq!(f.announcements.replicas().await.unwrap().1.len(), 1);

    replica.poller.leave().await.unwrap();
    assert_eq!(replica.lease.check(), Err(LeaseExpired));
    assert!(f.announcements.replicas().await.unwrap().1.is_empty());
}

#[tokio::test]
async fn a_barrier_waits_for_a_replica_that_lives() {
    let f = Fixture::new().await;
    let barrier = f.barrier();
    f.change("a").await;
    barrier.settle().await;

    let mut replica = f.replica();
    while replica.poller.poll().await.unwrap() {}
    f.change("b").await;
    let acknowledges = Arc::new(AtomicBool::new(false));
    // Two changes at once share what they read.
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let (barrier, acknowledges) = (barrier.clone(), acknowledges.clone());
            tokio::spawn(async move {
                barrier.settle().await;
                assert!(acknowledges.load(Ordering::SeqCst), "it did not wait");
            })
        })
        .collect();
    assert!(replica.poller.poll().await.unwrap(), "told of it");
    acknowledges.store(true, Ordering::SeqCst);
    assert!(!replica.poller.poll().await.unwrap(), "and acknowledged");
    for waiting in waiting {
        waiting.await.unwrap();
    }
}

#[tokio::test]
async fn a_barrier_gives_up_when_no_lease_from_before_can_last() {
    let f = Fixture::new().await;
    let mut replica = f.replica();
    while replica.poller.poll().await.unwrap() {}
    f.change("a").await;
    let barrier = f.barrier();
    let mut waiting = tokio::spawn(async move { barrier.settle().await });
    // The clock stands: it cannot end by itself. It has begun when it has read the clock; a read whose answer
    // is there at once would not let it.
    for _ in 0..5 {
        tokio::task::yield_now().await;
        f.announcements.replicas().await.unwrap();
        assert!(futures::poll!(&mut waiting).is_pending());
    }
    f.clock.advance(1_600);
    assert_eq!(replica.lease.check(), Err(LeaseExpired));
    f.announcements.replicas().await.unwrap();
    assert!(futures::poll!(&mut waiting).is_pending(), "not before L");
    f.clock.advance(401);
    waiting.await.unwrap();
}

#[test]
fn a_barrier_waits_for_the_rows_of_its_first_read_until_they_have_seen_or_are_gone() {
    let row = |incarnation: &str, seen| Row { incarnation: incarnation.to_owned(), beat: 1, seen };
    let mut waiting = Waiting::for_all(&(7, vec![row("a", 6), row("b", 7), row("c", -1), row("d", 9)]));
    waiting.see(&[row("a", 6), row("b", 7), row("c", -1), row("d", 9)]);
    assert_eq!(waiting.replicas, ["a", "c"]);
    // One is gone, and one that came later has seen nothing yet.
    waiting.see(&[row("a", 6), row("e", -1)]);
    assert_eq!(waiting.replicas, ["a"]);
    waiting.see(&[row("a", 8), row("e", -1)]);
    assert!(waiting.replicas.is_empty());
}

#[tokio::test]
async fn dead_rows_go_and_rows_that_poll_stay() {
    let f = Fixture::new().await;
    let (mut lives, mut dies) = (f.replica(), f.replica());
    while lives.poller.poll().await.unwrap() {}
    while dies.poller.poll().await.unwrap() {}
    let mut sweep = Sweep::new(f.announcements.clone(), Arc::new(f.clock.clone()));
    let rows = async || f.announcements.replicas().await.unwrap().1.len();
    sweep.sweep().await.unwrap();
    f.clock.advance(3_999);
    sweep.sweep().await.unwrap();
    lives.poller.poll().await.unwrap();
    assert_eq!(rows().await, 2);
    f.clock.advance(1);
    sweep.sweep().await.unwrap();
    assert_eq!(rows().await, 1, "2 L after it was first seen so");
    f.clock.advance(3_999);
    sweep.sweep().await.unwrap();
    assert_eq!(rows().await, 1, "what lives is observed anew after each beat");
    assert!(!lives.poller.poll().await.unwrap());
    assert!(dies.poller.poll().await.unwrap(), "it was only slow, and joins again");
}

#[tokio::test]
async fn changes_are_kept_for_an_hour() {
    let f = Fixture::new().await;
    let mut sweep = Sweep::new(f.announcements.clone(), Arc::new(f.clock.clone()));
    let start = f.announcements.revision().await.unwrap();
    let mut connection = f.announcements.poll_connection().await.unwrap();
    let mut since = async |revision| {
        connection.join("reader").await.unwrap();
        let polled = connection.poll("reader", Some(revision)).await.unwrap();
        f.announcements.leave("reader").await.unwrap();
        polled.touched
    };
    f.change("a").await;
    f.change("b").await;
    let marked = f.announcements.revision().await.unwrap();
    sweep.sweep().await.unwrap();
    f.change("c").await;
    f.clock.advance(3_599_999);
    sweep.sweep().await.unwrap();
    let all = Touched::these(&["a", "b", "c"]);
    assert_eq!(since(&start).await, all);

    f.clock.advance(1);
    sweep.sweep().await.unwrap();
    assert_eq!(since(&start).await, Touched::everything(), "its tag is gone");
    assert_eq!(since(&marked).await, Touched::these(&["c"]), "what is younger than an hour is there");
}

#[tokio::test]
async fn the_strict_gate_trusts_no_clock() {
    let f = Fixture::new().await;
    let mut replica = f.replica();
    while replica.poller.poll().await.unwrap() {}
    let strict = || Strict::new(f.announcements.clone(), replica.shared.clone());
    let gate = Gate::Strict(replica.lease.clone(), Arc::new(strict().patient()));
    let impatient = Gate::Strict(replica.lease.clone(), Arc::new(strict()));
    assert_eq!(gate.pass().await, Ok(()));

    // The clock stands, as in a machine that was paused: the lease is past and looks valid.
    f.change("a").await;
    assert_eq!(Gate::Leased(replica.lease.clone()).pass().await, Ok(()));
    assert_eq!(impatient.pass().await, Err(LeaseExpired), "no poll has come that began after the request");
    let passes = tokio::spawn(async move { gate.pass().await });
    while replica.shared.progress.receiver_count() == 0 && !passes.is_finished() {
        tokio::task::yield_now().await;
    }
    replica.told.take();
    while !passes.is_finished() {
        replica.poller.poll().await.unwrap();
    }
    assert_eq!(passes.await.unwrap(), Ok(()));
    assert!(replica.told.take().contains(&Touched::these(&["a"])));
}
