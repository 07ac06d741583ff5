//! The two forms of errors: ours, and that of RFC 9457.

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use svc_core::error::{Reason, whole_seconds};

use super::accept::prefers_problem;
use super::refusal::Refused;
use super::{JSON, RequestId};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const CHALLENGE: HeaderValue = HeaderValue::from_static("ApiKey realm=\"keyward\"");

/// A refusal, in the form that the caller asks for.
pub(super) fn response(refused: &Refused, id: &RequestId, asked: &HeaderMap) -> Response<Full<Bytes>> {
    let error = &refused.error;
    let (form, body) = if prefers_problem(asked) {
        let problem = Problem {
            r#type: format!("/docs/errors#{}", error.reason.code()),
            title: title(error.reason),
            status: error.reason.http(),
            detail: &error.message,
            code: error.reason.code(),
            request_id: id.as_str(),
            id: error.existing_id.as_deref(),
            errors: error.violations.iter().map(Detail::from).collect(),
            data: refused.data.as_ref(),
        };
        // Strings, numbers and lists always serialize.
        (PROBLEM_JSON, serde_json::to_vec(&problem).unwrap_or_default())
    } else {
        (JSON, json(refused, id))
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() =
        StatusCode::from_u16(error.reason.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, form);
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    if let Some(allow) = refused.allow.as_ref().and_then(|methods| HeaderValue::try_from(methods).ok()) {
        headers.insert(ALLOW, allow);
    }
    if let Some(range) = &refused.range {
        headers.insert(CONTENT_RANGE, range.clone());
    }
    if refused.closes {
        headers.insert(CONNECTION, CLOSE);
    }
    let must_say_when = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if must_say_when || error.retry_after.is_some() {
        headers.insert(RETRY_AFTER, whole_seconds(error.retry_after.unwrap_or_default()).into());
    }
    response
}

/// A refusal in our form.
pub(super) fn json(refused: &Refused, id: &RequestId) -> Vec<u8> {
    let error = &refused.error;
    let failure = Failure {
        success: false,
        message: &error.message,
        error: FailureError {
            code: error.reason.code(),
            request_id: id.as_str(),
            id: error.existing_id.as_deref(),
            details: error.violations.iter().map(Detail::from).collect(),
        },
        data: refused.data.as_ref(),
    };
    serde_json::to_vec(&failure).unwrap_or_default()
}

/// The code as words: `key_expired` is `Key expired`.
fn title(reason: Reason) -> String {
    let mut title = reason.code().replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    message: &'a str,
    error: FailureError<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureError<'a> {
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    details: Vec<Detail<'a>>,
}

/// RFC 9457.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    r#type: String,
    title: String,
    status: u16,
    detail: &'a str,
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    errors: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a serde_json::Value>,
}

#[derive(Serialize)]
struct Detail<'a> {
    field: &'a str,
    code: &'static str,
    message: &'a str,
}

impl<'a> From<&'a svc_core::error::Violation> for Detail<'a> {
    fn from(violation: &'a svc_core::error::Violation) -> Detail<'a> {
        Detail { field: &violation.field, code: violation.fault.code(), message: &violation.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Refusal;
    use http::header::ACCEPT;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use std::time::Duration;
    use svc_core::error::{Error, Fault, Violation};

    fn id() -> RequestId {
        RequestId::new("65f0c0ffee65f0c0ffee65f0".to_owned())
    }

    fn asking(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())])
    }

    async fn body(response: Response<Full<Bytes>>) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn errors_have_the_form_of_the_contract() {
        let violation = Violation::new("email", Fault::Invalid, "This is no email address.");
        let refusal = Refusal::from(Error::invalid(vec![violation]));
        let response = response(refusal.refused(), &id(), &HeaderMap::new());
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let expected = json!({
            "success": false,
            "message": "This is no email address.",
            "error": {
                "code": "invalid_argument",
                "requestId": "65f0c0ffee65f0c0ffee65f0",
                "details": [{"field": "email", "code": "invalid", "message": "This is no email address."}],
            },
        });
        assert_eq!(body(response).await, expected);
    }

    #[tokio::test]
    async fn errors_without_details_say_so_and_name_what_exists() {
        let mut error = Error::new(Reason::AlreadyExists, "Taken.");
        error.existing_id = Some("65f0c0ffee65f0c0ffee65f1".to_owned());
        let answer = body(response(Refusal::from(error).refused(), &id(), &HeaderMap::new())).await;
        assert_eq!(answer["error"]["details"], json!([]));
        assert_eq!(answer["error"]["id"], "65f0c0ffee65f0c0ffee65f1");
    }

    #[tokio::test]
    async fn problems_have_the_form_of_rfc_9457() {
        let refusal = Refusal::from(Error::new(Reason::KeyExpired, "The key has expired."));
        let response =
            response(refusal.refused(), &id(), &asking("text/html, application/problem+json;q=0.9"));
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let expected = json!({
            "type": "/docs/errors#key_expired", "title": "Key expired", "status": 401,
            "detail": "The key has expired.", "code": "key_expired",
            "requestId": "65f0c0ffee65f0c0ffee65f0", "errors": [],
        });
        assert_eq!(body(response).await, expected);
    }

    #[test]
    fn every_reason_gets_its_status_and_headers() {
        for &reason in Reason::ALL {
            let refusal = Refusal::from(Error::new(reason, "why"));
            let response = response(refusal.refused(), &id(), &HeaderMap::new());
            let status = response.status().as_u16();
            assert_eq!(status, reason.http());
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), status == 401, "{reason:?}");
            assert_eq!(
                response.headers().contains_key(RETRY_AFTER),
                matches!(status, 429 | 503),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn retry_after_is_rounded_up_and_at_least_one() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
