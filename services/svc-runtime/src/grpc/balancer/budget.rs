//! How many calls may be made a second time: a small share of all, so that replicas which are slow or
//! failing because they have too much to do do not get more of it.

use std::sync::atomic::{AtomicU32, Ordering};

/// What each first call pays in.
const DEPOSIT: u32 = 1;
/// What each second call costs: at most one of ten calls is made twice in the long run.
const COST: u32 = 10;
/// How many calls may be made twice at once: those that wait when a replica stops answering.
const RESERVE: u32 = 100;

/// The budget of one upstream. Full at the start.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Budget {
        Budget(AtomicU32::new(RESERVE * COST))
    }
}

impl Budget {
    /// A first call is made.
    pub(super) fn deposit(&self) {
        // Most often it is full, and no memory that others read is written. Many calls at once may
        // overfill it by as many.
        if self.0.load(Ordering::Relaxed) < RESERVE * COST {
            self.0.fetch_add(DEPOSIT, Ordering::Relaxed);
        }
    }

    /// Whether a second call may be made.
    pub(super) fn withdraw(&self) -> bool {
        let less = |balance: u32| balance.checked_sub(COST);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withdrawals(budget: &Budget) -> u32 {
        (0..).take_while(|_| budget.withdraw()).count().try_into().unwrap()
    }

    #[test]
    fn a_share_of_all_calls_may_be_made_twice() {
        let budget = Budget::default();
        (0..5_000).for_each(|_| budget.deposit());
        assert_eq!(withdrawals(&budget), RESERVE);
        (0..500).for_each(|_| budget.deposit());
        assert_eq!(withdrawals(&budget), 500 * DEPOSIT / COST);
    }
}
