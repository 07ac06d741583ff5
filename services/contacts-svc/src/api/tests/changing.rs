//! Changing parts of a contact, and whether it is in use.

use super::*;

pub(super) async fn all(stack: &Stack) {
    only_what_the_mask_names_changes(&stack.caller("2fe1")).await;
    a_change_that_alters_nothing_is_none(&stack.caller("2fe2")).await;
    the_reference_can_change(&stack.caller("2fe3")).await;
    what_cannot_be_changed(&stack.caller("2fe4")).await;
    versions_guard_changes(&stack.caller("2fe5")).await;
    archiving_there_and_back(&stack.caller("2fe6")).await;
    of_changes_at_once_none_is_lost(&stack.caller("2fe7")).await;
}

async fn only_what_the_mask_names_changes(caller: &Caller) {
    let sent = pb::Contact {
        custom_fields: [("a".to_owned(), number(1.0)), ("b".to_owned(), number(2.0))].into(),
        mobile_number: Some("+491701234567".to_owned()),
        ..ann(Some("crm-1"))
    };
    let created = caller.create(sent).await.unwrap();
    let new = pb::Contact {
        name: Some("Bob".to_owned()),
        mobile_number: Some("0049 170 765-4321".to_owned()),
        notes: Some("left out".to_owned()),
        custom_fields: [("b".to_owned(), number(3.0)), ("c".to_owned(), number(4.0))].into(),
        ..pb::Contact::default()
    };
    let paths = ["name", "mobile_number", "email", "custom_fields.a", "custom_fields.c"];
    let changed = caller.update(&by_ref("crm-1"), new, &paths).await.unwrap();
    let expected = pb::Contact {
        name: Some("Bob".to_owned()),
        mobile_number: Some("+491707654321".to_owned()),
        email: None,
        custom_fields: [("b".to_owned(), number(2.0)), ("c".to_owned(), number(4.0))].into(),
        version: 2,
        updated_at: changed.updated_at,
        ..created.clone()
    };
    assert_eq!(changed, expected);
    assert_eq!(caller.get(&by_id(&created)).await.unwrap(), changed);
    // All of them at once.
    let new = pb::Contact { custom_fields: [("d".to_owned(), number(5.0))].into(), ..Default::default() };
    let changed = caller.update(&by_id(&created), new.clone(), &["custom_fields"]).await.unwrap();
    assert_eq!((changed.custom_fields, changed.version), (new.custom_fields, 3));
}

async fn a_change_that_alters_nothing_is_none(caller: &Caller) {
    let created = caller.create(ann(Some("crm-1"))).await.unwrap();
    for paths in
        [&[][..], &["name"], &["name", "email", "external_reference_id"], &["custom_fields.x"], &["tags"]]
    {
        let same = ann(Some("crm-1"));
        assert_eq!(caller.update(&by_ref("crm-1"), same, paths).await.unwrap(), created, "{paths:?}");
    }
    assert_eq!(caller.get(&by_ref("crm-1")).await.unwrap(), created);
}

async fn the_reference_can_change(caller: &Caller) {
    let created = caller.create(ann(Some("crm-1"))).await.unwrap();
    let other = caller.create(ann(Some("crm-2"))).await.unwrap();
    let to = |reference: Option<&str>| pb::Contact {
        external_reference_id: reference.map(str::to_owned),
        ..pb::Contact::default()
    };
    let path = &["external_reference_id"];
    let taken = caller.update(&by_ref("crm-1"), to(Some("crm-2")), path).await.unwrap_err();
    assert_eq!(
        (taken.reason, taken.existing_id.as_deref()),
        (Reason::AlreadyExists, Some(other.id.as_str()))
    );
    let moved = caller.update(&by_ref("crm-1"), to(Some("crm-3")), path).await.unwrap();
    assert_eq!((moved.external_reference_id.as_deref(), moved.version), (Some("crm-3"), 2));
    assert_eq!(reason(caller.get(&by_ref("crm-1")).await), Reason::NotFound);
    let none = caller.update(&by_id(&created), to(None), path).await.unwrap();
    assert_eq!((none.external_reference_id, none.version), (None, 3));
}

async fn what_cannot_be_changed(caller: &Caller) {
    let created = caller.create(ann(Some("crm-1"))).await.unwrap();
    let refused = async |contact: pb::Contact, paths: &[&str]| {
        let answer = caller.update(&by_ref("crm-1"), contact, paths).await;
        let (reason, fields) = refusal(answer);
        assert_eq!(reason, Reason::InvalidArgument);
        fields.into_iter().map(|(field, code)| format!("{field} {code}")).collect::<Vec<_>>()
    };
    let of = |change: fn(&mut pb::Contact)| {
        let mut contact = pb::Contact::default();
        change(&mut contact);
        contact
    };
    assert_eq!(refused(of(|_| {}), &["email"]).await, ["email required"]);
    assert_eq!(refused(of(|c| c.name = Some(String::new())), &["name"]).await, ["name too_short"]);
    assert_eq!(refused(of(|c| c.version = 7), &[]).await, ["version immutable"]);
    assert_eq!(refused(of(|_| {}), &["version", "nope", "custom_fields.a.b"]).await, ["updateMask invalid"]);
    let duplicate = |c: &mut pb::Contact| c.possible_duplicates.push(pb::PossibleDuplicate::default());
    assert_eq!(refused(of(duplicate), &[]).await, ["possibleDuplicates immutable"]);
    assert_eq!(reason(caller.update(&by_ref("absent"), ann(None), &["name"]).await), Reason::NotFound);
    assert_eq!(reason(caller.update(&by_ref("."), ann(None), &["name"]).await), Reason::NotFound);
    assert_eq!(caller.get(&by_ref("crm-1")).await.unwrap(), created);
}

async fn versions_guard_changes(caller: &Caller) {
    caller.create(ann(Some("crm-1"))).await.unwrap();
    let update = async |versions: Versions, name: &str| {
        let message = pb::UpdateContactRequest {
            reference: Some((&by_ref("crm-1")).into()),
            contact: Some(named(name)),
            update_mask: Some(mask(&["name"])),
            if_match: Some(versions),
            ..Default::default()
        };
        caller.update_as(message).await
    };
    assert_eq!(update(these(&[1]), "Bob").await.unwrap().version, 2);
    assert_eq!(reason(update(these(&[1]), "Eve").await), Reason::PreconditionFailed);
    assert_eq!(update(these(&[1, 2]), "Eve").await.unwrap().version, 3);
    assert_eq!(update(any(), "Ann").await.unwrap().version, 4);
    // Also where nothing would change.
    assert_eq!(reason(update(these(&[9]), "Ann").await), Reason::PreconditionFailed);
}

async fn archiving_there_and_back(caller: &Caller) {
    let created = caller.create(ann(Some("crm-1"))).await.unwrap();
    assert_eq!(caller.unarchive(&by_ref("crm-1")).await.unwrap(), created);
    assert_eq!(reason(caller.archive(&by_ref("crm-1"), Some(7)).await), Reason::PreconditionFailed);
    let archived = caller.archive(&by_ref("crm-1"), Some(1)).await.unwrap();
    assert_eq!((archived.status(), archived.version), (pb::ContactStatus::Archived, 2));
    assert_eq!(archived.archived_at, archived.updated_at);
    assert_eq!(caller.archive(&by_id(&created), None).await.unwrap(), archived);
    assert!(caller.list(pb::ListContactsRequest::default()).await.unwrap().contacts.is_empty());
    // It is read and changed as before.
    let named = caller.update(&by_ref("crm-1"), named("Bob"), &["name"]).await.unwrap();
    assert_eq!((named.status(), named.archived_at), (pb::ContactStatus::Archived, archived.archived_at));
    let active = caller.unarchive(&by_ref("crm-1")).await.unwrap();
    assert_eq!((active.status(), active.archived_at, active.version), (pb::ContactStatus::Active, None, 4));
    for which in [by_ref("absent"), Which::Id(ABSENT_ID.to_owned()), by_ref("..")] {
        assert_eq!(reason(caller.archive(&which, None).await), Reason::NotFound);
        assert_eq!(reason(caller.unarchive(&which).await), Reason::NotFound);
    }
}

async fn of_changes_at_once_none_is_lost(caller: &Caller) {
    const CALLS: usize = 8;
    caller.create(ann(Some("crm-1"))).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..CALLS {
        let caller = caller.clone();
        calls.spawn(async move {
            let name = format!("f{call}");
            let new =
                pb::Contact { custom_fields: [(name.clone(), number(1.0))].into(), ..Default::default() };
            caller.update(&by_ref("crm-1"), new, &[&format!("custom_fields.{name}")]).await.unwrap()
        });
    }
    calls.join_all().await;
    let contact = caller.get(&by_ref("crm-1")).await.unwrap();
    assert_eq!((contact.custom_fields.len(), contact.version), (CALLS, 1 + CALLS as i32));
}
