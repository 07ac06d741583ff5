//! Deciding about an API key, in the order of the contract. The first refusal answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use svc_core::clock::Timestamp;
use svc_core::db::DbError;
use svc_core::error::{Error, Reason, cause};

use super::renewal::HeldSecret;
use super::{Checker, Demand, Snapshot, throttled, unavailable};
use crate::credential;
use crate::limits::{LimitStore, Taken, WindowName, WindowState};
use crate::secrets::HashError;

/// What is decided about a request with an API key.
pub(super) struct Checked {
    pub(super) decision: Result<pb::Principal, Error>,
    /// Once the secret is proven.
    pub(super) rate: Option<pb::RateState>,
    /// When the older secret of a rotation was presented.
    pub(super) secret_expires_at: Option<Timestamp>,
}

/// A key whose secret was presented.
struct Proven {
    snapshot: Arc<Snapshot>,
    secret_expires_at: Option<Timestamp>,
}

impl Checker {
    pub(super) async fn check_key(&self, api_key: &str, secret: &str, demand: Demand) -> Checked {
        // Before anything is looked up or counted: another replica may know better.
        if self.gate.pass().await.is_err() {
            return Checked { decision: Err(unavailable()), rate: None, secret_expires_at: None };
        }
        let now = self.clock.now();
        let proven = match self.identify(api_key, secret, demand.client_address, now).await {
            Ok(proven) => proven,
            Err(error) => return Checked { decision: Err(error), rate: None, secret_expires_at: None },
        };
        let (decision, rate) = self.decide(&proven.snapshot, demand, now).await;
        Checked { decision, rate: rate.as_ref().map(wire), secret_expires_at: proven.secret_expires_at }
    }

    /// Everything after the secret is proven.
    async fn decide(
        &self,
        snapshot: &Snapshot,
        demand: Demand,
        now: Timestamp,
    ) -> (Result<pb::Principal, Error>, Option<Taken>) {
        if let Err(error) = usable(snapshot, demand.client_address, now) {
            if counts_as_failure(error.reason) {
                self.key_failures.count(demand.client_address, now);
            }
            // Refused before the slot: the answer says what remains, and takes nothing.
            let left = self.limiter.peek(snapshot.holder.key_id(), snapshot.limits).await;
            return (Err(error), left.ok());
        }
        let taken = match self.limiter.take(snapshot.holder.key_id(), snapshot.limits).await {
            Ok(taken) => Some(taken),
            Err(error) => {
                tracing::error!(error = %error, cause = %cause(&error), open = self.limits_fail_open, "limits cannot be counted");
                match self.limits_fail_open {
                    true => None,
                    false => return (Err(unavailable()), None),
                }
            }
        };
        if let Some(error) = taken.as_ref().and_then(over_limit) {
            return (Err(error), taken);
        }
        (self.permit(snapshot, demand, now), taken)
    }

    /// Agent and permissions, and then the principal.
    fn permit(&self, snapshot: &Snapshot, demand: Demand, now: Timestamp) -> Result<pb::Principal, Error> {
        if demand.agent_id.is_some_and(|agent| agent != snapshot.holder.agent_id()) {
            return Err(Error::new(Reason::AgentMismatch, "This API key is for another agent."));
        }
        let lacking = demand.permissions.iter().filter(|p| !snapshot.holder.may(p));
        let lacking: Vec<&str> = lacking.map(String::as_str).collect();
        if !lacking.is_empty() {
            let lacking = lacking.join(", ");
            let message =
                format!("The API key lacks {lacking}. An admin grants permissions in the key's settings.");
            return Err(Error::new(Reason::PermissionDenied, message));
        }
        let token = match &demand.audience {
            Some(audience) => Some(self.minter.for_key(snapshot, audience, now)?.to_string()),
            None => None,
        };
        Ok(pb::Principal { token, ..snapshot.holder.principal().into() })
    }

    /// The key whose secret this is. Every way not to be one gives the same refusal.
    async fn identify(
        &self,
        api_key: &str,
        secret: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Proven, Error> {
        // Memory first: a good key passes whatever its neighbours behind the same address do, and without a
        // look at what they share.
        let remembered = self.prove_from_memory(api_key, secret, now);
        if let Some(Ok(proven)) = remembered {
            return Ok(proven);
        }
        if let Some(wait) = self.key_failures.wait(address, now) {
            return Err(throttled(wait));
        }
        let proven = match remembered {
            Some(decided) => decided,
            None => self.prove(api_key, secret, now).await,
        };
        if proven.as_ref().is_err_and(|error| counts_as_failure(error.reason)) {
            self.key_failures.count(address, now);
        }
        proven
    }

    async fn prove(&self, api_key: &str, secret: &str, now: Timestamp) -> Result<Proven, Error> {
        if api_key.is_empty() || secret.is_empty() {
            let message = "Send the API key in `x-api-key` and its secret in `x-api-secret`.";
            return Err(Error::new(Reason::MissingCredentials, message));
        }
        // Before any I/O: a checksum tells a typing error.
        if !credential::is_api_key(api_key) || !credential::is_secret(secret) {
            return Err(invalid_credentials());
        }
        let loaded = self.cache.get(api_key, async || self.load(api_key, now).await).await;
        let snapshot = match loaded {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => {
                self.verifiers.verify_nothing(secret);
                return Err(invalid_credentials());
            }
            Err(error) => {
                tracing::error!(error = %error, cause = %cause(&error), "no key could be read");
                return Err(unavailable());
            }
        };
        let key_id = snapshot.holder.key_id();
        let mut end = None;
        for held in live(&snapshot, now) {
            let right = match held.verify(&self.verifiers, key_id, secret) {
                Some(right) => right,
                None => {
                    let proven = held.prove(&self.argon2, &self.verifiers, key_id, secret);
                    proven.await.map_err(cannot_hash)?
                }
            };
            if right {
                self.renewals.proven(&self.verifiers, key_id, held, secret);
                end = Some(held.expires_at);
                break;
            }
        }
        match end {
            Some(secret_expires_at) => Ok(Proven { snapshot, secret_expires_at }),
            None => Err(invalid_credentials()),
        }
    }

    async fn load(&self, api_key: &str, now: Timestamp) -> Result<Option<Snapshot>, DbError> {
        let turn = self.lookups.turn(now).await;
        let record = self.store.key_record(api_key).await?;
        drop(turn);
        if record.is_none() {
            self.lookups.found_nothing(now);
        }
        Ok(record.map(|record| Snapshot::new(record, &self.verifiers)))
    }

    /// As [`Checker::prove`], without the database and without argon2. `None` where it needs one of them.
    fn prove_from_memory(
        &self,
        api_key: &str,
        secret: &str,
        now: Timestamp,
    ) -> Option<Result<Proven, Error>> {
        if secret.is_empty() {
            return None;
        }
        let snapshot = self.cache.known(api_key)?;
        let mut end = None;
        for held in live(&snapshot, now) {
            if held.verify(&self.verifiers, snapshot.holder.key_id(), secret)? {
                self.renewals.proven(&self.verifiers, snapshot.holder.key_id(), held, secret);
                end = Some(held.expires_at);
                break;
            }
        }
        Some(match end {
            Some(secret_expires_at) => Ok(Proven { snapshot, secret_expires_at }),
            None => Err(invalid_credentials()),
        })
    }
}

/// The secrets of a key that work now: the newest, and during an overlap the one before.
fn live(snapshot: &Snapshot, now: Timestamp) -> impl Iterator<Item = &HeldSecret> {
    snapshot.secrets.iter().filter(move |held| held.expires_at.is_none_or(|end| now < end))
}

/// Expiry, disabling and the client's address.
fn usable(snapshot: &Snapshot, address: IpAddr, now: Timestamp) -> Result<(), Error> {
    if snapshot.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::new(Reason::KeyExpired, "The API key has expired."));
    }
    if snapshot.disabled {
        return Err(Error::new(Reason::KeyDisabled, "The API key is disabled."));
    }
    if !snapshot.allowed_ips.allow(address) {
        let message = format!("The API key may not be used from the address {address}.");
        return Err(Error::new(Reason::IpNotAllowed, message));
    }
    Ok(())
}

fn counts_as_failure(reason: Reason) -> bool {
    use Reason::{InvalidCredentials, IpNotAllowed, KeyDisabled, KeyExpired, MissingCredentials};
    matches!(reason, MissingCredentials | InvalidCredentials | KeyExpired | KeyDisabled | IpNotAllowed)
}

fn over_limit(taken: &Taken) -> Option<Error> {
    let refused = taken.refused?;
    let (window, limit) = match refused.window {
        WindowName::Minute => ("minute", taken.minute.limit),
        WindowName::Hour => ("hour", taken.hour.limit),
    };
    let seconds = refused.retry_after_seconds;
    let message = format!("Over the limit of {limit} requests a {window}. Try again in {seconds} s.");
    Some(Error::new(Reason::RateLimited, message).retry_after(Duration::from_secs(seconds.into())))
}

fn wire(taken: &Taken) -> pb::RateState {
    let window = |state: WindowState| pb::RateWindow {
        limit: state.limit,
        remaining: state.remaining,
        reset_seconds: state.reset_seconds,
    };
    pb::RateState { minute: Some(window(taken.minute)), hour: Some(window(taken.hour)) }
}

/// One text for malformed, unknown, deleted and wrong, so that it tells nothing.
fn invalid_credentials() -> Error {
    Error::new(Reason::InvalidCredentials, "The API key or its secret is not valid.")
}

fn cannot_hash(error: HashError) -> Error {
    tracing::error!(error = %error, "a secret could not be verified");
    unavailable()
}
