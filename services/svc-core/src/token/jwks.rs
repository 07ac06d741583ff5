//! The public keys of principal tokens, as a JWK set (RFC 7517).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::thumbprint;

/// Where auth-svc's `admin.listen` serves its public keys.
pub const PATH: &str = "/.well-known/jwks.json";

/// The longest that fetching the keys may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
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
    /// From this set, for ever.
    Fixed(JwkSet),
    /// From auth-svc, again when a token names an unknown key and every five minutes.
    Url(String),
    /// What this gives; `None` fails.
    #[cfg(test)]
    Test(std::sync::Arc<dyn Fn() -> Option<JwkSet> + Send + Sync>),
}

impl std::fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            JwksSource::Fixed(set) => write!(f, "JwksSource({} keys)", set.keys.len()),
            JwksSource::Url(url) => write!(f, "JwksSource({url})"),
            #[cfg(test)]
            JwksSource::Test(_) => f.write_str("JwksSource(test)"),
        }
    }
}

impl JwksSource {
    pub(super) async fn fetch(&self) -> Result<JwkSet, FetchError> {
        let url = match self {
            JwksSource::Fixed(set) => return Ok(set.clone()),
            JwksSource::Url(url) => url,
            #[cfg(test)]
            JwksSource::Test(shown) => return shown().ok_or(FetchError::TooLarge),
        };
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build()?;
        let mut response = client.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
        }
        Ok(serde_json::from_slice(&body)?)
    }
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
}
