//! What a route takes while hardly anything is in flight, and how much longer requests take now.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Differences below this are no sign of a queue: a baseline that is shorter counts as this long.
const SHORTEST: Duration = Duration::from_millis(1);
/// A slowdown is no longer than this. So a few requests that are slow for a reason of their own say no more
/// than others: to count as overload, more than one in three must be.
pub(super) const MAX_SLOWDOWN: f64 = 7.0;
/// What a baseline follows is no longer than so many times of it: a request that meets no other may be slow for
/// a reason of its own, too.
const FOLLOWED: u64 = 4;
/// A delay is no longer than this, in microseconds.
const MAX_DELAY_MICROS: u64 = 200_000;
/// How fast a baseline follows: faster down than up, so that it is what requests take that meet no other.
const DOWN: u64 = 16;
const UP: u64 = 64;
/// Slowdowns are added up in this part of one.
const PARTS: f64 = 256.0;
const COUNT_SHIFT: u32 = 40;

/// Of one route, in nanoseconds. 0: not known yet.
#[derive(Debug, Default)]
pub(crate) struct Baseline(AtomicU64);

impl Baseline {
    #[cfg(test)]
    pub(super) const fn new() -> Baseline {
        Baseline(AtomicU64::new(0))
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// What the time of an answer is beside the baseline. One that met hardly any other moves the baseline.
    pub(super) fn compare(&self, took: Duration, unloaded: bool) -> Sample {
        let took = nanos(took).max(1);
        let before = self.0.load(Ordering::Relaxed);
        let baseline = match (before, unloaded) {
            (0, _) => took,
            (before, false) => before,
            (before, true) if took < before => before - (before - took) / DOWN,
            (before, true) => before + (took.min(before.saturating_mul(FOLLOWED)) - before) / UP,
        };
        // Two at once may lose one of their changes: it is one of many.
        if baseline != before {
            self.0.store(baseline, Ordering::Relaxed);
        }
        Sample::of(took, baseline)
    }

    /// What the time of a request without an answer, one that failed or whose client left, is beside the
    /// baseline. An answer would have taken longer still. When it ended sooner than an answer comes (a
    /// connection was refused), that says nothing.
    pub(super) fn compare_unanswered(&self, took: Duration) -> Option<Sample> {
        let (took, baseline) = (nanos(took), self.0.load(Ordering::Relaxed));
        (baseline > 0 && took > baseline).then(|| Sample::of(took, baseline))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A request beside the baseline of its route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// How often the baseline fits into its time.
    pub(super) slowdown: f64,
    /// How much longer it took.
    pub(super) delay_micros: u64,
    baseline_micros: u64,
}

impl Sample {
    /// Both in nanoseconds.
    fn of(took: u64, baseline: u64) -> Sample {
        Sample {
            slowdown: (took as f64 / baseline.max(nanos(SHORTEST)) as f64).min(MAX_SLOWDOWN),
            delay_micros: (took.saturating_sub(baseline) / 1_000).min(MAX_DELAY_MICROS),
            baseline_micros: baseline / 1_000,
        }
    }
}

/// What was measured since it was last taken.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// How many in the upper bits, in the lower ones the sum of their slowdowns.
    packed: AtomicU64,
    delay_micros: AtomicU64,
    longest_micros: AtomicU64,
}

/// Some requests together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Samples {
    pub(super) count: u64,
    pub(super) slowdown: f64,
    pub(super) delay_micros: u64,
    /// The longest of their baselines.
    pub(super) longest_micros: u64,
}

impl Measured {
    pub(super) fn add(&self, sample: Sample) {
        // At most 1,792, so that 2^24 of them fit.
        let parts = (sample.slowdown * PARTS) as u64;
        self.packed.fetch_add((1 << COUNT_SHIFT) | parts, Ordering::Relaxed);
        self.delay_micros.fetch_add(sample.delay_micros, Ordering::Relaxed);
        // Read first: a write would take the cache line from the other threads.
        if sample.baseline_micros > self.longest_micros.load(Ordering::Relaxed) {
            self.longest_micros.fetch_max(sample.baseline_micros, Ordering::Relaxed);
        }
    }

    pub(super) fn take(&self) -> Samples {
        let packed = self.packed.swap(0, Ordering::Relaxed);
        let slowdown = (packed & ((1 << COUNT_SHIFT) - 1)) as f64 / PARTS;
        let delay_micros = self.delay_micros.swap(0, Ordering::Relaxed);
        let longest_micros = self.longest_micros.swap(0, Ordering::Relaxed);
        Samples { count: packed >> COUNT_SHIFT, slowdown, delay_micros, longest_micros }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_baseline_is_what_requests_take_in_an_unloaded_system() {
        let baseline = Baseline::default();
        assert_eq!(baseline.compare(40 * MS, true).slowdown, 1.0, "the first is all that is known");
        for _ in 0..100 {
            baseline.compare(4 * MS, true);
        }
        let slowdown = baseline.compare(8 * MS, false).slowdown;
        assert!((1.9..=2.0).contains(&slowdown), "{slowdown}");
        for _ in 0..1_000 {
            baseline.compare(40 * MS, false);
        }
        let slowdown = baseline.compare(8 * MS, false).slowdown;
        assert!((1.9..=2.0).contains(&slowdown), "what meets others moves nothing: {slowdown}");
        for _ in 0..500 {
            baseline.compare(8 * MS, true);
        }
        let slowdown = baseline.compare(8 * MS, false).slowdown;
        assert!((0.99..=1.05).contains(&slowdown), "it has become slower by nature: {slowdown}");
    }

    #[test]
    fn no_single_request_says_much() {
        let baseline = Baseline::default();
        baseline.compare(2 * MS, true);
        let sample = baseline.compare(60_000 * MS, true);
        assert_eq!((sample.slowdown, sample.delay_micros), (MAX_SLOWDOWN, MAX_DELAY_MICROS));
        let slowdown = baseline.compare(2 * MS, false).slowdown;
        assert!(slowdown > 0.94, "{slowdown}");
        let fast = Baseline::default();
        fast.compare(MS / 10, true);
        assert_eq!(fast.compare(MS, false).slowdown, 1.0, "ten times nothing is nothing");
    }

    #[test]
    fn what_has_no_answer_moves_nothing_and_counts_when_it_took_longer_than_one() {
        let baseline = Baseline::default();
        assert_eq!(baseline.compare_unanswered(40 * MS), None, "nothing is known");
        baseline.compare(4 * MS, true);
        for _ in 0..1_000 {
            assert_eq!(baseline.compare_unanswered(MS / 5), None, "a connection that is refused");
            assert_eq!(baseline.compare_unanswered(8 * MS).unwrap().slowdown, 2.0);
        }
        assert_eq!(baseline.compare(4 * MS, true).slowdown, 1.0);
    }

    #[test]
    fn what_is_measured_adds_up() {
        let measured = Measured::default();
        for (slowdown, delay_micros, baseline_micros) in
            [(1.0, 0, 5_000), (4.0, 7_000, 9_000), (2.5, 3_000, 1_000)]
        {
            measured.add(Sample { slowdown, delay_micros, baseline_micros });
        }
        let sum = measured.take();
        assert_eq!((sum.count, sum.slowdown, sum.delay_micros), (3, 7.5, 10_000));
        assert_eq!(sum.longest_micros, 9_000);
        assert_eq!(measured.take().count, 0);
    }
}
