//! A receiver of messages for tests: HTTP/1.1 on a port of its own, which answers as it is told. Behind the feature
//! `testing`; never part of a build that is shipped.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// How long a test waits for what should come.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a receiver does with a message.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Answers with this status.
    Status(u16),
    /// Leads elsewhere.
    Redirect(String),
    /// Answers 200 and never ends the body.
    Endless,
    /// Closes the connection without an answer.
    Cut,
    /// Says what is no HTTP.
    Nonsense,
    /// Says nothing until the sender goes.
    Silent,
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    /// By lower-case name.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Received {
    /// The `webhook-id`.
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The body.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct State {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Option<Answer>>,
    arrived: Notify,
}

/// Whatever messages come over.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// An authority of its own for certificates of receivers.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// One of this name.
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a host, and its key, both PEM.
    pub fn issue(&self, host: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A receiver. Dropping it ends it.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// One that answers 204.
    pub async fn start() -> Receiver {
        Receiver::begin(None).await
    }

    /// One that answers over TLS, with this certificate and its key, both PEM.
    pub async fn start_tls(certificate: &str, key: &str) -> Receiver {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Receiver::begin(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn begin(tls: Option<TlsAcceptor>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (state, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &state).await;
                            }
                        }
                    }
                });
            }
        });
        Receiver { address, state, task }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/keyward", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the next messages so, one each.
    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.answers.lock().unwrap().extend(answers);
    }

    /// Answers all others so from now on.
    pub fn otherwise(&self, answer: Answer) {
        *self.state.otherwise.lock().unwrap() = Some(answer);
    }

    /// What has arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Waits until so many messages have arrived in all.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait_until(|received| received.len() >= count).await
    }

    /// Waits until those that have arrived are enough.
    pub async fn wait_until(&self, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let arrived = async {
            loop {
                let mut next = std::pin::pin!(self.state.arrived.notified());
                next.as_mut().enable();
                let received = self.received();
                if enough(&received) {
                    return received;
                }
                next.await;
            }
        };
        let waited = timeout(PATIENCE, arrived).await;
        waited.unwrap_or_else(|_| panic!("not enough messages have arrived: {:?}", self.received()))
    }
}

async fn serve(mut stream: impl Stream, state: &State) {
    let mut unread = Vec::new();
    while let Some(message) = read(&mut stream, &mut unread).await {
        state.received.lock().unwrap().push(message);
        let next = state.answers.lock().unwrap().pop_front();
        let answer = next.or_else(|| state.otherwise.lock().unwrap().clone()).unwrap_or(Answer::Status(204));
        state.arrived.notify_waiters();
        let text = match &answer {
            Answer::Status(204) => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            Answer::Status(status) => format!("HTTP/1.1 {status} X\r\ncontent-length: 4\r\n\r\nbody"),
            Answer::Redirect(to) => {
                format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
            }
            Answer::Endless => "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n".to_owned(),
            Answer::Nonsense => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
            Answer::Cut => return,
            Answer::Silent => {
                while matches!(stream.read(&mut [0; 64]).await, Ok(1..)) {}
                return;
            }
        };
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        if matches!(answer, Answer::Endless) {
            // Until the sender has had enough.
            while stream.write_all(&[b'x'; 64 * 1024]).await.is_ok() {}
            return;
        }
    }
}

async fn read(stream: &mut impl Stream, unread: &mut Vec<u8>) -> Option<Received> {
    let end = loop {
        if let Some(at) = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(unread[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while unread.len() < end + length {
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(unread[end..end + length].to_vec()).unwrap();
    unread.drain(..end + length);
    Some(Received { path, headers, body })
}
