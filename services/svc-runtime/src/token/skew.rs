//! How far this machine's clock and that of auth-svc are apart.
//!
//! A token says when it was made, by the clock of auth-svc, and is refused when that is not now by the clock
//! here. Nothing in the refusal would tell why, so the difference is measured: with each fetch of the keys,
//! by the `Date` of the answer, and by each token whose signature is good and whose time is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::telemetry::TokenMetrics;
use super::{Claims, LEEWAY, LIFETIME};
use svc_core::clock::{Clock, Timestamp, Uptime};

/// From which difference on a warning is logged: half of what tokens tolerate.
const WARN_FROM: i64 = LEEWAY.as_secs() as i64 / 2;
/// How often at most.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// How long an answer may take to tell the time to the second.
const PROMPT: Duration = Duration::from_millis(500);

pub(super) struct Skew {
    clock: Arc<dyn Clock>,
    metrics: TokenMetrics,
    /// The keys tell the time again and again. Where they are fixed, good tokens tell that all is well.
    told_by_keys: AtomicBool,
    /// When the next warning may be logged, in microseconds of the uptime.
    next_warning: AtomicU64,
}

impl Skew {
    pub(super) fn new(clock: Arc<dyn Clock>, metrics: TokenMetrics) -> Skew {
        Skew { clock, metrics, told_by_keys: AtomicBool::new(false), next_warning: AtomicU64::new(0) }
    }

    /// The keys came with this date. They were asked for at this moment.
    pub(super) fn of_keys(&self, date: Option<Timestamp>, asked: Uptime) {
        let prompt = self.clock.uptime().since(asked) < PROMPT;
        if let Some(date) = date.filter(|_| prompt) {
            self.told_by_keys.store(true, Ordering::Relaxed);
            // A second is rounded down there and here, and passes meanwhile.
            let ahead = self.clock.now().seconds() - date.seconds();
            self.found(if ahead.abs() <= 1 { 0 } else { ahead });
        }
    }

    /// Says what is wrong with the time of a token whose signature is good. `None` when nothing is.
    pub(super) fn of_token(&self, claims: &Claims, now: Timestamp) -> Option<String> {
        let [leeway, lifetime] = [LEEWAY, LIFETIME].map(|time| time.as_secs() as i64);
        let now = now.seconds();
        let (early, late) = (claims.iat - now, now - lifetime - claims.iat);
        if early > leeway {
            let ahead = self.at_least(-early);
            return Some(format!(
                "it was made {early} s from now by the clock here, which is {} s behind that of auth-svc",
                -ahead
            ));
        }
        if late >= leeway {
            let ahead = self.at_least(late);
            return Some(format!(
                "it ended {late} s ago by the clock here, which is {ahead} s ahead of that of auth-svc, unless \
                 the token is an old one"
            ));
        }
        if now >= claims.exp + leeway {
            return Some("it has ended together with the credential".to_owned());
        }
        if !self.told_by_keys.load(Ordering::Relaxed) {
            self.found(0);
        }
        None
    }

    /// A token tells that the clocks are as far apart as this, or further: what the keys told may be more.
    fn at_least(&self, ahead: i64) -> i64 {
        let known = self.metrics.skew.get();
        let ahead = if known.signum() == ahead.signum() && known.abs() > ahead.abs() { known } else { ahead };
        self.found(ahead);
        ahead
    }

    fn found(&self, ahead: i64) {
        self.metrics.skew.set(ahead);
        if ahead.abs() < WARN_FROM {
            return;
        }
        let now = self.clock.uptime();
        let due = |next: u64| (next <= now.0).then(|| now.plus(WARN_EVERY).0);
        if self.next_warning.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok() {
            tracing::warn!(
                clock.skew_seconds = ahead,
                "the clocks of this machine and of auth-svc differ: principal tokens are refused from {} s on. \
                 Synchronise them, e.g. with chrony",
                LEEWAY.as_secs()
            );
        }
    }
}
