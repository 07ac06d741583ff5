//! What the edge counts. The handles of a route are made once and kept with it, so that a request
//! hashes no labels.

use std::borrow::Cow;
use std::mem::ManuallyDrop;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use svc_runtime::telemetry::{Latency, Level, Metrics};

/// The statuses of the contract. Any other is counted under 500.
const STATUSES: [u16; 26] = [
    200, 500, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 415, 416, 422, 429, 431,
    501, 502, 503, 504, 206,
];
const OF_OTHERS: usize = 1;

/// The methods that are counted and logged by name; any other is the last, as OpenTelemetry's conventions
/// say: a client can make up as many as it likes.
const METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", OTHER_METHOD];
const OTHER_METHOD: &str = "_OTHER";

/// The name of a method, as it is counted and logged.
pub(crate) fn method_name(method: &Method) -> &'static str {
    METHODS[place_of(method)]
}

fn place_of(method: &Method) -> usize {
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1)
}

/// The name of a request's span: never a client's own text.
pub(crate) fn span_name(method: &Method, route: &str) -> String {
    // `_OTHER` is for attributes; in names the conventions have `HTTP` in its place.
    let method = Some(method_name(method)).filter(|name| *name != OTHER_METHOD).unwrap_or("HTTP");
    if route.is_empty() { method.to_owned() } else { format!("{method} {route}") }
}

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
    in_flight: Level,
    /// Of requests that no route answers.
    pub(crate) unmatched: Arc<RouteMetrics>,
}

/// The metrics of one route, for whatever methods are asked of it.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    route: String,
    duration: Family<Labels, Latency>,
    by_method: [OnceLock<Box<ByStatus>>; METHODS.len()],
}

type ByStatus = [OnceLock<Latency>; STATUSES.len()];

impl HttpMetrics {
    pub(crate) fn new(metrics: &Metrics) -> HttpMetrics {
        let duration = Family::<Labels, Latency>::default();
        let in_flight = Level::default();
        metrics.register(|registry| {
            let help = "How long HTTP requests took, from the head read to the answer made, or to the end of a stream";
            registry.register("http_server_request_duration_seconds", help, duration.clone());
            registry.register("http_server_active_requests", "HTTP requests in flight", in_flight.clone());
        });
        let unmatched = Arc::new(RouteMetrics::new(&duration, ""));
        HttpMetrics { duration, in_flight, unmatched }
    }

    /// The metrics of a route.
    pub(crate) fn route(&self, route: &str) -> Arc<RouteMetrics> {
        Arc::new(RouteMetrics::new(&self.duration, route))
    }

    /// Counts a request as in flight until the guard is dropped, also when its client goes away.
    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(Cow::Borrowed(&self.in_flight))
    }
}

/// A request in flight.
pub(crate) struct InFlight<'m>(Cow<'m, Level>);

impl InFlight<'_> {
    /// For an answer that outlives what made it.
    pub(crate) fn into_owned(self) -> InFlight<'static> {
        let in_flight = ManuallyDrop::new(self);
        InFlight(Cow::Owned(in_flight.0.as_ref().clone()))
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl RouteMetrics {
    fn new(duration: &Family<Labels, Latency>, route: &str) -> RouteMetrics {
        RouteMetrics {
            route: route.to_owned(),
            duration: duration.clone(),
            by_method: [const { OnceLock::new() }; METHODS.len()],
        }
    }

    /// The template, empty where no route answers.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// Counts one answer.
    pub(crate) fn observe(&self, method: &Method, status: u16, took: Duration) {
        let method = place_of(method);
        let slot = STATUSES.iter().position(|s| *s == status).unwrap_or(OF_OTHERS);
        let by_status =
            self.by_method[method].get_or_init(|| Box::new([const { OnceLock::new() }; STATUSES.len()]));
        let latency = by_status[slot].get_or_init(|| {
            let (method, route) = (METHODS[method].to_owned(), self.route.clone());
            self.duration.get_or_create_owned(&Labels { method, route, status: STATUSES[slot] })
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
        let route = http.route("/v1/x/{id}");
        route.observe(&Method::GET, 200, Duration::from_millis(3));
        route.observe(&Method::HEAD, 200, Duration::from_millis(3));
        let brew = Method::from_bytes(b"BREW").unwrap();
        http.unmatched.observe(&brew, 404, Duration::from_millis(1));
        let _in_flight = http.enter();
        let text = metrics.encode().unwrap();
        for line in [
            "http_server_request_duration_seconds_count{method=\"GET\",route=\"/v1/x/{id}\",status=\"200\"} 1",
            "http_server_request_duration_seconds_count{method=\"HEAD\",route=\"/v1/x/{id}\",status=\"200\"} 1",
            "http_server_request_duration_seconds_count{method=\"_OTHER\",route=\"\",status=\"404\"} 1",
            "http_server_active_requests 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_hold_no_text_of_a_client() {
        for (method, route, attribute, name) in [
            ("GET", "/v1/x/{id}", "GET", "GET /v1/x/{id}"),
            ("HEAD", "/v1/x/{id}", "HEAD", "HEAD /v1/x/{id}"),
            ("GET", "", "GET", "GET"),
            ("BREW", "/v1/x/{id}", "_OTHER", "HTTP /v1/x/{id}"),
            ("BREW", "", "_OTHER", "HTTP"),
            ("get", "", "_OTHER", "HTTP"),
            ("_OTHER", "", "_OTHER", "HTTP"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(method_name(&method), attribute);
            assert_eq!(span_name(&method, route), name);
        }
    }
}
