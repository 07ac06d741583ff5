//! The edge, and what it calls.

use std::collections::HashMap;
use std::sync::Arc;

use edge::routes::Table;
use svc_core::ids::Ids;
use svc_core::random::BufferedRandom;
use svc_core::secret::Secret;
use svc_runtime::cores::Cores;
use svc_runtime::grpc::caller::InternalCredential;
use svc_runtime::grpc::{Address, Upstream};
use svc_runtime::peers::Peer;
use svc_runtime::service::Environment;

use super::stages::Stages;
use super::{MIN_TOKEN, Socket, StartError};
use crate::services::{Configured, NoService};
use crate::settings::Settings;

/// What the edge calls: which upstream serves a gRPC service, and which of them checks credentials.
#[derive(Default)]
pub(super) struct Upstreams {
    by_rpc_service: HashMap<&'static str, Upstream>,
    auth: Option<Upstream>,
}

impl Upstreams {
    pub(super) fn add(&mut self, service: &dyn Configured, upstream: Upstream) {
        if service.name() == auth_svc::NAME {
            self.auth = Some(upstream.clone());
        }
        let each = service.rpc_services().iter().map(|name| (*name, upstream.clone()));
        self.by_rpc_service.extend(each);
    }
}

/// Serves the edge.
pub(super) fn spawn(
    settings: &Settings,
    environment: &Environment,
    (upstreams, cores): (Upstreams, Cores),
    (listener, local): Socket,
    (dashboard, dashboard_local): Socket,
    stages: &mut Stages,
) -> Result<(), StartError> {
    settings.edge.check(local)?;
    settings.dashboard.check(dashboard_local)?;
    let auth = upstreams.auth.ok_or(NoService(auth_svc::NAME))?;
    let auth_token = match auth.is_in_process() {
        // Other services may be elsewhere.
        true => token(settings).ok().cloned(),
        false => Some(token(settings)?.clone()),
    };
    let services: Vec<&str> = settings.services.iter().flat_map(Configured::rpc_services).copied().collect();
    let upstreams = upstreams.by_rpc_service.into_iter().map(|(name, upstream)| (name.to_owned(), upstream));
    let dependencies = edge::Dependencies {
        routes: Table::build(&settings.services.descriptors()?, &services)?,
        upstreams: upstreams.collect(),
        auth,
        auth_token,
        clock: environment.clock.clone(),
        // Of requests, which are no secret and many.
        ids: Ids::new(environment.clock.clone(), Arc::new(BufferedRandom)),
        metrics: environment.metrics.clone(),
        dashboard: Some(edge::Dashboard { config: settings.dashboard.clone(), listener: dashboard }),
        cores,
    };
    let config = settings.edge.clone();
    stages.spawn_edge(|stop| async { Ok(edge::serve(config, dependencies, listener, stop).await?) });
    Ok(())
}

/// A service at these addresses. With the secret that the parts share it is called in batches.
pub(super) fn connect(
    cores: &Cores,
    service: &dyn Configured,
    addresses: &[Address],
    settings: &Settings,
    environment: &Environment,
) -> Result<Upstream, StartError> {
    let (name, metrics) = (service.name(), &environment.metrics);
    Ok(match token(settings) {
        Ok(token) => {
            let credential = InternalCredential::new(token).map_err(|_| StartError::NoToken)?;
            Upstream::connect_in_batches(&credential, cores, name, addresses, metrics)?
        }
        Err(_) => Upstream::connect(name, addresses, metrics)?,
    })
}

/// Lets the services of this process call another one. Without the secret that the parts share none can be called that is
/// elsewhere, and what needs it says that it is unavailable.
pub(super) fn introduce(
    name: &'static str,
    upstream: Upstream,
    settings: &Settings,
    environment: &Environment,
) {
    match InternalCredential::for_calls_to(&upstream, token(settings).ok()) {
        Ok(credential) => environment.peers.add(name, Peer { upstream, credential }),
        Err(_) => tracing::warn!(
            service = name,
            "it is elsewhere, and without `edge.auth_token` no other service can call it"
        ),
    }
}

/// The secret that the edge and auth-svc share when they run apart.
pub(super) fn token(settings: &Settings) -> Result<&Secret, StartError> {
    let token = settings.edge.auth_token.as_ref();
    token.filter(|token| token.expose().len() >= MIN_TOKEN).ok_or(StartError::NoToken)
}
