//! Answers: what every one carries, and what becomes of a success and of an error.

mod accept;
mod body;
pub(crate) mod events;
mod failure;
mod refusal;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body as _;
use serde::Serialize;
use svc_core::error::{Error, Reason};
use svc_runtime::grpc::caller::REQUEST_ID;

use crate::transcode::Rendered;

pub(crate) use accept::quality;
pub(crate) use body::{Body, End, Frames};
pub(crate) use refusal::{Refusal, Refused};

/// Ours, on every answer.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID);

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
/// Tells nginx not to wait until it has more.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const ATTACHMENT: HeaderValue = HeaderValue::from_static("attachment");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// How a service says how long its content is: HTTP/2 counts the length of its messages.
const X_CONTENT_LENGTH: HeaderName = HeaderName::from_static("x-content-length");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

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

/// The answer that a service made, now or to an earlier call with the same `Idempotency-Key`.
pub(crate) fn success(rendered: Rendered, secret: bool, replayed: bool) -> Result<Response<Body>, Refusal> {
    let text =
        |value: String| HeaderValue::try_from(value).map_err(|e| Refusal::from(Error::internal()).because(e));
    let mut response = Response::new(Body::from(rendered.body));
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
    if replayed {
        say_replayed(headers);
    }
    // An answer with a secret is kept nowhere, whatever else it carries.
    if secret {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    Ok(response)
}

/// Says that it is the answer of an earlier call with the same `Idempotency-Key`.
pub(crate) fn say_replayed(headers: &mut HeaderMap) {
    headers.insert(IDEMPOTENT_REPLAYED, TRUE);
}

/// The browser is led on. What brought it here stays out of what it says there.
pub(crate) fn redirect(location: &str) -> Result<Response<Body>, Refusal> {
    let location =
        HeaderValue::try_from(location).map_err(|e| Refusal::from(Error::internal()).because(e))?;
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    Ok(response)
}

/// The answer of a service that gives bytes: of the type that it names, whole or as they come.
pub(crate) fn bytes(status: u16, content_type: &[u8], body: Body) -> Result<Response<Body>, Refusal> {
    let content_type = match content_type {
        [] => OCTETS,
        named => HeaderValue::from_bytes(named).map_err(|e| {
            let message = "The service behind gave an answer that cannot be read.";
            Refusal::from(Error::new(Reason::BadGateway, message)).because(e)
        })?,
    };
    let mut response = with_type(status, content_type, body)?;
    let headers = response.headers_mut();
    // No page of ours, whatever its bytes are, unless a service names it otherwise, and nothing for other sites.
    headers.insert(CONTENT_DISPOSITION, ATTACHMENT);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
    // Should a browser show it all the same, it runs nothing and sees nothing of ours.
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    Ok(response)
}

/// What a service says of the bytes that it gives, of which a part may be asked for.
pub(crate) struct Part {
    etag: Option<HeaderValue>,
    disposition: Option<HeaderValue>,
    length: Option<u64>,
    range: Option<HeaderValue>,
}

impl Part {
    /// From the metadata of its answer.
    pub(crate) fn of(metadata: &HeaderMap) -> Part {
        let said = |name: &HeaderName| metadata.get(name).cloned();
        let length = metadata.get(X_CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        Part {
            etag: said(&ETAG),
            disposition: said(&CONTENT_DISPOSITION),
            length,
            range: said(&CONTENT_RANGE),
        }
    }

    /// Its entity tag.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_ref()?.to_str().ok()
    }

    /// Puts it into the head of the answer.
    pub(crate) fn write(self, response: &mut Response<Body>) {
        if self.range.is_some() {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        let headers = response.headers_mut();
        headers.insert(ACCEPT_RANGES, BYTES);
        let said = [(ETAG, self.etag), (CONTENT_DISPOSITION, self.disposition), (CONTENT_RANGE, self.range)];
        for (name, value) in said {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        if let Some(length) = self.length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
    }
}

/// The answer of a service of which each message is a line of JSON.
pub(crate) fn lines(status: u16, body: Frames) -> Result<Response<Body>, Refusal> {
    with_type(status, LINES, Body::streamed(body))
}

/// The answer of a service of which each message is an event. What fails on the way is told in an event, too.
pub(crate) fn events(status: u16, body: Frames, id: RequestId) -> Result<Response<Body>, Refusal> {
    let body = Body::streamed_to_the_end(body, move |refused| events::error(refused, &id));
    let mut response = with_type(status, EVENTS, body)?;
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

fn with_type(status: u16, content_type: HeaderValue, body: Body) -> Result<Response<Body>, Refusal> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Error::internal())?;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
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
    let mut response = Response::new(Body::from(body.into_bytes()));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// 304: the caller has this version already.
pub(crate) fn not_modified(etag: &str) -> Result<Response<Body>, Refusal> {
    let etag = HeaderValue::try_from(etag).map_err(|e| Refusal::from(Error::internal()).because(e))?;
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// The answer to OPTIONS: which methods there are.
pub(crate) fn options(methods: &str) -> Result<Response<Body>, Refusal> {
    let methods = HeaderValue::try_from(methods).map_err(|e| Refusal::from(Error::internal()).because(e))?;
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, methods);
    Ok(response)
}

/// A refusal, in the form that the caller asks for.
pub(crate) fn failure(refused: &Refused, id: &RequestId, asked: &HeaderMap) -> Response<Body> {
    failure::response(refused, id, asked).map(Body::from)
}

/// The same answer to HEAD: with the length that its body would have, where that is known, and without it.
pub(crate) fn without_body(response: &mut Response<Body>) {
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return;
    }
    let body = std::mem::take(response.body_mut());
    if let Some(length) = body.size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> RequestId {
        RequestId::new("65f0c0ffee65f0c0ffee65f0".to_owned())
    }

    #[test]
    fn what_may_be_kept_follows_from_the_etag() {
        let rendered = |etag: Option<&str>| Rendered {
            status: 200,
            body: b"{}".to_vec(),
            location: None,
            etag: etag.map(str::to_owned),
            cookie: None,
            redirect: None,
        };
        for (etag, secret, policy) in [
            (None, false, "no-store"),
            (Some("\"1\""), false, "private, no-cache"),
            (Some("\"1\""), true, "no-store"),
            (None, true, "no-store"),
        ] {
            let mut response = success(rendered(etag), secret, false).unwrap();
            finish(&mut response, &id());
            assert_eq!(response.headers()[CACHE_CONTROL], policy);
            assert_eq!(response.headers()[X_REQUEST_ID], "65f0c0ffee65f0c0ffee65f0");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }
}
