//! The credential check: one question to auth-svc, and what its answer means. Nothing is remembered,
//! and anything but a clear yes is a no.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use svc_core::error::{Error, Reason};
use svc_core::principal::Principal;
use svc_runtime::authorize::{Asked, Authorize, Credential, Granted, ProvenKey, Question};

use super::headers;
use super::rate_headers::RateHeaders;
use crate::answer::Refusal;

/// When to ask again after the check could not be made.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Asks auth-svc, wherever it runs.
#[derive(Clone, Debug)]
pub(crate) struct Authorizer {
    auth: Arc<dyn Authorize>,
    /// What a check may take.
    time: Duration,
}

/// What came of asking.
pub(crate) struct Verdict {
    /// Who is let through, or why nobody is.
    pub(crate) decision: Result<Caller, Refusal>,
    /// What to say about the key in any case.
    pub(crate) rate_headers: RateHeaders,
    /// The key whose secret was proven, for the request log.
    pub(crate) key: Option<ProvenKey>,
}

/// A caller that is let through, in the one form that the upstream takes.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// The route needs no credentials.
    Anyone,
    /// In this process.
    InProcess(Arc<Principal>),
    /// In another process: its token.
    Remote(HeaderValue),
}

impl Authorizer {
    /// Each question may take this long.
    pub(crate) fn new(auth: Arc<dyn Authorize>, time: Duration) -> Authorizer {
        Authorizer { auth, time }
    }

    /// Whether the caller may do what it asks for, and what to say about its key in any case.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Verdict {
        let answer = match self.auth.ask(&question, self.time) {
            Asked::Answered(answer) => answer,
            Asked::Waiting(answer) => answer.await,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(no_decision) => {
                let cause = format!("Authorize failed: {no_decision}");
                return Verdict {
                    decision: Err(unavailable(cause)),
                    rate_headers: RateHeaders::default(),
                    key: None,
                };
            }
        };
        let rate_headers =
            RateHeaders { windows: answer.windows, secret_expires_at: answer.secret_expires_at };
        let decision = match answer.decision {
            Ok(granted) => caller(granted, question.audience.is_some()),
            Err(error) => Err(refused(error, matches!(question.credential, Credential::Token { .. }))),
        };
        Verdict { decision, rate_headers, key: answer.key }
    }
}

fn caller(granted: Granted, is_remote: bool) -> Result<Caller, Refusal> {
    match (is_remote, granted.token) {
        (false, _) => Ok(Caller::InProcess(granted.principal)),
        (true, Some(token)) => Ok(Caller::Remote(token)),
        (true, None) => Err(unavailable("Authorize gave no principal token")),
    }
}

/// A refusal is passed on as auth-svc words it, but for the answers that must never differ.
fn refused(error: Error, of_member: bool) -> Refusal {
    let wording = match error.reason {
        Reason::InvalidCredentials if of_member => headers::not_signed_in(),
        Reason::InvalidCredentials => headers::invalid(),
        _ => return error.into(),
    };
    Error { retry_after: error.retry_after, ..wording }.into()
}

fn unavailable(cause: impl ToString) -> Refusal {
    let message = "Your credentials cannot be checked now. Try again.";
    let error = Error::new(Reason::AuthorizationUnavailable, message).retry_after(RETRY_AFTER);
    Refusal::from(error).because(cause)
}

#[cfg(test)]
mod tests {
    use svc_core::principal::Subject;

    use super::*;

    #[test]
    fn refusals_are_passed_on() {
        let over = Error::new(Reason::RateLimited, "Over the minute.").retry_after(Duration::from_secs(7));
        assert_eq!(refused(over.clone(), false).refused().error, over);
    }

    #[test]
    fn invalid_credentials_have_one_wording() {
        let other = Error::new(Reason::InvalidCredentials, "another wording");
        assert_eq!(refused(other.clone(), false).refused().error, headers::invalid());
        assert_eq!(refused(other, true).refused().error, headers::not_signed_in());
    }

    #[test]
    fn a_service_apart_is_not_called_without_a_token() {
        let principal = Arc::new(Principal {
            organization_id: "o".to_owned(),
            agent_id: None,
            subject: Subject::Key("k".to_owned()),
            permissions: Vec::new(),
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        });
        let granted = |token| Granted { principal: principal.clone(), token };
        let refusal = caller(granted(None), true).unwrap_err();
        assert_eq!(refusal.reason(), Reason::AuthorizationUnavailable);
        assert!(refusal.refused().error.retry_after.is_some() && refusal.refused().cause.is_some());
        let token = HeaderValue::from_static("token");
        assert!(
            matches!(caller(granted(Some(token.clone())), true), Ok(Caller::Remote(one)) if one == token)
        );
        assert!(matches!(caller(granted(None), false), Ok(Caller::InProcess(one)) if one == principal));
    }
}
