//! An edge on a free port, an auth-svc that knows one key and one token, and a contacts-svc that
//! remembers what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use edge::config::Addresses;
use edge::routes::Table;
use edge::{Config, Parts};
use futures::StreamExt;
use keyward_proto::auth::v1 as auth;
use keyward_proto::auth::v1::agent_service_server::{AgentService, AgentServiceServer};
use keyward_proto::auth::v1::api_key_service_server::{ApiKeyService, ApiKeyServiceServer};
use keyward_proto::auth::v1::authorization_service_server::{
    AuthorizationService, AuthorizationServiceServer,
};
use keyward_proto::contacts::v1 as contacts;
use keyward_proto::contacts::v1::contact_service_server::{ContactService, ContactServiceServer};
use svc_core::clock::SystemClock;
use svc_core::error::{Error, Reason, Violation};
use svc_core::grpc::{self, Address, Upstream};
use svc_core::ids::Ids;
use svc_core::policy::built_in_descriptors;
use svc_core::principal;
use svc_core::random::SystemRandom;
use svc_core::secret::Secret;
use svc_core::service::Handlers;
use svc_core::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use tower::Layer;

pub const AGENT: &str = "65f0c0ffee65f0c0ffee65f0";
pub const CONTACT: &str = "65f0c0ffee65f0c0ffee65f1";
pub const KEY: &str = "kw_live_good";
pub const SECRET: &str = "kws_live_good";
pub const TOKEN: &str = "kwp_good";

const AUTH: &[&str] = &[
    "keyward.auth.v1.AuthorizationService",
    "keyward.auth.v1.AgentService",
    "keyward.auth.v1.ApiKeyService",
];
const CONTACTS: &[&str] = &["keyward.contacts.v1.ContactService"];

/// The edge and what stands behind it.
pub struct Stack {
    pub address: SocketAddr,
    pub auth: Arc<Auth>,
    pub contacts: Arc<Contacts>,
    pub metrics: Metrics,
    pub shutdown: CancellationToken,
    pub serving: JoinHandle<Result<(), edge::Error>>,
    _stop: DropGuard,
}

impl Stack {
    pub async fn start() -> Stack {
        Stack::with(|_| {}).await
    }

    /// With other settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Stack {
        let (auth, contacts) = (Arc::new(Auth::default()), Arc::new(Contacts::default()));
        let routes = Routes::new(AuthorizationServiceServer::from_arc(auth.clone()))
            .add_service(AgentServiceServer::from_arc(auth.clone()))
            .add_service(ApiKeyServiceServer::from_arc(auth.clone()));
        let auth_upstream = in_process("auth", AUTH, routes).await;
        let routes = Routes::new(ContactServiceServer::from_arc(contacts.clone()));
        let contacts_upstream = in_process("contacts", CONTACTS, routes).await;
        Stack::assemble(change, auth, contacts, auth_upstream, contacts_upstream).await
    }

    /// With auth-svc at an address where nobody is.
    pub async fn without_auth() -> Stack {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = Addresses(vec![Address::Tcp(free.local_addr().unwrap().to_string())]);
        drop(free);
        let (auth, contacts) = (Arc::new(Auth::default()), Arc::new(Contacts::default()));
        let routes = Routes::new(ContactServiceServer::from_arc(contacts.clone()));
        let contacts_upstream = in_process("contacts", CONTACTS, routes).await;
        let auth_upstream = Upstream::connect("auth", &nobody.0).unwrap();
        Stack::assemble(|_| {}, auth, contacts, auth_upstream, contacts_upstream).await
    }

    /// With replicas of auth-svc at these addresses. What the stack calls auth-svc is then nobody.
    pub async fn with_replicas(addresses: &[Address], change: impl FnOnce(&mut Config)) -> Stack {
        let (auth, contacts) = (Arc::new(Auth::default()), Arc::new(Contacts::default()));
        let routes = Routes::new(ContactServiceServer::from_arc(contacts.clone()));
        let contacts_upstream = in_process("contacts", CONTACTS, routes).await;
        let auth_upstream = Upstream::connect("auth", addresses).unwrap();
        Stack::assemble(change, auth, contacts, auth_upstream, contacts_upstream).await
    }

    /// With contacts-svc behind a socket, which lets in whoever brings a header.
    pub async fn apart() -> (Stack, Arc<Bare>) {
        let bare = Arc::new(Bare::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let server =
            tonic::transport::Server::builder().add_service(ContactServiceServer::from_arc(bare.clone()));
        tokio::spawn(server.serve_with_incoming(incoming));
        (Stack::with_contacts(&[address]).await, bare)
    }

    /// With replicas of contacts-svc at these addresses. What the stack calls contacts-svc is then nobody.
    pub async fn with_contacts(addresses: &[Address]) -> Stack {
        let auth = Arc::new(Auth::default());
        let routes = Routes::new(AuthorizationServiceServer::from_arc(auth.clone()));
        let auth_upstream = in_process("auth", &AUTH[..1], routes).await;
        let contacts_upstream = Upstream::connect("contacts", addresses).unwrap();
        let contacts = Arc::new(Contacts::default());
        Stack::assemble(|_| {}, auth, contacts, auth_upstream, contacts_upstream).await
    }

    async fn assemble(
        change: impl FnOnce(&mut Config),
        auth: Arc<Auth>,
        contacts: Arc<Contacts>,
        auth_upstream: Upstream,
        contacts_upstream: Upstream,
    ) -> Stack {
        let mut config = Config { address_requests_per_second: 0, drain_seconds: 5, ..Config::default() };
        change(&mut config);
        let metrics = Metrics::new();
        let parts = parts(auth_upstream, contacts_upstream, &metrics);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(edge::serve(config, parts, listener, shutdown.clone()));
        let _stop = shutdown.clone().drop_guard();
        Stack { address, auth, contacts, metrics, shutdown, serving, _stop }
    }

    /// What becomes of an edge on this address whose services are all apart.
    pub async fn try_on(listen: &str, change: impl FnOnce(&mut Parts)) -> Result<(), edge::Error> {
        let nobody = Upstream::connect("nobody", &[Address::Tcp("127.0.0.1:1".to_owned())]).unwrap();
        let mut parts = parts(nobody.clone(), nobody, &Metrics::new());
        change(&mut parts);
        let (listener, stopped) = (TcpListener::bind(listen).await.unwrap(), CancellationToken::new());
        stopped.cancel();
        edge::serve(Config::default(), parts, listener, stopped).await
    }
}

fn parts(auth: Upstream, contacts: Upstream, metrics: &Metrics) -> Parts {
    let services: Vec<&str> = AUTH.iter().chain(CONTACTS).copied().collect();
    let upstreams: HashMap<String, Upstream> = (AUTH.iter().map(|s| ((*s).to_owned(), auth.clone())))
        .chain(CONTACTS.iter().map(|s| ((*s).to_owned(), contacts.clone())))
        .collect();
    Parts {
        routes: Table::build(&built_in_descriptors().unwrap(), &services).unwrap(),
        upstreams,
        auth,
        auth_token: Some(Secret::new("between us")),
        ids: Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)),
        metrics: metrics.clone(),
    }
}

async fn in_process(name: &str, services: &'static [&'static str], routes: Routes) -> Upstream {
    let handlers = Handlers::new(services, routes).await;
    let stack = handlers.stack(None, None, &Metrics::new()).unwrap();
    Upstream::in_process(name, stack.layer(handlers.routes()))
}

/// auth-svc.
#[derive(Clone, Default)]
pub struct Auth {
    /// The credential checks so far.
    pub asked: Arc<Mutex<Vec<auth::AuthorizeRequest>>>,
    /// When set, every check is refused so.
    pub refusal: Arc<Mutex<Option<auth::Refusal>>>,
    /// When set, every check fails so.
    pub failure: Arc<Mutex<Option<Status>>>,
}

impl Auth {
    pub fn last(&self) -> auth::AuthorizeRequest {
        self.asked.lock().unwrap().last().cloned().expect("auth-svc was asked")
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn decide(&self, request: &auth::AuthorizeRequest) -> Result<auth::Principal, auth::Refusal> {
        use auth::authorize_request::Credential;
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        let refuse = |code: &str| auth::Refusal {
            code: code.to_owned(),
            message: format!("refused: {code}"),
            retry_after_seconds: None,
        };
        let token = request.audience.as_ref().map(|audience| format!("token-for-{audience}"));
        match &request.credential {
            Some(Credential::ApiKey(key)) if key.api_key == KEY && key.secret == SECRET => {
                if request.agent_id.as_deref().is_some_and(|agent| agent != AGENT) {
                    return Err(refuse("agent_mismatch"));
                }
                Ok(auth::Principal {
                    organization_id: "65f0c0ffee65f0c0ffee65aa".to_owned(),
                    agent_id: AGENT.to_owned(),
                    subject: Some(auth::principal::Subject::KeyId("65f0c0ffee65f0c0ffee65bb".to_owned())),
                    permissions: ["create", "read", "update", "delete"]
                        .map(|a| format!("contacts:{a}"))
                        .to_vec(),
                    role: 0,
                    token,
                })
            }
            Some(Credential::PersonalAccessToken(text)) if text == TOKEN => Ok(auth::Principal {
                organization_id: "65f0c0ffee65f0c0ffee65aa".to_owned(),
                subject: Some(auth::principal::Subject::MemberId("65f0c0ffee65f0c0ffee65cc".to_owned())),
                role: 3,
                token,
                ..auth::Principal::default()
            }),
            _ => Err(refuse("invalid_credentials")),
        }
    }
}

#[tonic::async_trait]
impl AuthorizationService for Auth {
    async fn authorize(
        &self,
        request: Request<auth::AuthorizeRequest>,
    ) -> Result<Response<auth::AuthorizeResponse>, Status> {
        use auth::authorize_response::Decision;
        let request = request.into_inner();
        self.asked.lock().unwrap().push(request.clone());
        if let Some(status) = self.failure.lock().unwrap().clone() {
            return Err(status);
        }
        let decision = match self.decide(&request) {
            Ok(principal) => Decision::Principal(principal),
            Err(refusal) => Decision::Refusal(refusal),
        };
        Ok(Response::new(auth::AuthorizeResponse { decision: Some(decision), ..Default::default() }))
    }

    async fn authorize_stream(
        &self,
        request: Request<Streaming<auth::AuthorizeStreamRequest>>,
    ) -> Result<Response<BoxStream<auth::AuthorizeStreamResponse>>, Status> {
        let this = self.clone();
        let answers = request.into_inner().then(move |batch| {
            let this = this.clone();
            async move {
                let mut answers = Vec::new();
                for auth::AuthorizeQuestion { id, request, .. } in batch?.questions {
                    let answer = this.authorize(Request::new(request.unwrap_or_default())).await;
                    answers
                        .push(auth::AuthorizeAnswer { id, response: answer.ok().map(Response::into_inner) });
                }
                Ok(auth::AuthorizeStreamResponse { answers })
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

#[tonic::async_trait]
impl AgentService for Auth {
    async fn get_agent(
        &self,
        request: Request<auth::GetAgentRequest>,
    ) -> Result<Response<auth::GetAgentResponse>, Status> {
        principal::of(&request)?.member()?;
        let agent =
            auth::Agent { id: AGENT.to_owned(), name: Some("Support".to_owned()), ..auth::Agent::default() };
        Ok(Response::new(auth::GetAgentResponse { agent: Some(agent) }))
    }
}

#[tonic::async_trait]
impl ApiKeyService for Auth {
    async fn create_api_key(
        &self,
        _request: Request<auth::CreateApiKeyRequest>,
    ) -> Result<Response<auth::CreateApiKeyResponse>, Status> {
        let key = auth::ApiKey { id: CONTACT.to_owned(), version: 1, ..auth::ApiKey::default() };
        Ok(Response::new(auth::CreateApiKeyResponse { key: Some(key), secret: "kws_live_new".to_owned() }))
    }
}

/// contacts-svc. What a `{ref}` is called decides what becomes of it.
#[derive(Default)]
pub struct Contacts {
    /// The metadata of the calls so far.
    pub calls: Mutex<Vec<http::HeaderMap>>,
    /// A contact called `slow` is answered once this is notified.
    pub release: Notify,
    /// Notified when a contact called `slow` is asked for.
    pub entered: Notify,
}

impl Contacts {
    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    fn note<T>(&self, request: &Request<T>) -> Result<(), Status> {
        assert_eq!(principal::of(request)?.agent()?, AGENT);
        self.calls.lock().unwrap().push(request.metadata().clone().into_headers());
        Ok(())
    }
}

pub fn contact(reference: &str) -> contacts::Contact {
    contacts::Contact {
        id: CONTACT.to_owned(),
        external_reference_id: Some(reference.to_owned()),
        version: 3,
        ..contacts::Contact::default()
    }
}

#[tonic::async_trait]
impl ContactService for Contacts {
    async fn get_contact(
        &self,
        request: Request<contacts::GetContactRequest>,
    ) -> Result<Response<contacts::GetContactResponse>, Status> {
        self.note(&request)?;
        let reference = match request.into_inner().reference {
            Some(contacts::get_contact_request::Reference::Ref(reference)) => reference,
            Some(contacts::get_contact_request::Reference::Id(_)) | None => "by-id".to_owned(),
        };
        match reference.as_str() {
            "missing" => return Err(Error::not_found("Contact").into()),
            "panic" => panic!("the handler fell over"),
            "foreign" => return Err(Status::internal("password=hunter2")),
            "unauthenticated" => return Err(Status::unauthenticated("who are you")),
            "slow" => {
                self.entered.notify_one();
                self.release.notified().await;
            }
            _ => {}
        }
        Ok(Response::new(contacts::GetContactResponse { contact: Some(contact(&reference)) }))
    }

    async fn create_contact(
        &self,
        request: Request<contacts::CreateContactRequest>,
    ) -> Result<Response<contacts::CreateContactResponse>, Status> {
        self.note(&request)?;
        let contact = request.into_inner().contact.unwrap_or_default();
        match contact.name.as_deref() {
            Some("taken") => {
                let mut error = Error::new(Reason::AlreadyExists, "The externalReferenceId is taken.");
                error.existing_id = Some(CONTACT.to_owned());
                return Err(error.into());
            }
            Some("bad") => {
                let violation = Violation::new(
                    "email",
                    svc_core::error::Fault::Required,
                    "Needs an email or a mobile number.",
                );
                return Err(Error::invalid(vec![violation]).into());
            }
            _ => {}
        }
        let contact = contacts::Contact { id: CONTACT.to_owned(), version: 1, ..contact };
        Ok(Response::new(contacts::CreateContactResponse { contact: Some(contact) }))
    }

    async fn delete_contact(
        &self,
        request: Request<contacts::DeleteContactRequest>,
    ) -> Result<Response<contacts::DeleteContactResponse>, Status> {
        self.note(&request)?;
        match request.into_inner().expected_version {
            None | Some(3) => Ok(Response::new(contacts::DeleteContactResponse::default())),
            Some(_) => Err(Error::new(Reason::PreconditionFailed, "The contact has changed.").into()),
        }
    }

    async fn replace_contact(
        &self,
        request: Request<contacts::ReplaceContactRequest>,
    ) -> Result<Response<contacts::ReplaceContactResponse>, Status> {
        self.note(&request)?;
        let contact = request.into_inner().contact;
        Ok(Response::new(contacts::ReplaceContactResponse { contact, created: false }))
    }
}

/// contacts-svc behind a socket, without a stack.
#[derive(Default)]
pub struct Bare {
    pub calls: Mutex<Vec<http::HeaderMap>>,
}

#[tonic::async_trait]
impl ContactService for Bare {
    async fn get_contact(
        &self,
        request: Request<contacts::GetContactRequest>,
    ) -> Result<Response<contacts::GetContactResponse>, Status> {
        self.calls.lock().unwrap().push(request.metadata().clone().into_headers());
        Ok(Response::new(contacts::GetContactResponse { contact: Some(contact("apart")) }))
    }
}

/// How long a call may take, as its metadata says.
pub fn deadline_of(headers: &http::HeaderMap) -> std::time::Duration {
    grpc::deadline::of(headers)
}
