//! Links that work once.

use super::*;

pub(super) async fn all(kept: &Kept) {
    a_link_is_used_once_and_in_time(kept).await;
    of_two_that_use_a_link_one_gets_it(kept).await;
    a_new_link_withdraws_the_one_before(kept).await;
    a_member_who_is_removed_has_none(kept).await;
}

const LATER: Timestamp = Timestamp(START.0 + 1_000);

fn link(of: &Organization, kind: LinkKind, number: u32) -> Link {
    let member = (kind != LinkKind::Setup).then(|| (of.id.clone(), of.owner.id.clone()));
    Link { id: LinkId::new(id(&of.name, number)), kind, member, created_at: START, expires_at: LATER }
}

async fn insert(kept: &Kept, link: &Link, hash: TokenHash) {
    kept.change(async |work| Ok((work.insert_link(link, &hash).await?, Touched::nothing()))).await;
}

async fn take(kept: &Kept, kind: LinkKind, hash: TokenHash, now: Timestamp) -> Option<Link> {
    kept.change(async |work| Ok((work.take_link(kind, &hash, now).await?, Touched::nothing()))).await.0
}

async fn a_link_is_used_once_and_in_time(kept: &Kept) {
    let one = kept.organization("links once").await;
    for (number, kind) in [(10, LinkKind::Setup), (11, LinkKind::Invitation), (12, LinkKind::PasswordReset)] {
        let (new, hash) = (link(&one, kind, number), hash(&one.name, number));
        insert(kept, &new, hash).await;
        assert_eq!(kept.store.link(kind, &hash, START).await.unwrap().as_ref(), Some(&new));
        let other = if kind == LinkKind::Setup { LinkKind::Invitation } else { LinkKind::Setup };
        assert_eq!(kept.store.link(other, &hash, START).await.unwrap(), None, "of another kind");
        assert_eq!(kept.store.link(kind, &hash, LATER).await.unwrap(), None, "too old");
        assert_eq!(take(kept, kind, hash, LATER).await, None, "too old");
        assert_eq!(take(kept, other, hash, START).await, None, "of another kind");
        assert_eq!(take(kept, kind, hash, START).await, Some(new));
        assert_eq!(take(kept, kind, hash, START).await, None, "used");
        assert_eq!(kept.store.link(kind, &hash, START).await.unwrap(), None, "used");
    }
}

async fn of_two_that_use_a_link_one_gets_it(kept: &Kept) {
    let one = kept.organization("links twice").await;
    let (new, hash) = (link(&one, LinkKind::Invitation, 10), hash(&one.name, 10));
    insert(kept, &new, hash).await;
    let use_it = || take(kept, LinkKind::Invitation, hash, START);
    let (first, second) = tokio::join!(use_it(), use_it());
    assert_eq!([first, second].into_iter().flatten().count(), 1);
}

async fn a_new_link_withdraws_the_one_before(kept: &Kept) {
    let one = kept.organization("links withdrawn").await;
    for kind in [LinkKind::Setup, LinkKind::Invitation] {
        let number = if kind == LinkKind::Setup { 10 } else { 20 };
        insert(kept, &link(&one, kind, number), hash(&one.name, number)).await;
        insert(kept, &link(&one, kind, number + 1), hash(&one.name, number + 1)).await;
        assert_eq!(take(kept, kind, hash(&one.name, number), START).await, None);
        assert!(kept.store.link(kind, &hash(&one.name, number + 1), START).await.unwrap().is_some());
    }
    let reset = link(&one, LinkKind::PasswordReset, 30);
    insert(kept, &reset, hash(&one.name, 30)).await;
    let until = kept.store.member(&one.id, &one.owner.id).await.unwrap().unwrap().invited_until;
    assert_eq!(until, Some(LATER), "that of the invitation");
    kept.change(async |work| {
        work.withdraw_links(LinkKind::Invitation, Some((&one.id, &one.owner.id))).await?;
        Ok(((), Touched::nothing()))
    })
    .await;
    let until = kept.store.member(&one.id, &one.owner.id).await.unwrap().unwrap().invited_until;
    assert_eq!(until, None);
    assert_eq!(take(kept, LinkKind::PasswordReset, hash(&one.name, 30), START).await, Some(reset));
}

async fn a_member_who_is_removed_has_none(kept: &Kept) {
    let one = kept.organization("links removed").await;
    insert(kept, &link(&one, LinkKind::PasswordReset, 10), hash(&one.name, 10)).await;
    kept.change(async |work| Ok(((), work.remove_member(&one.owner, START).await?))).await;
    assert_eq!(take(kept, LinkKind::PasswordReset, hash(&one.name, 10), START).await, None);
}
