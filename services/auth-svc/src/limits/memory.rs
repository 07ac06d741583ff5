//! Windows in memory, for one replica. What changed is saved once a second, and read at the next start.

mod keys;
mod log;
pub(super) mod piece;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use svc_core::clock::Clock;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use self::keys::Keys;
use self::log::Log;
use super::clock::BootClock;
use super::saved::Saved;
use super::{LimitError, LimitOpenError, LimitStore, Taken, WindowLimits};

/// How often empty windows are dropped, in milliseconds. Every sweep looks at all of them.
const SWEEP_EVERY: u64 = 600_000;
/// The same while keys find no room.
const SWEEP_FULL_EVERY: u64 = 5_000;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Keys that may have used slots. At about 700 bytes each a million is 0.7 GB.
    pub(crate) max_keys: usize,
    /// The bytes of a piece of the log, one key more or less. A piece is a transaction, and others who
    /// write wait for it.
    pub(crate) piece: usize,
    /// A log of so many bytes is never worth making shorter.
    pub(crate) floor: u64,
    /// The most steps of a compaction after a save, each about a piece: 16 MiB a second.
    pub(crate) steps: usize,
}

impl Bounds {
    pub(crate) const USUAL: Bounds =
        Bounds { max_keys: 1_000_000, piece: 1 << 20, floor: 16 << 20, steps: 16 };
}

/// The windows of the keys of this process.
pub struct MemoryStore {
    keys: Arc<Keys>,
    /// One who tends at a time.
    log: Mutex<Log>,
    swept: AtomicU64,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStore({} keys)", self.keys.len())
    }
}

impl MemoryStore {
    /// Goes on where the last process stopped.
    pub(crate) async fn open(
        saved: Arc<dyn Saved>,
        boot: Arc<dyn BootClock>,
        wall: Arc<dyn Clock>,
    ) -> Result<MemoryStore, LimitOpenError> {
        MemoryStore::bounded(saved, boot, wall, Bounds::USUAL).await
    }

    pub(super) async fn bounded(
        saved: Arc<dyn Saved>,
        boot: Arc<dyn BootClock>,
        wall: Arc<dyn Clock>,
        bounds: Bounds,
    ) -> Result<MemoryStore, LimitOpenError> {
        let moment = saved.moment().await?;
        let boot_now = boot.millis();
        let start = moment.map_or(boot_now, |m| m.resume(boot_now, boot.boot_id().as_deref(), wall.now()));
        let keys = Arc::new(Keys::new(boot, start, boot_now, bounds.max_keys));
        let log = Mutex::new(Log::open(saved, wall, bounds, &keys).await?);
        Ok(MemoryStore { keys, log, swept: AtomicU64::new(start) })
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A lock that is held for no longer than the counting takes is all that it waits for.
    pub(super) fn take_at_once(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        self.keys.take(key_id, limits)
    }

    pub(super) fn peek_at_once(&self, key_id: &str, limits: WindowLimits) -> Taken {
        self.keys.peek(key_id, limits)
    }

    /// Drops what is empty, now and then, and soon when keys find no room. Gives the bytes that the rest
    /// takes in the log.
    async fn sweep(&self) -> Option<u64> {
        let now = self.keys.now();
        let since = now.saturating_sub(self.swept.load(Ordering::Relaxed));
        let due = since >= SWEEP_EVERY || (since >= SWEEP_FULL_EVERY && self.keys.was_full());
        if !due {
            return None;
        }
        self.swept.store(now, Ordering::Relaxed);
        let keys = self.keys.clone();
        spawn_blocking(move || keys.drop_empty()).await.ok()
    }
}

impl LimitStore for MemoryStore {
    async fn take(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        self.take_at_once(key_id, limits)
    }

    async fn peek(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        Ok(self.peek_at_once(key_id, limits))
    }

    async fn forget(&self, key_id: &str) -> Result<(), LimitError> {
        // What is saved of it stays until its windows are empty. No other key will ever have this id.
        self.keys.forget(key_id);
        Ok(())
    }

    async fn maintain(&self) -> Result<(), LimitError> {
        let mut log = self.log.lock().await;
        let saved = log.save(&self.keys).await;
        // Also while nothing can be saved: keys that find no room cannot wait for that.
        if let Some(needed) = self.sweep().await {
            log.needs(needed);
        }
        saved?;
        log.compact(&self.keys).await
    }
}
