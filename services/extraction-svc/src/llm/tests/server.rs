//! An endpoint that answers as it is told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// What an endpoint does with a request.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The model says this text, for 100 tokens in and 10 out, and stops for this reason.
    Says(String, &'static str),
    /// A status, headers and a body.
    Http(u16, Vec<(&'static str, String)>, String),
    /// Answers 200 and never ends the body.
    Endless,
    /// A body of so many bytes.
    Huge(usize),
    /// Closes the connection without an answer.
    Cut,
    /// Says nothing until the caller goes.
    Silent,
    /// The model says this as soon as it is let.
    Held(String),
}

impl Answer {
    pub(super) fn json(value: &Value) -> Answer {
        Answer::Says(value.to_string(), "stop")
    }

    pub(super) fn status(status: u16) -> Answer {
        Answer::Http(status, Vec::new(), String::new())
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Value,
}

impl Received {
    /// What the user is said to say.
    pub(super) fn asked(&self) -> &str {
        self.body["messages"][1]["content"].as_str().unwrap()
    }
}

struct State {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<Answer>>,
    otherwise: Answer,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    let_go: Semaphore,
}

/// An endpoint. Dropping it ends it.
pub(super) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Certificates for 127.0.0.1: of the authority, of the server, and the key.
pub(super) fn certificates() -> (String, String, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "A test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    (authority.pem(), own.pem(), key.serialize_pem())
}

impl Server {
    /// Gives these answers in turn, and then the other one.
    pub(super) async fn start(answers: Vec<Answer>, otherwise: Answer) -> Server {
        Server::begin(answers, otherwise, None).await
    }

    pub(super) async fn start_tls(answer: Answer, certificate: &str, key: &str) -> Server {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Server::begin(Vec::new(), answer, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn begin(answers: Vec<Answer>, otherwise: Answer, tls: Option<TlsAcceptor>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(State {
            received: Mutex::default(),
            answers: Mutex::new(answers.into()),
            otherwise,
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            let_go: Semaphore::new(0),
        });
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
        Server { address, scheme, state, task }
    }

    pub(super) fn url(&self) -> String {
        format!("{}://{}/v1", self.scheme, self.address)
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Lets so many held answers go.
    pub(super) fn let_go(&self, count: usize) {
        self.state.let_go.add_permits(count);
    }

    pub(super) fn most_under_way(&self) -> usize {
        self.state.most_under_way.load(Ordering::SeqCst)
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, state: &State) {
    let Some(received) = read(&mut stream).await else { return };
    state.received.lock().unwrap().push(received);
    let answer = state.answers.lock().unwrap().pop_front().unwrap_or(state.otherwise.clone());
    let now = state.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    state.most_under_way.fetch_max(now, Ordering::SeqCst);
    let written = match &answer {
        Answer::Says(text, reason) => completion(text, reason),
        Answer::Held(text) => {
            state.let_go.acquire().await.unwrap().forget();
            completion(text, "stop")
        }
        Answer::Http(status, headers, body) => http(*status, headers, body),
        Answer::Endless => "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{".to_owned(),
        Answer::Huge(bytes) => http(200, &[], &" ".repeat(*bytes)),
        Answer::Cut | Answer::Silent => String::new(),
    };
    state.under_way.fetch_sub(1, Ordering::SeqCst);
    let _ = stream.write_all(written.as_bytes()).await;
    if matches!(answer, Answer::Endless | Answer::Silent) {
        // Until the caller goes.
        let _ = stream.read(&mut [0; 1]).await;
    }
    let _ = stream.shutdown().await;
}

fn completion(text: &str, reason: &str) -> String {
    let body = json!({
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    });
    http(200, &[("content-type", "application/json".to_owned())], &body.to_string())
}

fn http(status: u16, headers: &[(&str, String)], body: &str) -> String {
    let mut head = format!("HTTP/1.1 {status} .\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}\r\n{body}")
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[end..]).unwrap();
    Some(Received { path, headers, body })
}
