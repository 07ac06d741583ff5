//! Who may call `internal` RPCs: other parts of Keyward, with a credential of their own.

use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, HeaderValue};

use super::Upstream;
use crate::secret::Secret;

/// The metadata key that tells a service where a request came from.
pub const CLIENT_ADDRESS: &str = "x-keyward-client-address";

/// Where a request came from, as the edge saw it.
pub fn client_address(headers: &HeaderMap) -> Option<std::net::IpAddr> {
    headers.get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok()
}

const SCHEME: &str = "Bearer ";

/// Marks a call from within the process. No message from the network can carry it.
#[derive(Clone, Copy, Debug)]
struct SameProcess;

/// The credential of an internal caller, made ready once.
#[derive(Clone)]
pub struct InternalCredential {
    header: Option<HeaderValue>,
}

impl std::fmt::Debug for InternalCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InternalCredential")
    }
}

/// The token cannot stand in a header.
#[derive(Debug, thiserror::Error)]
#[error("the token of internal calls must be printable ASCII")]
pub struct BadToken;

impl InternalCredential {
    /// The credential for calls to `upstream`: none is needed within the process.
    pub fn for_calls_to(upstream: &Upstream, token: Option<&Secret>) -> Result<InternalCredential, BadToken> {
        if upstream.is_in_process() {
            return Ok(InternalCredential { header: None });
        }
        let token = token.ok_or(BadToken)?;
        let mut header =
            HeaderValue::from_str(&format!("{SCHEME}{}", token.expose())).map_err(|_| BadToken)?;
        header.set_sensitive(true);
        Ok(InternalCredential { header: Some(header) })
    }

    /// Authenticates a call.
    pub fn authenticate<T>(&self, request: &mut tonic::Request<T>) {
        match &self.header {
            None => {
                request.extensions_mut().insert(SameProcess);
            }
            Some(header) => {
                request.metadata_mut().as_mut().insert(AUTHORIZATION, header.clone());
            }
        }
    }
}

/// Whether a call comes from another part of Keyward.
pub(super) fn is_internal(extensions: &Extensions, headers: &HeaderMap, token: Option<&Secret>) -> bool {
    if extensions.get::<SameProcess>().is_some() {
        return true;
    }
    let presented = headers.get(AUTHORIZATION).and_then(|v| v.as_bytes().strip_prefix(SCHEME.as_bytes()));
    match (presented, token) {
        (Some(presented), Some(token)) => token.matches(presented),
        _ => false,
    }
}
