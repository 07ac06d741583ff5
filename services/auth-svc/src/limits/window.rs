//! The two windows of a key.
//!
//! A window counts in 60 full sub-buckets and the running one. A slot taken at `t` stays used until the
//! 61st sub-bucket after it begins, which is after `t` and a whole window, and at most one sub-bucket
//! later. So no window of that length ever holds more than the limit. With 60 in all, a slot would come
//! free up to one sub-bucket too early, and twice the limit could pass in 59 of 60.

use super::{Limits, Refused, Taken, WindowName, WindowState};

/// The full sub-buckets and the running one.
pub const COUNTERS: usize = 61;
/// The minute's sub-bucket, in milliseconds.
const MINUTE: u64 = 1_000;
/// The hour's sub-bucket, in milliseconds.
const HOUR: u64 = 60_000;
/// After this many milliseconds every slot is free.
pub const LONGEST: u64 = HOUR * COUNTERS as u64;
/// How many bytes [`Windows::to_bytes`] gives.
pub const PACKED: usize = 8 + 2 * 4 * COUNTERS;

/// One window, as of some moment that [`Windows`] knows. `SUB` is its sub-bucket in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window<const SUB: u64> {
    /// Slots taken per sub-bucket, the oldest first, the running one last.
    counters: [u32; COUNTERS],
}

impl<const SUB: u64> Window<SUB> {
    const EMPTY: Window<SUB> = Window { counters: [0; COUNTERS] };

    fn advance(&mut self, from: u64, to: u64) {
        let steps = usize::try_from(to / SUB - from / SUB).unwrap_or(COUNTERS).min(COUNTERS);
        self.counters.copy_within(steps.., 0);
        self.counters[COUNTERS - steps..].fill(0);
    }

    fn used(&self) -> u64 {
        self.counters.iter().map(|&n| u64::from(n)).sum()
    }

    fn has_room(&self, limit: u32) -> bool {
        self.used() < u64::from(limit)
    }

    fn count(&mut self) {
        let running = &mut self.counters[COUNTERS - 1];
        *running = running.saturating_add(1);
    }

    fn state(&self, now: u64, limit: u32) -> WindowState {
        let used = self.used();
        let remaining = u64::from(limit).saturating_sub(used);
        WindowState {
            limit,
            remaining: u32::try_from(remaining).unwrap_or(limit),
            reset_seconds: seconds(self.wait(now, used, limit)),
        }
    }

    /// Seconds until one would be let through: none when the window has room.
    fn until_room(&self, now: u64, limit: u32) -> u32 {
        let used = self.used();
        if used < u64::from(limit) { 0 } else { seconds(self.wait(now, used, limit)) }
    }

    /// Milliseconds until one more is free than now, or until one is free at all.
    fn wait(&self, now: u64, used: u64, limit: u32) -> u64 {
        let needed = (used + 1).saturating_sub(u64::from(limit)).max(1);
        let mut freed = 0;
        for (&taken, steps) in self.counters.iter().zip(1..) {
            freed += u64::from(taken);
            if freed >= needed {
                return (now / SUB).saturating_add(steps).saturating_mul(SUB).saturating_sub(now);
            }
        }
        // Nothing is used, or nothing will ever be let through.
        if limit > 0 { 0 } else { SUB * COUNTERS as u64 }
    }
}

/// The windows of a key: empty at first.
///
/// Times are milliseconds of any clock, the same for all calls. A time before that of the newest slot
/// counts as that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    newest: u64,
    minute: Window<MINUTE>,
    hour: Window<HOUR>,
}

impl Default for Windows {
    fn default() -> Windows {
        Windows { newest: 0, minute: Window::EMPTY, hour: Window::EMPTY }
    }
}

impl Windows {
    /// Takes a slot in both windows. When one of them is full, nothing changes.
    pub fn take(&mut self, now: u64, limits: Limits) -> Taken {
        let mut next = self.at(now);
        let allowed = next.have_room(limits);
        if allowed {
            next.minute.count();
            next.hour.count();
            *self = next;
            return self.answer(limits, true);
        }
        next.answer(limits, false)
    }

    /// What [`take`](Windows::take) would answer, before it takes anything.
    pub fn peek(&self, now: u64, limits: Limits) -> Taken {
        let next = self.at(now);
        next.answer(limits, next.have_room(limits))
    }

    /// The answer at the time of these windows, once it is decided and counted.
    pub fn answer(&self, limits: Limits, allowed: bool) -> Taken {
        Taken {
            refused: (!allowed).then(|| self.refusal(limits)),
            minute: self.minute.state(self.newest, limits.per_minute),
            hour: self.hour.state(self.newest, limits.per_hour),
        }
    }

    /// The time of the newest slot.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether every slot is free at this time.
    pub fn are_empty(&self, now: u64) -> bool {
        (now / HOUR).saturating_sub(self.newest / HOUR) >= COUNTERS as u64
    }

    /// From the counters of a store, the oldest first. `None` when they are not as many as ours.
    pub fn from_counters(newest: u64, minute: &[u32], hour: &[u32]) -> Option<Windows> {
        let minute = Window { counters: minute.try_into().ok()? };
        let hour = Window { counters: hour.try_into().ok()? };
        Some(Windows { newest, minute, hour })
    }

    /// Little-endian: the time of the newest slot as 64 bits, then the counters of the minute and of
    /// the hour as 32 bits each, the oldest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PACKED);
        bytes.extend_from_slice(&self.newest.to_le_bytes());
        for counter in self.minute.counters.iter().chain(&self.hour.counters) {
            bytes.extend_from_slice(&counter.to_le_bytes());
        }
        bytes
    }

    /// What [`to_bytes`](Windows::to_bytes) gave. `None` when it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Windows> {
        let (newest, counters) = bytes.split_first_chunk()?;
        let (counters, rest) = counters.as_chunks();
        let counters: Vec<u32> = counters.iter().map(|&four| u32::from_le_bytes(four)).collect();
        let (minute, hour) = counters.split_at_checked(COUNTERS)?;
        let windows = Windows::from_counters(u64::from_le_bytes(*newest), minute, hour)?;
        rest.is_empty().then_some(windows)
    }

    fn at(&self, now: u64) -> Windows {
        let mut next = self.clone();
        next.newest = now.max(self.newest);
        next.minute.advance(self.newest, next.newest);
        next.hour.advance(self.newest, next.newest);
        next
    }

    fn have_room(&self, limits: Limits) -> bool {
        self.minute.has_room(limits.per_minute) && self.hour.has_room(limits.per_hour)
    }

    /// The answer to a request that is refused.
    fn refusal(&self, limits: Limits) -> Refused {
        let minute = self.minute.until_room(self.newest, limits.per_minute);
        let hour = self.hour.until_room(self.newest, limits.per_hour);
        let window = if hour > minute { WindowName::Hour } else { WindowName::Minute };
        Refused { window, retry_after_seconds: minute.max(hour).max(1) }
    }
}

fn seconds(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX)
}
