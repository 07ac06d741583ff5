//! What is counted of upstreams. All of it is rare, so labels are looked up when something is counted.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Ejection;

/// Why a call is made once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// It was surely not processed.
    Unprocessed,
    /// It changes nothing, and its replica failed.
    Failed,
    /// It changes nothing, and its replica is not answering.
    Hedged,
}

impl Retry {
    const fn as_str(self) -> &'static str {
        match self {
            Retry::Unprocessed => "unprocessed",
            Retry::Failed => "failed",
            Retry::Hedged => "hedged",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    upstream: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReplicaLabels {
    upstream: String,
    replica: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    upstream: String,
    reason: &'static str,
}

/// The metrics of all upstreams of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct UpstreamFamilies {
    ejected: Family<ReplicaLabels, Gauge>,
    ejections: Family<ReasonLabels, Counter>,
    retries: Family<ReasonLabels, Counter>,
    retries_refused: Family<UpstreamLabels, Counter>,
    abandoned: Family<UpstreamLabels, Counter>,
    streams: Family<UpstreamLabels, Gauge>,
    streams_refused: Family<UpstreamLabels, Counter>,
}

impl UpstreamFamilies {
    /// Adds them to a registry.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "1 while a replica is out of rotation";
        registry.register("upstream_replica_ejected", help, self.ejected.clone());
        let help = "How often a replica was taken out of rotation";
        registry.register("upstream_ejections", help, self.ejections.clone());
        let help = "Calls that were made once more";
        registry.register("upstream_repeats", help, self.retries.clone());
        let help = "Calls that were not made once more since too many were";
        registry.register("upstream_repeats_refused", help, self.retries_refused.clone());
        let help = "Calls that were given up since their replica answers nothing";
        registry.register("upstream_calls_abandoned", help, self.abandoned.clone());
        let help = "Open streams that carry many calls, one of each core to a replica";
        registry.register("upstream_call_streams", help, self.streams.clone());
        let help = "How often a replica had no such stream for us, and is called by plain gRPC";
        registry.register("upstream_call_streams_refused", help, self.streams_refused.clone());
    }

    /// Those of one upstream.
    pub(crate) fn of(&self, upstream: &str) -> UpstreamMetrics {
        UpstreamMetrics { upstream: upstream.to_owned(), all: self.clone() }
    }
}

/// The metrics of one upstream.
#[derive(Debug)]
pub(crate) struct UpstreamMetrics {
    upstream: String,
    all: UpstreamFamilies,
}

impl UpstreamMetrics {
    pub(crate) fn upstream(&self) -> &str {
        &self.upstream
    }

    pub(super) fn set_ejected(&self, replica: &str, ejected: bool) {
        let labels = ReplicaLabels { upstream: self.upstream.clone(), replica: replica.to_owned() };
        self.all.ejected.get_or_create(&labels).set(i64::from(ejected));
    }

    pub(super) fn ejected(&self, why: Ejection) {
        self.all.ejections.get_or_create(&self.reason(why.as_str())).inc();
    }

    pub(super) fn retried(&self, why: Retry) {
        self.all.retries.get_or_create(&self.reason(why.as_str())).inc();
    }

    pub(super) fn retry_refused(&self) {
        self.all.retries_refused.get_or_create(&self.labels()).inc();
    }

    pub(super) fn abandoned(&self) {
        self.all.abandoned.get_or_create(&self.labels()).inc();
    }

    pub(crate) fn stream_opened(&self) {
        self.all.streams.get_or_create(&self.labels()).inc();
    }

    pub(crate) fn stream_closed(&self) {
        self.all.streams.get_or_create(&self.labels()).dec();
    }

    pub(crate) fn stream_refused(&self) {
        self.all.streams_refused.get_or_create(&self.labels()).inc();
    }

    fn labels(&self) -> UpstreamLabels {
        UpstreamLabels { upstream: self.upstream.clone() }
    }

    fn reason(&self, reason: &'static str) -> ReasonLabels {
        ReasonLabels { upstream: self.upstream.clone(), reason }
    }
}
