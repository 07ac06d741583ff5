//! The public keys that a service knows, kept fresh.
//!
//! They are fetched in the background, so that no request waits for it and a key that auth-svc has dropped
//! goes soon. A token that names a key which is not known makes them be fetched at once, so that a rotation
//! fails no request; made-up names cannot make it more often than once a second, and whoever waits for it
//! takes no place that others need.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use jsonwebtoken::DecodingKey;
use parking_lot::RwLock;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::jwks::{Fetch, FetchError, Fetched, JwkSet};
use super::skew::Skew;
use super::telemetry::TokenMetrics;
use crate::health::Condition;
use svc_core::clock::{Clock, Uptime};
use svc_core::error::{Error, Reason, cause};

/// How long after a fetch the next one begins: how long a key that auth-svc has dropped is still accepted.
const REFRESH: Duration = Duration::from_secs(10);
/// How long after a fetch that failed the next one begins.
const RETRY: Duration = Duration::from_secs(1);
/// How long after a fetch that a call has asked for the next such one may begin.
const PAUSE: Duration = Duration::from_secs(1);
/// How long keys decide while auth-svc cannot be asked. Older ones decide nothing.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// How many calls may wait for a key that is not known. More are refused at once.
const MAX_WAITING: usize = 1_024;

/// What is fixed does not age.
const FOR_EVER: u64 = u64::MAX;

pub(super) struct KeyRing {
    shared: Arc<Shared>,
    /// `None` for keys that are fixed.
    refreshing: Option<AbortOnDropHandle<()>>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    keys: RwLock<Keys>,
    /// Until when they decide, in microseconds of the uptime.
    good_until: AtomicU64,
    /// How many fetches found that a key is gone.
    drops: AtomicU64,
    /// How many fetches have begun.
    begun: AtomicU64,
    ended: watch::Sender<Ended>,
    asked_for: Notify,
    waiting: Semaphore,
    metrics: TokenMetrics,
}

#[derive(Default)]
struct Keys {
    by_name: HashMap<String, DecodingKey>,
    /// Names that calls have waited for and that the last fetch did not find: at most [`MAX_WAITING`].
    unknown: HashSet<String>,
    /// Until when that is taken for an answer.
    unknown_until: Uptime,
}

/// The last fetch that has ended.
#[derive(Clone, Copy)]
struct Ended {
    /// Which one, from 1.
    number: u64,
    succeeded: bool,
}

impl KeyRing {
    /// Keys that never change.
    pub(super) fn fixed(set: &JwkSet, clock: Arc<dyn Clock>, metrics: TokenMetrics) -> KeyRing {
        KeyRing { shared: Shared::new(usable(set), FOR_EVER, clock, metrics), refreshing: None }
    }

    /// Keys that are fetched, beginning now. Within a runtime.
    pub(super) fn fetched(
        fetcher: impl Fetch,
        clock: Arc<dyn Clock>,
        metrics: TokenMetrics,
        skew: Arc<Skew>,
        condition: Condition,
    ) -> KeyRing {
        let shared = Shared::new(HashMap::new(), 0, clock, metrics);
        let refreshing = tokio::spawn(refresh(shared.clone(), fetcher, skew, condition));
        KeyRing { shared, refreshing: Some(AbortOnDropHandle::new(refreshing)) }
    }

    /// Changes when a key is gone: what was verified before may have been verified with it.
    pub(super) fn epoch(&self) -> u64 {
        self.shared.drops.load(Ordering::Acquire)
    }

    /// Whether what is known may decide.
    pub(super) fn is_good(&self, now: Uptime) -> bool {
        now.0 < self.shared.good_until.load(Ordering::Acquire)
    }

    /// The key of this name, as far as it is known.
    pub(super) fn known(&self, kid: &str) -> Option<DecodingKey> {
        if !self.is_good(self.shared.clock.uptime()) {
            return None;
        }
        self.shared.keys.read().by_name.get(kid).cloned()
    }

    /// Waits until it is known whether there is a key of this name: for a fetch that begins after this call.
    /// One that began before may have read the keys before this one was among them. UNAVAILABLE when it
    /// fails, or when too many wait.
    pub(super) async fn learn(&self, kid: &str) -> Result<(), Error> {
        let shared = &self.shared;
        if self.refreshing.is_none() || shared.is_unknown(kid) {
            return Ok(());
        }
        let Ok(_waiting) = shared.waiting.try_acquire() else {
            shared.metrics.calls_refused.inc();
            return Err(unavailable());
        };
        let mut ended = shared.ended.subscribe();
        let begun = shared.begun.load(Ordering::Acquire);
        shared.asked_for.notify_one();
        let ended = *ended.wait_for(|ended| ended.number > begun).await.map_err(|_| unavailable())?;
        match ended.succeeded {
            true => {
                shared.note_unknown(kid);
                Ok(())
            }
            false => Err(unavailable()),
        }
    }

    /// Waits for the end of the first fetch, however it ends.
    pub(super) async fn begun(&self) {
        if self.refreshing.is_some() {
            let _ = self.shared.ended.subscribe().wait_for(|ended| ended.number > 0).await;
        }
    }
}

impl Shared {
    fn new(
        by_name: HashMap<String, DecodingKey>,
        good_until: u64,
        clock: Arc<dyn Clock>,
        metrics: TokenMetrics,
    ) -> Arc<Shared> {
        Arc::new(Shared {
            clock,
            keys: RwLock::new(Keys { by_name, ..Keys::default() }),
            good_until: AtomicU64::new(good_until),
            drops: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            ended: watch::Sender::new(Ended { number: 0, succeeded: false }),
            asked_for: Notify::new(),
            waiting: Semaphore::new(MAX_WAITING),
            metrics,
        })
    }

    fn is_unknown(&self, kid: &str) -> bool {
        let keys = self.keys.read();
        self.clock.uptime() < keys.unknown_until && keys.unknown.contains(kid)
    }

    fn note_unknown(&self, kid: &str) {
        let mut keys = self.keys.write();
        if !keys.by_name.contains_key(kid) && keys.unknown.len() < MAX_WAITING {
            keys.unknown.insert(kid.to_owned());
        }
    }

    /// Takes what was fetched from a moment on.
    fn take(&self, set: &JwkSet, from: Uptime) -> Result<(), FetchError> {
        let new = usable(set);
        if new.is_empty() {
            // Whoever signs shows a key: this is not auth-svc.
            return Err(FetchError::NoKeys);
        }
        let mut keys = self.keys.write();
        let dropped = keys.by_name.keys().any(|kid| !new.contains_key(kid));
        *keys = Keys { by_name: new, unknown: HashSet::new(), unknown_until: from.plus(PAUSE) };
        drop(keys);
        if dropped {
            self.drops.fetch_add(1, Ordering::AcqRel);
        }
        self.good_until.store(from.plus(KEPT).0, Ordering::Release);
        Ok(())
    }
}

/// Fetches the keys again and again.
async fn refresh(shared: Arc<Shared>, mut fetcher: impl Fetch, skew: Arc<Skew>, condition: Condition) {
    let mut fetched_at = None;
    let mut away = false;
    let mut may_be_asked = Instant::now();
    loop {
        // Whoever has asked until now gets what begins now.
        let _ = shared.asked_for.notified().now_or_never();
        let number = shared.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let (began, from) = (Instant::now(), shared.clock.uptime());
        let outcome = fetcher.fetch().await.and_then(|Fetched { set, date }| {
            skew.of_keys(date, from);
            shared.take(&set, from)
        });
        match &outcome {
            Ok(()) => {
                if away {
                    tracing::info!("the public keys of principal tokens are fetched again");
                }
                fetched_at = Some(from);
            }
            Err(error) => {
                shared.metrics.fetches_failed.inc();
                // Once, and not every second until it is over.
                if !away {
                    let cause = cause(error);
                    tracing::error!(error = %error, cause, "the public keys of principal tokens cannot be fetched");
                }
            }
        }
        away = outcome.is_err();
        if let Some(fetched_at) = fetched_at {
            shared.metrics.show_age(shared.clock.uptime().since(fetched_at));
        }
        match shared.clock.uptime().0 < shared.good_until.load(Ordering::Acquire) {
            true => condition.ok(),
            false => {
                condition.failed("no auth-svc has shown its public keys for an hour, or since the start")
            }
        }
        shared.ended.send_replace(Ended { number, succeeded: !away });
        let next = began + if away { RETRY } else { REFRESH };
        let asked_for = async {
            sleep_until(may_be_asked).await;
            shared.asked_for.notified().await;
        };
        tokio::select! {
            () = asked_for => may_be_asked = Instant::now() + PAUSE,
            () = sleep_until(next) => {}
        }
    }
}

/// The keys of a set that we can verify with.
fn usable(set: &JwkSet) -> HashMap<String, DecodingKey> {
    let ed25519 = set.keys.iter().filter(|jwk| jwk.crv == "Ed25519");
    let keys =
        ed25519.filter_map(|jwk| Some((jwk.kid.clone(), DecodingKey::from_ed_components(&jwk.x).ok()?)));
    keys.collect()
}

fn unavailable() -> Error {
    Error::new(Reason::AuthorizationUnavailable, "The principal cannot be verified now.")
        .retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
