//! The credential check: one question to auth-svc, and what its answer means. Nothing is remembered,
//! and whatever is not a clear yes is a no. A replica that cannot answer is no answer: then one other
//! replica is asked.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use keyward_proto::policy::v1::Role;
use svc_core::error::{Error, Reason};
use svc_core::grpc::caller::InternalCredential;
use svc_core::grpc::{Turns, Upstream, deadline};
use svc_core::principal::Principal;
use tokio::time::Instant;
use tonic::{Code, Request, Status};

use crate::answer::{Refusal, RequestId, X_REQUEST_ID};
use crate::credentials::{self, Credential};
use crate::question_stream::QuestionStream;
use crate::rate::Proven;

/// When to ask again after the check could not be made.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Asks auth-svc.
#[derive(Clone, Debug)]
pub(crate) struct Authorizer {
    replicas: Vec<Replica>,
    turns: Arc<Turns>,
    time: Time,
}

/// How a replica is asked.
#[derive(Clone, Debug)]
enum Replica {
    /// Within the process: by a call, which costs next to nothing.
    Here(Upstream, InternalCredential),
    /// In another one: over a stream that carries the questions of many requests.
    Apart(QuestionStream),
}

/// What a check may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// All of it.
    pub(crate) whole: Duration,
    /// What the first replica has of it when there is another one.
    pub(crate) first_try: Duration,
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
    pub(crate) fn new(upstream: &Upstream, credential: InternalCredential, time: Time) -> Authorizer {
        let replica = |replica: Upstream| match replica.is_in_process() {
            true => Replica::Here(replica, credential.clone()),
            false => Replica::Apart(QuestionStream::new(replica, credential.clone())),
        };
        let replicas = upstream.replicas().into_iter().map(replica).collect();
        Authorizer { replicas, turns: upstream.turns(), time }
    }

    /// Whether the caller may do what it asks for, and what to say about its key in any case.
    pub(crate) async fn ask(
        &self,
        question: Question<'_>,
        id: &RequestId,
    ) -> (Result<Caller, Refusal>, Proven) {
        let apart = question.audience.is_some();
        let of_member = matches!(question.credential, Credential::Token(_));
        let answer = match self.ask_one_or_another(&question, id).await {
            Ok(answer) => answer,
            Err(status) => {
                return (Err(unavailable(format!("Authorize failed: {status}"))), Proven::default());
            }
        };
        let proven = Proven::from_answer(answer.rate, answer.secret_expires_at.as_ref());
        let decision = match answer.decision {
            Some(pb::authorize_response::Decision::Principal(principal)) => caller(principal, apart),
            Some(pb::authorize_response::Decision::Refusal(refusal)) => Err(refused(refusal, of_member)),
            None => Err(unavailable("Authorize decided nothing")),
        };
        (decision, proven)
    }

    /// The answer of the replica whose turn it is, else of one other.
    async fn ask_one_or_another(
        &self,
        question: &Question<'_>,
        id: &RequestId,
    ) -> Result<pb::AuthorizeResponse, Status> {
        let ends = Instant::now() + self.time.whole;
        let time = match self.replicas.len() {
            1 => self.time.whole,
            _ => self.time.first_try.min(self.time.whole),
        };
        let first = self.turns.take();
        let answer = self.ask_replica(first, question.message(), id, time).await;
        let Err(failure) = &answer else { return answer };
        let left = ends.saturating_duration_since(Instant::now());
        if !is_of_replica(failure.code()) || left.is_zero() {
            return answer;
        }
        let Some(other) = self.turns.take_other_than(first) else { return answer };
        self.ask_replica(other, question.message(), id, left).await
    }

    async fn ask_replica(
        &self,
        replica: usize,
        message: pb::AuthorizeRequest,
        id: &RequestId,
        time: Duration,
    ) -> Result<pb::AuthorizeResponse, Status> {
        let answer = match tokio::time::timeout(time, self.replicas[replica].ask(message, id, time)).await {
            Ok(answer) => answer,
            Err(_) => Err(Status::deadline_exceeded("it did not end in time")),
        };
        match &answer {
            Err(failure) if is_of_replica(failure.code()) => self.turns.failed(replica),
            _ => self.turns.answered(replica),
        }
        answer
    }
}

impl Replica {
    async fn ask(
        &self,
        message: pb::AuthorizeRequest,
        id: &RequestId,
        time: Duration,
    ) -> Result<pb::AuthorizeResponse, Status> {
        match self {
            Replica::Here(upstream, credential) => {
                let mut request = Request::new(message);
                credential.authenticate(&mut request);
                deadline::set(&mut request, time);
                request.metadata_mut().as_mut().insert(X_REQUEST_ID, id.header());
                let mut client = AuthorizationServiceClient::new(upstream.clone());
                client.authorize(request).await.map(tonic::Response::into_inner)
            }
            Replica::Apart(stream) => {
                stream.ask(message).await.ok_or_else(|| Status::unavailable("the replica gives no answer"))
            }
        }
    }
}

/// Whether a call failed because of the replica or of the way to it, so that another one may answer.
fn is_of_replica(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Internal | Code::Unknown
    )
}

impl Question<'_> {
    fn message(&self) -> pb::AuthorizeRequest {
        pb::AuthorizeRequest {
            credential: Some(match &self.credential {
                Credential::ApiKey { key, secret } => {
                    let (api_key, secret) = (key.clone(), secret.expose().to_owned());
                    pb::authorize_request::Credential::ApiKey(pb::ApiKeyCredential { api_key, secret })
                }
                Credential::Token(token) => {
                    pb::authorize_request::Credential::PersonalAccessToken(token.expose().to_owned())
                }
            }),
            client_address: self.client.to_string(),
            operation: self.operation.to_owned(),
            permissions: self.permissions.iter().map(|&permission| permission.to_owned()).collect(),
            agent_id: self.agent.map(str::to_owned),
            role: self.role.into(),
            audience: self.audience.map(str::to_owned),
        }
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
