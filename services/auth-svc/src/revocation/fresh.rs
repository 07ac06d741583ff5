//! Reads that many share and that are still fresh for each of them.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Runs one read at a time. Whoever asks gets what a read found that began after they asked, so that any
/// number of them waits for two reads at the most.
#[derive(Debug)]
pub(super) struct Fresh<T> {
    /// How many reads have begun.
    begun: AtomicU64,
    /// The number of the last read that ended, and what it found.
    last: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> Fresh<T> {
    pub(super) fn new() -> Fresh<T> {
        Fresh { begun: AtomicU64::new(0), last: Mutex::new(None) }
    }

    /// What `read`, or one that another began after this was called, finds.
    pub(super) async fn get<R: Future<Output = T>>(&self, read: impl FnOnce() -> R) -> T {
        let before = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some((number, found)) = &*last
            && *number > before
        {
            return found.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let found = read().await;
        *last = Some((number, found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_waits_shares_a_read_that_began_after_they_came() {
        let fresh = Arc::new(Fresh::new());
        let reads = Arc::new(AtomicUsize::new(0));
        let go_on = Arc::new(Semaphore::new(0));
        let ask = || {
            let (fresh, reads, go_on) = (fresh.clone(), reads.clone(), go_on.clone());
            tokio::spawn(async move {
                let read = async || {
                    let number = reads.fetch_add(1, Ordering::SeqCst);
                    go_on.acquire().await.unwrap().forget();
                    number
                };
                fresh.get(read).await
            })
        };
        let first = ask();
        while reads.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // These come while the first read runs: it may have missed what they must see.
        let later: Vec<_> = (0..100).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        go_on.add_permits(101);
        assert_eq!(first.await.unwrap(), 0);
        for asked in later {
            assert_eq!(asked.await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn a_reader_that_gives_up_leaves_the_read_to_the_next() {
        let fresh = Fresh::new();
        {
            let never = fresh.get(std::future::pending::<u8>);
            futures::pin_mut!(never);
            assert!(futures::poll!(never).is_pending());
        }
        assert_eq!(fresh.get(|| async { 1 }).await, 1);
    }
}
