//! A contact service that has its contacts in memory: what is behind the gateway costs next to nothing.

use std::collections::HashMap;

use keyward::settings::Settings;
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_server::{ContactService, ContactServiceServer};
use keyward_proto::contacts::v1::get_contact_request::Reference;
use svc_core::grpc;
use svc_core::service::Handlers;
use svc_core::settings::{self, Sources};
use svc_core::telemetry;
use svc_core::token::{JwksSource, TokenVerifier};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::announce;
use crate::contact;

/// The one gRPC service of it.
pub(super) const SERVICES: &[&str] = &["keyward.contacts.v1.ContactService"];

struct MemoryContacts {
    contacts: HashMap<String, pb::Contact>,
}

/// Serves it as contacts-svc is served when it runs apart.
pub(super) async fn run() -> anyhow::Result<()> {
    let settings = settings()?;
    let _telemetry = telemetry::start(&settings.telemetry, contacts_svc::NAME)?;
    let environment = keyward::run::environment(&settings)?;
    let keys = JwksSource::Url(settings.auth.jwks_url.clone());
    let verifier = TokenVerifier::new(contacts_svc::NAME, keys, environment.clock.clone());
    let handlers = handlers().await;
    let stack = handlers.stack(Some(verifier), None, &environment.metrics)?;
    let listener = grpc::bind(&settings.contacts.listen).await?;
    announce("grpc", &listener.address()?);
    grpc::serve(listener, stack, handlers.routes(), CancellationToken::new()).await?;
    Ok(())
}

/// Keyward's settings, from the environment.
pub(super) fn settings() -> anyhow::Result<Settings> {
    let environment = std::env::vars().collect();
    Ok(settings::load(&Sources { environment, ..Sources::default() })?)
}

/// The handlers, without the stack.
pub(super) async fn handlers() -> Handlers {
    let contacts = (0..contact::COUNT).map(|number| (contact::reference(number), contact::message(number)));
    let service = MemoryContacts { contacts: contacts.collect() };
    Handlers::new(SERVICES, Routes::new(ContactServiceServer::new(service))).await
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
}
