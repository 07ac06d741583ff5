//! The edge, and what it calls.

use std::collections::HashMap;
use std::net::SocketAddr;

use edge::config::Addresses;
use edge::routes::Table;
use svc_core::grpc::{Address, BadAddress, Upstream};
use svc_core::policy::built_in_descriptors;
use svc_core::secret::Secret;
use svc_core::service::Environment;

use super::stages::Stages;
use super::{MIN_TOKEN, Socket, StartError};
use crate::settings::Settings;

/// What the edge calls.
pub(super) struct Upstreams {
    pub(super) auth: Upstream,
    pub(super) contacts: Upstream,
    pub(super) extraction: Upstream,
}

impl Upstreams {
    /// All in other processes: where `edge.upstreams` says, else where the services listen by their own
    /// settings.
    pub(super) fn elsewhere(settings: &Settings) -> Result<Upstreams, BadAddress> {
        let at = |name: &str, given: &Option<Addresses>, own: &Address| match given {
            Some(addresses) => Upstream::connect(name, &addresses.0),
            None => Upstream::connect(name, std::slice::from_ref(own)),
        };
        let given = &settings.edge.upstreams;
        Ok(Upstreams {
            auth: at(auth_svc::NAME, &given.auth, &settings.auth.listen)?,
            contacts: at(contacts_svc::NAME, &given.contacts, &settings.contacts.listen)?,
            extraction: at(extraction_svc::NAME, &given.extraction, &settings.extraction.listen)?,
        })
    }

    /// Which upstream serves a gRPC service.
    fn by_service(&self) -> HashMap<String, Upstream> {
        let all = [
            (auth_svc::SERVICES, &self.auth),
            (contacts_svc::SERVICES, &self.contacts),
            (extraction_svc::SERVICES, &self.extraction),
        ];
        let each = all.iter().flat_map(|(services, upstream)| services.iter().map(move |s| (s, *upstream)));
        each.map(|(service, upstream)| ((*service).to_owned(), upstream.clone())).collect()
    }
}

/// Serves the edge.
pub(super) fn spawn(
    settings: &Settings,
    environment: &Environment,
    upstreams: Upstreams,
    (listener, local): Socket,
    stages: &mut Stages,
) -> Result<SocketAddr, StartError> {
    settings.edge.check(local)?;
    let auth_token = match upstreams.auth.is_in_process() {
        true => None,
        false => Some(token(settings)?.clone()),
    };
    let services = [auth_svc::SERVICES, contacts_svc::SERVICES, extraction_svc::SERVICES].concat();
    let parts = edge::Parts {
        routes: Table::build(&built_in_descriptors()?, &services)?,
        upstreams: upstreams.by_service(),
        auth: upstreams.auth,
        auth_token,
        ids: environment.ids.clone(),
        metrics: environment.metrics.clone(),
    };
    let config = settings.edge.clone();
    stages.spawn_edge(|stop| async { Ok(edge::serve(config, parts, listener, stop).await?) });
    Ok(local)
}

/// The secret that the edge and auth-svc share when they run apart.
pub(super) fn token(settings: &Settings) -> Result<&Secret, StartError> {
    let token = settings.edge.auth_token.as_ref();
    token.filter(|token| token.expose().len() >= MIN_TOKEN).ok_or(StartError::NoToken)
}
