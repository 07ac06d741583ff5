//! A contact service that has its contacts in memory: what is behind the gateway costs next to nothing.

use std::collections::HashMap;

use auth_svc::AuthService;
use contacts_svc::ContactsService;
use keyward::services::SERVICES as ALL_SERVICES;
use keyward::settings::Settings;
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_dispatch::ContactServiceDispatch;
use keyward_proto::contacts::v1::contact_service_server::ContactService;
use keyward_proto::contacts::v1::get_contact_request::Reference;
use keyward_proto::dispatch::Services;
use keyward_proto::policy::v1::Pagination;
use svc_runtime::grpc;
use svc_runtime::service::{Environment, Handlers};
use svc_runtime::settings::Sources;
use svc_runtime::telemetry;
use svc_runtime::token::{JwksSource, TokenVerifier};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::announce;
use crate::contact;

/// The one gRPC service of it.
pub(super) const SERVICES: &[&str] = &["keyward.contacts.v1.ContactService"];

/// The service, without anything of Keyward's around it.
pub(super) struct MemoryContacts {
    contacts: HashMap<String, pb::Contact>,
    /// All of them.
    list: pb::ListContactsResponse,
}

impl MemoryContacts {
    pub(super) fn new() -> MemoryContacts {
        let contacts =
            (0..contact::COUNT).map(|number| (contact::reference(number), contact::message(number)));
        let pagination = Pagination { limit: contact::COUNT, ..Pagination::default() };
        let list = pb::ListContactsResponse {
            contacts: (0..contact::COUNT).map(contact::message).collect(),
            pagination: Some(pagination),
        };
        MemoryContacts { contacts: contacts.collect(), list }
    }
}

/// Serves it as contacts-svc is served when it runs apart.
pub(super) async fn run() -> anyhow::Result<()> {
    let settings = settings()?;
    let _telemetry = telemetry::start(&settings.telemetry, contacts_svc::NAME)?;
    let environment = keyward::run::environment(&settings);
    let keys = JwksSource::Urls(settings.services.config::<AuthService>()?.jwks_url.clone());
    let verifier = TokenVerifier::new(contacts_svc::NAME, keys, &environment);
    let handlers = handlers(&environment);
    let stack = handlers.stack(Some(verifier), settings.edge.auth_token.clone(), &environment.metrics)?;
    let listener = grpc::bind(&settings.services.config::<ContactsService>()?.listen).await?;
    announce("grpc", &listener.address()?);
    let connections = environment.metrics.connections("grpc");
    let routes = handlers.routes_of_port(&stack)?;
    grpc::serve(listener, stack, routes, connections, CancellationToken::new()).await;
    Ok(())
}

/// Keyward's settings, from the environment.
pub(super) fn settings() -> anyhow::Result<Settings> {
    let environment = std::env::vars().collect();
    Ok(Settings::load(ALL_SERVICES, &Sources { environment, ..Sources::default() })?)
}

/// The handlers, without the stack.
pub(super) fn handlers(environment: &Environment) -> Handlers {
    Handlers::new(
        SERVICES,
        Services::new().add(ContactServiceDispatch::new(MemoryContacts::new())),
        environment.health.of(contacts_svc::NAME),
    )
}

#[tonic::async_trait]
impl ContactService for MemoryContacts {
    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Result<Response<pb::GetContactResponse>, Status> {
        let contact = match &request.get_ref().reference {
            Some(Reference::Ref(reference)) => self.contacts.get(reference).cloned(),
            _ => None,
        };
        let contact = contact.ok_or_else(|| Status::not_found("There is no such contact."))?;
        Ok(Response::new(pb::GetContactResponse { contact: Some(contact) }))
    }

    async fn create_contact(
        &self,
        request: Request<pb::CreateContactRequest>,
    ) -> Result<Response<pb::CreateContactResponse>, Status> {
        // It is kept nowhere.
        let contact = request.into_inner().contact.unwrap_or_default();
        let contact = pb::Contact { id: contact::message(0).id, version: 1, ..contact };
        Ok(Response::new(pb::CreateContactResponse { contact: Some(contact), created: true }))
    }

    async fn list_contacts(
        &self,
        _: Request<pb::ListContactsRequest>,
    ) -> Result<Response<pb::ListContactsResponse>, Status> {
        Ok(Response::new(self.list.clone()))
    }
}
