//! The edge and auth-svc as they are, in front of contacts in memory, in one process.

use std::collections::HashMap;

use auth_svc::AuthService;
use edge::routes::Table;
use svc_core::grpc::Upstream;
use svc_core::policy::built_in_descriptors;
use svc_core::service::{Environment, Handlers};
use svc_core::telemetry;
use tokio_util::sync::CancellationToken;
use tower::Layer;

use super::{announce, listen, memory_contacts};

pub(super) async fn run() -> anyhow::Result<()> {
    let settings = memory_contacts::settings()?;
    let _telemetry = telemetry::start(&settings.telemetry, "gateway")?;
    let environment = keyward::run::environment(&settings)?;
    let service = AuthService::open(&settings.auth, &environment).await?;
    let auth = here(auth_svc::NAME, &service.handlers().await, &environment)?;
    let contacts = here(contacts_svc::NAME, &memory_contacts::handlers().await, &environment)?;
    let of_auth = auth_svc::SERVICES.iter().map(|name| ((*name).to_owned(), auth.clone()));
    let of_contacts = memory_contacts::SERVICES.iter().map(|name| ((*name).to_owned(), contacts.clone()));
    let upstreams: HashMap<String, Upstream> = of_auth.chain(of_contacts).collect();
    let services = [auth_svc::SERVICES, memory_contacts::SERVICES].concat();
    let parts = edge::Parts {
        routes: Table::build(&built_in_descriptors()?, &services)?,
        upstreams,
        auth,
        auth_token: None,
        ids: environment.ids.clone(),
        metrics: environment.metrics.clone(),
    };
    let listener = listen().await?;
    announce("edge", &listener.local_addr()?);
    edge::serve(settings.edge, parts, listener, CancellationToken::new()).await?;
    Ok(())
}

/// A service of this process, behind the stack that every service has.
fn here(name: &str, handlers: &Handlers, environment: &Environment) -> anyhow::Result<Upstream> {
    let stack = handlers.stack(None, None, &environment.metrics)?;
    Ok(Upstream::in_process(name, stack.layer(handlers.routes())))
}
