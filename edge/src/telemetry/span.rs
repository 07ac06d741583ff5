//! The server span of a request. Like the log, it names the route and not the path.

use http::request::Parts;
use svc_runtime::telemetry;
use tracing::{Span, debug_span, field};

use super::access_log::Entry;
use super::metrics::{method_name, span_name};

/// The span of a request that has just come.
pub(crate) fn of_request(head: &Parts) -> Span {
    let span = debug_span!(
        "http",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method_name(&head.method),
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        error.r#type = field::Empty,
    );
    telemetry::continue_trace(&span, &head.headers);
    span
}

/// Says how it ended.
pub(crate) fn record(span: &Span, entry: &Entry<'_>) {
    if span.is_disabled() {
        return;
    }
    telemetry::rename(span, &span_name(&entry.head.method, entry.route));
    if !entry.route.is_empty() {
        span.record("http.route", entry.route);
    }
    span.record("http.response.status_code", entry.status.as_u16());
    if let Some(error) = entry.error_type() {
        span.record("error.type", error);
    }
    if entry.status.is_server_error() || entry.is_cut_off && entry.refused.is_some() {
        span.record("otel.status_code", "ERROR");
    }
}
