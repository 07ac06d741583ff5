//! The edge and auth-svc as they are, in front of contacts in memory, in one process.

use std::collections::HashMap;

use auth_svc::AuthService;
use edge::routes::Table;
use keyward::settings::Settings;
use svc_core::policy::built_in_descriptors;
use svc_runtime::cores::Cores;
use svc_runtime::grpc::Upstream;
use svc_runtime::service::{Environment, Handlers, Service};
use svc_runtime::telemetry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{announce, listen, memory_contacts};

pub(super) async fn run() -> anyhow::Result<()> {
    let settings = memory_contacts::settings()?;
    let _telemetry = telemetry::start(&settings.telemetry, "gateway")?;
    let listener = listen().await?;
    serve(settings, listener).await
}

/// Serves it in any process.
pub async fn serve(settings: Settings, listener: TcpListener) -> anyhow::Result<()> {
    let environment = keyward::run::environment(&settings);
    let service = AuthService::open(settings.services.config::<AuthService>()?, &environment).await?;
    let auth = here(auth_svc::NAME, &service.handlers(), &environment)?;
    let contacts = here(contacts_svc::NAME, &memory_contacts::handlers(&environment), &environment)?;
    let of_auth = AuthService::RPC_SERVICES.iter().map(|name| ((*name).to_owned(), auth.clone()));
    let of_contacts = memory_contacts::SERVICES.iter().map(|name| ((*name).to_owned(), contacts.clone()));
    let upstreams: HashMap<String, Upstream> = of_auth.chain(of_contacts).collect();
    let services = [AuthService::RPC_SERVICES, memory_contacts::SERVICES].concat();
    let dependencies = edge::Dependencies {
        routes: Table::build(&built_in_descriptors()?, &services)?,
        upstreams,
        auth,
        auth_token: None,
        clock: environment.clock.clone(),
        ids: environment.ids.clone(),
        metrics: environment.metrics.clone(),
        dashboard: None,
        cores: Cores::shared(),
    };
    announce("edge", &listener.local_addr()?);
    edge::serve(settings.edge, dependencies, listener, CancellationToken::new()).await?;
    Ok(())
}

/// A service of this process, behind the stack that every service has.
fn here(name: &str, handlers: &Handlers, environment: &Environment) -> anyhow::Result<Upstream> {
    Ok(handlers.in_process(name, &environment.metrics)?)
}
