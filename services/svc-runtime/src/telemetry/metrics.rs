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
use crate::connection::{ConnectionMetrics, ListenerMetrics};
use crate::grpc::{UpstreamFamilies, UpstreamMetrics};

/// The metrics of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    rpc_duration: Family<RpcLabels, Latency>,
    rpc_errors: Family<RpcErrorLabels, Counter>,
    connections: ConnectionMetrics,
    upstreams: UpstreamFamilies,
    connections_lost: Family<ServiceLabels, Counter>,
    idempotency_records: Family<OutcomeLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    service: &'static str,
    outcome: &'static str,
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
    /// No metrics yet but those of gRPC calls, of connections and of the upstreams that are called.
    pub fn new() -> Metrics {
        let metrics = Metrics {
            registry: Arc::new(Mutex::new(Registry::default())),
            rpc_duration: Family::default(),
            rpc_errors: Family::default(),
            connections: ConnectionMetrics::default(),
            upstreams: UpstreamFamilies::default(),
            connections_lost: Family::default(),
            idempotency_records: Family::default(),
        };
        metrics.register(|registry| {
            let duration = metrics.rpc_duration.clone();
            registry.register("rpc_server_duration_seconds", "How long gRPC calls took", duration);
            let errors = metrics.rpc_errors.clone();
            registry.register("rpc_server_errors", "gRPC calls that ended with an error", errors);
            metrics.connections.register(registry);
            metrics.upstreams.register(registry);
            let lost = metrics.connections_lost.clone();
            let help =
                "Connections to the database that failed and were replaced, and tries to connect that failed";
            registry.register("database_connections_lost", help, lost);
            let records = metrics.idempotency_records.clone();
            let help = "Answers of calls with an Idempotency-Key, by what became of them";
            registry.register("idempotency_records", help, records);
        });
        metrics
    }

    /// Adds metrics.
    pub fn register<T>(&self, add: impl FnOnce(&mut Registry) -> T) -> T {
        add(&mut self.registry.lock())
    }

    /// Lost connections of a service to its database.
    pub fn connections_lost(&self, service: &'static str) -> Counter {
        self.connections_lost.get_or_create_owned(&ServiceLabels { service })
    }

    /// Answers of calls with an `Idempotency-Key` of which a service has done this.
    pub fn idempotency_records(&self, service: &'static str, outcome: &'static str) -> Counter {
        self.idempotency_records.get_or_create_owned(&OutcomeLabels { service, outcome })
    }

    /// The metrics of one RPC, e.g. `/keyward.contacts.v1.ContactService/GetContact`.
    pub fn rpc(&self, path: &str) -> RpcMetrics {
        let method = path.trim_start_matches('/').to_owned();
        let duration = self.rpc_duration.get_or_create_owned(&RpcLabels { rpc_method: method.clone() });
        RpcMetrics { method, duration, errors: self.rpc_errors.clone() }
    }

    /// The metrics of the connections of a listener.
    pub fn connections(&self, listener: &'static str) -> ListenerMetrics {
        self.connections.of(listener)
    }

    /// The metrics of one upstream.
    pub(crate) fn upstream(&self, name: &str) -> UpstreamMetrics {
        self.upstreams.of(name)
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
