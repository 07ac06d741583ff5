//! As whom providers know members.

use super::*;
use crate::domain::Identity;

const ISSUER: &str = "https://id.example.com";

pub(super) async fn all(kept: &Kept) {
    an_identity_finds_its_member(kept).await;
    a_provider_knows_a_member_by_one_subject(kept).await;
    who_was_removed_loses_their_identity_to_another(kept).await;
    an_email_address_finds_one_member(kept).await;
}

fn identity(subject: &str) -> Identity {
    Identity::new(ISSUER, subject).unwrap()
}

async fn insert(kept: &Kept, member: &Member) {
    kept.change(async |work| {
        assert!(work.insert_member(member).await?);
        Ok(((), Touched::nothing()))
    })
    .await;
}

/// Whether it was linked. If not, nothing has changed.
async fn link(kept: &Kept, member: &Member, identity: &Identity) -> bool {
    let mut transaction = kept.writer.begin().await.unwrap();
    let linked = transaction.work().link_identity(member, identity, START).await.unwrap();
    if linked {
        transaction.commit(&Touched::nothing(), Recorded::nothing(Unaudited::Test)).await.unwrap();
    }
    linked
}

async fn member_of(kept: &Kept, identity: &Identity) -> Option<MemberId> {
    let found = kept
        .change(async |work| Ok((work.lock_member_by_identity(identity).await?, Touched::nothing())))
        .await;
    found.0.map(|member| member.id)
}

async fn an_identity_finds_its_member(kept: &Kept) {
    let one = kept.organization("identities find").await;
    let ada = identity("find-ada");
    assert_eq!(member_of(kept, &ada).await, None);
    assert!(link(kept, &one.owner, &ada).await);
    assert_eq!(member_of(kept, &ada).await, Some(one.owner.id.clone()));
    for other in [Identity::new("https://other.example.com", "find-ada").unwrap(), identity("Find-Ada")] {
        assert_eq!(member_of(kept, &other).await, None, "{other:?}");
    }
}

async fn a_provider_knows_a_member_by_one_subject(kept: &Kept) {
    let one = kept.organization("identities one").await;
    let member = one.member(10);
    insert(kept, &member).await;
    assert!(link(kept, &one.owner, &identity("one-a")).await);
    assert!(!link(kept, &one.owner, &identity("one-b")).await, "another subject of the member");
    assert!(!link(kept, &member, &identity("one-a")).await, "another member of the subject");
    assert!(link(kept, &one.owner, &Identity::new("https://other.example.com", "one-b").unwrap()).await);
    assert_eq!(member_of(kept, &identity("one-a")).await, Some(one.owner.id.clone()));
    assert_eq!(member_of(kept, &identity("one-b")).await, None);
}

async fn who_was_removed_loses_their_identity_to_another(kept: &Kept) {
    let one = kept.organization("identities removed").await;
    let (before, after) =
        (one.member(10), Member { email: "again@example.com".to_owned(), ..one.member(11) });
    for member in [&before, &after] {
        insert(kept, member).await;
    }
    assert!(link(kept, &before, &identity("removed-a")).await);
    kept.change(async |work| Ok(((), work.remove_member(&before, START).await?))).await;
    assert_eq!(member_of(kept, &identity("removed-a")).await, None);
    assert!(link(kept, &after, &identity("removed-a")).await);
    assert_eq!(member_of(kept, &identity("removed-a")).await, Some(after.id));
}

async fn an_email_address_finds_one_member(kept: &Kept) {
    let one = kept.organization("identities mail").await;
    let member = Member { email: "Only.One@Example.com".to_owned(), ..one.member(10) };
    insert(kept, &member).await;
    let by_email = async |email: &str| {
        let found =
            kept.change(async |work| Ok((work.lock_member_by_email(email).await?, Touched::nothing()))).await;
        found.0
    };
    assert_eq!(by_email("only.one@example.COM").await.map(|found| found.id), Some(member.id.clone()));
    assert_eq!(by_email("nobody@example.com").await, None);
    // Each organization of these tests has an owner with one address.
    assert_eq!(by_email(&one.owner.email).await, None, "it is not known which of them is meant");
    kept.change(async |work| Ok(((), work.remove_member(&member, START).await?))).await;
    assert_eq!(by_email(&member.email).await, None);
}
