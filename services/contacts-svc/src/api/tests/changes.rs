//! The feed of changes: pages of it, and who follows it.

use std::collections::HashMap;

use tokio::task::JoinSet;

use super::*;
use pb::ContactChangeType::{Created, Deleted, Updated};

pub(super) async fn all(stack: &Stack) {
    changes_are_told_in_order(&stack.caller("g1")).await;
    a_cursor_is_of_one_feed(stack).await;
    the_end_is_told(&stack.caller("g4")).await;
    who_follows_ends_equal(&stack.caller("g5")).await;
    a_stream_begins_where_it_is_told(&stack.caller("g6")).await;
    only_so_many_follow(&stack.caller("g7")).await;
    who_may_not_read_follows_nothing(stack).await;
}

fn after(since: Option<String>, limit: i32) -> pb::ListContactChangesRequest {
    pb::ListContactChangesRequest { since, limit: Some(limit), ..Default::default() }
}

async fn changes_are_told_in_order(caller: &Caller) {
    let none = caller.changes(after(None, 20)).await.unwrap();
    let pagination = none.pagination.unwrap();
    assert_eq!((none.changes.len(), pagination.has_more, pagination.next_cursor), (0, false, None));

    let first = caller.create(ann(Some("crm-1"))).await.unwrap();
    let second = caller.create(ann(Some("crm-2"))).await.unwrap();
    let first = caller.replace(&by_id(&first), named("Bob")).await.unwrap();
    caller.delete(&by_id(&second), None).await.unwrap();
    // What is refused is no change.
    assert_eq!(reason(caller.create(ann(Some("crm-1"))).await), Reason::AlreadyExists);
    assert_eq!(reason(caller.delete(&by_id(&second), None).await), Reason::NotFound);

    let expected = [
        (Created, &first, 1, true),
        (Created, &second, 1, false),
        (Updated, &first, 2, true),
        (Deleted, &second, 2, false),
    ];
    for limit in [1, 3, 4, 100] {
        let (mut seen, mut since) = (Vec::new(), None);
        loop {
            let page = caller.changes(after(since, limit)).await.unwrap();
            let pagination = page.pagination.unwrap();
            assert_eq!(pagination.has_more, pagination.next_cursor.is_some());
            assert!(page.changes.len() == limit as usize || !pagination.has_more);
            since = page.changes.last().map(|change| change.cursor.clone());
            seen.extend(page.changes);
            if !pagination.has_more {
                break;
            }
        }
        assert_eq!(seen.len(), expected.len());
        for (change, (kind, contact, version, is_there)) in seen.iter().zip(&expected) {
            assert_eq!((change.r#type(), change.version), (*kind, *version));
            assert_eq!(change.contact_id, contact.id);
            // As it is now; of a contact that is gone nothing is told.
            assert_eq!(change.contact.as_ref(), is_there.then_some(*contact));
            let reference = change.external_reference_id.as_deref();
            assert_eq!(reference, is_there.then_some("crm-1"));
            assert!(change.changed_at.is_some());
        }
    }
}

async fn a_cursor_is_of_one_feed(stack: &Stack) {
    let (mine, theirs) = (stack.caller("g2"), stack.caller("g3"));
    for caller in [&mine, &theirs] {
        caller.create(ann(None)).await.unwrap();
    }
    let cursor = mine.changes(after(None, 20)).await.unwrap().changes.remove(0).cursor;
    assert_eq!(mine.changes(after(Some(cursor.clone()), 20)).await.unwrap().changes.len(), 0);
    assert_eq!(reason(theirs.changes(after(Some(cursor.clone()), 20)).await), Reason::InvalidCursor);
    assert_eq!(theirs.watch(Some(cursor.clone())).await.unwrap_err().reason, Reason::InvalidCursor);
    let of_list = mine.list(pb::ListContactsRequest { limit: Some(1), ..Default::default() }).await.unwrap();
    let of_list = of_list.pagination.unwrap().next_cursor.unwrap_or_else(|| format!("{cursor}A"));
    let made_up = svc_core::cursor::encode("contact-changes", &["1"]);
    for wrong in [String::new(), "!".to_owned(), cursor[1..].to_owned(), of_list, made_up] {
        assert_eq!(reason(mine.changes(after(Some(wrong), 20)).await), Reason::InvalidCursor);
    }
    let out_of_range = refusal(mine.changes(after(None, 101)).await);
    assert_eq!(out_of_range, (Reason::InvalidArgument, vec![("limit".to_owned(), "out_of_range")]));
}

async fn the_end_is_told(caller: &Caller) {
    let latest = pb::ListContactChangesRequest { latest: Some(true), ..Default::default() };
    let mut ends = Vec::new();
    for _ in 0..2 {
        let end = caller.changes(latest.clone()).await.unwrap();
        let pagination = end.pagination.unwrap();
        assert_eq!((end.changes.len(), pagination.has_more), (0, false));
        ends.push(pagination.next_cursor.unwrap());
        caller.create(ann(None)).await.unwrap();
    }
    for (end, left) in ends.into_iter().zip([2, 1]) {
        assert_eq!(caller.changes(after(Some(end), 20)).await.unwrap().changes.len(), left);
    }
    let both = pb::ListContactChangesRequest { since: Some("x".to_owned()), ..latest };
    assert_eq!(
        refusal(caller.changes(both).await),
        (Reason::InvalidArgument, vec![("latest".to_owned(), "invalid")])
    );
}

/// Writes at random until it has written enough; what is asked of the service may be refused.
async fn write(caller: Caller, writer: usize) {
    for number in 0..40 {
        let reference = format!("crm-{}", (number * 7 + writer * 3) % 15);
        let name = format!("{writer} {number}");
        match (number + writer) % 5 {
            0 => drop(caller.delete(&by_ref(&reference), None).await),
            1 | 2 => drop(caller.put(&by_ref(&reference), named(&name), true, None).await),
            _ => drop(caller.create(pb::Contact { name: Some(name), ..ann(Some(&reference)) }).await),
        }
    }
}

/// What a mirror of the contacts holds after a change.
fn mirror(contacts: &mut HashMap<String, pb::Contact>, change: pb::ContactChange) {
    match change.contact {
        Some(contact) => drop(contacts.insert(contact.id.clone(), contact)),
        None => drop(contacts.remove(&change.contact_id)),
    }
}

/// While many write, one pages and one follows the stream. Both end with what there is, and have seen every version
/// of every contact once, in order.
async fn who_follows_ends_equal(caller: &Caller) {
    const WRITERS: usize = 6;
    let mut stream = caller.watch(None).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(caller.clone(), writer));
    }
    let paging = {
        let caller = caller.clone();
        async move {
            let (mut contacts, mut seen, mut since) = (HashMap::new(), Vec::new(), None);
            let mut ended = false;
            loop {
                // Looked at before the page, so that one that is empty afterwards is the last.
                let is_last = ended;
                let page = caller.changes(after(since.clone(), 7)).await.unwrap();
                if let Some(last) = page.changes.last() {
                    since = Some(last.cursor.clone());
                }
                let is_empty = page.changes.is_empty();
                for change in page.changes {
                    seen.push((change.contact_id.clone(), change.version, change.r#type()));
                    mirror(&mut contacts, change);
                }
                if is_empty && is_last {
                    return (contacts, seen);
                }
                while let Some(done) = writers.try_join_next() {
                    done.unwrap();
                }
                ended = writers.is_empty();
                tokio::task::yield_now().await;
            }
        }
    };
    let (mirrored, seen) = paging.await;
    let mut versions: HashMap<&str, i32> = HashMap::new();
    for (id, version, kind) in &seen {
        let before = versions.insert(id, *version).unwrap_or_default();
        assert_eq!(*version, before + 1, "each version once and in order");
        assert_eq!(*kind == Created, *version == 1);
    }
    let (mut streamed, mut told) = (HashMap::new(), Vec::new());
    while told.len() < seen.len() {
        let change = stream.message().await.unwrap().unwrap().change.unwrap();
        told.push((change.contact_id.clone(), change.version, change.r#type()));
        mirror(&mut streamed, change);
    }
    assert_eq!(told, seen);
    let list = pb::ListContactsRequest { limit: Some(100), ..Default::default() };
    let there: HashMap<String, pb::Contact> =
        caller.list(list).await.unwrap().contacts.into_iter().map(|c| (c.id.clone(), c)).collect();
    assert_eq!(mirrored, there);
    assert_eq!(streamed, there);
}

async fn a_stream_begins_where_it_is_told(caller: &Caller) {
    let before = caller.create(named("1")).await.unwrap();
    let cursor = caller.changes(after(None, 20)).await.unwrap().changes.remove(0).cursor;
    let between = caller.create(named("2")).await.unwrap();
    let mut from_cursor = caller.watch(Some(cursor)).await.unwrap();
    let mut from_now = caller.watch(None).await.unwrap();
    let afterwards = caller.create(named("3")).await.unwrap();
    for (stream, expected) in
        [(&mut from_cursor, vec![&between, &afterwards]), (&mut from_now, vec![&afterwards])]
    {
        for contact in expected {
            let change = stream.message().await.unwrap().unwrap().change.unwrap();
            assert_eq!(change.contact.as_ref(), Some(contact));
            assert_ne!(change.contact_id, before.id);
        }
    }
}

async fn only_so_many_follow(caller: &Caller) {
    let mut streams = Vec::new();
    let refused = loop {
        match caller.watch(None).await {
            Ok(stream) => streams.push(stream),
            Err(error) => break error,
        }
        assert!(streams.len() < 100);
    };
    assert_eq!(refused.reason, Reason::Overloaded);
    assert!(refused.retry_after.is_some());
    drop(streams.pop());
    // The place comes free when the stream is seen to be gone.
    while caller.watch(None).await.is_err() {
        tokio::task::yield_now().await;
    }
}

async fn who_may_not_read_follows_nothing(stack: &Stack) {
    let writer = stack.caller_with("g8", &["create", "update", "delete"]);
    assert_eq!(reason(writer.changes(after(None, 20)).await), Reason::PermissionDenied);
    assert_eq!(writer.watch(None).await.unwrap_err().reason, Reason::PermissionDenied);
}
