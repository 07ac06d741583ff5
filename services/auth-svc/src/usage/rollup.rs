//! Rolling up what all replicas have written, and forgetting what is old.

use std::sync::Arc;
use std::time::Duration;

use svc_core::clock::{Clock, Timestamp};
use svc_core::error::cause;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::domain::{Granularity, RECENT_DAYS, days};
use crate::store::{StoreError, Usage, UsageAge};

/// How often it is looked for what can be rolled up.
const ROLL_UP_EVERY: Duration = Duration::from_secs(10);
/// What is rolled up together: the rows of hours and days are written once for so much time. What waits for it is
/// in every answer, at the cost of a row for each minute.
const TOGETHER: Duration = Duration::from_secs(300);
/// How long after its end it is rolled up: by then all replicas have written what they counted in it. What
/// comes later, comes later.
const SETTLED: Duration = Duration::from_secs(5);
/// The most rows of one transaction, for which SQLite's one writer is taken.
const AT_ONCE: usize = 1_000;
/// The most transactions of one turn, so that a stop waits for one of them only.
const STEPS: usize = 1_000;
/// How many turns from one deletion of what is old to the next: an hour.
const PRUNE_EVERY: u32 = 360;
/// How long the note of a replica's last flush is kept: longer than a replica tries to write a batch.
const FLUSHES_DAYS: i64 = 7;

/// How long buckets are kept, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Those of minutes.
    pub(crate) minutes: i64,
    /// Those of hours.
    pub(crate) hours: i64,
    /// Those of days.
    pub(crate) days: i64,
}

impl Keep {
    /// How long those of this length are kept, in days.
    pub(crate) fn of(self, granularity: Granularity) -> i64 {
        match granularity {
            Granularity::Minute => self.minutes,
            Granularity::Hour => self.hours,
            Granularity::Day => self.days,
        }
    }
}

/// Rolls up. One replica at a time does it; which one is chance.
pub(crate) struct Rollup {
    usage: Arc<dyn Usage>,
    clock: Arc<dyn Clock>,
    keep: Keep,
}

impl Rollup {
    /// Over what is kept there.
    pub(crate) fn new(usage: Arc<dyn Usage>, clock: Arc<dyn Clock>, keep: Keep) -> Rollup {
        Rollup { usage, clock, keep }
    }

    /// Rolls up and deletes until it is told to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = interval(ROLL_UP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turns = 0;
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            let work = async {
                self.roll_up(&stop).await?;
                match turns {
                    0 => self.prune(&stop).await,
                    _ => Ok(()),
                }
            };
            if let Err(error) = work.await {
                // What is not rolled up yet is in every answer all the same.
                tracing::warn!(error = %error, cause = %cause(&error), "usage is not rolled up for now");
            }
            turns = (turns + 1) % PRUNE_EVERY;
        }
    }

    /// Rolls up all that is over.
    pub(crate) async fn roll_up(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let settled = self.clock.now().0.saturating_sub(micros(SETTLED));
        let before = Timestamp(settled - settled.rem_euclid(micros(TOGETHER)));
        for _ in 0..STEPS {
            let rolled = self.usage.roll_up(before, AT_ONCE).await?;
            if stop.is_cancelled() || rolled.is_none_or(|rows| rows < AT_ONCE) {
                break;
            }
        }
        Ok(())
    }

    /// Deletes what is too old.
    pub(crate) async fn prune(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let now = self.clock.now();
        let ago = |time: i64| Timestamp(now.0.saturating_sub(micros(days(time))));
        let age = UsageAge {
            buckets: Granularity::ALL.map(|granularity| (granularity, ago(self.keep.of(granularity)))),
            recent: Granularity::Day.floor(ago(RECENT_DAYS)),
            flushes: ago(FLUSHES_DAYS),
        };
        let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        for _ in 0..STEPS {
            let pruned = self.usage.prune(age, limit).await?;
            if stop.is_cancelled() || pruned.is_none_or(|rows| rows < limit.unsigned_abs()) {
                break;
            }
        }
        Ok(())
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
