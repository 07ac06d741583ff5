//! What is known about keys, in memory.
//!
//! Each entry is the placeholder of its own load: a request that finds none puts one in, then reads the
//! database. A change takes the entry out, whether it is loaded or still loading, so what was read
//! before the change is never found after it (REVOCATION rule 6). An eviction takes entries out in the same
//! way. When there is no room for a placeholder, what is read serves the one request that reads it, which
//! has begun before: nobody can find it later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use papaya::HashMap;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

use super::{LookupError, Snapshot};
use crate::credential::API_KEY_LENGTH;
use crate::inline_str::InlineStr;
use crate::revocation::Forget;
use crate::store::Touched;

/// How many keys are kept before an eviction starts. At about a kilobyte each this is a gigabyte.
const CAPACITY: usize = 1_000_000;
/// An eviction leaves this part of the capacity free, so that it is rare. As many keys more than the
/// capacity are kept at the most, while it runs.
const SLACK: usize = 8;

#[derive(Debug)]
struct Entry {
    /// Loaded once; those who come meanwhile wait for it. `None`: there is no such key.
    snapshot: OnceCell<Option<Arc<Snapshot>>>,
    /// Asked for since the last eviction.
    used: AtomicBool,
}

impl Entry {
    /// Not loaded yet.
    fn asked_for() -> Arc<Entry> {
        Arc::new(Entry { snapshot: OnceCell::new(), used: AtomicBool::new(true) })
    }

    fn ask(&self) {
        // Read first: a write would take the cache line from the other threads.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

type Entries = HashMap<ApiKey, Arc<Entry>>;

type ApiKey = InlineStr<API_KEY_LENGTH>;

/// Snapshots by `apiKey`.
pub(crate) struct KeyCache {
    entries: Arc<Entries>,
    /// Held while an entry is put in: nothing but removals changes their number meanwhile.
    inserting: Mutex<()>,
    /// One eviction at a time.
    eviction: Arc<Semaphore>,
    capacity: usize,
}

impl Default for KeyCache {
    fn default() -> KeyCache {
        KeyCache::bounded(CAPACITY)
    }
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyCache({} keys)", self.entries.len())
    }
}

impl Forget for KeyCache {
    fn forget(&self, touched: &Touched) {
        match touched.api_keys() {
            Some(api_keys) => api_keys.iter().for_each(|api_key| self.remove(api_key)),
            None => self.clear(),
        }
    }
}

impl KeyCache {
    /// Keeps about this many keys, and never an eighth more.
    pub(crate) fn bounded(capacity: usize) -> KeyCache {
        KeyCache {
            entries: Arc::default(),
            inserting: Mutex::default(),
            eviction: Arc::new(Semaphore::new(1)),
            capacity,
        }
    }

    /// The snapshot of a key, loaded when it is not known. `None` when there is no such key.
    pub(crate) async fn get<L>(&self, api_key: &str, load: L) -> Result<Option<Arc<Snapshot>>, LookupError>
    where
        L: AsyncFnOnce() -> Result<Option<Snapshot>, LookupError>,
    {
        let api_key = ApiKey::new(api_key);
        let entry = api_key.map_or_else(Entry::asked_for, |api_key| self.entry(api_key));
        let loaded = entry.snapshot.get_or_try_init(async || Ok(load().await?.map(Arc::new))).await;
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
    pub(crate) fn known(&self, api_key: &str) -> Option<Arc<Snapshot>> {
        let entries = self.entries.pin();
        let entry = entries.get(&ApiKey::new(api_key)?)?;
        entry.ask();
        entry.snapshot.get()?.clone()
    }

    /// Takes a key out, loaded or loading.
    pub(crate) fn remove(&self, api_key: &str) {
        if let Some(api_key) = ApiKey::new(api_key) {
            self.entries.pin().remove(&api_key);
        }
    }

    /// Takes every key out, loaded or loading.
    pub(crate) fn clear(&self) {
        self.entries.pin().clear();
    }

    /// The entry of a key, which is kept if there is room for it.
    fn entry(&self, api_key: ApiKey) -> Arc<Entry> {
        let entries = self.entries.pin();
        if let Some(entry) = entries.get(&api_key) {
            entry.ask();
            return entry.clone();
        }
        let new = Entry::asked_for();
        let _alone = self.inserting.lock();
        let kept = entries.len();
        if kept >= self.capacity {
            self.start_eviction();
        }
        if kept >= self.capacity + self.capacity / SLACK {
            return entries.get(&api_key).cloned().unwrap_or(new);
        }
        entries.get_or_insert(api_key, new).clone()
    }

    fn remove_entry(&self, api_key: Option<ApiKey>, entry: &Arc<Entry>) {
        if let Some(api_key) = api_key {
            remove_entry(&self.entries, &api_key, entry);
        }
    }

    /// Off the request's thread, which must not wait while every entry is looked at.
    fn start_eviction(&self) {
        let Ok(alone) = self.eviction.clone().try_acquire_owned() else { return };
        let entries = self.entries.clone();
        let target = self.capacity - self.capacity / SLACK;
        spawn_blocking(move || {
            evict(&entries, target);
            drop(alone);
        });
    }
}

/// Which entries an eviction spares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spares {
    /// Those that were asked for since the last eviction, or meanwhile.
    AskedFor,
    /// Those that were asked for since the walk before.
    AskedForMeanwhile,
    /// None.
    None,
}

/// Takes entries out until `target` are left: first what was not asked for since the last eviction; if
/// that is not enough, what was not asked for since this one has looked at it; and then any.
fn evict(entries: &Entries, target: usize) {
    for spares in [Spares::AskedFor, Spares::AskedForMeanwhile, Spares::None] {
        if entries.len() > target {
            walk(entries, target, spares);
        }
    }
}

/// Looks at every entry, and takes out those that are not spared until `target` are left.
fn walk(entries: &Entries, target: usize, spares: Spares) {
    let pinned = entries.pin();
    for (api_key, entry) in &pinned {
        let enough = pinned.len() <= target;
        let spared = match spares {
            // On to the last one, so that all have the same time until the next eviction.
            Spares::AskedFor => entry.used.swap(false, Ordering::Relaxed),
            _ if enough => return,
            Spares::AskedForMeanwhile => entry.used.load(Ordering::Relaxed),
            Spares::None => false,
        };
        if !spared && !enough {
            remove_entry(entries, api_key, entry);
        }
    }
}

fn remove_entry(entries: &Entries, api_key: &ApiKey, entry: &Arc<Entry>) {
    let _ = entries.pin().remove_if(api_key, |_, found| Arc::ptr_eq(found, entry));
}

#[cfg(test)]
mod tests;
