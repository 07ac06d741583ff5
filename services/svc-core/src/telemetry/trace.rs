//! W3C trace context, in and out.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceId};
use opentelemetry::{Context, global};
use tracing::{Span, debug_span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

static SAMPLE_RATIO: OnceLock<f64> = OnceLock::new();

pub(super) fn set_sample_ratio(ratio: f64) {
    let _first_wins = SAMPLE_RATIO.set(ratio);
}

/// The span of a gRPC call at its server, named `package.Service/Method` as OpenTelemetry's
/// conventions say. Apart, it continues the caller's trace; in one process it is a child already.
pub fn rpc_span(path: &str, headers: &HeaderMap) -> Span {
    let span = unparented(path);
    if !span.is_disabled() && headers.contains_key(TRACEPARENT) {
        let _not_exported = span.set_parent(extract(headers));
    }
    span
}

/// As [`rpc_span`], for a call that travels with others and brings its trace context along.
pub fn rpc_span_of(path: &str, traceparent: Option<&str>) -> Span {
    let span = unparented(path);
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

fn unparented(path: &str) -> Span {
    let name = path.strip_prefix('/').unwrap_or(path);
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    debug_span!(
        "rpc",
        otel.name = name,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = field::Empty,
    )
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
