//! The two windows of a key.
//!
//! A window counts in 60 full sub-buckets and the running one. A slot taken at `t` stays used until the
//! 61st sub-bucket after it begins, which is after `t` and a whole window, and at most one sub-bucket
//! later. So no window of that length ever holds more than the limit. With 60 in all, a slot would come
//! free up to one sub-bucket too early, and twice the limit could pass in 59 of 60.

mod packed;

use super::{Refused, Taken, WindowLimits, WindowName, WindowState};

pub(crate) use packed::{read_varint, write_varint};

/// The full sub-buckets and the running one.
pub(crate) const COUNTERS: usize = 61;
/// The minute's sub-bucket, in milliseconds.
const MINUTE: u64 = 1_000;
/// The hour's sub-bucket, in milliseconds.
const HOUR: u64 = 60_000;
/// After this many milliseconds every slot is free.
pub(crate) const LONGEST: u64 = HOUR * COUNTERS as u64;
/// How many bytes [`Windows::to_bytes`] gives.
#[cfg(test)]
pub(crate) const BYTES: usize = 8 + 2 * 4 * COUNTERS;

/// One window, as of some moment that [`Windows`] knows. `SUB` is its sub-bucket in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window<const SUB: u64> {
    /// The sum of all counters, so that a request need not add them up.
    used: u64,
    /// Which counters are not 0, the oldest in the lowest bit: what comes free next is found at once.
    taken: u64,
    /// Slots taken per sub-bucket, the oldest first, the running one last.
    counters: [u32; COUNTERS],
}

impl<const SUB: u64> Window<SUB> {
    const EMPTY: Window<SUB> = Window { used: 0, taken: 0, counters: [0; COUNTERS] };

    fn from_counters(counters: &[u32]) -> Option<Window<SUB>> {
        let counters: [u32; COUNTERS] = counters.try_into().ok()?;
        let used = counters.iter().map(|&n| u64::from(n)).sum();
        let taken = counters.iter().zip(0..).map(|(&n, bit)| u64::from(n > 0) << bit).sum();
        Some(Window { used, taken, counters })
    }

    /// As it is at `now`, without a copy. `newest` is the moment that it is of.
    fn look(&self, newest: u64, now: u64) -> Look<'_, SUB> {
        Look { window: self, steps: steps(SUB, newest, now), now }
    }

    /// Takes a slot at `now`.
    fn take(&mut self, newest: u64, now: u64) {
        let steps = steps(SUB, newest, now);
        if steps > 0 {
            self.used = self.look(newest, now).used();
            self.taken >>= steps;
            self.counters.copy_within(steps.., 0);
            self.counters[COUNTERS - steps..].fill(0);
        }
        let running = &mut self.counters[COUNTERS - 1];
        if *running < u32::MAX {
            *running += 1;
            self.used += 1;
            self.taken |= 1 << (COUNTERS - 1);
        }
    }
}

/// How many sub-buckets begin after one moment and until another one. All are past when it is [`COUNTERS`].
fn steps(sub: u64, from: u64, to: u64) -> usize {
    usize::try_from((to / sub).saturating_sub(from / sub)).unwrap_or(COUNTERS).min(COUNTERS)
}

/// A window some time after its newest slot.
#[derive(Clone, Copy)]
struct Look<'a, const SUB: u64> {
    window: &'a Window<SUB>,
    /// The oldest counters, whose slots have come free since.
    steps: usize,
    now: u64,
}

impl<const SUB: u64> Look<'_, SUB> {
    fn used(self) -> u64 {
        let free: u64 = self.window.counters[..self.steps].iter().map(|&n| u64::from(n)).sum();
        self.window.used - free
    }

    fn has_room(self, limit: u32) -> bool {
        self.used() < u64::from(limit)
    }

    fn state(self, limit: u32) -> WindowState {
        let used = self.used();
        let remaining = u64::from(limit).saturating_sub(used);
        WindowState {
            limit,
            remaining: u32::try_from(remaining).unwrap_or(limit),
            reset_seconds: seconds(self.wait(used, limit)),
        }
    }

    /// Seconds until one would be let through: none when the window has room.
    fn until_room(self, limit: u32) -> u32 {
        let used = self.used();
        if used < u64::from(limit) { 0 } else { seconds(self.wait(used, limit)) }
    }

    /// Milliseconds until one more is free than now, or until one is free at all.
    fn wait(self, used: u64, limit: u32) -> u64 {
        let needed = (used + 1).saturating_sub(u64::from(limit)).max(1);
        let mut freed = 0;
        for counter in bits(self.taken()) {
            freed += u64::from(self.window.counters[counter]);
            if freed >= needed {
                let begins = (self.now / SUB).saturating_add((counter - self.steps) as u64 + 1);
                return begins.saturating_mul(SUB).saturating_sub(self.now);
            }
        }
        // Nothing is used, or nothing will ever be let through.
        if limit > 0 { 0 } else { SUB * COUNTERS as u64 }
    }

    /// Which counters are not 0 and not past.
    fn taken(self) -> u64 {
        self.window.taken >> self.steps << self.steps
    }
}

/// The numbers of the bits that are set, from the lowest.
fn bits(mut of: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (of > 0).then(|| of.trailing_zeros() as usize);
        of &= of.saturating_sub(1);
        lowest
    })
}

/// The windows of a key: empty at first.
///
/// Times are milliseconds of any clock, the same for all calls. A time before that of the newest slot
/// counts as that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
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
    pub(crate) fn take(&mut self, now: u64, limits: WindowLimits) -> Taken {
        let now = now.max(self.newest);
        if !self.have_room(now, limits) {
            return self.answer_at(now, limits, false);
        }
        self.minute.take(self.newest, now);
        self.hour.take(self.newest, now);
        self.newest = now;
        self.answer(limits, true)
    }

    /// What [`take`](Windows::take) would answer, before it takes anything.
    pub(crate) fn peek(&self, now: u64, limits: WindowLimits) -> Taken {
        let now = now.max(self.newest);
        self.answer_at(now, limits, self.have_room(now, limits))
    }

    /// The answer at the time of these windows, once it is decided and counted.
    pub(crate) fn answer(&self, limits: WindowLimits, allowed: bool) -> Taken {
        self.answer_at(self.newest, limits, allowed)
    }

    /// The time of the newest slot.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether every slot is free at this time.
    pub(crate) fn are_empty(&self, now: u64) -> bool {
        (now / HOUR).saturating_sub(self.newest / HOUR) >= COUNTERS as u64
    }

    /// From the counters of a store, the oldest first. `None` when they are not as many as ours.
    pub(crate) fn from_counters(newest: u64, minute: &[u32], hour: &[u32]) -> Option<Windows> {
        let (minute, hour) = (Window::from_counters(minute)?, Window::from_counters(hour)?);
        Some(Windows { newest, minute, hour })
    }

    /// What [`from_bytes`](Windows::from_bytes) reads.
    #[cfg(test)]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(&self.newest.to_le_bytes());
        for counter in self.minute.counters.iter().chain(&self.hour.counters) {
            bytes.extend_from_slice(&counter.to_le_bytes());
        }
        bytes
    }

    /// From little-endian bytes, which Redis keeps and memory once saved: the time of the newest slot as
    /// 64 bits, then the counters of the minute and of the hour as 32 bits each, the oldest first. `None`
    /// when it is something else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Windows> {
        let (newest, counters) = bytes.split_first_chunk()?;
        let (counters, rest) = counters.as_chunks();
        let counters: Vec<u32> = counters.iter().map(|&four| u32::from_le_bytes(four)).collect();
        let (minute, hour) = counters.split_at_checked(COUNTERS)?;
        let windows = Windows::from_counters(u64::from_le_bytes(*newest), minute, hour)?;
        rest.is_empty().then_some(windows)
    }

    /// `now` is not before the newest slot.
    fn looks(&self, now: u64) -> (Look<'_, MINUTE>, Look<'_, HOUR>) {
        (self.minute.look(self.newest, now), self.hour.look(self.newest, now))
    }

    fn have_room(&self, now: u64, limits: WindowLimits) -> bool {
        let (minute, hour) = self.looks(now);
        minute.has_room(limits.per_minute) && hour.has_room(limits.per_hour)
    }

    fn answer_at(&self, now: u64, limits: WindowLimits, allowed: bool) -> Taken {
        let (minute, hour) = self.looks(now);
        Taken {
            refused: (!allowed).then(|| refusal(minute, hour, limits)),
            minute: minute.state(limits.per_minute),
            hour: hour.state(limits.per_hour),
        }
    }
}

/// The answer to a request that is refused.
fn refusal(minute: Look<'_, MINUTE>, hour: Look<'_, HOUR>, limits: WindowLimits) -> Refused {
    let (minute, hour) = (minute.until_room(limits.per_minute), hour.until_room(limits.per_hour));
    let window = if hour > minute { WindowName::Hour } else { WindowName::Minute };
    Refused { window, retry_after_seconds: minute.max(hour).max(1) }
}

fn seconds(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX)
}
