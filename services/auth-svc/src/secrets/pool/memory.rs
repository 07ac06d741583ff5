//! What argon2id works in. Freed and allocated anew for each run, an allocator may keep 19 MiB for every
//! thread that ever ran one; so the pool keeps the buffers itself, one for each that runs, until there is
//! less to do.

use argon2::Block;
use parking_lot::Mutex;
use zeroize::Zeroize;

/// The buffers that no run has now, all zero. There are never more in all than have run at once: a new
/// one is made only while none is idle.
#[derive(Debug, Default)]
pub(super) struct Memory {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    buffers: Vec<Vec<Block>>,
    /// The fewest of them that there were since [`Memory::free_unused`]: so many were not missed.
    fewest: usize,
}

impl Memory {
    /// Frees the buffers that no run has now.
    pub(super) fn free(&self) {
        *self.idle.lock() = Idle::default();
    }

    /// Frees as many buffers as no run has needed since the last time.
    pub(super) fn free_unused(&self) {
        let mut idle = self.idle.lock();
        let kept = idle.buffers.len().saturating_sub(idle.fewest);
        let unused = idle.buffers.split_off(kept);
        idle.fewest = kept;
        drop(idle);
        drop(unused);
    }

    /// Lends `work` this many blocks. Up to `kept` of them come from a buffer that is kept for the next
    /// run; more, which only records of other parameters need, are freed at once.
    pub(super) fn lend<T>(&self, blocks: usize, kept: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        if blocks > kept {
            return clean(&mut vec![Block::new(); blocks], work);
        }
        let mut buffer = self.take().unwrap_or_else(|| vec![Block::new(); kept]);
        // Should `work` panic, the buffer is freed, and another one is made when it is missed.
        let result = clean(&mut buffer[..blocks], work);
        self.idle.lock().buffers.push(buffer);
        result
    }

    fn take(&self) -> Option<Vec<Block>> {
        let mut idle = self.idle.lock();
        let buffer = idle.buffers.pop();
        idle.fewest = idle.fewest.min(idle.buffers.len());
        buffer
    }
}

/// The crate wipes its hashes, but not the memory, where a guess of the secret could be checked without the
/// cost of argon2id. Wiping takes 1.5 ms, less than new pages from the system would.
fn clean<T>(blocks: &mut [Block], work: impl FnOnce(&mut [Block]) -> T) -> T {
    let result = work(blocks);
    for block in blocks {
        block.zeroize();
    }
    result
}

#[cfg(test)]
impl Memory {
    /// How many buffers wait for the next run, all of them wiped.
    pub(super) fn idle(&self) -> usize {
        let idle = self.idle.lock();
        let mut blocks = idle.buffers.iter().flatten();
        assert!(blocks.all(|block| block.as_ref().iter().all(|word| *word == 0)));
        idle.buffers.len()
    }
}
