//! The credential check: what the edge asks before every request.

mod cache;
mod key;
mod member;
mod minter;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use svc_core::clock::Clock;
use svc_core::error::{Error, Reason};

use crate::secrets::{Argon2Pool, Verifiers};
use crate::store::Store;

pub use cache::{KeyCache, Snapshot};
pub use minter::Minter;

/// How long a client waits before another try when the check could not be made.
const RETRY: Duration = Duration::from_secs(1);

/// What a caller asks for, once its credential is known to be there.
#[derive(Debug)]
pub struct Demand {
    /// The permissions needed.
    pub permissions: Vec<String>,
    /// The agent that the request names.
    pub agent_id: Option<String>,
    /// The service that the principal token is for.
    pub audience: Option<String>,
}

/// Decides who may do what.
pub struct Checker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    cache: KeyCache,
    verifiers: Verifiers,
    argon2: Argon2Pool,
    minter: Minter,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checker({:?})", self.cache)
    }
}

impl Checker {
    /// A checker over this store.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        verifiers: Verifiers,
        argon2: Argon2Pool,
        minter: Minter,
    ) -> Checker {
        Checker { store, clock, cache: KeyCache::default(), verifiers, argon2, minter }
    }

    /// Forgets these keys. Called between the commit of a change and its answer, so that no request
    /// that starts after the answer is decided by what was before.
    pub fn forget<'a>(&self, api_keys: impl IntoIterator<Item = &'a String>) {
        for api_key in api_keys {
            self.cache.remove(api_key);
        }
    }

    /// The verifier keys, for new secrets.
    pub fn verifiers(&self) -> &Verifiers {
        &self.verifiers
    }

    /// Decides about a request. A refusal is an answer; an error means that no decision can be made.
    pub async fn authorize(&self, request: pb::AuthorizeRequest) -> Result<pb::AuthorizeResponse, Error> {
        let role = request.role();
        if request.client_address.parse::<IpAddr>().is_err() {
            return Err(bad_request("client_address"));
        }
        let demand = Demand {
            permissions: request.permissions,
            agent_id: request.agent_id,
            audience: request.audience,
        };
        let decided = match request.credential {
            Some(pb::authorize_request::Credential::ApiKey(credential)) => {
                let secret = zeroize::Zeroizing::new(credential.secret);
                self.check_key(&credential.api_key, &secret, demand).await
            }
            Some(pb::authorize_request::Credential::PersonalAccessToken(token)) => {
                let token = zeroize::Zeroizing::new(token);
                self.check_member(&token, role, demand).await
            }
            None => return Err(bad_request("credential")),
        };
        let decision = match decided {
            Ok(principal) => pb::authorize_response::Decision::Principal(principal),
            Err(Error { reason: Reason::AuthorizationUnavailable, .. }) => return Err(unavailable()),
            Err(error) => pb::authorize_response::Decision::Refusal(pb::Refusal {
                code: error.reason.code().to_owned(),
                message: error.message,
                retry_after_seconds: error.retry_after.map(|wait| wait.as_secs().max(1) as u32),
            }),
        };
        Ok(pb::AuthorizeResponse { decision: Some(decision) })
    }
}

/// What the decision needs is away.
fn unavailable() -> Error {
    Error::new(Reason::AuthorizationUnavailable, "The credentials cannot be checked now. Try again.")
        .retry_after(RETRY)
}

fn bad_request(field: &str) -> Error {
    Error::new(Reason::InvalidArgument, format!("`{field}` is missing or malformed."))
}
