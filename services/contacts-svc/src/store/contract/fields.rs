//! Declared fields and unique values.

use std::time::Duration;

use super::*;
use crate::domain::{FieldSet, FieldType, UniqueValue};

pub(super) async fn all(store: &Kept) {
    fields_come_back_in_their_order(store, &partition("fields")).await;
    the_revision_stands_beside_the_feed(store, &partition("revision")).await;
    a_value_belongs_to_one_contact(store, &partition("values")).await;
    of_works_that_take_a_value_at_once_one_has_it(store, &partition("taking")).await;
    values_go_with_their_contact(store, &partition("going")).await;
    all_values_of_a_field_are_found(store, &partition("all values")).await;
    writes_wait_for_the_fields(store, &partition("waiting")).await;
}

fn set(revision: i64, keys: &[&str]) -> FieldSet {
    let field = |key: &&str| {
        let declaration = crate::domain::Declaration {
            key: Some((*key).to_owned()),
            title: Some("Zoë's \"size\" 🙂".to_owned()),
            kind: Some(FieldType::Number),
            minimum: Some(0.1),
            default: Some(JsonText::new("1e3")),
            ..Default::default()
        };
        declaration.declare(crate::domain::Phones::default(), START).unwrap()
    };
    FieldSet { revision, fields: keys.iter().map(field).collect() }
}

fn value(text: &str) -> UniqueValue {
    UniqueValue { key: "code".to_owned(), digest: text.as_bytes().to_vec() }
}

async fn write(store: &Kept, partition: &Partition, set: &FieldSet) {
    let mut work = store.begin(partition).await.unwrap();
    work.lock_writes(partition).await.unwrap();
    work.write_field_set(partition, set).await.unwrap();
    work.commit().await.unwrap();
}

/// Takes a value for a contact, in a work of its own.
async fn take(store: &Kept, partition: &Partition, text: &str, contact: &Contact) -> Option<String> {
    let mut work = store.begin(partition).await.unwrap();
    let holder = work.take_value(partition, &value(text), &contact.id).await.unwrap();
    work.commit().await.unwrap();
    holder
}

async fn fields_come_back_in_their_order(store: &Kept, partition: &Partition) {
    assert_eq!(store.field_set(partition).await.unwrap(), FieldSet::default());
    for set in [set(1, &["b", "a", "c"]), set(2, &["c"]), set(3, &[])] {
        write(store, partition, &set).await;
        assert_eq!(store.field_set(partition).await.unwrap(), set);
        assert_eq!(store.begin(partition).await.unwrap().field_set(partition).await.unwrap(), set);
    }
    let other = Partition { organization_id: "other".to_owned(), ..partition.clone() };
    assert_eq!(store.field_set(&other).await.unwrap(), FieldSet::default());
}

async fn the_revision_stands_beside_the_feed(store: &Kept, partition: &Partition) {
    let revision = async |number: u32| {
        let contact = contact(partition, number);
        let mut work = store.begin(partition).await.unwrap();
        assert!(work.insert(partition, &contact).await.unwrap());
        let changes = [ContactChange::Created(contact)];
        let revision = work.append_changes(partition, "actor", &changes).await.unwrap();
        work.commit().await.unwrap();
        revision
    };
    assert_eq!(revision(1).await, 0);
    write(store, partition, &set(1, &["a"])).await;
    assert_eq!(revision(2).await, 1);
    write(store, partition, &set(2, &[])).await;
    assert_eq!(revision(3).await, 2);
    // It counts as no change.
    assert_eq!(store.feed(partition).await.unwrap().last_sequence, 3);
}

async fn a_value_belongs_to_one_contact(store: &Kept, partition: &Partition) {
    let (one, other) = (contact(partition, 1), contact(partition, 2));
    for contact in [&one, &other] {
        assert!(insert(store, partition, contact).await);
    }
    assert_eq!(take(store, partition, "a", &one).await, None);
    assert_eq!(take(store, partition, "a", &one).await, None, "it has it already");
    assert_eq!(take(store, partition, "a", &other).await, Some(one.id.clone()));
    assert_eq!(take(store, partition, "b", &other).await, None);
    // Who has it not cannot give it up.
    for (contact, holder) in [(&other, Some(one.id.clone())), (&one, None)] {
        let mut work = store.begin(partition).await.unwrap();
        work.release_value(partition, &value("a"), &contact.id).await.unwrap();
        work.commit().await.unwrap();
        let mut work = store.begin(partition).await.unwrap();
        assert_eq!(work.take_value(partition, &value("a"), &other.id).await.unwrap(), holder);
    }
    let mut work = store.begin(partition).await.unwrap();
    work.release_field(partition, "code").await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(take(store, partition, "b", &one).await, None);
}

async fn of_works_that_take_a_value_at_once_one_has_it(store: &Kept, partition: &Partition) {
    const WORKS: u32 = 8;
    for number in 0..WORKS {
        assert!(insert(store, partition, &contact(partition, number)).await);
    }
    for round in 0..5 {
        let text = format!("round {round}");
        let takes = (0..WORKS).map(|number| {
            let contact = contact(partition, number);
            let text = text.clone();
            async move { (take(store, partition, &text, &contact).await, contact.id) }
        });
        let outcomes = futures::future::join_all(takes).await;
        let winners: Vec<&String> =
            outcomes.iter().filter(|(holder, _)| holder.is_none()).map(|(_, id)| id).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let agree = |holder: &Option<String>| holder.as_ref().is_none_or(|holder| holder == winners[0]);
        assert!(outcomes.iter().all(|(holder, _)| agree(holder)), "{outcomes:?}");
    }
}

async fn values_go_with_their_contact(store: &Kept, partition: &Partition) {
    let (gone, next) = (contact(partition, 1), contact(partition, 2));
    for contact in [&gone, &next] {
        assert!(insert(store, partition, contact).await);
    }
    assert_eq!(take(store, partition, "a", &gone).await, None);
    let mut work = store.begin(partition).await.unwrap();
    work.delete(partition, &gone.id).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(take(store, partition, "a", &next).await, None);
}

async fn all_values_of_a_field_are_found(store: &Kept, partition: &Partition) {
    // More than are read at once, of both kinds, and some without a value.
    const CONTACTS: u32 = 1_203;
    let mut work = store.begin(partition).await.unwrap();
    for number in 0..CONTACTS {
        let mut contact = contact(partition, number);
        contact.created_at = Timestamp(START.0 + i64::from(number % 7));
        if number % 2 == 0 {
            (contact.status, contact.archived_at) = (Status::Archived, Some(START));
        }
        let name = if number % 3 == 0 { "size" } else { "sizes" };
        contact.fields.custom_fields = [(name.to_owned(), JsonText::new(number.to_string()))].into();
        assert!(work.insert(partition, &contact).await.unwrap());
    }
    work.commit().await.unwrap();
    let mut found = Vec::new();
    let mut after = Some(ValuesAfter::START);
    while let Some(at) = after.take() {
        let (values, next) = store.stored_values(partition, "size", &at).await.unwrap();
        let (same, _) =
            store.begin(partition).await.unwrap().stored_values(partition, "size", &at).await.unwrap();
        assert_eq!(values, same);
        found.extend(values.into_iter().map(|value| value.json.parse::<u32>().unwrap()));
        after = next;
    }
    found.sort_unstable();
    assert_eq!(found, (0..CONTACTS).filter(|number| number % 3 == 0).collect::<Vec<_>>());
}

/// A contact that is written while the fields change is committed after them, and learns of it.
async fn writes_wait_for_the_fields(store: &Kept, partition: &Partition) {
    write(store, partition, &set(1, &["a"])).await;
    let mut fields = store.begin(partition).await.unwrap();
    fields.lock_writes(partition).await.unwrap();
    fields.write_field_set(partition, &set(2, &[])).await.unwrap();
    let contact = async {
        let contact = contact(partition, 1);
        let mut work = store.begin(partition).await.unwrap();
        assert!(work.insert(partition, &contact).await.unwrap());
        let changes = [ContactChange::Created(contact)];
        work.append_changes(partition, "actor", &changes).await.unwrap()
    };
    let mut contact = std::pin::pin!(contact);
    let early = tokio::time::timeout(Duration::from_millis(200), contact.as_mut()).await;
    assert!(early.is_err(), "it does not wait");
    fields.commit().await.unwrap();
    assert_eq!(contact.await, 2);
}
