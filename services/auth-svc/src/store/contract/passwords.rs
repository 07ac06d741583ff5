//! Passwords.

use super::*;
use crate::store::passwords::PasswordRecord;

pub(super) async fn all(kept: &Kept) {
    who_signs_in_is_found_by_email(kept).await;
    a_password_is_renewed_while_it_is_the_same(kept).await;
}

async fn set(kept: &Kept, member: &Member, hash: &str) {
    kept.change(async |work| {
        work.set_password(&member.organization_id, &member.id, hash, START).await?;
        Ok(((), Touched::nothing()))
    })
    .await;
}

async fn who_signs_in_is_found_by_email(kept: &Kept) {
    let one = kept.organization("passwords").await;
    let member =
        Member { email: "Pass@Words.example".to_owned(), status: MemberStatus::Invited, ..one.member(10) };
    kept.change(async |work| {
        assert!(work.insert_member(&member).await?);
        Ok(((), Touched::nothing()))
    })
    .await;
    let found = async || kept.store.password_by_email("pass@words.EXAMPLE").await.unwrap();
    let expected = |hash: Option<&str>| PasswordRecord {
        member_id: member.id.clone(),
        organization_id: one.id.clone(),
        role: Role::Admin,
        hash: hash.map(str::to_owned),
    };
    assert_eq!(found().await, Some(expected(None)));
    set(kept, &member, "$argon2id$a").await;
    assert_eq!(found().await, Some(expected(Some("$argon2id$a"))));
    assert_eq!(kept.store.password(&one.id, &member.id).await.unwrap(), found().await);
    let status = kept.store.member(&one.id, &member.id).await.unwrap().unwrap().status;
    assert_eq!(status, MemberStatus::Active, "who has a password has come in");
    assert_eq!(kept.store.password_by_email("pass@words").await.unwrap(), None);

    let other = kept.organization("passwords of others").await;
    assert_eq!(kept.store.password(&other.id, &member.id).await.unwrap(), None);
    kept.change(async |work| Ok(((), work.remove_member(&member, START).await?))).await;
    assert_eq!(found().await, None);
    assert_eq!(kept.store.password(&one.id, &member.id).await.unwrap(), None);
    set(kept, &member, "$argon2id$b").await;
    assert_eq!(found().await, None, "a member who was removed gets none");
}

async fn a_password_is_renewed_while_it_is_the_same(kept: &Kept) {
    let one = kept.organization("passwords renewed").await;
    set(kept, &one.owner, "a").await;
    let renew = async |before: &str, hash: &str| {
        kept.change(async |work| {
            let is = work.is_password(&one.id, &one.owner.id, before).await?;
            work.renew_password(&one.id, &one.owner.id, before, hash).await?;
            work.set_member_name(&one.id, &one.owner.id, "Grace", START).await?;
            Ok((is, Touched::nothing()))
        })
        .await
        .0
    };
    let now = async || kept.store.password(&one.id, &one.owner.id).await.unwrap().unwrap().hash;
    assert!(renew("a", "b").await);
    assert_eq!(now().await.as_deref(), Some("b"));
    assert!(!renew("a", "c").await);
    assert_eq!(now().await.as_deref(), Some("b"));
    assert_eq!(kept.store.member(&one.id, &one.owner.id).await.unwrap().unwrap().name, "Grace");
}
