//! The same as three processes: axum in front, and tonic as it comes for the check and for the contacts.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use keyward_proto::auth::v1 as auth;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use keyward_proto::auth::v1::authorization_service_server::{
    AuthorizationService, AuthorizationServiceServer,
};
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use keyward_proto::contacts::v1::contact_service_server::ContactServiceServer;
use keyward_proto::contacts::v1::get_contact_request::Reference;
use svc_runtime::grpc::{Address, bind};
use tonic::transport::server::Router as Services;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Status};

use super::answer::{Contact, answer, list_answer};
use super::check::{Check, Limits};
use crate::servers::memory_contacts::MemoryContacts;
use crate::servers::{
    AUTH_ADDRESS, CONTACT_PATH, CONTACTS_ADDRESS, LIST_PATH, LISTEN, announce, listen, serve_tonic, variable,
};

/// The check.
pub(in crate::servers) async fn auth() -> anyhow::Result<()> {
    let service = AuthorizationServiceServer::new(Auth(Check::from_environment()?));
    serve(Server::builder().add_service(service)).await
}

/// The contacts. Envoy has them behind it, too.
pub(in crate::servers) async fn contacts() -> anyhow::Result<()> {
    let service = ContactServiceServer::new(MemoryContacts::new());
    serve(Server::builder().add_service(service)).await
}

async fn serve(services: Services) -> anyhow::Result<()> {
    let listener = bind(&variable(LISTEN)?.parse()?).await?;
    announce("grpc", &listener.address()?);
    serve_tonic(listener, services).await
}

/// HTTP.
pub(in crate::servers) async fn edge() -> anyhow::Result<()> {
    let edge = Edge {
        auth: AuthorizationServiceClient::new(connect(&variable(AUTH_ADDRESS)?).await?),
        contacts: ContactServiceClient::new(connect(&variable(CONTACTS_ADDRESS)?).await?),
    };
    let routes = Router::new().route(CONTACT_PATH, get(one)).route(LIST_PATH, get(list));
    let listener = listen().await?;
    announce("edge", &listener.local_addr()?);
    axum::serve(listener, routes.with_state(Arc::new(edge))).await?;
    Ok(())
}

async fn connect(address: &str) -> anyhow::Result<Channel> {
    let uri = match address.parse()? {
        Address::Tcp(address) => format!("http://{address}"),
        Address::Unix(path) => format!("unix://{}", path.display()),
    };
    Endpoint::from_shared(uri)?.tcp_nodelay(true).connect().await.context("no server")
}

struct Auth(Check);

#[tonic::async_trait]
impl AuthorizationService for Auth {
    async fn authorize(
        &self,
        request: Request<auth::AuthorizeRequest>,
    ) -> Result<tonic::Response<auth::AuthorizeResponse>, Status> {
        let request = request.into_inner();
        let Some(auth::authorize_request::Credential::ApiKey(key)) = request.credential else {
            return Err(Status::unauthenticated("there is no key"));
        };
        let limits = self.0.credentials(&key.api_key, &key.secret, request.agent_id.as_deref());
        let limits = limits.map_err(|status| match status {
            StatusCode::TOO_MANY_REQUESTS => Status::resource_exhausted("too many requests"),
            StatusCode::FORBIDDEN => Status::permission_denied("another agent"),
            _ => Status::unauthenticated("no such key"),
        })?;
        let window = |remaining| Some(auth::RateWindow { remaining, ..auth::RateWindow::default() });
        let rate = auth::RateState { minute: window(limits.minute), hour: window(limits.hour) };
        let principal = auth::Principal {
            agent_id: request.agent_id.unwrap_or_default(),
            permissions: request.permissions,
            ..auth::Principal::default()
        };
        Ok(tonic::Response::new(auth::AuthorizeResponse {
            decision: Some(auth::authorize_response::Decision::Principal(principal)),
            rate: Some(rate),
            secret_expires_at: None,
            key: None,
        }))
    }
}

struct Edge {
    auth: AuthorizationServiceClient<Channel>,
    contacts: ContactServiceClient<Channel>,
}

async fn one(
    State(edge): State<Arc<Edge>>,
    Path((reference, agent)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let limits = edge.check(&headers, &agent).await?;
        let request = pb::GetContactRequest { agent_id: agent, reference: Some(Reference::Ref(reference)) };
        let response = edge.contacts.clone().get_contact(request).await.map_err(refusal)?;
        let contact = response.into_inner().contact.ok_or(StatusCode::NOT_FOUND)?;
        Ok::<_, StatusCode>(answer("Contact retrieved.", seen(contact)?, limits))
    };
    found.await.unwrap_or_else(IntoResponse::into_response)
}

async fn list(State(edge): State<Arc<Edge>>, Path(agent): Path<String>, headers: HeaderMap) -> Response {
    let found = async {
        let limits = edge.check(&headers, &agent).await?;
        let request = pb::ListContactsRequest { agent_id: agent, limit: Some(100), ..Default::default() };
        let response = edge.contacts.clone().list_contacts(request).await.map_err(refusal)?;
        let contacts: Result<Vec<Contact>, StatusCode> =
            response.into_inner().contacts.into_iter().map(seen).collect();
        Ok::<_, StatusCode>(list_answer(contacts?, limits))
    };
    found.await.unwrap_or_else(IntoResponse::into_response)
}

fn seen(contact: pb::Contact) -> Result<Contact, StatusCode> {
    Contact::try_from(contact).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

impl Edge {
    async fn check(&self, headers: &HeaderMap, agent: &str) -> Result<Limits, StatusCode> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let credentials = header("x-api-key").zip(header("x-api-secret"));
        let (api_key, secret) = credentials.ok_or(StatusCode::UNAUTHORIZED)?;
        let key = auth::ApiKeyCredential { api_key, secret };
        let request = auth::AuthorizeRequest {
            credential: Some(auth::authorize_request::Credential::ApiKey(key)),
            client_address: "127.0.0.1".to_owned(),
            operation: "keyward.contacts.v1.ContactService/GetContact".to_owned(),
            permissions: vec!["contacts:read".to_owned()],
            agent_id: Some(agent.to_owned()),
            ..auth::AuthorizeRequest::default()
        };
        let response = self.auth.clone().authorize(request).await.map_err(refusal)?;
        let rate = response.into_inner().rate.unwrap_or_default();
        let left = |window: Option<auth::RateWindow>| window.unwrap_or_default().remaining;
        Ok(Limits { minute: left(rate.minute), hour: left(rate.hour) })
    }
}

fn refusal(status: Status) -> StatusCode {
    match status.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
