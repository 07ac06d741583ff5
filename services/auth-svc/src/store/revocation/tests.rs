//! What the statements promise, on PostgreSQL.

use std::sync::Arc;

use svc_core::db::{self, AnyDb};
use svc_core::testing::Home;

use super::*;
use crate::store::{Store, migrations, over};

struct Fixture {
    _home: Home,
    db: Db<Postgres>,
    store: Arc<dyn Store>,
    ledger: Ledger,
}

impl Fixture {
    async fn new() -> Fixture {
        let home = Home::postgres().await;
        let (sqlite, postgres) = migrations();
        let database = &home.environment.database;
        let opened = db::open(database, home.path(), crate::NAME, sqlite, postgres).await.unwrap();
        let store = over(opened.clone());
        let AnyDb::Postgres(db) = opened else { unreachable!() };
        Fixture { _home: home, ledger: Ledger::new(db.clone()), db, store }
    }

    async fn change(&self, keys: &[&str]) -> Revision {
        let touched = Touched::Keys(keys.iter().map(|&key| key.to_owned()).collect());
        self.store.begin().await.unwrap().commit_change(&touched).await.unwrap();
        self.ledger.revision().await.unwrap()
    }

    async fn run(&self, text: &'static str) {
        sql::<Postgres>(text).run(&mut self.db.read().await.unwrap()).await.unwrap();
    }

    async fn changes(&self) -> i64 {
        let query = sql::<Postgres>("SELECT COUNT(*) AS count FROM change");
        query.optional(&mut self.db.read().await.unwrap()).await.unwrap().unwrap().get("count").unwrap()
    }

    async fn seen(&self) -> i64 {
        self.ledger.replicas().await.unwrap().1[0].seen
    }
}

fn keys(names: &[&str]) -> Touched {
    Touched::Keys(names.iter().map(|&name| name.to_owned()).collect())
}

#[tokio::test]
async fn a_poll_tells_what_changed_since_and_the_next_acknowledges_it() {
    let f = Fixture::new().await;
    let mut line = f.ledger.line().await.unwrap();
    line.join("one").await.unwrap();
    let first = line.poll("one", None).await.unwrap();
    assert!(first.present && !first.known, "{first:?}");
    assert_eq!((first.revision.n, first.touched), (0, Touched::Everything));
    assert_eq!(f.seen().await, -1, "nothing is applied yet");

    let nothing = line.poll("one", Some(&first.revision)).await.unwrap();
    assert!(nothing.known && nothing.touched.is_empty());
    assert_eq!(f.seen().await, 0);

    f.change(&["a", "b"]).await;
    let now = f.change(&["c"]).await;
    assert_eq!(now.n, 2);
    let two = line.poll("one", Some(&first.revision)).await.unwrap();
    assert_eq!((two.touched, &two.revision), (keys(&["a", "b", "c"]), &now));
    assert_eq!(f.seen().await, 0, "told, and not yet applied");
    line.poll("one", Some(&two.revision)).await.unwrap();
    let (n, replicas) = f.ledger.replicas().await.unwrap();
    assert_eq!((n, replicas), (2, vec![Replica { incarnation: "one".to_owned(), beat: 4, seen: 2 }]));
}

#[tokio::test]
async fn a_database_that_went_back_is_told_by_its_tag() {
    let f = Fixture::new().await;
    let mut line = f.ledger.line().await.unwrap();
    line.join("one").await.unwrap();
    f.change(&["a"]).await;
    let lost = f.change(&["b"]).await;
    line.poll("one", Some(&lost)).await.unwrap();
    assert_eq!(f.seen().await, 2);

    // Restored from before the second change.
    f.run("DELETE FROM change WHERE n = 2").await;
    f.run("UPDATE revision SET n = 1, tag = (SELECT tag FROM change WHERE n = 1)").await;
    let back = line.poll("one", Some(&lost)).await.unwrap();
    assert!(back.present && !back.known);
    assert_eq!((back.revision.n, back.touched), (1, Touched::Everything));
    assert_eq!(f.seen().await, -1, "what it has seen is of another history");

    // And as far again by another change.
    f.change(&["c"]).await;
    let other = line.poll("one", Some(&lost)).await.unwrap();
    assert!(!other.known && other.revision.n == lost.n && other.revision.tag != lost.tag);
    assert_eq!(f.seen().await, -1);
}

#[tokio::test]
async fn a_poll_of_a_row_that_is_gone_says_so_and_makes_none() {
    let f = Fixture::new().await;
    let mut line = f.ledger.line().await.unwrap();
    line.join("one").await.unwrap();
    assert!(!f.ledger.remove("one", 7).await.unwrap(), "it has another beat");
    assert!(f.ledger.remove("one", 0).await.unwrap());
    assert!(!line.poll("one", None).await.unwrap().present);
    assert!(f.ledger.replicas().await.unwrap().1.is_empty());
    assert!(line.join("one").await.is_ok(), "nothing is left of it");
    assert!(line.join("one").await.is_err(), "an incarnation joins once");
    f.ledger.leave("one").await.unwrap();
    assert!(f.ledger.replicas().await.unwrap().1.is_empty());
}

#[tokio::test]
async fn what_cannot_be_told_key_by_key_is_everything() {
    let f = Fixture::new().await;
    let mut line = f.ledger.line().await.unwrap();
    line.join("one").await.unwrap();
    let start = f.ledger.revision().await.unwrap();

    let many: Vec<String> = (0..=MAX_NAMED).map(|i| i.to_string()).collect();
    let before = f.change(&["a"]).await;
    f.store.begin().await.unwrap().commit_change(&Touched::Keys(many)).await.unwrap();
    assert_eq!(line.poll("one", Some(&before)).await.unwrap().touched, Touched::Everything);

    let before = f.ledger.revision().await.unwrap();
    f.store.begin().await.unwrap().commit_change(&Touched::Everything).await.unwrap();
    assert_eq!(line.poll("one", Some(&before)).await.unwrap().touched, Touched::Everything);

    // Someone has removed a change by hand.
    let before = f.change(&["a"]).await;
    f.change(&["b"]).await;
    f.change(&["c"]).await;
    assert_eq!(line.poll("one", Some(&before)).await.unwrap().touched, keys(&["b", "c"]));
    f.run("DELETE FROM change WHERE what = '[\"b\"]'").await;
    assert_eq!(line.poll("one", Some(&before)).await.unwrap().touched, Touched::Everything);

    // More changes than one poll reads.
    f.run(
        "WITH next AS (UPDATE revision SET n = n + 2000 RETURNING n) \
         INSERT INTO change SELECT i, 'tag', '[\"k\"]' FROM next, generate_series(n - 1999, n) AS i",
    )
    .await;
    let before = f.ledger.revision().await.unwrap();
    let before = Revision { n: before.n - 1_500, tag: "tag".to_owned() };
    assert_eq!(line.poll("one", Some(&before)).await.unwrap().touched, Touched::Everything);

    // The oldest are not kept; a replica that was away for so long knows nothing.
    f.ledger.prune(i64::MAX).await.unwrap();
    assert_eq!(f.changes().await, 1, "the newest stays");
    let late = line.poll("one", Some(&start)).await.unwrap();
    assert_eq!((late.known, late.touched), (false, Touched::Everything));
}

#[tokio::test]
async fn changes_are_counted_when_they_are_committed_and_only_then() {
    let f = Fixture::new().await;
    f.store.begin().await.unwrap().commit_change(&Touched::Keys(Vec::new())).await.unwrap();
    f.store.begin().await.unwrap().commit().await.unwrap();
    assert_eq!(f.ledger.revision().await.unwrap().n, 0, "no key was touched");

    let many = (0..20).map(|i| {
        let store = f.store.clone();
        tokio::spawn(async move {
            let work = store.begin().await.unwrap();
            work.commit_change(&Touched::key(&i.to_string())).await.unwrap();
        })
    });
    for change in futures::future::join_all(many).await {
        change.unwrap();
    }
    assert_eq!(f.ledger.revision().await.unwrap().n, 20);
    assert_eq!(f.changes().await, 21);

    // Without the row that orders changes nothing is committed.
    f.run("DELETE FROM revision").await;
    assert!(f.store.begin().await.unwrap().commit_change(&Touched::key("a")).await.is_err());
    assert!(f.ledger.revision().await.is_err());
}

#[tokio::test]
async fn a_change_is_notified() {
    let f = Fixture::new().await;
    let mut notifications = f.ledger.listen().await.unwrap();
    f.change(&["a"]).await;
    notifications.next().await.unwrap();
}

#[tokio::test]
async fn the_test_server_tells_how_safe_it_is() {
    let durability = Fixture::new().await.ledger.durability().await.unwrap();
    assert!(!durability.in_recovery && !durability.synchronous && durability.standbys == 0);
    assert!(!durability.synchronous_commit.is_empty());
}
