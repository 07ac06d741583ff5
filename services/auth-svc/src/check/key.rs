//! Deciding about an API key, in the order of the contract. The first refusal answers.

use std::sync::Arc;

use keyward_proto::auth::v1 as pb;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Reason};

use super::{Checker, Demand, Snapshot, unavailable};
use crate::credential;
use crate::secrets::{HashError, Verdict};

impl Checker {
    pub(super) async fn check_key(
        &self,
        api_key: &str,
        secret: &str,
        demand: Demand,
    ) -> Result<pb::Principal, Error> {
        if api_key.is_empty() || secret.is_empty() {
            let message = "Send the API key in `x-api-key` and its secret in `x-api-secret`.";
            return Err(Error::new(Reason::MissingCredentials, message));
        }
        let now = self.clock.now();
        let snapshot = self.identify(api_key, secret, now).await?;
        if snapshot.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::new(Reason::KeyExpired, "The API key has expired."));
        }
        if snapshot.disabled {
            return Err(Error::new(Reason::KeyDisabled, "The API key is disabled."));
        }
        if demand.agent_id.is_some_and(|agent| Some(&agent) != snapshot.principal.agent_id.as_ref()) {
            return Err(Error::new(Reason::AgentMismatch, "This API key is for another agent."));
        }
        permit(&demand.permissions, &snapshot)?;
        let token = match &demand.audience {
            Some(audience) => Some(self.minter.for_key(&snapshot, audience, now)?.to_string()),
            None => None,
        };
        Ok(pb::Principal { token, ..pb::Principal::from(&snapshot.principal) })
    }

    /// The key whose secret this is. Every way not to be one gives the same refusal.
    async fn identify(&self, api_key: &str, secret: &str, now: Timestamp) -> Result<Arc<Snapshot>, Error> {
        // Before any I/O: a checksum tells a typing error.
        if !credential::is_api_key(api_key) || !credential::is_secret(secret) {
            return Err(invalid_credentials());
        }
        let loaded = self.cache.get(api_key, async || self.store.key_record(api_key).await).await;
        let snapshot = match loaded {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => {
                self.verifiers.verify_nothing(secret);
                return Err(invalid_credentials());
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(error = %error, cause = cause.as_deref().unwrap_or_default(), "no key could be read");
                return Err(unavailable());
            }
        };
        let live = snapshot.secrets.iter().filter(|s| s.expires_at.is_none_or(|end| now < end));
        for stored in live {
            let right = match self.verifiers.verify(&snapshot.key_id, stored, secret) {
                Verdict::Right => true,
                Verdict::Wrong => false,
                Verdict::Unknown => self.argon2.verify(&stored.hash, secret).await.map_err(cannot_hash)?,
            };
            if right {
                return Ok(snapshot);
            }
        }
        Err(invalid_credentials())
    }
}

fn permit(needed: &[String], snapshot: &Snapshot) -> Result<(), Error> {
    let missing: Vec<&str> =
        needed.iter().filter(|p| !snapshot.principal.may(p)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    let message = format!("The API key lacks {missing}. An admin grants permissions in the key's settings.");
    Err(Error::new(Reason::PermissionDenied, message))
}

/// One text for malformed, unknown, deleted and wrong, so that it tells nothing.
fn invalid_credentials() -> Error {
    Error::new(Reason::InvalidCredentials, "The API key or its secret is not valid.")
}

fn cannot_hash(error: HashError) -> Error {
    tracing::error!(error = %error, "a secret could not be verified");
    unavailable()
}
