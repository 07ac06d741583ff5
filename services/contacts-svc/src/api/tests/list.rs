//! The list: pages and cursors.

use std::time::Duration;

use super::*;

pub(super) async fn all(stack: &Stack) {
    pages_stay_in_order_while_contacts_come_and_go(&stack.caller("c1")).await;
    a_page_says_where_it_stands(&stack.caller("c2")).await;
    limits_out_of_range_are_refused(&stack.caller("c3")).await;
    a_cursor_is_of_one_list(stack).await;
}

fn page(limit: i32, cursor: Option<String>) -> pb::ListContactsRequest {
    pb::ListContactsRequest { limit: Some(limit), cursor, ..Default::default() }
}

fn names(contacts: &[pb::Contact]) -> Vec<&str> {
    contacts.iter().map(|contact| contact.name()).collect()
}

async fn pages_stay_in_order_while_contacts_come_and_go(caller: &Caller) {
    let mut created = Vec::new();
    for name in ["1", "2", "3", "4", "5", "6", "7"] {
        created.push(caller.create(named(name)).await.unwrap());
        caller.clock.advance(Duration::from_micros(1));
    }
    let first = caller.list(page(2, None)).await.unwrap();
    assert_eq!(names(&first.contacts), ["7", "6"]);

    // A newcomer, a change, the last one seen deleted, and one to come deleted.
    caller.create(named("8")).await.unwrap();
    caller.replace(&by_id(&created[2]), named("3, changed")).await.unwrap();
    caller.delete(&by_id(&created[5]), None).await.unwrap();
    caller.delete(&by_id(&created[3]), None).await.unwrap();

    let second = caller.list(page(2, first.pagination.unwrap().next_cursor)).await.unwrap();
    assert_eq!(names(&second.contacts), ["5", "3, changed"]);
    let third = caller.list(page(2, second.pagination.unwrap().next_cursor)).await.unwrap();
    assert_eq!(names(&third.contacts), ["2", "1"]);
    assert_eq!(third.pagination.unwrap().next_cursor, None);
}

async fn a_page_says_where_it_stands(caller: &Caller) {
    let mut ids = Vec::new();
    // All at the same moment: the id breaks ties.
    for _ in 0..21 {
        ids.push(caller.create(ann(None)).await.unwrap().id);
    }
    ids.sort_by(|a, b| b.cmp(a));
    let first = caller.list(pb::ListContactsRequest::default()).await.unwrap();
    let pagination = first.pagination.unwrap();
    assert_eq!((pagination.limit, pagination.has_more, pagination.total), (20, true, None));
    let second = caller.list(page(100, pagination.next_cursor)).await.unwrap();
    let pagination = second.pagination.unwrap();
    assert_eq!((pagination.limit, pagination.has_more, pagination.next_cursor), (100, false, None));
    let listed: Vec<String> = first.contacts.into_iter().chain(second.contacts).map(|c| c.id).collect();
    assert_eq!(listed, ids);
    // A full page that is the last one.
    let pagination = caller.list(page(21, None)).await.unwrap().pagination.unwrap();
    assert_eq!((pagination.has_more, pagination.next_cursor), (false, None));
}

async fn limits_out_of_range_are_refused(caller: &Caller) {
    for limit in [0, -1, 101, i32::MAX] {
        let expected = (Reason::InvalidArgument, vec![("limit".to_owned(), "out_of_range")]);
        assert_eq!(refusal(caller.list(page(limit, None)).await), expected, "{limit}");
    }
}

async fn a_cursor_is_of_one_list(stack: &Stack) {
    let (mine, theirs) = (stack.caller("c4"), stack.caller("c5"));
    for caller in [&mine, &theirs] {
        for _ in 0..2 {
            caller.create(ann(None)).await.unwrap();
        }
    }
    let cursor = mine.list(page(1, None)).await.unwrap().pagination.unwrap().next_cursor.unwrap();
    assert_eq!(reason(theirs.list(page(1, Some(cursor.clone()))).await), Reason::InvalidCursor);
    let tampered = |at: usize| {
        let mut letters = cursor.clone().into_bytes();
        letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(letters).unwrap()
    };
    let made_up = svc_core::cursor::encode("contacts", &["=1", ABSENT_ID]);
    let mut wrong =
        vec![String::new(), "!".to_owned(), cursor[1..].to_owned(), format!("{cursor}A"), made_up];
    wrong.extend((0..cursor.len()).map(tampered));
    for wrong in wrong {
        assert_eq!(reason(mine.list(page(1, Some(wrong.clone()))).await), Reason::InvalidCursor, "{wrong}");
    }
    type Ask = fn(&mut pb::ListContactsRequest);
    let others: [Ask; 4] = [
        |r| r.sort = Some("createdAt".into()),
        |r| r.sort = Some("-updatedAt".into()),
        |r| r.status = Some(pb::ContactStatusFilter::Any.into()),
        |r| r.search = Some("ann".into()),
    ];
    for ask in others {
        let mut request = page(1, Some(cursor.clone()));
        ask(&mut request);
        assert_eq!(reason(mine.list(request).await), Reason::InvalidCursor);
    }
    // What is said in another way is the same list.
    let mut same = page(1, Some(cursor.clone()));
    same.sort = Some("-createdAt".into());
    same.status = Some(pb::ContactStatusFilter::Active.into());
    assert_eq!(mine.list(same).await.unwrap().contacts.len(), 1);
    assert_eq!(mine.list(page(1, Some(cursor))).await.unwrap().contacts.len(), 1);
}
