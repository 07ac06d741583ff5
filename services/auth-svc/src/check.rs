//! The credential check: what the edge asks before every request.

mod cache;
mod failures;
mod key;
mod lookups;
mod member;
mod minter;
mod proving;
mod renewal;
mod snapshot;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use svc_core::address::canonical;
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::{Error, Reason, cause, whole_seconds};

use crate::domain::{Key, RateLimits};
use crate::limits::{LimitStore, Limiter, Limits, Taken};
use crate::revocation::{Forget, Gate};
use crate::secrets::{Argon2Pool, Verifiers};
use crate::store::{Store, Touched};

pub use cache::KeyCache;
pub use failures::Failures;
pub use lookups::Lookups;
pub use minter::Minter;
pub use renewal::Renewals;
pub use snapshot::Snapshot;

use key::Checked;

/// How long a client waits before another try when the check could not be made.
const RETRY: Duration = Duration::from_secs(1);

/// What a caller asks for, once its credential is known to be there.
#[derive(Debug)]
pub struct Demand {
    /// The client's address.
    pub client_address: IpAddr,
    /// The permissions needed.
    pub permissions: Vec<String>,
    /// The agent that the request names.
    pub agent_id: Option<String>,
    /// The service that the principal token is for.
    pub audience: Option<String>,
}

/// Decides who may do what.
pub struct Checker {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: KeyCache,
    pub(crate) lookups: Lookups,
    /// What every request passes before it looks into the cache.
    pub(crate) gate: Gate,
    pub(crate) verifiers: Verifiers,
    pub(crate) argon2: Argon2Pool,
    /// Brings what is stored of secrets up to date.
    pub(crate) renewals: Renewals,
    pub(crate) minter: Minter,
    pub(crate) limiter: Arc<Limiter>,
    /// Lets requests through when their limits cannot be counted.
    pub(crate) limits_fail_open: bool,
    /// Failed API keys, by client address.
    pub(crate) key_failures: Failures,
    /// Failed personal access tokens: apart, so that a failing integration does not lock people out.
    pub(crate) token_failures: Failures,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checker({:?})", self.cache)
    }
}

impl Forget for Checker {
    fn forget(&self, touched: &Touched) {
        match touched {
            Touched::Keys(api_keys) => api_keys.iter().for_each(|api_key| self.cache.remove(api_key)),
            Touched::Everything => self.cache.clear(),
        }
    }
}

impl Checker {
    /// The verifier keys, for new secrets.
    pub fn verifiers(&self) -> &Verifiers {
        &self.verifiers
    }

    /// The windows of a key, without taking a slot.
    pub async fn windows(&self, key: &Key) -> Result<Taken, Error> {
        self.limiter.peek(&key.id, key.rate_limits.into()).await.map_err(|error| {
            tracing::error!(error = %error, cause = %cause(&error), "limits cannot be read");
            Error::unavailable()
        })
    }

    /// Decides about a request. A refusal is an answer; an error means that no decision can be made.
    pub async fn authorize(&self, request: pb::AuthorizeRequest) -> Result<pb::AuthorizeResponse, Error> {
        let role = request.role();
        let client_address = request.client_address.parse().map_err(|_| bad_request("client_address"))?;
        let demand = Demand {
            client_address: canonical(client_address),
            permissions: request.permissions,
            agent_id: request.agent_id,
            audience: request.audience,
        };
        let checked = match request.credential {
            Some(pb::authorize_request::Credential::ApiKey(credential)) => {
                let secret = zeroize::Zeroizing::new(credential.secret);
                self.check_key(&credential.api_key, &secret, demand).await
            }
            Some(pb::authorize_request::Credential::PersonalAccessToken(token)) => {
                let token = zeroize::Zeroizing::new(token);
                let decision = self.check_member(&token, role, demand).await;
                Checked { decision, rate: None, secret_expires_at: None }
            }
            None => return Err(bad_request("credential")),
        };
        let decision = match checked.decision {
            Ok(principal) => pb::authorize_response::Decision::Principal(principal),
            Err(Error { reason: Reason::AuthorizationUnavailable, .. }) => return Err(unavailable()),
            Err(error) => pb::authorize_response::Decision::Refusal(pb::Refusal {
                code: error.reason.code().to_owned(),
                message: error.message,
                retry_after_seconds: error
                    .retry_after
                    .map(|wait| u32::try_from(whole_seconds(wait)).unwrap_or(u32::MAX)),
            }),
        };
        Ok(pb::AuthorizeResponse {
            decision: Some(decision),
            rate: checked.rate,
            secret_expires_at: checked.secret_expires_at.map(Timestamp::to_proto),
        })
    }
}

impl From<RateLimits> for Limits {
    fn from(limits: RateLimits) -> Limits {
        Limits { per_minute: limits.per_minute.unsigned_abs(), per_hour: limits.per_hour.unsigned_abs() }
    }
}

/// What the decision needs is away.
fn unavailable() -> Error {
    Error::new(Reason::AuthorizationUnavailable, "The credentials cannot be checked now. Try again.")
        .retry_after(RETRY)
}

/// Too many failures of one address.
fn throttled(wait: Duration) -> Error {
    let seconds = whole_seconds(wait);
    let message = format!("Too many failed credentials from your address. Try again in {seconds} s.");
    Error::new(Reason::AddressThrottled, message).retry_after(wait)
}

fn bad_request(field: &str) -> Error {
    Error::new(Reason::InvalidArgument, format!("`{field}` is missing or malformed."))
}
