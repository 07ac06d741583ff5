//! A histogram that does not make callers wait: prometheus-client's own has its buckets behind a lock, which
//! all calls of an RPC would share.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

use super::striped::{Count, Striped};

/// The bounds of the buckets, in microseconds. Above the last one there is one more bucket.
const BOUNDS: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];

/// A histogram of latencies, in seconds. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Latency(Striped<Counts>);

#[derive(Debug, Default)]
struct Counts {
    buckets: [Count; BOUNDS.len() + 1],
    sum_nanos: Count,
}

impl Latency {
    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| bound * 1_000 < nanos);
        let counts = self.0.mine();
        counts.buckets[bucket].add(1);
        counts.sum_nanos.add(nanos);
    }
}

impl TypedMetric for Latency {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Latency {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        let bounds =
            BOUNDS.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64()).chain([f64::INFINITY]);
        let counts = (0..=BOUNDS.len()).map(|at| self.0.sum(|counts| &counts.buckets[at]));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.0.sum(|counts| &counts.sum_nanos)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    #[test]
    fn buckets_hold_what_is_not_above_their_bound() {
        let latency = Latency::default();
        for micros in [0, 100, 101, 5_000_000, 5_000_001] {
            latency.observe(Duration::from_micros(micros));
        }
        let mut registry = Registry::default();
        registry.register("took_seconds", "Time", latency);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "took_seconds_bucket{le=\"0.0001\"} 2",
            "took_seconds_bucket{le=\"0.00025\"} 3",
            "took_seconds_bucket{le=\"5.0\"} 4",
            "took_seconds_bucket{le=\"+Inf\"} 5",
            "took_seconds_count 5",
            "took_seconds_sum 10.000202",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
