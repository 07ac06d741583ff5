//! What ends soon, and which notices of it were mailed.

use std::collections::HashSet;
use std::time::Duration;

use super::*;
use crate::domain::{Notice, NoticeKind};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn all(kept: &Kept) {
    what_ends_is_found(kept).await;
    a_notice_is_marked_once(kept).await;
    owner_and_admins_are_told(kept).await;
}

/// A key with this expiry, with a secret before its own that ends then.
async fn key(
    one: &Organization,
    kept: &Kept,
    number: u32,
    expires_at: Option<Timestamp>,
    secret_ends_at: Option<Timestamp>,
) -> Key {
    let key = Key { expires_at, ..one.key(number) };
    kept.change(async |work| {
        let inserted = work.insert_key(&key).await?;
        let newest = work.insert_secret(&key, &secret(&one.name, number)).await?;
        let mut touched = inserted.and(newest);
        if secret_ends_at.is_some() {
            let before = StoredSecret { expires_at: secret_ends_at, ..secret(&one.name, number + 500) };
            touched = touched.and(work.insert_secret(&key, &before).await?);
        }
        Ok(((), touched))
    })
    .await;
    key
}

fn notice(one: &Organization, key: &Key, kind: NoticeKind, last4: &str, ends_at: Timestamp) -> Notice {
    Notice {
        kind,
        key_id: key.id.clone(),
        key_name: key.name.clone(),
        agent: AgentName { id: one.agent.id.clone(), name: one.agent.name.clone() },
        secret_last4: last4.to_owned(),
        ends_at,
        last_used_at: None,
    }
}

async fn what_ends_is_found(kept: &Kept) {
    let (one, other) = (kept.organization("notices find").await, kept.organization("notices other").await);
    let at = |days: u32| START.plus(DAY * days);
    let just_after = Timestamp(at(14).0 + 1);
    let late = key(&one, kept, 10, Some(at(14)), None).await;
    let soon = key(&one, kept, 11, Some(at(2)), Some(at(1))).await;
    for (number, expires_at) in [(12, None), (13, Some(just_after)), (14, Some(START))] {
        key(&one, kept, number, expires_at, None).await;
    }
    let disabled = key(&one, kept, 15, Some(at(1)), Some(at(1))).await;
    let disabled = Key { disabled_at: Some(START), ..disabled };
    kept.change(async |work| Ok(((), work.update_key(&disabled).await?))).await;
    // Its secret ends too late, or it has expired itself.
    key(&one, kept, 16, None, Some(at(2))).await;
    key(&one, kept, 17, Some(START), Some(at(1))).await;
    key(&other, kept, 10, Some(at(1)), None).await;

    let expected = [
        notice(&one, &soon, NoticeKind::SecretEnds, "0511", at(1)),
        notice(&one, &soon, NoticeKind::KeyExpires, "0011", at(2)),
        notice(&one, &late, NoticeKind::KeyExpires, "0010", at(14)),
    ];
    let (agent, nobody) = (&one.agent.id, AgentId::new("0".repeat(24)));
    for (of, limit, found) in [
        (None, 10, &expected[..]),
        (None, 1, &expected[..1]),
        (Some(agent), 10, &expected[..]),
        (Some(&other.agent.id), 10, &expected[..0]),
        (Some(&nobody), 10, &expected[..0]),
    ] {
        assert_eq!(kept.store.notices(&one.id, of, START, limit).await.unwrap(), found, "{of:?}");
    }
}

async fn a_notice_is_marked_once(kept: &Kept) {
    let (one, other) = (kept.organization("notices mark").await, kept.organization("notices not").await);
    let ends_at = START.plus(DAY);
    let key = key(&one, kept, 10, Some(ends_at), None).await;
    let notice = notice(&one, &key, NoticeKind::KeyExpires, "0010", ends_at);
    let mark = async |organization: &Organization, notice: &Notice, days: i64| {
        let id = &organization.id;
        kept.change(async |work| Ok((work.mark_notice(id, notice, days, START).await?, Touched::nothing())))
            .await
            .0
    };
    for (organization, days, is_new) in
        [(&one, 1, true), (&one, 1, false), (&one, 3, true), (&other, 14, false)]
    {
        assert_eq!(mark(organization, &notice, days).await, is_new, "{days}");
    }
    let marks = async |now: Timestamp| kept.store.mailed_notices(&one.id, now).await.unwrap();
    let of = |days| (key.id.clone(), NoticeKind::KeyExpires, ends_at, days);
    assert_eq!(marks(START).await, HashSet::from([of(1), of(3)]));
    assert_eq!(marks(ends_at).await, HashSet::new(), "it has ended");
    let forget = async |now: Timestamp| {
        let id = &one.id;
        kept.change(async |work| Ok((work.delete_notice_marks(id, now).await?, Touched::nothing()))).await;
    };
    forget(START).await;
    assert_eq!(marks(START).await.len(), 2);
    forget(ends_at).await;
    assert_eq!(marks(START).await.len(), 0);
    assert!(mark(&one, &notice, 1).await);
    kept.change(async |work| Ok(((), work.delete_key(&key).await?))).await;
    assert_eq!(marks(START).await.len(), 0, "the key is gone");
    assert!(!mark(&one, &notice, 14).await);
}

async fn owner_and_admins_are_told(kept: &Kept) {
    let one = kept.organization("notices whom").await;
    let admin = one.member(10);
    let user = Member { role: Role::User, ..one.member(11) };
    let removed = one.member(12);
    for member in [&admin, &user, &removed] {
        kept.change(async |work| {
            assert!(work.insert_member(member).await?);
            Ok(((), Touched::nothing()))
        })
        .await;
    }
    kept.change(async |work| Ok(((), work.remove_member(&removed, START).await?))).await;
    let told = kept.store.admin_emails(&one.id, 10).await.unwrap();
    assert_eq!(told, [one.owner.email.clone(), admin.email]);
    assert_eq!(kept.store.admin_emails(&one.id, 1).await.unwrap().len(), 1);
    let organizations = kept.store.organizations().await.unwrap();
    assert!(organizations.contains(&OrganizationName { id: one.id, name: "notices whom".to_owned() }));
}
