//! Deadlines. They travel as `grpc-timeout` and shrink along the way.

use std::time::Duration;

use http::HeaderMap;

/// The longest that any call may take, streams included.
pub const MAX: Duration = Duration::from_secs(300);

const HEADER: &str = "grpc-timeout";

/// Gives a call this much time.
pub fn set<T>(request: &mut tonic::Request<T>, time: Duration) {
    request.set_timeout(time);
}

/// How much time a call has: what the caller says, at most [`MAX`].
pub fn of(headers: &HeaderMap) -> Duration {
    let said = headers.get(HEADER).and_then(|v| v.to_str().ok()).and_then(parse);
    said.map_or(MAX, |time| time.min(MAX))
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
