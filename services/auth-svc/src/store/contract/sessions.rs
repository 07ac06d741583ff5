//! Sessions.

use super::*;
use crate::domain::MAX_SESSIONS;

pub(super) async fn all(kept: &Kept) {
    what_is_kept_comes_back(kept).await;
    a_token_is_renewed_once(kept).await;
    sessions_end(kept).await;
    there_are_not_too_many(kept).await;
    an_organization_sees_its_own_only(kept).await;
}

fn session(of: &Organization, number: u32) -> Session {
    Session {
        id: SessionId::new(id(&of.name, number)),
        organization_id: of.id.clone(),
        member_id: of.owner.id.clone(),
        role: Role::Owner,
        client_address: "192.0.2.1".to_owned(),
        user_agent: "Mozilla/5.0".to_owned(),
        created_at: START,
        last_seen_at: START,
        expires_at: Timestamp(START.0 + 1_000),
    }
}

async fn insert(kept: &Kept, of: &Organization, number: u32) -> Session {
    let new = session(of, number);
    kept.change(async |work| {
        Ok((work.insert_session(&new, &hash(&of.name, number)).await?, Touched::nothing()))
    })
    .await;
    new
}

async fn what_is_kept_comes_back(kept: &Kept) {
    let one = kept.organization("sessions kept").await;
    let (first, second) = (insert(kept, &one, 10).await, insert(kept, &one, 11).await);
    let record = kept.store.session_record(&hash(&one.name, 10)).await.unwrap().unwrap();
    assert_eq!((record.session, record.member_role), (first.clone(), Role::Owner));
    assert_eq!(kept.store.session_record(&hash(&one.name, 9)).await.unwrap(), None);
    let found = kept.store.session(&one.id, &one.owner.id, &first.id).await.unwrap();
    assert_eq!(found, Some((first.clone(), hash(&one.name, 10))));
    let listed = async |now| kept.store.sessions(&one.id, &one.owner.id, now).await.unwrap();
    assert_eq!(listed(START).await, [second.clone(), first.clone()], "newest first");
    assert_eq!(listed(Timestamp(START.0 + 1_000)).await, [], "they are over");

    let later = Timestamp(START.0 + 500);
    for (now, seen) in [(later, later), (START, later)] {
        kept.change(async |work| Ok((work.see_session(&first, now).await?, Touched::nothing()))).await;
        assert_eq!(listed(START).await[1].last_seen_at, seen, "it never goes back");
    }
    let owner = kept.store.member(&one.id, &one.owner.id).await.unwrap().unwrap();
    assert_eq!(owner.last_seen_at, Some(later));
}

async fn a_token_is_renewed_once(kept: &Kept) {
    let one = kept.organization("sessions renewed").await;
    let before = Session { role: Role::User, ..insert(kept, &one, 10).await };
    let renew = async |from: u32, to: u32| {
        let renew = async |work: &mut dyn Work| {
            let (from, to) = (hash(&one.name, from), hash(&one.name, to));
            Ok((work.renew_session(&before, &from, &to).await?, Touched::nothing()))
        };
        kept.change(renew).await.0
    };
    assert!(renew(10, 20).await);
    assert!(!renew(10, 21).await, "another was sooner");
    assert_eq!(kept.store.session_record(&hash(&one.name, 10)).await.unwrap(), None);
    let record = kept.store.session_record(&hash(&one.name, 20)).await.unwrap().unwrap();
    assert_eq!(record.session, before);
}

async fn sessions_end(kept: &Kept) {
    let one = kept.organization("sessions end").await;
    for number in 10..14 {
        insert(kept, &one, number).await;
    }
    let end = async |number: u32| {
        let id = session(&one, number).id;
        kept.change(async |work| {
            Ok((work.end_session(&one.id, &one.owner.id, &id).await?, Touched::nothing()))
        })
        .await
        .0
    };
    assert!(end(10).await && !end(10).await);
    let left = async || kept.store.sessions(&one.id, &one.owner.id, START).await.unwrap();
    assert_eq!(left().await.len(), 3);
    let own = session(&one, 11).id;
    for (but, expected) in [(Some(&own), 1), (None, 0)] {
        kept.change(async |work| {
            Ok((work.end_sessions(&one.id, &one.owner.id, but).await?, Touched::nothing()))
        })
        .await;
        assert_eq!(left().await.len(), expected);
    }
    insert(kept, &one, 14).await;
    kept.change(async |work| Ok(((), work.remove_member(&one.owner, START).await?))).await;
    assert_eq!(kept.store.session_record(&hash(&one.name, 14)).await.unwrap(), None);
}

async fn there_are_not_too_many(kept: &Kept) {
    let one = kept.organization("sessions many").await;
    let most = u32::try_from(MAX_SESSIONS).unwrap();
    for number in 0..most + 3 {
        insert(kept, &one, 100 + number).await;
    }
    let left = kept.store.sessions(&one.id, &one.owner.id, START).await.unwrap();
    assert_eq!(left.len(), most as usize);
    assert_eq!(left.last().unwrap().id, session(&one, 103).id, "the oldest ended");
}

async fn an_organization_sees_its_own_only(kept: &Kept) {
    let (one, other) = (kept.organization("sessions one").await, kept.organization("sessions other").await);
    let mine = insert(kept, &one, 10).await;
    assert_eq!(kept.store.session(&other.id, &one.owner.id, &mine.id).await.unwrap(), None);
    assert_eq!(kept.store.sessions(&other.id, &one.owner.id, START).await.unwrap(), []);
    kept.change(async |work| {
        assert!(!work.end_session(&other.id, &one.owner.id, &mine.id).await?);
        work.end_sessions(&other.id, &one.owner.id, None).await?;
        let foreign = Session { organization_id: other.id.clone(), ..mine.clone() };
        let (from, to) = (hash(&one.name, 10), hash(&one.name, 11));
        assert!(!work.renew_session(&foreign, &from, &to).await?);
        work.see_session(&foreign, Timestamp(START.0 + 1)).await?;
        Ok(((), Touched::nothing()))
    })
    .await;
    assert_eq!(kept.store.sessions(&one.id, &one.owner.id, START).await.unwrap(), [mine]);
}
