//! The windows of all keys, and which of them changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use papaya::HashMap;
use parking_lot::Mutex;

use super::piece::{self, Piece};
use crate::limits::clock::BootClock;
use crate::limits::window::Windows;
use crate::limits::{LimitError, Limits, Taken};

/// The lists of changed keys: more than threads, so that these hardly ever meet.
const LISTS: usize = 64;

/// The ids of keys.
pub type KeyIds = Arc<Vec<Arc<str>>>;

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

/// Every key has a lock of its own.
pub struct Keys {
    entries: HashMap<Arc<str>, Entry>,
    /// The keys with slots taken since the last save, each once.
    changed: [Mutex<Vec<Arc<str>>>; LISTS],
    boot: Arc<dyn BootClock>,
    /// What the windows' clock showed when the boot clock showed `boot_start`.
    start: u64,
    boot_start: u64,
    max_keys: usize,
    /// A key found no room.
    full: AtomicBool,
}

impl Keys {
    /// None yet. The windows' clock shows `start` when the boot clock shows `boot_start`.
    pub fn new(boot: Arc<dyn BootClock>, start: u64, boot_start: u64, max_keys: usize) -> Keys {
        Keys {
            entries: HashMap::new(),
            changed: std::array::from_fn(|_| Mutex::default()),
            boot,
            start,
            boot_start,
            max_keys,
            full: AtomicBool::new(false),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn boot(&self) -> &dyn BootClock {
        &*self.boot
    }

    /// On the windows' clock.
    pub fn now(&self) -> u64 {
        self.start + self.boot.millis().saturating_sub(self.boot_start)
    }

    pub fn take(&self, key_id: &str, limits: Limits) -> Result<Taken, LimitError> {
        let entries = self.entries.pin();
        loop {
            let Some((key, entry)) = entries.get_key_value(key_id) else {
                // A used slot is never forgotten to make room.
                if entries.len() >= self.max_keys {
                    self.full.store(true, Ordering::Relaxed);
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

    pub fn peek(&self, key_id: &str, limits: Limits) -> Taken {
        match self.entries.pin().get(key_id) {
            Some(entry) => entry.0.lock().windows.peek(self.now(), limits),
            None => Windows::default().peek(self.now(), limits),
        }
    }

    pub fn forget(&self, key_id: &str) {
        if let Some(entry) = self.entries.pin().get(key_id) {
            entry.0.lock().gone = true;
        }
        self.remove_gone(key_id);
    }

    /// Puts saved windows in, unless they are empty or a newer slot is known.
    pub fn restore(&self, key_id: &str, windows: Windows) {
        if windows.are_empty(self.now()) {
            return;
        }
        let entries = self.entries.pin();
        let Some(entry) = entries.get(key_id) else {
            entries.insert(key_id.into(), Entry(Mutex::new(State { windows, ..State::default() })));
            return;
        };
        let mut state = entry.0.lock();
        if windows.newest() >= state.windows.newest() {
            state.windows = windows;
        }
    }

    /// Empties the lists.
    pub fn take_changed(&self) -> KeyIds {
        let mut changed = Vec::new();
        for list in &self.changed {
            changed.append(&mut std::mem::take(&mut *list.lock()));
        }
        Arc::new(changed)
    }

    /// A piece of about so many bytes with the windows of these keys, which stand in no list any more, and
    /// how many of the keys it is made of.
    pub fn pack_changed(&self, changed: &[Arc<str>], bytes: usize) -> (Piece, usize) {
        self.pack(changed, bytes, |known, key, state| {
            // One that was forgotten and has come again stands in a list as itself.
            let same = Arc::ptr_eq(known, key);
            state.changed &= !same;
            same
        })
    }

    /// The same with those that are not empty, whether they changed or not.
    pub fn pack_used(&self, keys: &[Arc<str>], bytes: usize) -> (Piece, usize) {
        let now = self.now();
        self.pack(keys, bytes, |_, _, state| !state.windows.are_empty(now))
    }

    fn pack(
        &self,
        keys: &[Arc<str>],
        bytes: usize,
        wanted: impl Fn(&Arc<str>, &Arc<str>, &mut State) -> bool,
    ) -> (Piece, usize) {
        let (entries, now) = (self.entries.pin(), self.now());
        let (mut piece, mut looked_at) = (Piece::new(), 0);
        for key in keys {
            if piece.len() >= bytes {
                break;
            }
            looked_at += 1;
            let Some((known, entry)) = entries.get_key_value(key) else { continue };
            let mut state = entry.0.lock();
            if wanted(known, key, &mut state) {
                piece.push(key, &state.windows, now);
            }
        }
        (piece, looked_at)
    }

    /// Makes up for a save that failed: the first keys stand in no list though they may have changed, the
    /// others are marked but stand in none.
    pub fn put_back(&self, unsaved: &[Arc<str>], unmarked: usize) {
        let (unmarked, marked) = unsaved.split_at(unmarked);
        marked.iter().for_each(|key| self.list(key).lock().push(key.clone()));
        let entries = self.entries.pin();
        for key in unmarked {
            let Some((known, entry)) = entries.get_key_value(key) else { continue };
            let mut state = entry.0.lock();
            if !state.changed {
                state.changed = true;
                self.list(known).lock().push(known.clone());
            }
        }
    }

    /// All of them.
    pub fn ids(&self) -> KeyIds {
        let entries = self.entries.pin();
        let mut ids = Vec::with_capacity(entries.len());
        ids.extend(entries.keys().cloned());
        Arc::new(ids)
    }

    /// Whether a key found no room since this was asked last.
    pub fn was_full(&self) -> bool {
        self.full.swap(false, Ordering::Relaxed)
    }

    /// Drops what is empty. Gives the bytes that the rest takes in pieces.
    pub fn drop_empty(&self) -> u64 {
        let now = self.now();
        let (mut packed, mut bytes) = (Vec::new(), 0);
        for (key, entry) in &self.entries.pin() {
            let mut state = entry.0.lock();
            let idle = !state.changed && state.windows.are_empty(now);
            state.gone |= idle;
            if idle {
                drop(state);
                self.remove_gone(key);
                continue;
            }
            packed.clear();
            piece::push(&mut packed, key, &state.windows, now);
            bytes += packed.len() as u64;
        }
        bytes
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
        let start = SystemBootClock.millis();
        let keys = Keys::new(Arc::new(SystemBootClock), start, start, 2);
        let limits = Limits { per_minute: 5, per_hour: 5 };
        keys.take("key", limits).unwrap();
        // Half of a sweep: marked, and not taken out yet.
        keys.entries.pin().get("key").unwrap().0.lock().gone = true;
        keys.take("key", limits).unwrap();
        keys.remove_gone("key");
        assert_eq!(keys.peek("key", limits).minute.remaining, 4);
    }
}
