//! Personal access tokens.

use super::*;

pub(super) async fn all(kept: &Kept) {
    what_is_kept_comes_back(kept).await;
    a_hash_finds_the_token_and_the_role_of_its_member(kept).await;
    a_deleted_token_is_gone(kept).await;
    the_list_is_newest_first(kept).await;
    a_member_sees_their_own_only(kept).await;
}

/// The hash of a token, which is unique.
fn hash(token: &Token) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..24].copy_from_slice(token.id.as_str().as_bytes());
    hash
}

async fn insert(kept: &Kept, token: &Token) {
    kept.change(async |work| {
        work.insert_token(token, &hash(token)).await?;
        Ok(((), Touched::nothing()))
    })
    .await;
}

async fn delete(kept: &Kept, organization: &OrganizationId, member: &MemberId, id: &TokenId) -> bool {
    let deleted = kept.change(async |work| {
        Ok((work.delete_token(organization, member, id).await?.is_some(), Touched::nothing()))
    });
    deleted.await.0
}

async fn what_is_kept_comes_back(kept: &Kept) {
    let one = kept.organization("tokens kept").await;
    for token in [one.token(10), one.token(11)] {
        insert(kept, &token).await;
        assert_eq!(kept.store.token(&one.id, &one.owner.id, &token.id).await.unwrap(), Some(token));
    }
}

async fn a_hash_finds_the_token_and_the_role_of_its_member(kept: &Kept) {
    let one = kept.organization("tokens hash").await;
    let token = one.token(10);
    insert(kept, &token).await;
    let found = kept.store.token_record(&hash(&token)).await.unwrap().unwrap();
    assert_eq!((&found.token, found.member_role), (&token, Role::Owner));
    assert!(kept.store.token_record(&[0; 32]).await.unwrap().is_none());
    kept.change(async |work| Ok(((), work.remove_member(&one.owner, START).await?))).await;
    assert!(kept.store.token_record(&hash(&token)).await.unwrap().is_none(), "its member was removed");
}

async fn a_deleted_token_is_gone(kept: &Kept) {
    let one = kept.organization("tokens delete").await;
    let token = one.token(10);
    insert(kept, &token).await;
    for there in [true, false] {
        assert_eq!(delete(kept, &one.id, &one.owner.id, &token.id).await, there);
        assert!(kept.store.token_record(&hash(&token)).await.unwrap().is_none());
    }
}

async fn the_list_is_newest_first(kept: &Kept) {
    let one = kept.organization("tokens list").await;
    for number in [10, 11, 12] {
        insert(kept, &one.token(number)).await;
    }
    let names = async |slice| -> Vec<String> {
        let found = kept.store.tokens(&one.id, &one.owner.id, &slice).await.unwrap();
        found.into_iter().map(|token| token.name).collect()
    };
    assert_eq!(names(before(None, 2)).await, ["Token 12", "Token 11"]);
    let eleven = id("tokens list", 11);
    assert_eq!(names(before(Some(&eleven), 2)).await, ["Token 10"]);
    assert_eq!(kept.store.count_tokens(&one.id, &one.owner.id).await.unwrap(), 3);
}

async fn a_member_sees_their_own_only(kept: &Kept) {
    let (one, other) = (kept.organization("tokens one").await, kept.organization("tokens other").await);
    let token = one.token(10);
    insert(kept, &token).await;
    for (organization, member) in [(&one.id, &other.owner.id), (&other.id, &one.owner.id)] {
        assert_eq!(kept.store.token(organization, member, &token.id).await.unwrap(), None);
        assert_eq!(kept.store.tokens(organization, member, &before(None, 9)).await.unwrap(), []);
        assert_eq!(kept.store.count_tokens(organization, member).await.unwrap(), 0);
        assert!(!delete(kept, organization, member, &token.id).await);
    }
}
