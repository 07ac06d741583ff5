//! What the statements promise, on PostgreSQL.

use svc_db::AnyDb;
use svc_db::testing::TestEnvironment;

use super::*;
use crate::audit::Unaudited;
use crate::store::{Recorded, StoreError, Writer, migrations, over};

struct Fixture {
    _home: TestEnvironment,
    db: Db<Postgres>,
    writer: Writer,
    announcements: Announcements,
}

impl Fixture {
    async fn new() -> Fixture {
        let home = TestEnvironment::postgres().await;
        let (sqlite, postgres) = migrations();
        let opened = svc_db::open(&home.environment, crate::NAME, sqlite, postgres).await.unwrap();
        let (_, writer) = over(opened.clone());
        let AnyDb::Postgres(db) = opened else { unreachable!() };
        Fixture { _home: home, announcements: Announcements::new(db.clone()), db, writer }
    }

    async fn change(&self, keys: &[&str]) -> Revision {
        self.commit(&Touched::these(keys)).await.unwrap();
        self.announcements.revision().await.unwrap()
    }

    async fn commit(&self, touched: &Touched) -> Result<(), StoreError> {
        self.writer.begin().await.unwrap().commit(touched, Recorded::nothing(Unaudited::Test)).await
    }

    async fn run(&self, text: &'static str) {
        sql::<Postgres>(text).run(&mut self.db.read().await.unwrap()).await.unwrap();
    }

    async fn changes(&self) -> i64 {
        let query = sql::<Postgres>("SELECT COUNT(*) AS count FROM change");
        query.optional(&mut self.db.read().await.unwrap()).await.unwrap().unwrap().get("count").unwrap()
    }

    async fn seen(&self) -> i64 {
        self.announcements.replicas().await.unwrap().1[0].seen
    }
}

#[tokio::test]
async fn a_poll_tells_what_changed_since_and_the_next_acknowledges_it() {
    let f = Fixture::new().await;
    let mut polls = f.announcements.poll_connection().await.unwrap();
    polls.join("one").await.unwrap();
    let first = polls.poll("one", None).await.unwrap();
    assert!(first.present && !first.known, "{first:?}");
    assert_eq!((first.revision.n, first.touched), (0, Touched::everything()));
    assert_eq!(f.seen().await, -1, "nothing is applied yet");

    let nothing = polls.poll("one", Some(&first.revision)).await.unwrap();
    assert!(nothing.known && nothing.touched.is_nothing());
    assert_eq!(f.seen().await, 0);

    f.change(&["a", "b"]).await;
    let now = f.change(&["c"]).await;
    assert_eq!(now.n, 2);
    let two = polls.poll("one", Some(&first.revision)).await.unwrap();
    assert_eq!((two.touched, &two.revision), (Touched::these(&["a", "b", "c"]), &now));
    assert_eq!(f.seen().await, 0, "told, and not yet applied");
    polls.poll("one", Some(&two.revision)).await.unwrap();
    let (n, replicas) = f.announcements.replicas().await.unwrap();
    assert_eq!((n, replicas), (2, vec![Replica { incarnation: "one".to_owned(), beat: 4, seen: 2 }]));
}

#[tokio::test]
async fn a_database_that_went_back_is_told_by_its_tag() {
    let f = Fixture::new().await;
    let mut polls = f.announcements.poll_connection().await.unwrap();
    polls.join("one").await.unwrap();
    f.change(&["a"]).await;
    let lost = f.change(&["b"]).await;
    polls.poll("one", Some(&lost)).await.unwrap();
    assert_eq!(f.seen().await, 2);

    // Restored from before the second change.
    f.run("DELETE FROM change WHERE n = 2").await;
    f.run("UPDATE revision SET n = 1, tag = (SELECT tag FROM change WHERE n = 1)").await;
    let back = polls.poll("one", Some(&lost)).await.unwrap();
    assert!(back.present && !back.known);
    assert_eq!((back.revision.n, back.touched), (1, Touched::everything()));
    assert_eq!(f.seen().await, -1, "what it has seen is of another history");

    // And as far again by another change.
    f.change(&["c"]).await;
    let other = polls.poll("one", Some(&lost)).await.unwrap();
    assert!(!other.known && other.revision.n == lost.n && other.revision.tag != lost.tag);
    assert_eq!(f.seen().await, -1);
}

#[tokio::test]
async fn a_poll_of_a_row_that_is_gone_says_so_and_makes_none() {
    let f = Fixture::new().await;
    let mut polls = f.announcements.poll_connection().await.unwrap();
    polls.join("one").await.unwrap();
    assert!(!f.announcements.remove("one", 7).await.unwrap(), "it has another beat");
    assert!(f.announcements.remove("one", 0).await.unwrap());
    assert!(!polls.poll("one", None).await.unwrap().present);
    assert!(f.announcements.replicas().await.unwrap().1.is_empty());
    assert!(polls.join("one").await.is_ok(), "nothing is left of it");
    assert!(polls.join("one").await.is_err(), "an incarnation joins once");
    f.announcements.leave("one").await.unwrap();
    assert!(f.announcements.replicas().await.unwrap().1.is_empty());
}

#[tokio::test]
async fn what_cannot_be_told_key_by_key_is_everything() {
    let f = Fixture::new().await;
    let mut polls = f.announcements.poll_connection().await.unwrap();
    polls.join("one").await.unwrap();
    let start = f.announcements.revision().await.unwrap();

    let many: Vec<String> = (0..=MAX_NAMED).map(|i| i.to_string()).collect();
    let before = f.change(&["a"]).await;
    f.commit(&Touched::keys(many)).await.unwrap();
    assert_eq!(polls.poll("one", Some(&before)).await.unwrap().touched, Touched::everything());

    let before = f.announcements.revision().await.unwrap();
    f.commit(&Touched::everything()).await.unwrap();
    assert_eq!(polls.poll("one", Some(&before)).await.unwrap().touched, Touched::everything());

    // Someone has removed a change by hand.
    let before = f.change(&["a"]).await;
    f.change(&["b"]).await;
    f.change(&["c"]).await;
    assert_eq!(polls.poll("one", Some(&before)).await.unwrap().touched, Touched::these(&["b", "c"]));
    f.run("DELETE FROM change WHERE what = '[\"b\"]'").await;
    assert_eq!(polls.poll("one", Some(&before)).await.unwrap().touched, Touched::everything());

    // More changes than one poll reads.
    f.run(
        "WITH next AS (UPDATE revision SET n = n + 2000 RETURNING n) \
         INSERT INTO change SELECT i, 'tag', '[\"k\"]' FROM next, generate_series(n - 1999, n) AS i",
    )
    .await;
    let before = f.announcements.revision().await.unwrap();
    let before = Revision { n: before.n - 1_500, tag: "tag".to_owned() };
    assert_eq!(polls.poll("one", Some(&before)).await.unwrap().touched, Touched::everything());

    // The oldest are not kept; a replica that was away for so long knows nothing.
    f.announcements.prune(i64::MAX).await.unwrap();
    assert_eq!(f.changes().await, 1, "the newest stays");
    let late = polls.poll("one", Some(&start)).await.unwrap();
    assert_eq!((late.known, late.touched), (false, Touched::everything()));
}

#[tokio::test]
async fn changes_are_counted_when_they_are_committed_and_only_then() {
    let f = Fixture::new().await;
    f.commit(&Touched::nothing()).await.unwrap();
    assert_eq!(f.announcements.revision().await.unwrap().n, 0, "no key was touched");

    let many = (0..20).map(|i| {
        let (writer, key) = (&f.writer, i.to_string());
        async move {
            writer
                .begin()
                .await
                .unwrap()
                .commit(&Touched::these(&[&key]), Recorded::nothing(Unaudited::Test))
                .await
                .unwrap()
        }
    });
    futures::future::join_all(many).await;
    assert_eq!(f.announcements.revision().await.unwrap().n, 20);
    assert_eq!(f.changes().await, 21);

    // Without the row that orders changes nothing is committed.
    f.run("DELETE FROM revision").await;
    assert!(f.commit(&Touched::these(&["a"])).await.is_err());
    assert!(f.announcements.revision().await.is_err());
}

#[tokio::test]
async fn a_change_is_notified() {
    let f = Fixture::new().await;
    let mut notifications = f.announcements.listen().await.unwrap();
    f.change(&["a"]).await;
    notifications.next().await.unwrap();
}

#[tokio::test]
async fn the_test_server_tells_how_safe_it_is() {
    let durability = Fixture::new().await.announcements.durability().await.unwrap();
    assert!(!durability.in_recovery && !durability.synchronous && durability.standbys == 0);
    assert!(!durability.synchronous_commit.is_empty());
}
