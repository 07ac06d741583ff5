//! Whether a service can do its work, as named conditions. Who finds out that one fails says so, and
//! `/readyz`, the gRPC health of the service and `/metrics` follow at once:
//!
//! ```ignore
//! let database = environment.health.of(auth_svc::NAME).condition("database");
//! database.failed("the disk is full");
//! database.ok();
//! ```
//!
//! A condition holds until somebody says otherwise. Who says that it fails must also look whether it holds
//! again: callers go elsewhere in the meantime, so no request may come that would find out.

use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthApi, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::telemetry::Metrics;

/// The conditions of all services of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    /// A handful, known at start: one a service.
    services: Mutex<Vec<ServiceHealth>>,
    gauges: Family<Labels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    service: &'static str,
    condition: &'static str,
}

impl Health {
    /// No conditions yet.
    pub fn new(metrics: &Metrics) -> Health {
        let gauges = Family::default();
        let help = "Whether a condition of a service holds (1) or fails (0)";
        metrics.register(|registry| registry.register("health_condition_ok", help, gauges.clone()));
        Health(Arc::new(Registry { services: Mutex::default(), gauges }))
    }

    /// The conditions of one service, the same for each who asks.
    pub fn of(&self, service: &'static str) -> ServiceHealth {
        let mut services = self.0.services.lock();
        if let Some(known) = services.iter().find(|known| known.0.service == service) {
            return known.clone();
        }
        let new = ServiceHealth(Arc::new(Shared {
            service,
            state: Mutex::default(),
            serving: watch::Sender::new(true),
            gauges: self.0.gauges.clone(),
        }));
        services.push(new.clone());
        new
    }

    /// What fails, each as `service/condition: why`. Empty when everything holds.
    pub fn failing(&self) -> Vec<String> {
        let services = self.0.services.lock().clone();
        services.iter().flat_map(ServiceHealth::failing).collect()
    }

    /// What services tell of themselves, each as `service/what: text`.
    pub fn told(&self) -> Vec<String> {
        let services = self.0.services.lock().clone();
        services.iter().flat_map(ServiceHealth::told).collect()
    }
}

/// The conditions of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServiceHealth(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    service: &'static str,
    state: Mutex<State>,
    /// What follows from the state. Sent under its lock, so that the last to change it stands.
    serving: watch::Sender<bool>,
    gauges: Family<Labels, Gauge>,
}

#[derive(Debug, Default)]
struct State {
    /// A handful, known at start.
    conditions: Vec<Named>,
    stopping: bool,
    /// What is to be known of the service, whatever fails. A handful.
    told: Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct Named {
    name: &'static str,
    /// Why it fails, while it does.
    failing: Option<String>,
    gauge: Gauge,
}

impl ServiceHealth {
    /// A condition, the same for each who asks. A new one holds.
    pub fn condition(&self, name: &'static str) -> Condition {
        let conditions = &mut self.0.state.lock().conditions;
        let known = conditions.iter().position(|known| known.name == name);
        let at = known.unwrap_or_else(|| {
            let labels = Labels { service: self.0.service, condition: name };
            let gauge = self.0.gauges.get_or_create_owned(&labels);
            gauge.set(1);
            conditions.push(Named { name, failing: None, gauge });
            conditions.len() - 1
        });
        Condition { service: self.clone(), at }
    }

    /// From now on `/readyz` tells this of the service, in place of what it told under this name before. Nothing secret.
    pub fn tell(&self, what: &'static str, text: String) {
        let told = &mut self.0.state.lock().told;
        told.retain(|(known, _)| *known != what);
        told.push((what, text));
    }

    fn told(&self) -> Vec<String> {
        let state = self.0.state.lock();
        state.told.iter().map(|(what, text)| format!("{}/{what}: {text}", self.0.service)).collect()
    }

    /// Whether all conditions hold and the service is not stopping.
    pub fn is_serving(&self) -> bool {
        *self.0.serving.borrow()
    }

    /// From now on the service does not serve, whatever its conditions.
    pub fn stop(&self) {
        self.change(|state| state.stopping = true);
    }

    fn failing(&self) -> Vec<String> {
        let state = self.0.state.lock();
        let failing = state.conditions.iter().filter_map(|c| Some((c.name, c.failing.as_deref()?)));
        failing.map(|(name, why)| format!("{}/{name}: {why}", self.0.service)).collect()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.state.lock();
        let changed = change(&mut state);
        let serving = !state.stopping && state.conditions.iter().all(|c| c.failing.is_none());
        self.0.serving.send_if_modified(|before| std::mem::replace(before, serving) != serving);
        changed
    }

    /// grpc.health.v1 for the service as a whole (the empty name) and for its gRPC services `names`.
    pub(crate) fn server(&self, names: &'static [&'static str]) -> HealthServer<impl HealthApi> {
        HealthServer::new(Api { health: self.clone(), names })
    }
}

/// Something that must hold for a service to do its work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Condition {
    service: ServiceHealth,
    at: usize,
}

impl Condition {
    /// It holds.
    pub fn ok(&self) {
        self.set(None);
    }

    /// It fails. `why` is for operators, who read it in `/readyz` and in the log: nothing secret.
    pub fn failed(&self, why: &str) {
        self.set(Some(why));
    }

    /// Whether it holds.
    pub fn is_ok(&self) -> bool {
        self.service.0.state.lock().conditions.get(self.at).is_none_or(|named| named.failing.is_none())
    }

    /// Logs changes only: what fails a thousand times a second is said once.
    fn set(&self, failing: Option<&str>) {
        let changed = self.service.change(|state| {
            let named = state.conditions.get_mut(self.at)?;
            let changed = named.failing.is_some() != failing.is_some();
            if changed {
                named.gauge.set(i64::from(failing.is_none()));
            }
            // The latest reason is the one that counts.
            if named.failing.as_deref() != failing {
                named.failing = failing.map(str::to_owned);
            }
            changed.then_some(named.name)
        });
        let service = self.service.0.service;
        match (changed, failing) {
            (None, _) => {}
            (Some(condition), None) => tracing::info!(service, condition, "the condition holds again"),
            (Some(condition), Some(why)) => tracing::error!(service, condition, why, "the condition fails"),
        }
    }
}

/// The health of the service where it is. tonic-health's own server keeps a copy, which a task would have to
/// keep up to date.
struct Api {
    health: ServiceHealth,
    names: &'static [&'static str],
}

impl Api {
    fn serving(&self, request: &HealthCheckRequest) -> Result<watch::Receiver<bool>, Status> {
        match request.service.is_empty() || self.names.contains(&request.service.as_str()) {
            true => Ok(self.health.0.serving.subscribe()),
            false => Err(Status::not_found("There is no such service here.")),
        }
    }
}

fn answer(serving: bool) -> HealthCheckResponse {
    let status = match serving {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    };
    HealthCheckResponse { status: status.into() }
}

type States = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl HealthApi for Api {
    type WatchStream = States;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let serving = *self.serving(request.get_ref())?.borrow();
        Ok(Response::new(answer(serving)))
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<States>, Status> {
        let states = WatchStream::new(self.serving(request.get_ref())?);
        Ok(Response::new(Box::pin(states.map(|serving| Ok(answer(serving))))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(service: &ServiceHealth, name: &str) -> Result<ServingStatus, tonic::Code> {
        let api = Api { health: service.clone(), names: &["a.v1.Things"] };
        let request = Request::new(HealthCheckRequest { service: name.to_owned() });
        let answer = api.check(request).await.map_err(|status| status.code())?;
        Ok(answer.into_inner().status())
    }

    #[tokio::test]
    async fn everything_follows_the_conditions() {
        let metrics = Metrics::new();
        let health = Health::new(&metrics);
        let (a, b) = (health.of("a"), health.of("b"));
        let (disk, keys) = (a.condition("disk"), a.condition("keys"));
        let api = Api { health: a.clone(), names: &["a.v1.Things"] };
        let mut states = api.watch(Request::new(HealthCheckRequest::default())).await.unwrap().into_inner();
        let mut next = async || states.next().await.unwrap().unwrap().status();
        assert_eq!(next().await, ServingStatus::Serving);
        assert_eq!(check(&a, "").await, Ok(ServingStatus::Serving));

        health.of("a").condition("disk").failed("full");
        keys.failed("none");
        disk.failed("still full");
        assert_eq!(health.failing(), ["a/disk: still full", "a/keys: none"]);
        assert_eq!(check(&a, "a.v1.Things").await, Ok(ServingStatus::NotServing));
        assert_eq!(check(&a, "b.v1.Things").await, Err(tonic::Code::NotFound));
        assert_eq!(next().await, ServingStatus::NotServing);
        assert!(b.is_serving(), "another service is not concerned");
        let text = metrics.encode().unwrap();
        assert!(text.contains("health_condition_ok{service=\"a\",condition=\"disk\"} 0"), "{text}");

        disk.ok();
        assert!(!a.is_serving() && disk.is_ok() && !keys.is_ok());
        keys.ok();
        assert!(a.is_serving() && health.failing().is_empty());
        assert_eq!(next().await, ServingStatus::Serving);

        a.stop();
        disk.ok();
        assert_eq!(check(&a, "").await, Ok(ServingStatus::NotServing), "a stop is for good");
        assert_eq!(next().await, ServingStatus::NotServing);
    }
}
