//! Metrics in the OpenMetrics text format. Handles are made once, so that counting costs no look-up.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tonic::Code;

use super::Latency;

/// The metrics of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    rpc_duration: Family<RpcLabels, Latency>,
    rpc_errors: Family<RpcErrorLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RpcLabels {
    rpc_method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RpcErrorLabels {
    rpc_method: String,
    rpc_grpc_status_code: i32,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// No metrics yet but those of gRPC calls.
    pub fn new() -> Metrics {
        let metrics = Metrics {
            registry: Arc::new(Mutex::new(Registry::default())),
            rpc_duration: Family::default(),
            rpc_errors: Family::default(),
        };
        metrics.register(|registry| {
            let duration = metrics.rpc_duration.clone();
            registry.register("rpc_server_duration_seconds", "How long gRPC calls took", duration);
            let errors = metrics.rpc_errors.clone();
            registry.register("rpc_server_errors", "gRPC calls that ended with an error", errors);
        });
        metrics
    }

    /// Adds metrics.
    pub fn register<T>(&self, add: impl FnOnce(&mut Registry) -> T) -> T {
        add(&mut self.registry.lock())
    }

    /// The metrics of one RPC, e.g. `/keyward.contacts.v1.ContactService/GetContact`.
    pub fn rpc(&self, path: &str) -> RpcMetrics {
        let method = path.trim_start_matches('/').to_owned();
        let duration = self.rpc_duration.get_or_create_owned(&RpcLabels { rpc_method: method.clone() });
        RpcMetrics { method, duration, errors: self.rpc_errors.clone() }
    }

    /// All of them, as a scrape reads them.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }
}

/// The metrics of one RPC.
#[derive(Clone, Debug)]
pub struct RpcMetrics {
    method: String,
    duration: Latency,
    errors: Family<RpcErrorLabels, Counter>,
}

impl RpcMetrics {
    /// Counts one call.
    pub fn observe(&self, duration: Duration, code: Code) {
        self.duration.observe(duration);
        if code != Code::Ok {
            let labels =
                RpcErrorLabels { rpc_method: self.method.clone(), rpc_grpc_status_code: code as i32 };
            self.errors.get_or_create(&labels).inc();
        }
    }
}
