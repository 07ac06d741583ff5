//! Rate headers: the fields of draft-ietf-httpapi-ratelimit-headers, and the older `X-RateLimit-*` for the
//! tighter window. On every answer after the secret was proven.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue};
use keyward_proto::auth::v1 as pb;
use svc_core::clock::Timestamp;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const SECRET_EXPIRES: HeaderName = HeaderName::from_static("x-api-secret-expires");

/// Room for the longest of the two fields with both windows.
const ROOM: usize = 64;

/// What auth-svc says beside its decision, once the secret was proven.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proven {
    /// Both windows.
    pub(crate) windows: Option<(pb::RateWindow, pb::RateWindow)>,
    /// Until when the secret works that was presented, when it is the older one of a rotation.
    pub(crate) secret_expires_at: Option<Timestamp>,
}

impl Proven {
    /// From the answer of auth-svc.
    pub(crate) fn from_answer(
        rate: Option<pb::RateState>,
        expires: Option<&prost_types::Timestamp>,
    ) -> Proven {
        let windows = rate.and_then(|rate| Some((rate.minute?, rate.hour?)));
        Proven { windows, secret_expires_at: expires.and_then(Timestamp::from_proto) }
    }

    /// Writes the headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some((minute, hour)) = &self.windows {
            let mut policy = String::with_capacity(ROOM);
            let mut state = String::with_capacity(ROOM);
            // Writing to a String cannot fail.
            let _ = write!(policy, "\"minute\";q={};w=60, \"hour\";q={};w=3600", minute.limit, hour.limit);
            let _ = write!(
                state,
                "\"minute\";r={};t={}, \"hour\";r={};t={}",
                minute.remaining, minute.reset_seconds, hour.remaining, hour.reset_seconds
            );
            let tighter = if hour.remaining < minute.remaining { hour } else { minute };
            text(headers, POLICY, policy);
            text(headers, STATE, state);
            headers.insert(LIMIT, HeaderValue::from(tighter.limit));
            headers.insert(REMAINING, HeaderValue::from(tighter.remaining));
            headers.insert(RESET, HeaderValue::from(tighter.reset_seconds));
        }
        if let Some(at) = self.secret_expires_at {
            text(headers, SECRET_EXPIRES, at.to_string());
        }
    }
}

fn text(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_s_words() {
        let window = |limit, remaining, reset_seconds| pb::RateWindow { limit, remaining, reset_seconds };
        for (minute, hour, limit, remaining, reset) in [
            (window(60, 59, 61), window(1_000, 999, 3_641), "60", "59", "61"),
            (window(60, 30, 5), window(100, 2, 900), "100", "2", "900"),
            (window(60, 2, 5), window(100, 2, 900), "60", "2", "5"),
        ] {
            let mut headers = HeaderMap::new();
            Proven { windows: Some((minute, hour)), secret_expires_at: Some(Timestamp(0)) }
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
        Proven::default().write(&mut headers);
        assert!(headers.is_empty());
    }
}
