//! The log that the windows stand for.

use crate::limits::{WindowLimits, WindowState};

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const HOUR: u64 = 3_600_000;
/// How much later than here a slot may come free.
pub(crate) const LATE_IN_MINUTE: u64 = 1_000;
pub(crate) const LATE_IN_HOUR: u64 = 60_000;

/// When requests were let through.
#[derive(Default)]
pub(crate) struct Log(Vec<u64>);

impl Log {
    pub(crate) fn write(&mut self, now: u64) {
        self.0.push(now);
    }

    pub(crate) fn newest(&self) -> u64 {
        self.0.last().copied().unwrap_or(0)
    }

    /// How many in the `length` before now, both ends included.
    fn within(&self, now: u64, length: u64) -> u32 {
        self.0.iter().filter(|&&then| then + length >= now).count() as u32
    }

    /// How many stay used until after now when a slot comes free as late as it may.
    fn late(&self, now: u64, length: u64, late: u64) -> u32 {
        self.0.iter().filter(|&&then| then + length + late > now).count() as u32
    }

    /// No window that ends now holds more than the limits.
    pub(crate) fn keeps(&self, now: u64, limits: WindowLimits) -> bool {
        self.within(now, MINUTE) <= limits.per_minute && self.within(now, HOUR) <= limits.per_hour
    }

    /// A refusal now is one that a limit gives a reason for.
    pub(crate) fn may_refuse(&self, now: u64, limits: WindowLimits) -> bool {
        self.late(now, MINUTE, LATE_IN_MINUTE) >= limits.per_minute
            || self.late(now, HOUR, LATE_IN_HOUR) >= limits.per_hour
    }

    /// What remains is at most what an exact log leaves, and at least what one does that frees late.
    pub(crate) fn explains(&self, now: u64, window: WindowState, length: u64, late: u64) -> bool {
        let most = window.limit.saturating_sub(self.within(now, length));
        let least = window.limit.saturating_sub(self.late(now, length, late));
        (least..=most).contains(&window.remaining)
    }
}
