//! Possible duplicates, and what is kept of people beside their contacts.

use svc_core::idempotency::{IdempotentCall, Kept as KeptAnswer, RequestDigest};
use svc_db::IdempotencyRecords;

use super::*;
use crate::domain::{DUPLICATES_MAX, Reachable};

pub(super) async fn all(store: &Kept, db: &AnyDb, home: &TestEnvironment) {
    others_with_the_same_address_or_number(store, &partition("alike")).await;
    looks_arrive_together(store, home).await;
    people_are_locked(store, &partition("people")).await;
    answers_forget_a_deleted_contact(store, &partition("answers"), db, home).await;
    archived_contacts_expire(store, &partition("expiry")).await;
    the_history_of_one_contact(store, &partition("history")).await;
}

fn by(email: Option<&str>, number: Option<&str>) -> Reachable {
    Reachable { email_key: email.map(str::to_owned), mobile_number: number.map(str::to_owned) }
}

fn reachable(partition: &Partition, number: u32, email: Option<&str>, mobile: Option<&str>) -> Contact {
    let mut contact = contact(partition, number);
    contact.created_at = Timestamp(START.0 + i64::from(number));
    contact.fields.email = email.map(str::to_owned);
    contact.fields.mobile_number = mobile.map(str::to_owned);
    contact
}

async fn others_with_the_same_address_or_number(store: &Kept, partition: &Partition) {
    const NUMBER: &str = "+491701234567";
    let contacts = [
        reachable(partition, 3, Some("Ann@Example.com"), None),
        reachable(partition, 1, Some("ann@example.com"), Some(NUMBER)),
        reachable(partition, 2, None, Some(NUMBER)),
        reachable(partition, 4, Some("bob@example.com"), Some("+491701234568")),
    ];
    for contact in &contacts {
        assert!(insert(store, partition, contact).await);
    }
    let found = async |by: Reachable| {
        let found = store.alike(partition, &by).await.unwrap();
        assert_eq!(store.begin(partition).await.unwrap().alike(partition, &by).await.unwrap(), found);
        found
            .into_iter()
            .map(|other| (other.external_reference_id.clone().unwrap(), other.matched_by()))
            .collect::<Vec<_>>()
    };
    let of = |number: u32, by: &[&'static str]| (format!("ref {number}"), by.to_vec());
    let both = [of(1, &["email", "mobileNumber"]), of(2, &["mobileNumber"]), of(3, &["email"])];
    assert_eq!(found(by(Some("ann@example.com"), Some(NUMBER))).await, both);
    assert_eq!(found(by(Some("ann@example.com"), None)).await, [of(1, &["email"]), of(3, &["email"])]);
    assert_eq!(found(by(None, Some(NUMBER))).await, [of(1, &["mobileNumber"]), of(2, &["mobileNumber"])]);
    assert_eq!(found(by(Some("Ann@Example.com"), None)).await, [], "asked for by what it is compared by");
    assert_eq!(found(by(None, None)).await, []);
    // An address that changes is compared as it is now.
    let mut work = store.begin(partition).await.unwrap();
    let moved = Contact { fields: contacts[3].fields.clone(), ..contacts[0].clone() };
    let moved = Contact { fields: ContactFields { external_reference_id: None, ..moved.fields }, ..moved };
    work.update(partition, &moved).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(found(by(Some("ann@example.com"), None)).await, [of(1, &["email"])]);
    // There is an end to it.
    for number in 10..30 {
        assert!(
            insert(store, partition, &reachable(partition, number, Some("many@example.com"), None)).await
        );
    }
    let many = found(by(Some("many@example.com"), None)).await;
    let expected: Vec<_> = (10..).map(|number| of(number, &["email"])).take(DUPLICATES_MAX + 1).collect();
    assert_eq!(many, expected);
    let elsewhere = Partition { organization_id: "other".to_owned(), ..partition.clone() };
    assert_eq!(store.alike(&elsewhere, &by(Some("ann@example.com"), None)).await.unwrap(), []);
}

/// Looks that are made at once find what each finds by itself, of its own agent only.
async fn looks_arrive_together(store: &Kept, home: &TestEnvironment) {
    const NUMBER: &str = "+491701234569";
    const ADDRESS: &str = "\"], [\\@example.com";
    let mine = partition("looks");
    let theirs = [
        Partition { agent_id: "another of looks".to_owned(), ..mine.clone() },
        Partition { organization_id: "another of looks".to_owned(), ..mine.clone() },
    ];
    for partition in [&mine, &theirs[0], &theirs[1]] {
        for (number, address, mobile) in
            [(1, Some(ADDRESS), Some(NUMBER)), (2, Some(ADDRESS), None), (3, None, Some(NUMBER))]
        {
            assert!(insert(store, partition, &reachable(partition, number, address, mobile)).await);
        }
    }
    for number in 10..30 {
        assert!(insert(store, &mine, &reachable(&mine, number, Some("many@example.com"), None)).await);
    }
    let wanted = [
        by(Some(ADDRESS), Some(NUMBER)),
        by(Some(ADDRESS), None),
        by(None, Some(NUMBER)),
        by(Some("many@example.com"), Some(NUMBER)),
        by(Some("nobody@example.com"), Some("null")),
        by(None, None),
    ];
    let asked: Vec<(&Partition, &Reachable)> = [&mine, &theirs[0], &theirs[1]]
        .into_iter()
        .flat_map(|partition| wanted.iter().map(move |by| (partition, by)))
        .collect();
    let mut expected = Vec::new();
    for (partition, by) in &asked {
        expected.push(store.begin(partition).await.unwrap().alike(partition, by).await.unwrap());
    }
    assert_eq!((expected[0].len(), expected[3].len(), expected[4].len()), (3, DUPLICATES_MAX + 1, 0));
    let batched = || {
        let metrics = home.environment.metrics.encode().unwrap();
        let name = "contacts_looks_for_people_batched_total";
        let count = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        count.trim().parse::<u64>().unwrap()
    };
    let mut rounds = 0;
    while rounds == 0 || batched() == 0 {
        assert!(rounds < 1_000, "they never arrived together");
        rounds += 1;
        let looks = asked.iter().map(|(partition, by)| store.alike(partition, by));
        let found: Vec<_> = futures::future::join_all(looks).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(found, expected);
    }
}

/// Of works that look for the same person and add one where there is none, one adds it.
async fn people_are_locked(store: &Kept, partition: &Partition) {
    for round in 0..5 {
        let works = (0..8).map(|number| async move {
            let contact = reachable(
                partition,
                round * 8 + number,
                Some(&format!("{round}@example.com")),
                Some("+4917012345"),
            );
            let by = Reachable::of(&contact.fields);
            let by = if number % 2 == 0 { by } else { Reachable { mobile_number: None, ..by } };
            let mut work = store.begin(partition).await.unwrap();
            work.lock_people(partition, &by).await.unwrap();
            let email = Reachable { mobile_number: None, ..by };
            let is_alone = work.alike(partition, &email).await.unwrap().is_empty();
            if is_alone {
                assert!(work.insert(partition, &contact).await.unwrap());
            }
            work.commit().await.unwrap();
            is_alone
        });
        let outcomes = futures::future::join_all(works).await;
        assert_eq!(outcomes.iter().filter(|added| **added).count(), 1, "{outcomes:?}");
    }
}

async fn answers_forget_a_deleted_contact(
    store: &Kept,
    partition: &Partition,
    db: &AnyDb,
    home: &TestEnvironment,
) {
    let tasks = home.environment.supervisor.of("answers");
    let records = IdempotencyRecords::new("answers", db.clone(), &home.environment, &tasks);
    let call = |key: &str| IdempotentCall {
        organization_id: partition.organization_id.clone(),
        subject: "key/answers".to_owned(),
        digest: RequestDigest::of(key, "POST", "/", None, b"{}"),
    };
    let answer = |id: &str| KeptAnswer::Answer { message: b"personal".to_vec(), id: Some(id.to_owned()) };
    for id in ["deleted", "kept"] {
        let mut work = store.begin(partition).await.unwrap();
        records.keep(work.records(), (call(id), answer(id))).await.unwrap().unwrap();
        work.commit().await.unwrap();
    }
    let mut work = store.begin(partition).await.unwrap();
    work.forget_answers(partition, "deleted").await.unwrap();
    work.commit().await.unwrap();
    let forgotten = KeptAnswer::Withheld { id: Some("deleted".to_owned()) };
    assert_eq!(records.find(&call("deleted")).await.unwrap().unwrap(), Some(forgotten));
    assert_eq!(records.find(&call("kept")).await.unwrap().unwrap(), Some(answer("kept")));
    tasks.stop().await;
}

async fn archived_contacts_expire(store: &Kept, partition: &Partition) {
    for (number, archived_at) in [(1, Some(30)), (2, Some(10)), (3, None), (4, Some(20)), (5, Some(31))] {
        let mut contact = contact(partition, number);
        if let Some(at) = archived_at {
            // Before everything that other parts of the suite archive.
            (contact.status, contact.archived_at) = (Status::Archived, Some(Timestamp(at)));
        }
        assert!(insert(store, partition, &contact).await);
    }
    let of = |number: u32| (partition.clone(), contact(partition, number).id);
    assert_eq!(store.expired(Timestamp(30), 10).await.unwrap(), [of(2), of(4), of(1)]);
    assert_eq!(store.expired(Timestamp(30), 2).await.unwrap(), [of(2), of(4)]);
    assert_eq!(store.expired(Timestamp(9), 10).await.unwrap(), []);
}

async fn the_history_of_one_contact(store: &Kept, partition: &Partition) {
    let (one, other) = (contact(partition, 1), contact(partition, 2));
    let archived = Contact { status: Status::Archived, version: 2, ..one.clone() };
    for change in [
        ContactChange::Created(one.clone()),
        ContactChange::Created(other.clone()),
        ContactChange::Changed { before: one.clone(), after: archived },
    ] {
        let mut work = store.begin(partition).await.unwrap();
        work.append_changes(partition, "actor", &[change]).await.unwrap();
        work.commit().await.unwrap();
    }
    let history = store.history(partition, &one.id).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|change| (change.kind.as_str(), change.version, change.actor_id.as_deref()))
        .collect();
    assert_eq!(told, [("CREATED", 1, Some("actor")), ("ARCHIVED", 2, Some("actor"))]);
    let elsewhere = Partition { agent_id: "other".to_owned(), ..partition.clone() };
    assert_eq!(store.history(&elsewhere, &one.id).await.unwrap(), []);
}
