//! Windows in memory, for one replica.
//!
//! Every key has a lock of its own. Keys whose windows are empty are dropped. What changed is saved once
//! a second, and read at the next start.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use papaya::HashMap;
use parking_lot::Mutex;
use svc_core::clock::Clock;
use tokio::task::spawn_blocking;

use super::clock::BootClock;
use super::saved::{Moment, Saved, TRANSACTION};
use super::window::{LONGEST, Windows};
use super::{LimitError, LimitOpenError, LimitStore, Limits, Taken};

/// How many keys may have used slots. At about 600 bytes each this is 0.6 GB at the most.
const MAX_KEYS: usize = 1_000_000;
/// The lists of changed keys: more than threads, so that these hardly ever meet.
const LISTS: usize = 64;
/// How often empty windows are dropped, in milliseconds. Every sweep looks at all of them.
const SWEEP_EVERY: u64 = 600_000;

#[derive(Debug, Default)]
struct Entry(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    windows: Windows,
    /// Stands in a list of changed keys.
    changed: bool,
    /// On its way out of the map: who finds it looks again.
    gone: bool,
}

/// The windows of the keys of this process.
pub struct MemoryStore {
    keys: Arc<Keys>,
    saved: Arc<dyn Saved>,
    wall: Arc<dyn Clock>,
    swept: AtomicU64,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStore({} keys)", self.keys.entries.len())
    }
}

impl MemoryStore {
    /// Goes on where the last process stopped.
    pub async fn open(
        saved: Arc<dyn Saved>,
        boot: Arc<dyn BootClock>,
        wall: Arc<dyn Clock>,
    ) -> Result<MemoryStore, LimitOpenError> {
        MemoryStore::bounded(saved, boot, wall, MAX_KEYS).await
    }

    pub(super) async fn bounded(
        saved: Arc<dyn Saved>,
        boot: Arc<dyn BootClock>,
        wall: Arc<dyn Clock>,
        max_keys: usize,
    ) -> Result<MemoryStore, LimitOpenError> {
        let moment = saved.moment().await?;
        let boot_now = boot.millis();
        let start = moment.map_or(boot_now, |m| m.resume(boot_now, boot.boot_id().as_deref(), wall.now()));
        let keys = Keys {
            entries: HashMap::new(),
            changed: std::array::from_fn(|_| Mutex::default()),
            boot,
            start,
            boot_start: boot_now,
            max_keys,
        };
        let mut after: Arc<str> = "".into();
        loop {
            let rows = saved.rows(start.saturating_sub(LONGEST), &after).await?;
            let Some((last, _)) = rows.last() else { break };
            after = last.clone();
            for (key_id, windows) in rows {
                let windows = windows.ok_or_else(|| LimitOpenError::Malformed(key_id.to_string()))?;
                keys.restore(key_id, windows);
            }
        }
        Ok(MemoryStore { keys: Arc::new(keys), saved, wall, swept: AtomicU64::new(start) })
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    async fn save(&self) -> Result<(), LimitError> {
        let keys = self.keys.clone();
        let Ok(changed) = spawn_blocking(move || keys.take_changed()).await else { return Ok(()) };
        let mut left = changed.as_slice();
        while !left.is_empty() {
            // A copy of a million windows would take as much memory as they do.
            let (some, rest) = left.split_at(left.len().min(TRANSACTION));
            let rows = self.keys.copy(some);
            let moment = Moment {
                millis: self.keys.now(),
                boot_millis: self.keys.boot.millis(),
                boot_id: self.keys.boot.boot_id(),
                wall: self.wall.now(),
            };
            if let Err(error) = self.saved.save(&moment, &rows).await {
                rows.iter().for_each(|(key_id, _)| self.keys.mark_changed(key_id));
                rest.iter().for_each(|key_id| self.keys.list(key_id).lock().push(key_id.clone()));
                return Err(error.into());
            }
            left = rest;
        }
        Ok(())
    }

    /// Drops what is empty, in memory and in the database.
    async fn sweep(&self) -> Result<(), LimitError> {
        let now = self.keys.now();
        if now.saturating_sub(self.swept.load(Ordering::Relaxed)) < SWEEP_EVERY {
            return Ok(());
        }
        self.swept.store(now, Ordering::Relaxed);
        let keys = self.keys.clone();
        let _ = spawn_blocking(move || keys.drop_empty()).await;
        Ok(self.saved.purge(now.saturating_sub(LONGEST)).await?)
    }
}

impl LimitStore for MemoryStore {
    async fn take(&self, key_id: &str, limits: Limits) -> Result<Taken, LimitError> {
        self.keys.take(key_id, limits)
    }

    async fn peek(&self, key_id: &str, limits: Limits) -> Result<Taken, LimitError> {
        Ok(self.keys.peek(key_id, limits))
    }

    async fn forget(&self, key_id: &str) -> Result<(), LimitError> {
        // Its row stays until its windows are empty. No other key will ever have this id.
        self.keys.forget(key_id);
        Ok(())
    }

    async fn tend(&self) -> Result<(), LimitError> {
        self.save().await?;
        self.sweep().await
    }
}

pub(super) struct Keys {
    entries: HashMap<Arc<str>, Entry>,
    /// The keys with slots taken since the last save, each once.
    changed: [Mutex<Vec<Arc<str>>>; LISTS],
    boot: Arc<dyn BootClock>,
    /// What the windows' clock showed when the boot clock showed `boot_start`.
    start: u64,
    boot_start: u64,
    max_keys: usize,
}

impl Keys {
    fn now(&self) -> u64 {
        self.start + self.boot.millis().saturating_sub(self.boot_start)
    }

    pub(super) fn take(&self, key_id: &str, limits: Limits) -> Result<Taken, LimitError> {
        let entries = self.entries.pin();
        loop {
            let Some((key, entry)) = entries.get_key_value(key_id) else {
                // A used slot is never forgotten to make room.
                if entries.len() >= self.max_keys {
                    return Err(LimitError::Full);
                }
                entries.get_or_insert_with(key_id.into(), Entry::default);
                continue;
            };
            let mut state = entry.0.lock();
            if state.gone {
                drop(state);
                self.remove_gone(key_id);
                continue;
            }
            // The time is read under the lock, so that it grows from one request to the next.
            let taken = state.windows.take(self.now(), limits);
            if taken.allowed() && !state.changed {
                state.changed = true;
                self.list(key).lock().push(key.clone());
            }
            return Ok(taken);
        }
    }

    fn peek(&self, key_id: &str, limits: Limits) -> Taken {
        match self.entries.pin().get(key_id) {
            Some(entry) => entry.0.lock().windows.peek(self.now(), limits),
            None => Windows::default().peek(self.now(), limits),
        }
    }

    fn forget(&self, key_id: &str) {
        if let Some(entry) = self.entries.pin().get(key_id) {
            entry.0.lock().gone = true;
        }
        self.remove_gone(key_id);
    }

    fn restore(&self, key_id: Arc<str>, windows: Windows) {
        let state = State { windows, ..State::default() };
        self.entries.pin().insert(key_id, Entry(Mutex::new(state)));
    }

    /// Empties the lists. In the order of the rows: neighbours are written together, which makes a
    /// million of them seven times as fast on SQLite.
    fn take_changed(&self) -> Vec<Arc<str>> {
        let mut changed = Vec::new();
        for list in &self.changed {
            changed.append(&mut std::mem::take(&mut *list.lock()));
        }
        changed.sort_unstable();
        changed
    }

    /// The windows of keys that stand in no list any more, to be saved.
    fn copy(&self, changed: &[Arc<str>]) -> Vec<(Arc<str>, Windows)> {
        let entries = self.entries.pin();
        let mut rows = Vec::with_capacity(changed.len());
        for key in changed {
            let Some((known, entry)) = entries.get_key_value(key) else { continue };
            // One that was forgotten and has come again stands in a list as itself.
            if !Arc::ptr_eq(known, key) {
                continue;
            }
            let mut state = entry.0.lock();
            state.changed = false;
            rows.push((key.clone(), state.windows.clone()));
        }
        rows
    }

    fn mark_changed(&self, key_id: &Arc<str>) {
        let entries = self.entries.pin();
        let Some(entry) = entries.get(key_id) else { return };
        let mut state = entry.0.lock();
        if !state.changed {
            state.changed = true;
            self.list(key_id).lock().push(key_id.clone());
        }
    }

    pub(super) fn drop_empty(&self) {
        let now = self.now();
        for (key, entry) in &self.entries.pin() {
            let mut state = entry.0.lock();
            let idle = !state.changed && state.windows.are_empty(now);
            state.gone |= idle;
            drop(state);
            if idle {
                self.remove_gone(key);
            }
        }
    }

    /// Takes an entry out that is marked. Another one, which came after it, stays.
    fn remove_gone(&self, key_id: &str) {
        let _ = self.entries.pin().remove_if(key_id, |_, entry| entry.0.lock().gone);
    }

    fn list(&self, key_id: &str) -> &Mutex<Vec<Arc<str>>> {
        &self.changed[crc32fast::hash(key_id.as_bytes()) as usize % LISTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SystemBootClock;

    #[test]
    fn no_slot_is_taken_in_an_entry_that_is_on_its_way_out() {
        let boot = Arc::new(SystemBootClock);
        let start = boot.millis();
        let changed = std::array::from_fn(|_| Mutex::default());
        let keys = Keys { entries: HashMap::new(), changed, boot, start, boot_start: start, max_keys: 2 };
        let limits = Limits { per_minute: 5, per_hour: 5 };
        keys.take("key", limits).unwrap();
        // Half of a sweep: marked, and not taken out yet.
        keys.entries.pin().get("key").unwrap().0.lock().gone = true;
        keys.take("key", limits).unwrap();
        keys.remove_gone("key");
        assert_eq!(keys.peek("key", limits).minute.remaining, 4);
    }
}
