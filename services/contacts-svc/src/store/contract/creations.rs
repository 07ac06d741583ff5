//! Contacts that are created at the same moment: in one transaction, and each is told what became of it.

use std::collections::BTreeSet;

use futures::future::join_all;
use futures::poll;
use svc_core::idempotency::{IdempotentCall, Kept as KeptAnswer, Repeat, RequestDigest};

use super::trips::changes;
use super::*;
use crate::change::Newcomer;
use crate::domain::{Actor, UniqueValue};
use crate::error::ContactError;

fn actor(partition: &Partition) -> Actor {
    Actor { partition: partition.clone(), actor_id: "key".to_owned(), request_id: None, member: None }
}

fn value(digest: &str) -> UniqueValue {
    UniqueValue { key: "code".to_owned(), digest: digest.as_bytes().to_vec() }
}

fn call(key: &str, body: &str) -> IdempotentCall {
    let digest = RequestDigest::of(key, "POST", "/contacts", None, body.as_bytes());
    IdempotentCall { organization_id: "organization".to_owned(), subject: "key/k".to_owned(), digest }
}

/// A contact with this reference, an empty one for none, and this value.
fn newcomer(partition: &Partition, number: u32, reference: &str, unique: &str) -> Newcomer {
    let mut contact = contact(partition, number);
    contact.fields.external_reference_id = (!reference.is_empty()).then(|| reference.to_owned());
    contact.fields.name = Some(format!("Ann {number}"));
    contact.fields.tags = vec!["vip".to_owned()];
    let values = if unique.is_empty() { Vec::new() } else { vec![value(unique)] };
    Newcomer { contact, values, judged_by: 0, once: None }
}

fn once(newcomer: Newcomer, call: IdempotentCall) -> Newcomer {
    let kept = KeptAnswer::answer(newcomer.contact.id.clone().into_bytes(), Some(&newcomer.contact.id));
    Newcomer { once: Some((call, kept)), ..newcomer }
}

/// How many contacts were created or refused in a transaction with others.
fn batched(home: &TestEnvironment) -> u64 {
    let metrics = home.environment.metrics.encode().unwrap();
    let count = metrics.lines().find_map(|line| line.strip_prefix("contacts_creates_batched_total"));
    count.unwrap().trim().parse().unwrap()
}

/// What a caller was told, in short.
fn told(result: &Result<(), ContactError>) -> String {
    let id = |id: &Option<String>| id.as_deref().map_or("nobody".to_owned(), str::to_owned);
    match result {
        Ok(()) => "created".to_owned(),
        Err(ContactError::ReferenceTaken { existing_id }) => format!("reference of {}", id(existing_id)),
        Err(ContactError::ValueTaken { key, existing_id }) => format!("{key} of {}", id(existing_id)),
        Err(ContactError::Repeated(Repeat::InProgress)) => "in progress".to_owned(),
        Err(ContactError::Repeated(Repeat::Reused)) => "reused".to_owned(),
        Err(ContactError::FieldsChanged) => "fields changed".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// All changes of an agent are numbered without a gap, and each of these contacts is found in every way.
async fn each_is_whole(store: &dyn Store, partition: &Partition, created: &[&Contact], before: usize) {
    let feed = store.feed(partition).await.unwrap();
    let all = created.len() + before;
    assert_eq!((feed.last_sequence, feed.active), (all as i64, all as i64));
    let page = store.changes(partition, PageSize::new(Some(100)).unwrap(), 0).await.unwrap();
    let numbers: Vec<i64> = page.changes.iter().map(|change| change.sequence).collect();
    assert_eq!(numbers, (1..=all as i64).collect::<Vec<_>>());
    let mut told: Vec<&str> = page.changes.iter().map(|change| change.contact_id.as_str()).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), all, "each contact once");
    for contact in created {
        assert_eq!(store.find(partition, &by_id(contact)).await.unwrap().as_ref(), Some(*contact));
        let terms: Vec<i64> = crate::domain::terms::terms(contact).into_iter().collect();
        assert!(store.count(partition, &terms, 100).await.unwrap() >= terms.len());
        let searched: Vec<i32> = crate::domain::terms::search_terms(partition, contact).into_iter().collect();
        let found = store.candidates(partition, &Candidates::Search(&searched), 100).await.unwrap();
        assert!(!found.is_empty(), "{contact:?}");
    }
}

#[tokio::test]
async fn each_is_told_what_became_of_it() {
    for (engine, home) in TestEnvironment::each().await {
        let (Kept { store, writer }, db) = Kept::open(&home).await;
        let p = partition("creations");
        let mut held = writer.begin(&p).await.unwrap();
        held.lock_writes(&p).await.unwrap();
        let changes = changes(&home, &db, writer);
        let actor = actor(&p);
        // Each with what it is told. Another one has the reference `there` and the value `there`.
        let there = newcomer(&p, 1, "there", "there");
        let id = |number: u32| contact(&p, number).id;
        let table = [
            (newcomer(&p, 2, "a", ""), "created".to_owned()),
            (newcomer(&p, 3, "b", "b"), "created".to_owned()),
            (newcomer(&p, 4, "c", ""), "created".to_owned()),
            (newcomer(&p, 5, "there", ""), format!("reference of {}", id(1))),
            (newcomer(&p, 6, "d", "there"), format!("code of {}", id(1))),
            (newcomer(&p, 7, "there", "there"), format!("reference of {}", id(1))),
            (newcomer(&p, 8, "", ""), "created".to_owned()),
            (newcomer(&p, 9, "", ""), "created".to_owned()),
            // What one before it wants, too.
            (newcomer(&p, 10, "b", ""), format!("reference of {}", id(3))),
            (newcomer(&p, 11, "e", "b"), format!("code of {}", id(3))),
            (once(newcomer(&p, 12, "f", ""), call("one", "{}")), "created".to_owned()),
            (once(newcomer(&p, 13, "g", ""), call("two", "{}")), "created".to_owned()),
            (once(newcomer(&p, 14, "f", ""), call("one", "{}")), "in progress".to_owned()),
            (once(newcomer(&p, 15, "h", ""), call("two", "{ }")), "reused".to_owned()),
            // What is refused is not kept.
            (once(newcomer(&p, 16, "there", ""), call("three", "{}")), format!("reference of {}", id(1))),
            (newcomer(&p, 17, "'\"\\ {}\u{1f}", ""), "created".to_owned()),
        ];
        let (newcomers, expected): (Vec<_>, Vec<_>) = table.into_iter().unzip();
        let contacts: Vec<Contact> = newcomers.iter().map(|newcomer| newcomer.contact.clone()).collect();
        held.create(&p, "key", &there.contact, &there.values).await.unwrap();
        let creates = newcomers.into_iter().map(|newcomer| changes.create(&actor, newcomer));
        // All are there before the first one can go on.
        let (results, ()) = tokio::join!(join_all(creates), async { held.commit().await.unwrap() });
        let results: Vec<String> = results.iter().map(told).collect();
        assert_eq!(results, expected, "{engine}");
        assert!(batched(&home) >= 10, "{engine}: {} were created together", batched(&home));
        let created: Vec<&Contact> = contacts
            .iter()
            .zip(&results)
            .filter(|(_, told)| *told == "created")
            .map(|(contact, _)| contact)
            .collect();
        each_is_whole(&*store, &p, &created, 1).await;
        for (key, answer) in [("one", Some(id(12))), ("two", Some(id(13))), ("three", None)] {
            let kept = changes.kept(&call(key, "{}")).await.unwrap();
            let answer = answer.map(|id| KeptAnswer::answer(id.clone().into_bytes(), Some(&id)));
            assert_eq!(kept, answer, "{engine}, {key}");
        }
        db.close().await;
    }
}

/// Where a batch cannot be written as a whole, each goes by itself.
#[tokio::test]
async fn what_is_wrong_with_one_is_told_to_that_one() {
    for (engine, home) in TestEnvironment::each().await {
        let (Kept { store, writer }, db) = Kept::open(&home).await;
        let p = partition("creations");
        let mut held = writer.begin(&p).await.unwrap();
        held.lock_writes(&p).await.unwrap();
        let changes = changes(&home, &db, writer);
        let actor = actor(&p);
        let mut newcomers: Vec<Newcomer> =
            (1..=8).map(|number| newcomer(&p, number, &format!("ref {number}"), "")).collect();
        // Judged by fields that are not those of the agent, and with an id that another one has.
        newcomers[3].judged_by = 7;
        newcomers[5].contact.id = newcomers[1].contact.id.clone();
        let contacts: Vec<Contact> = newcomers.iter().map(|newcomer| newcomer.contact.clone()).collect();
        let creates = newcomers.into_iter().map(|newcomer| changes.create(&actor, newcomer));
        let (results, ()) = tokio::join!(join_all(creates), async { held.commit().await.unwrap() });
        let refused: Vec<usize> = (0..8).filter(|place| results[*place].is_err()).collect();
        assert!(refused == [3, 5] || refused == [1, 3], "{engine}: {results:?}");
        assert_eq!(told(&results[3]), "fields changed", "{engine}");
        let created: Vec<&Contact> = contacts
            .iter()
            .enumerate()
            .filter(|(place, _)| !refused.contains(place))
            .map(|(_, contact)| contact)
            .collect();
        each_is_whole(&*store, &p, &created, 0).await;
        db.close().await;
    }
}

/// Whoever goes away while they wait is not created, and nobody waits for them.
#[tokio::test]
async fn who_goes_away_is_not_created() {
    for (engine, home) in TestEnvironment::each().await {
        let (Kept { store, writer }, db) = Kept::open(&home).await;
        let p = partition("creations");
        let mut held = writer.begin(&p).await.unwrap();
        held.lock_writes(&p).await.unwrap();
        let changes = changes(&home, &db, writer);
        let actor = actor(&p);
        let newcomers: Vec<Newcomer> =
            (1..=9).map(|number| newcomer(&p, number, &format!("ref {number}"), "")).collect();
        let contacts: Vec<Contact> = newcomers.iter().map(|newcomer| newcomer.contact.clone()).collect();
        let mut stay = Vec::new();
        let mut go = Vec::new();
        for (place, newcomer) in newcomers.into_iter().enumerate() {
            let mut create = Box::pin(changes.create(&actor, newcomer));
            assert!(poll!(&mut create).is_pending());
            // The first one, whose turn it is, too.
            if place % 2 == 0 { go.push(create) } else { stay.push(create) }
        }
        drop(go);
        let (results, ()) = tokio::join!(join_all(stay), async { held.commit().await.unwrap() });
        assert!(results.iter().all(Result::is_ok), "{engine}: {results:?}");
        let created: Vec<&Contact> = contacts.iter().skip(1).step_by(2).collect();
        each_is_whole(&*store, &p, &created, 0).await;
        // The next one finds nobody before it.
        changes.create(&actor, newcomer(&p, 10, "ref 10", "")).await.unwrap();
        assert_eq!(store.feed(&p).await.unwrap().last_sequence, 5, "{engine}");
        db.close().await;
    }
}

/// Batches of two replicas that want the same get past each other: of each reference and each value there is one.
#[tokio::test]
async fn of_the_same_in_two_replicas_one_is_created() {
    const EACH: u32 = 60;
    let home = TestEnvironment::postgres().await;
    let p = partition("creations");
    let actor = actor(&p);
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let (Kept { store, writer }, db) = Kept::open(&home).await;
        replicas.push((changes(&home, &db, writer), store, db));
    }
    let mut creates = Vec::new();
    for (place, (changes, ..)) in (0..).zip(&replicas) {
        for number in 0..EACH {
            // The second one goes the other way round, and some of its references want values of others.
            let of = if place == 0 { number } else { EACH - 1 - number };
            let wants = of % 3 == 0;
            let unique = if wants { format!("value {}", (of + 3 * place) % EACH) } else { String::new() };
            let reference = format!("ref {of:02}");
            let newcomer = newcomer(&p, place * 1_000 + number, &reference, &unique);
            let actor = &actor;
            creates.push(async move { (reference, unique, changes.create(actor, newcomer).await) });
        }
    }
    let results = join_all(creates).await;
    let mut references = BTreeSet::new();
    let mut values = BTreeSet::new();
    for (reference, unique, result) in &results {
        match result {
            Ok(()) => {
                assert!(references.insert(reference), "{reference} is there twice");
                assert!(unique.is_empty() || values.insert(unique), "{unique} is there twice");
            }
            Err(ContactError::ReferenceTaken { existing_id: Some(_) }) => {}
            Err(ContactError::ValueTaken { existing_id: Some(_), .. }) => assert!(!unique.is_empty()),
            Err(error) => panic!("{reference}: {error:?}"),
        }
    }
    // Where both want no value, one of the two is there.
    let others = results.iter().filter(|(_, unique, _)| unique.is_empty());
    assert!(others.map(|(reference, ..)| reference).all(|reference| references.contains(reference)));
    let (feed, all) = (replicas[0].1.feed(&p).await.unwrap(), references.len() as i64);
    assert_eq!((feed.last_sequence, feed.active), (all, all));
    assert!(batched(&home) > 0);
    for (.., db) in &replicas {
        db.close().await;
    }
}
