//! The audit log.

use svc_core::clock::Timestamp;

use super::*;
use crate::audit::{Action, Attempt, Audit, ChainKey, Entry, Hash, Head, Origin, Who};

pub(super) async fn all(kept: &Kept) {
    what_is_written_comes_back(kept).await;
    entries_are_found_by_who_what_and_when(kept).await;
    a_log_has_one_end(kept).await;
    what_is_not_committed_is_not_in_the_log(kept).await;
}

fn key() -> ChainKey {
    ChainKey::new(&ChainKey::generate(&svc_core::random::SystemRandom)).unwrap()
}

/// An entry of which everything is given, or nothing that may be absent.
fn entry(one: &Organization, number: u32, is_full: bool) -> Entry {
    let some = |text: &str| is_full.then(|| text.to_owned());
    let who = Who {
        kind: "TOKEN".to_owned(),
        id: some("t"),
        name: "=1+1\u{202e}".to_owned(),
        member_id: is_full.then(|| id(&one.name, number % 2)),
        member_name: some("Ada"),
    };
    let origin = Origin { client_address: some("2001:db8::1"), request_id: some("r") };
    let attempt = Attempt::on(Action::KeyDeleted, &id(&one.name, 500 + number % 3));
    let deeds = Audit::refused(attempt, "this is a test").into_deeds().unwrap();
    let mut entry = Entry::new(one.id.clone(), id(&one.name, number), who, origin, deeds[0].clone());
    (entry.before, entry.after) = (some("{\"a\":\"\\u0000\"}"), some("{}"));
    entry
}

/// Adds entries at the end of the log, a second apart.
async fn append(kept: &Kept, key: &ChainKey, one: &Organization, entries: Vec<Entry>) -> Vec<Entry> {
    let mut transaction = kept.writer.begin().await.unwrap();
    let (stored, _) = transaction.lock_audit_head(&one.id, None, None).await.unwrap();
    let mut head = stored.map_or(Head::NONE, |stored| stored.head);
    let mut written = Vec::new();
    for mut entry in entries {
        let now = Timestamp(START.0 + head.sequence * 1_000_000);
        head = key.link(&mut entry, &head, now);
        transaction.insert_audit_entry(&entry).await.unwrap();
        written.push(entry);
    }
    let seal = key.seal(&one.id, &head);
    let recorded = transaction.write_audit_head(&one.id, &head, &seal).await.unwrap();
    transaction.commit(&Touched::nothing(), recorded).await.unwrap();
    written
}

async fn what_is_written_comes_back(kept: &Kept) {
    let one = kept.organization("audit kept").await;
    let key = key();
    let written = append(kept, &key, &one, vec![entry(&one, 1, true), entry(&one, 2, false)]).await;
    let chain = kept.store.audit_chain(&one.id, 0, 10).await.unwrap();
    assert_eq!(chain, written);
    assert!(
        chain.iter().all(|entry| key.hash(entry) == entry.hash),
        "what was read hashes as what was written"
    );
    assert_eq!(kept.store.audit_chain(&one.id, 1, 10).await.unwrap(), written[1..]);
    let stored = kept.store.audit_head(&one.id).await.unwrap().unwrap();
    assert!(key.is_sealed(&one.id, &stored.head, &stored.seal));
    assert_eq!((stored.head.sequence, stored.head.hash), (2, written[1].hash));
    assert_eq!(kept.store.audit_ends(&one.id).await.unwrap(), (Some(2), 2));
}

async fn entries_are_found_by_who_what_and_when(kept: &Kept) {
    let (one, other) = (kept.organization("audit found").await, kept.organization("audit of others").await);
    let key = key();
    let entries = |of: &Organization| (0..12).map(|number| entry(of, number, true)).collect::<Vec<_>>();
    let mut written = append(kept, &key, &one, entries(&one)).await;
    written.reverse();
    append(kept, &key, &other, entries(&other)).await;
    let at = |sequence: i64| Some(Timestamp(START.millis() * 1_000 + (sequence - 1) * 1_000_000));
    let all = AuditFilter::default;
    let (member, thing) = (id(&one.name, 1), id(&one.name, 501));
    for (filter, is_found) in [
        (all(), &(|_: &Entry| true) as &dyn Fn(&Entry) -> bool),
        (AuditFilter { member: Some(MemberId::new(&*member)), ..all() }, &|e| {
            e.who.member_id.as_ref() == Some(&member)
        }),
        (AuditFilter { actor: Some(member.clone()), ..all() }, &|e| {
            e.who.member_id.as_ref() == Some(&member)
        }),
        (AuditFilter { actor: Some("t".to_owned()), ..all() }, &|_| true),
        (AuditFilter { actor: Some("nobody".to_owned()), ..all() }, &|_| false),
        (AuditFilter { action: Some("api_key.deleted".to_owned()), ..all() }, &|_| true),
        (AuditFilter { action: Some("api_key.created".to_owned()), ..all() }, &|_| false),
        (AuditFilter { resource_type: Some("api_key".to_owned()), ..all() }, &|_| true),
        (AuditFilter { resource_type: Some("agent".to_owned()), ..all() }, &|_| false),
        (AuditFilter { resource_id: Some(thing.clone()), ..all() }, &|e| {
            e.resource.id.as_ref() == Some(&thing)
        }),
        (AuditFilter { from: at(5), ..all() }, &|e| e.sequence >= 5),
        (AuditFilter { to: at(5), ..all() }, &|e| e.sequence < 5),
        (AuditFilter { from: at(3), to: at(9), ..all() }, &|e| (3..9).contains(&e.sequence)),
        (AuditFilter { from: at(99), ..all() }, &|_| false),
        (AuditFilter { to: at(99), ..all() }, &|_| true),
        (AuditFilter { actor: Some(member.clone()), from: at(3), to: at(9), ..all() }, &|e| {
            (3..9).contains(&e.sequence) && e.who.member_id.as_ref() == Some(&member)
        }),
    ] {
        let expected: Vec<_> = written.iter().filter(|entry| is_found(entry)).cloned().collect();
        let found = kept.store.audit_entries(&one.id, &filter, None, 100).await.unwrap();
        assert_eq!(found, expected, "{filter:?}");
        let some = kept.store.audit_entries(&one.id, &filter, Some(9), 2).await.unwrap();
        let expected: Vec<_> = expected.into_iter().filter(|entry| entry.sequence < 9).take(2).collect();
        assert_eq!(some, expected, "{filter:?}");
    }
}

async fn a_log_has_one_end(kept: &Kept) {
    let one = kept.organization("audit end").await;
    assert!(kept.store.unaudited_organizations().await.unwrap().contains(&one.id));
    assert!(kept.store.audit_head(&one.id).await.unwrap().is_none());
    append(kept, &key(), &one, vec![entry(&one, 1, true)]).await;
    assert!(!kept.store.unaudited_organizations().await.unwrap().contains(&one.id));
    assert!(kept.store.audited_organizations().await.unwrap().contains(&one.id));

    let mut transaction = kept.writer.begin().await.unwrap();
    let (stored, names) =
        transaction.lock_audit_head(&one.id, Some(&one.owner.id), Some(&TokenId::new("gone"))).await.unwrap();
    let newest = transaction.newest_audit_entry(&one.id).await.unwrap();
    assert_eq!(stored.map(|stored| stored.head), newest);
    assert_eq!((names.member.as_deref(), names.token), (Some("Owner"), None));
    // Nobody's end.
    let nobody = OrganizationId::new("nobody");
    assert!(transaction.write_audit_head(&nobody, &Head::NONE, &Hash::ZERO).await.is_err());
}

async fn what_is_not_committed_is_not_in_the_log(kept: &Kept) {
    let one = kept.organization("audit rollback").await;
    let mut transaction = kept.writer.begin().await.unwrap();
    transaction.lock_audit_head(&one.id, None, None).await.unwrap();
    transaction.insert_audit_entry(&entry(&one, 1, true)).await.unwrap();
    drop(transaction);
    assert_eq!(kept.store.audit_ends(&one.id).await.unwrap(), (None, 0));
}
