//! Deadlines. They travel as `grpc-timeout` and shrink along the way.

use std::time::Duration;

use http::HeaderMap;

use svc_core::policy::MAX_DEADLINE;

const HEADER: &str = "grpc-timeout";

/// Gives a call this much time.
pub fn set<T>(request: &mut tonic::Request<T>, time: Duration) {
    request.set_timeout(time);
}

/// How much time a call has: what the caller says, at most [`MAX_DEADLINE`].
pub fn of(headers: &HeaderMap) -> Duration {
    given(headers).map_or(MAX_DEADLINE, |time| time.min(MAX_DEADLINE))
}

/// The time that a caller gives is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("grpc-timeout is not up to 8 digits and a unit")]
pub struct BadTimeout;

/// How much time the caller gives, if it says.
///
/// # Errors
/// When what it says is no time.
pub fn asked(headers: &HeaderMap) -> Result<Option<Duration>, BadTimeout> {
    match headers.get(HEADER) {
        None => Ok(None),
        Some(_) => given(headers).map(Some).ok_or(BadTimeout),
    }
}

fn given(headers: &HeaderMap) -> Option<Duration> {
    headers.get(HEADER)?.to_str().ok().and_then(parse)
}

/// How much earlier a service ends a call, so that the caller gets its word for it and not that of tonic's timer
/// there, which says CANCELLED.
const EARLIER: Duration = Duration::from_millis(5);

/// How much time a service has for a call.
pub(super) fn of_service(headers: &HeaderMap) -> Duration {
    earlier(of(headers))
}

/// How much time a service has for a call that comes with others and has so much time by its caller's word.
pub(super) fn of_batched(time: Duration) -> Duration {
    earlier(time.min(MAX_DEADLINE))
}

/// How much time a service has for a call that may last as long as its caller wants.
pub(super) fn of_long_lived(headers: &HeaderMap) -> Option<Duration> {
    given(headers).map(earlier)
}

fn earlier(time: Duration) -> Duration {
    time - EARLIER.min(time / 10)
}

/// `TimeoutValue TimeoutUnit` of the gRPC protocol: up to 8 digits and one of `H M S m u n`.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3_600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeouts() {
        for (text, time) in [
            ("1H", Some(Duration::from_secs(3_600))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("250m", Some(Duration::from_millis(250))),
            ("7u", Some(Duration::from_micros(7))),
            ("", None),
            ("m", None),
            ("1", None),
            ("-1S", None),
            ("100000000S", None),
            ("1x", None),
            ("1é", None),
        ] {
            assert_eq!(parse(text), time, "{text}");
        }
    }
}
