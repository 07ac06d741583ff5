//! The services over gRPC where they run apart: who may call them, and who may not.

use std::sync::Arc;

use keyward::run::Part;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use keyward_proto::auth::v1::{ApiKeyCredential, AuthorizeRequest, authorize_request, authorize_response};
use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use keyward_proto::contacts::v1::{Contact, CreateContactRequest, ListContactsRequest};
use svc_core::error::Reason;
use svc_core::policy::built_in_descriptors;
use svc_runtime::grpc::{self, Upstream};
use svc_runtime::telemetry::Metrics;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::harness::{AUTH, CONTACTS, EXTRACTION, Engine, Stack, Topology};

async fn each_engine(journey: impl AsyncFn(Stack)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        eprintln!("on {engine:?}");
        journey(Stack::start(engine, Topology::SeparateServices).await).await;
    }
}

fn service(stack: &Stack, part: Part) -> Upstream {
    Upstream::connect(part.name(), &[stack.grpc(part)], &Metrics::new()).unwrap()
}

fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-keyward-principal", token.parse().unwrap());
    request
}

/// What the edge asks, with the stack's own key.
fn question(stack: &Stack, audience: &str) -> AuthorizeRequest {
    let key = ApiKeyCredential { api_key: stack.key.api_key.clone(), secret: stack.key.secret.clone() };
    AuthorizeRequest {
        credential: Some(authorize_request::Credential::ApiKey(key)),
        client_address: "127.0.0.1".to_owned(),
        operation: "keyward.contacts.v1.ContactService/ListContacts".to_owned(),
        permissions: vec!["contacts:read".to_owned()],
        agent_id: Some(stack.agent.clone()),
        role: 0,
        audience: Some(audience.to_owned()),
        goes_on: false,
        request_id: String::new(),
    }
}

fn with_bearer<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// A principal token for this service, as auth-svc gives it to the edge.
pub async fn token(stack: &Stack, audience: &str) -> String {
    let request = with_bearer(question(stack, audience), stack.edge_token());
    let mut auth = AuthorizationServiceClient::new(service(stack, AUTH));
    match auth.authorize(request).await.unwrap().into_inner().decision {
        Some(authorize_response::Decision::Principal(principal)) => principal.token.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Result<impl Sized, Status>, code: Code, reason: Reason) {
    let status = outcome.err().expect("let through");
    assert_eq!(status.code(), code, "{status}");
    assert_eq!(grpc::status::reason(&status), reason);
}

#[tokio::test]
async fn health_is_for_everyone() {
    each_engine(async |stack| {
        for (part, name) in [
            (AUTH, "keyward.auth.v1.AuthorizationService"),
            (CONTACTS, "keyward.contacts.v1.ContactService"),
            (EXTRACTION, "keyward.extraction.v1.ExtractionService"),
        ] {
            for service_name in ["", name] {
                let request = HealthCheckRequest { service: service_name.to_owned() };
                let health = HealthClient::new(service(&stack, part)).check(request).await.unwrap();
                assert_eq!(health.into_inner().status(), ServingStatus::Serving, "{part} {service_name}");
            }
        }
    })
    .await;
}

/// The answer to one question of reflection.
async fn reflect(
    stack: &Stack,
    part: Part,
    token: &str,
    asked: MessageRequest,
) -> Result<MessageResponse, Status> {
    let asked = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let request = with_bearer(futures::stream::iter([asked]), token);
    let mut client = ServerReflectionClient::new(service(stack, part));
    let answer = client.server_reflection_info(request).await?.into_inner().message().await?;
    Ok(answer.unwrap().message_response.unwrap())
}

#[tokio::test]
async fn reflection_is_for_who_has_the_token_of_the_edge() {
    let stack = Stack::start(Engine::Sqlite, Topology::SeparateServices).await;
    for (part, name) in [
        (AUTH, "keyward.auth.v1.ApiKeyService"),
        (CONTACTS, "keyward.contacts.v1.ContactService"),
        (EXTRACTION, "keyward.extraction.v1.ExtractionService"),
    ] {
        let list = || MessageRequest::ListServices(String::new());
        for wrong in ["", "nonsense", &token(&stack, "contacts").await] {
            refused(
                reflect(&stack, part, wrong, list()).await,
                Code::Unauthenticated,
                Reason::InvalidCredentials,
            );
        }
        let unsigned = ServerReflectionClient::new(service(&stack, part))
            .server_reflection_info(futures::stream::empty())
            .await;
        refused(unsigned, Code::Unauthenticated, Reason::InvalidCredentials);

        let services = match reflect(&stack, part, stack.edge_token(), list()).await.unwrap() {
            MessageResponse::ListServicesResponse(services) => services.service,
            other => panic!("{other:?}"),
        };
        for expected in [name, "grpc.health.v1.Health"] {
            assert!(services.iter().any(|service| service.name == expected), "{part}: {services:?}");
        }
        let asked = MessageRequest::FileContainingSymbol(name.to_owned());
        let files = match reflect(&stack, part, stack.edge_token(), asked).await.unwrap() {
            MessageResponse::FileDescriptorResponse(files) => files.file_descriptor_proto,
            other => panic!("{other:?}"),
        };
        // Annotations and all.
        let ours = built_in_descriptors().unwrap().get_service_by_name(name).unwrap().parent_file();
        assert_eq!(files, [ours.encode_to_vec()]);
    }
}

#[tokio::test]
async fn a_service_needs_a_principal_that_is_for_it() {
    each_engine(async |stack| {
        let mut contacts = ContactServiceClient::new(service(&stack, CONTACTS));
        let list = ListContactsRequest::default;
        refused(contacts.list_contacts(list()).await, Code::Unauthenticated, Reason::MissingCredentials);

        let token_for_us = token(&stack, "contacts").await;
        let listed = contacts.list_contacts(with_token(list(), &token_for_us)).await.unwrap();
        assert_eq!(listed.into_inner().contacts, []);

        let for_another = token(&stack, "extraction").await;
        let forged = stack.forged_token("contacts");
        let cut_short = &token_for_us[..token_for_us.len() - 3];
        for bad in [for_another.as_str(), &forged, cut_short, "nonsense"] {
            let outcome = contacts.list_contacts(with_token(list(), bad)).await;
            refused(outcome, Code::Unauthenticated, Reason::InvalidCredentials);
        }

        stack.advance(std::time::Duration::from_secs(120));
        let outcome = contacts.list_contacts(with_token(list(), &token_for_us)).await;
        refused(outcome, Code::Unauthenticated, Reason::InvalidCredentials);
    })
    .await;
}

#[tokio::test]
async fn a_message_cannot_name_another_agent() {
    each_engine(async |stack| {
        let mut contacts = ContactServiceClient::new(service(&stack, CONTACTS));
        let token = token(&stack, "contacts").await;
        let list = |agent: &str| ListContactsRequest { agent_id: agent.to_owned(), ..Default::default() };
        for own in ["", &stack.agent] {
            contacts.list_contacts(with_token(list(own), &token)).await.unwrap();
        }
        let another = stack.create_agent(serde_json::json!({"name": "Sales"})).await;
        let another = another.ok()["id"].as_str().unwrap().to_owned();
        for other in [another.as_str(), "65f0c0ffee65f0c0ffee65f0", "x"] {
            let outcome = contacts.list_contacts(with_token(list(other), &token)).await;
            refused(outcome, Code::PermissionDenied, Reason::AgentMismatch);
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_is_good_for_its_permissions_only() {
    each_engine(async |stack| {
        let reader = stack.new_key(&["contacts:read"]).await;
        let mut asked = question(&stack, "contacts");
        let key = ApiKeyCredential { api_key: reader.api_key.clone(), secret: reader.secret.clone() };
        asked.credential = Some(authorize_request::Credential::ApiKey(key));
        let mut request = Request::new(asked);
        let bearer = format!("Bearer {}", stack.edge_token());
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        let mut auth = AuthorizationServiceClient::new(service(&stack, AUTH));
        let decision = auth.authorize(request).await.unwrap().into_inner().decision;
        let Some(authorize_response::Decision::Principal(principal)) = decision else {
            panic!("{decision:?}")
        };

        let contact = Contact { email: Some("ada@example.com".to_owned()), ..Default::default() };
        let create =
            CreateContactRequest { agent_id: String::new(), contact: Some(contact), ..Default::default() };
        let mut contacts = ContactServiceClient::new(service(&stack, CONTACTS));
        let outcome = contacts.create_contact(with_token(create, &principal.token.unwrap())).await;
        refused(outcome, Code::PermissionDenied, Reason::PermissionDenied);
        assert_eq!(stack.list_contacts("").await.ok(), &serde_json::json!([]));
    })
    .await;
}

#[tokio::test]
async fn authorize_is_for_the_edge_only() {
    each_engine(async |stack| {
        let mut auth = AuthorizationServiceClient::new(service(&stack, AUTH));
        let without = auth.authorize(question(&stack, "contacts")).await;
        refused(without, Code::Unauthenticated, Reason::InvalidCredentials);
        let principal_token = token(&stack, "auth").await;
        for wrong in ["Bearer wrong", "Bearer ", "wrong", &format!("Bearer {principal_token}")] {
            let mut request = with_token(question(&stack, "contacts"), &principal_token);
            request.metadata_mut().insert("authorization", wrong.parse().unwrap());
            refused(auth.authorize(request).await, Code::Unauthenticated, Reason::InvalidCredentials);
        }
        // Nor does the edge route it.
        let path = "/keyward.auth.v1.AuthorizationService/Authorize";
        stack.send(stack.by_key("POST", path)).await.refusal(404, "route_not_found");
    })
    .await;
}

#[tokio::test]
async fn health_turns_before_the_socket_closes() {
    each_engine(async |mut stack| {
        let mut health = HealthClient::new(service(&stack, CONTACTS));
        let request = HealthCheckRequest { service: String::new() };
        // A watcher holds its call open, so the drain has to wait for it.
        let mut states = health.watch(request).await.unwrap().into_inner();
        assert_eq!(states.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
        stack.begin_to_stop();
        assert_eq!(states.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
        drop((states, health));
        stack.stop().await;
    })
    .await;
}

#[tokio::test]
async fn in_one_process_no_message_can_claim_to_be_inside() {
    // The private types that mark calls within the process are no headers; these are, and are stripped.
    let stack = Arc::new(Stack::start(Engine::Sqlite, Topology::OneProcess).await);
    for (name, value) in [("x-keyward-principal", "anything"), ("x-keyward-organization-id", "o")] {
        let request = stack.request("GET", &stack.contacts_path()).header(name, value);
        stack.send(request).await.refusal(401, "missing_credentials");
    }
}
