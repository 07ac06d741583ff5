//! One event for each request, once it is answered. It names the route, never the path: a path can
//! hold the caller's own ids, and those can be email addresses.

use std::net::IpAddr;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, StatusCode, Version};
use svc_core::address::network;
use svc_core::error::Reason;

use super::metrics::method_name;
use crate::answer::{Refused, RequestId, X_REQUEST_ID};
use crate::config::AccessLog;

/// The longest request id of a client that is kept.
const MAX_CLIENT_ID: usize = 64;
/// The `error.type` of an answer that nobody reads any more.
const CLIENT_DISCONNECTED: &str = "client_disconnected";

/// A request and how it ended.
pub(crate) struct Entry<'e> {
    pub(crate) id: &'e RequestId,
    pub(crate) head: &'e Parts,
    pub(crate) route: &'e str,
    pub(crate) client: Option<IpAddr>,
    pub(crate) status: StatusCode,
    /// Why it got no success, or why its answer was cut off.
    pub(crate) refused: Option<&'e Refused>,
    /// The answer ended before all of it was said.
    pub(crate) is_cut_off: bool,
    pub(crate) took: Duration,
}

impl Entry<'_> {
    /// The client's own id of it, when it has the form of one.
    pub(crate) fn client_id(&self) -> Option<&str> {
        client_request_id(&self.head.headers)
    }

    /// Its method, as it is counted and logged.
    pub(crate) fn method(&self) -> &'static str {
        method_name(&self.head.method)
    }

    /// What went wrong, in a word.
    pub(crate) fn error_type(&self) -> Option<&'static str> {
        let reason = self.refused.map(|refused| refused.error.reason.code());
        reason.or(self.is_cut_off.then_some(CLIENT_DISCONNECTED))
    }
}

macro_rules! log_at {
    ($level:ident, $entry:expr) => {
        tracing::$level!(
            request.id = $entry.id.as_str(),
            client.request.id = client_request_id(&$entry.head.headers),
            http.request.method = method_name(&$entry.head.method),
            http.route = $entry.route,
            http.response.status_code = $entry.status.as_u16(),
            error.r#type = $entry.error_type(),
            http.response.cut_off = $entry.is_cut_off.then_some(true),
            network.protocol.version = protocol_version($entry.head.version),
            client.network = $entry.client.map(network).map(tracing::field::display),
            duration_ms = $entry.took.as_secs_f64() * 1_000.0,
            "request"
        )
    };
}

/// Writes the entry.
pub(crate) fn write(level: AccessLog, entry: &Entry<'_>) {
    match level {
        AccessLog::Info => log_at!(info, entry),
        AccessLog::Debug => log_at!(debug, entry),
    }
    if let Some(refused) = entry.refused {
        fault(entry, refused);
    }
}

/// A fault of ours is logged with its cause, whatever the level of requests.
fn fault(entry: &Entry<'_>, refused: &Refused) {
    let reason = refused.error.reason;
    let cause = refused.cause.as_deref().unwrap_or("none given");
    let (id, route) = (entry.id.as_str(), entry.route);
    match reason.http() {
        // What is not built yet is no fault of this moment.
        501 | ..500 => {}
        // Counted, and said now and then: a line for each would be work in the wrong moment.
        _ if reason == Reason::Overloaded => {}
        500 | 502 => tracing::error!(
            request.id = id,
            http.route = route,
            error.r#type = reason.code(),
            cause,
            "a request failed"
        ),
        _ => tracing::warn!(
            request.id = id,
            http.route = route,
            error.r#type = reason.code(),
            cause,
            "a request failed"
        ),
    }
}

fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        _ => "2",
    }
}

/// The client's own id of the request, when it has the form of one.
fn client_request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let character = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    ((1..=MAX_CLIENT_ID).contains(&id.len()) && id.bytes().all(character)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Refusal;
    use svc_core::error::Error;

    #[test]
    fn an_answer_that_is_cut_off_says_why() {
        let refusal = Refusal::from(Error::new(Reason::DeadlineExceeded, "late"));
        let (head, ()) = http::Request::new(()).into_parts();
        let id = RequestId::new("65f0c0ffee65f0c0ffee65f0".to_owned());
        for (refused, is_cut_off, error) in [
            (None, false, None),
            (Some(refusal.refused()), true, Some("deadline_exceeded")),
            (None, true, Some(CLIENT_DISCONNECTED)),
        ] {
            let entry = Entry {
                id: &id,
                head: &head,
                route: "/v1/x",
                client: None,
                status: StatusCode::OK,
                refused,
                is_cut_off,
                took: Duration::ZERO,
            };
            assert_eq!(entry.error_type(), error);
        }
    }

    #[test]
    fn ids_of_clients() {
        for (id, kept) in [
            ("a-B_1.2", true),
            (&*"x".repeat(64), true),
            (&*"x".repeat(65), false),
            ("", false),
            ("a b", false),
            ("a/b", false),
        ] {
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, id.parse().unwrap())]);
            assert_eq!(client_request_id(&headers), kept.then_some(id), "{id}");
        }
    }
}
