use std::sync::atomic::{AtomicU32, AtomicUsize};

use futures::channel::oneshot;
use futures::future::join_all;
use svc_core::random::SystemRandom;
use tokio::task::yield_now;

use super::*;
use crate::domain::{Addresses, AgentId, KeyId, OrganizationId, RateLimits, Role};
use crate::secrets::Verifiers;
use crate::store::KeyRecord;

fn snapshot(permission: &str) -> Snapshot {
    let record = KeyRecord {
        id: KeyId::new("k"),
        organization_id: OrganizationId::new("o"),
        agent_id: AgentId::new("a"),
        permissions: vec![permission.into()],
        expires_at: None,
        allowed_ips: Addresses::default(),
        rate_limits: RateLimits { per_minute: 60, per_hour: 1_000 },
        disabled: false,
        creator_role: Some(Role::Owner),
        secrets: Vec::new(),
    };
    Snapshot::new(record, &Verifiers::new(&Verifiers::generate(&SystemRandom), None).unwrap())
}

fn permission(snapshot: Option<Arc<Snapshot>>) -> String {
    snapshot.unwrap().principal().permissions[0].clone()
}

#[tokio::test]
async fn what_was_read_before_a_change_is_not_found_after_it() {
    let cache = Arc::new(KeyCache::default());
    let (started, has_started) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    let reader = tokio::spawn({
        let cache = cache.clone();
        async move {
            let load = async || {
                let old = snapshot("old");
                started.send(()).unwrap();
                may_go_on.await.unwrap();
                Ok(Some(old))
            };
            permission(cache.get("key", load).await.unwrap())
        }
    });
    has_started.await.unwrap();
    // The change commits while the reader holds what it read before.
    cache.remove("key");
    let after = cache.get("key", async || Ok(Some(snapshot("new")))).await.unwrap();
    go_on.send(()).unwrap();
    assert_eq!(reader.await.unwrap(), "old", "began before the change");
    assert_eq!(permission(after), "new");
    let later = cache.get("key", async || unreachable!("it is known")).await.unwrap();
    assert_eq!(permission(later), "new");
}

#[tokio::test]
async fn unknown_keys_and_failures_leave_nothing_behind() {
    let cache = KeyCache::default();
    assert!(cache.get("nobody", async || Ok(None)).await.unwrap().is_none());
    assert!(cache.get("key", async || Err(LookupError::Busy)).await.is_err());
    assert_eq!(cache.entries.len(), 0);
    assert_eq!(permission(cache.get("key", async || Ok(Some(snapshot("p")))).await.unwrap()), "p");
}

#[tokio::test]
async fn one_load_serves_all_who_wait() {
    let cache = Arc::new(KeyCache::default());
    let loads = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let gets = (0..100).map(|_| {
        let (cache, loads) = (cache.clone(), loads.clone());
        tokio::spawn(async move {
            let load = async || {
                loads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(Some(snapshot("p")))
            };
            cache.get("key", load).await.unwrap().unwrap()
        })
    });
    futures::future::join_all(gets).await;
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

/// A cache with the keys `0..kept`.
async fn filled(capacity: usize, kept: usize) -> KeyCache {
    let cache = KeyCache::bounded(capacity);
    for key in 0..kept {
        load(&cache, key, "p").await;
    }
    cache
}

/// Asks for a key, which has this permission now. Gives what it has in the answer.
async fn load(cache: &KeyCache, key: usize, now: &str) -> String {
    let load = async || Ok(Some(snapshot(now)));
    permission(cache.get(&key.to_string(), load).await.unwrap())
}

fn kept(cache: &KeyCache, keys: impl Iterator<Item = usize>) -> usize {
    let entries = cache.entries.pin();
    keys.filter(|key| entries.contains_key(&ApiKey::new(&key.to_string()).unwrap())).count()
}

#[tokio::test]
async fn one_eviction_reaches_its_aim_when_every_key_was_asked_for() {
    let cache = filled(1_000, 1_000).await;
    evict(&cache.entries, 875);
    assert_eq!(cache.entries.len(), 875);
    for key in 0..1_000 {
        let kept = cache.entries.pin().contains_key(&ApiKey::new(&key.to_string()).unwrap());
        assert_eq!(load(&cache, key, "new").await, if kept { "p" } else { "new" }, "{key}");
    }
    // Now all are in use, and asked for at every moment: the bound comes first.
    walk(&cache.entries, 0, Spares::None);
    assert_eq!(cache.entries.len(), 0);
}

#[tokio::test]
async fn keys_in_use_stay() {
    let cache = filled(1_000, 900).await;
    evict(&cache.entries, 890);
    // Since the last eviction: a tenth of the old ones, and a hundred new ones.
    for key in (0..100).chain(1_000..1_100) {
        load(&cache, key, "p").await;
    }
    let in_use = || kept(&cache, (0..100).chain(1_000..1_100));
    evict(&cache.entries, 300);
    assert_eq!((cache.entries.len(), in_use()), (300, 200));

    // Nothing was asked for since, except by one that may only look into memory.
    for key in 0..50 {
        cache.known(&key.to_string());
    }
    let asked = kept(&cache, 0..50);
    walk(&cache.entries, 100, Spares::AskedFor);
    assert_eq!((cache.entries.len(), kept(&cache, 0..50)), (100, asked));

    // All were asked for, and some of them while the eviction is at work.
    for key in (0..100).chain(1_000..1_100) {
        load(&cache, key, "p").await;
    }
    walk(&cache.entries, 60, Spares::AskedFor);
    for key in 1_000..1_060 {
        load(&cache, key, "p").await;
    }
    walk(&cache.entries, 60, Spares::AskedForMeanwhile);
    assert_eq!((cache.entries.len(), kept(&cache, 1_000..1_060)), (60, 60));
}

#[tokio::test]
async fn what_finds_no_room_is_read_each_time() {
    let cache = KeyCache::bounded(1_000);
    // No eviction makes room.
    let _alone = cache.eviction.clone().try_acquire_owned().unwrap();
    for key in 0..1_125 {
        load(&cache, key, "p").await;
    }
    for now in ["one", "two", "three"] {
        assert_eq!(load(&cache, 5_000, now).await, now);
        assert!(cache.known("5000").is_none());
    }
    assert_eq!(cache.entries.len(), 1_125);
    assert_eq!(load(&cache, 7, "new").await, "p", "what is kept is still known");
    // Room that comes by itself is used.
    cache.remove("7");
    load(&cache, 5_000, "four").await;
    assert_eq!(load(&cache, 5_000, "five").await, "four");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn new_keys_without_end_never_exceed_the_bound() {
    let cache = Arc::new(KeyCache::bounded(1_000));
    let tasks = (0..8_usize).map(|task| {
        let cache = cache.clone();
        tokio::spawn(async move {
            let mut most = 0;
            for key in 0..20_000 {
                let own = format!("{task}/{key}");
                let load = async || {
                    yield_now().await;
                    Ok(Some(snapshot(&own)))
                };
                assert_eq!(permission(cache.get(&own, load).await.unwrap()), own);
                // Nothing is put in meanwhile, so that this is their number and no sum of two moments.
                let _alone = cache.inserting.lock();
                most = most.max(cache.entries.len());
            }
            most
        })
    });
    let most = join_all(tasks).await.into_iter().map(Result::unwrap).max().unwrap();
    assert!((1_000..=1_125).contains(&most), "{most}");
    // Once the last eviction has ended, the next one that is needed comes down to its aim.
    drop(cache.eviction.acquire().await.unwrap());
    assert_eq!(cache.entries.pin().iter().count(), cache.entries.len());
    while cache.entries.len() < 1_000 {
        load(&cache, 1_000_000 + cache.entries.len(), "p").await;
    }
    load(&cache, 0, "p").await;
    drop(cache.eviction.acquire().await.unwrap());
    assert!((875..=876).contains(&cache.entries.len()), "{}", cache.entries.len());
}

/// Keys change while they are asked for and evicted: what is asked for after a change has been made known
/// is never older than it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_are_seen_at_once_while_entries_are_evicted() {
    const KEYS: usize = 16;
    let cache = Arc::new(KeyCache::bounded(32));
    // The database, and what every request that starts now must see.
    let rows: Arc<[AtomicU32; KEYS]> = Arc::default();
    let known: Arc<[AtomicU32; KEYS]> = Arc::default();
    let changing = Arc::new(AtomicUsize::new(1));
    let changes = tokio::spawn({
        let (cache, rows, known, changing) = (cache.clone(), rows.clone(), known.clone(), changing.clone());
        async move {
            for change in 1..20_000_u32 {
                let key = change as usize % KEYS;
                rows[key].store(change, Ordering::SeqCst);
                match change % 64 {
                    0 => cache.clear(),
                    _ => cache.remove(&key.to_string()),
                }
                known[key].store(change, Ordering::SeqCst);
                yield_now().await;
            }
            changing.store(0, Ordering::SeqCst);
        }
    });
    let tasks = (0..6_usize).map(|task| {
        let (cache, rows, known, changing) = (cache.clone(), rows.clone(), known.clone(), changing.clone());
        tokio::spawn(async move {
            let mut new = 0_usize;
            while changing.load(Ordering::SeqCst) == 1 {
                new += 1;
                // Evictions without end.
                load(&cache, (task + 1) * 1_000_000_000 + new, "p").await;
                let key = new % KEYS;
                let at_least = known[key].load(Ordering::SeqCst);
                let load = async || {
                    let row = rows[key].load(Ordering::SeqCst);
                    yield_now().await;
                    Ok(Some(snapshot(&row.to_string())))
                };
                let seen = permission(cache.get(&key.to_string(), load).await.unwrap());
                assert!(seen.parse::<u32>().unwrap() >= at_least, "{key}: {seen}, not {at_least}");
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    changes.await.unwrap();
    assert!(cache.entries.len() <= 36);
}
