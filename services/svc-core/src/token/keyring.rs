//! The public keys that a service knows, kept fresh.
//!
//! A token that names an unknown key makes the keys be fetched at once, so that a rotation fails no
//! request; made-up names cannot make it more often than once a second. Keys are also fetched again
//! after five minutes, so that one that auth-svc has dropped is not accepted for ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use parking_lot::RwLock;
use tokio::sync::{Mutex, MutexGuard};

use super::jwks::{JwkSet, JwksSource};
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Reason};

/// How long after a fetch the next one may begin. A call whose key is not known yet waits for it.
const PAUSE: Duration = Duration::from_secs(1);
/// How old keys may get before they are fetched again.
const REFRESH: Duration = Duration::from_secs(5 * 60);
/// How long after a failure keys that are known are asked for again.
const RETRY: Duration = Duration::from_secs(5);
/// How old keys may get while auth-svc is away. Older ones decide nothing.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// Nothing was fetched yet.
const NEVER: i64 = i64::MIN;
/// What is fixed does not age.
const ALWAYS_FRESH: i64 = i64::MAX;

pub(super) struct KeyRing {
    source: JwksSource,
    clock: Arc<dyn Clock>,
    keys: RwLock<HashMap<String, DecodingKey>>,
    /// When the keys were asked for that are known now.
    fetched: AtomicI64,
    /// How many fetches have begun. Written under `last` only.
    begun: AtomicU64,
    /// How many of them found that a key is gone.
    drops: AtomicU64,
    last: Mutex<Option<Attempt>>,
    pause: Duration,
}

#[derive(Clone, Copy)]
struct Attempt {
    at: Timestamp,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The call that fetched was cut off.
    GivenUp,
    Failed,
    Fetched,
}

impl KeyRing {
    pub(super) fn new(source: JwksSource, clock: Arc<dyn Clock>) -> KeyRing {
        let (keys, fetched) = match &source {
            JwksSource::Fixed(set) => (usable(set), ALWAYS_FRESH),
            _ => (HashMap::new(), NEVER),
        };
        KeyRing {
            source,
            clock,
            keys: RwLock::new(keys),
            fetched: AtomicI64::new(fetched),
            begun: AtomicU64::new(0),
            drops: AtomicU64::new(0),
            last: Mutex::new(None),
            pause: PAUSE,
        }
    }

    /// Changes when a key is gone: what was verified before may have been verified with it.
    pub(super) fn epoch(&self) -> u64 {
        self.drops.load(Ordering::Acquire)
    }

    /// The key of this name, fetched when it is not known. `None` when there is none.
    pub(super) async fn key(&self, kid: &str) -> Result<Option<DecodingKey>, Error> {
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        if self.fetched.load(Ordering::Acquire) == ALWAYS_FRESH {
            return Ok(None);
        }
        let begun = self.begun.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        // A fetch that began after this call did answers for it, too. One that began before may have
        // read the keys before this one was among them.
        match *last {
            Some(Attempt { end: End::Failed, .. }) if self.begun.load(Ordering::Acquire) > begun => {
                return Err(unavailable());
            }
            Some(Attempt { end: End::Fetched, .. }) if self.begun.load(Ordering::Acquire) > begun => {}
            _ if self.known(kid).is_some() => {}
            _ => {
                if let Some(Attempt { at, .. }) = *last {
                    tokio::time::sleep(self.pause.saturating_sub(self.clock.now().since(at))).await;
                }
                self.fetch(&mut last).await?;
            }
        }
        Ok(self.known(kid))
    }

    /// Fetches the keys when they have got old. While that fails, those that are known decide until
    /// they are too old: UNAVAILABLE.
    pub(super) async fn keep_fresh(&self) -> Result<(), Error> {
        let age = self.age();
        if age < REFRESH {
            return Ok(());
        }
        let too_old = age >= MAX_AGE;
        let last = match self.last.try_lock() {
            Ok(last) => Some(last),
            Err(_) if too_old => Some(self.last.lock().await),
            // Someone fetches them; until then these are good.
            Err(_) => None,
        };
        if let Some(mut last) = last
            && self.age() >= REFRESH
            && !self.failed_just_now(&last)
        {
            // It is logged, and below it is decided what follows.
            let _ = self.fetch(&mut last).await;
        }
        match self.age() < MAX_AGE {
            true => Ok(()),
            false => Err(unavailable()),
        }
    }

    fn known(&self, kid: &str) -> Option<DecodingKey> {
        self.keys.read().get(kid).cloned()
    }

    /// Nothing known has no age: the first token asks for it.
    fn age(&self) -> Duration {
        match self.fetched.load(Ordering::Acquire) {
            NEVER | ALWAYS_FRESH => Duration::ZERO,
            at => self.clock.now().since(Timestamp(at)),
        }
    }

    fn failed_just_now(&self, last: &Option<Attempt>) -> bool {
        last.is_some_and(|attempt| attempt.end != End::Fetched && self.clock.now().since(attempt.at) < RETRY)
    }

    async fn fetch(&self, last: &mut MutexGuard<'_, Option<Attempt>>) -> Result<(), Error> {
        let at = self.clock.now();
        self.begun.fetch_add(1, Ordering::AcqRel);
        **last = Some(Attempt { at, end: End::GivenUp });
        let set = self.source.fetch().await.map_err(|error| {
            **last = Some(Attempt { at, end: End::Failed });
            tracing::error!(error = %error, "the public keys of principal tokens cannot be fetched");
            unavailable()
        })?;
        let new = usable(&set);
        let mut keys = self.keys.write();
        let dropped = keys.keys().any(|kid| !new.contains_key(kid));
        *keys = new;
        drop(keys);
        if dropped {
            self.drops.fetch_add(1, Ordering::AcqRel);
        }
        self.fetched.store(at.0, Ordering::Release);
        **last = Some(Attempt { at, end: End::Fetched });
        Ok(())
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
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::clock::ManualClock;
    use crate::token::TokenSigner;

    /// auth-svc as this test wants it: the keys that it shows now; `None` while it is away.
    #[derive(Clone, Default)]
    struct Shown {
        set: Arc<parking_lot::Mutex<Option<JwkSet>>>,
        fetches: Arc<AtomicUsize>,
    }

    impl Shown {
        fn show(&self, signers: &[&TokenSigner]) {
            let keys = signers.iter().map(|signer| signer.public().clone()).collect();
            *self.set.lock() = Some(JwkSet { keys });
        }

        fn ring(&self, clock: &ManualClock) -> Arc<KeyRing> {
            let this = self.clone();
            let source = JwksSource::Test(Arc::new(move || {
                this.fetches.fetch_add(1, Ordering::SeqCst);
                this.set.lock().clone()
            }));
            // The clock stands, so each pause is a whole one.
            let pause = Duration::from_millis(20);
            Arc::new(KeyRing { pause, ..KeyRing::new(source, Arc::new(clock.clone())) })
        }

        fn fetches(&self) -> usize {
            self.fetches.load(Ordering::SeqCst)
        }
    }

    fn signer() -> TokenSigner {
        TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap()
    }

    fn kid(signer: &TokenSigner) -> String {
        signer.public().kid.clone()
    }

    async fn knows(ring: &KeyRing, signer: &TokenSigner) -> bool {
        ring.keep_fresh().await.unwrap();
        ring.key(&kid(signer)).await.unwrap().is_some()
    }

    fn clock() -> ManualClock {
        ManualClock::at(Timestamp(1_800_000_000_000_000))
    }

    #[tokio::test]
    async fn a_new_key_is_known_at_once_even_right_after_a_fetch() {
        let (clock, shown, old, new) = (clock(), Shown::default(), signer(), signer());
        shown.show(&[&old]);
        let ring = shown.ring(&clock);
        assert!(knows(&ring, &old).await && knows(&ring, &old).await);
        assert_eq!(shown.fetches(), 1);
        // Rotated in the same moment: the call waits for the next fetch instead of being refused.
        shown.show(&[&new, &old]);
        assert!(knows(&ring, &new).await && knows(&ring, &old).await);
        assert_eq!(shown.fetches(), 2);
    }

    #[tokio::test]
    async fn made_up_keys_cause_one_fetch_a_second() {
        let (clock, shown, real) = (clock(), Shown::default(), signer());
        shown.show(&[&real]);
        let ring = shown.ring(&clock);
        assert!(knows(&ring, &real).await);
        let calls = (0..500).map(|number| {
            let ring = ring.clone();
            tokio::spawn(async move { ring.key(&format!("made-up-{number}")).await.unwrap().is_none() })
        });
        for refused in futures::future::join_all(calls).await {
            assert!(refused.unwrap());
        }
        assert_eq!(shown.fetches(), 2, "all of them were answered by one");
    }

    #[tokio::test]
    async fn a_key_that_is_dropped_is_not_accepted_after_five_minutes() {
        let (clock, shown, old, new) = (clock(), Shown::default(), signer(), signer());
        shown.show(&[&new, &old]);
        let ring = shown.ring(&clock);
        assert!(knows(&ring, &old).await);
        let epoch = ring.epoch();
        shown.show(&[&new]);
        clock.advance(REFRESH - Duration::from_micros(1));
        assert!(knows(&ring, &old).await);
        assert_eq!((shown.fetches(), ring.epoch()), (1, epoch));
        clock.advance(Duration::from_micros(1));
        assert!(!knows(&ring, &old).await && knows(&ring, &new).await);
        assert_ne!(ring.epoch(), epoch);
    }

    #[tokio::test]
    async fn known_keys_outlast_auth_svc_for_ten_minutes() {
        let (clock, shown, key) = (clock(), Shown::default(), signer());
        let ring = shown.ring(&clock);
        let refused = ring.key(&kid(&key)).await.unwrap_err();
        assert_eq!(refused.reason, Reason::AuthorizationUnavailable, "nothing is known yet");

        shown.show(&[&key]);
        assert!(knows(&ring, &key).await);
        *shown.set.lock() = None;
        let before = shown.fetches();
        clock.advance(REFRESH);
        for _ in 0..10 {
            assert!(knows(&ring, &key).await);
        }
        assert_eq!(shown.fetches(), before + 1, "a failure is not repeated at once");
        clock.advance(MAX_AGE - REFRESH);
        assert_eq!(ring.keep_fresh().await.unwrap_err().reason, Reason::AuthorizationUnavailable);
        clock.advance(RETRY);
        shown.show(&[&key]);
        assert!(knows(&ring, &key).await, "and all is well when it is back");
    }

    #[tokio::test]
    async fn fixed_keys_do_not_age() {
        let (clock, key) = (clock(), signer());
        let set = JwkSet { keys: vec![key.public().clone()] };
        let ring = KeyRing::new(JwksSource::Fixed(set), Arc::new(clock.clone()));
        clock.advance(100 * MAX_AGE);
        assert!(knows(&ring, &key).await && !knows(&ring, &signer()).await);
    }
}
