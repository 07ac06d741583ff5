//! Counts that threads do not wait for: each thread has memory of its own for them, which is added up when somebody
//! asks. A count that all cores write goes from core to core with each request, and more cores make it slower.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// How many threads never meet. More take turns in sharing.
const STRIPES: usize = 8;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
}

/// One of these for each thread, or few of them. Cheap to clone.
#[derive(Debug, Default)]
pub(super) struct Striped<T>(Arc<[Apart<T>; STRIPES]>);

/// What shares no cache line, nor the pair of them that processors fetch together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

impl<T> Clone for Striped<T> {
    fn clone(&self) -> Striped<T> {
        Striped(self.0.clone())
    }
}

impl<T> Striped<T> {
    /// That of this thread.
    pub(super) fn mine(&self) -> &T {
        &self.0[MINE.with(|mine| *mine)].0
    }

    /// One count of all threads together.
    pub(super) fn sum(&self, count: impl Fn(&T) -> &Count) -> u64 {
        self.0.iter().fold(0, |sum, one| sum.wrapping_add(count(&one.0).0.load(Ordering::Relaxed)))
    }
}

/// A count of one thread, or of few. It wraps around: what one thread adds another may take away.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn sub(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }
}

/// How many of something there are now. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Level(Striped<Count>);

impl Level {
    /// One more.
    pub fn inc(&self) {
        self.0.mine().add(1);
    }

    /// One less.
    pub fn dec(&self) {
        self.0.mine().sub(1);
    }
}

impl TypedMetric for Level {
    const TYPE: MetricType = MetricType::Gauge;
}

impl EncodeMetric for Level {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        encoder.encode_gauge(&self.0.sum(|count| count).cast_signed())
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_threads_count_adds_up() {
        let (level, other) = (Level::default(), Level::default());
        let threads = (0..3 * STRIPES).map(|_| {
            let level = level.clone();
            thread::spawn(move || (0..100).for_each(|_| level.inc()))
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        let sum = |level: &Level| level.0.sum(|count| count).cast_signed();
        assert_eq!((sum(&level), sum(&other)), (2_400, 0));
        // On another thread than where they came.
        (0..2_401).for_each(|_| level.dec());
        assert_eq!(sum(&level), -1);
    }
}
