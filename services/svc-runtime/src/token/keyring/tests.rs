use std::sync::atomic::AtomicUsize;

use super::*;
use crate::health::Health;
use crate::telemetry::Metrics;
use crate::token::TokenSigner;
use svc_core::clock::{ManualClock, Timestamp};

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

    fn go_away(&self) {
        *self.set.lock() = None;
    }

    fn ring(&self, clock: &ManualClock) -> Arc<KeyRing> {
        ring(self.clone(), clock)
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl Fetch for Shown {
    async fn fetch(&mut self) -> Result<Fetched, FetchError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let set = self.set.lock().clone().ok_or(FetchError::NoKeys)?;
        Ok(Fetched { set, date: None })
    }
}

fn ring(fetcher: impl Fetch, clock: &ManualClock) -> Arc<KeyRing> {
    let (clock, metrics) = (Arc::new(clock.clone()), TokenMetrics::new(&Metrics::new()));
    let skew = Arc::new(Skew::new(clock.clone(), metrics.clone()));
    let condition = Health::new(&Metrics::new()).of("contacts").condition("signing-keys");
    Arc::new(KeyRing::fetched(fetcher, clock, metrics, skew, condition))
}

fn signer() -> TokenSigner {
    TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap()
}

/// Whether it is known without waiting.
fn has(ring: &KeyRing, signer: &TokenSigner) -> bool {
    ring.known(&signer.public().kid).is_some()
}

/// Whether a call that names it is let through, as [`crate::token::TokenVerifier::verify`] does it.
async fn accepts(ring: &KeyRing, kid: &str) -> Result<bool, Error> {
    if ring.known(kid).is_none() {
        ring.learn(kid).await?;
    }
    Ok(ring.known(kid).is_some())
}

async fn knows(ring: &KeyRing, signer: &TokenSigner) -> bool {
    accepts(ring, &signer.public().kid).await.unwrap()
}

fn clock() -> ManualClock {
    ManualClock::at(Timestamp(1_800_000_000_000_000))
}

/// Time passes on both clocks, and what is due happens.
async fn pass(clock: &ManualClock, time: Duration) {
    clock.advance(time);
    tokio::time::sleep(time).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

const A_MOMENT: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn a_new_key_is_known_at_once_even_right_after_a_fetch() {
    let (clock, shown, old, new) = (clock(), Shown::default(), signer(), signer());
    shown.show(&[&old]);
    let ring = shown.ring(&clock);
    assert!(knows(&ring, &old).await && knows(&ring, &old).await);
    assert_eq!(shown.fetches(), 1);
    // Rotated in the same moment: the call waits for a fetch of its own instead of being refused.
    shown.show(&[&new, &old]);
    let asked = Instant::now();
    assert!(knows(&ring, &new).await && knows(&ring, &old).await);
    assert_eq!((shown.fetches(), asked.elapsed()), (2, Duration::ZERO));
    // And again, now for the next fetch that calls may ask for.
    let newest = signer();
    shown.show(&[&newest]);
    assert!(knows(&ring, &newest).await && !has(&ring, &new));
    assert_eq!((shown.fetches(), asked.elapsed()), (3, PAUSE));
}

#[tokio::test(start_paused = true)]
async fn made_up_keys_cause_one_fetch_a_second() {
    let (clock, shown, real) = (clock(), Shown::default(), signer());
    shown.show(&[&real]);
    let ring = shown.ring(&clock);
    assert!(knows(&ring, &real).await);
    let calls = (0..500).map(|number| {
        let ring = ring.clone();
        tokio::spawn(async move { accepts(&ring, &format!("made-up-{number}")).await.unwrap() })
    });
    for accepted in futures::future::join_all(calls).await {
        assert!(!accepted.unwrap());
    }
    assert_eq!(shown.fetches(), 2, "all of them were answered by one");
    let asked = Instant::now();
    for number in 0..500 {
        assert!(!accepts(&ring, &format!("made-up-{number}")).await.unwrap());
    }
    assert_eq!((shown.fetches(), asked.elapsed()), (2, Duration::ZERO), "what is known to be unknown");
    for _ in 0..5 {
        pass(&clock, PAUSE).await;
        let calls = (0..500).map(|_| accepts(&ring, "made-up-again"));
        futures::future::join_all(calls).await;
    }
    assert_eq!(shown.fetches(), 7);
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_may_wait_are_refused_at_once() {
    let (clock, shown, real) = (clock(), Shown::default(), signer());
    shown.show(&[&real]);
    let ring = shown.ring(&clock);
    // One fetch was asked for just now, so the next begins in a second.
    assert!(knows(&ring, &real).await && !accepts(&ring, "made-up").await.unwrap());
    let waiting: Vec<_> = (0..MAX_WAITING)
        .map(|number| {
            let ring = ring.clone();
            tokio::spawn(async move { accepts(&ring, &format!("made-up-{number}")).await })
        })
        .collect();
    pass(&clock, A_MOMENT).await;
    let asked = Instant::now();
    let refused = accepts(&ring, "one-more").await.unwrap_err();
    assert_eq!((refused.reason, asked.elapsed()), (Reason::AuthorizationUnavailable, Duration::ZERO));
    assert_eq!(ring.shared.metrics.calls_refused.get(), 1);
    assert!(knows(&ring, &real).await, "what is known does not wait");
    for waited in futures::future::join_all(waiting).await {
        assert!(!waited.unwrap().unwrap());
    }
    assert!(!accepts(&ring, "one-more").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_dropped_goes_within_ten_seconds() {
    let (clock, shown, old, new) = (clock(), Shown::default(), signer(), signer());
    shown.show(&[&new, &old]);
    let ring = shown.ring(&clock);
    assert!(knows(&ring, &old).await);
    let epoch = ring.epoch();
    shown.show(&[&new]);
    pass(&clock, REFRESH - A_MOMENT).await;
    assert!(has(&ring, &old));
    assert_eq!((shown.fetches(), ring.epoch()), (1, epoch));
    // Nobody need ask for it.
    pass(&clock, A_MOMENT).await;
    assert!(!has(&ring, &old) && has(&ring, &new));
    assert_ne!(ring.epoch(), epoch);
    assert_eq!(REFRESH, Duration::from_secs(10), "docs/operations.md says so");
}

#[tokio::test(start_paused = true)]
async fn known_keys_outlast_auth_svc_for_an_hour() {
    let (clock, shown, key, leaked) = (clock(), Shown::default(), signer(), signer());
    let ring = shown.ring(&clock);
    let refused = accepts(&ring, &key.public().kid).await.unwrap_err();
    assert_eq!(refused.reason, Reason::AuthorizationUnavailable, "nothing is known yet");

    shown.show(&[&key, &leaked]);
    assert!(knows(&ring, &key).await);
    shown.go_away();
    pass(&clock, KEPT - A_MOMENT).await;
    assert!(has(&ring, &key));
    pass(&clock, A_MOMENT).await;
    assert!(!has(&ring, &key));
    let refused = accepts(&ring, &key.public().kid).await.unwrap_err();
    assert_eq!(refused.reason, Reason::AuthorizationUnavailable);
    // All is well when it is back, and what was dropped meanwhile goes with the first answer.
    shown.show(&[&key]);
    pass(&clock, RETRY).await;
    assert!(has(&ring, &key) && !has(&ring, &leaked));
    assert_eq!(KEPT, Duration::from_secs(3_600), "docs/operations.md says so");
}

#[tokio::test(start_paused = true)]
async fn setting_the_clock_makes_keys_neither_old_nor_young() {
    let (clock, shown, key) = (clock(), Shown::default(), signer());
    shown.show(&[&key]);
    let ring = shown.ring(&clock);
    assert!(knows(&ring, &key).await);
    let wall = clock.now();
    shown.go_away();
    clock.set(wall.plus(10 * KEPT));
    assert!(has(&ring, &key));
    clock.set(Timestamp(0));
    pass(&clock, KEPT).await;
    assert!(!has(&ring, &key));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_keys_is_none() {
    let (clock, shown, key) = (clock(), Shown::default(), signer());
    shown.show(&[&key]);
    let ring = shown.ring(&clock);
    assert!(knows(&ring, &key).await);
    shown.show(&[]);
    pass(&clock, REFRESH).await;
    assert!(has(&ring, &key));
    assert!(ring.shared.metrics.fetches_failed.get() > 0);
}

#[tokio::test]
async fn fixed_keys_do_not_age() {
    let (clock, key) = (clock(), signer());
    let set = JwkSet { keys: vec![key.public().clone()] };
    let metrics = TokenMetrics::new(&Metrics::new());
    let ring = KeyRing::fixed(&set, Arc::new(clock.clone()), metrics);
    clock.advance(100 * KEPT);
    assert!(knows(&ring, &key).await && !knows(&ring, &signer()).await);
}
