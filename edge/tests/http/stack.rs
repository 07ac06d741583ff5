//! An edge on a free port, an auth-svc that knows one key and one token, and a contacts-svc that
//! remembers what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge::config::Addresses;
use edge::routes::Table;
use edge::{Config, Dependencies};
use futures::StreamExt;
use keyward_proto::auth::v1 as auth;
use keyward_proto::auth::v1::agent_service_dispatch::AgentServiceDispatch;
use keyward_proto::auth::v1::agent_service_server::AgentService;
use keyward_proto::auth::v1::api_key_service_dispatch::ApiKeyServiceDispatch;
use keyward_proto::auth::v1::api_key_service_server::ApiKeyService;
use keyward_proto::auth::v1::authorization_service_dispatch::AuthorizationServiceDispatch;
use keyward_proto::auth::v1::authorization_service_server::AuthorizationService;
use keyward_proto::contacts::v1 as contacts;
use keyward_proto::contacts::v1::contact_service_dispatch::ContactServiceDispatch;
use keyward_proto::contacts::v1::contact_service_server::{ContactService, ContactServiceServer};
use keyward_proto::dispatch::Services;
use svc_core::clock::SystemClock;
use svc_core::error::{Error, Reason, Violation};
use svc_core::ids::Ids;
use svc_core::policy::built_in_descriptors;
use svc_core::precondition::Precondition;
use svc_core::random::SystemRandom;
use svc_core::secret::Secret;
use svc_runtime::authorize::{Answer, Asked, Authorize, NoDecision, Question};
use svc_runtime::cores::Cores;
use svc_runtime::grpc::{self, Address, Upstream, status};
use svc_runtime::health::Health;
use svc_runtime::service::Handlers;
use svc_runtime::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

pub const AGENT: &str = "65f0c0ffee65f0c0ffee65f0";
pub const CONTACT: &str = "65f0c0ffee65f0c0ffee65f1";
pub const KEY: &str = "kw_live_good";
pub const SECRET: &str = "kws_live_good";
pub const TOKEN: &str = "kwp_good";
/// A token whose check does not end.
pub const UNDECIDED_TOKEN: &str = "kwp_undecided";

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
        let services = Services::new()
            .add(AuthorizationServiceDispatch::from_arc(auth.clone()))
            .add(AgentServiceDispatch::from_arc(auth.clone()))
            .add(ApiKeyServiceDispatch::from_arc(auth.clone()));
        let auth_upstream = in_process_auth(AUTH, services, &auth);
        let services = Services::new().add(ContactServiceDispatch::from_arc(contacts.clone()));
        let contacts_upstream = in_process("contacts", CONTACTS, services).await;
        Stack::assemble(change, auth, contacts, auth_upstream, contacts_upstream).await
    }

    /// With auth-svc at an address where nobody is.
    pub async fn without_auth() -> Stack {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = Addresses(vec![Address::Tcp(free.local_addr().unwrap().to_string())]);
        drop(free);
        let (auth, contacts) = (Arc::new(Auth::default()), Arc::new(Contacts::default()));
        let services = Services::new().add(ContactServiceDispatch::from_arc(contacts.clone()));
        let contacts_upstream = in_process("contacts", CONTACTS, services).await;
        let auth_upstream = Upstream::connect("auth", &nobody.0, &Metrics::new()).unwrap();
        Stack::assemble(|_| {}, auth, contacts, auth_upstream, contacts_upstream).await
    }

    /// With replicas of auth-svc at these addresses. What the stack calls auth-svc is then nobody.
    pub async fn with_replicas(addresses: &[Address], change: impl FnOnce(&mut Config)) -> Stack {
        let (auth, contacts) = (Arc::new(Auth::default()), Arc::new(Contacts::default()));
        let services = Services::new().add(ContactServiceDispatch::from_arc(contacts.clone()));
        let contacts_upstream = in_process("contacts", CONTACTS, services).await;
        let auth_upstream = Upstream::connect("auth", addresses, &Metrics::new()).unwrap();
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
        let services = Services::new().add(AuthorizationServiceDispatch::from_arc(auth.clone()));
        let auth_upstream = in_process_auth(&AUTH[..1], services, &auth);
        let contacts_upstream = Upstream::connect("contacts", addresses, &Metrics::new()).unwrap();
        let contacts = Arc::new(Contacts::default());
        Stack::assemble(|_| {}, auth, contacts, auth_upstream, contacts_upstream).await
    }

    /// With another service than contacts-svc, and its routes.
    pub async fn with_service(
        change: impl FnOnce(&mut Config),
        routes: Table,
        service: &str,
        upstream: Upstream,
    ) -> Stack {
        let (auth, contacts) = (Arc::new(Auth::default()), Arc::new(Contacts::default()));
        let auth_services = Services::new().add(AuthorizationServiceDispatch::from_arc(auth.clone()));
        let auth_upstream = in_process_auth(&AUTH[..1], auth_services, &auth);
        let with_routes = |parts: &mut Dependencies| {
            parts.routes = routes;
            parts.upstreams = HashMap::from([(service.to_owned(), upstream)]);
        };
        Stack::assemble_with(change, auth, contacts, auth_upstream.clone(), auth_upstream, with_routes).await
    }

    async fn assemble(
        change: impl FnOnce(&mut Config),
        auth: Arc<Auth>,
        contacts: Arc<Contacts>,
        auth_upstream: Upstream,
        contacts_upstream: Upstream,
    ) -> Stack {
        Stack::assemble_with(change, auth, contacts, auth_upstream, contacts_upstream, |_| {}).await
    }

    async fn assemble_with(
        change: impl FnOnce(&mut Config),
        auth: Arc<Auth>,
        contacts: Arc<Contacts>,
        auth_upstream: Upstream,
        contacts_upstream: Upstream,
        with_routes: impl FnOnce(&mut Dependencies),
    ) -> Stack {
        let mut config = Config { address_requests_per_second: 0, drain_seconds: 5, ..Config::default() };
        change(&mut config);
        let metrics = Metrics::new();
        let mut parts = parts(auth_upstream, contacts_upstream, &metrics);
        with_routes(&mut parts);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(edge::serve(config, parts, listener, shutdown.clone()));
        let _stop = shutdown.clone().drop_guard();
        Stack { address, auth, contacts, metrics, shutdown, serving, _stop }
    }

    /// What becomes of an edge on this address whose services are all apart.
    pub async fn try_on(listen: &str, change: impl FnOnce(&mut Dependencies)) -> Result<(), edge::Error> {
        let metrics = Metrics::new();
        let addresses = [Address::Tcp("127.0.0.1:1".to_owned())];
        let nobody = Upstream::connect("nobody", &addresses, &metrics).unwrap();
        let mut parts = parts(nobody.clone(), nobody, &metrics);
        change(&mut parts);
        let (listener, stopped) = (TcpListener::bind(listen).await.unwrap(), CancellationToken::new());
        stopped.cancel();
        edge::serve(Config::default(), parts, listener, stopped).await
    }
}

fn parts(auth: Upstream, contacts: Upstream, metrics: &Metrics) -> Dependencies {
    let services: Vec<&str> = AUTH.iter().chain(CONTACTS).copied().collect();
    // As `keyward serve edge` has it.
    let cores = match auth.is_in_process() && contacts.is_in_process() {
        true => Cores::shared(),
        false => Cores::start(NonZero::new(2).unwrap()).unwrap(),
    };
    let upstreams: HashMap<String, Upstream> = (AUTH.iter().map(|s| ((*s).to_owned(), auth.clone())))
        .chain(CONTACTS.iter().map(|s| ((*s).to_owned(), contacts.clone())))
        .collect();
    Dependencies {
        routes: Table::build(&built_in_descriptors().unwrap(), &services).unwrap(),
        upstreams,
        auth,
        auth_token: Some(Secret::new("between us")),
        clock: Arc::new(SystemClock),
        ids: Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)),
        metrics: metrics.clone(),
        dashboard: None,
        cores,
    }
}

async fn in_process(name: &str, names: &'static [&'static str], services: Services) -> Upstream {
    let metrics = Metrics::new();
    let handlers = Handlers::new(names, services, Health::new(&metrics).of("test"));
    handlers.in_process(name, &metrics).unwrap()
}

fn in_process_auth(names: &'static [&'static str], services: Services, auth: &Arc<Auth>) -> Upstream {
    let metrics = Metrics::new();
    let handlers = Handlers::new(names, services, Health::new(&metrics).of("test"));
    handlers.authorizing(auth.clone()).in_process("auth", &metrics).unwrap()
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
                    expires_at: None,
                    token_id: None,
                    session_id: None,
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

impl Auth {
    async fn answer(&self, request: auth::AuthorizeRequest) -> Result<auth::AuthorizeResponse, Status> {
        use auth::authorize_response::Decision;
        self.asked.lock().unwrap().push(request.clone());
        if let Some(status) = self.failure.lock().unwrap().clone() {
            return Err(status);
        }
        if let Some(auth::authorize_request::Credential::PersonalAccessToken(token)) = &request.credential
            && token.starts_with(UNDECIDED_TOKEN)
        {
            std::future::pending::<()>().await;
        }
        let decision = match self.decide(&request) {
            Ok(principal) => Decision::Principal(principal),
            Err(refusal) => Decision::Refusal(refusal),
        };
        Ok(auth::AuthorizeResponse { decision: Some(decision), ..Default::default() })
    }
}

/// As the edge asks within the process: at once where memory can answer.
impl Authorize for Auth {
    fn ask<'a>(&'a self, question: &Question<'_>, time: Duration) -> Asked<'a> {
        let request = question.into();
        let answer = async move {
            let answer = timeout(time, self.answer(request)).await.map_err(|_| NoDecision::TooLate)?;
            Answer::try_from(answer.map_err(|_| NoDecision::Undecided)?)
        };
        Asked::Waiting(Box::pin(answer)).begin()
    }
}

#[tonic::async_trait]
impl AuthorizationService for Auth {
    async fn authorize(
        &self,
        request: Request<auth::AuthorizeRequest>,
    ) -> Result<Response<auth::AuthorizeResponse>, Status> {
        Ok(Response::new(self.answer(request.into_inner()).await?))
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
        grpc::principal(&request).map_err(status::of)?.member().map_err(status::of)?;
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

/// Before the code with which the service refuses a contact of this name.
pub const SAYS: &str = "says-";

/// contacts-svc. What a `{ref}` is called decides what becomes of it.
#[derive(Default)]
pub struct Contacts {
    /// The calls so far.
    pub calls: Mutex<Vec<Seen>>,
    /// A contact called `slow` is answered once this is notified.
    pub release: Notify,
    /// Notified when a contact called `slow` is asked for.
    pub entered: Notify,
}

/// What a handler sees of a call beside its message.
pub struct Seen {
    pub metadata: http::HeaderMap,
    pub request_id: Option<String>,
}

impl Contacts {
    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    fn note<T>(&self, request: &Request<T>) -> Result<(), Status> {
        assert_eq!(grpc::principal(request).map_err(status::of)?.agent().map_err(status::of)?, AGENT);
        let metadata = request.metadata().clone().into_headers();
        let request_id = grpc::caller::request_id(request).map(str::to_owned);
        self.calls.lock().unwrap().push(Seen { metadata, request_id });
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
            "missing" => return Err(status::of(Error::not_found("Contact"))),
            "panic" => panic!("the handler fell over"),
            "foreign" => return Err(Status::internal("password=hunter2")),
            "unauthenticated" => return Err(Status::unauthenticated("who are you")),
            says if says.starts_with(SAYS) => {
                let reason = Reason::from_code(&says[SAYS.len()..]).unwrap();
                return Err(status::of(Error::new(reason, "The service says so.")));
            }
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
                return Err(status::of(error));
            }
            Some("bad") => {
                let violation = Violation::new(
                    "email",
                    svc_core::error::Fault::Required,
                    "Needs an email or a mobile number.",
                );
                return Err(status::of(Error::invalid(vec![violation])));
            }
            _ => {}
        }
        let contact = contacts::Contact { id: CONTACT.to_owned(), version: 1, ..contact };
        Ok(Response::new(contacts::CreateContactResponse { contact: Some(contact), created: true }))
    }

    async fn delete_contact(
        &self,
        request: Request<contacts::DeleteContactRequest>,
    ) -> Result<Response<contacts::DeleteContactResponse>, Status> {
        self.note(&request)?;
        Precondition::of(request.into_inner().if_match, None).check(Some(3)).map_err(status::of)?;
        Ok(Response::new(contacts::DeleteContactResponse::default()))
    }

    async fn replace_contact(
        &self,
        request: Request<contacts::ReplaceContactRequest>,
    ) -> Result<Response<contacts::ReplaceContactResponse>, Status> {
        self.note(&request)?;
        let request = request.into_inner();
        let contacts::replace_contact_request::Reference::Ref(reference) = request.reference.unwrap() else {
            return Err(status::of(Error::not_found("Contact")));
        };
        let created = reference == "new";
        let current = (!created).then_some(3);
        let precondition = Precondition::of(request.if_match, request.if_none_match);
        precondition.check(current).map_err(status::of)?;
        let contact = Some(contact(&reference));
        Ok(Response::new(contacts::ReplaceContactResponse { contact, created }))
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
