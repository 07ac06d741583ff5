//! What every store must do, whatever the engine: one suite, run on each.

mod changes;
mod creations;
mod fields;
mod people;
mod policies;
mod statements;
mod together;
mod trips;

use svc_core::clock::Timestamp;

use super::*;
use crate::domain::{
    ContactChange, ContactFields, Filter, JsonText, PAGE_MAX_BYTES, Page, Reader, Sort, Stage, Status,
};
use svc_db::testing::{START, TestEnvironment, idempotency_contract};

#[tokio::test]
async fn sqlite() {
    on(TestEnvironment::sqlite()).await;
}

#[tokio::test]
async fn postgres() {
    on(TestEnvironment::postgres().await).await;
}

/// A store and its writer.
struct Kept {
    store: Arc<dyn Store>,
    writer: Writer,
}

impl std::ops::Deref for Kept {
    type Target = dyn Store;

    fn deref(&self) -> &(dyn Store + 'static) {
        self.store.as_ref()
    }
}

impl Kept {
    async fn open(home: &TestEnvironment) -> (Kept, AnyDb) {
        let (store, writer, db) = open(&home.environment).await.unwrap();
        (Kept { store, writer }, db)
    }

    async fn begin(&self, partition: &Partition) -> Result<Box<dyn Transaction>, StoreError> {
        self.writer.begin(partition).await
    }
}

async fn on(home: TestEnvironment) {
    let (store, db) = Kept::open(&home).await;
    all(&store, &home).await;
    fields::all(&store).await;
    people::all(&store, &db, &home).await;
    idempotency_contract(crate::NAME, &db, &home).await;
    let partition = partition("restart");
    let kept = contact(&partition, 1);
    assert!(insert(&store, &partition, &kept).await);
    db.close().await;
    drop((store, db));

    let (store, db) = Kept::open(&home).await;
    assert_eq!(store.find(&partition, &by_id(&kept)).await.unwrap(), Some(kept));
    db.close().await;
}

/// The suite. Each part has a partition of its own.
async fn all(store: &Kept, home: &TestEnvironment) {
    everything_that_is_kept_comes_back(store, &partition("kept")).await;
    absent_contacts_are_none(store, &partition("absent")).await;
    an_update_writes_all_that_can_change(store, &partition("update")).await;
    a_deleted_contact_is_gone_and_its_reference_is_free(store, &partition("delete")).await;
    a_reference_is_unique_in_its_partition(store, &partition("unique")).await;
    references_compare_byte_by_byte(store, &partition("bytes")).await;
    what_is_not_committed_has_not_happened(store, &partition("rollback")).await;
    a_found_contact_is_locked(store, &partition("lock")).await;
    of_works_that_upsert_at_once_one_inserts(store, &partition("upsert")).await;
    a_page_has_an_end_in_bytes(store, &partition("page bytes")).await;
    the_list_is_newest_first_with_ids_for_ties(store, &partition("order")).await;
    the_list_leaves_out_archived_contacts(store, &partition("archived")).await;
    every_query_sees_its_own_partition_only(store).await;
    together::each_sees_its_own_partition_only(store, home).await;
    changes::all(store).await;
}

fn partition(agent: &str) -> Partition {
    Partition { organization_id: "organization".to_owned(), agent_id: agent.to_owned() }
}

/// A contact whose id is unique over the partitions.
fn contact(partition: &Partition, number: u32) -> Contact {
    let owner = partition.organization_id.bytes().chain(partition.agent_id.bytes());
    let owner = owner.fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    Contact {
        id: format!("{owner:012x}{number:012x}"),
        fields: ContactFields {
            external_reference_id: Some(format!("ref {number}")),
            email: Some("ann@example.com".to_owned()),
            ..ContactFields::default()
        },
        status: Status::Active,
        created_at: START,
        updated_at: START,
        archived_at: None,
        version: 1,
    }
}

fn by_id(contact: &Contact) -> Locator {
    Locator::Id(contact.id.clone())
}

fn by_reference(contact: &Contact) -> Locator {
    Locator::Reference(contact.fields.external_reference_id.clone().unwrap())
}

async fn insert(store: &Kept, partition: &Partition, contact: &Contact) -> bool {
    let mut work = store.begin(partition).await.unwrap();
    let inserted = work.insert(partition, contact).await.unwrap();
    work.commit().await.unwrap();
    inserted
}

async fn list(store: &Kept, partition: &Partition, limit: i32, after: Option<&Contact>) -> Page {
    let (filter, sort) = (Filter::default(), Sort::default());
    let reader = Reader::new(store.store.as_ref(), partition, &filter, sort);
    let after = after.map(|contact| sort.position(contact));
    reader.page(PageSize::new(Some(limit)).unwrap(), after).await.unwrap()
}

async fn everything_that_is_kept_comes_back(store: &Kept, partition: &Partition) {
    let bare = Contact { fields: ContactFields::default(), ..contact(partition, 1) };
    let full = Contact {
        fields: ContactFields {
            external_reference_id: Some("a/b %2F 🙂".to_owned()),
            name: Some("Zoë O'Neil; DROP TABLE contacts".to_owned()),
            email: Some("zoë@example.com".to_owned()),
            mobile_number: Some("+491701234567".to_owned()),
            gender: Some("female".to_owned()),
            stage: Some(Stage::OldCustomer),
            source: Some("website".to_owned()),
            tags: vec!["b".to_owned(), "a".to_owned()],
            notes: Some("one\n\ttwo".to_owned()),
            custom_fields: [("x".to_owned(), JsonText::new(r#"{"list":[1,2.5,"\u0000"],"n":null}"#))].into(),
        },
        status: Status::Archived,
        updated_at: Timestamp(START.0 + 1),
        archived_at: Some(Timestamp(START.0 + 1)),
        version: 7,
        ..contact(partition, 2)
    };
    for contact in [&bare, &full] {
        assert!(insert(store, partition, contact).await);
        assert_eq!(store.find(partition, &by_id(contact)).await.unwrap().as_ref(), Some(contact));
    }
    assert_eq!(store.find(partition, &by_reference(&full)).await.unwrap(), Some(full));
}

async fn absent_contacts_are_none(store: &Kept, partition: &Partition) {
    let absent = contact(partition, 1);
    for locator in [by_id(&absent), by_reference(&absent)] {
        assert_eq!(store.find(partition, &locator).await.unwrap(), None);
        assert_eq!(store.begin(partition).await.unwrap().find(partition, &locator).await.unwrap(), None);
    }
    assert_eq!(list(store, partition, 1, None).await, Page::default());
}

async fn an_update_writes_all_that_can_change(store: &Kept, partition: &Partition) {
    let (before, other) = (contact(partition, 1), contact(partition, 2));
    for contact in [&before, &other] {
        assert!(insert(store, partition, contact).await);
    }
    let after = Contact {
        fields: ContactFields {
            external_reference_id: Some("another".to_owned()),
            name: Some("Ann".to_owned()),
            email: None,
            mobile_number: Some("+491701234567".to_owned()),
            gender: Some("female".to_owned()),
            stage: Some(Stage::Lead),
            source: Some("website".to_owned()),
            tags: vec!["vip".to_owned()],
            notes: Some("notes".to_owned()),
            custom_fields: [("x".to_owned(), JsonText::new("1"))].into(),
        },
        status: Status::Archived,
        updated_at: Timestamp(START.0 + 1),
        archived_at: Some(Timestamp(START.0 + 2)),
        version: 2,
        ..before.clone()
    };
    let mut work = store.begin(partition).await.unwrap();
    assert_eq!(work.find(partition, &by_id(&before)).await.unwrap().as_ref(), Some(&before));
    work.update(partition, &after).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.find(partition, &by_id(&before)).await.unwrap(), Some(after));
    assert_eq!(store.find(partition, &by_id(&other)).await.unwrap(), Some(other));
}

async fn a_deleted_contact_is_gone_and_its_reference_is_free(store: &Kept, partition: &Partition) {
    let (deleted, other) = (contact(partition, 1), contact(partition, 2));
    for contact in [&deleted, &other] {
        assert!(insert(store, partition, contact).await);
    }
    let mut work = store.begin(partition).await.unwrap();
    work.delete(partition, &deleted.id).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.find(partition, &by_id(&deleted)).await.unwrap(), None);
    assert_eq!(store.find(partition, &by_id(&other)).await.unwrap(), Some(other));
    assert!(insert(store, partition, &deleted).await);
}

async fn a_reference_is_unique_in_its_partition(store: &Kept, partition: &Partition) {
    let first = contact(partition, 1);
    let second = Contact { fields: first.fields.clone(), ..contact(partition, 2) };
    assert!(insert(store, partition, &first).await);
    let mut work = store.begin(partition).await.unwrap();
    assert!(!work.insert(partition, &second).await.unwrap());
    // The work goes on: it can say who has the reference, and do something else.
    assert_eq!(work.find(partition, &by_reference(&second)).await.unwrap(), Some(first));
    assert!(work.insert(partition, &contact(partition, 3)).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(store.find(partition, &by_id(&second)).await.unwrap(), None);
    // Contacts without a reference do not get in each other's way.
    for number in [4, 5] {
        let contact = Contact { fields: ContactFields::default(), ..contact(partition, number) };
        assert!(insert(store, partition, &contact).await);
    }
}

async fn references_compare_byte_by_byte(store: &Kept, partition: &Partition) {
    let references = ["a", "A", "a ", " a", "ä", "a\u{308}"];
    for (number, reference) in (1..).zip(references) {
        let mut contact = contact(partition, number);
        contact.fields.external_reference_id = Some(reference.to_owned());
        assert!(insert(store, partition, &contact).await, "{reference:?}");
        let found = store.find(partition, &by_reference(&contact)).await.unwrap();
        assert_eq!(found, Some(contact), "{reference:?}");
    }
}

async fn what_is_not_committed_has_not_happened(store: &Kept, partition: &Partition) {
    let (kept, never) = (contact(partition, 1), contact(partition, 2));
    assert!(insert(store, partition, &kept).await);
    let mut work = store.begin(partition).await.unwrap();
    assert!(work.insert(partition, &never).await.unwrap());
    work.update(partition, &Contact { version: 2, ..kept.clone() }).await.unwrap();
    work.delete(partition, &kept.id).await.unwrap();
    drop(work);
    assert_eq!(store.find(partition, &by_id(&never)).await.unwrap(), None);
    assert_eq!(store.find(partition, &by_id(&kept)).await.unwrap(), Some(kept));
}

/// Works that read and then write the same contact do so one after the other: no change is lost.
async fn a_found_contact_is_locked(store: &Kept, partition: &Partition) {
    const WORKS: i32 = 8;
    let contact = contact(partition, 1);
    assert!(insert(store, partition, &contact).await);
    let change = || async {
        let mut work = store.begin(partition).await.unwrap();
        let mut found = work.find(partition, &by_id(&contact)).await.unwrap().unwrap();
        found.version += 1;
        work.update(partition, &found).await.unwrap();
        work.commit().await.unwrap();
    };
    tokio::join!(change(), change(), change(), change(), change(), change(), change(), change());
    let found = store.find(partition, &by_id(&contact)).await.unwrap().unwrap();
    assert_eq!(found.version, 1 + WORKS);
}

/// A reference that nobody has is inserted by one work and found by the others, which then change it one
/// after the other.
async fn of_works_that_upsert_at_once_one_inserts(store: &Kept, partition: &Partition) {
    const WORKS: u32 = 8;
    for round in 0..10 {
        let upsert = async |number: u32| {
            let mut new = contact(partition, round * WORKS + number);
            new.fields.external_reference_id = Some(format!("round {round}"));
            let mut work = store.begin(partition).await.unwrap();
            let stored = work.insert_or_find(partition, &new).await.unwrap();
            let inserted = stored.id == new.id;
            if !inserted {
                let next = Contact { version: stored.version + 1, ..stored.clone() };
                work.update(partition, &next).await.unwrap();
            }
            work.commit().await.unwrap();
            (stored.id, inserted)
        };
        let outcomes = futures::future::join_all((0..WORKS).map(upsert)).await;
        assert_eq!(outcomes.iter().filter(|(_, inserted)| *inserted).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|(id, _)| *id == outcomes[0].0), "{outcomes:?}");
        let found = store.find(partition, &Locator::Id(outcomes[0].0.clone())).await.unwrap().unwrap();
        assert_eq!(found.version, WORKS as i32);
    }
}

/// The largest contacts that any release has taken make shorter pages, and one that is larger than a page
/// still makes one of its own: nothing is left out and nothing comes twice.
async fn a_page_has_an_end_in_bytes(store: &Kept, partition: &Partition) {
    let large = |number: u32, bytes: usize| {
        let mut contact = contact(partition, number);
        contact.created_at = Timestamp(START.0 - i64::from(number));
        let json = JsonText::new(format!("[{}{{}}]", "{},".repeat(bytes / 3)));
        contact.fields.custom_fields = [("x".to_owned(), json)].into();
        contact
    };
    let sizes = [&[10][..], &[PAGE_MAX_BYTES / 4; 9], &[PAGE_MAX_BYTES * 2], &[10; 40]].concat();
    for (number, bytes) in (1..).zip(&sizes) {
        assert!(insert(store, partition, &large(number, *bytes)).await);
    }
    let mut seen: Vec<Contact> = Vec::new();
    let mut lengths = Vec::new();
    loop {
        let page = list(store, partition, 100, seen.last()).await;
        let bytes: usize = page.contacts.iter().map(Contact::bytes).sum();
        assert!(bytes <= PAGE_MAX_BYTES || page.contacts.len() == 1, "{bytes} bytes");
        lengths.push(page.contacts.len());
        let is_last = page.next.is_none();
        seen.extend(page.contacts);
        if is_last {
            break;
        }
    }
    assert_eq!(lengths, [4, 3, 3, 1, 40]);
    let expected: Vec<Contact> = (1..).zip(&sizes).map(|(number, bytes)| large(number, *bytes)).collect();
    assert!(seen == expected);
}

async fn the_list_is_newest_first_with_ids_for_ties(store: &Kept, partition: &Partition) {
    // Created in an order that is neither that of the times nor that of the ids.
    let times = [(3, 10), (1, 30), (5, 20), (2, 20), (4, 20), (6, 5)];
    for (number, micros) in times {
        let created_at = Timestamp(START.0 + micros);
        assert!(insert(store, partition, &Contact { created_at, ..contact(partition, number) }).await);
    }
    let expected = [1, 5, 4, 2, 3, 6].map(|number| contact(partition, number).id);
    for limit in [1, 2, 3, 5, 6, 100] {
        let mut seen: Vec<Contact> = Vec::new();
        loop {
            let page = list(store, partition, limit, seen.last()).await;
            let is_last = page.next.is_none();
            assert!(is_last || page.contacts.len() == limit as usize, "pages before the last are full");
            seen.extend(page.contacts);
            if is_last {
                break;
            }
        }
        let seen: Vec<&str> = seen.iter().map(|contact| contact.id.as_str()).collect();
        assert_eq!(seen, expected, "limit {limit}");
    }
}

async fn the_list_leaves_out_archived_contacts(store: &Kept, partition: &Partition) {
    let active = contact(partition, 1);
    let archived = Contact { status: Status::Archived, archived_at: Some(START), ..contact(partition, 2) };
    for contact in [&active, &archived] {
        assert!(insert(store, partition, contact).await);
    }
    assert_eq!(list(store, partition, 10, None).await.contacts, [active]);
}

async fn every_query_sees_its_own_partition_only(store: &Kept) {
    let mine = partition("isolation");
    let contact = contact(&mine, 1);
    assert!(insert(store, &mine, &contact).await);
    let theirs = [
        Partition { agent_id: "another agent".to_owned(), ..mine.clone() },
        Partition { organization_id: "another organization".to_owned(), ..mine.clone() },
    ];
    for (number, theirs) in (2..).zip(&theirs) {
        for locator in [by_id(&contact), by_reference(&contact)] {
            assert_eq!(store.find(theirs, &locator).await.unwrap(), None);
            assert_eq!(store.begin(theirs).await.unwrap().find(theirs, &locator).await.unwrap(), None);
        }
        assert_eq!(list(store, theirs, 10, None).await.contacts, []);
        let mut work = store.begin(theirs).await.unwrap();
        work.update(theirs, &Contact { version: 9, ..contact.clone() }).await.unwrap();
        work.delete(theirs, &contact.id).await.unwrap();
        work.commit().await.unwrap();
        // The same reference is free there, and what has it stays apart.
        let same_reference = Contact { fields: contact.fields.clone(), ..self::contact(theirs, number) };
        assert!(insert(store, theirs, &same_reference).await);
        let found = store.find(theirs, &by_reference(&contact)).await.unwrap();
        assert_eq!(found, Some(same_reference));
    }
    assert_eq!(list(store, &mine, 10, None).await.contacts, std::slice::from_ref(&contact));
    for locator in [by_id(&contact), by_reference(&contact)] {
        assert_eq!(store.find(&mine, &locator).await.unwrap().as_ref(), Some(&contact));
    }
}
