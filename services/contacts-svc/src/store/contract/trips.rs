//! How often a change asks PostgreSQL: each time is a round trip, which the caller waits for.

use svc_db::testing::counted;
use svc_db::{IdempotencyRecords, Outbox, OutboxTable};

use super::*;
use crate::change::{Changed, Changes};
use crate::domain::{Actor, UniqueValue};
use crate::error::ContactError;

pub(super) fn changes(home: &TestEnvironment, db: &AnyDb, writer: Writer) -> Changes {
    let tasks = home.environment.supervisor.of(crate::NAME);
    let records = IdempotencyRecords::new(crate::NAME, db.clone(), &home.environment, &tasks);
    let outbox = Outbox::new(db.clone(), &home.environment);
    let erasures = Outbox::of(OutboxTable::Erasures, db.clone(), &home.environment);
    Changes::new(writer, records, outbox, erasures, &home.environment.metrics)
}

async fn create(
    changes: &Changes,
    actor: &Actor,
    contact: &Contact,
    values: &[UniqueValue],
) -> (Result<(), ContactError>, usize) {
    let (contact, values) = (contact.clone(), values.to_vec());
    let make = changes
        .make(actor, |_| Box::pin(async move { Ok(Changed::creating((), contact, values).judged_by(0)) }));
    counted(make).await
}

#[tokio::test]
async fn a_contact_is_created_in_three_round_trips() {
    for (engine, home) in TestEnvironment::each().await {
        let (Kept { store, writer }, db) = Kept::open(&home).await;
        let changes = changes(&home, &db, writer);
        let partition = partition("trips");
        let actor = Actor {
            partition: partition.clone(),
            actor_id: "key".to_owned(),
            request_id: None,
            member: None,
        };
        let value = |key: &str| UniqueValue { key: key.to_owned(), digest: b"digest".to_vec() };
        let mut one = contact(&partition, 1);
        one.fields.name = Some("Ann Lovelace".to_owned());
        one.fields.tags = vec!["vip".to_owned()];

        let (created, trips) = create(&changes, &actor, &one, &[value("a"), value("b")]).await;
        created.unwrap();
        if engine == "PostgreSQL" {
            assert_eq!(trips, 3, "its beginning, a statement, and its end");
        }
        assert_eq!(store.find(&partition, &by_id(&one)).await.unwrap().as_ref(), Some(&one));
        let feed = store.feed(&partition).await.unwrap();
        assert_eq!((feed.last_sequence, feed.active, feed.archived), (1, 1, 0), "{engine}");
        let page = store.changes(&partition, PageSize::new(Some(10)).unwrap(), 0).await.unwrap();
        assert_eq!(page.changes.len(), 1);
        assert_eq!(page.changes[0].contact.as_ref(), Some(&one));
        let terms: Vec<i64> = crate::domain::terms::terms(&one).into_iter().collect();
        assert_eq!(store.count(&partition, &terms, 100).await.unwrap(), terms.len());
        // What the name alone is found by.
        let mut nameless = one.clone();
        nameless.fields.name = None;
        let [with, without] =
            [&one, &nameless].map(|contact| crate::domain::terms::search_terms(&partition, contact));
        let searched: Vec<i32> = with.difference(&without).copied().take(2).collect();
        let found = store.candidates(&partition, &Candidates::Search(&searched), 10).await.unwrap();
        assert_eq!(found.len(), 1, "{engine}");

        // What another one has is refused, and nothing of it is there.
        let two = contact(&partition, 2);
        let same_reference = Contact { fields: one.fields.clone(), ..two.clone() };
        match create(&changes, &actor, &same_reference, &[]).await.0 {
            Err(ContactError::ReferenceTaken { existing_id }) => {
                assert_eq!(existing_id.as_ref(), Some(&one.id))
            }
            other => panic!("{engine}: {other:?}"),
        }
        match create(&changes, &actor, &two, &[value("0"), value("b")]).await.0 {
            Err(ContactError::ValueTaken { key, existing_id }) => {
                assert_eq!((key.as_str(), existing_id.as_ref()), ("b", Some(&one.id)), "{engine}");
            }
            other => panic!("{engine}: {other:?}"),
        }
        let judged_by_others = changes.make(&actor, |_| {
            let two = two.clone();
            Box::pin(async move { Ok(Changed::creating((), two, Vec::new()).judged_by(1)) })
        });
        assert!(matches!(judged_by_others.await, Err(ContactError::FieldsChanged)));
        assert_eq!(store.find(&partition, &by_id(&two)).await.unwrap(), None);
        assert_eq!(store.feed(&partition).await.unwrap().last_sequence, 1);

        // Another change: it is found and locked, written, and recorded.
        let change = changes.make(&actor, |work| {
            let (partition, one) = (partition.clone(), one.clone());
            Box::pin(async move {
                let before = work.find(&partition, &by_id(&one)).await?.unwrap();
                let mut after = Contact { version: 2, ..before.clone() };
                after.fields.name = Some("Bea".to_owned());
                after.fields.tags = Vec::new();
                work.update(&partition, &after).await?;
                Ok(Changed::new((), vec![ContactChange::Changed { before, after }]))
            })
        });
        let (changed, trips) = counted(change).await;
        changed.unwrap();
        if engine == "PostgreSQL" {
            assert_eq!(trips, 5);
        }
        let found = store.candidates(&partition, &Candidates::Search(&searched), 10).await.unwrap();
        assert_eq!(found.len(), 0, "{engine}: by its name from before");
        db.close().await;
    }
}
