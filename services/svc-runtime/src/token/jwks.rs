//! The public keys of principal tokens, as a JWK set (RFC 7517).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;
use http::header::DATE;
use serde::{Deserialize, Serialize};

use super::thumbprint;
use crate::settings::TextOrList;
use svc_core::clock::Timestamp;
use svc_core::error::cause;

/// Where auth-svc's `admin.listen` serves its public keys.
pub const PATH: &str = "/.well-known/jwks.json";

/// The longest that an address may take to give its keys.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// The most that a JWK set may weigh: a handful of keys takes less than 1 KiB.
const MAX_BYTES: usize = 64 * 1024;

/// An Ed25519 public key as a JWK (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The public key, base64url.
    pub x: String,
    /// Its thumbprint.
    pub kid: String,
    /// `sig`.
    #[serde(rename = "use", default)]
    pub usage: String,
    /// `EdDSA`.
    #[serde(default)]
    pub alg: String,
}

impl Jwk {
    pub(super) fn ed25519(public: &[u8]) -> Jwk {
        let x = URL_SAFE_NO_PAD.encode(public);
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: thumbprint(&x),
            x,
            usage: "sig".to_owned(),
            alg: "EdDSA".to_owned(),
        }
    }
}

/// Some public keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// Where a service takes the public keys from.
#[derive(Clone)]
pub enum JwksSource {
    /// This set, which never changes.
    Fixed(JwkSet),
    /// From auth-svc, again and again.
    Urls(JwksUrls),
}

impl std::fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            JwksSource::Fixed(set) => write!(f, "JwksSource({} keys)", set.keys.len()),
            JwksSource::Urls(urls) => write!(f, "JwksSource({urls:?})"),
        }
    }
}

/// Where auth-svc shows its keys: one address or several. Each key is good that any of those shows which answer.
/// As text they are separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TextOrList")]
pub struct JwksUrls(Vec<String>);

/// What is not an address of keys.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwksUrl {
    /// There is none.
    #[error("give at least one address")]
    None,
    /// It is something else.
    #[error("{0} is not an address like http://auth:9464{PATH}")]
    Form(String),
    /// Settings are shown and logged. What is given is not repeated here for the same reason.
    #[error("the address must hold no user name and no password")]
    Credentials,
}

impl JwksUrls {
    /// From text, with commas between several.
    pub fn parse(text: &str) -> Result<JwksUrls, BadJwksUrl> {
        TextOrList::Text(text.to_owned()).try_into()
    }
}

impl Default for JwksUrls {
    /// The admin listener of an auth-svc on this machine.
    fn default() -> JwksUrls {
        JwksUrls(vec![format!("http://127.0.0.1:9464{PATH}")])
    }
}

impl TryFrom<TextOrList> for JwksUrls {
    type Error = BadJwksUrl;

    fn try_from(given: TextOrList) -> Result<JwksUrls, BadJwksUrl> {
        let urls: Vec<&str> = given.elements().collect();
        if urls.is_empty() {
            return Err(BadJwksUrl::None);
        }
        for given in &urls {
            let url = reqwest::Url::parse(given).map_err(|_| BadJwksUrl::Form((*given).to_owned()))?;
            if !url.username().is_empty() || url.password().is_some() {
                return Err(BadJwksUrl::Credentials);
            }
            if !matches!(url.scheme(), "http" | "https") {
                return Err(BadJwksUrl::Form((*given).to_owned()));
            }
        }
        Ok(JwksUrls(urls.into_iter().map(str::to_owned).collect()))
    }
}

/// The keys that somebody has shown.
pub(super) struct Fetched {
    pub(super) set: JwkSet,
    /// The time there, from the answer's `Date`.
    pub(super) date: Option<Timestamp>,
}

/// Fetches keys.
pub(super) trait Fetch: Send + 'static {
    /// Fetches them once.
    fn fetch(&mut self) -> impl Future<Output = Result<Fetched, FetchError>> + Send;
}

/// Fetches the keys that some addresses show.
pub(super) struct Fetcher {
    /// Made for the first fetch.
    client: Option<reqwest::Client>,
    urls: Vec<String>,
}

impl Fetcher {
    pub(super) fn new(JwksUrls(urls): JwksUrls) -> Fetcher {
        Fetcher { client: None, urls }
    }
}

impl Fetch for Fetcher {
    /// The keys of all addresses that give some: while auth-svc's replicas get another key one after another,
    /// none of them knows all that sign.
    async fn fetch(&mut self) -> Result<Fetched, FetchError> {
        let client = match &mut self.client {
            Some(client) => client,
            None => self.client.insert(new_client()?),
        };
        let fetches = self.urls.iter().map(|url| fetch(client, url));
        let mut all = Err(FetchError::NoKeys);
        for (url, outcome) in self.urls.iter().zip(join_all(fetches).await) {
            match (&mut all, outcome) {
                (Ok(Fetched { set, .. }), Ok(another)) => set.keys.extend(another.set.keys),
                (all, Ok(first)) => *all = Ok(first),
                (all, Err(error)) => {
                    tracing::debug!(url, error = %error, cause = %cause(&error), "no keys");
                    if all.is_err() {
                        *all = Err(error);
                    }
                }
            }
        }
        all
    }
}

fn new_client() -> Result<reqwest::Client, reqwest::Error> {
    // auth-svc redirects nobody, and a key is taken from nowhere but where the settings say: not from a proxy
    // that the environment names either.
    let redirect = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).redirect(redirect).no_proxy();
    // Behind an address that several share, a connection that is kept would go on asking one that is leaving.
    client.pool_max_idle_per_host(0).build()
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<Fetched, FetchError> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(FetchError::NoKeys);
    }
    let date =
        response.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(Timestamp::from_http_date);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
    }
    Ok(Fetched { set: serde_json::from_slice(&body)?, date })
}

/// Why the keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("the JWK set is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the answer holds no keys")]
    NoKeys,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_or_several() {
        let (one, two) = ("http://auth-0:9464/keys", "https://auth-1/keys");
        for (given, expected) in [
            (serde_json::json!(one), vec![one]),
            (serde_json::json!(format!("{one}, {two},")), vec![one, two]),
            (serde_json::json!([one, two]), vec![one, two]),
        ] {
            let urls: JwksUrls = serde_json::from_value(given).unwrap();
            assert_eq!(urls.0, expected);
            let again: JwksUrls = serde_json::from_value(serde_json::to_value(&urls).unwrap()).unwrap();
            assert_eq!(again, urls);
        }
        for (given, says) in [
            ("", "at least one address"),
            (" , ", "at least one address"),
            ("auth:9464", "auth:9464 is not an address"),
            ("ftp://auth/keys", "ftp://auth/keys is not an address"),
            ("http://admin:hush@auth/keys", "no user name and no password"),
        ] {
            let error = JwksUrls::parse(given).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("hush"), "{given}: {error}");
        }
    }

    /// A server that gives this answer.
    async fn server(status: u16, body: String) -> String {
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let answer = axum::routing::get(move || async move { (status, body) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().route(PATH, answer)).await });
        format!("http://{address}{PATH}")
    }

    #[tokio::test]
    async fn the_keys_of_all_addresses_that_give_some_are_good() {
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let set = JwkSet { keys: vec![Jwk::ed25519(&[7; 32]), Jwk::ed25519(&[8; 32])] };
        let [keys, others] =
            [0, 1].map(|at| serde_json::to_string(&JwkSet { keys: vec![set.keys[at].clone()] }));
        let (keys, others) = (keys.unwrap(), others.unwrap());
        let urls = [
            format!("http://{nobody}{PATH}"),
            server(503, keys.clone()).await,
            server(204, String::new()).await,
            server(200, "not JSON".to_owned()).await,
            server(200, format!("{keys}{}", " ".repeat(MAX_BYTES))).await,
            server(200, keys.clone()).await,
            server(200, others).await,
        ];
        let mut fetcher = Fetcher::new(JwksUrls::parse(&urls.join(",")).unwrap());
        let fetched = fetcher.fetch().await.unwrap();
        assert_eq!(fetched.set, set);
        assert!(fetched.date.is_some());
        let mut fetcher = Fetcher::new(JwksUrls::parse(&urls[..5].join(",")).unwrap());
        assert!(fetcher.fetch().await.is_err());
    }
}
