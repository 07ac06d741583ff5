//! Bringing what is stored of a secret up to date once the secret was presented and is verified: a verifier
//! under the current key, and a record with the current parameters and pepper.
//!
//! It happens after the answer, one secret at a time, and its failure is nobody's: what is stored stays
//! good. Nothing of a key changes by it, so other replicas need not hear of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use svc_core::clock::Timestamp;
use svc_core::random::Random;
use svc_core::secret::Secret;
use svc_runtime::authorize::Last4;
use svc_runtime::telemetry::Metrics;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::single_flight::SingleFlight;
use crate::audit::{Audit, Unaudited};
use crate::change::{Author, Changed, Changes};
use crate::error::AuthError;
use crate::secrets::{Argon2Pool, HashError, StoredSecret, Verifier, Verifiers};
use crate::store::Touched;

/// How many secrets wait for their turn. More are taken when they are presented again.
const WAITING: u32 = 1_024;
/// How long argon2id rests after a new record, so that a new pepper takes at most a quarter of a core from
/// the requests that bring it.
const REST: Duration = Duration::from_millis(100);

/// A secret of a snapshot. What every request looks at stands first and needs no look elsewhere.
#[derive(Debug)]
pub(crate) struct HeldSecret {
    /// Its verifier: the stored one, or the one that was made when argon2id had decided.
    verifier: OnceLock<Verifier>,
    /// The end of the overlap; `None` for the newest.
    pub(crate) expires_at: Option<Timestamp>,
    /// What is stored is up to date, or its turn comes.
    settled: AtomicBool,
    /// Its last 4 characters.
    pub(crate) last4: Last4,
    rest: Box<Rest>,
}

/// What is seldom looked at.
#[derive(Debug)]
struct Rest {
    /// As it was read.
    stored: StoredSecret,
    /// The runs of argon2id about it.
    runs: SingleFlight,
}

impl HeldSecret {
    /// As it is stored.
    pub(crate) fn new(stored: StoredSecret, verifiers: &Verifiers) -> HeldSecret {
        let verifier = verifiers.find(&stored).map(OnceLock::from).unwrap_or_default();
        let (expires_at, last4) = (stored.expires_at, Last4::new(&stored.last4));
        let rest = Box::new(Rest { stored, runs: SingleFlight::default() });
        HeldSecret { verifier, expires_at, settled: AtomicBool::new(false), last4, rest }
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.rest.stored.id.as_str()
    }

    /// Whether `secret` is this one. `None`: memory cannot tell.
    pub(crate) fn verify(&self, verifiers: &Verifiers, key_id: &str, secret: &Secret) -> Option<bool> {
        Some(verifiers.verify(key_id, self.verifier.get()?, secret))
    }

    /// As [`HeldSecret::verify`], by argon2id.
    pub(crate) async fn verify_by_argon2(
        &self,
        argon2: &Argon2Pool,
        verifiers: &Verifiers,
        key_id: &str,
        secret: &Secret,
    ) -> Result<bool, HashError> {
        let run = argon2.verify(&self.rest.stored.hash, secret.expose());
        self.rest.runs.decide(verifiers, key_id, secret, run).await
    }
}

/// Renews what is stored of secrets.
pub(crate) struct Renewals {
    changes: Arc<Changes>,
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
    /// With nothing to renew.
    pub(crate) fn new(
        changes: Arc<Changes>,
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
        Renewals { changes, argon2, random, waiting, turn: Arc::new(Semaphore::new(1)), renewed }
    }

    /// `secret` is `held`, a secret of this key.
    pub(crate) fn presented(&self, verifiers: &Verifiers, key_id: &str, held: &HeldSecret, secret: &Secret) {
        if !held.settled.load(Ordering::Relaxed) {
            self.settle(verifiers, key_id, held, secret);
        }
    }

    #[cold]
    fn settle(&self, verifiers: &Verifiers, key_id: &str, held: &HeldSecret, secret: &Secret) {
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
            secret: rehash.then(|| secret.clone()),
            changes: self.changes.clone(),
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
    pub(crate) async fn done(&self) {
        // Closed means that nothing will come.
        let _all = self.waiting.acquire_many(WAITING).await;
    }

    /// Those that wait are left for another time.
    pub(crate) fn stop(&self) {
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
    changes: Arc<Changes>,
    argon2: Argon2Pool,
    random: Arc<dyn Random>,
}

impl Renewal {
    async fn run(self) -> Result<bool, AuthError> {
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
        let before = self.before;
        let renew = self.changes.make(&Author::Renewal, move |work| {
            Box::pin(async move {
                let renewed = work.renew_secret(&before, &after).await?;
                Ok(Changed::new(renewed, Touched::nothing(), Audit::nothing(Unaudited::Renewal)))
            })
        });
        renew.await
    }
}
