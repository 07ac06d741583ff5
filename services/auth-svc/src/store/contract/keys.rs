//! API keys.

use super::*;
use crate::domain::KeyStatus;

pub(super) async fn all(kept: &Kept) {
    what_is_kept_comes_back(kept).await;
    an_update_writes_all_that_can_change(kept).await;
    a_deleted_key_is_gone(kept).await;
    the_list_is_newest_first_and_filtered(kept).await;
    an_organization_sees_its_own_only(kept).await;
}

async fn what_is_kept_comes_back(kept: &Kept) {
    let one = kept.organization("keys kept").await;
    let key = one.insert_key(kept, 10).await;
    assert_eq!(kept.store.key(&one.id, &one.agent.id, &key.id).await.unwrap().as_ref(), Some(&key));
    assert_eq!(kept.store.key_by_id(&one.id, &key.id).await.unwrap().as_ref(), Some(&key));
    let record = KeyRecord {
        id: key.id.clone(),
        organization_id: one.id.clone(),
        agent_id: one.agent.id.clone(),
        permissions: key.permissions.clone(),
        expires_at: key.expires_at,
        allowed_ips: key.allowed_ips.clone(),
        rate_limits: key.rate_limits,
        disabled: false,
        creator_role: Some(Role::Owner),
        secrets: vec![secret("keys kept", 10)],
    };
    assert_eq!(kept.store.key_record(&key.api_key).await.unwrap(), Some(record));
    assert_eq!(kept.store.key_record("kw_live_none").await.unwrap(), None);
}

async fn an_update_writes_all_that_can_change(kept: &Kept) {
    let one = kept.organization("keys update").await;
    let key = one.insert_key(kept, 10).await;
    let changed = Key {
        name: "New".to_owned(),
        description: String::new(),
        permissions: vec!["contacts:delete".to_owned()],
        effective_permissions: vec!["contacts:delete".to_owned()],
        rate_limits: RateLimits { per_minute: 1, per_hour: 2 },
        allowed_ips: Addresses::default(),
        expires_at: None,
        disabled_at: Some(START),
        updated_at: Timestamp(START.0 + 1),
        version: 2,
        ..key
    };
    let (_, touched) = kept
        .change(async |work| {
            assert!(work.lock_key(&one.id, &one.agent.id, &changed.id).await?.is_some());
            Ok(((), work.update_key(&changed).await?))
        })
        .await;
    assert_eq!(touched, [changed.api_key.as_str()]);
    assert_eq!(kept.store.key_by_id(&one.id, &changed.id).await.unwrap().as_ref(), Some(&changed));
    assert!(kept.store.key_record(&changed.api_key).await.unwrap().unwrap().disabled);
}

async fn a_deleted_key_is_gone(kept: &Kept) {
    let one = kept.organization("keys delete").await;
    let key = one.insert_key(kept, 10).await;
    let (_, touched) = kept.change(async |work| Ok(((), work.delete_key(&key).await?))).await;
    assert_eq!(touched, [key.api_key.as_str()]);
    assert_eq!(kept.store.key_by_id(&one.id, &key.id).await.unwrap(), None);
    assert_eq!(kept.store.key_record(&key.api_key).await.unwrap(), None);
}

async fn the_list_is_newest_first_and_filtered(kept: &Kept) {
    let one = kept.organization("keys list").await;
    let mut made = Vec::new();
    for number in [10, 11, 12] {
        made.push(one.insert_key(kept, number).await);
    }
    let disabled = Key { disabled_at: Some(START), name: "A\\b %".to_owned(), ..made[1].clone() };
    kept.change(async |work| Ok(((), work.update_key(&disabled).await?))).await;
    let list = async |filter: KeyFilter| -> Vec<String> {
        let found = kept.store.keys(&one.id, &filter, &before(None, 9)).await.unwrap();
        let count = kept.store.count_keys(&one.id, &filter).await.unwrap();
        assert_eq!(count, found.len() as i64);
        found.into_iter().map(|key| key.name).collect()
    };
    let all = ["Key 12", "A\\b %", "Key 10"];
    let searched = |text: &str| KeyFilter { search: Some(text.to_owned()), ..KeyFilter::default() };
    let status = |status, at| KeyFilter { status: Some((status, at)), ..KeyFilter::default() };
    let (early, late) = (START, Timestamp(START.0 + 1));
    for (filter, expected) in [
        (KeyFilter::default(), &all[..]),
        (KeyFilter { agent_id: Some(one.agent.id.clone()), ..KeyFilter::default() }, &all),
        (KeyFilter { agent_id: Some(AgentId::new("x")), ..KeyFilter::default() }, &[]),
        (searched("KEY"), &["Key 12", "Key 10"]),
        (searched("a\\B %"), &["A\\b %"]),
        (searched("100 % OF_"), &all),
        (searched("100_%"), &[]),
        (searched(&made[0].api_key), &["Key 10"]),
        (status(KeyStatus::Active, early), &["Key 12", "Key 10"]),
        (status(KeyStatus::Disabled, early), &["A\\b %"]),
        (status(KeyStatus::Expired, early), &[]),
        (status(KeyStatus::Expired, late), &all),
    ] {
        assert_eq!(list(filter.clone()).await, expected, "{filter:?}");
    }
    let twelve = id("keys list", 12);
    let next = kept.store.keys(&one.id, &KeyFilter::default(), &before(Some(&twelve), 1)).await.unwrap();
    assert_eq!(next, [disabled]);
}

async fn an_organization_sees_its_own_only(kept: &Kept) {
    let (one, other) = (kept.organization("keys one").await, kept.organization("keys other").await);
    let key = one.insert_key(kept, 10).await;
    for (organization, agent) in
        [(&other.id, &one.agent.id), (&one.id, &other.agent.id), (&other.id, &other.agent.id)]
    {
        assert_eq!(kept.store.key(organization, agent, &key.id).await.unwrap(), None);
        kept.change(async |work| {
            assert_eq!(work.lock_key(organization, agent, &key.id).await?, None);
            let foreign = Key {
                organization_id: organization.clone(),
                agent: AgentName { id: agent.clone(), name: String::new() },
                name: "Taken".to_owned(),
                ..key.clone()
            };
            let updated = work.update_key(&foreign).await?;
            Ok(((), updated.and(work.delete_key(&foreign).await?)))
        })
        .await;
    }
    assert_eq!(kept.store.key_by_id(&other.id, &key.id).await.unwrap(), None);
    assert_eq!(kept.store.keys(&other.id, &KeyFilter::default(), &before(None, 9)).await.unwrap(), []);
    assert_eq!(kept.store.count_keys(&other.id, &KeyFilter::default()).await.unwrap(), 0);
    assert_eq!(kept.store.key_by_id(&one.id, &key.id).await.unwrap(), Some(key));
}
