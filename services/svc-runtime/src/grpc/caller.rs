//! Who calls, and for which request of a client. Who may call `internal` RPCs: other parts of Keyward, with a
//! credential of their own.
//!
//! Within the process this travels as it is, where no message from the network can put it; between processes in
//! metadata, which a principal token or the credential of internal calls vouches for.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue};
use tonic::Request;

use super::Upstream;
use crate::token;
use svc_core::actor::{ActingMember, Actor, Partition};
use svc_core::error::Error;
use svc_core::principal::{Principal, Subject};
use svc_core::secret::Secret;

/// Who makes a call, as it is presented.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody in particular.
    Anyone,
    /// A principal that was decided in this process.
    Principal(Arc<Principal>),
    /// A principal that was decided in another process: its token.
    Token(HeaderValue),
    /// Another part of Keyward.
    Internal,
}

impl Caller {
    /// The principal that comes with a call over HTTP/2 or in its form.
    pub(super) fn principal_of(parts: &Parts) -> Caller {
        if let Some(principal) = parts.extensions.get::<Arc<Principal>>() {
            return Caller::Principal(principal.clone());
        }
        parts.headers.get(token::METADATA).map_or(Caller::Anyone, |token| Caller::Token(token.clone()))
    }
}

/// The request of a client that a call belongs to, as the edge sees it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The id that the edge gave it.
    pub request_id: HeaderValue,
    /// Where it came from.
    pub client_address: IpAddr,
}

/// The metadata key that tells a service where a request came from.
pub const CLIENT_ADDRESS: &str = "x-keyward-client-address";

/// Where a request came from, as the edge saw it.
pub fn client_address<T>(request: &Request<T>) -> Option<IpAddr> {
    match request.extensions().get::<Origin>() {
        Some(origin) => Some(origin.client_address),
        None => request.metadata().get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok(),
    }
}

/// The metadata key that tells a service the id of the request at the edge that a call belongs to.
pub const REQUEST_ID: &str = "x-request-id";

/// The longest id of a request that is taken, in bytes. Those of the edge have 24.
const MAX_REQUEST_ID: usize = 128;

/// The id of the request at the edge that a call belongs to. `None` for none, or one that is too long.
pub fn request_id<T>(request: &Request<T>) -> Option<&str> {
    let id = match request.extensions().get::<Origin>() {
        Some(origin) => &origin.request_id,
        None => request.metadata().as_ref().get(REQUEST_ID)?,
    };
    id.to_str().ok().filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID)
}

/// Who acts by a call, and on whose things: from the principal only, never from the message.
///
/// # Errors
/// When the call has no principal, or the principal no agent.
pub fn actor<T>(request: &Request<T>) -> Result<(Arc<Principal>, Actor), Error> {
    let principal = super::principal(request)?;
    let actor = acting(request, &principal, Partition::of(&principal)?);
    Ok((principal, actor))
}

/// The member who acts on what all agents of their organization share: so the [`Partition`] is of no agent.
///
/// # Errors
/// When the call has no principal, or one that is no member.
pub fn member<T>(request: &Request<T>) -> Result<Actor, Error> {
    let principal = super::principal(request)?;
    principal.member()?;
    let partition = Partition { organization_id: principal.organization_id.clone(), agent_id: String::new() };
    Ok(acting(request, &principal, partition))
}

fn acting<T>(request: &Request<T>, principal: &Principal, partition: Partition) -> Actor {
    let (actor_id, member) = match &principal.subject {
        Subject::Key(id) => (id.clone(), None),
        Subject::Member(id) => {
            let token_id = principal.token_id.clone();
            (id.clone(), Some(ActingMember { token_id, client_address: client_address(request) }))
        }
    };
    let request_id = request_id(request).map(str::to_owned);
    Actor { partition, actor_id, request_id, member }
}

/// The metadata keys of what a service is told of the request of a member, or of one who signs in: where browsers
/// find the dashboard, where clients find the API, and the `User-Agent`. Only the edge sets them.
pub const DASHBOARD_URL: &str = "x-keyward-dashboard-url";
/// See [`DASHBOARD_URL`].
pub const API_URL: &str = "x-keyward-api-url";
/// See [`DASHBOARD_URL`].
pub const USER_AGENT: &str = "x-keyward-user-agent";

/// The metadata key of what a browser was given by a call with a `redirect`, when it comes back to another one. Only the
/// edge sets it.
pub const FLOW: &str = "x-keyward-flow";

/// One of these. `None` when the request did not come through an edge, or it is no text.
pub fn told<'r, T>(request: &'r Request<T>, key: &str) -> Option<&'r str> {
    request.metadata().as_ref().get(key)?.to_str().ok()
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
        InternalCredential::new(token.ok_or(BadToken)?)
    }

    /// The credential for calls to other processes.
    pub fn new(token: &Secret) -> Result<InternalCredential, BadToken> {
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
