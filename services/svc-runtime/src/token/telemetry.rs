//! What is counted about principal tokens.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::telemetry::Metrics;

#[derive(Clone, Debug)]
pub(super) struct TokenMetrics {
    age: Gauge,
    pub(super) fetches_failed: Counter,
    pub(super) calls_refused: Counter,
    pub(super) skew: Gauge,
}

impl TokenMetrics {
    pub(super) fn new(metrics: &Metrics) -> TokenMetrics {
        let new = TokenMetrics {
            age: Gauge::default(),
            fetches_failed: Counter::default(),
            calls_refused: Counter::default(),
            skew: Gauge::default(),
        };
        metrics.register(|registry| {
            let help = "How long ago the public keys of principal tokens were fetched";
            registry.register("principal_keys_age_seconds", help, new.age.clone());
            let help = "Times that the public keys of principal tokens could not be fetched";
            registry.register("principal_keys_fetch_failures", help, new.fetches_failed.clone());
            let help = "Calls that were refused because too many waited for a public key";
            registry.register("principal_keys_calls_refused", help, new.calls_refused.clone());
            let help = "How far the clock here is ahead of that of auth-svc; below zero, behind";
            registry.register("principal_clock_skew_seconds", help, new.skew.clone());
        });
        new
    }

    pub(super) fn show_age(&self, age: Duration) {
        self.age.set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }
}
