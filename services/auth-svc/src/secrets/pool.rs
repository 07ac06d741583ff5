//! argon2id, bounded: it costs 33 ms and 19 MiB a go, so only as many run at once as there are cores.

use std::sync::Arc;

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use prometheus_client::metrics::counter::Counter;
use svc_core::random::Random;
use svc_core::secret::Secret;
use svc_core::telemetry::Metrics;
use tokio::sync::Semaphore;

use super::pepper::Peppers;

const SALT_BYTES: usize = 16;
/// How many may wait, for each that runs. More are refused: they would wait over a second.
const WAITING_PER_CORE: usize = 32;

/// Why argon2 gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many wait already.
    #[error("too many secrets wait for argon2")]
    Busy,
    /// A record, a parameter or the pepper is not usable.
    #[error("argon2 failed")]
    Failed,
    /// The record was made with a pepper that is neither the current nor the previous one.
    #[error("the pepper of a secret is not known: set auth.pepper_previous to the one before")]
    UnknownPepper,
}

/// Runs argon2id off the runtime's threads.
#[derive(Clone)]
pub struct Argon2Pool {
    running: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    peppers: Arc<Peppers>,
    /// How a record begins that is made now.
    head: Arc<str>,
    runs: Counter,
}

impl std::fmt::Debug for Argon2Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Argon2Pool({} free)", self.running.available_permits())
    }
}

impl Argon2Pool {
    /// A pool for this machine. Takes the time of an argon2id for each pepper.
    pub fn new(
        pepper: Option<&Secret>,
        previous: Option<&Secret>,
        metrics: &Metrics,
    ) -> Result<Argon2Pool, HashError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runs = Counter::default();
        metrics.register(|registry| {
            registry.register("auth_argon2_runs", "Secrets that argon2id hashed or verified", runs.clone());
        });
        let not_empty = |pepper: &&Secret| !pepper.expose().is_empty();
        let peppers = Peppers::new(pepper.filter(not_empty), previous.filter(not_empty))?;
        Ok(Argon2Pool {
            running: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(cores * WAITING_PER_CORE)),
            head: peppers.head().into(),
            peppers: Arc::new(peppers),
            runs,
        })
    }

    /// A record of this secret, with a new salt.
    pub async fn hash(&self, secret: &Secret, random: &dyn Random) -> Result<String, HashError> {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        let (secret, peppers) = (secret.clone(), self.peppers.clone());
        self.run(move || {
            let hash = peppers.current()?.hash_password_with_salt(secret.expose().as_bytes(), &salt);
            Ok(hash.map_err(|_| HashError::Failed)?.to_string())
        })
        .await
    }

    /// Whether this is the secret of the record, which may be of another time: with other parameters,
    /// the previous pepper or none.
    pub async fn verify(&self, record: &str, secret: &str) -> Result<bool, HashError> {
        let (record, secret) = (record.to_owned(), Secret::new(secret));
        let peppers = self.peppers.clone();
        self.run(move || {
            let hash = PasswordHash::new(&record).map_err(|_| HashError::Failed)?;
            let params = Params::try_from(&hash).map_err(|_| HashError::Failed)?;
            let argon2 = peppers.of(&params)?;
            Ok(argon2.verify_password(secret.expose().as_bytes(), &hash).is_ok())
        })
        .await
    }

    /// Whether a record was made with other parameters or another pepper than new ones are.
    pub fn is_outdated(&self, record: &str) -> bool {
        !record.starts_with(&*self.head)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self.queue.try_acquire().map_err(|_| HashError::Busy)?;
        let permit = self.running.clone().acquire_owned().await.map_err(|_| HashError::Failed)?;
        let runs = self.runs.clone();
        // The permit goes along: a caller that hangs up does not free a core that is still at work.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            runs.inc();
            drop(permit);
            result
        });
        done.await.map_err(|_| HashError::Failed)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::CustomizedPasswordHasher;
    use svc_core::random::SystemRandom;

    const SECRET: &str = "kws_live_x";

    fn pool(pepper: Option<&str>, previous: Option<&str>) -> Argon2Pool {
        let [pepper, previous] = [pepper, previous].map(|text| text.map(Secret::new));
        Argon2Pool::new(pepper.as_ref(), previous.as_ref(), &Metrics::new()).unwrap()
    }

    async fn record(pool: &Argon2Pool) -> String {
        pool.hash(&Secret::new(SECRET), &SystemRandom).await.unwrap()
    }

    #[tokio::test]
    async fn records_are_argon2id_with_owasp_s_parameters() {
        let plain = pool(None, None);
        let made = record(&plain).await;
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert!(!plain.is_outdated(&made));
        assert_eq!(plain.verify(&made, SECRET).await, Ok(true));
        assert_eq!(plain.verify(&made, "kws_live_y").await, Ok(false));
        assert_eq!(plain.verify("not a record", "x").await, Err(HashError::Failed));
    }

    #[tokio::test]
    async fn a_record_is_verified_with_the_pepper_that_made_it() {
        let made_by = [record(&pool(None, None)).await, record(&pool(Some("one"), None)).await];
        assert!(made_by[1].starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid="), "{}", made_by[1]);
        assert!(!made_by[1].contains("one"));
        let right = (Ok(true), Ok(false));
        let unknown = (Err(HashError::UnknownPepper), Err(HashError::UnknownPepper));
        for (pepper, previous, answers) in [
            // A pepper that is new, current, previous, gone, or not used any more.
            (Some("one"), None, [(right, true), (right, false)]),
            (Some("two"), Some("one"), [(right, true), (right, true)]),
            (Some("two"), None, [(right, true), (unknown, true)]),
            (None, Some("one"), [(right, false), (right, true)]),
            (Some(""), Some(""), [(right, false), (unknown, true)]),
        ] {
            let pool = pool(pepper, previous);
            for (record, (answer, outdated)) in made_by.iter().zip(answers) {
                let given = (pool.verify(record, SECRET).await, pool.verify(record, "kws_live_y").await);
                assert_eq!((given, pool.is_outdated(record)), (answer, outdated), "{pepper:?} {previous:?}");
            }
        }
    }

    #[tokio::test]
    async fn other_parameters_verify_and_are_outdated() {
        let pool = pool(None, None);
        for (memory, passes, lanes) in [(12_288, 3, 1), (19_456, 3, 1), (19_456, 2, 2), (8, 1, 1)] {
            let params = Params::new(memory, passes, lanes, None).unwrap();
            let argon2 = argon2::Argon2::default();
            let made = argon2.hash_password_with_params(SECRET.as_bytes(), b"0123456789abcdef", params);
            let made = made.unwrap().to_string();
            assert!(pool.is_outdated(&made), "{made}");
            assert_eq!(pool.verify(&made, SECRET).await, Ok(true), "{made}");
            assert_eq!(pool.verify(&made, "kws_live_y").await, Ok(false), "{made}");
        }
    }
}
