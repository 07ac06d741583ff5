//! How many entries are sent and dropped. A drop is also said in the log, once a minute at most.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use svc_runtime::telemetry::Metrics;
use tokio::time::Instant;
use tonic::Status;

/// How often it is said that entries are dropped.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Why an entry is dropped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dropped {
    /// There were as many in this second as may be.
    TooMany,
    /// Too many wait: auth-svc or its database is away or slow.
    QueueFull,
    /// auth-svc will not have them.
    Refused,
    /// The process stopped, and could not send them before.
    Stopped,
}

const REASONS: [&str; 4] = ["too_many", "queue_full", "refused", "stopped"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    reason: &'static str,
}

#[derive(Debug)]
pub(super) struct LogMetrics {
    sent: Counter,
    dropped: [Counter; REASONS.len()],
    /// Since it was last said.
    untold: AtomicU64,
    told: Mutex<Option<Instant>>,
    /// The last batch could not be sent.
    failing: AtomicBool,
}

impl LogMetrics {
    pub(super) fn new(metrics: &Metrics) -> LogMetrics {
        let (sent, dropped) = (Counter::default(), Family::<Labels, Counter>::default());
        metrics.register(|registry| {
            let help = "Requests that auth-svc took into the request log";
            registry.register("edge_request_log_sent", help, sent.clone());
            let help = "Requests that are not in the request log, by why";
            registry.register("edge_request_log_dropped", help, dropped.clone());
        });
        let dropped = REASONS.map(|reason| dropped.get_or_create_owned(&Labels { reason }));
        let (untold, failing) = (AtomicU64::new(0), AtomicBool::new(false));
        LogMetrics { sent, dropped, untold, told: Mutex::default(), failing }
    }

    pub(super) fn sent(&self, count: u64) {
        self.sent.inc_by(count);
        self.failing.store(false, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, why: Dropped, count: u64) {
        self.dropped[why as usize].inc_by(count);
        self.untold.fetch_add(count, Ordering::Relaxed);
    }

    /// Said once, until a batch is sent again.
    pub(super) fn failed(&self, status: &Status) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(code = ?status.code(), "the request log cannot be sent: it is tried every second");
        }
    }

    /// Says what was dropped, unless that was said just now.
    pub(super) fn tell(&self) {
        if self.untold.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut told = self.told.lock();
        if told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        let dropped = self.untold.swap(0, Ordering::Relaxed);
        tracing::warn!(dropped, "requests are missing from the request log: see edge_request_log_dropped");
    }
}
