//! Replicas of a service on sockets of their own, and who calls them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_dispatch::ContactServiceDispatch;
use keyward_proto::contacts::v1::contact_service_server::ContactService;
use keyward_proto::contacts::v1::get_contact_request::Reference;
use keyward_proto::dispatch::Services;
use prost::Message;
use svc_core::clock::{Clock, SystemClock};
use svc_core::principal::{Principal, Subject};
use svc_core::secret::Secret;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::cores::Cores;
use crate::grpc::caller::{self, Caller, InternalCredential, Origin};
use crate::grpc::{self, Address, Call, Listener, Upstream};
use crate::service::{DatabaseConfig, Environment, Handlers};
use crate::telemetry::Metrics;
use crate::token::{JwkSet, JwksSource, TokenSigner, TokenVerifier};

const NAMES: &[&str] = &["keyward.contacts.v1.ContactService"];
const AUDIENCE: &str = "test";
/// Of an answer that does not fit into one piece.
pub(super) const LONG: usize = 5 * super::MAX_PIECE + 1;

/// What a contact is called decides what becomes of it: `slow` is answered when it is released.
#[derive(Default)]
pub(super) struct Things {
    pub(super) calls: AtomicUsize,
    /// Those of them that came by plain gRPC.
    pub(super) plain: AtomicUsize,
    pub(super) entered: Notify,
    pub(super) release: Notify,
    /// Told when the work for `slow` was dropped.
    pub(super) left: Arc<Notify>,
}

/// Tells when it is dropped, unless it is told not to.
struct Leaving(Option<Arc<Notify>>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(left) = self.0.take() {
            left.notify_one();
        }
    }
}

#[tonic::async_trait]
impl ContactService for Things {
    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Result<Response<pb::GetContactResponse>, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if request.extensions().get::<Origin>().is_none() {
            self.plain.fetch_add(1, Ordering::SeqCst);
        }
        let Some(Reference::Ref(mut name)) = request.get_ref().reference.clone() else { panic!("a name") };
        match name.as_str() {
            "slow" => {
                let mut leaving = Leaving(Some(self.left.clone()));
                self.entered.notify_one();
                self.release.notified().await;
                leaving.0 = None;
            }
            "long" => name = "x".repeat(LONG),
            "panic" => panic!("a fault"),
            "gone" => return Err(Status::not_found("There is no such contact.")),
            "echo" => {
                let principal = grpc::principal(&request).unwrap();
                let said = request.metadata().get("x-word").unwrap().to_str().unwrap();
                let address = caller::client_address(&request).unwrap();
                let id = caller::request_id(&request).unwrap();
                name = format!("agent {} of {address} in {id} with {said}", principal.agent().unwrap());
            }
            _ => {}
        }
        let contact = pb::Contact { name: Some(name), ..pb::Contact::default() };
        let mut response = Response::new(pb::GetContactResponse { contact: Some(contact) });
        response.metadata_mut().insert("x-heard", "yes".parse().unwrap());
        Ok(response)
    }
}

pub(super) struct Replica {
    pub(super) things: Arc<Things>,
    pub(super) stop: CancellationToken,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Replica {
    pub(super) async fn start() -> Replica {
        Replica::with(Some("between us"), true).await
    }

    /// One that knows nothing of streams of calls.
    pub(super) async fn older() -> Replica {
        Replica::with(Some("between us"), false).await
    }

    /// One that was not given the credential of internal calls.
    pub(super) async fn without_credential() -> Replica {
        Replica::with(None, true).await
    }

    async fn with(credential: Option<&str>, has_streams: bool) -> Replica {
        let things = Arc::new(Things::default());
        let environment = Environment::system(std::env::temp_dir(), DatabaseConfig::default());
        let services = Services::new().add(ContactServiceDispatch::from_arc(things.clone()));
        let handlers = Handlers::new(NAMES, services, environment.health.of(AUDIENCE));
        let keys = JwksSource::Fixed(JwkSet { keys: vec![signer().public().clone()] });
        let verifier = TokenVerifier::new(AUDIENCE, keys, &environment);
        let metrics = environment.metrics.clone();
        let stack = handlers.stack(Some(verifier), credential.map(Secret::new), &metrics).unwrap();
        let routes = match has_streams {
            true => handlers.routes_of_port(&stack).unwrap(),
            false => handlers.routes(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let connections = metrics.connections("test");
        let serving = grpc::serve(Listener::Tcp(listener), stack, routes, connections, stop.clone());
        Replica { things, stop, address, serving: tokio::spawn(serving) }
    }

    pub(super) fn address(&self) -> Address {
        Address::Tcp(self.address.to_string())
    }

    pub(super) fn port(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn plain(&self) -> usize {
        self.things.plain.load(Ordering::SeqCst)
    }

    /// Waits until it has stopped.
    pub(super) async fn stopped(self) {
        self.serving.await.unwrap();
    }
}

/// What a connection goes through, and can be cut.
pub(super) struct Cable {
    address: SocketAddr,
    cut: watch::Sender<()>,
    hold: watch::Sender<()>,
}

impl Cable {
    pub(super) async fn to(target: SocketAddr) -> Cable {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cut, hold) =
            (listener.local_addr().unwrap(), watch::Sender::new(()), watch::Sender::new(()));
        let cable = Cable { address, cut: cut.clone(), hold: hold.clone() };
        tokio::spawn(async move {
            let mut is_first = true;
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut cut, mut hold) = (cut.subscribe(), hold.subscribe());
                let may_be_held = std::mem::take(&mut is_first);
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                        // Both ends stay open, and nothing comes through any more.
                        _ = hold.changed(), if may_be_held => std::future::pending().await,
                    }
                });
            }
        });
        cable
    }

    pub(super) fn address(&self) -> Address {
        Address::Tcp(self.address.to_string())
    }

    /// Lets nothing through the first connection that there was, which stays open.
    pub(super) fn hold_the_first(&self) {
        self.hold.send(()).unwrap();
    }

    /// Cuts the connections that there are.
    pub(super) fn cut(&self) {
        self.cut.send(()).unwrap();
    }
}

static KEY: LazyLock<Secret> = LazyLock::new(|| TokenSigner::generate().unwrap());

fn signer() -> TokenSigner {
    TokenSigner::new(&KEY).unwrap()
}

/// The replicas at these addresses, called in batches.
pub(super) fn upstream(addresses: &[Address], metrics: &Metrics) -> Upstream {
    upstream_of(&Cores::shared(), addresses, metrics)
}

/// The same, called from these cores.
pub(super) fn upstream_of(cores: &Cores, addresses: &[Address], metrics: &Metrics) -> Upstream {
    let credential = InternalCredential::new(&Secret::new("between us")).unwrap();
    Upstream::connect_in_batches(&credential, cores, "test", addresses, metrics).unwrap()
}

/// What a caller presents.
#[derive(Clone, Copy)]
pub(super) enum Credential {
    Good,
    None,
    Forged,
    /// That of a principal who may not.
    Without,
}

/// A call in the making.
pub(super) struct Asked {
    name: String,
    rpc: &'static str,
    agent: &'static str,
    credential: Credential,
    length: usize,
    time: Duration,
    safe: bool,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) contact: pb::Contact,
    pub(super) metadata: HeaderMap,
}

impl Answered {
    pub(super) fn name(&self) -> String {
        self.contact.name.clone().unwrap()
    }
}

impl Asked {
    /// For the contact with this name.
    pub(super) fn of(name: &str) -> Asked {
        Asked {
            name: name.to_owned(),
            rpc: "GetContact",
            agent: "65f0",
            credential: Credential::Good,
            length: 0,
            time: Duration::from_secs(10),
            safe: false,
        }
    }

    pub(super) fn by(self, credential: Credential) -> Asked {
        Asked { credential, ..self }
    }

    pub(super) fn at(self, agent: &'static str) -> Asked {
        Asked { agent, ..self }
    }

    pub(super) fn rpc(self, rpc: &'static str) -> Asked {
        Asked { rpc, ..self }
    }

    /// With so many bytes in all.
    pub(super) fn padded_to(self, length: usize) -> Asked {
        Asked { length, ..self }
    }

    pub(super) fn within(self, millis: u64) -> Asked {
        Asked { time: Duration::from_millis(millis), ..self }
    }

    /// It changes nothing.
    pub(super) fn safe(self) -> Asked {
        Asked { safe: true, ..self }
    }

    pub(super) async fn call(self, upstream: Upstream) -> Result<Answered, Status> {
        let path = format!("/{}/{}", NAMES[0], self.rpc);
        let method = upstream.method(PathAndQuery::try_from(path).unwrap());
        let mut metadata = MetadataMap::new();
        metadata.insert("x-word", "said".parse().unwrap());
        let call = Call {
            caller: self.caller(),
            origin: Some(Origin {
                request_id: HeaderValue::from_static("r-1"),
                client_address: [192, 0, 2, 7].into(),
            }),
            ends: Instant::now() + self.time,
            metadata,
            message: self.message(),
        };
        let (metadata, message, _) = method.call(call, self.safe).await?.into_parts();
        let contact = pb::GetContactResponse::decode(message).unwrap().contact.unwrap();
        Ok(Answered { contact, metadata: metadata.into_headers() })
    }

    fn caller(&self) -> Caller {
        let permission = match self.credential {
            Credential::Good => "contacts:read",
            Credential::Without => "contacts:delete",
            Credential::None => return Caller::Anyone,
            Credential::Forged => return Caller::Token(HeaderValue::from_static("forged")),
        };
        let principal = Principal {
            organization_id: "o".to_owned(),
            agent_id: Some("65f0".to_owned()),
            subject: Subject::Key("k".to_owned()),
            permissions: vec![permission.to_owned()],
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        };
        let token = signer().sign(&principal, AUDIENCE, SystemClock.now()).unwrap();
        Caller::Token(HeaderValue::try_from(token).unwrap())
    }

    fn message(&self) -> Bytes {
        let reference = Some(Reference::Ref(self.name.clone()));
        let request = pb::GetContactRequest { agent_id: self.agent.to_owned(), reference };
        let mut message = request.encode_to_vec();
        if self.length > 0 {
            // An unknown field of bytes fills it up: a key of two bytes and a length of three.
            let rest = self.length - message.len() - 5;
            assert!(rest > 127 * 128, "its length has three bytes");
            prost::encoding::bytes::encode(100, &vec![0; rest], &mut message);
            assert_eq!(message.len(), self.length);
        }
        message.into()
    }
}
