//! Answers: what every one carries, and the two forms of errors.

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use svc_core::error::{Error, Reason, whole_seconds};

use crate::transcode::Rendered;

/// The body of an answer.
pub(crate) type Body = Full<Bytes>;

/// Ours, on every answer.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const CHALLENGE: HeaderValue = HeaderValue::from_static("ApiKey realm=\"keyward\"");

/// The id of a request, ready to be a header.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn new(id: String) -> RequestId {
        // An id is hex, so the other arm is never taken.
        RequestId(
            HeaderValue::from_maybe_shared(Bytes::from(id)).unwrap_or(HeaderValue::from_static("unknown")),
        )
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Why a request gets no success, with what the answer and the log need beyond the error.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Refused>);

/// What a [`Refusal`] holds.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// For the log, never for the caller.
    pub(crate) cause: Option<String>,
    allow: Option<String>,
    data: Option<serde_json::Value>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal(Box::new(Refused { error, cause: None, allow: None, data: None }))
    }
}

impl Refusal {
    /// With what the log says beside it.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl ToString) -> Refusal {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// With the methods that the path has.
    #[must_use]
    pub(crate) fn allowing(mut self, methods: impl Into<String>) -> Refusal {
        self.0.allow = Some(methods.into());
        self
    }

    /// With `data` beside the error, for an answer that reports although it fails.
    #[must_use]
    pub(crate) fn with_data(mut self, data: serde_json::Value) -> Refusal {
        self.0.data = Some(data);
        self
    }

    pub(crate) fn reason(&self) -> Reason {
        self.0.error.reason
    }

    pub(crate) fn refused(&self) -> &Refused {
        &self.0
    }
}

/// The answer that a service made.
pub(crate) fn success(rendered: Rendered, secret: bool) -> Result<Response<Body>, Refusal> {
    let text =
        |value: String| HeaderValue::try_from(value).map_err(|e| Refusal::from(Error::internal()).because(e));
    let mut response = Response::new(Full::from(rendered.body));
    *response.status_mut() = StatusCode::from_u16(rendered.status).map_err(|_| Error::internal())?;
    let headers = response.headers_mut();
    headers.reserve(7);
    headers.insert(CONTENT_TYPE, JSON);
    if let Some(location) = rendered.location {
        headers.insert(LOCATION, text(location)?);
    }
    if let Some(etag) = rendered.etag {
        headers.insert(ETAG, text(etag)?);
    }
    // An answer with a secret is kept nowhere, whatever else it carries.
    if secret {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    Ok(response)
}

/// A success of the edge itself.
pub(crate) fn own(message: &str, data: &serde_json::Value) -> Response<Body> {
    #[derive(Serialize)]
    struct Success<'a> {
        success: bool,
        message: &'a str,
        data: &'a serde_json::Value,
    }
    let body = serde_json::to_string(&Success { success: true, message, data }).unwrap_or_default();
    let mut response = Response::new(Full::from(body));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// 304: the caller has this version already.
pub(crate) fn not_modified(etag: &str) -> Result<Response<Body>, Refusal> {
    let etag = HeaderValue::try_from(etag).map_err(|e| Refusal::from(Error::internal()).because(e))?;
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// A refusal, in the form that the caller asks for.
pub(crate) fn failure(refused: &Refused, id: &RequestId, asked: &HeaderMap) -> Response<Body> {
    let error = &refused.error;
    let details: Vec<Detail<'_>> = error.violations.iter().map(Detail::from).collect();
    let existing = error.existing_id.as_deref();
    let (form, body) = if wants_problem(asked) {
        let problem = Problem {
            r#type: format!("/docs/errors#{}", error.reason.code()),
            title: title(error.reason),
            status: error.reason.http(),
            detail: &error.message,
            code: error.reason.code(),
            request_id: id.as_str(),
            id: existing,
            errors: details,
            data: refused.data.as_ref(),
        };
        (PROBLEM_JSON, serde_json::to_vec(&problem))
    } else {
        let code = error.reason.code();
        let failure = Failure {
            success: false,
            message: &error.message,
            error: FailureError { code, request_id: id.as_str(), id: existing, details },
            data: refused.data.as_ref(),
        };
        (JSON, serde_json::to_vec(&failure))
    };
    // Strings, numbers and lists always serialize.
    let mut response = Response::new(Full::from(body.unwrap_or_default()));
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
    let must_say_when = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if must_say_when || error.retry_after.is_some() {
        headers.insert(RETRY_AFTER, whole_seconds(error.retry_after.unwrap_or_default()).into());
    }
    response
}

/// What every answer carries.
pub(crate) fn finish(response: &mut Response<Body>, id: &RequestId) {
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id.header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if !headers.contains_key(CACHE_CONTROL) {
        let policy = if headers.contains_key(ETAG) { PRIVATE } else { NO_STORE };
        headers.insert(CACHE_CONTROL, policy);
    }
}

/// Whether `Accept` names the form of RFC 9457.
fn wants_problem(asked: &HeaderMap) -> bool {
    asked.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/problem+json"));
        let refused = parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        named && !refused
    })
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
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use std::time::Duration;
    use svc_core::error::{Fault, Violation};

    fn id() -> RequestId {
        RequestId::new("65f0c0ffee65f0c0ffee65f0".to_owned())
    }

    fn asking(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())])
    }

    async fn body(response: Response<Body>) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn errors_have_the_form_of_the_contract() {
        let violation = Violation::new("email", Fault::Invalid, "This is no email address.");
        let refusal = Refusal::from(Error::invalid(vec![violation]));
        let response = failure(refusal.refused(), &id(), &HeaderMap::new());
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
        let answer = body(failure(Refusal::from(error).refused(), &id(), &HeaderMap::new())).await;
        assert_eq!(answer["error"]["details"], json!([]));
        assert_eq!(answer["error"]["id"], "65f0c0ffee65f0c0ffee65f1");
    }

    #[tokio::test]
    async fn problems_have_the_form_of_rfc_9457() {
        let refusal = Refusal::from(Error::new(Reason::KeyExpired, "The key has expired."));
        let response =
            failure(refusal.refused(), &id(), &asking("text/html, application/problem+json;q=0.9"));
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let expected = json!({
            "type": "/docs/errors#key_expired", "title": "Key expired", "status": 401,
            "detail": "The key has expired.", "code": "key_expired",
            "requestId": "65f0c0ffee65f0c0ffee65f0", "errors": [],
        });
        assert_eq!(body(response).await, expected);
    }

    #[test]
    fn problems_only_where_they_are_asked_for() {
        for (accept, problem) in [
            ("application/problem+json", true),
            ("application/json, Application/Problem+JSON; q=0.5", true),
            ("application/problem+json;q=0", false),
            ("application/json", false),
            ("*/*", false),
            ("application/problem+xml", false),
        ] {
            assert_eq!(wants_problem(&asking(accept)), problem, "{accept}");
        }
        assert!(!wants_problem(&HeaderMap::new()));
    }

    #[test]
    fn every_reason_gets_its_status_and_headers() {
        for &reason in Reason::ALL {
            let refusal = Refusal::from(Error::new(reason, "why"));
            let response = failure(refusal.refused(), &id(), &HeaderMap::new());
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

    #[test]
    fn what_may_be_kept_follows_from_the_etag() {
        let rendered = |etag: Option<&str>| Rendered {
            status: 200,
            body: b"{}".to_vec(),
            location: None,
            etag: etag.map(str::to_owned),
        };
        for (etag, secret, policy) in [
            (None, false, "no-store"),
            (Some("\"1\""), false, "private, no-cache"),
            (Some("\"1\""), true, "no-store"),
            (None, true, "no-store"),
        ] {
            let mut response = success(rendered(etag), secret).unwrap();
            finish(&mut response, &id());
            assert_eq!(response.headers()[CACHE_CONTROL], policy);
            assert_eq!(response.headers()[X_REQUEST_ID], "65f0c0ffee65f0c0ffee65f0");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }
}
