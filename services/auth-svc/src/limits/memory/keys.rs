//! The windows of all keys, and which of them changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use papaya::HashMap;
use parking_lot::Mutex;

use super::piece::{self, Piece};
use crate::inline_str::InlineStr;
use crate::limits::clock::BootClock;
use crate::limits::window::Windows;
use crate::limits::{LimitError, Taken, WindowLimits};

/// The lists of changed keys: more than threads, so that these hardly ever meet.
const LISTS: usize = 64;

/// The ids of keys.
pub(crate) type KeyIds = Arc<Vec<KeyId>>;

/// The id of a key: 24 hexadecimal digits.
pub(crate) type KeyId = InlineStr<24>;

#[derive(Debug, Default)]
struct Entry(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    windows: Windows,
    /// Stands in a list of changed keys.
    changed: bool,
    /// On its way out of the map: a request that finds it looks again.
    gone: bool,
}

/// Every key has a lock of its own.
pub(crate) struct Keys {
    entries: HashMap<KeyId, Entry>,
    /// The keys with slots taken since the last save, each once.
    changed: [Mutex<Vec<KeyId>>; LISTS],
    boot: Arc<dyn BootClock>,
    /// What the windows' clock showed when the boot clock showed `boot_start`.
    start: u64,
    boot_start: u64,
    max_keys: usize,
    /// A key found no room.
    full: AtomicBool,
}

impl Keys {
    /// Without keys. The windows' clock shows `start` when the boot clock shows `boot_start`.
    pub(crate) fn new(boot: Arc<dyn BootClock>, start: u64, boot_start: u64, max_keys: usize) -> Keys {
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

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn boot(&self) -> &dyn BootClock {
        &*self.boot
    }

    /// On the windows' clock.
    pub(crate) fn now(&self) -> u64 {
        self.start + self.boot.millis().saturating_sub(self.boot_start)
    }

    pub(crate) fn take(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        let key = KeyId::new(key_id).ok_or(LimitError::Malformed)?;
        let entries = self.entries.pin();
        loop {
            let Some(entry) = entries.get(&key) else {
                // A used slot is never forgotten to make room.
                if entries.len() >= self.max_keys {
                    self.full.store(true, Ordering::Relaxed);
                    return Err(LimitError::Full);
                }
                entries.get_or_insert_with(key, Entry::default);
                continue;
            };
            let mut state = entry.0.lock();
            if state.gone {
                drop(state);
                self.remove_gone(&key);
                continue;
            }
            // The time is read under the lock, so that it grows from one request to the next.
            let taken = state.windows.take(self.now(), limits);
            if taken.allowed() && !state.changed {
                state.changed = true;
                self.list(&key).lock().push(key);
            }
            return Ok(taken);
        }
    }

    pub(crate) fn peek(&self, key_id: &str, limits: WindowLimits) -> Taken {
        let entries = self.entries.pin();
        match KeyId::new(key_id).and_then(|key| entries.get(&key)) {
            Some(entry) => entry.0.lock().windows.peek(self.now(), limits),
            None => Windows::default().peek(self.now(), limits),
        }
    }

    pub(crate) fn forget(&self, key_id: &str) {
        let Some(key) = KeyId::new(key_id) else { return };
        if let Some(entry) = self.entries.pin().get(&key) {
            entry.0.lock().gone = true;
        }
        self.remove_gone(&key);
    }

    /// Puts saved windows in, unless they are empty or a newer slot is known.
    pub(crate) fn restore(&self, key_id: &str, windows: Windows) {
        let Some(key) = KeyId::new(key_id).filter(|_| !windows.are_empty(self.now())) else { return };
        let entries = self.entries.pin();
        let Some(entry) = entries.get(&key) else {
            entries.insert(key, Entry(Mutex::new(State { windows, ..State::default() })));
            return;
        };
        let mut state = entry.0.lock();
        if windows.newest() >= state.windows.newest() {
            state.windows = windows;
        }
    }

    /// Empties the lists.
    pub(crate) fn take_changed(&self) -> KeyIds {
        let mut changed = Vec::new();
        for list in &self.changed {
            changed.append(&mut std::mem::take(&mut *list.lock()));
        }
        Arc::new(changed)
    }

    /// A piece of about so many bytes with the windows of these keys, which stand in no list any more, and
    /// how many of the keys it is made of.
    pub(crate) fn pack_changed(&self, changed: &[KeyId], bytes: usize) -> (Piece, usize) {
        // One that was forgotten and has come again is listed twice, and marked once.
        self.pack(changed, bytes, |state| std::mem::take(&mut state.changed))
    }

    /// The same with those that are not empty, whether they changed or not.
    pub(crate) fn pack_used(&self, keys: &[KeyId], bytes: usize) -> (Piece, usize) {
        let now = self.now();
        self.pack(keys, bytes, |state| !state.windows.are_empty(now))
    }

    fn pack(&self, keys: &[KeyId], bytes: usize, wanted: impl Fn(&mut State) -> bool) -> (Piece, usize) {
        let (entries, now) = (self.entries.pin(), self.now());
        let (mut piece, mut looked_at) = (Piece::new(), 0);
        for key in keys {
            if piece.len() >= bytes {
                break;
            }
            looked_at += 1;
            let Some(entry) = entries.get(key) else { continue };
            let mut state = entry.0.lock();
            if wanted(&mut state) {
                piece.push(key.as_str(), &state.windows, now);
            }
        }
        (piece, looked_at)
    }

    /// Makes up for a save that failed: the first keys stand in no list though they may have changed, the
    /// others are marked but stand in none.
    pub(crate) fn put_back(&self, unsaved: &[KeyId], unmarked: usize) {
        let (unmarked, marked) = unsaved.split_at(unmarked);
        marked.iter().for_each(|key| self.list(key).lock().push(*key));
        let entries = self.entries.pin();
        for key in unmarked {
            let Some(entry) = entries.get(key) else { continue };
            let mut state = entry.0.lock();
            if !state.changed {
                state.changed = true;
                self.list(key).lock().push(*key);
            }
        }
    }

    /// All of them.
    pub(crate) fn ids(&self) -> KeyIds {
        let entries = self.entries.pin();
        let mut ids = Vec::with_capacity(entries.len());
        ids.extend(entries.keys().copied());
        Arc::new(ids)
    }

    /// Whether a key found no room since this was asked last.
    pub(crate) fn was_full(&self) -> bool {
        self.full.swap(false, Ordering::Relaxed)
    }

    /// Drops what is empty. Gives the bytes that the rest takes in pieces.
    pub(crate) fn drop_empty(&self) -> u64 {
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
            piece::push(&mut packed, key.as_str(), &state.windows, now);
            bytes += packed.len() as u64;
        }
        bytes
    }

    /// Takes an entry out that is marked. Another one, which came after it, stays.
    fn remove_gone(&self, key: &KeyId) {
        let _ = self.entries.pin().remove_if(key, |_, entry| entry.0.lock().gone);
    }

    fn list(&self, key: &KeyId) -> &Mutex<Vec<KeyId>> {
        &self.changed[crc32fast::hash(key.as_bytes()) as usize % LISTS]
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
        let limits = WindowLimits { per_minute: 5, per_hour: 5 };
        keys.take("key", limits).unwrap();
        // Half of a sweep: marked, and not taken out yet.
        let key = KeyId::new("key").unwrap();
        keys.entries.pin().get(&key).unwrap().0.lock().gone = true;
        keys.take("key", limits).unwrap();
        keys.remove_gone(&key);
        assert_eq!(keys.peek("key", limits).minute.remaining, 4);
    }
}
