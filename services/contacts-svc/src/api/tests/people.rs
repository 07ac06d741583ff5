//! Contacts that may be the same person, and what is held of people.

use std::time::Duration;

use super::*;

pub(super) async fn all(stack: &Stack) {
    others_are_told(stack).await;
    duplicates_are_rejected(&stack.caller("3fa3")).await;
    a_duplicate_is_updated(stack).await;
    of_calls_at_once_one_creates(&stack.caller("3fa5")).await;
    what_is_held_is_handed_out(&stack.caller("3fa6"), stack).await;
}

fn create(contact: pb::Contact, on_duplicate: &str) -> pb::CreateContactRequest {
    pb::CreateContactRequest {
        contact: Some(contact),
        on_duplicate: Some(on_duplicate.to_owned()),
        ..Default::default()
    }
}

fn reached(reference: Option<&str>, email: Option<&str>, number: Option<&str>) -> pb::Contact {
    pb::Contact {
        email: email.map(str::to_owned),
        mobile_number: number.map(str::to_owned),
        ..ann(reference)
    }
}

async fn others_are_told(stack: &Stack) {
    let caller = stack.caller("3fa2");
    let one = caller.create(reached(Some("crm-1"), Some("ann@example.com"), None)).await.unwrap();
    caller.clock.advance(Duration::from_millis(1));
    let two = caller.create(reached(None, None, Some("+49 170 1234567"))).await.unwrap();
    let both = reached(Some("crm-3"), Some("ANN@Example.com"), Some("0049170/1234567"));
    let told = |other: &pb::Contact, by: &str| pb::PossibleDuplicate {
        id: other.id.clone(),
        external_reference_id: other.external_reference_id.clone(),
        matched_by: vec![by.to_owned()],
    };
    let expected = [told(&one, "email"), told(&two, "mobileNumber")];
    let three = caller.create_as(create(both.clone(), "allow")).await.unwrap().contact.unwrap();
    assert_eq!(three.possible_duplicates, expected);
    // A contact is no duplicate of itself, and what is read tells of none.
    let put = pb::ReplaceContactRequest {
        reference: Some((&by_ref("crm-3")).into()),
        contact: Some(both.clone()),
        ..Default::default()
    };
    assert_eq!(caller.replace_as(put).await.unwrap().contact.unwrap().possible_duplicates, expected);
    assert_eq!(caller.get(&by_ref("crm-3")).await.unwrap().possible_duplicates, []);
    let patch = |paths: &[&str]| pb::UpdateContactRequest {
        reference: Some((&by_id(&one)).into()),
        contact: Some(reached(None, Some("ann@example.com"), Some("+491701234567"))),
        update_mask: Some(mask(paths)),
        ..Default::default()
    };
    let found =
        async |paths: &[&str]| caller.update_as(patch(paths)).await.unwrap().possible_duplicates.len();
    assert_eq!((found(&["notes"]).await, found(&["mobile_number"]).await), (0, 2));
    // Who may not read is not told of others.
    let writer = stack.caller_with("3fa2", &["create", "update"]);
    let silent =
        writer.create_as(create(reached(None, Some("ann@example.com"), None), "allow")).await.unwrap();
    assert_eq!(silent.contact.unwrap().possible_duplicates, []);
    let refused = writer.create_as(create(reached(None, Some("ann@example.com"), None), "reject")).await;
    assert_eq!(refused.unwrap_err().existing_id, None);
    // Another agent has contacts of its own.
    let elsewhere = stack.caller("3fa1");
    let elsewhere = elsewhere.create_as(create(reached(None, Some("ann@example.com"), None), "reject"));
    assert!(elsewhere.await.unwrap().created);
}

async fn duplicates_are_rejected(caller: &Caller) {
    let ann =
        caller.create(reached(Some("crm-1"), Some("ann@example.com"), Some("+491701234567"))).await.unwrap();
    let bob = caller.create(reached(Some("crm-2"), Some("bob@example.com"), None)).await.unwrap();
    let error = |answer: Answer<pb::CreateContactResponse>| {
        let error = answer.unwrap_err();
        (error.existing_id.clone(), refusal::<()>(Err(error)))
    };
    let of = |fields: &[&str]| {
        let fields = fields.iter().map(|field| ((*field).to_owned(), "duplicate")).collect();
        (Some(ann.id.clone()), (Reason::AlreadyExists, fields))
    };
    for (email, number, fields) in [
        (Some("Ann@example.com"), None, &["email"][..]),
        (Some("new@example.com"), Some("+491701234567"), &["mobileNumber"]),
        (Some("ann@example.com"), Some("+49 170 1234567"), &["email", "mobileNumber"]),
    ] {
        let answer = caller.create_as(create(reached(None, email, number), "reject")).await;
        assert_eq!(error(answer), of(fields));
    }
    for (contact, on_duplicate) in [(ann.clone(), "ignore"), (ann.clone(), ""), (ann.clone(), "ALLOW")] {
        let contact = reached(None, contact.email.as_deref(), None);
        let refused = refusal(caller.create_as(create(contact, on_duplicate)).await);
        assert_eq!(refused, (Reason::InvalidArgument, vec![("onDuplicate".to_owned(), "invalid")]));
    }
    // What a contact had before is not refused, only what it gets.
    let patch = |name: &str, email: &str, on_duplicate: &str| pb::UpdateContactRequest {
        reference: Some((&by_id(&bob)).into()),
        contact: Some(pb::Contact {
            name: Some(name.to_owned()),
            email: Some(email.to_owned()),
            ..Default::default()
        }),
        update_mask: Some(mask(&["name", "email"])),
        on_duplicate: Some(on_duplicate.to_owned()),
        ..Default::default()
    };
    assert_eq!(caller.update_as(patch("Bob", "BOB@example.com", "reject")).await.unwrap().version, 2);
    assert_eq!(
        reason(caller.update_as(patch("Bob", "ann@example.com", "reject")).await),
        Reason::AlreadyExists
    );
    assert_eq!(
        reason(caller.update_as(patch("Bob", "ann@example.com", "update")).await),
        Reason::InvalidArgument
    );
    let put = |email: &str| pb::ReplaceContactRequest {
        reference: Some((&by_ref("crm-2")).into()),
        contact: Some(reached(None, Some(email), None)),
        on_duplicate: Some("reject".to_owned()),
        ..Default::default()
    };
    assert_eq!(reason(caller.replace_as(put("ann@example.com")).await), Reason::AlreadyExists);
    assert_eq!(caller.replace_as(put("bob@example.com")).await.unwrap().contact.unwrap().version, 3);
    assert_eq!(caller.get(&by_id(&bob)).await.unwrap().email.as_deref(), Some("bob@example.com"));
}

async fn a_duplicate_is_updated(stack: &Stack) {
    let caller = stack.caller("3fa4");
    let ann = caller.create(reached(None, Some("ann@example.com"), None)).await.unwrap();
    let new = pb::Contact {
        name: Some("Ann Lee".to_owned()),
        custom_fields: [("a".to_owned(), number(1.0))].into(),
        ..reached(Some("crm-1"), Some("ann@example.com"), Some("+491701234567"))
    };
    let updated = caller.create_as(create(new.clone(), "update")).await.unwrap();
    assert!(!updated.created);
    let contact = updated.contact.unwrap();
    assert_eq!((&contact.id, contact.version), (&ann.id, 2));
    assert_eq!(
        (contact.external_reference_id.as_deref(), contact.name.as_deref()),
        (Some("crm-1"), Some("Ann Lee"))
    );
    assert_eq!(caller.get(&by_ref("crm-1")).await.unwrap(), contact);
    // The same once more alters nothing.
    assert_eq!(caller.create_as(create(new, "update")).await.unwrap().contact.unwrap().version, 2);
    // To the caller, another reference is another contact.
    let other = reached(Some("crm-2"), Some("ann@example.com"), None);
    let refused = caller.create_as(create(other.clone(), "update")).await.unwrap_err();
    assert_eq!((refused.reason, refused.existing_id), (Reason::AlreadyExists, Some(ann.id.clone())));
    // Which one, if there are two?
    caller.create(other).await.unwrap();
    let refused = caller.create_as(create(reached(None, Some("ann@example.com"), None), "update")).await;
    assert_eq!(refusal(refused), (Reason::Conflict, vec![("email".to_owned(), "duplicate")]));
    // Where there is none, one is created.
    let new = caller.create_as(create(reached(None, Some("new@example.com"), None), "update")).await.unwrap();
    assert!(new.created);
    // Who may only create changes nothing.
    let creator = stack.caller_with("3fa4", &["create", "read"]);
    let refused = creator.create_as(create(reached(None, Some("new@example.com"), None), "update")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.reason, Reason::PermissionDenied);
    assert!(refused.message.contains("contacts:update"), "{}", refused.message);
}

async fn of_calls_at_once_one_creates(caller: &Caller) {
    const CALLS: usize = 8;
    for round in 0..5 {
        let mut calls = tokio::task::JoinSet::new();
        for call in 0..CALLS {
            let (caller, email) = (caller.clone(), format!("{round}@example.com"));
            let word = if round % 2 == 0 { "reject" } else { "update" };
            let number = format!("+4917012345{round}{call}");
            calls.spawn(async move {
                caller.create_as(create(reached(None, Some(&email), Some(&number)), word)).await
            });
        }
        let answers = calls.join_all().await;
        let created = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|made| made.created)).count();
        assert_eq!(created, 1, "{answers:?}");
        match round % 2 {
            0 => assert!(answers.iter().flatten().count() == 1, "{answers:?}"),
            _ => assert!(answers.iter().all(Result::is_ok), "{answers:?}"),
        }
    }
}

async fn what_is_held_is_handed_out(caller: &Caller, stack: &Stack) {
    let created = caller.create(ann(Some("crm-1"))).await.unwrap();
    caller.archive(&by_id(&created), None).await.unwrap();
    let contact = caller.unarchive(&by_id(&created)).await.unwrap();
    let member = Principal {
        subject: Subject::Member(KEY.to_owned()),
        role: Some(keyward_proto::policy::v1::Role::User),
        permissions: Vec::new(),
        ..Principal::clone(&caller.principal)
    };
    let member = stack.caller_as(member);
    let export = async |caller: &Caller, id: &str| {
        let message = pb::ExportContactRequest { id: id.to_owned(), ..Default::default() };
        let answer = caller.client.clone().export_contact(caller.request(message)).await;
        answer.map(tonic::Response::into_inner).map_err(status::to_error)
    };
    let held = export(&member, &created.id).await.unwrap();
    assert_eq!(held.contact, Some(contact));
    let told: Vec<_> = held.changes.iter().map(|change| (change.r#type(), change.version)).collect();
    use pb::ContactChangeType::{Archived, Created, Unarchived};
    assert_eq!(told, [(Created, 1), (Archived, 2), (Unarchived, 3)]);
    assert!(held.changes.iter().all(|change| change.actor_id.as_deref() == Some(KEY)));
    assert_eq!(reason(export(&member, ABSENT_ID).await), Reason::NotFound);
    // Keys have no part in it.
    assert_eq!(reason(export(caller, &created.id).await), Reason::PermissionDenied);
}
