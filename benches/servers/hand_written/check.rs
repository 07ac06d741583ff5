//! The check of a key.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, StatusCode};
use parking_lot::Mutex;

use crate::installation::NO_LIMIT;
use crate::servers::{AGENT, API_KEY, API_SECRET, variable};

/// The keys that are known.
pub(super) struct Check {
    verifier: hmac::Key,
    keys: HashMap<String, Key>,
}

struct Key {
    tag: hmac::Tag,
    agent: String,
    minute: Mutex<Window>,
    hour: Mutex<Window>,
}

/// A window that slides: what the last period had counts by the share of it that still lies within.
struct Window {
    length: Duration,
    began: Instant,
    previous: f64,
    current: f64,
}

/// What is left of both windows.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) minute: u32,
    pub(super) hour: u32,
}

const LIMIT: f64 = NO_LIMIT as f64;

impl Check {
    pub(super) fn from_environment() -> anyhow::Result<Check> {
        let verifier = hmac::Key::new(hmac::HMAC_SHA256, b"a key that a file would hold");
        let (api_key, secret) = (variable(API_KEY)?, variable(API_SECRET)?);
        let key = Key {
            tag: hmac::sign(&verifier, &signed(&api_key, &secret)),
            agent: variable(AGENT)?,
            minute: Mutex::new(Window::new(Duration::from_secs(60))),
            hour: Mutex::new(Window::new(Duration::from_secs(3_600))),
        };
        Ok(Check { verifier, keys: HashMap::from([(api_key, key)]) })
    }

    /// Lets a request through, or says with which status it is refused.
    pub(super) fn headers(&self, headers: &HeaderMap, agent: Option<&str>) -> Result<Limits, StatusCode> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let credentials = header("x-api-key").zip(header("x-api-secret"));
        let (api_key, secret) = credentials.ok_or(StatusCode::UNAUTHORIZED)?;
        self.credentials(api_key, secret, agent)
    }

    pub(super) fn credentials(
        &self,
        api_key: &str,
        secret: &str,
        agent: Option<&str>,
    ) -> Result<Limits, StatusCode> {
        let key = self.keys.get(api_key).ok_or(StatusCode::UNAUTHORIZED)?;
        hmac::verify(&self.verifier, &signed(api_key, secret), key.tag.as_ref())
            .map_err(|_| StatusCode::UNAUTHORIZED)?;
        let now = Instant::now();
        let limits = key.minute.lock().take(now).zip(key.hour.lock().take(now));
        let (minute, hour) = limits.ok_or(StatusCode::TOO_MANY_REQUESTS)?;
        if agent.is_some_and(|agent| agent != key.agent) {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(Limits { minute, hour })
    }
}

fn signed(api_key: &str, secret: &str) -> Vec<u8> {
    [api_key.as_bytes(), b"\0", secret.as_bytes()].concat()
}

impl Window {
    fn new(length: Duration) -> Window {
        Window { length, began: Instant::now(), previous: 0.0, current: 0.0 }
    }

    /// How many are left after this one, if it may pass.
    fn take(&mut self, now: Instant) -> Option<u32> {
        let mut passed = now.duration_since(self.began);
        if passed >= self.length {
            self.previous = if passed < self.length * 2 { self.current } else { 0.0 };
            self.current = 0.0;
            self.began = now;
            passed = Duration::ZERO;
        }
        let share = 1.0 - passed.as_secs_f64() / self.length.as_secs_f64();
        let used = self.current + self.previous * share;
        if used + 1.0 > LIMIT {
            return None;
        }
        self.current += 1.0;
        Some((LIMIT - used - 1.0) as u32)
    }
}

impl Limits {
    /// The headers that every answer has.
    pub(super) fn headers(self) -> [(HeaderName, String); 2] {
        let policy = format!("\"minute\";q={NO_LIMIT};w=60, \"hour\";q={NO_LIMIT};w=3600");
        let left = format!("\"minute\";r={};t=60, \"hour\";r={};t=3600", self.minute, self.hour);
        [(HeaderName::from_static("ratelimit-policy"), policy), (HeaderName::from_static("ratelimit"), left)]
    }
}
