//! The request log.

use super::*;
use crate::domain::{LoggedRequest, RequestEntry};

pub(super) async fn all(kept: &Kept) {
    what_is_kept_comes_back(kept).await;
    a_batch_may_be_sent_again(kept).await;
    batches_of_every_size_are_whole(kept).await;
    filters_and_slices(kept).await;
    another_organization_sees_nothing(kept).await;
    agents_have_owners(kept).await;
    the_oldest_go_first(kept).await;
}

/// Text that spreadsheets and terminals would like to run, and that no column may choke on.
const HOSTILE: &str = "=cmd|' /C calc'!A1 \u{1b}[31m\u{202e}\\' \"; DROP TABLE requests; --\n\t\u{10ffff}";

/// The request of a key at this second after the start, with its number.
fn entry(one: &Organization, key: &Key, second: i64, number: u32) -> RequestEntry {
    let moment = Timestamp(START.0 + second * 1_000_000);
    RequestEntry {
        id: format!("{:012x}{}{number:04x}", moment.millis(), &id(&one.name, 0)[4..12]),
        organization_id: one.id.clone(),
        agent_id: one.agent.id.clone(),
        key_id: Some(key.id.clone()),
        secret_last4: Some("9fQz".to_owned()),
        client_request_id: Some("sync-1".to_owned()),
        method: "GET".to_owned(),
        route: "/v1/open/contacts/{ref}/chatbots/{agent_id}".to_owned(),
        operation: "contacts.get".to_owned(),
        status: 200,
        code: "ok".to_owned(),
        permission: Some("contacts:read".to_owned()),
        message: None,
        client_address: "192.0.2.7".to_owned(),
        duration_micros: 1_500,
    }
}

async fn insert(kept: &Kept, entries: &[RequestEntry]) {
    kept.change(async |work| {
        work.insert_requests(entries).await?;
        Ok(((), Touched::nothing()))
    })
    .await;
}

async fn delete(kept: &Kept, below: &str, limit: i64) -> u64 {
    let deleted =
        kept.change(async |work| Ok((work.delete_requests(below, limit).await?, Touched::nothing())));
    deleted.await.0
}

fn of(one: &Organization, key: &Key) -> RequestFilter {
    let (agent_id, key_id) = (one.agent.id.clone(), key.id.clone());
    RequestFilter { agent_id, key_id, code: None, from: None, to: None }
}

async fn listed(kept: &Kept, one: &Organization, filter: &RequestFilter, slice: &Slice) -> Vec<String> {
    let found = kept.store.requests(&one.id, filter, slice).await.unwrap();
    found.into_iter().map(|request| request.entry.id).collect()
}

async fn what_is_kept_comes_back(kept: &Kept) {
    let one = kept.organization("requests kept").await;
    let key = one.insert_key(kept, 10).await;
    let whole = RequestEntry {
        message: Some(HOSTILE.to_owned()),
        route: HOSTILE.to_owned(),
        ..entry(&one, &key, 0, 1)
    };
    let bare = RequestEntry {
        key_id: None,
        secret_last4: None,
        client_request_id: None,
        permission: None,
        ..entry(&one, &key, 0, 2)
    };
    insert(kept, &[whole.clone(), bare.clone()]).await;
    let agent_name = Some(one.agent.name.clone());
    for (entry, key_name) in [(whole, Some(key.name.clone())), (bare, None)] {
        let found = kept.store.request(&one.id, &entry.id).await.unwrap();
        assert_eq!(found, Some(LoggedRequest { entry, key_name, agent_name: agent_name.clone() }));
    }
    kept.change(async |work| Ok(((), work.delete_key(&key).await?))).await;
    let found = listed_whole(kept, &one, &of(&one, &key)).await;
    assert_eq!(found.iter().map(|request| &request.key_name).collect::<Vec<_>>(), [&None], "deleted");
}

async fn listed_whole(kept: &Kept, one: &Organization, filter: &RequestFilter) -> Vec<LoggedRequest> {
    kept.store.requests(&one.id, filter, &before(None, 100)).await.unwrap()
}

async fn a_batch_may_be_sent_again(kept: &Kept) {
    let one = kept.organization("requests again").await;
    let key = one.insert_key(kept, 10).await;
    let first = entry(&one, &key, 0, 1);
    insert(kept, std::slice::from_ref(&first)).await;
    let changed = RequestEntry { status: 500, ..first.clone() };
    insert(kept, &[changed, entry(&one, &key, 1, 2)]).await;
    assert_eq!(kept.store.request(&one.id, &first.id).await.unwrap().unwrap().entry, first);
    assert_eq!(listed(kept, &one, &of(&one, &key), &before(None, 100)).await.len(), 2);
}

async fn batches_of_every_size_are_whole(kept: &Kept) {
    let one = kept.organization("requests sizes").await;
    let key = one.insert_key(kept, 10).await;
    let entries: Vec<RequestEntry> = (0..1_000).map(|n| entry(&one, &key, 0, n)).collect();
    let mut total = 0;
    for size in [0, 1, 7, 8, 41, 257, 686] {
        insert(kept, &entries[total..total + size]).await;
        total += size;
        let found = listed(kept, &one, &of(&one, &key), &before(None, 2_000)).await;
        assert_eq!(found.len(), total);
    }
}

async fn filters_and_slices(kept: &Kept) {
    let one = kept.organization("requests list").await;
    let (key, other) = (one.insert_key(kept, 10).await, one.insert_key(kept, 11).await);
    let mut entries: Vec<RequestEntry> =
        (0..6).map(|second| entry(&one, &key, second, u32::try_from(second).unwrap())).collect();
    entries[2].code = "not_found".to_owned();
    entries[4].code = "not_found".to_owned();
    insert(kept, &entries).await;
    insert(kept, &[entry(&one, &other, 3, 100)]).await;
    let at = |second: i64| Some(Timestamp(START.0 + second * 1_000_000));
    let ids = |places: &[usize]| places.iter().map(|place| entries[*place].id.clone()).collect::<Vec<_>>();
    let not_found = Some("not_found".to_owned());
    // The moments of ids are rounded down to milliseconds, those of filters up.
    for (code, from, to, slice, places) in [
        (None, None, None, before(None, 100), &[5, 4, 3, 2, 1, 0][..]),
        (None, None, None, before(None, 2), &[5, 4]),
        (None, None, None, before(Some(&entries[4].id), 2), &[3, 2]),
        (not_found.clone(), None, None, before(None, 100), &[4, 2]),
        (not_found.clone(), None, None, before(Some(&entries[4].id), 100), &[2]),
        (not_found, at(3), None, before(None, 100), &[4]),
        (None, at(4), None, before(None, 100), &[5]),
        (None, None, at(1), before(None, 100), &[1, 0]),
        (None, at(2), at(4), before(None, 100), &[4, 3]),
        (None, at(4), at(2), before(None, 100), &[]),
        (None, at(-1_000_000_000_000), at(7_000_000_000_000), before(Some(&entries[1].id), 100), &[0]),
    ] {
        let filter = RequestFilter { code, from, to, ..of(&one, &key) };
        assert_eq!(listed(kept, &one, &filter, &slice).await, ids(places), "{filter:?}");
    }
}

async fn another_organization_sees_nothing(kept: &Kept) {
    let (one, other) = (kept.organization("requests ours").await, kept.organization("requests theirs").await);
    let key = one.insert_key(kept, 10).await;
    let ours = entry(&one, &key, 0, 1);
    insert(kept, std::slice::from_ref(&ours)).await;
    assert_eq!(kept.store.request(&other.id, &ours.id).await.unwrap(), None);
    assert!(listed(kept, &other, &of(&one, &key), &before(None, 100)).await.is_empty());
    let of_other_agent = RequestFilter { agent_id: other.agent.id.clone(), ..of(&one, &key) };
    assert!(listed(kept, &one, &of_other_agent, &before(None, 100)).await.is_empty());
}

async fn agents_have_owners(kept: &Kept) {
    let (one, other) =
        (kept.organization("requests of one").await, kept.organization("requests of two").await);
    let asked = [one.agent.id.clone(), other.agent.id.clone(), AgentId::new(HOSTILE)].map(String::from);
    let owners = kept.store.owners_of_agents(&asked).await.unwrap();
    assert_eq!(owners.len(), 2);
    assert_eq!((&owners[&asked[0]], &owners[&asked[1]]), (&one.id, &other.id));
    assert!(kept.store.owners_of_agents(&[]).await.unwrap().is_empty());
}

/// Last, since the log is one for all organizations.
async fn the_oldest_go_first(kept: &Kept) {
    let one = kept.organization("requests oldest").await;
    let key = one.insert_key(kept, 10).await;
    while delete(kept, "g", 500).await > 0 {}
    let entries: Vec<RequestEntry> = (0..10).map(|n| entry(&one, &key, n.into(), n)).collect();
    insert(kept, &entries).await;
    assert_eq!(delete(kept, &entries[4].id, 3).await, 3);
    assert_eq!(delete(kept, &entries[4].id, 3).await, 1);
    assert_eq!(delete(kept, &entries[4].id, 3).await, 0);
    let left = listed(kept, &one, &of(&one, &key), &before(None, 100)).await;
    assert_eq!(left.last(), Some(&entries[4].id));
    assert_eq!(kept.store.first_request_beyond(6).await.unwrap(), None);
    assert_eq!(kept.store.first_request_beyond(4).await.unwrap().as_ref(), Some(&entries[5].id));
    assert_eq!(kept.store.first_request_beyond(0).await.unwrap().as_ref(), Some(&entries[9].id));
}
