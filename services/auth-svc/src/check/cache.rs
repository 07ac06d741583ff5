//! What is known about keys, in memory.
//!
//! Each entry is the placeholder of its own load: a request that finds none puts one in, then reads the
//! database. A change takes the entry out, whether it is loaded or still loading, so what was read
//! before the change is never found after it (REVOCATION rule 6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use papaya::HashMap;
use parking_lot::Mutex;
use svc_core::clock::Timestamp;
use svc_core::db::DbError;
use svc_core::principal::Principal;
use tokio::sync::OnceCell;

use super::minter::Minted;
use super::renewal::HeldSecret;
use crate::domain::Addresses;
use crate::limits::Limits;
use crate::store::KeyRecord;

/// How many keys are kept. At about a kilobyte each this is a gigabyte at the most.
const CAPACITY: usize = 1_000_000;
/// How far an eviction goes, so that it is rare.
const AFTER_EVICTION: usize = CAPACITY / 8 * 7;

/// A key at one moment. Never changes; a change of the key makes another.
#[derive(Debug)]
pub struct Snapshot {
    /// The id of the key.
    pub key_id: String,
    /// Its secrets.
    pub secrets: Vec<HeldSecret>,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// It is disabled.
    pub disabled: bool,
    /// Where requests may come from.
    pub allowed_ips: Addresses,
    /// How many requests it may make.
    pub limits: Limits,
    /// Who a request with this key is.
    pub principal: Principal,
    /// Principal tokens that are still fresh.
    pub minted: Mutex<Vec<Minted>>,
}

impl From<KeyRecord> for Snapshot {
    fn from(record: KeyRecord) -> Snapshot {
        let permissions = crate::domain::effective(&record.permissions, record.creator_role);
        let principal = Principal {
            organization_id: record.organization_id,
            agent_id: Some(record.agent_id),
            subject: svc_core::principal::Subject::Key(record.id.clone()),
            permissions,
            role: None,
        };
        Snapshot {
            key_id: record.id,
            secrets: record.secrets.into_iter().map(HeldSecret::from).collect(),
            expires_at: record.expires_at,
            disabled: record.disabled,
            allowed_ips: record.allowed_ips,
            limits: record.rate_limits.into(),
            principal,
            minted: Mutex::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Entry {
    /// Loaded once; those who come meanwhile wait for it. `None`: there is no such key.
    snapshot: OnceCell<Option<Arc<Snapshot>>>,
    /// Asked for since the last eviction.
    used: AtomicBool,
}

/// Snapshots by `apiKey`.
#[derive(Default)]
pub struct KeyCache {
    entries: HashMap<Box<str>, Arc<Entry>>,
    evicting: Mutex<()>,
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyCache({} keys)", self.entries.len())
    }
}

impl KeyCache {
    /// The snapshot of a key, loaded when it is not known. `None` when there is no such key.
    pub async fn get<L>(&self, api_key: &str, load: L) -> Result<Option<Arc<Snapshot>>, DbError>
    where
        L: AsyncFnOnce() -> Result<Option<KeyRecord>, DbError>,
    {
        let entry = self.entry(api_key);
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        let loaded = entry
            .snapshot
            .get_or_try_init(async || Ok(load().await?.map(|record| Arc::new(Snapshot::from(record)))))
            .await;
        match loaded {
            Ok(Some(snapshot)) => Ok(Some(snapshot.clone())),
            // Keys that do not exist are not kept: there is no end of them.
            Ok(None) => {
                self.remove_entry(api_key, &entry);
                Ok(None)
            }
            Err(error) => {
                self.remove_entry(api_key, &entry);
                Err(error)
            }
        }
    }

    /// The snapshot of a key that is known already.
    pub fn known(&self, api_key: &str) -> Option<Arc<Snapshot>> {
        self.entries.pin().get(api_key)?.snapshot.get()?.clone()
    }

    /// Takes a key out, loaded or loading.
    pub fn remove(&self, api_key: &str) {
        self.entries.pin().remove(api_key);
    }

    /// Takes every key out, loaded or loading.
    pub fn clear(&self) {
        self.entries.pin().clear();
    }

    fn entry(&self, api_key: &str) -> Arc<Entry> {
        let entries = self.entries.pin();
        if let Some(entry) = entries.get(api_key) {
            return entry.clone();
        }
        if entries.len() >= CAPACITY {
            self.evict();
        }
        entries.get_or_insert_with(api_key.into(), Arc::default).clone()
    }

    fn remove_entry(&self, api_key: &str, entry: &Arc<Entry>) {
        let _ = self.entries.pin().remove_if(api_key, |_, found| Arc::ptr_eq(found, entry));
    }

    /// Second chance: what was not asked for since the last time goes.
    fn evict(&self) {
        let Some(_alone) = self.evicting.try_lock() else { return };
        let entries = self.entries.pin();
        for (api_key, entry) in &entries {
            if entries.len() <= AFTER_EVICTION {
                return;
            }
            if !entry.used.swap(false, Ordering::Relaxed) {
                self.remove_entry(api_key, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RateLimits, Role};
    use futures::channel::oneshot;

    fn record(permission: &str) -> KeyRecord {
        KeyRecord {
            id: "k".into(),
            organization_id: "o".into(),
            agent_id: "a".into(),
            permissions: vec![permission.into()],
            expires_at: None,
            allowed_ips: Addresses::default(),
            rate_limits: RateLimits { per_minute: 60, per_hour: 1_000 },
            disabled: false,
            creator_role: Some(Role::Owner),
            secrets: Vec::new(),
        }
    }

    fn permission(snapshot: Option<Arc<Snapshot>>) -> String {
        snapshot.unwrap().principal.permissions[0].clone()
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
                    let old = record("old");
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
        let after = cache.get("key", async || Ok(Some(record("new")))).await.unwrap();
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
        assert!(cache.get("key", async || Err(DbError::Duplicate)).await.is_err());
        assert_eq!(cache.entries.len(), 0);
        assert_eq!(permission(cache.get("key", async || Ok(Some(record("p")))).await.unwrap()), "p");
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
                    Ok(Some(record("p")))
                };
                cache.get("key", load).await.unwrap().unwrap()
            })
        });
        futures::future::join_all(gets).await;
        assert_eq!(loads.load(Ordering::SeqCst), 1);
    }
}
