//! Which pages of other origins may call from a browser (the Fetch standard, CORS). Credentials travel in headers of
//! their own, never in cookies, so no answer allows those.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use crate::config::Origins;

/// What a page may read of an answer beside its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "allow, content-disposition, etag, grpc-message, grpc-status, grpc-status-details-bin, idempotent-replayed, \
     location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-api-secret-expires, \
     x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id",
);
/// For how long a browser may remember what it may send, in seconds: as long as any does.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origins that may call.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: Vec<HeaderValue>,
    any: bool,
}

impl Cors {
    /// `None` when no page of another origin may.
    pub(crate) fn of(origins: &Origins) -> Option<Cors> {
        let any = origins.0.iter().any(|origin| origin == Origins::ANY);
        let origins: Vec<HeaderValue> =
            origins.0.iter().filter_map(|o| HeaderValue::try_from(o).ok()).collect();
        (!origins.is_empty()).then_some(Cors { origins, any })
    }

    /// Tells a browser whether the page may have this answer, and what it may send.
    pub(crate) fn write(&self, asked: &Parts, answer: &mut HeaderMap) {
        // What a cache keeps for one origin is not for another.
        answer.append(VARY, HeaderValue::from_static("origin"));
        let Some(origin) = asked.headers.get(ORIGIN) else { return };
        if !self.any && !self.origins.contains(origin) {
            return;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if asked.method != Method::OPTIONS || !asked.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            return;
        }
        if let Some(methods) = answer.get(ALLOW).cloned() {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        // Whatever it wants to send: the edge reads what it knows, and hands none on.
        if let Some(headers) = asked.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
        }
        answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}
