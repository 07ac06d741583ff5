//! Watching one replica: who decides from what calls have counted, and asks the replica itself.
//!
//! A replica is asked for its health every second, and at once when calls wait and it has answered nothing
//! for a while. One slow call proves nothing, since the replica that works on it still answers the question;
//! a replica that answers neither the question in time nor anything else meanwhile is silent.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::{Balancer, Ejection, Replica};

/// How often the counts are looked at.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// How long calls wait without any answer of the replica before it is asked for its health.
pub(super) const SUSPECT_AFTER: Duration = Duration::from_millis(200);
/// How long the answer to that may take.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_millis(300);
/// How often a replica in rotation is asked.
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How often one that is out is asked, so that it is soon back.
const PROBE_EJECTED_EVERY: Duration = Duration::from_millis(250);

/// The time over which failures are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// Fewer failures than this in a window eject nobody.
const MIN_FAILURES: usize = 5;
/// How long a replica whose calls fail stays out at least, although it says that it serves.
const FAILING_MIN: Duration = Duration::from_secs(1);
/// The same at most: it doubles each time.
const FAILING_MAX: Duration = Duration::from_secs(30);
/// When a replica has been in rotation for this long, its past is forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// What a replica says of itself. The greater, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Health {
    /// It can serve.
    Serving,
    /// It answers, and cannot serve.
    NotServing,
    /// Nobody is there.
    Unreachable,
}

/// Watches a replica for as long as it is polled. `probe` asks it for its health.
pub(crate) async fn watch<F>(balancer: Arc<Balancer>, at: usize, probe: impl Fn() -> F)
where
    F: Future<Output = Health>,
{
    let replica = &balancer.replicas[at];
    let began = Instant::now();
    let mut ticks = interval_at(began + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silence = Silence::new(replica, began);
    let mut failures = Failures::new(replica, began);
    let mut penalty = Penalty::new(began);
    let mut probed = began;
    loop {
        ticks.tick().await;
        let now = Instant::now();
        if failures.are_too_many(replica, now) && replica.ejection().is_none() {
            balancer.eject_failing(at);
        }
        let ejection = replica.ejection();
        penalty.see(ejection, now);
        let suspect = silence.of(replica, now) >= SUSPECT_AFTER;
        let due = match ejection {
            None => suspect || now - probed >= PROBE_EVERY,
            Some(_) => now - probed >= PROBE_EJECTED_EVERY,
        };
        if !due {
            continue;
        }
        probed = now;
        let before = replica.answers.load(Ordering::Relaxed);
        match timeout(PROBE_TIMEOUT, probe()).await {
            Ok(Health::Unreachable) => balancer.eject(at, Ejection::Unreachable),
            Ok(Health::NotServing) => {
                replica.answered();
                balancer.eject(at, Ejection::NotServing);
            }
            Ok(Health::Serving) => {
                replica.answered();
                if replica.ejection().is_some() && penalty.is_over(Instant::now()) {
                    balancer.readmit(at);
                }
            }
            Err(_) if replica.answers.load(Ordering::Relaxed) == before => {
                balancer.eject(at, Ejection::Silent);
            }
            // It has too much to do for this question, and it answers others.
            Err(_) => {}
        }
    }
}

/// For how long calls have waited without any answer.
struct Silence {
    answers: usize,
    since: Instant,
}

impl Silence {
    fn new(replica: &Replica, now: Instant) -> Silence {
        Silence { answers: replica.answers.load(Ordering::Relaxed), since: now }
    }

    fn of(&mut self, replica: &Replica, now: Instant) -> Duration {
        let answers = replica.answers.load(Ordering::Relaxed);
        if answers != self.answers || replica.waiting.load(Ordering::Relaxed) == 0 {
            *self = Silence { answers, since: now };
        }
        now - self.since
    }
}

/// What share of the calls fails.
struct Failures {
    answers: usize,
    refusals: usize,
    lost: usize,
    since: Instant,
}

impl Failures {
    fn new(replica: &Replica, now: Instant) -> Failures {
        let count = |count: &std::sync::atomic::AtomicUsize| count.load(Ordering::Relaxed);
        let Replica { answers, refusals, lost, .. } = replica;
        Failures { answers: count(answers), refusals: count(refusals), lost: count(lost), since: now }
    }

    /// Whether half of the calls failed in the window that has just ended.
    fn are_too_many(&mut self, replica: &Replica, now: Instant) -> bool {
        if now - self.since < WINDOW {
            return false;
        }
        let then = std::mem::replace(self, Failures::new(replica, now));
        let lost = self.lost.wrapping_sub(then.lost);
        let failures = self.refusals.wrapping_sub(then.refusals) + lost;
        let calls = self.answers.wrapping_sub(then.answers) + lost;
        failures >= MIN_FAILURES && failures * 2 >= calls
    }
}

/// How long a replica whose calls fail stays out, although it says that it serves.
struct Penalty {
    length: Duration,
    /// Since when it is out for this, or in rotation.
    out: Option<Instant>,
    in_since: Instant,
}

impl Penalty {
    fn new(now: Instant) -> Penalty {
        Penalty { length: FAILING_MIN, out: None, in_since: now }
    }

    fn see(&mut self, ejection: Option<Ejection>, now: Instant) {
        match (ejection, self.out) {
            (Some(Ejection::Failing), None) => {
                if now - self.in_since >= FORGIVEN_AFTER {
                    self.length = FAILING_MIN;
                }
                self.out = Some(now);
            }
            (None, Some(_)) => {
                self.length = (self.length * 2).min(FAILING_MAX);
                self.out = None;
                self.in_since = now;
            }
            _ => {}
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.out.is_none_or(|since| now - since >= self.length)
    }
}
