//! Members.

use super::*;

pub(super) async fn all(kept: &Kept) {
    what_is_kept_comes_back(kept).await;
    an_email_is_unique_while_its_member_is_there(kept).await;
    a_role_touches_the_keys_of_its_member(kept).await;
    the_list_is_newest_first(kept).await;
    an_organization_sees_its_own_only(kept).await;
}

async fn insert(kept: &Kept, member: &Member) {
    let (inserted, _) =
        kept.change(async |work| Ok((work.insert_member(member).await?, Touched::nothing()))).await;
    assert!(inserted);
}

async fn what_is_kept_comes_back(kept: &Kept) {
    let one = kept.organization("members kept").await;
    let member = Member { email: "ZOË@example.com".to_owned(), role: Role::User, ..one.member(10) };
    insert(kept, &member).await;
    assert_eq!(kept.store.member(&one.id, &member.id).await.unwrap().as_ref(), Some(&member));
    let found = kept.store.member_by_email(&one.id, "zoë@EXAMPLE.com").await.unwrap();
    assert_eq!(found, Some(member), "without regard to case");
    assert_eq!(kept.store.member_by_email(&one.id, "x@example.com").await.unwrap(), None);
}

async fn an_email_is_unique_while_its_member_is_there(kept: &Kept) {
    let one = kept.organization("members unique").await;
    let first = one.member(10);
    insert(kept, &first).await;
    let again = Member { id: one.member(11).id, email: first.email.to_uppercase(), ..one.member(11) };
    let mut transaction = kept.writer.begin().await.unwrap();
    assert!(!transaction.work().insert_member(&again).await.unwrap());
    drop(transaction);
    let remove = async |work: &mut dyn Work| Ok(((), work.remove_member(&first, START).await?));
    kept.change(remove).await;
    assert_eq!(kept.store.member(&one.id, &first.id).await.unwrap(), None);
    assert_eq!(kept.store.member_by_email(&one.id, &first.email).await.unwrap(), None);
    insert(kept, &again).await;
}

async fn a_role_touches_the_keys_of_its_member(kept: &Kept) {
    let one = kept.organization("members role").await;
    let key = one.insert_key(kept, 10).await;
    let creator_role = async || kept.store.key_record(&key.api_key).await.unwrap().unwrap().creator_role;
    assert_eq!(creator_role().await, Some(Role::Owner));
    let (_, touched) = kept
        .change(async |work| {
            let owner = work.lock_member(&one.id, &one.owner.id).await?.unwrap();
            assert_eq!(owner, one.owner);
            Ok(((), work.update_member(&Member { role: Role::User, ..owner }).await?))
        })
        .await;
    assert_eq!(touched, [key.api_key.as_str()]);
    assert_eq!(creator_role().await, Some(Role::User));
    let (_, touched) = kept.change(async |work| Ok(((), work.remove_member(&one.owner, START).await?))).await;
    assert_eq!(touched, [key.api_key.as_str()]);
    assert_eq!(creator_role().await, None);
    let shown = kept.store.key(&one.id, &one.agent.id, &key.id).await.unwrap().unwrap();
    assert_eq!((shown.created_by, shown.effective_permissions), (key.created_by, Vec::new()));
}

async fn the_list_is_newest_first(kept: &Kept) {
    let one = kept.organization("members list").await;
    for number in [10, 11, 12] {
        insert(kept, &one.member(number)).await;
    }
    kept.change(async |work| Ok(((), work.remove_member(&one.member(11), START).await?))).await;
    let names = async |slice| -> Vec<String> {
        kept.store.members(&one.id, &slice).await.unwrap().into_iter().map(|member| member.name).collect()
    };
    assert_eq!(names(before(None, 1)).await, ["Member 12"]);
    let twelve = id("members list", 12);
    assert_eq!(names(before(Some(&twelve), 9)).await, ["Member 10", ""]);
    assert_eq!(kept.store.count_members(&one.id).await.unwrap(), 3);
}

async fn an_organization_sees_its_own_only(kept: &Kept) {
    let (one, other) = (kept.organization("members one").await, kept.organization("members other").await);
    assert_eq!(kept.store.member(&other.id, &one.owner.id).await.unwrap(), None);
    assert_eq!(kept.store.members(&other.id, &before(None, 9)).await.unwrap(), vec![other.owner.clone()]);
    assert_eq!(kept.store.count_members(&other.id).await.unwrap(), 1);
    let found = kept.store.member_by_email(&other.id, &one.owner.email).await.unwrap();
    assert_eq!(found, Some(other.owner.clone()));
    kept.change(async |work| {
        assert_eq!(work.lock_member(&other.id, &one.owner.id).await?, None);
        let foreign = Member { organization_id: other.id.clone(), role: Role::User, ..one.owner.clone() };
        let updated = work.update_member(&foreign).await?;
        let removed = work.remove_member(&foreign, START).await?;
        Ok(((), updated.and(removed)))
    })
    .await;
    assert_eq!(kept.store.member(&one.id, &one.owner.id).await.unwrap(), Some(one.owner));
}
