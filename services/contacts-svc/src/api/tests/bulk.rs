//! Many contacts in one call.

use keyward_proto::contacts::v1 as pb;
use svc_core::error::Reason;
use svc_core::idempotency::RequestDigest;
use svc_runtime::grpc::{idempotency, status};

use super::{Answer, Caller, Stack, ann, by_ref, number, reason};

use pb::BulkStatus::{Created, Failed, NotApplied, Unchanged, Updated};

pub(super) async fn all(stack: &Stack) {
    each_contact_gets_its_result(&stack.caller("b01")).await;
    what_is_left_out_stays_or_is_cleared(&stack.caller("b02")).await;
    doubles_are_written_in_order(&stack.caller("b03")).await;
    all_or_nothing(&stack.caller("b04")).await;
    what_is_refused_before_anything_is_read(&stack.caller("b05")).await;
    a_call_takes_effect_once(&stack.caller("b06")).await;
    a_thousand(&stack.caller("b07")).await;
    texts_are_stored_as_they_are(&stack.caller("b08")).await;
    agents_do_not_see_each_other(stack).await;
    those_who_write_the_same_at_once(&stack.caller("b10")).await;
}

impl Caller {
    pub(super) async fn bulk(&self, request: pb::BulkUpsertContactsRequest) -> Answer<Vec<pb::BulkResult>> {
        let answer = self.client.clone().bulk_upsert_contacts(self.request(request)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().results)
    }

    pub(super) async fn upsert(&self, contacts: Vec<pb::Contact>) -> Vec<pb::BulkResult> {
        self.bulk(pb::BulkUpsertContactsRequest { contacts, ..Default::default() }).await.unwrap()
    }
}

fn statuses(results: &[pb::BulkResult]) -> Vec<pb::BulkStatus> {
    assert!((0..).zip(results).all(|(index, result)| result.index == index));
    results.iter().map(pb::BulkResult::status).collect()
}

/// The codes of the fields of a refusal.
fn faults(result: &pb::BulkResult) -> (String, Vec<(String, String)>) {
    let error = result.error.clone().unwrap();
    (error.code, error.details.into_iter().map(|detail| (detail.field, detail.code)).collect())
}

async fn each_contact_gets_its_result(caller: &Caller) {
    let existing = caller.create(ann(Some("there"))).await.unwrap();
    let same = pb::Contact { name: Some("Ann".to_owned()), email: None, ..ann(Some("there")) };
    let sent = vec![
        ann(Some("new")),
        pb::Contact { name: Some("Eve".to_owned()), ..ann(Some("there")) },
        pb::Contact { email: Some("ann".to_owned()), name: Some(" ".to_owned()), ..ann(Some("wrong")) },
        ann(None),
        pb::Contact { email: None, ..ann(Some("unreachable")) },
        pb::Contact { version: 7, ..ann(Some("immutable")) },
        ann(Some("schema")),
        pb::Contact { stage: Some(99), ..ann(Some("stage")) },
        pb::Contact { name: Some("a\0b".to_owned()), ..ann(Some("nul")) },
        ann(Some("nul\0reference")),
    ];
    let results = caller.upsert(sent).await;
    let expected = [Created, Updated, Failed, Failed, Failed, Failed, Failed, Failed, Failed, Failed];
    assert_eq!(statuses(&results), expected);
    let invalid = |details: &[(&str, &str)]| {
        let owned = |(field, code): &(&str, &str)| ((*field).to_owned(), (*code).to_owned());
        ("invalid_argument".to_owned(), details.iter().map(owned).collect::<Vec<_>>())
    };
    for (index, details) in [
        (2, &[("name", "too_short"), ("email", "invalid")][..]),
        (3, &[("externalReferenceId", "required")]),
        (4, &[("email", "required")]),
        (5, &[("version", "immutable")]),
        (6, &[("externalReferenceId", "invalid")]),
        (7, &[("stage", "invalid")]),
        (8, &[("name", "invalid")]),
        (9, &[("externalReferenceId", "invalid")]),
    ] {
        assert_eq!(faults(&results[index]), invalid(details), "{index}");
        assert_eq!(results[index].id, None);
    }
    let made = caller.get(&by_ref("new")).await.unwrap();
    assert_eq!((results[0].id.as_ref(), made.version), (Some(&made.id), 1));
    let changed = caller.get(&by_ref("there")).await.unwrap();
    assert_eq!((results[1].id.as_ref(), changed.version), (Some(&existing.id), 2));
    assert_eq!(changed.name.as_deref(), Some("Eve"));
    assert_eq!(changed.email, existing.email);
    assert!(changed.updated_at.unwrap() != existing.updated_at.unwrap());

    // What is the same already is not written.
    let again = caller.upsert(vec![pb::Contact { name: Some("Eve".to_owned()), ..same }]).await;
    assert_eq!((statuses(&again), again[0].id.as_ref()), (vec![Unchanged], Some(&existing.id)));
    assert_eq!(caller.get(&by_ref("there")).await.unwrap(), changed);
}

async fn what_is_left_out_stays_or_is_cleared(caller: &Caller) {
    let full = pb::Contact {
        tags: vec!["vip".to_owned()],
        notes: Some("notes".to_owned()),
        custom_fields: [("a".to_owned(), number(1.0)), ("b".to_owned(), number(2.0))].into(),
        ..ann(Some("r"))
    };
    caller.create(full.clone()).await.unwrap();
    let some = pb::Contact {
        external_reference_id: Some("r".to_owned()),
        source: Some("bulk".to_owned()),
        custom_fields: [("a".to_owned(), number(3.0)), ("b".to_owned(), null())].into(),
        ..pb::Contact::default()
    };
    assert_eq!(statuses(&caller.upsert(vec![some.clone()]).await), [Updated]);
    let merged = caller.get(&by_ref("r")).await.unwrap();
    assert_eq!((merged.tags.clone(), merged.notes.as_deref()), (full.tags, Some("notes")));
    assert_eq!(merged.custom_fields, [("a".to_owned(), number(3.0))].into());

    let whole = pb::Contact { email: Some("new@example.com".to_owned()), ..some };
    let request =
        pb::BulkUpsertContactsRequest { contacts: vec![whole], replace: Some(true), ..Default::default() };
    assert_eq!(statuses(&caller.bulk(request).await.unwrap()), [Updated]);
    let replaced = caller.get(&by_ref("r")).await.unwrap();
    assert_eq!((replaced.tags.len(), replaced.notes, replaced.name), (0, None, None));
    assert_eq!(replaced.source.as_deref(), Some("bulk"));
    assert_eq!((replaced.created_at, replaced.version), (merged.created_at, 3));
}

async fn doubles_are_written_in_order(caller: &Caller) {
    let named = |name: &str| pb::Contact { name: Some(name.to_owned()), ..ann(Some("double")) };
    let bad = pb::Contact { email: Some("no".to_owned()), ..named("bad") };
    let sent = vec![named("first"), named("second"), bad, named("second"), named("third")];
    let results = caller.upsert(sent).await;
    assert_eq!(statuses(&results), [Created, Updated, Failed, Unchanged, Updated]);
    let contact = caller.get(&by_ref("double")).await.unwrap();
    assert!(results.iter().filter_map(|result| result.id.as_ref()).all(|id| *id == contact.id));
    assert_eq!((contact.name.as_deref(), contact.version), (Some("third"), 1));
    // Changed, and changed back: nothing has happened.
    let results = caller.upsert(vec![named("other"), named("third")]).await;
    assert_eq!(statuses(&results), [Updated, Updated]);
    assert_eq!(caller.get(&by_ref("double")).await.unwrap(), contact);
}

async fn all_or_nothing(caller: &Caller) {
    caller.create(ann(Some("kept"))).await.unwrap();
    let before = caller.get(&by_ref("kept")).await.unwrap();
    let bad = pb::Contact { email: Some("no".to_owned()), ..ann(Some("bad")) };
    let other = pb::Contact { name: Some("Other".to_owned()), ..ann(Some("kept")) };
    let atomic = |contacts: Vec<pb::Contact>| pb::BulkUpsertContactsRequest {
        contacts,
        atomic: Some(true),
        ..Default::default()
    };
    let results = caller.bulk(atomic(vec![ann(Some("new")), bad, other.clone()])).await.unwrap();
    assert_eq!(statuses(&results), [NotApplied, Failed, NotApplied]);
    assert!(results[0].id.is_none() && results[0].error.is_none());
    assert_eq!(reason(caller.get(&by_ref("new")).await), Reason::NotFound);
    assert_eq!(caller.get(&by_ref("kept")).await.unwrap(), before);
    let results = caller.bulk(atomic(vec![ann(Some("new")), other])).await.unwrap();
    assert_eq!(statuses(&results), [Created, Updated]);
}

async fn what_is_refused_before_anything_is_read(caller: &Caller) {
    for count in [0, 1_001] {
        let contacts = (0..count).map(|number| ann(Some(&format!("r{number}")))).collect();
        let refused = caller.bulk(pb::BulkUpsertContactsRequest { contacts, ..Default::default() }).await;
        assert_eq!(reason(refused), Reason::InvalidArgument, "{count}");
    }
    assert!(caller.list(pb::ListContactsRequest::default()).await.unwrap().contacts.is_empty());
}

async fn a_call_takes_effect_once(caller: &Caller) {
    let digest = RequestDigest::of("key", "POST", "/bulk", None, b"body");
    let send = async |name: &str, digest: &RequestDigest| {
        let contact = pb::Contact { name: Some(name.to_owned()), ..ann(Some("once")) };
        let message = pb::BulkUpsertContactsRequest { contacts: vec![contact], ..Default::default() };
        let mut request = caller.request(message);
        request.metadata_mut().insert(idempotency::DIGEST, digest.to_text().parse().unwrap());
        let response = caller.client.clone().bulk_upsert_contacts(request).await.map_err(status::to_error)?;
        let replayed = idempotency::is_replayed(response.metadata().as_ref());
        Ok::<_, svc_core::error::Error>((replayed, response.into_inner().results))
    };
    let (replayed, first) = send("first", &digest).await.unwrap();
    assert_eq!((replayed, statuses(&first)), (false, vec![Created]));
    // What is sent does not count: the digest says that it is the same.
    assert_eq!(send("second", &digest).await.unwrap(), (true, first));
    assert_eq!(caller.get(&by_ref("once")).await.unwrap().name.as_deref(), Some("first"));
    let other = RequestDigest::of("key", "POST", "/bulk", None, b"other");
    assert_eq!(send("third", &other).await.unwrap_err().reason, Reason::IdempotencyKeyReused);
}

async fn a_thousand(caller: &Caller) {
    let contact = |number: u32, name: &str| pb::Contact {
        name: Some(name.to_owned()),
        mobile_number: Some(format!("+4917{number:08}")),
        ..ann(Some(&format!("r{number}")))
    };
    let all = |name: &str| (0..1_000).map(|number| contact(number, name)).collect();
    for (name, status) in [("one", Created), ("two", Updated), ("two", Unchanged)] {
        let results = caller.upsert(all(name)).await;
        assert!(statuses(&results).iter().all(|found| *found == status), "{name}");
    }
    let last = caller.get(&by_ref("r999")).await.unwrap();
    assert_eq!((last.name.as_deref(), last.version), (Some("two"), 2));
    assert_eq!(last.mobile_number.as_deref(), Some("+491700000999"));
}

async fn texts_are_stored_as_they_are(caller: &Caller) {
    for (number, text) in
        (0..).zip(["=1+2", "'; DROP TABLE contacts; --", "\u{202e}abc", "e\u{301}", "🙂", "\"", "{}", "\\"])
    {
        let reference = format!("text {number} {text}");
        let custom_fields = [("x".to_owned(), super::text(text))].into();
        let sent = pb::Contact { name: Some(text.to_owned()), custom_fields, ..ann(Some(&reference)) };
        assert_eq!(statuses(&caller.upsert(vec![sent.clone()]).await), [Created], "{text}");
        let found = caller.get(&by_ref(&reference)).await.unwrap();
        assert_eq!((found.name, found.custom_fields), (sent.name, sent.custom_fields), "{text}");
    }
}

async fn agents_do_not_see_each_other(stack: &Stack) {
    let (mine, theirs) = (stack.caller("b091"), stack.caller("b092"));
    assert_eq!(statuses(&mine.upsert(vec![ann(Some("same"))]).await), [Created]);
    let other = pb::Contact { name: Some("Theirs".to_owned()), ..ann(Some("same")) };
    assert_eq!(statuses(&theirs.upsert(vec![other]).await), [Created]);
    assert_eq!(mine.get(&by_ref("same")).await.unwrap().name.as_deref(), Some("Ann"));
}

/// Batches of the same references, in other orders, and single calls beside them: every one is carried out.
async fn those_who_write_the_same_at_once(caller: &Caller) {
    let batch = async |from: u32, name: String| {
        let contact = |number: u32| pb::Contact {
            name: Some(name.clone()),
            ..ann(Some(&format!("r{}", (from + number * 7) % 50)))
        };
        let results = caller.upsert((0..50).map(contact).collect()).await;
        assert!(statuses(&results).iter().all(|status| matches!(status, Created | Updated | Unchanged)));
    };
    let single = async |number: u32| {
        let contact = ann(None);
        caller.put(&by_ref(&format!("r{number}")), contact, true, None).await.unwrap();
    };
    for round in 0..5 {
        let named = |number: u32| format!("{round} {number}");
        tokio::join!(
            batch(0, named(0)),
            batch(13, named(1)),
            batch(31, named(2)),
            batch(49, named(3)),
            single(round),
            single(49 - round),
        );
    }
    let page = caller.list(pb::ListContactsRequest { limit: Some(100), ..Default::default() }).await.unwrap();
    assert_eq!(page.contacts.len(), 50, "each is there once");
}

fn null() -> keyward_proto::value::Value {
    super::value(prost_types::value::Kind::NullValue(0))
}
