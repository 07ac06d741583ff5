//! Which requests may begin: a bound on those in flight, which follows measured latency. What is over it is
//! refused at once with 503 `overloaded`, while that is cheap, so that those let in are answered in time and
//! none waits in a queue for an answer that comes too late.
//!
//! - [`limit`]: how many. The time that the check and the call to the service take is compared with what
//!   they take while hardly anything is in flight ([`baseline`]).
//! - [`recent`]: who counts. A request that has been in flight for a while waits for something, a long poll
//!   or a replica that hangs, and frees its slot. So does a client that sends its body slowly, and neither
//!   is latency.
//! - [`Admitted`]: what is measured, whatever becomes of a request: an answer, a failure, or that its client
//!   leaves.
//! - [`known_credentials`]: who comes first. See [`Priority`].
//!
//! Crates for this exist (tower-acc, tower-resilience-adaptive); none knows priorities or measures a part
//! of a request, and each is one person's first release.

mod admitted;
mod baseline;
mod known_credentials;
mod limit;
#[cfg(test)]
mod model;
mod priority;
mod recent;
mod refusal_log;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use svc_core::clock::Clock;
use svc_core::error::{Error, Reason};
use svc_runtime::telemetry::Metrics;
use tokio::time::MissedTickBehavior;

pub(crate) use admitted::{Admitted, HeldSlot};
pub(crate) use baseline::Baseline;
use baseline::Measured;
pub(crate) use known_credentials::Fingerprint;
use known_credentials::KnownCredentials;
use limit::{Bound, Limit, Observation};
pub(crate) use priority::Priority;
use recent::RecentRequests;
use refusal_log::RefusalLog;

/// Calls of members in flight. They have a bound of their own, so that no load of data sheds the DELETE of a
/// key, and made-up tokens take no place from data. Far more than people and their automation need.
pub(crate) const MANAGEMENT: usize = 128;
/// The part of either bound that credentials may fill which were not proven here recently: 1 in so many.
const UNPROVEN_SHARE: usize = 2;
/// How often the bound is looked at.
const TICK: Duration = Duration::from_millis(50);
/// When to come back after a refusal.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    priority: &'static str,
}

/// The bound.
pub(crate) struct Admission {
    limit: AtomicUsize,
    /// Baselines are measured now.
    probe: AtomicBool,
    recent: [RecentRequests; Priority::ALL.len()],
    /// Requests of data that are at work, for however long: not those whose body is waited for, nor those that
    /// are slow by nature.
    in_flight: AtomicUsize,
    /// The most of these since the last tick.
    peak: AtomicUsize,
    /// Which credentials were let through recently.
    pub(crate) known: KnownCredentials,
    /// What was measured since the last tick.
    measured: Measured,
    /// The bound was reached since the last tick.
    reached: AtomicBool,
    shed: [Counter; Priority::ALL.len()],
    metrics: Gauges,
    clock: Arc<dyn Clock>,
    most: usize,
}

struct Gauges {
    limit: Gauge<i64>,
    in_flight: [Gauge<i64>; Priority::ALL.len()],
}

impl Admission {
    /// At most `most` requests of data at once, whatever is measured.
    pub(crate) fn new(most: usize, clock: Arc<dyn Clock>, metrics: &Metrics) -> Admission {
        let shed = Family::<Labels, Counter>::default();
        let in_flight = Family::<Labels, Gauge>::default();
        let limit = Gauge::default();
        let of = |priority: Priority| Labels { priority: priority.name() };
        let admission = Admission {
            limit: AtomicUsize::new(Limit::new(most).now()),
            probe: AtomicBool::new(false),
            recent: Default::default(),
            in_flight: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            known: KnownCredentials::default(),
            measured: Measured::default(),
            reached: AtomicBool::new(false),
            shed: Priority::ALL.map(|priority| shed.get_or_create_owned(&of(priority))),
            metrics: Gauges {
                limit: limit.clone(),
                in_flight: Priority::ALL.map(|priority| in_flight.get_or_create_owned(&of(priority))),
            },
            clock,
            most,
        };
        metrics.register(|registry| {
            let help = "Requests of data that may be in flight, as latency allows";
            registry.register("edge_in_flight_limit", help, limit);
            let help = "Requests that count towards their bound";
            registry.register("edge_in_flight", help, in_flight);
            let help = "Requests refused since too many were in flight";
            registry.register("edge_requests_shed", help, shed);
        });
        admission.update_gauges();
        admission
    }

    /// Lets a request of a route in, or refuses it at once. What the call takes says nothing of the load where
    /// it `is_slow` by nature.
    pub(crate) fn enter<'a>(
        &'a self,
        priority: Priority,
        baseline: &'a Baseline,
        is_slow: bool,
    ) -> Result<Admitted<'a>, Error> {
        let slot = self.recent(priority).enter();
        let fits = match priority {
            Priority::Management => self.management() <= MANAGEMENT,
            Priority::UnprovenManagement => {
                let unproven = self.recent(priority).count();
                self.management() <= MANAGEMENT && unproven <= MANAGEMENT / UNPROVEN_SHARE
            }
            Priority::Proven | Priority::Unproven => self.data_fits(priority),
        };
        match fits {
            true => Ok(Admitted::new(self, priority, baseline, is_slow, slot)),
            false => {
                self.shed[priority as usize].inc();
                let message = "There is too much to do. Try again later.";
                Err(Error::new(Reason::Overloaded, message).retry_after(RETRY_AFTER))
            }
        }
    }

    fn management(&self) -> usize {
        self.recent(Priority::Management).count() + self.recent(Priority::UnprovenManagement).count()
    }

    fn data_fits(&self, priority: Priority) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        let unproven = self.recent(Priority::Unproven).count();
        let data = self.recent(Priority::Proven).count() + unproven;
        // Read first: a write would take the cache line from the other threads.
        if data >= limit && !self.reached.load(Ordering::Relaxed) {
            self.reached.store(true, Ordering::Relaxed);
        }
        if self.probe.load(Ordering::Relaxed) && self.in_flight.load(Ordering::Relaxed) >= limit {
            return false;
        }
        data <= limit && (priority == Priority::Proven || unproven <= (limit / UNPROVEN_SHARE).max(1))
    }

    /// Keeps the bound up to date.
    pub(crate) async fn run(&self) -> Infallible {
        let mut limit = Limit::new(self.most);
        let mut tick = tokio::time::interval(TICK);
        // One late tick is one tick: what has been measured meanwhile is all in it.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut refusal_log = RefusalLog::default();
        loop {
            tick.tick().await;
            self.tick(&mut limit);
            refusal_log.tick(self);
        }
    }

    fn tick(&self, limit: &mut Limit) {
        self.recent.iter().for_each(RecentRequests::advance);
        let seen = Observation {
            samples: self.measured.take(),
            reached: self.reached.swap(false, Ordering::Relaxed),
            peak: self.peak.swap(self.in_flight.load(Ordering::Relaxed), Ordering::Relaxed),
            at: self.clock.now(),
            uptime: self.clock.uptime(),
        };
        let Bound { limit, probe } = limit.tick(seen);
        self.limit.store(limit, Ordering::Relaxed);
        self.probe.store(probe, Ordering::Relaxed);
        self.update_gauges();
    }

    fn recent(&self, priority: Priority) -> &RecentRequests {
        &self.recent[priority as usize]
    }

    fn update_gauges(&self) {
        let gauge = |gauge: &Gauge, value: usize| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        gauge(&self.metrics.limit, self.limit.load(Ordering::Relaxed));
        for (of, recent) in self.metrics.in_flight.iter().zip(&self.recent) {
            gauge(of, recent.count());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::clock::{ManualClock, Timestamp};

    fn admission(most: usize) -> Admission {
        Admission::new(most, Arc::new(ManualClock::at(Timestamp(0))), &Metrics::new())
    }

    static BASELINE: Baseline = Baseline::new();

    fn enter(admission: &Admission, priority: Priority) -> Result<Admitted<'_>, Error> {
        admission.enter(priority, &BASELINE, false)
    }

    fn fill(admission: &Admission, priority: Priority) -> Vec<Admitted<'_>> {
        std::iter::from_fn(|| enter(admission, priority).ok()).collect()
    }

    #[test]
    fn what_is_over_the_bound_is_told_when_to_come_back() {
        let admission = admission(3);
        let admitted = fill(&admission, Priority::Proven);
        assert_eq!(admitted.len(), 3);
        let refused = enter(&admission, Priority::Proven).err().unwrap();
        assert_eq!((refused.reason, refused.retry_after), (Reason::Overloaded, Some(RETRY_AFTER)));
        drop(admitted);
        assert!(enter(&admission, Priority::Proven).is_ok());
    }

    #[test]
    fn a_flood_of_unproven_credentials_leaves_room_for_proven_ones() {
        let admission = admission(100);
        let flood = fill(&admission, Priority::Unproven);
        assert_eq!(flood.len(), 50);
        assert_eq!(fill(&admission, Priority::Proven).len(), 50);
        drop(flood);
        let _proven = fill(&admission, Priority::Proven);
        assert!(enter(&admission, Priority::Unproven).is_err(), "proven ones may take all of it");
    }

    #[test]
    fn management_and_data_shed_nothing_of_each_other() {
        let admission = admission(3);
        let _data = fill(&admission, Priority::Proven);
        let management = fill(&admission, Priority::Management);
        assert_eq!(management.len(), MANAGEMENT);
        drop(_data);
        assert!(enter(&admission, Priority::Proven).is_ok(), "made-up tokens take no place from data");
    }

    #[test]
    fn a_flood_of_made_up_tokens_leaves_room_for_members() {
        let admission = admission(3);
        let flood = fill(&admission, Priority::UnprovenManagement);
        assert_eq!(flood.len(), MANAGEMENT / 2);
        assert_eq!(fill(&admission, Priority::Management).len(), MANAGEMENT / 2);
    }

    #[test]
    fn whatever_becomes_of_a_request_is_measured_and_only_answers_move_the_baseline() {
        let ms = Duration::from_millis;
        let clock = ManualClock::at(Timestamp(0));
        let admission = Admission::new(100, Arc::new(clock.clone()), &Metrics::new());
        let baseline = Baseline::default();
        let begin = || {
            let mut admitted = admission.enter(Priority::Proven, &baseline, false).unwrap();
            admitted.resume();
            admitted
        };
        let mut answered = begin();
        clock.advance(ms(3));
        answered.pause();
        clock.advance(ms(500));
        assert_eq!(answered.so_far(), ms(3));
        assert_eq!(admission.in_flight.load(Ordering::Relaxed), 0, "a body is waited for");
        answered.resume();
        clock.advance(ms(1));
        answered.answered();
        drop(answered);
        let sum = admission.measured.take();
        assert_eq!((sum.count, sum.slowdown, sum.longest_micros), (1, 1.0, 4_000), "not the body");

        for _ in 0..100 {
            drop(begin());
        }
        assert_eq!(admission.measured.take().count, 0, "refused at once");
        let left = begin();
        clock.advance(ms(12));
        drop(left);
        let sum = admission.measured.take();
        assert_eq!((sum.count, sum.slowdown), (1, 3.0), "its client has left");
        let mut answered = begin();
        clock.advance(ms(4));
        answered.answered();
        assert_eq!(admission.measured.take().slowdown, 1.0);
    }

    #[test]
    fn a_scrape_shows_the_bound_and_what_was_refused() {
        let metrics = Metrics::new();
        let admission = Admission::new(2, Arc::new(ManualClock::at(Timestamp(0))), &metrics);
        let _data = fill(&admission, Priority::Proven);
        admission.update_gauges();
        let text = metrics.encode().unwrap();
        for line in [
            "edge_in_flight_limit 2",
            "edge_in_flight{priority=\"proven\"} 2",
            "edge_in_flight{priority=\"management\"} 0",
            "edge_requests_shed_total{priority=\"proven\"} 1",
            "edge_requests_shed_total{priority=\"unproven\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
