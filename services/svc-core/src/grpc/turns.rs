//! Which of several replicas is called: they take turns, and one that could not answer is passed over
//! for a while.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// For how long a replica that could not answer is passed over. Then one call tries it; the others
/// follow when that was answered.
const PASSED_OVER: Duration = Duration::from_secs(1);

/// The turns of some replicas, which go by their position.
#[derive(Debug)]
pub struct Turns {
    next: AtomicUsize,
    /// Until when each is passed over, in milliseconds after `began`; 0: it is well.
    passed_over_until: Box<[AtomicU64]>,
    began: Instant,
}

impl Turns {
    /// For so many replicas, at least one.
    pub fn new(replicas: usize) -> Turns {
        let passed_over_until = (0..replicas.max(1)).map(|_| AtomicU64::new(0)).collect();
        Turns { next: AtomicUsize::new(0), passed_over_until, began: Instant::now() }
    }

    /// Whose turn it is. When all are passed over, they take turns all the same.
    pub fn take(&self) -> usize {
        let turn = self.turn();
        self.first_well(turn, None).unwrap_or(turn)
    }

    /// Whose turn it is among the others, when there is another one.
    pub fn take_other_than(&self, failed: usize) -> Option<usize> {
        let count = self.passed_over_until.len();
        if count == 1 {
            return None;
        }
        let turn = self.turn();
        let any = if turn == failed { (turn + 1) % count } else { turn };
        Some(self.first_well(turn, Some(failed)).unwrap_or(any))
    }

    /// This replica could not answer.
    pub fn failed(&self, replica: usize) {
        self.passed_over_until[replica].store(self.until(), Ordering::Relaxed);
    }

    /// This replica has answered.
    pub fn answered(&self, replica: usize) {
        let until = &self.passed_over_until[replica];
        // Most often it was well before, and no memory that others read is written.
        if until.load(Ordering::Relaxed) != 0 {
            until.store(0, Ordering::Relaxed);
        }
    }

    fn turn(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.passed_over_until.len()
    }

    fn first_well(&self, from: usize, but: Option<usize>) -> Option<usize> {
        let count = self.passed_over_until.len();
        let order = (from..from + count).map(|at| at % count);
        order.filter(|at| Some(*at) != but).find(|at| self.may_be_called(*at))
    }

    /// Whether a replica is well, or this call is the one that tries it again.
    fn may_be_called(&self, replica: usize) -> bool {
        let passed_over = &self.passed_over_until[replica];
        let until = passed_over.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        until <= self.now()
            && passed_over.compare_exchange(until, self.until(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn until(&self) -> u64 {
        self.now() + u64::try_from(PASSED_OVER.as_millis()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[tokio::test(start_paused = true)]
    async fn all_that_are_well_take_turns() {
        let turns = Turns::new(3);
        assert_eq!([(); 6].map(|()| turns.take()), [0, 1, 2, 0, 1, 2]);
        turns.failed(1);
        assert!((0..6).all(|_| turns.take() != 1));
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_at_a_time_tries_a_replica_again() {
        let turns = Turns::new(2);
        turns.failed(0);
        for _ in 0..3 {
            tokio::time::advance(PASSED_OVER).await;
            let tried = (0..10).filter(|_| turns.take() == 0).count();
            assert_eq!(tried, 1);
        }
        turns.answered(0);
        assert_eq!((0..10).filter(|_| turns.take() == 0).count(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn another_one_is_another_one() {
        let turns = Turns::new(3);
        for failed in [0, 1, 2, 2, 2] {
            assert_ne!(turns.take_other_than(failed), Some(failed));
        }
        turns.failed(0);
        assert!((0..6).all(|_| turns.take_other_than(1) == Some(2)));
        assert_eq!(Turns::new(1).take_other_than(0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn when_none_is_well_all_are_called() {
        let turns = Turns::new(3);
        (0..3).for_each(|replica| turns.failed(replica));
        let called: HashSet<usize> = (0..3).map(|_| turns.take()).collect();
        assert_eq!(called.len(), 3);
        assert!((0..3).all(|_| turns.take_other_than(1).is_some_and(|other| other != 1)));
    }
}
