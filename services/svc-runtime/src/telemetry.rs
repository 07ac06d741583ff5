//! Logs, traces and metrics.
//!
//! Logs are JSON lines on stderr. Traces go out by OTLP when `telemetry.otlp_endpoint` is set; without
//! it request spans are not even made. Metrics are served by [`crate::admin`].

mod endpoint;
mod latency;
mod metrics;
mod striped;
mod trace;

use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

pub use endpoint::BadEndpoint;
pub use latency::Latency;
pub use metrics::{Metrics, RpcMetrics};
pub use striped::Level;
pub use trace::{continue_trace, db_operation, inject, rename, rpc_span, rpc_span_of, traceparent};

/// The crates whose spans make a trace.
const TRACED: [&str; 7] =
    ["keyward", "edge", "svc_runtime", "svc_db", "auth_svc", "contacts_svc", "extraction_svc"];

/// `[telemetry]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The OTLP/gRPC endpoint that traces go to: `http://localhost:4317`, or `https://…` for TLS by the
    /// system's roots. None by default.
    pub otlp_endpoint: Option<String>,
    /// The share of requests that are traced, 0 to 1.
    pub sample_ratio: f64,
    /// What is logged, in the syntax of `RUST_LOG`: `info`, `warn,edge=debug`.
    pub log: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { otlp_endpoint: None, sample_ratio: 1.0, log: "info".to_owned() }
    }
}

impl Config {
    /// What can be said without starting anything.
    pub fn check(&self) -> Result<(), TelemetryError> {
        EnvFilter::try_new(&self.log)?;
        match &self.otlp_endpoint {
            Some(endpoint) => Ok(endpoint::check(endpoint)?),
            None => Ok(()),
        }
    }
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.log` is not a filter.
    #[error("setting `telemetry.log`: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// `telemetry.otlp_endpoint` has no usable form.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The endpoint cannot be used.
    #[error("setting `telemetry.otlp_endpoint`: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Telemetry was started before.
    #[error(transparent)]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Flushes what is left when the process stops.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends out the spans that are still held. Blocks: call it off the runtime's threads.
    pub fn shutdown(self) {
        if let Some(provider) = self.provider
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(error = %error, "the last spans were not exported");
        }
    }
}

/// Starts logs and, where an endpoint is set, traces. Once a process.
pub fn start(config: &Config, service: &str) -> Result<Telemetry, TelemetryError> {
    config.check()?;
    let filter = EnvFilter::try_new(&config.log)?;
    let logs = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    let logs = logs.with_writer(std::io::stderr).with_filter(filter);
    let provider = match &config.otlp_endpoint {
        Some(endpoint) => Some(provider(endpoint, config.sample_ratio, service)?),
        None => None,
    };
    let traces = provider.as_ref().map(|provider| {
        let ours = Targets::new().with_targets(TRACED.map(|name| (name, LevelFilter::DEBUG)));
        tracing_opentelemetry::layer().with_tracer(provider.tracer("keyward")).with_filter(ours)
    });
    tracing_subscriber::registry().with(logs).with(traces).try_init()?;
    Ok(Telemetry { provider })
}

fn provider(
    endpoint: &str,
    ratio: f64,
    service: &str,
) -> Result<SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = endpoint::exporter(endpoint)?;
    // The client's sampled flag decides nothing: `continue_trace` rewrites it at the edge.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
    trace::set_sample_ratio(ratio);
    let resource = Resource::builder().with_service_name(service.to_owned()).build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build())
}
