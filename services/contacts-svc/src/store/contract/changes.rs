//! The feed of changes.

use svc_core::clock::Timestamp;

use super::*;
use crate::domain::{ChangeKind, Feed};

pub(super) async fn all(store: &Kept) {
    changes_are_told_in_order(store, &partition("changes")).await;
    numbers_have_no_gaps_while_many_write(store, &partition("changes at once")).await;
    what_is_undone_has_no_number(store, &partition("changes undone")).await;
    old_changes_are_deleted_from_the_beginning(store, &partition("changes pruned")).await;
}

async fn append(store: &Kept, partition: &Partition, changes: &[ContactChange]) {
    let mut work = store.begin(partition).await.unwrap();
    work.append_changes(partition, "actor", changes).await.unwrap();
    work.commit().await.unwrap();
}

async fn read(store: &Kept, partition: &Partition, after: i64, limit: i32) -> ChangesPage {
    store.changes(partition, PageSize::new(Some(limit)).unwrap(), after).await.unwrap()
}

async fn changes_are_told_in_order(store: &Kept, partition: &Partition) {
    assert_eq!(store.feed(partition).await.unwrap(), Feed::default());
    assert_eq!(read(store, partition, 0, 10).await, ChangesPage::default());
    let active = contact(partition, 1);
    let archived = Contact { status: Status::Archived, version: 2, ..active.clone() };
    let (kept, at) = (contact(partition, 2), Timestamp(START.0 + 9));
    assert!(insert(store, partition, &kept).await);
    let changed = |before: &Contact, after: &Contact| ContactChange::Changed {
        before: before.clone(),
        after: after.clone(),
    };
    append(store, partition, &[ContactChange::Created(active.clone()), ContactChange::Created(kept.clone())])
        .await;
    append(store, partition, &[changed(&active, &archived)]).await;
    append(store, partition, &[changed(&archived, &Contact { version: 3, ..archived.clone() })]).await;
    append(store, partition, &[changed(&archived, &Contact { version: 4, ..active.clone() })]).await;
    append(
        store,
        partition,
        &[ContactChange::Deleted { before: Contact { version: 4, ..active.clone() }, at }],
    )
    .await;

    let feed = store.feed(partition).await.unwrap();
    assert_eq!(feed, Feed { last_sequence: 6, pruned_sequence: 0, active: 1, archived: 0 });
    let expected = [
        (1, ChangeKind::Created, &active, 1, START),
        (2, ChangeKind::Created, &kept, 1, START),
        (3, ChangeKind::Archived, &active, 2, START),
        (4, ChangeKind::Updated, &active, 3, START),
        (5, ChangeKind::Unarchived, &active, 4, START),
        (6, ChangeKind::Deleted, &active, 5, at),
    ];
    for limit in [1, 2, 5, 6, 100] {
        let mut seen = Vec::new();
        loop {
            let page = read(store, partition, seen.len() as i64, limit).await;
            assert!(page.changes.len() == limit as usize || !page.has_more);
            seen.extend(page.changes);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(seen.len(), expected.len());
        for (seen, (sequence, kind, contact, version, changed_at)) in seen.iter().zip(&expected) {
            assert_eq!((seen.sequence, seen.kind, seen.version), (*sequence, *kind, *version));
            assert_eq!((&seen.contact_id, seen.changed_at), (&contact.id, *changed_at));
            // As it is now: the other one was never added.
            assert_eq!(seen.contact.as_ref(), (contact.id == kept.id).then_some(&kept));
        }
    }
}

/// Readers see numbers one after the other, whoever commits first: a number is never seen before the one before it.
async fn numbers_have_no_gaps_while_many_write(store: &Kept, partition: &Partition) {
    const WRITERS: u32 = 6;
    const WRITES: u32 = 25;
    let write = async |writer: u32| {
        for number in 0..WRITES {
            let contact = contact(partition, 1 + writer * WRITES + number);
            let mut work = store.begin(partition).await.unwrap();
            assert!(work.insert(partition, &contact).await.unwrap());
            work.append_changes(partition, "actor", &[ContactChange::Created(contact)]).await.unwrap();
            work.commit().await.unwrap();
        }
    };
    let read_all = async {
        let mut after = 0;
        while after < i64::from(WRITERS * WRITES) {
            for change in read(store, partition, after, 10).await.changes {
                assert_eq!(change.sequence, after + 1);
                assert!(change.contact.is_some());
                after = change.sequence;
            }
            tokio::task::yield_now().await;
        }
    };
    let writers = futures::future::join_all((0..WRITERS).map(write));
    tokio::join!(writers, read_all);
    let feed = store.feed(partition).await.unwrap();
    assert_eq!((feed.last_sequence, feed.active), (i64::from(WRITERS * WRITES), i64::from(WRITERS * WRITES)));
}

async fn what_is_undone_has_no_number(store: &Kept, partition: &Partition) {
    let mut work = store.begin(partition).await.unwrap();
    let change = ContactChange::Created(contact(partition, 1));
    work.append_changes(partition, "actor", &[change]).await.unwrap();
    drop(work);
    append(store, partition, &[ContactChange::Created(contact(partition, 2))]).await;
    let page = read(store, partition, 0, 10).await;
    let seen: Vec<_> = page.changes.iter().map(|change| (change.sequence, &*change.contact_id)).collect();
    assert_eq!(seen, [(1, &*contact(partition, 2).id)]);
}

async fn old_changes_are_deleted_from_the_beginning(store: &Kept, partition: &Partition) {
    // The fourth is from before the third: a clock was set back.
    for (number, micros) in [(1, 10), (2, 20), (3, 40), (4, 15), (5, 50)] {
        let updated_at = Timestamp(START.0 + micros);
        let contact = Contact { updated_at, ..contact(partition, number) };
        append(store, partition, &[ContactChange::Created(contact)]).await;
    }
    let prune = async |micros: i64, limit: usize| {
        store.prune(partition, Timestamp(START.0 + micros), limit).await.unwrap()
    };
    assert_eq!(prune(10, 100).await, 0);
    assert_eq!(prune(30, 1).await, 1);
    assert_eq!(prune(30, 100).await, 1);
    assert_eq!(prune(30, 100).await, 0);
    let feed = store.feed(partition).await.unwrap();
    assert_eq!((feed.pruned_sequence, feed.last_sequence), (2, 5));
    let goes_on: Vec<bool> = (0..=6).map(|sequence| feed.goes_on_after(sequence)).collect();
    assert_eq!(goes_on, [false, false, true, true, true, true, false]);
    let left: Vec<i64> =
        read(store, partition, 0, 10).await.changes.iter().map(|change| change.sequence).collect();
    assert_eq!(left, [3, 4, 5]);
    let mut feeds = Vec::new();
    while let Ok(some) = store.feeds(feeds.last(), 2).await
        && !some.is_empty()
    {
        feeds.extend(some);
    }
    assert_eq!(feeds.iter().filter(|feed| *feed == partition).count(), 1);
}
