//! The credential check: what the edge asks before every request, decided on domain types.

mod cache;
mod counted;
mod demand;
mod denial;
mod explain;
mod failures;
mod key;
mod known_tokens;
mod lookups;
mod member;
mod minter;
mod refusals;
mod renewal;
mod rows;
mod sessions;
mod single_flight;
mod snapshot;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use svc_core::clock::{Clock, Timestamp};
use svc_core::error::cause;
use svc_runtime::authorize::{
    Answer, Asked, Authorize, Credential, Granted, NoDecision, ProvenKey, Question, Window, Windows,
};

use crate::change::Changes;
use crate::domain::{Key, RateLimits};
use crate::error::AuthError;
use crate::limits::{LimitStore, Limiter, Taken, WindowLimits, WindowState};
use crate::revocation::Gate;
use crate::secrets::{Argon2Pool, Verifiers};
use crate::store::Store;
use crate::usage::Counters;

pub(crate) use cache::KeyCache;
use demand::{Demand, KeptDemand};
use denial::{Denial, Refusal, Undecided};
pub(crate) use explain::{DescribedRequest, Explanation, RowResult};
pub(crate) use failures::Failures;
pub(crate) use known_tokens::KnownTokens;
pub(crate) use lookups::{LookupError, Lookups};
pub(crate) use member::role_from_wire;
pub(crate) use minter::Minter;
pub(crate) use renewal::Renewals;
pub(crate) use sessions::Sessions;
pub(crate) use snapshot::Snapshot;

/// What is decided about a request, and said beside it.
#[derive(Debug)]
struct Decision {
    /// Whether it is let through.
    outcome: Result<Granted, Denial>,
    /// The windows of the key, once its secret is verified.
    rate: Option<Taken>,
    /// When the older secret of a rotation was presented.
    secret_expires_at: Option<Timestamp>,
    /// The key whose secret was proven.
    key: Option<ProvenKey>,
}

/// Decides who may do what.
pub(crate) struct Checker {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Arc<KeyCache>,
    /// For API keys.
    pub(crate) lookups: Lookups,
    /// For personal access tokens.
    pub(crate) token_lookups: Lookups,
    /// What every request passes before it looks into the cache.
    pub(crate) gate: Gate,
    pub(crate) verifiers: Verifiers,
    pub(crate) argon2: Argon2Pool,
    /// For what members are refused, which the audit log tells.
    pub(crate) changes: Arc<Changes>,
    /// Brings what is stored of secrets up to date.
    pub(crate) renewals: Renewals,
    pub(crate) minter: Minter,
    pub(crate) limiter: Arc<Limiter>,
    /// Lets requests through when their limits cannot be counted.
    pub(crate) limits_fail_open: bool,
    /// Failed API keys, by client address.
    pub(crate) key_failures: Failures,
    /// Sessions of the dashboard.
    pub(crate) sessions: Sessions,
    /// Failed personal access tokens and sessions: apart, so that a failing integration does not lock people out.
    pub(crate) token_failures: Failures,
    /// Personal access tokens and sessions that pass whatever fails beside them.
    pub(crate) known_tokens: KnownTokens,
    /// Counts what is decided about keys.
    pub(crate) usage: Arc<Counters>,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checker({:?})", self.cache)
    }
}

impl Checker {
    /// The verifier keys, for new secrets.
    pub(crate) fn verifiers(&self) -> &Verifiers {
        &self.verifiers
    }

    /// The windows of a key, without taking a slot.
    pub(crate) async fn windows(&self, key: &Key) -> Result<Taken, AuthError> {
        Ok(self.limiter.peek(key.id.as_str(), key.rate_limits.into()).await?)
    }

    /// Decides about a request: at once where memory can.
    pub(crate) fn ask(self: &Arc<Checker>, question: &Question<'_>) -> Asked<'static> {
        let demand = Demand {
            client: question.client,
            operation: question.operation,
            permissions: question.permissions,
            agent: question.agent,
            audience: question.audience,
            goes_on: question.goes_on,
            request_id: question.request_id,
        };
        match question.credential {
            Credential::ApiKey { key, secret } => self.check_key(key, secret, demand),
            Credential::Token { token, role } => {
                let (checker, token, role) = (self.clone(), token.clone(), role_from_wire(role));
                let demand = KeptDemand::from(demand);
                waiting(async move { checker.check_member(&token, role, demand).await.into() })
            }
        }
    }
}

/// [`Checker::ask`], for who asks within the process.
#[derive(Debug)]
pub(crate) struct Authorizer(pub(crate) Arc<Checker>);

impl Authorize for Authorizer {
    // How long a call may take is for the stack to see to, which all calls pass.
    fn ask<'a>(&'a self, question: &Question<'_>, _: Duration) -> Asked<'a> {
        self.0.ask(question)
    }
}

impl From<Result<Granted, Denial>> for Decision {
    fn from(outcome: Result<Granted, Denial>) -> Decision {
        Decision { outcome, rate: None, secret_expires_at: None, key: None }
    }
}

impl Decision {
    /// In the words of those who ask. What could not be decided is logged here, once.
    fn answer(self) -> Result<Answer, NoDecision> {
        let decision = match self.outcome {
            Ok(granted) => Ok(granted),
            Err(Denial::Refused(refusal)) => Err(refusal.into()),
            Err(Denial::Undecided(undecided)) => {
                // That polls fail is in the log already.
                if !matches!(undecided, Undecided::Lease(_)) {
                    tracing::error!(error = %undecided, cause = %cause(&undecided), "a request could not be decided");
                }
                return Err(NoDecision::Undecided);
            }
        };
        let windows = self.rate.map(Windows::from);
        Ok(Answer { decision, windows, secret_expires_at: self.secret_expires_at, key: self.key })
    }
}

fn answered(decision: impl Into<Decision>) -> Asked<'static> {
    Asked::Answered(decision.into().answer())
}

fn waiting(decision: impl Future<Output = Decision> + Send + 'static) -> Asked<'static> {
    Asked::Waiting(Box::pin(async { decision.await.answer() }))
}

impl From<Taken> for Windows {
    fn from(taken: Taken) -> Windows {
        let window =
            |WindowState { limit, remaining, reset_seconds }| Window { limit, remaining, reset_seconds };
        Windows { minute: window(taken.minute), hour: window(taken.hour) }
    }
}

impl From<RateLimits> for WindowLimits {
    fn from(limits: RateLimits) -> WindowLimits {
        WindowLimits {
            per_minute: limits.per_minute.unsigned_abs(),
            per_hour: limits.per_hour.unsigned_abs(),
        }
    }
}
