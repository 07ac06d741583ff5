//! Rate headers: the fields of draft-ietf-httpapi-ratelimit-headers, and the older `X-RateLimit-*` for the
//! tighter window. On every answer after the secret was proven.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use svc_core::clock::Timestamp;
use svc_core::json;
use svc_runtime::authorize::Windows;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const SECRET_EXPIRES: HeaderName = HeaderName::from_static("x-api-secret-expires");

/// Room for all five values with the largest limits by default.
const ROOM: usize = 128;

/// What auth-svc says beside its decision, once the secret was proven.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateHeaders {
    /// Both windows.
    pub(crate) windows: Option<Windows>,
    /// Until when the secret works that was presented, when it is the older one of a rotation.
    pub(crate) secret_expires_at: Option<Timestamp>,
}

impl RateHeaders {
    /// Writes the headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(windows) = self.windows {
            write_windows(headers, windows);
        }
        if let Some(at) = self.secret_expires_at {
            text(headers, SECRET_EXPIRES, at.to_string());
        }
    }
}

/// The five headers share one piece of memory: they are on nearly every answer.
fn write_windows(headers: &mut HeaderMap, Windows { minute, hour }: Windows) {
    let tighter = if hour.remaining < minute.remaining { hour } else { minute };
    let mut values = Vec::with_capacity(ROOM);
    let mut add = |parts: &[(&str, u32)], last: &str| {
        for (words, number) in parts {
            values.extend_from_slice(words.as_bytes());
            json::number(&mut values, number);
        }
        values.extend_from_slice(last.as_bytes());
        values.len()
    };
    let policy = [("\"minute\";q=", minute.limit), (";w=60, \"hour\";q=", hour.limit)];
    let state = [
        ("\"minute\";r=", minute.remaining),
        (";t=", minute.reset_seconds),
        (", \"hour\";r=", hour.remaining),
        (";t=", hour.reset_seconds),
    ];
    let ends = [
        (POLICY, add(&policy, ";w=3600")),
        (STATE, add(&state, "")),
        (LIMIT, add(&[("", tighter.limit)], "")),
        (REMAINING, add(&[("", tighter.remaining)], "")),
        (RESET, add(&[("", tighter.reset_seconds)], "")),
    ];
    let values = Bytes::from(values);
    let mut start = 0;
    for (name, end) in ends {
        // They are ASCII, so the other arm is never taken.
        if let Ok(value) = HeaderValue::from_maybe_shared(values.slice(start..end)) {
            headers.insert(name, value);
        }
        start = end;
    }
}

fn text(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use svc_runtime::authorize::Window;

    use super::*;

    #[test]
    fn the_contract_s_words() {
        let window = |limit, remaining, reset_seconds| Window { limit, remaining, reset_seconds };
        for (minute, hour, limit, remaining, reset) in [
            (window(60, 59, 61), window(1_000, 999, 3_641), "60", "59", "61"),
            (window(60, 30, 5), window(100, 2, 900), "100", "2", "900"),
            (window(60, 2, 5), window(100, 2, 900), "60", "2", "5"),
        ] {
            let mut headers = HeaderMap::new();
            RateHeaders { windows: Some(Windows { minute, hour }), secret_expires_at: Some(Timestamp(0)) }
                .write(&mut headers);
            let is = |name: &str, value: &str| assert_eq!(headers[name], value, "{name}");
            is(
                "ratelimit-policy",
                &format!("\"minute\";q={};w=60, \"hour\";q={};w=3600", minute.limit, hour.limit),
            );
            is(
                "ratelimit",
                &format!(
                    "\"minute\";r={};t={}, \"hour\";r={};t={}",
                    minute.remaining, minute.reset_seconds, hour.remaining, hour.reset_seconds
                ),
            );
            is("x-ratelimit-limit", limit);
            is("x-ratelimit-remaining", remaining);
            is("x-ratelimit-reset", reset);
            is("x-api-secret-expires", "1970-01-01T00:00:00.000Z");
        }
    }

    #[test]
    fn nothing_is_written_before_the_secret_is_proven() {
        let mut headers = HeaderMap::new();
        RateHeaders::default().write(&mut headers);
        assert!(headers.is_empty());
    }
}
