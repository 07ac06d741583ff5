//! PUT: replacing, creating what is not there, and the version to match.

use std::time::Duration;

use svc_core::clock::Timestamp;

use super::*;

pub(super) async fn all(stack: &Stack) {
    replacing_clears_what_is_left_out(&stack.caller("b1")).await;
    the_reference_stays(&stack.caller("b2")).await;
    upsert_creates_by_reference_only(&stack.caller("b3")).await;
    upsert_needs_the_permission_to_create(stack).await;
    a_stale_version_changes_nothing(&stack.caller("b5")).await;
    preconditions(&stack.caller("b6")).await;
}

async fn replacing_clears_what_is_left_out(caller: &Caller) {
    let created = caller
        .create(pb::Contact {
            notes: Some("notes".to_owned()),
            tags: vec!["vip".to_owned()],
            stage: Some(pb::ContactStage::Lead.into()),
            custom_fields: [("seats".to_owned(), number(5.0))].into(),
            ..ann(Some("crm-1"))
        })
        .await
        .unwrap();
    for (version, which) in [(2, by_ref("crm-1")), (3, by_id(&created))] {
        let before = caller.get(&which).await.unwrap();
        caller.clock.advance(Duration::from_micros(1_001));
        let replaced = caller.put(&which, named("Bob"), false, None).await.unwrap();
        assert!(!replaced.created);
        let replaced = replaced.contact.unwrap();
        let expected = pb::Contact {
            id: created.id.clone(),
            external_reference_id: Some("crm-1".to_owned()),
            status: pb::ContactStatus::Active.into(),
            created_at: created.created_at,
            updated_at: replaced.updated_at,
            version,
            ..named("Bob")
        };
        assert_eq!(replaced, expected);
        let time = |contact: &pb::Contact| Timestamp::from_proto(&contact.updated_at.unwrap()).unwrap();
        assert_eq!(time(&replaced).since(time(&before)), Duration::from_micros(1_001));
        assert_eq!(caller.get(&which).await.unwrap(), replaced);
    }
    // The clock stands, and yet the contact is updated later than before.
    let before = caller.get(&by_ref("crm-1")).await.unwrap().updated_at.unwrap();
    let after = caller.replace(&by_ref("crm-1"), named("Cleo")).await.unwrap().updated_at.unwrap();
    assert!((after.seconds, after.nanos) > (before.seconds, before.nanos));
}

async fn the_reference_stays(caller: &Caller) {
    let with = caller.create(ann(Some("crm-1"))).await.unwrap();
    let without = caller.create(ann(None)).await.unwrap();
    for (which, said, fits) in [
        (by_ref("crm-1"), None, true),
        (by_ref("crm-1"), Some("crm-1"), true),
        (by_ref("crm-1"), Some("crm-2"), false),
        (by_ref("crm-1"), Some(""), false),
        (by_id(&with), None, true),
        (by_id(&with), Some("crm-1"), true),
        (by_id(&with), Some("crm-2"), false),
        (by_id(&without), None, true),
        (by_id(&without), Some("crm-2"), false),
    ] {
        let before = caller.get(&which).await.unwrap();
        let answer = caller.replace(&which, ann(said)).await;
        let after = caller.get(&which).await.unwrap();
        assert_eq!(after.external_reference_id, before.external_reference_id, "{which:?} {said:?}");
        if fits {
            assert_eq!(answer.unwrap(), after);
            continue;
        }
        let immutable = vec![("externalReferenceId".to_owned(), "immutable")];
        assert_eq!(refusal(answer), (Reason::InvalidArgument, immutable), "{which:?} {said:?}");
        assert_eq!(after, before);
    }
}

async fn upsert_creates_by_reference_only(caller: &Caller) {
    assert_eq!(reason(caller.replace(&by_ref("crm-1"), ann(None)).await), Reason::NotFound);
    let created = caller.put(&by_ref("crm-1"), ann(None), true, None).await.unwrap();
    assert!(created.created);
    let created = created.contact.unwrap();
    assert_eq!((created.external_reference_id.as_deref(), created.version), (Some("crm-1"), 1));

    let replaced = caller.put(&by_ref("crm-1"), named("Bob"), true, None).await.unwrap();
    assert!(!replaced.created);
    let replaced = replaced.contact.unwrap();
    assert_eq!((replaced.id.as_str(), replaced.version), (created.id.as_str(), 2));

    let absent = Which::Id(ABSENT_ID.to_owned());
    for (which, contact, expected, expected_reason) in [
        (absent, ann(None), None, Reason::NotFound),
        (by_ref("crm-2"), ann(None), Some(1), Reason::PreconditionFailed),
        (by_ref("crm-2"), ann(Some("crm-3")), None, Reason::InvalidArgument),
        (by_ref("schema"), ann(None), None, Reason::InvalidArgument),
        (by_ref("a\nb"), ann(None), None, Reason::InvalidArgument),
    ] {
        let answer = caller.put(&which, contact, true, expected).await;
        assert_eq!(reason(answer), expected_reason, "{which:?}");
    }
    let listed = caller.list(pb::ListContactsRequest::default()).await.unwrap();
    assert_eq!(listed.contacts, [replaced]);
}

async fn upsert_needs_the_permission_to_create(stack: &Stack) {
    let updater = stack.caller_with("b4", &["update"]);
    let answer = updater.put(&by_ref("crm-1"), ann(None), true, None).await;
    assert_eq!(reason(answer), Reason::PermissionDenied);
    let caller = stack.caller("b4");
    assert_eq!(reason(caller.get(&by_ref("crm-1")).await), Reason::NotFound);
}

async fn a_stale_version_changes_nothing(caller: &Caller) {
    let created = caller.create(ann(Some("crm-1"))).await.unwrap();
    let reference = by_ref("crm-1");
    let put = |version| caller.put(&reference, named("Bob"), false, Some(version));
    for stale in [0, 2, -1] {
        assert_eq!(reason(put(stale).await), Reason::PreconditionFailed);
        assert_eq!(reason(caller.delete(&by_id(&created), Some(stale)).await), Reason::PreconditionFailed);
    }
    assert_eq!(caller.get(&by_id(&created)).await.unwrap(), created);
    assert_eq!(put(1).await.unwrap().contact.unwrap().version, 2);
    caller.delete(&by_ref("crm-1"), Some(2)).await.unwrap();
}

async fn preconditions(caller: &Caller) {
    let put = async |upsert, if_match: Option<Versions>, if_none_match: Option<Versions>| {
        let answer = caller.put_if(&by_ref("crm-1"), ann(None), upsert, if_match, if_none_match).await;
        answer.map(|answer| answer.created).map_err(|error| error.reason)
    };
    let (created, replaced) = (Ok(true), Ok(false));
    let (unmet, not_found) = (Err(Reason::PreconditionFailed), Err(Reason::NotFound));
    // What comes of it where nothing is there, without and with upsert, and for version 2.
    for (what, if_match, if_none_match, of_nothing, of_2) in [
        ("nothing is said", None, None, [not_found, created], replaced),
        ("any", Some(any()), None, [not_found, unmet], replaced),
        ("one of a list", Some(these(&[1, 2])), None, [not_found, unmet], replaced),
        ("none of a list", Some(these(&[1, 3])), None, [not_found, unmet], unmet),
        ("no version at all", Some(these(&[])), None, [not_found, unmet], unmet),
        ("create only", None, Some(any()), [not_found, created], unmet),
        ("unless in a list", None, Some(these(&[1, 2])), [not_found, created], unmet),
        ("not in the list", None, Some(these(&[1])), [not_found, created], replaced),
    ] {
        for (upsert, expected) in [false, true].into_iter().zip(of_nothing) {
            assert_eq!(put(upsert, if_match.clone(), if_none_match.clone()).await, expected, "{what}");
            if expected == created {
                caller.delete(&by_ref("crm-1"), Some(1)).await.unwrap();
            }
        }
        for upsert in [false, true] {
            caller.create(ann(Some("crm-1"))).await.unwrap();
            caller.replace(&by_ref("crm-1"), ann(None)).await.unwrap();
            assert_eq!(put(upsert, if_match.clone(), if_none_match.clone()).await, of_2, "{what}");
            let version = if of_2 == replaced { 3 } else { 2 };
            caller.delete(&by_ref("crm-1"), Some(version)).await.unwrap();
        }
    }
}
