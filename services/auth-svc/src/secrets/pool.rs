//! argon2id, bounded: it costs some 14 ms and 19 MiB a go, so only as many run at once as there are cores, and
//! they keep what they work in as long as there is something to do.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Argon2, Params};
use prometheus_client::metrics::counter::Counter;
use svc_core::random::Random;
use svc_core::secret::Secret;
use svc_runtime::telemetry::Metrics;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::memory::Memory;
use super::pepper::Peppers;

const SALT_BYTES: usize = 16;
/// How many may wait, for each core, while one runs there. The last waits for about a second; more are
/// refused.
const WAITING_PER_CORE: usize = 31;

/// How often memory is freed that no run has needed meanwhile.
const FREE_EVERY: Duration = Duration::from_secs(60);

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
    waiting: Arc<Semaphore>,
    hasher: Arc<Hasher>,
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
    /// A pool for this machine, for the secrets of keys. Takes the time of an argon2id for each pepper.
    pub fn new(
        pepper: Option<&Secret>,
        previous: Option<&Secret>,
        metrics: &Metrics,
    ) -> Result<Argon2Pool, HashError> {
        let runs = ("auth_argon2_runs", "Secrets that argon2id hashed or verified");
        Argon2Pool::on(cores(), (pepper, previous), runs, metrics)
    }

    /// A pool of its own for the passwords of members, with half of the cores: those who sign in wait for each
    /// other, and no key waits for them.
    pub(crate) fn for_passwords(
        peppers: (Option<&Secret>, Option<&Secret>),
        metrics: &Metrics,
    ) -> Result<Argon2Pool, HashError> {
        let runs = ("auth_password_argon2_runs", "Passwords that argon2id hashed or verified");
        Argon2Pool::on((cores() / 2).max(1), peppers, runs, metrics)
    }

    fn on(
        cores: usize,
        (pepper, previous): (Option<&Secret>, Option<&Secret>),
        (name, help): (&str, &str),
        metrics: &Metrics,
    ) -> Result<Argon2Pool, HashError> {
        let runs = Counter::default();
        metrics.register(|registry| registry.register(name, help, runs.clone()));
        let not_empty = |pepper: &&Secret| !pepper.expose().is_empty();
        let peppers = Peppers::new(pepper.filter(not_empty), previous.filter(not_empty))?;
        Ok(Argon2Pool {
            running: Arc::new(Semaphore::new(cores)),
            waiting: Arc::new(Semaphore::new(cores * WAITING_PER_CORE)),
            head: format!("{}$", peppers.blank()?).into(),
            hasher: Arc::new(Hasher { memory: Memory::default(), peppers }),
            runs,
        })
    }

    /// A record of this secret, with a new salt.
    pub async fn hash(&self, secret: &Secret, random: &dyn Random) -> Result<String, HashError> {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        let secret = secret.clone();
        self.run(move |hasher| {
            let salt = Salt::new(&salt).map_err(|_| HashError::Failed)?;
            let hash = hasher.hash(&hasher.peppers.current()?, &secret, &salt)?;
            let record = hasher.peppers.blank()?;
            Ok(PasswordHash { salt: Some(salt), hash: Some(hash), ..record }.to_string())
        })
        .await
    }

    /// Whether this is the secret of the record, which may be of another time: with other parameters,
    /// the previous pepper or none.
    pub async fn verify(&self, record: &str, secret: &str) -> Result<bool, HashError> {
        let (record, secret) = (record.to_owned(), Secret::new(secret));
        self.run(move |hasher| {
            let record = PasswordHash::new(&record).map_err(|_| HashError::Failed)?;
            let (Some(salt), Some(hash)) = (record.salt, record.hash) else { return Err(HashError::Failed) };
            // `Output` compares in constant time.
            Ok(hasher.hash(&hasher.peppers.of(&record)?, &secret, &salt)? == hash)
        })
        .await
    }

    /// Whether a record was made with other parameters or another pepper than new ones are.
    pub(crate) fn is_outdated(&self, record: &str) -> bool {
        !record.starts_with(&*self.head)
    }

    /// Frees memory that no run has now, after what a start needs and nothing may need for days.
    pub(crate) fn rest(&self) {
        self.hasher.memory.free();
    }

    /// Frees memory that is not needed, until it is told to stop.
    pub(crate) async fn maintain(self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(FREE_EVERY)).await.is_some() {
            self.hasher.memory.free_unused();
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Hasher) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let waiting = self.waiting.try_acquire().map_err(|_| HashError::Busy)?;
        let permit = self.running.clone().acquire_owned().await.map_err(|_| HashError::Failed)?;
        drop(waiting);
        let (hasher, runs) = (self.hasher.clone(), self.runs.clone());
        // The permit goes along: a caller that hangs up does not free a core that is still at work.
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&hasher);
            runs.inc();
            drop(permit);
            result
        });
        done.await.map_err(|_| HashError::Failed)?
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What each run needs.
struct Hasher {
    memory: Memory,
    peppers: Peppers,
}

impl Hasher {
    fn hash(&self, argon2: &Argon2<'_>, secret: &Secret, salt: &[u8]) -> Result<Output, HashError> {
        let mut output = [0; Output::MAX_LENGTH];
        let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = output.get_mut(..length).ok_or(HashError::Failed)?;
        let hashed = self.memory.lend(argon2.params().block_count(), self.peppers.blocks(), |blocks| {
            argon2.hash_password_into_with_memory(secret.expose().as_bytes(), salt, output, blocks)
        });
        hashed.map_err(|_| HashError::Failed)?;
        Output::new(output).map_err(|_| HashError::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
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
        // The library agrees.
        let argon2 = argon2::Argon2::default();
        assert!(argon2.verify_password(SECRET.as_bytes(), made.as_str()).is_ok(), "{made}");
        for damaged in ["", "not a record", &made[..made.rfind('$').unwrap()], &made.replace("2id", "2x")] {
            assert_eq!(plain.verify(damaged, SECRET).await, Err(HashError::Failed), "{damaged}");
        }
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

    /// A record by the library, in memory of its own.
    fn foreign(secret: &str, memory: u32, lanes: u32) -> String {
        let params = Params::new(memory, 1, lanes, None).unwrap();
        let argon2 = argon2::Argon2::default();
        let made = argon2.hash_password_with_params(secret.as_bytes(), b"0123456789abcdef", params);
        made.unwrap().to_string()
    }

    #[tokio::test]
    async fn one_buffer_serves_different_secrets_and_parameters() {
        let pool = pool(Some("pepper"), None);
        let records = [
            ("one", pool.hash(&Secret::new("one"), &SystemRandom).await.unwrap()),
            ("two", foreign("two", 8, 1)),
            ("three", pool.hash(&Secret::new("three"), &SystemRandom).await.unwrap()),
            // Larger than a new one.
            ("four", foreign("four", 30_000, 3)),
            ("five", foreign("five", 19_456, 2)),
        ];
        for (secret, _) in &records {
            for (of, record) in &records {
                assert_eq!(pool.verify(record, secret).await, Ok(secret == of), "{secret} {record}");
                assert_eq!(pool.hasher.memory.idle(), 1);
            }
        }
    }

    #[tokio::test]
    async fn a_crowd_leaves_a_buffer_for_each_core() {
        let pool = pool(None, None);
        let cores = pool.running.available_permits();
        let record = record(&pool).await;
        let crowd = (0..cores * 4).map(|_| pool.verify(&record, SECRET));
        assert!(futures::future::join_all(crowd).await.into_iter().all(|answer| answer == Ok(true)));
        assert!(pool.hasher.memory.idle() <= cores, "{} of {cores}", pool.hasher.memory.idle());
    }

    #[tokio::test]
    async fn memory_that_no_run_has_needed_is_freed() {
        let pool = pool(None, None);
        let record = foreign(SECRET, 8, 1);
        let memory = &pool.hasher.memory;
        assert_eq!(pool.verify(&record, SECRET).await, Ok(true));
        // It was needed since the pool was made, and then no more.
        memory.free_unused();
        assert_eq!(memory.idle(), 1);
        assert_eq!(pool.verify(&record, SECRET).await, Ok(true));
        memory.free_unused();
        assert_eq!(memory.idle(), 1);
        memory.free_unused();
        assert_eq!(memory.idle(), 0);
        assert_eq!(pool.verify(&record, SECRET).await, Ok(true));
        pool.rest();
        assert_eq!(memory.idle(), 0);
    }

    #[tokio::test]
    async fn those_that_run_do_not_count_as_waiting() {
        let pool = pool(None, None);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let behind_the_gate = || {
            let gate = gate.clone();
            Box::pin(pool.run(move |_| Ok(gate.lock().unwrap().recv())))
        };
        let cores = pool.running.available_permits();
        let mut let_in: Vec<_> = (0..cores * (1 + WAITING_PER_CORE)).map(|_| behind_the_gate()).collect();
        for run in &mut let_in {
            assert!(futures::poll!(run).is_pending());
        }
        for _ in 0..3 {
            assert_eq!(behind_the_gate().await, Err(HashError::Busy));
        }
        drop(open);
        assert!(futures::future::join_all(let_in).await.iter().all(Result::is_ok));
    }
}
