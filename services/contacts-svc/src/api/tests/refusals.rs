//! Bad input, over gRPC: each is refused as the contract says and changes nothing.

use keyward_proto::policy::v1::Role;

use super::*;

pub(super) async fn all(stack: &Stack) {
    everything_wrong_is_named_at_once(&stack.caller("d1")).await;
    what_cannot_exist_is_not_found(&stack.caller("d2")).await;
    a_taken_reference_is_named_to_those_who_may_read(stack).await;
    the_stack_stands_in_front(stack).await;
}

async fn count(caller: &Caller) -> usize {
    caller.list(pb::ListContactsRequest::default()).await.unwrap().contacts.len()
}

async fn everything_wrong_is_named_at_once(caller: &Caller) {
    let kept = caller.create(ann(Some("crm-1"))).await.unwrap();
    let bad = pb::Contact {
        id: kept.id.clone(),
        email: Some("not an address".to_owned()),
        mobile_number: Some(String::new()),
        stage: Some(9),
        status: 1,
        created_at: Some(START.to_proto()),
        version: 1,
        custom_fields: [("x".to_owned(), number(f64::NAN))].into(),
        ..pb::Contact::default()
    };
    let expected = [
        ("id", "immutable"),
        ("status", "immutable"),
        ("createdAt", "immutable"),
        ("version", "immutable"),
        ("stage", "invalid"),
        ("customFields", "invalid"),
        ("email", "invalid"),
        ("mobileNumber", "too_short"),
    ];
    let expected: Vec<_> = expected.map(|(field, code)| (field.to_owned(), code)).into();
    let expected = (Reason::InvalidArgument, expected);
    assert_eq!(refusal(caller.create(bad.clone()).await), expected);
    assert_eq!(refusal(caller.replace(&by_ref("crm-1"), bad.clone()).await), expected);
    assert_eq!(refusal(caller.put(&by_ref("crm-2"), bad, true, None).await), expected);

    let empty = (Reason::InvalidArgument, vec![("email".to_owned(), "required")]);
    assert_eq!(refusal(caller.create(pb::Contact::default()).await), empty);
    assert_eq!(refusal(caller.replace(&by_id(&kept), pb::Contact::default()).await), empty);
    assert_eq!(caller.get(&by_id(&kept)).await.unwrap(), kept);
    assert_eq!(count(caller).await, 1);
}

async fn what_cannot_exist_is_not_found(caller: &Caller) {
    let ids = ["", "x", ABSENT_ID, "65F0C0FFEE65F0C0FFEE65F0", "65f0c0ffee65f0c0ffee65f\u{0}"];
    let references = ["", "absent", ".", "schema", "a\u{0}b", &"x".repeat(129)];
    let ids = ids.iter().map(|id| Which::Id((*id).to_owned()));
    for which in ids.chain(references.iter().map(|reference| by_ref(reference))) {
        assert_eq!(reason(caller.get(&which).await), Reason::NotFound, "{which:?}");
        assert_eq!(reason(caller.replace(&which, ann(None)).await), Reason::NotFound, "{which:?}");
        assert_eq!(reason(caller.delete(&which, None).await), Reason::NotFound, "{which:?}");
    }
    let nothing = pb::GetContactRequest::default();
    let answer = caller.client.clone().get_contact(caller.request(nothing)).await;
    let expected = (Reason::InvalidArgument, vec![("ref".to_owned(), "required")]);
    assert_eq!(refusal(answer.map_err(status::to_error)), expected);
}

async fn a_taken_reference_is_named_to_those_who_may_read(stack: &Stack) {
    let existing = stack.caller("d3").create(ann(Some("crm-1"))).await.unwrap();
    for (actions, id) in [(&["create", "read"][..], Some(existing.id.clone())), (&["create"][..], None)] {
        let error = stack.caller_with("d3", actions).create(ann(Some("crm-1"))).await.unwrap_err();
        assert_eq!(error.existing_id, id);
        let expected = (Reason::AlreadyExists, vec![("externalReferenceId".to_owned(), "duplicate")]);
        assert_eq!(refusal::<()>(Err(error)), expected);
    }
    assert_eq!(count(&stack.caller("d3")).await, 1);
}

async fn the_stack_stands_in_front(stack: &Stack) {
    let caller = stack.caller("d4");
    let request = || pb::GetContactRequest { agent_id: ABSENT_ID.to_owned(), ..Default::default() };
    let mut client = caller.client.clone();
    let answer = client.get_contact(Request::new(request())).await;
    assert_eq!(reason(answer.map_err(status::to_error)), Reason::MissingCredentials);
    let answer = client.get_contact(caller.request(request())).await;
    assert_eq!(reason(answer.map_err(status::to_error)), Reason::AgentMismatch);

    let member = Principal {
        agent_id: None,
        subject: Subject::Member(KEY.to_owned()),
        role: Some(Role::Owner),
        ..Principal::clone(&caller.principal)
    };
    let answer = stack.caller_as(member).get(&by_ref("crm-1")).await;
    assert_eq!(reason(answer), Reason::PermissionDenied);
    let answer = stack.caller_with("d4", &["create"]).get(&by_ref("crm-1")).await;
    assert_eq!(reason(answer), Reason::PermissionDenied);
}
