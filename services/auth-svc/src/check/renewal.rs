//! Bringing what is stored of a secret up to date once the secret was presented and is proven: a verifier
//! under the current key, and a record with the current parameters and pepper.
//!
//! It happens after the answer, one secret at a time, and its failure is nobody's: what is stored stays
//! good. Nothing of a key changes by it, so other replicas need not hear of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use svc_core::clock::Timestamp;
use svc_core::db::DbError;
use svc_core::random::Random;
use svc_core::secret::Secret;
use svc_core::telemetry::Metrics;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::proving::Proving;
use crate::secrets::{Argon2Pool, HashError, StoredSecret, Verifier, Verifiers};
use crate::store::Store;

/// How many secrets wait for their turn. More are taken when they are presented again.
const WAITING: u32 = 1_024;
/// How long argon2id rests after a new record, so that a new pepper takes at most a quarter of a core from
/// the requests that bring it.
const REST: Duration = Duration::from_millis(100);

/// A secret of a snapshot. What every request looks at stands first and needs no look elsewhere.
#[derive(Debug)]
pub struct HeldSecret {
    /// Its verifier: the stored one, or the one that was made when argon2id had decided.
    verifier: OnceLock<Verifier>,
    /// The end of the overlap; `None` for the newest.
    pub expires_at: Option<Timestamp>,
    /// What is stored is up to date, or its turn comes.
    settled: AtomicBool,
    rest: Box<Rest>,
}

/// What is seldom looked at.
#[derive(Debug)]
struct Rest {
    /// As it was read.
    stored: StoredSecret,
    /// The runs of argon2id about it.
    proving: Proving,
}

impl HeldSecret {
    /// As it is stored.
    pub fn new(stored: StoredSecret, verifiers: &Verifiers) -> HeldSecret {
        let verifier = verifiers.find(&stored).map(OnceLock::from).unwrap_or_default();
        let expires_at = stored.expires_at;
        let rest = Box::new(Rest { stored, proving: Proving::default() });
        HeldSecret { verifier, expires_at, settled: AtomicBool::new(false), rest }
    }

    /// Whether `secret` is this one. `None`: memory cannot tell.
    pub fn verify(&self, verifiers: &Verifiers, key_id: &str, secret: &str) -> Option<bool> {
        Some(verifiers.verify(key_id, self.verifier.get()?, secret))
    }

    /// As [`HeldSecret::verify`], by argon2id.
    pub async fn prove(
        &self,
        argon2: &Argon2Pool,
        verifiers: &Verifiers,
        key_id: &str,
        secret: &str,
    ) -> Result<bool, HashError> {
        let run = argon2.verify(&self.rest.stored.hash, secret);
        self.rest.proving.decide(verifiers, key_id, secret, run).await
    }
}

/// Renews what is stored of secrets.
pub struct Renewals {
    store: Arc<dyn Store>,
    argon2: Argon2Pool,
    random: Arc<dyn Random>,
    waiting: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    renewed: Counter,
}

impl std::fmt::Debug for Renewals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Renewals({} places free)", self.waiting.available_permits())
    }
}

impl Renewals {
    /// None wait yet.
    pub fn new(
        store: Arc<dyn Store>,
        argon2: Argon2Pool,
        random: Arc<dyn Random>,
        metrics: &Metrics,
    ) -> Renewals {
        let renewed = Counter::default();
        metrics.register(|registry| {
            let help = "Secrets whose record or verifier was brought up to date";
            registry.register("auth_secrets_renewed", help, renewed.clone());
        });
        let waiting = Arc::new(Semaphore::new(WAITING as usize));
        Renewals { store, argon2, random, waiting, turn: Arc::new(Semaphore::new(1)), renewed }
    }

    /// `secret` is proven to be `held`, of this key.
    pub fn proven(&self, verifiers: &Verifiers, key_id: &str, held: &HeldSecret, secret: &str) {
        if !held.settled.load(Ordering::Relaxed) {
            self.settle(verifiers, key_id, held, secret);
        }
    }

    #[cold]
    fn settle(&self, verifiers: &Verifiers, key_id: &str, held: &HeldSecret, secret: &str) {
        let stored = &held.rest.stored;
        let rehash = self.argon2.is_outdated(&stored.hash);
        if verifiers.is_current(stored) && !rehash {
            held.settled.store(true, Ordering::Relaxed);
            return;
        }
        // At once, so that argon2id is not asked again even if it cannot be written.
        held.verifier.get_or_init(|| verifiers.verifier(key_id, secret));
        let Ok(place) = self.waiting.clone().try_acquire_owned() else { return };
        if held.settled.swap(true, Ordering::Relaxed) {
            return;
        }
        let (verifier, verifier_key_id) = verifiers.make(key_id, secret);
        let renewal = Renewal {
            before: stored.clone(),
            verifier,
            verifier_key_id,
            secret: rehash.then(|| Secret::new(secret)),
            store: self.store.clone(),
            argon2: self.argon2.clone(),
            random: self.random.clone(),
        };
        let (turn, renewed) = (self.turn.clone(), self.renewed.clone());
        let work = async move {
            // Closed when the service stops.
            let Ok(_turn) = turn.acquire().await else { return };
            match renewal.run().await {
                Ok(true) => drop(renewed.inc()),
                // Another replica was faster, or the secret is gone.
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %error, "a secret could not be renewed; it stays good"),
            }
            drop(place);
            if rehash {
                tokio::time::sleep(REST).await;
            }
        };
        // Not part of the request's trace, which ends before.
        tokio::spawn(work.instrument(tracing::Span::none()));
    }

    /// Waits until nothing waits.
    pub async fn done(&self) {
        // Closed means that nothing will come.
        let _all = self.waiting.acquire_many(WAITING).await;
    }

    /// Those that wait are left for another time.
    pub fn stop(&self) {
        self.waiting.close();
        self.turn.close();
    }
}

/// One secret to renew.
struct Renewal {
    before: StoredSecret,
    verifier: Vec<u8>,
    verifier_key_id: String,
    /// When the record is to be made anew.
    secret: Option<Secret>,
    store: Arc<dyn Store>,
    argon2: Argon2Pool,
    random: Arc<dyn Random>,
}

impl Renewal {
    async fn run(self) -> Result<bool, DbError> {
        let mut after = StoredSecret {
            verifier: Some(self.verifier),
            verifier_key_id: Some(self.verifier_key_id),
            ..self.before.clone()
        };
        if let Some(secret) = &self.secret {
            match self.argon2.hash(secret, &*self.random).await {
                Ok(hash) => after.hash = hash,
                // People wait for argon2id: the verifier alone, and the record after the next start.
                Err(error) => tracing::debug!(error = %error, "a record stays as it is for now"),
            }
        }
        let mut work = self.store.begin().await?;
        let renewed = work.renew_secret(&self.before, &after).await?;
        work.commit().await?;
        Ok(renewed)
    }
}
