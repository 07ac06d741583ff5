//! The log of the windows: appended to once a second, and made shorter when it has grown.
//!
//! A compaction appends all windows that are not empty once more, and then deletes every piece from before
//! it began. A later piece counts before an earlier one, so the log is whole after each of its steps. They
//! are short transactions, some after each save.

use std::sync::Arc;

use svc_core::clock::Clock;
use svc_db::DbError;
use tokio::task::spawn_blocking;

use super::Bounds;
use super::keys::{KeyId, KeyIds, Keys};
use super::piece::{self, Piece};
use crate::limits::saved::{Moment, Saved};
use crate::limits::{LimitError, LimitOpenError};

/// The log is made shorter when it is longer than this many times what it must hold, and the floor.
const LONGEST_LOG: u64 = 2;
/// No more steps of a compaction after a save once they have taken so long, in milliseconds: the next save
/// is due in a second.
const COMPACTING: u64 = 300;

/// What stands in the database, and what is done there.
pub(crate) struct Log {
    saved: Arc<dyn Saved>,
    wall: Arc<dyn Clock>,
    bounds: Bounds,
    /// The last piece.
    last: i64,
    /// The bytes of all pieces.
    bytes: u64,
    /// What pieces with all windows that are not empty would take, when it was last counted.
    needed: u64,
    compaction: Option<Compaction>,
}

struct Compaction {
    /// The last piece that is deleted in the end.
    until: i64,
    /// The bytes of the pieces that are.
    replaced: u64,
    /// The keys whose windows are appended again.
    keys: KeyIds,
    /// How many of them were.
    done: usize,
    /// The bytes that they took.
    appended: u64,
}

impl Log {
    /// Reads everything into these keys.
    pub(crate) async fn open(
        saved: Arc<dyn Saved>,
        wall: Arc<dyn Clock>,
        bounds: Bounds,
        keys: &Keys,
    ) -> Result<Log, LimitOpenError> {
        let (mut last, mut bytes) = (0, 0);
        loop {
            let pieces = saved.pieces(last).await?;
            if pieces.is_empty() {
                break;
            }
            for (seq, piece) in pieces {
                piece::read(&piece, |key_id, windows| keys.restore(key_id, windows))
                    .ok_or(LimitOpenError::Damaged(seq))?;
                (last, bytes) = (seq, bytes + piece.len() as u64);
            }
        }
        let needed = keys.drop_empty();
        Ok(Log { saved, wall, bounds, last, bytes, needed, compaction: None })
    }

    /// Appends the windows that changed.
    pub(crate) async fn save(&mut self, keys: &Arc<Keys>) -> Result<(), LimitError> {
        let changed = keys.take_changed();
        let mut done = 0;
        while done < changed.len() {
            let pack = |keys: &Keys, ids: &[KeyId], bytes| keys.pack_changed(ids, bytes);
            let Some((piece, count)) = self.pack(keys, &changed, done, pack).await else {
                // The process ends.
                return Ok(());
            };
            if let Err(error) = self.append(keys, piece).await {
                keys.put_back(&changed[done..], count);
                return Err(error.into());
            }
            done += count;
        }
        Ok(())
    }

    /// Goes on with a compaction, or begins one when it is time.
    pub(crate) async fn compact(&mut self, keys: &Arc<Keys>) -> Result<(), LimitError> {
        let began = keys.now();
        for _ in 0..self.bounds.steps {
            if !self.step(keys).await? || keys.now().saturating_sub(began) >= COMPACTING {
                break;
            }
        }
        Ok(())
    }

    /// `needed` was counted anew.
    pub(crate) fn needs(&mut self, needed: u64) {
        self.needed = needed;
    }

    /// One transaction. `false` when there is nothing to do.
    async fn step(&mut self, keys: &Arc<Keys>) -> Result<bool, LimitError> {
        let Some(compaction) = &self.compaction else {
            let due = self.bytes > self.bounds.floor.saturating_add(LONGEST_LOG * self.needed);
            if due {
                self.begin(keys).await;
            }
            return Ok(self.compaction.is_some());
        };
        let (until, done) = (compaction.until, compaction.done);
        if done < compaction.keys.len() {
            let ids = compaction.keys.clone();
            let pack = |keys: &Keys, ids: &[KeyId], bytes| keys.pack_used(ids, bytes);
            let Some((piece, count)) = self.pack(keys, &ids, done, pack).await else { return Ok(false) };
            let appended = self.append(keys, piece).await?;
            if let Some(compaction) = &mut self.compaction {
                compaction.done += count;
                compaction.appended += appended;
            }
            return Ok(true);
        }
        if self.saved.delete_pieces(until).await? {
            return Ok(true);
        }
        if let Some(compaction) = self.compaction.take() {
            self.bytes -= compaction.replaced;
            self.needed = compaction.appended;
            tracing::debug!(log.bytes = self.bytes, log.needed_bytes = self.needed, "limits compacted");
        }
        Ok(false)
    }

    /// The keys are listed after the last piece is known and before another save, which is why none that
    /// an earlier piece has can be missing. Those that come later are in later pieces.
    async fn begin(&mut self, keys: &Arc<Keys>) {
        let (until, replaced) = (self.last, self.bytes);
        let keys = keys.clone();
        let Ok(keys) = spawn_blocking(move || keys.ids()).await else { return };
        self.compaction = Some(Compaction { until, replaced, keys, done: 0, appended: 0 });
    }

    /// The next piece, beginning with the key at `from`. `None` when the process ends.
    async fn pack(
        &self,
        keys: &Arc<Keys>,
        ids: &KeyIds,
        from: usize,
        pack: impl Fn(&Keys, &[KeyId], usize) -> (Piece, usize) + Send + 'static,
    ) -> Option<(Piece, usize)> {
        let (keys, ids, bytes) = (keys.clone(), ids.clone(), self.bounds.piece);
        spawn_blocking(move || pack(&keys, &ids[from..], bytes)).await.ok()
    }

    /// Gives the bytes that it took.
    async fn append(&mut self, keys: &Keys, piece: Piece) -> Result<u64, DbError> {
        if piece.is_empty() {
            return Ok(0);
        }
        // Not before what the piece was packed at.
        let moment = Moment {
            millis: keys.now(),
            boot_millis: keys.boot().millis(),
            boot_id: keys.boot().boot_id(),
            wall: self.wall.now(),
        };
        let piece = piece.into_bytes();
        self.last = self.saved.append(&moment, &piece).await?;
        self.bytes += piece.len() as u64;
        Ok(piece.len() as u64)
    }
}
