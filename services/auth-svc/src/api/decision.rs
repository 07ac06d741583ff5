//! Between the messages of `Authorize` and the credential check.

use std::sync::Arc;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use smallvec::SmallVec;
use svc_core::address::canonical;
use svc_core::error::{Error, Reason};
use svc_core::secret::Secret;
use svc_runtime::authorize::{Answer, Asked, Credential, NoDecision, Question};

use crate::check::Checker;

/// How long a client waits before another try when the check could not be made.
const RETRY: Duration = Duration::from_secs(1);

/// How many permissions an operation needs, but for rare ones.
const PERMISSIONS: usize = 4;

/// Asks about a request. A refusal is an answer; an error means that no decision can be made.
pub(super) fn ask(
    checker: &Arc<Checker>,
    mut request: pb::AuthorizeRequest,
) -> Result<Asked<'static>, Error> {
    let role = request.role();
    let client = request.client_address.parse().map_err(|_| bad_request("client_address"))?;
    let secret;
    let api_key;
    let credential = match request.credential.take() {
        Some(pb::authorize_request::Credential::ApiKey(of_key)) => {
            (api_key, secret) = (of_key.api_key, Secret::new(of_key.secret));
            Credential::ApiKey { key: &api_key, secret: &secret }
        }
        Some(pb::authorize_request::Credential::PersonalAccessToken(token)) => {
            secret = Secret::new(token);
            Credential::Token { token: &secret, role }
        }
        None => return Err(bad_request("credential")),
    };
    let permissions: SmallVec<[&str; PERMISSIONS]> = request.permissions.iter().map(String::as_str).collect();
    Ok(checker.ask(&Question {
        credential,
        client: canonical(client),
        operation: &request.operation,
        permissions: &permissions,
        agent: request.agent_id.as_deref(),
        audience: request.audience.as_deref(),
        goes_on: request.goes_on,
        request_id: &request.request_id,
    }))
}

/// What is said about it.
pub(super) fn answer(answer: Result<Answer, NoDecision>) -> Result<pb::AuthorizeResponse, Error> {
    match answer {
        Ok(answer) => Ok(answer.into()),
        Err(_) => {
            let message = "The credentials cannot be checked now. Try again.";
            Err(Error::new(Reason::AuthorizationUnavailable, message).retry_after(RETRY))
        }
    }
}

fn bad_request(field: &str) -> Error {
    Error::new(Reason::InvalidArgument, format!("`{field}` is missing or malformed."))
}
