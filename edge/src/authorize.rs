//! The credential check: one question to auth-svc, and what its answer means. Nothing is remembered,
//! and whatever is not a clear yes is a no.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use keyward_proto::policy::v1::Role;
use svc_core::error::{Error, Reason};
use svc_core::grpc::caller::InternalCredential;
use svc_core::grpc::{Upstream, deadline};
use svc_core::principal::Principal;
use svc_core::telemetry;
use tonic::Request;

use crate::answer::{Refusal, RequestId, X_REQUEST_ID};
use crate::credentials::{self, Credential};
use crate::rate::Proven;

/// When to ask again after the check could not be made.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Asks auth-svc.
#[derive(Clone, Debug)]
pub(crate) struct Authorizer {
    upstream: Upstream,
    credential: InternalCredential,
    timeout: Duration,
}

/// What a request needs.
pub(crate) struct Question<'q> {
    pub(crate) credential: Credential,
    pub(crate) client: IpAddr,
    /// The RPC, without the leading slash.
    pub(crate) operation: &'q str,
    pub(crate) permissions: Vec<&'q str>,
    pub(crate) agent: Option<&'q str>,
    pub(crate) role: Role,
    /// The service that needs a principal token, since it runs apart.
    pub(crate) audience: Option<&'q str>,
}

/// A caller that is let through, in the one form that the upstream takes.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// No credentials are asked for.
    Anyone,
    /// Within the process.
    Here(Arc<Principal>),
    /// To another process: its token.
    Apart(HeaderValue),
}

impl Authorizer {
    pub(crate) fn new(upstream: Upstream, credential: InternalCredential, timeout: Duration) -> Authorizer {
        Authorizer { upstream, credential, timeout }
    }

    /// Whether the caller may do what it asks for, and what to say about its key in any case.
    pub(crate) async fn ask(
        &self,
        question: Question<'_>,
        id: &RequestId,
    ) -> (Result<Caller, Refusal>, Proven) {
        let audience = question.audience.map(str::to_owned);
        let apart = audience.is_some();
        let of_member = matches!(question.credential, Credential::Token(_));
        let mut request = Request::new(pb::AuthorizeRequest {
            credential: Some(match question.credential {
                Credential::ApiKey { key, secret } => {
                    let secret = secret.expose().to_owned();
                    pb::authorize_request::Credential::ApiKey(pb::ApiKeyCredential { api_key: key, secret })
                }
                Credential::Token(token) => {
                    pb::authorize_request::Credential::PersonalAccessToken(token.expose().to_owned())
                }
            }),
            client_address: question.client.to_string(),
            operation: question.operation.to_owned(),
            permissions: question.permissions.into_iter().map(str::to_owned).collect(),
            agent_id: question.agent.map(str::to_owned),
            role: question.role.into(),
            audience,
        });
        self.credential.authenticate(&mut request);
        deadline::set(&mut request, self.timeout);
        request.metadata_mut().as_mut().insert(X_REQUEST_ID, id.header());
        if !self.upstream.is_in_process() {
            telemetry::inject(request.metadata_mut().as_mut());
        }
        let mut client = AuthorizationServiceClient::new(self.upstream.clone());
        let answer = match tokio::time::timeout(self.timeout, client.authorize(request)).await {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) => {
                return (Err(unavailable(format!("Authorize failed: {status}"))), Proven::default());
            }
            Err(_) => return (Err(unavailable("Authorize did not end in time")), Proven::default()),
        };
        let proven = Proven::from_answer(answer.rate, answer.secret_expires_at.as_ref());
        let decision = match answer.decision {
            Some(pb::authorize_response::Decision::Principal(principal)) => caller(principal, apart),
            Some(pb::authorize_response::Decision::Refusal(refusal)) => Err(refused(refusal, of_member)),
            None => Err(unavailable("Authorize decided nothing")),
        };
        (decision, proven)
    }
}

fn caller(mut principal: pb::Principal, apart: bool) -> Result<Caller, Refusal> {
    if !apart {
        let principal =
            Principal::try_from(principal).map_err(|_| unavailable("the principal has no subject"))?;
        return Ok(Caller::Here(Arc::new(principal)));
    }
    let token = principal.token.take().and_then(|token| HeaderValue::try_from(token).ok());
    let mut token = token.ok_or_else(|| unavailable("Authorize gave no principal token"))?;
    token.set_sensitive(true);
    Ok(Caller::Apart(token))
}

/// A refusal is passed on as auth-svc words it, but for the answers that must never differ.
fn refused(refusal: pb::Refusal, of_member: bool) -> Refusal {
    let Some(reason) = Reason::from_code(&refusal.code) else {
        return unavailable(format!("Authorize refused with the unknown code {:?}", refusal.code));
    };
    let mut error = match reason {
        Reason::InvalidCredentials if of_member => credentials::not_signed_in(),
        Reason::InvalidCredentials => credentials::invalid(),
        reason => Error::new(reason, refusal.message),
    };
    error.retry_after = refusal.retry_after_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    error.into()
}

fn unavailable(cause: impl ToString) -> Refusal {
    let message = "Your credentials cannot be checked now. Try again.";
    let error = Error::new(Reason::AuthorizationUnavailable, message).retry_after(RETRY_AFTER);
    Refusal::from(error).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str, message: &str, retry: Option<u32>) -> pb::Refusal {
        pb::Refusal { code: code.to_owned(), message: message.to_owned(), retry_after_seconds: retry }
    }

    #[test]
    fn refusals_are_passed_on() {
        let passed = refused(refusal("rate_limited", "Over the minute.", Some(7)), false);
        let error = &passed.refused().error;
        assert_eq!((error.reason, error.message.as_str()), (Reason::RateLimited, "Over the minute."));
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn invalid_credentials_have_one_wording() {
        let passed = refused(refusal("invalid_credentials", "another wording", None), false);
        assert_eq!(passed.refused().error, credentials::invalid());
        let passed = refused(refusal("invalid_credentials", "another wording", None), true);
        assert_eq!(passed.refused().error, credentials::not_signed_in());
    }

    #[test]
    fn what_is_not_understood_is_no() {
        for refusal in [
            refused(refusal("welcome", "Come in.", None), false),
            caller(pb::Principal::default(), false).unwrap_err(),
            caller(pb::Principal::default(), true).unwrap_err(),
            caller(pb::Principal { token: Some("\n".to_owned()), ..pb::Principal::default() }, true)
                .unwrap_err(),
        ] {
            assert_eq!(refusal.reason(), Reason::AuthorizationUnavailable);
            assert!(refusal.refused().error.retry_after.is_some() && refusal.refused().cause.is_some());
        }
    }
}
