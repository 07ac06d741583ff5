//! How many entries may be made. What no slot of a key's limits bounds has less, and a reserve for a start: a client
//! that goes on after it was refused, or that has no key at all, must not fill the log.

use std::sync::atomic::{AtomicU32, Ordering};

use svc_core::error::Reason;

use super::LoggedCaller;

/// What becomes of a request, as far as it matters for how many there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It succeeded.
    Succeeded,
    /// It did not, and yet took a slot of its key's limits.
    Failed,
    /// It was refused before it took a slot.
    Refused,
    /// No key was proven.
    Unproven,
}

const KINDS: usize = 4;
/// Of [`Kind::Refused`]: the reserve, and how much of it comes back in a second.
const REFUSED: (u32, u32) = (600, 10);
/// Of [`Kind::Unproven`].
const UNPROVEN: (u32, u32) = (60, 1);
/// In how many parts of a second what comes back does: all of it at once would be a burst of entries each second.
pub(super) const PARTS: u32 = 10;
/// The codes of [`Kind::Refused`].
const SLOTLESS: [Reason; 4] =
    [Reason::KeyExpired, Reason::KeyDisabled, Reason::IpNotAllowed, Reason::RateLimited];

impl Kind {
    /// Of a request that ended with this code, or well.
    pub(crate) fn of(caller: &LoggedCaller, error: Option<&str>) -> Kind {
        match error {
            _ if !caller.is_proven() => Kind::Unproven,
            None => Kind::Succeeded,
            Some(code) if SLOTLESS.iter().any(|reason| reason.code() == code) => Kind::Refused,
            Some(_) => Kind::Failed,
        }
    }
}

/// What is left of each kind.
#[derive(Debug)]
pub(super) struct Budget {
    left: [AtomicU32; KINDS],
    /// The most of each kind, and what comes back in a second.
    bounds: [(u32, u32); KINDS],
}

impl Budget {
    /// So many a second of those that took a slot.
    pub(super) fn new(per_second: u32) -> Budget {
        let within = |(most, back): (u32, u32)| (most.min(per_second), back.min(per_second));
        let bounds = [(per_second, per_second), (per_second, per_second), within(REFUSED), within(UNPROVEN)];
        Budget { left: bounds.map(|(most, _)| AtomicU32::new(most)), bounds }
    }

    /// Whether there is any.
    pub(super) fn is_any(&self) -> bool {
        self.bounds.iter().any(|(most, _)| *most > 0)
    }

    /// Takes one, if any is left.
    pub(super) fn take(&self, kind: Kind) -> bool {
        let left = &self.left[kind as usize];
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// At each part of a second, of which this is the first, the second, and so on.
    pub(super) fn refill(&self, part: u32) {
        for (left, (most, back)) in self.left.iter().zip(self.bounds) {
            let until = |part: u32| u64::from(back) * u64::from(part) / u64::from(PARTS);
            let back = u32::try_from(until(part + 1) - until(part)).unwrap_or(u32::MAX);
            // It always gives a value.
            let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_add(back).min(most))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &Budget, kind: Kind) -> u32 {
        std::iter::repeat_with(|| budget.take(kind)).take_while(|taken| *taken).map(u32::from).sum()
    }

    #[test]
    fn each_kind_has_its_own() {
        let budget = Budget::new(1_000);
        for (kind, most, back) in [
            (Kind::Succeeded, 1_000, 1_000),
            (Kind::Failed, 1_000, 1_000),
            (Kind::Refused, 600, 10),
            (Kind::Unproven, 60, 1),
        ] {
            assert_eq!(taken(&budget, kind), most, "{kind:?}");
            let parts: Vec<u32> = (0..PARTS)
                .map(|part| {
                    budget.refill(part);
                    taken(&budget, kind)
                })
                .collect();
            assert_eq!(parts.iter().sum::<u32>(), back, "{kind:?}");
            assert!(parts.iter().all(|part| *part <= back.div_ceil(PARTS)), "{kind:?}: {parts:?}");
            for _ in 0..1_000 {
                (0..PARTS).for_each(|part| budget.refill(part));
            }
            assert_eq!(taken(&budget, kind), most, "{kind:?}");
        }
    }

    #[test]
    fn none_is_none() {
        let budget = Budget::new(0);
        assert!(!budget.is_any());
        for kind in [Kind::Succeeded, Kind::Failed, Kind::Refused, Kind::Unproven] {
            assert!(!budget.take(kind), "{kind:?}");
        }
    }
}
