//! Between the types of the credential check and the messages of `Authorize`.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Reason, whole_seconds};
use svc_core::principal::{Principal, Subject};

use super::{Answer, Credential, Granted, Last4, NoDecision, ProvenKey, Question, Window, Windows};

impl From<&Question<'_>> for pb::AuthorizeRequest {
    fn from(question: &Question<'_>) -> pb::AuthorizeRequest {
        let (credential, role) = match question.credential {
            Credential::ApiKey { key, secret } => {
                let (api_key, secret) = (key.to_owned(), secret.expose().to_owned());
                let credential = pb::ApiKeyCredential { api_key, secret };
                (pb::authorize_request::Credential::ApiKey(credential), 0)
            }
            Credential::Token { token, role } => {
                let token = token.expose().to_owned();
                (pb::authorize_request::Credential::PersonalAccessToken(token), role.into())
            }
        };
        pb::AuthorizeRequest {
            credential: Some(credential),
            client_address: question.client.to_string(),
            operation: question.operation.to_owned(),
            permissions: question.permissions.iter().map(|&permission| permission.to_owned()).collect(),
            agent_id: question.agent.map(str::to_owned),
            role,
            audience: question.audience.map(str::to_owned),
            goes_on: question.goes_on,
            request_id: question.request_id.to_owned(),
        }
    }
}

impl From<Answer> for pb::AuthorizeResponse {
    fn from(answer: Answer) -> pb::AuthorizeResponse {
        let key = answer.key.map(|key| proven_key(&key, answer.decision.is_ok()));
        let decision = match answer.decision {
            Ok(granted) => pb::authorize_response::Decision::Principal(granted.into()),
            Err(error) => pb::authorize_response::Decision::Refusal(refusal(error)),
        };
        pb::AuthorizeResponse {
            decision: Some(decision),
            rate: answer.windows.map(pb::RateState::from),
            secret_expires_at: answer.secret_expires_at.map(Timestamp::to_proto),
            key,
        }
    }
}

/// What is not understood is no decision.
impl TryFrom<pb::AuthorizeResponse> for Answer {
    type Error = NoDecision;

    fn try_from(message: pb::AuthorizeResponse) -> Result<Answer, NoDecision> {
        let decision = match message.decision {
            Some(pb::authorize_response::Decision::Principal(principal)) => Ok(granted(principal)?),
            Some(pb::authorize_response::Decision::Refusal(refusal)) => Err(error(refusal)?),
            None => return Err(NoDecision::Unusable("it decides nothing")),
        };
        let secret_expires_at = message.secret_expires_at.as_ref().and_then(Timestamp::from_proto);
        let granted = decision.as_ref().ok().map(|granted| &granted.principal);
        let key = message.key.map(|key| known_key(key, granted));
        Ok(Answer { decision, windows: message.rate.and_then(windows), secret_expires_at, key })
    }
}

/// A principal says it all but which secret it was.
fn proven_key(key: &ProvenKey, is_granted: bool) -> pb::ProvenKey {
    let secret_last4 = key.secret_last4.as_str().to_owned();
    if is_granted {
        return pb::ProvenKey { secret_last4, ..pb::ProvenKey::default() };
    }
    let Principal { organization_id, agent_id, subject, .. } = &*key.principal;
    pb::ProvenKey {
        organization_id: organization_id.clone(),
        agent_id: agent_id.clone().unwrap_or_default(),
        key_id: match subject {
            Subject::Key(id) => id.clone(),
            Subject::Member(_) => String::new(),
        },
        secret_last4,
    }
}

fn known_key(key: pb::ProvenKey, granted: Option<&Arc<Principal>>) -> ProvenKey {
    let secret_last4 = Last4::new(&key.secret_last4);
    let of_refusal = || {
        Arc::new(Principal {
            organization_id: key.organization_id,
            agent_id: Some(key.agent_id),
            subject: Subject::Key(key.key_id),
            permissions: Vec::new(),
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        })
    };
    ProvenKey { principal: granted.cloned().unwrap_or_else(of_refusal), secret_last4 }
}

impl From<Granted> for pb::Principal {
    fn from(granted: Granted) -> pb::Principal {
        let Granted { principal, token } = granted;
        // It was made of text.
        let token = token.and_then(|token| String::from_utf8(token.as_bytes().to_vec()).ok());
        // It has them for the service that it is for, and nobody else looks at them then.
        let permissions = match &token {
            Some(_) => Vec::new(),
            None => principal.permissions.clone(),
        };
        pb::Principal {
            organization_id: principal.organization_id.clone(),
            agent_id: principal.agent_id.clone().unwrap_or_default(),
            subject: Some(match &principal.subject {
                Subject::Key(id) => pb::principal::Subject::KeyId(id.clone()),
                Subject::Member(id) => pb::principal::Subject::MemberId(id.clone()),
            }),
            permissions,
            role: principal.role.unwrap_or(Role::Unspecified).into(),
            token,
            expires_at: principal.expires_at.map(Timestamp::to_proto),
            token_id: principal.token_id.clone(),
            session_id: principal.session_id.clone(),
        }
    }
}

fn granted(mut principal: pb::Principal) -> Result<Granted, NoDecision> {
    let mut token = principal.token.take().map(HeaderValue::try_from).transpose();
    if let Ok(Some(token)) = &mut token {
        token.set_sensitive(true);
    }
    Ok(Granted {
        token: token.map_err(|_| NoDecision::Unusable("its principal token is no text"))?,
        principal: Principal::try_from(principal)
            .map(Arc::new)
            .map_err(|_| NoDecision::Unusable("its principal has no subject"))?,
    })
}

fn refusal(error: Error) -> pb::Refusal {
    let seconds = |wait| u32::try_from(whole_seconds(wait)).unwrap_or(u32::MAX);
    pb::Refusal {
        code: error.reason.code().to_owned(),
        message: error.message,
        retry_after_seconds: error.retry_after.map(seconds),
    }
}

fn error(refusal: pb::Refusal) -> Result<Error, NoDecision> {
    let reason =
        Reason::from_code(&refusal.code).ok_or(NoDecision::Unusable("its code of a refusal is unknown"))?;
    let mut error = Error::new(reason, refusal.message);
    error.retry_after = refusal.retry_after_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    Ok(error)
}

impl From<Windows> for pb::RateState {
    fn from(windows: Windows) -> pb::RateState {
        let window =
            |Window { limit, remaining, reset_seconds }| pb::RateWindow { limit, remaining, reset_seconds };
        pb::RateState { minute: Some(window(windows.minute)), hour: Some(window(windows.hour)) }
    }
}

fn windows(state: pb::RateState) -> Option<Windows> {
    let window =
        |pb::RateWindow { limit, remaining, reset_seconds }| Window { limit, remaining, reset_seconds };
    Some(Windows { minute: window(state.minute?), hour: window(state.hour?) })
}

#[cfg(test)]
mod tests {
    use svc_core::secret::Secret;

    use super::*;

    fn principal() -> Principal {
        Principal {
            organization_id: "o".to_owned(),
            agent_id: Some("a".to_owned()),
            subject: Subject::Key("k".to_owned()),
            permissions: vec!["contacts:read".to_owned()],
            role: None,
            expires_at: Some(Timestamp(7_000_000)),
            token_id: None,
            session_id: None,
        }
    }

    #[test]
    fn questions_become_messages() {
        let secret = Secret::new("s");
        let question = Question {
            credential: Credential::ApiKey { key: "k", secret: &secret },
            client: [192, 0, 2, 1].into(),
            operation: "a.B/C",
            permissions: &["a:read", "a:update"],
            agent: Some("agent"),
            audience: Some("contacts"),
            goes_on: true,
            request_id: "r",
        };
        let of_key = pb::AuthorizeRequest {
            credential: Some(pb::authorize_request::Credential::ApiKey(pb::ApiKeyCredential {
                api_key: "k".to_owned(),
                secret: "s".to_owned(),
            })),
            client_address: "192.0.2.1".to_owned(),
            operation: "a.B/C".to_owned(),
            permissions: vec!["a:read".to_owned(), "a:update".to_owned()],
            agent_id: Some("agent".to_owned()),
            role: Role::Unspecified.into(),
            audience: Some("contacts".to_owned()),
            goes_on: true,
            request_id: "r".to_owned(),
        };
        assert_eq!(pb::AuthorizeRequest::from(&question), of_key);
        let credential = Credential::Token { token: &secret, role: Role::Admin };
        let of_member = pb::AuthorizeRequest {
            credential: Some(pb::authorize_request::Credential::PersonalAccessToken("s".to_owned())),
            role: Role::Admin.into(),
            ..of_key
        };
        assert_eq!(pb::AuthorizeRequest::from(&Question { credential, ..question }), of_member);
    }

    #[test]
    fn answers_survive_their_messages() {
        let window = |limit| Window { limit, remaining: 1, reset_seconds: 2 };
        let windows = Some(Windows { minute: window(60), hour: window(1_000) });
        let token = Some(HeaderValue::from_static("token"));
        let granted = Granted { principal: Arc::new(principal()), token: None };
        // A token has the permissions, and they do not travel beside it.
        let without = Arc::new(Principal { permissions: vec![], ..principal() });
        let with_token = Granted { principal: without.clone(), token };
        let with_both = Granted { principal: Arc::new(principal()), ..with_token.clone() };
        assert_eq!(pb::Principal::from(with_both), pb::Principal::from(with_token.clone()));
        let refused = Error::new(Reason::RateLimited, "Over.").retry_after(Duration::from_secs(7));
        let key = |principal| Some(ProvenKey { principal, secret_last4: Last4::new("9fQz") });
        let of_key = key(granted.principal.clone());
        let of_refused = key(Arc::new(Principal { permissions: vec![], expires_at: None, ..principal() }));
        for (decision, windows, secret_expires_at, key) in [
            (Ok(granted), windows, Some(Timestamp(1_000)), of_key),
            (Ok(with_token), windows, None, key(without)),
            (Err(refused.clone()), None, None, of_refused),
            (Err(refused), None, None, None),
        ] {
            let answer = Answer { decision, windows, secret_expires_at, key };
            let back = Answer::try_from(pb::AuthorizeResponse::from(answer.clone())).unwrap();
            assert_eq!(back.key, answer.key);
            assert_eq!((back.windows, back.secret_expires_at), (answer.windows, answer.secret_expires_at));
            match (back.decision, answer.decision) {
                (Ok(back), Ok(granted)) => {
                    assert_eq!((back.principal, &back.token), (granted.principal, &granted.token));
                    assert!(back.token.is_none_or(|token| token.is_sensitive()));
                }
                (back, decision) => assert_eq!(back.unwrap_err(), decision.unwrap_err()),
            }
        }
    }

    #[test]
    fn waits_are_told_in_whole_seconds() {
        let error = Error::new(Reason::AddressThrottled, "Slow.").retry_after(Duration::from_millis(1_001));
        assert_eq!(refusal(error).retry_after_seconds, Some(2));
    }

    #[test]
    fn what_is_not_understood_is_no_decision() {
        use pb::authorize_response::Decision;
        let refusal =
            |code: &str| Decision::Refusal(pb::Refusal { code: code.to_owned(), ..pb::Refusal::default() });
        let granted = Granted { principal: Arc::new(principal()), token: None };
        let bad_token = pb::Principal { token: Some("\n".to_owned()), ..granted.into() };
        for decision in [
            None,
            Some(refusal("welcome")),
            Some(Decision::Principal(pb::Principal::default())),
            Some(Decision::Principal(bad_token)),
        ] {
            let message = pb::AuthorizeResponse { decision, ..pb::AuthorizeResponse::default() };
            assert!(matches!(Answer::try_from(message), Err(NoDecision::Unusable(_))));
        }
    }
}
