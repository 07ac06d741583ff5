//! One event for each request, once it is answered. It names the route, never the path: a path can
//! hold the caller's own ids, and those can be email addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version};

use crate::answer::{Refused, RequestId, X_REQUEST_ID};
use crate::config::AccessLog;

/// The longest request id of a client that is kept.
const MAX_CLIENT_ID: usize = 64;

/// A request and how it ended.
pub(crate) struct Entry<'e> {
    pub(crate) id: &'e RequestId,
    pub(crate) head: &'e Parts,
    pub(crate) route: &'e str,
    pub(crate) client: Option<IpAddr>,
    pub(crate) status: StatusCode,
    pub(crate) refused: Option<&'e Refused>,
    pub(crate) took: Duration,
}

macro_rules! log_at {
    ($level:ident, $entry:expr) => {
        tracing::$level!(
            request.id = $entry.id.as_str(),
            client.request.id = client_request_id(&$entry.head.headers),
            http.request.method = method($entry.head),
            http.route = $entry.route,
            http.response.status_code = $entry.status.as_u16(),
            error.r#type = $entry.refused.map(|r| r.error.reason.code()),
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

/// A method that we know, for a client can make up any.
fn method(head: &Parts) -> &str {
    match head.method {
        Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE => head.method.as_str(),
        Method::HEAD | Method::OPTIONS | Method::TRACE | Method::CONNECT => head.method.as_str(),
        _ => "_OTHER",
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

/// The network of an address, which is enough to see where trouble comes from and names nobody: the
/// /24 of IPv4, the /48 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn no_full_addresses() {
        for (address, shown) in [("192.0.2.77", "192.0.2.0"), ("2001:db8:1:2:3::4", "2001:db8:1::")] {
            assert_eq!(network(address.parse().unwrap()).to_string(), shown);
        }
    }
}
