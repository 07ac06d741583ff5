//! What the log says of refusals: now and then, since a line for each would be work in the wrong moment.

use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use super::{Admission, TICK};

/// How often the log says that requests are refused.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// What the log has said of refusals, and how many ticks ago.
#[derive(Default)]
pub(super) struct RefusalLog {
    shed: u64,
    ticks: u64,
}

impl RefusalLog {
    /// A tick later.
    pub(super) fn tick(&mut self, admission: &Admission) {
        self.ticks = self.ticks.saturating_add(1);
        if u128::from(self.ticks) * TICK.as_millis() < SAY_EVERY.as_millis() {
            return;
        }
        let shed: u64 = admission.shed.iter().map(Counter::get).sum();
        if shed > self.shed {
            let limit = admission.limit.load(Ordering::Relaxed);
            tracing::warn!(shed = shed - self.shed, limit, "requests were refused: there was too much to do");
            *self = RefusalLog { shed, ticks: 0 };
        }
    }
}
