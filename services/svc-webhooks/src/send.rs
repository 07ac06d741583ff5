//! Sends messages, within bounds: a receiver can neither keep us waiting, nor fill our memory, nor lead us elsewhere.
//!
//! The address that is connected to is the one that was looked at: the connector takes its addresses from
//! [`PublicOnly`], which leaves out those that messages may not go to, so that a name which resolves to another address a
//! moment later gains nothing.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use crate::address::Allowed;
use crate::config::WebhooksConfig;
use crate::domain::{Failure, Outcome};
use crate::signature::Signed;
use crate::target::Targets;

/// How long a message may take until its answer is there, from the look-up of the name on. Standard Webhooks recommends
/// 15 to 30 seconds.
pub(crate) const ANSWER: Duration = Duration::from_secs(15);
/// How long of that a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept, and how many to one receiver.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 1;
/// The most headers of an answer.
const MAX_HEADERS: usize = 100;

/// Why nothing can be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The certificates cannot be read.
    #[error("setting `contacts.webhooks.ca_file`: {path}: {error}")]
    Certificates {
        /// Where they should be.
        path: PathBuf,
        /// What is wrong.
        error: String,
    },
    /// TLS cannot be set up.
    #[error("webhooks cannot be sent: {0}")]
    Client(reqwest::Error),
}

/// A message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Where to.
    pub(crate) url: String,
    /// `webhook-id`.
    pub(crate) id: String,
    /// When and by whom.
    pub(crate) signed: Signed,
    /// JSON.
    pub(crate) body: String,
}

/// Sends messages.
#[async_trait]
pub(crate) trait Send: std::marker::Send + Sync {
    /// Sends one and says what came of it, within [`ANSWER`].
    async fn send(&self, message: Message) -> Outcome;
}

/// Looks up names. Of their addresses only those are left that messages may go to.
pub(crate) struct PublicOnly<L> {
    allowed: Allowed,
    look_up: L,
}

/// Looks up the addresses of a name.
pub(crate) trait LookUp: Clone + std::marker::Send + Sync + 'static {
    /// All of them.
    fn look_up(&self, name: String) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + std::marker::Send;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

impl LookUp for System {
    async fn look_up(&self, name: String) -> io::Result<Vec<SocketAddr>> {
        // The connector puts the port of the URL in.
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

impl<L: LookUp> Resolve for PublicOnly<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, look_up) = (self.allowed.clone(), self.look_up.clone());
        Box::pin(async move {
            let mut found = look_up.look_up(name.as_str().to_owned()).await?;
            let all = found.len();
            found.retain(|address| allowed.contains(address.ip()));
            if found.is_empty() {
                return Err(format!("none of {all} addresses may be sent to").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Sends messages over HTTP/1.1.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    targets: Targets,
}

impl Http {
    /// With these settings.
    pub(crate) fn new(config: &WebhooksConfig) -> Result<Http, SendError> {
        Http::with(config, System)
    }

    pub(crate) fn with(config: &WebhooksConfig, look_up: impl LookUp) -> Result<Http, SendError> {
        let targets = Targets::new(config);
        let resolver = PublicOnly { allowed: targets.addresses.clone(), look_up };
        let mut client = Client::builder()
            .dns_resolver(Arc::new(resolver))
            // A redirect would lead past the checks of addresses, and so would a proxy of the environment.
            .redirect(Policy::none())
            .no_proxy()
            .http1_only()
            .http1_max_headers(MAX_HEADERS)
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .referer(false)
            .user_agent("Keyward-Webhooks/1.0");
        if let Some(path) = &config.ca_file {
            let failed = |error: String| SendError::Certificates { path: path.clone(), error };
            let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|error| failed(error.to_string()))?;
            client = client.tls_certs_merge(certificates);
        }
        Ok(Http { client: client.build().map_err(SendError::Client)?, targets })
    }
}

#[async_trait]
impl Send for Http {
    async fn send(&self, message: Message) -> Outcome {
        let Message { url, id, signed, body } = message;
        // Settings may have changed since the webhook was made, and nothing resolves a URL with an address.
        let Ok(url) = self.targets.check(&url) else { return Outcome::Failed(Failure::Unreachable) };
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", signed.timestamp)
            .header("webhook-signature", signed.signature)
            .body(body);
        match request.send().await {
            // Nobody reads the body: with the answer its connection goes, unless nothing is left to come.
            Ok(answer) => Outcome::Answered(answer.status().as_u16()),
            Err(error) => {
                let error = error.without_url();
                let failure = failure(&error);
                tracing::debug!(delivery.id = id, %failure, error = ?error, "a message was not answered");
                Outcome::Failed(failure)
            }
        }
    }
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::TimedOut;
    }
    if !error.is_connect() {
        return Failure::NoAnswer;
    }
    match error.source().is_some_and(is_of_tls) {
        true => Failure::Tls,
        false => Failure::Unreachable,
    }
}

/// Whether an error while connecting comes from TLS: from a certificate, or bytes that are none. tokio-rustls tells it by
/// the kind of an I/O error, which may stand within another one.
fn is_of_tls(error: &(dyn StdError + 'static)) -> bool {
    let inner = match error.downcast_ref::<io::Error>() {
        Some(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            return true;
        }
        Some(error) => error.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => None,
    };
    inner.is_some_and(is_of_tls) || error.source().is_some_and(is_of_tls)
}

#[cfg(test)]
mod tests;
