//! W3C trace context, in and out.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceId};
use opentelemetry::{Context, global};
use tracing::{Span, debug_span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// In the place of what a client made up.
const OTHER: &str = "_OTHER";

/// How statements begin.
const OPERATIONS: [&str; 9] =
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "CREATE", "LOCK"];

static SAMPLE_RATIO: OnceLock<f64> = OnceLock::new();

pub(super) fn set_sample_ratio(ratio: f64) {
    let _first_wins = SAMPLE_RATIO.set(ratio);
}

/// The span of a gRPC call at its server, named `package.Service/Method` as OpenTelemetry's
/// conventions say; one that the server does not know is named `_OTHER`. Between processes it continues the
/// caller's trace; in one process it is a child already.
pub fn rpc_span(path: &str, is_known: impl Fn(&str) -> bool, headers: &HeaderMap) -> Span {
    let span = unparented(path, is_known);
    if !span.is_disabled() && headers.contains_key(TRACEPARENT) {
        let _not_exported = span.set_parent(extract(headers));
    }
    span
}

/// As [`rpc_span`], for a call that travels with others and brings its trace context along.
pub fn rpc_span_of(path: &str, traceparent: Option<&str>) -> Span {
    let span = unparented(path, |_| true);
    if let Some(parent) = traceparent.and_then(|text| HeaderValue::from_str(text).ok())
        && !span.is_disabled()
    {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(TRACEPARENT), parent)]);
        let _not_exported = span.set_parent(extract(&headers));
    }
    span
}

/// The trace context of the current span, when there is one.
pub fn traceparent() -> Option<String> {
    if Span::current().is_disabled() {
        return None;
    }
    let mut headers = HeaderMap::new();
    inject(&mut headers);
    headers.get(TRACEPARENT)?.to_str().ok().map(str::to_owned)
}

fn unparented(path: &str, is_known: impl Fn(&str) -> bool) -> Span {
    // Worked out only where the span is made.
    let name = || match is_known(path) {
        true => path.strip_prefix('/').unwrap_or(path),
        false => OTHER,
    };
    debug_span!(
        "rpc",
        otel.name = name(),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = name().split_once('/').map(|(service, _)| service),
        rpc.method = name().rsplit('/').next(),
        rpc.grpc.status_code = field::Empty,
    )
}

/// Says of the current span, when it is that of a statement (`db.…`), what the statement does.
pub fn db_operation(system: &'static str, statement: &str) {
    let span = Span::current();
    if !span.metadata().is_some_and(|metadata| metadata.name().starts_with("db.")) {
        return;
    }
    span.set_attribute("db.system.name", system);
    if let Some(operation) = OPERATIONS.iter().find(|operation| statement.starts_with(**operation)) {
        span.set_attribute("db.operation.name", *operation);
    }
}

/// Continues the trace of a client's request. Whether it is sampled is decided here and now by the
/// trace id and our own ratio, whatever the client's flag says.
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() || !headers.contains_key(TRACEPARENT) {
        return;
    }
    let context = extract(headers);
    let client = context.span().span_context().clone();
    if !client.is_valid() {
        return;
    }
    let flags = TraceFlags::default().with_sampled(is_sampled(client.trace_id()));
    let decided =
        SpanContext::new(client.trace_id(), client.span_id(), flags, true, client.trace_state().clone());
    let _not_exported = span.set_parent(Context::new().with_remote_span_context(decided));
}

/// Names a span once more is known. `otel.name` counts only until the span has a context.
pub fn rename(span: &Span, name: &str) {
    if !span.is_disabled() {
        span.context().span().update_name(name.to_owned());
    }
}

/// As `TraceIdRatioBased` decides for traces that start here.
fn is_sampled(trace: TraceId) -> bool {
    let ratio = SAMPLE_RATIO.get().copied().unwrap_or(1.0);
    let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
    let low = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1;
    ratio >= 1.0 || (low as f64) < ratio * (1_u64 << 63) as f64
}

/// Writes the current trace into the headers of a call to another process.
pub fn inject(headers: &mut HeaderMap) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    let context = span.context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut Writer(headers)));
}

fn extract(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(&Reader(headers)))
}

struct Reader<'a>(&'a HeaderMap);

impl Extractor for Reader<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|v| v.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Writer<'a>(&'a mut HeaderMap);

impl Injector for Writer<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::from_str(&value)) {
            self.0.insert(name, value);
        }
    }
}
