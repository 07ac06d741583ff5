//! How many requests may be in flight, from what is measured of those that were.
//!
//! The mean slowdown of requests (how much longer they take than in an unloaded system) says how long the queues
//! are in front of whatever is scarce, wherever that is. It is an overload once that is over [`TOLERANCE`]
//! and people notice: the bound is reached, or requests are late by more than [`DELAY`]. From then on the
//! bound falls in proportion while the slowdown is over it, and grows while it is below and the bound is
//! reached, until the bound is not reached any more. A bound that is not used (see [`FEW`]) is no cause of
//! anything, and returns to where it began. This is the gradient of Netflix's concurrency-limits
//! (github.com/Netflix/concurrency-limits, Gradient2Limit), with a baseline that is measured, as BBR does
//! (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 2016, `ProbeRTT`), and not the
//! mean of the last minutes, which under a lasting overload would become what it should be compared with.
//!
//! Where several edges share the services behind, one that measures its baseline while the others go on
//! measures their load. So all measure at the same moments of the wall clock. Clocks that differ by more
//! than [`PROBE_FOR`] make the bound larger than it should be, and nothing else.

use std::time::Duration;

use svc_core::clock::{Timestamp, Uptime};

use super::baseline::Samples;

/// In flight with no more than this, counting itself, a request finds no queue of ours.
pub(super) const UNLOADED: usize = 2;
/// The mean slowdown that is aimed at when there is too much to do. A request goes through several processes and
/// a database, which work best on many at once: with as many in flight as twice the time allows they reach about
/// two thirds of their peak, with three times about four fifths. With more, the slowest answers take far more
/// than twice what they take in an unloaded system.
const TOLERANCE: f64 = 3.0;
/// Requests that are late by no more than this, on average, are no overload: clients that wait for each answer
/// before they ask again make queues as short as they are many. The value of WeChat's DAGOR (Zhou et al.,
/// "Overload Control for Scaling WeChat Microservices", SoCC 2018).
const DELAY: Duration = Duration::from_millis(20);
/// With no more than this in flight, while that is less than half of the bound, requests take long by nature:
/// the same route takes 1 ms for a page of one and 30 ms for a page of a hundred. More may be a queue, though
/// the bound, which begins high, is far from reached.
const FEW: usize = 64;
/// Below this mean slowdown there is no queue at all, and the bound may grow fast.
const EASY: f64 = 1.3;
/// How fast.
const FAST: f64 = 1.5;
/// Where the bound begins, and returns to when it is not reached: high, so that a burst is not an overload.
const FIRST: f64 = 512.0;
/// The bound is no lower than this, or nothing could be measured.
const LEAST: f64 = 6.0;
/// The least number of requests that say something together.
const ENOUGH: u64 = 16;
/// How often baselines are measured on purpose, when the bound was reached lately: then the system is never
/// unloaded by itself.
const PROBE_EVERY: Duration = Duration::from_secs(10);
/// When in that period: not at full seconds, when everybody's timers fire.
const PROBE_AFTER: Duration = Duration::from_millis(3_700);
/// For how long at the least: then the bound is [`UNLOADED`]. It costs 1.5 % of what could be done.
const PROBE_FOR: Duration = Duration::from_millis(150);
/// For how long, in times of the longest baseline: what is in flight must end, which takes about 1.5, and
/// what is measured must begin and end.
const PROBE_TIMES: u32 = 3;
/// For how long at the most.
const PROBE_FOR_AT_MOST: Duration = Duration::from_millis(750);
/// To be measured at a probe, the bound must have been reached so shortly before it. Longer than a probe.
const LATELY: Duration = Duration::from_secs(1);

/// What was observed since the last tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    pub(super) samples: Samples,
    /// The bound was reached.
    pub(super) reached: bool,
    /// The most requests in flight, those included that have been for long.
    pub(super) peak: usize,
    /// Now, for all edges the same.
    pub(super) at: Timestamp,
    /// Now, by a clock that is never set.
    pub(super) uptime: Uptime,
}

/// What holds until the next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) limit: usize,
    /// Baselines are measured: requests that have been in flight for long count as well.
    pub(super) probe: bool,
}

/// The bound.
#[derive(Debug)]
pub(super) struct Limit {
    most: f64,
    limit: f64,
    overloaded: bool,
    /// Since the bound was last changed.
    samples: Samples,
    reached: bool,
    peak: usize,
    /// When it was last reached.
    reached_at: Option<Uptime>,
    /// The longest baseline since the last probe.
    longest: Duration,
    probing: bool,
}

impl Limit {
    /// Never more than `most`.
    pub(super) fn new(most: usize) -> Limit {
        let most = most.max(1) as f64;
        let limit = FIRST.min(most);
        Limit {
            most,
            limit,
            overloaded: false,
            samples: Samples::default(),
            reached: false,
            peak: 0,
            reached_at: None,
            longest: Duration::ZERO,
            probing: false,
        }
    }

    /// The bound now.
    pub(super) fn now(&self) -> usize {
        self.limit as usize
    }

    /// The bound until the next tick.
    pub(super) fn tick(&mut self, observation: Observation) -> Bound {
        let (probed, probe) = (self.probing, self.is_to_probe(&observation));
        self.probing = probe;
        if probe {
            // What is measured now moves the baselines, and says nothing of the bound.
            self.forget();
            return Bound { limit: UNLOADED.min(self.now()), probe: true };
        }
        if probed {
            self.longest = Duration::ZERO;
        }
        if observation.reached {
            self.reached_at = Some(observation.uptime);
        }
        self.longest = self.longest.max(Duration::from_micros(observation.samples.longest_micros));
        self.samples.count += observation.samples.count;
        self.samples.slowdown += observation.samples.slowdown;
        self.samples.delay_micros += observation.samples.delay_micros;
        self.reached |= observation.reached;
        self.peak = self.peak.max(observation.peak);
        let used = self.reached || self.peak > FEW || self.peak as f64 * 2.0 >= self.limit;
        let count = self.samples.count.max(1) as f64;
        let slowdown = self.samples.slowdown / count;
        // As many as are in flight at once: what was changed must have had its effect.
        if self.samples.count >= ENOUGH.max(self.limit as u64) {
            let late = self.samples.delay_micros as f64 / count > DELAY.as_micros() as f64;
            self.overloaded |= used && slowdown > TOLERANCE && (self.reached || late);
            self.limit = match self.reached {
                _ if used && slowdown > TOLERANCE && self.overloaded => self.limit * TOLERANCE / slowdown,
                true if slowdown < EASY => self.limit * FAST,
                true => self.limit + self.limit.sqrt() / 2.0,
                false => self.towards_first(),
            };
            self.forget();
        } else if !self.reached && (!used || slowdown <= TOLERANCE || !self.overloaded) {
            // As far as can be told, nobody waits.
            self.limit = self.towards_first();
        }
        self.limit = self.limit.clamp(LEAST.min(self.most), self.most);
        self.overloaded &= self.limit < FIRST.min(self.most);
        Bound { limit: self.now(), probe: false }
    }

    fn forget(&mut self) {
        (self.samples, self.reached, self.peak) = (Samples::default(), false, 0);
    }

    fn towards_first(&self) -> f64 {
        match self.limit < FIRST {
            true => (self.limit + self.limit.sqrt() / 2.0).min(FIRST),
            false => (self.limit * 0.99).max(FIRST),
        }
    }

    /// Whether baselines are to be measured now.
    fn is_to_probe(&self, observation: &Observation) -> bool {
        let now = u128::from(observation.at.millis().unsigned_abs()) + PROBE_EVERY.as_millis();
        let into_period = (now - PROBE_AFTER.as_millis()) % PROBE_EVERY.as_millis();
        let lasts = (self.longest * PROBE_TIMES).clamp(PROBE_FOR, PROBE_FOR_AT_MOST);
        let lately = |reached_at| observation.uptime.since(reached_at) < LATELY;
        into_period < lasts.as_millis() && self.reached_at.is_some_and(lately)
    }
}

#[cfg(test)]
mod tests {
    use super::super::baseline::{Baseline, Measured};
    use super::*;

    const TICK: Duration = Duration::from_millis(50);
    /// How many the services behind work on at once; more make all of them slower.
    const AT_ONCE: f64 = 8.0;
    const ALONE: Duration = Duration::from_millis(4);

    /// Edges in front of the same services, whose clients keep so many requests in flight at each, if they
    /// are let in.
    struct World {
        edges: Vec<Edge>,
        at: Timestamp,
    }

    struct Edge {
        limit: Limit,
        bound: usize,
        baseline: Baseline,
    }

    fn observation(samples: Samples, reached: bool, peak: usize, at: Timestamp) -> Observation {
        Observation { samples, reached, peak, at, uptime: Uptime(at.0.unsigned_abs()) }
    }

    impl World {
        fn new(edges: usize) -> World {
            let edge = |_| Edge { limit: Limit::new(1_000), bound: 512, baseline: Baseline::default() };
            World { edges: (0..edges).map(edge).collect(), at: Timestamp(1_800_000_000_000_000) }
        }

        fn run(&mut self, time: Duration, offered: usize) {
            for _ in 0..time.as_millis() / TICK.as_millis() {
                let total: usize = self.edges.iter().map(|edge| edge.bound.min(offered)).sum();
                let took = ALONE.mul_f64((total as f64 / AT_ONCE).max(1.0));
                self.at = self.at.plus(TICK);
                for edge in &mut self.edges {
                    let in_flight = edge.bound.min(offered);
                    let measured = Measured::default();
                    let unloaded = in_flight <= UNLOADED;
                    for _ in 0..(in_flight as f64 * TICK.div_duration_f64(took)) as usize {
                        measured.add(edge.baseline.compare(took, unloaded));
                    }
                    let samples = measured.take();
                    let observed = observation(samples, offered >= edge.bound, in_flight, self.at);
                    edge.bound = edge.limit.tick(observed).limit;
                }
            }
        }

        fn total(&self) -> usize {
            self.edges.iter().map(|edge| edge.limit.now()).sum()
        }
    }

    #[test]
    fn under_overload_it_keeps_everything_busy_and_no_more() {
        for edges in [1, 2] {
            let mut world = World::new(edges);
            world.run(Duration::from_secs(5), 1);
            assert_eq!(world.total(), 512 * edges, "it is not reached");
            world.run(Duration::from_secs(3), 1_000);
            for minute in 0..60 {
                assert!((10..=24).contains(&world.total()), "{edges}, {minute}: {}", world.total());
                world.run(Duration::from_secs(60), 1_000);
            }
            world.run(Duration::from_secs(5), 1);
            assert_eq!(world.total(), 512 * edges, "over");
        }
    }

    #[test]
    fn one_that_starts_under_overload_finds_its_baseline() {
        let mut world = World::new(2);
        world.run(Duration::from_secs(30), 1_000);
        assert!((10..=24).contains(&world.total()), "{}", world.total());
    }

    #[test]
    fn it_grows_while_it_is_reached_and_nothing_takes_longer() {
        let mut limit = Limit::new(1_000);
        let samples = Samples { count: 2_000, slowdown: 2_000.0, ..Samples::default() };
        let mut at = Timestamp(1_000_000);
        for _ in 0..5 {
            at = at.plus(TICK);
            limit.tick(observation(samples, true, 512, at));
        }
        assert_eq!(limit.now(), 1_000);
    }

    #[test]
    fn what_some_requests_wait_for_is_no_overload() {
        let mut limit = Limit::new(1_000);
        // One in three does not come back soon.
        let (slowdown, delay_micros) = (200.0 + 100.0 * 4.0, 100 * 200_000);
        let samples = Samples { count: 300, slowdown, delay_micros, ..Samples::default() };
        for tick in 1..100 {
            limit.tick(observation(samples, false, 300, Timestamp(tick * 50_000)));
        }
        assert_eq!(limit.now(), 512);
    }

    #[test]
    fn a_few_clients_that_wait_for_their_answers_are_no_overload() {
        let mut world = World::new(1);
        world.run(Duration::from_secs(5), 1);
        // They take 16 ms in place of 4.
        world.run(Duration::from_secs(60), 32);
        assert_eq!(world.total(), 512);
        // They take 64 ms: now it is better to let fewer in.
        world.run(Duration::from_secs(5), 128);
        assert!((10..=24).contains(&world.total()), "{}", world.total());
    }

    #[test]
    fn a_bound_that_is_not_used_says_nothing() {
        let (slowdown, delay_micros) = (4_000.0, 1_000 * 30_000);
        let slow = Samples { count: 1_000, slowdown, delay_micros, ..Samples::default() };
        for (peak, falls) in [(10, false), (FEW, false), (FEW + 1, true)] {
            let mut limit = Limit::new(1_000);
            for tick in 1..10 {
                limit.tick(observation(slow, false, peak, Timestamp(tick * 50_000)));
            }
            assert_eq!(limit.now() < 512, falls, "{peak}");
        }
    }

    #[test]
    fn a_probe_begins_off_the_full_second_and_a_clock_that_is_set_changes_nothing() {
        let mut limit = Limit::new(1_000);
        let mut probes = |at: i64, uptime: u64| {
            let (at, uptime) = (Timestamp(at * 1_000), Uptime(uptime * 1_000));
            limit
                .tick(Observation { samples: Samples::default(), reached: true, peak: 512, at, uptime })
                .probe
        };
        assert!(!probes(20_000, 10), "cron's moment");
        assert!(!probes(23_650, 60));
        assert!(probes(23_700, 110));
        assert!(probes(23_800, 210));
        assert!(!probes(23_850, 260));
        assert!(probes(3_700, 310), "set back, it was reached a moment ago all the same");
        assert!(!probes(13_700, 10_000), "set, it was not reached lately");
    }

    #[test]
    fn the_most_is_the_most() {
        for most in [1, 3, 100] {
            let mut limit = Limit::new(most);
            assert_eq!(limit.now(), most);
            let (slowdown, delay_micros) = (4_000.0, 1_000 * 100_000);
            let slow = Samples { count: 1_000, slowdown, delay_micros, ..Samples::default() };
            for tick in 1..100 {
                limit.tick(observation(slow, true, most, Timestamp(200_000 + tick)));
            }
            assert_eq!(limit.now(), most.min(6));
        }
    }
}
