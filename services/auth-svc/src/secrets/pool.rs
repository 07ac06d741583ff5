//! argon2id, bounded: it costs 33 ms and 19 MiB a go, so only as many run at once as there are cores.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use svc_core::random::Random;
use svc_core::secret::Secret;
use tokio::sync::Semaphore;

/// OWASP's parameters: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
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
}

/// Runs argon2id off the runtime's threads.
#[derive(Clone)]
pub struct Argon2Pool {
    running: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    pepper: Option<Arc<Secret>>,
}

impl std::fmt::Debug for Argon2Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Argon2Pool({} free)", self.running.available_permits())
    }
}

impl Argon2Pool {
    /// A pool for this machine.
    pub fn new(pepper: Option<Secret>) -> Argon2Pool {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Argon2Pool {
            running: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(cores * WAITING_PER_CORE)),
            pepper: pepper.map(Arc::new),
        }
    }

    /// A record of this secret, with a new salt.
    pub async fn hash(&self, secret: &Secret, random: &dyn Random) -> Result<String, HashError> {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        let (secret, pepper) = (secret.clone(), self.pepper.clone());
        self.run(move || {
            let argon2 = argon2(pepper.as_deref())?;
            let hash = argon2.hash_password_with_salt(secret.expose().as_bytes(), &salt);
            Ok(hash.map_err(|_| HashError::Failed)?.to_string())
        })
        .await
    }

    /// Whether this is the secret of the record.
    pub async fn verify(&self, record: &str, secret: &str) -> Result<bool, HashError> {
        let (record, secret) = (record.to_owned(), Secret::new(secret));
        let pepper = self.pepper.clone();
        self.run(move || {
            let argon2 = argon2(pepper.as_deref())?;
            let hash = PasswordHash::new(&record).map_err(|_| HashError::Failed)?;
            Ok(argon2.verify_password(secret.expose().as_bytes(), &hash).is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self.queue.try_acquire().map_err(|_| HashError::Busy)?;
        let permit = self.running.clone().acquire_owned().await.map_err(|_| HashError::Failed)?;
        // The permit goes along: a caller that hangs up does not free a core that is still at work.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(|_| HashError::Failed)?
    }
}

fn argon2(pepper: Option<&Secret>) -> Result<Argon2<'_>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError::Failed)?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    match pepper {
        None => Ok(Argon2::new(algorithm, version, params)),
        Some(pepper) => Argon2::new_with_secret(pepper.expose().as_bytes(), algorithm, version, params)
            .map_err(|_| HashError::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::random::SystemRandom;

    #[tokio::test]
    async fn records_are_argon2id_with_owasp_s_parameters_and_the_pepper() {
        let secret = Secret::new("kws_live_x");
        let peppered = Argon2Pool::new(Some(Secret::new("pepper")));
        let plain = Argon2Pool::new(None);
        let record = peppered.hash(&secret, &SystemRandom).await.unwrap();
        assert!(record.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{record}");
        for (pool, presented, right) in
            [(&peppered, "kws_live_x", true), (&peppered, "kws_live_y", false), (&plain, "kws_live_x", false)]
        {
            assert_eq!(pool.verify(&record, presented).await, Ok(right));
        }
        assert_eq!(plain.verify("not a record", "x").await, Err(HashError::Failed));
    }
}
