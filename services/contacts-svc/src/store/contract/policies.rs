//! Row-level security of PostgreSQL: what a statement that names neither organization nor agent sees and changes.

use sqlx::AssertSqlSafe;
use svc_db::{DbError, Postgres, Row, Transaction, sql};

use super::*;

/// Tables that know of organizations.
const TABLES: &str = "SELECT c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS is_bound \
     FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' \
     AND EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'organization_id')";

async fn postgres_of(home: &TestEnvironment) -> (Kept, Db<Postgres>) {
    match Kept::open(home).await {
        (store, AnyDb::Postgres(db)) => (store, db),
        _ => panic!("it is PostgreSQL"),
    }
}

/// One contact each of an agent, another agent, and another organization.
async fn three(store: &Kept) -> [Partition; 3] {
    let mine = partition("policies");
    let others = [
        Partition { agent_id: "another".to_owned(), ..mine.clone() },
        Partition { organization_id: "another".to_owned(), ..mine.clone() },
    ];
    let all = [mine, others[0].clone(), others[1].clone()];
    for partition in &all {
        let contact = contact(partition, 1);
        let mut work = store.begin(partition).await.unwrap();
        assert!(work.insert(partition, &contact).await.unwrap());
        work.append_changes(partition, "actor", &[ContactChange::Created(contact)]).await.unwrap();
        work.commit().await.unwrap();
    }
    all
}

async fn count(transaction: &mut Transaction<Postgres>, table: &str) -> i64 {
    let text = AssertSqlSafe(format!("SELECT count(*) AS n FROM {table}"));
    transaction.optional(sql::<Postgres>(text)).await.unwrap().unwrap().get("n").unwrap()
}

#[tokio::test]
async fn every_table_that_knows_of_organizations_is_bound() {
    let home = TestEnvironment::postgres().await;
    let (_, db) = postgres_of(&home).await;
    let rows: Vec<Row<Postgres>> =
        svc_db::read!(db, |connection| sql::<Postgres>(TABLES).all(connection)).unwrap();
    assert!(rows.len() > 10, "{}", rows.len());
    for row in rows {
        let name: String = row.get("name").unwrap();
        assert!(
            row.get::<bool>("is_bound").unwrap(),
            "{name}: row-level security, also for its owner (ADR 30)"
        );
    }
    assert!(db.is_bound_by_policies().await.unwrap(), "tests run as a role that is bound");
    db.close().await;
}

#[tokio::test]
async fn a_superuser_is_told_of() {
    let home = TestEnvironment::postgres_superuser().await;
    let (_, db) = postgres_of(&home).await;
    assert!(!db.is_bound_by_policies().await.unwrap());
    db.close().await;
}

#[tokio::test]
async fn a_transaction_sees_and_changes_its_own_rows_only() {
    let home = TestEnvironment::postgres().await;
    let (store, db) = postgres_of(&home).await;
    let all = three(&store).await;
    let mine = &all[0];
    let tables = ["contacts", "contact_changes", "contact_feeds"];

    let mut everything = db.begin_in(&Scope::everything()).await.unwrap();
    let mut nothing = db.begin().await.unwrap();
    let mut own = db.begin_in(&Scope::of(mine)).await.unwrap();
    let mut two = db.begin_in(&Scope::of_each(&all[1..])).await.unwrap();
    for table in tables {
        let one = count(&mut own, table).await;
        assert!(one > 0, "{table}");
        assert_eq!(count(&mut everything, table).await, 3 * one, "{table}");
        assert_eq!(count(&mut two, table).await, 2 * one, "{table}");
        assert_eq!(count(&mut nothing, table).await, 0, "{table}");
    }
    drop((everything, nothing, two));

    // Of what is another one's, nothing can be made, and what is mine cannot be given away.
    for text in [
        "INSERT INTO contact_feeds (organization_id, agent_id, last_sequence, active, archived) \
         VALUES ('organization', 'yet another', 0, 0, 0)",
        "UPDATE contacts SET agent_id = 'another'",
        "UPDATE contacts SET organization_id = 'another'",
        "INSERT INTO contact_search (contact_id, organization_id, agent_id, terms) VALUES ('x', 'o', 'a', '{}')",
    ] {
        let mut transaction = db.begin_in(&Scope::of(mine)).await.unwrap();
        let refused = transaction.run(sql::<Postgres>(text)).await;
        assert!(matches!(refused, Err(DbError::Failed(_))), "{text}: {refused:?}");
    }
    assert_eq!(own.run(sql::<Postgres>("UPDATE contacts SET name = 'X'")).await.unwrap(), 1);
    assert_eq!(own.run(sql::<Postgres>("DELETE FROM contact_search")).await.unwrap(), 1);
    assert_eq!(own.run(sql::<Postgres>("DELETE FROM contacts")).await.unwrap(), 1);
    own.commit().await.unwrap();
    for partition in &all {
        let found = store.find(partition, &by_id(&contact(partition, 1))).await.unwrap();
        assert_eq!(found.is_some(), partition != mine);
    }
    db.close().await;
}

#[tokio::test]
async fn a_scope_ends_with_its_transaction_or_its_statement() {
    const COUNT: &str = "SELECT count(*) AS n FROM contacts";
    let home = TestEnvironment::postgres().await;
    let (store, db) = postgres_of(&home).await;
    let [mine, ..] = three(&store).await;
    let mut lease = db.read().await.unwrap();
    for scope in [Scope::of(&mine), Scope::everything(), Scope::of_each([])] {
        let expected = match scope == Scope::everything() {
            true => 3,
            false => i64::from(scope == Scope::of(&mine)),
        };
        let within = sql::<Postgres>(COUNT).within(&scope).optional(&mut lease).await.unwrap().unwrap();
        assert_eq!(within.get::<i64>("n").unwrap(), expected, "{scope:?}");
        let afterwards = sql::<Postgres>(COUNT).optional(&mut lease).await.unwrap().unwrap();
        assert_eq!(afterwards.get::<i64>("n").unwrap(), 0, "nothing is told any more");
    }
    lease.done();
    // The one connection that is ready is used by both.
    db.begin_in(&Scope::everything()).await.unwrap().commit().await.unwrap();
    let mut untold = db.begin().await.unwrap();
    assert_eq!(count(&mut untold, "contacts").await, 0);
    // What is asked as another statement of a transaction is not what another organization told before.
    drop(untold);
    db.close().await;
}
