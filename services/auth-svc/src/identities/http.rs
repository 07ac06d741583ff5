//! HTTP to a provider, with bounds: nobody there can keep us waiting, fill our memory, or lead us elsewhere.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::http::{Request, Response};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use svc_core::error::cause;

use super::config::is_local_http;

/// How long a connection may take to be there, and an answer to arrive in full.
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(5);
/// The most bytes of an answer. Documents and tokens have some thousand.
const MOST_BYTES: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// Nothing may be sent there.
    #[error("an address of the provider is not https")]
    NotHttps,
    /// The answer has more than [`MOST_BYTES`].
    #[error("the answer is too large")]
    TooLarge,
    /// No connection, or no answer in time. Without the address, which may hold a code.
    #[error("{0}")]
    Failed(String),
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> HttpError {
        let error = error.without_url();
        HttpError::Failed(format!("{error}: {}", cause(&error)))
    }
}

/// A client for one provider.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    /// The issuer itself is `http` on this machine, so what it names may be, too.
    allows_local: bool,
}

impl Http {
    /// Fails only where TLS cannot be set up.
    pub(super) fn new(allows_local: bool) -> Result<Http, reqwest::Error> {
        let client = reqwest::Client::builder()
            // A redirect would lead past the checks of addresses.
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .user_agent("keyward");
        Ok(Http { client: client.build()?, allows_local })
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body): (_, Vec<u8>) = Request::into_parts(request);
        let url: reqwest::Url =
            head.uri.to_string().parse().map_err(|_| HttpError::Failed("no address".to_owned()))?;
        if url.scheme() != "https" && !(self.allows_local && is_local_http(&url)) {
            return Err(HttpError::NotHttps);
        }
        let request = self.client.request(head.method, url).headers(head.headers).body(body);
        let mut answer = request.send().await?;
        if answer.status().is_server_error() {
            return Err(HttpError::Failed(format!("it answered {}", answer.status())));
        }
        let mut response = Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        while let Some(chunk) = answer.chunk().await? {
            if response.body().len() + chunk.len() > MOST_BYTES {
                return Err(HttpError::TooLarge);
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
