//! What stands in for the database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use svc_db::DbError;

use crate::limits::memory::piece;
use crate::limits::saved::{Moment, Saved};

/// The database in memory.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) moment: Mutex<Option<Moment>>,
    pub(crate) pieces: Mutex<BTreeMap<i64, Vec<u8>>>,
    last: Mutex<i64>,
}

impl Notes {
    /// The keys of each piece.
    pub(crate) fn keys(&self) -> Vec<Vec<String>> {
        let keys = |piece: &Vec<u8>| {
            let mut keys = Vec::new();
            piece::read(piece, |key, _| keys.push(key.to_owned())).unwrap();
            keys
        };
        self.pieces.lock().values().map(keys).collect()
    }
}

#[async_trait]
impl Saved for Notes {
    async fn moment(&self) -> Result<Option<Moment>, DbError> {
        Ok(self.moment.lock().clone())
    }

    async fn pieces(&self, after: i64) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
        let pieces = self.pieces.lock();
        Ok(pieces.range(after + 1..).take(3).map(|(&seq, piece)| (seq, piece.clone())).collect())
    }

    async fn append(&self, moment: &Moment, piece: &[u8]) -> Result<i64, DbError> {
        *self.moment.lock() = Some(moment.clone());
        let mut last = self.last.lock();
        *last += 1;
        self.pieces.lock().insert(*last, piece.to_vec());
        Ok(*last)
    }

    async fn delete_pieces(&self, until: i64) -> Result<bool, DbError> {
        let mut pieces = self.pieces.lock();
        let some: Vec<i64> = pieces.range(..=until).take(2).map(|(&seq, _)| seq).collect();
        some.iter().for_each(|seq| drop(pieces.remove(seq)));
        Ok(!some.is_empty())
    }
}

/// A database of which one transaction fails.
pub(crate) struct Failing {
    inner: Arc<dyn Saved>,
    /// Transactions until then, that one included. 0: it was, or there is none.
    left: AtomicUsize,
    /// It is done all the same: only the answer is lost.
    done: Mutex<bool>,
    transactions: AtomicUsize,
}

impl Failing {
    pub(crate) fn over(inner: Arc<dyn Saved>) -> Arc<Failing> {
        let (left, transactions) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Failing { inner, left, done: Mutex::new(false), transactions })
    }

    /// The transaction of this number from now fails; the next is 1.
    pub(crate) fn at(&self, transaction: usize, done: bool) {
        self.left.store(transaction, Ordering::SeqCst);
        *self.done.lock() = done;
    }

    /// How many there were.
    pub(crate) fn transactions(&self) -> usize {
        self.transactions.load(Ordering::SeqCst)
    }

    async fn run<T>(&self, transaction: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
        self.transactions.fetch_add(1, Ordering::SeqCst);
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        if left != 1 {
            return transaction.await;
        }
        let done = *self.done.lock();
        if done {
            transaction.await?;
        }
        Err(sqlx::Error::PoolTimedOut.into())
    }
}

#[async_trait]
impl Saved for Failing {
    async fn moment(&self) -> Result<Option<Moment>, DbError> {
        self.inner.moment().await
    }

    async fn pieces(&self, after: i64) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
        self.inner.pieces(after).await
    }

    async fn append(&self, moment: &Moment, piece: &[u8]) -> Result<i64, DbError> {
        self.run(self.inner.append(moment, piece)).await
    }

    async fn delete_pieces(&self, until: i64) -> Result<bool, DbError> {
        self.run(self.inner.delete_pieces(until)).await
    }
}
