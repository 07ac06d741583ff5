//! One auth-svc with an owner, an agent and a key.

use std::sync::Arc;
use std::time::{Duration, Instant};
use svc_runtime::service::Service;

use auth_svc::setup::{self, SetupRequest, SetupResult};
use auth_svc::{AuthService, Config};
use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::agent_service_client::AgentServiceClient;
use keyward_proto::auth::v1::api_key_service_client::ApiKeyServiceClient;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use keyward_proto::auth::v1::erasure_service_client::ErasureServiceClient;
use keyward_proto::auth::v1::member_service_client::MemberServiceClient;
use keyward_proto::auth::v1::oidc_service_client::OidcServiceClient;
use keyward_proto::auth::v1::session_service_client::SessionServiceClient;
use keyward_proto::auth::v1::token_service_client::TokenServiceClient;
use keyward_proto::policy::v1::Role;
use svc_core::clock::{ManualClock, Timestamp};
use svc_core::error::Error;
use svc_core::principal::{Principal, Subject};
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;
use svc_runtime::authorize::{Answer, Asked, Authorize, Credential, NoDecision, Question};
use svc_runtime::grpc::caller::InternalCredential;
use svc_runtime::grpc::{Upstream, status};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Streaming};

/// How long a decision is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Auth {
    pub service: AuthService,
    pub home: TestEnvironment,
    pub first: SetupResult,
    upstream: Upstream,
    /// What an edge in the same process asks.
    in_process: Arc<dyn Authorize>,
}

impl Auth {
    /// One on each engine, by name.
    pub async fn each() -> Vec<(&'static str, Auth)> {
        let mut each = Vec::new();
        for (engine, home) in TestEnvironment::each().await {
            each.push((engine, Auth::at(home, &Config::default()).await));
        }
        each
    }

    pub async fn at(home: TestEnvironment, config: &Config) -> Auth {
        let service = AuthService::open(config, &home.environment).await.unwrap();
        let first = setup::run(&service, &request()).await.unwrap();
        let upstream = upstream(&service, &home).await;
        let in_process = upstream.authorize().unwrap();
        Auth { service, home, first, upstream, in_process }
    }

    /// The same installation after a restart, with other settings.
    pub async fn restart(self, config: &Config) -> Auth {
        self.service.close().await;
        drop(self.service);
        drop((self.upstream, self.in_process));
        let service = AuthService::open(config, &self.home.environment).await.unwrap();
        let upstream = upstream(&service, &self.home).await;
        let in_process = upstream.authorize().unwrap();
        Auth { service, upstream, in_process, ..self }
    }

    pub fn clock(&self) -> &ManualClock {
        &self.home.clock
    }

    /// The decision: a principal, or the code of the refusal.
    pub async fn authorize(&self, request: pb::AuthorizeRequest) -> Result<pb::Principal, pb::Refusal> {
        match self.answer(request).await.decision.unwrap() {
            pb::authorize_response::Decision::Principal(principal) => Ok(principal),
            pb::authorize_response::Decision::Refusal(refusal) => Err(refusal),
        }
    }

    /// The decision, and what is said beside it. On a busy machine the lease of a replica may run out for a
    /// moment, in which it decides nothing.
    pub async fn answer(&self, request: pb::AuthorizeRequest) -> pb::AuthorizeResponse {
        let began = Instant::now();
        loop {
            match self.try_authorize(request.clone()).await {
                Err(status) if status.code() == Code::Unavailable && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                answer => return answer.unwrap(),
            }
        }
    }

    /// The same where there may be no decision.
    pub async fn try_authorize(
        &self,
        request: pb::AuthorizeRequest,
    ) -> Result<pb::AuthorizeResponse, tonic::Status> {
        let mut client = AuthorizationServiceClient::new(self.upstream.clone());
        let mut request = Request::new(request);
        InternalCredential::for_calls_to(&self.upstream, None).unwrap().authenticate(&mut request);
        Ok(client.authorize(request).await?.into_inner())
    }

    /// Asks as an edge does in the same process.
    pub fn ask(&self, request: &pb::AuthorizeRequest) -> Asked<'_> {
        let secret;
        let credential = match request.credential.as_ref().unwrap() {
            pb::authorize_request::Credential::ApiKey(of_key) => {
                secret = Secret::new(&*of_key.secret);
                Credential::ApiKey { key: &of_key.api_key, secret: &secret }
            }
            pb::authorize_request::Credential::PersonalAccessToken(token) => {
                secret = Secret::new(token);
                Credential::Token { token: &secret, role: request.role() }
            }
        };
        let permissions: Vec<&str> = request.permissions.iter().map(String::as_str).collect();
        let question = Question {
            credential,
            client: request.client_address.parse().unwrap(),
            operation: &request.operation,
            permissions: &permissions,
            agent: request.agent_id.as_deref(),
            audience: request.audience.as_deref(),
            goes_on: request.goes_on,
            request_id: &request.request_id,
        };
        self.in_process.ask(&question, Duration::from_secs(10))
    }

    /// The answer that an edge in the same process waits for, as soon as there is one.
    pub async fn answer_in_process(&self, request: &pb::AuthorizeRequest) -> Answer {
        let began = Instant::now();
        loop {
            match self.ask(request).answer().await {
                Err(NoDecision::Undecided) if began.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                answer => return answer.unwrap(),
            }
        }
    }

    /// Asks questions over a stream, as an edge does that runs apart.
    pub async fn stream(
        &self,
        questions: ReceiverStream<pb::AuthorizeStreamRequest>,
    ) -> Streaming<pb::AuthorizeStreamResponse> {
        let mut client = AuthorizationServiceClient::new(self.upstream.clone());
        let mut request = Request::new(questions);
        InternalCredential::for_calls_to(&self.upstream, None).unwrap().authenticate(&mut request);
        client.authorize_stream(request).await.unwrap().into_inner()
    }

    /// What the edge asks for a key that wants to read contacts of the first agent.
    pub fn read_contacts(&self, api_key: &str, secret: &str) -> pb::AuthorizeRequest {
        let credential = pb::ApiKeyCredential { api_key: api_key.to_owned(), secret: secret.to_owned() };
        pb::AuthorizeRequest {
            credential: Some(pb::authorize_request::Credential::ApiKey(credential)),
            client_address: "192.0.2.1".to_owned(),
            operation: "keyward.contacts.v1.ContactService/ListContacts".to_owned(),
            permissions: vec!["contacts:read".to_owned()],
            agent_id: Some(self.first.agent_id.clone()),
            role: Role::Unspecified.into(),
            audience: None,
            goes_on: false,
            request_id: String::new(),
        }
    }

    /// What the edge asks for a member.
    pub fn as_member(&self, token: &str, role: Role) -> pb::AuthorizeRequest {
        let credential = pb::authorize_request::Credential::PersonalAccessToken(token.to_owned());
        pb::AuthorizeRequest {
            credential: Some(credential),
            permissions: Vec::new(),
            agent_id: None,
            role: role.into(),
            ..self.read_contacts("", "")
        }
    }

    pub fn owner(&self) -> Arc<Principal> {
        self.member(&self.first.member_id, Role::Owner)
    }

    pub fn member(&self, id: &str, role: Role) -> Arc<Principal> {
        Arc::new(Principal {
            organization_id: self.first.organization_id.clone(),
            agent_id: None,
            subject: Subject::Member(id.to_owned()),
            permissions: Vec::new(),
            role: Some(role),
            expires_at: None,
            token_id: None,
            session_id: None,
        })
    }

    pub fn agents(&self) -> AgentServiceClient<Upstream> {
        AgentServiceClient::new(self.upstream.clone())
    }

    /// What waits of agents that are gone, as the edge asks for it.
    pub async fn erasures(&self) -> Vec<keyward_proto::internal::v1::Erasure> {
        let request = self.internal(pb::ListErasuresRequest::default());
        let mut client = ErasureServiceClient::new(self.upstream.clone());
        client.list_erasures(request).await.unwrap().into_inner().erasures
    }

    /// These were handed on.
    pub async fn forget_erasures(&self, ids: &[&str]) {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        let mut client = ErasureServiceClient::new(self.upstream.clone());
        client.delete_erasures(self.internal(pb::DeleteErasuresRequest { ids })).await.unwrap();
    }

    /// A call by another part of Keyward.
    fn internal<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        InternalCredential::for_calls_to(&self.upstream, None).unwrap().authenticate(&mut request);
        request
    }

    pub fn keys(&self) -> ApiKeyServiceClient<Upstream> {
        ApiKeyServiceClient::new(self.upstream.clone())
    }

    pub fn members(&self) -> MemberServiceClient<Upstream> {
        MemberServiceClient::new(self.upstream.clone())
    }

    pub fn oidc(&self) -> OidcServiceClient<Upstream> {
        OidcServiceClient::new(self.upstream.clone())
    }

    pub fn sessions(&self) -> SessionServiceClient<Upstream> {
        SessionServiceClient::new(self.upstream.clone())
    }

    pub fn tokens(&self) -> TokenServiceClient<Upstream> {
        TokenServiceClient::new(self.upstream.clone())
    }

    /// A new key of the first agent: its id, `apiKey` and secret.
    pub async fn create_key(&self, by: &Arc<Principal>, permissions: &[&str]) -> (pb::ApiKey, String) {
        self.create_expiring_key(by, permissions, None).await
    }

    pub async fn create_expiring_key(
        &self,
        by: &Arc<Principal>,
        permissions: &[&str],
        expires_at: Option<Timestamp>,
    ) -> (pb::ApiKey, String) {
        let request = pb::CreateApiKeyRequest {
            agent_id: self.first.agent_id.clone(),
            name: Some("A key".to_owned()),
            permissions: permissions.iter().map(|&p| p.to_owned()).collect(),
            expires_at: expires_at.map(Timestamp::to_proto),
            ..pb::CreateApiKeyRequest::default()
        };
        let made = self.keys().create_api_key(call(by, request)).await.unwrap().into_inner();
        (made.key.unwrap(), made.secret)
    }

    pub async fn create_member(&self, email: &str, role: Role) -> pb::Member {
        let member = pb::Member { email: Some(email.to_owned()), role: role.into(), ..pb::Member::default() };
        let request = call(&self.owner(), pb::CreateMemberRequest { member: Some(member) });
        self.members().create_member(request).await.unwrap().into_inner().member.unwrap()
    }
}

/// A call by this principal.
pub fn call<T>(by: &Arc<Principal>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(by.clone());
    request
}

pub fn error<T: std::fmt::Debug>(result: Result<T, tonic::Status>) -> Error {
    status::to_error(result.unwrap_err())
}

pub fn request() -> SetupRequest {
    SetupRequest {
        organization: "Example".to_owned(),
        email: "owner@example.com".to_owned(),
        agent: "Support".to_owned(),
    }
}

async fn upstream(service: &AuthService, home: &TestEnvironment) -> Upstream {
    service.handlers().in_process(auth_svc::NAME, &home.environment.metrics).unwrap()
}
