//! What the edge counts. The handles of a route are made once and kept with it, so that a request
//! hashes no labels.

use std::sync::OnceLock;
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use svc_core::telemetry::{Latency, Metrics};

/// The statuses of the contract. Any other is counted under 500.
const STATUSES: [u16; 24] = [
    200, 500, 201, 202, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 415, 422, 429, 431, 501, 502,
    503, 504, 206,
];
const OF_OTHERS: usize = 1;

/// The methods that are counted by name; any other is `_OTHER`, as OpenTelemetry's conventions say.
const METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", OTHER_METHOD];
const OTHER_METHOD: &str = "_OTHER";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: String,
    route: String,
    status: u16,
}

/// The metrics of the edge.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    duration: Family<Labels, Latency>,
    in_flight: Gauge,
    unmatched: Vec<RouteMetrics>,
}

/// The metrics of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    method: String,
    route: String,
    duration: Family<Labels, Latency>,
    by_status: [OnceLock<Latency>; STATUSES.len()],
}

impl HttpMetrics {
    pub(crate) fn new(metrics: &Metrics) -> HttpMetrics {
        let duration = Family::<Labels, Latency>::default();
        let in_flight = Gauge::default();
        metrics.register(|registry| {
            let help = "How long HTTP requests took, from the head read to the answer made";
            registry.register("http_server_request_duration_seconds", help, duration.clone());
            registry.register("http_server_active_requests", "HTTP requests in flight", in_flight.clone());
        });
        let unmatched = METHODS.iter().map(|method| RouteMetrics::new(&duration, method, "")).collect();
        HttpMetrics { duration, in_flight, unmatched }
    }

    /// The metrics of a route.
    pub(crate) fn route(&self, method: &str, route: &str) -> RouteMetrics {
        RouteMetrics::new(&self.duration, method, route)
    }

    /// The metrics of requests that no route answers.
    pub(crate) fn unmatched(&self, method: &Method) -> &RouteMetrics {
        let known = METHODS.iter().position(|m| *m == method.as_str()).unwrap_or(METHODS.len() - 1);
        &self.unmatched[known]
    }

    /// Counts a request as in flight until the guard is dropped, also when its client goes away.
    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }
}

/// A request in flight.
pub(crate) struct InFlight<'m>(&'m Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl RouteMetrics {
    fn new(duration: &Family<Labels, Latency>, method: &str, route: &str) -> RouteMetrics {
        RouteMetrics {
            method: method.to_owned(),
            route: route.to_owned(),
            duration: duration.clone(),
            by_status: [const { OnceLock::new() }; STATUSES.len()],
        }
    }

    /// The template, empty where no route answers.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// Counts one answer.
    pub(crate) fn observe(&self, status: u16, took: Duration) {
        let slot = STATUSES.iter().position(|s| *s == status).unwrap_or(OF_OTHERS);
        let latency = self.by_status[slot].get_or_init(|| {
            let labels =
                Labels { method: self.method.clone(), route: self.route.clone(), status: STATUSES[slot] };
            self.duration.get_or_create_owned(&labels)
        });
        latency.observe(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::error::Reason;

    #[test]
    fn every_status_of_ours_is_counted_by_itself() {
        for reason in Reason::ALL {
            assert!(STATUSES.contains(&reason.http()), "{reason:?}");
        }
    }

    #[test]
    fn a_scrape_shows_what_was_counted() {
        let metrics = Metrics::new();
        let http = HttpMetrics::new(&metrics);
        http.route("GET", "/v1/x/{id}").observe(200, Duration::from_millis(3));
        http.unmatched(&Method::from_bytes(b"BREW").unwrap()).observe(404, Duration::from_millis(1));
        let _in_flight = http.enter();
        let text = metrics.encode().unwrap();
        for line in [
            "http_server_request_duration_seconds_count{method=\"GET\",route=\"/v1/x/{id}\",status=\"200\"} 1",
            "http_server_request_duration_seconds_count{method=\"_OTHER\",route=\"\",status=\"404\"} 1",
            "http_server_active_requests 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
