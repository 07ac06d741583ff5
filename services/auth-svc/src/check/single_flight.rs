//! argon2id where no verifier decides, in single flight: requests that present the same secret of a key at the same
//! time share one run. After the verifier key is lost, the first requests of a busy key come all at once.
//!
//! Whether a secret is that of a record never changes, so an answer may be shared. It is shared only by
//! requests with the same secret: a run is known by the secret's verifier. Nothing is kept when it ends.

use std::sync::Arc;

use parking_lot::Mutex;
use svc_core::secret::Secret;
use tokio::sync::OnceCell;

use crate::secrets::{HashError, Verifier, Verifiers};

/// Different secrets that argon2id decides about at once, for one record. Those who use a key present one
/// or two. More are guesses, and would take the places of other keys in the queue for argon2id.
const MAX_RUNS: usize = 4;

/// The runs for one record.
#[derive(Debug, Default)]
pub(crate) struct SingleFlight(Mutex<Vec<Run>>);

#[derive(Debug)]
struct Run {
    /// Of the secret that was presented.
    verifier: Verifier,
    right: Arc<OnceCell<bool>>,
    waiting: usize,
}

impl SingleFlight {
    /// What `argon2` answers about this secret of a key, or what the run of another request is about to answer. A
    /// request whose shared run is given up runs its own.
    pub(crate) async fn decide(
        &self,
        verifiers: &Verifiers,
        key_id: &str,
        secret: &Secret,
        argon2: impl Future<Output = Result<bool, HashError>>,
    ) -> Result<bool, HashError> {
        let joined = self.join(verifiers, key_id, secret)?;
        joined.right.get_or_try_init(|| argon2).await.copied()
    }

    fn join(&self, verifiers: &Verifiers, key_id: &str, secret: &Secret) -> Result<Joined<'_>, HashError> {
        let mut runs = self.0.lock();
        if let Some(run) = runs.iter_mut().find(|run| verifiers.verify(key_id, &run.verifier, secret)) {
            run.waiting += 1;
            return Ok(Joined { single_flight: self, right: run.right.clone() });
        }
        if runs.len() >= MAX_RUNS {
            return Err(HashError::Busy);
        }
        let right = Arc::new(OnceCell::new());
        let verifier = verifiers.verifier(key_id, secret);
        runs.push(Run { verifier, right: right.clone(), waiting: 1 });
        Ok(Joined { single_flight: self, right })
    }
}

/// One who waits for a run. The last one takes it off the list.
struct Joined<'a> {
    single_flight: &'a SingleFlight,
    right: Arc<OnceCell<bool>>,
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        let mut runs = self.single_flight.0.lock();
        let Some(at) = runs.iter().position(|run| Arc::ptr_eq(&run.right, &self.right)) else { return };
        runs[at].waiting -= 1;
        if runs[at].waiting == 0 {
            runs.swap_remove(at);
        }
        if runs.is_empty() {
            // There may be a million lists.
            *runs = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use futures::{FutureExt, poll};
    use svc_core::random::SystemRandom;
    use tokio::task::yield_now;

    use super::*;

    fn verifiers() -> Verifiers {
        Verifiers::new(&Verifiers::generate(&SystemRandom), None).unwrap()
    }

    #[tokio::test]
    async fn the_same_secret_shares_a_run_and_another_one_does_not() {
        let (single_flight, verifiers, runs) = (SingleFlight::default(), verifiers(), AtomicUsize::new(0));
        let decide = async |secret: &str| {
            let presented = Secret::new(secret);
            let argon2 = async {
                runs.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
                Ok(secret == "right")
            };
            (secret.to_owned(), single_flight.decide(&verifiers, "key", &presented, argon2).await)
        };
        let presented = ["right", "wrong", "wrong too"].into_iter().cycle().take(60);
        for (secret, answer) in join_all(presented.map(decide)).await {
            assert_eq!(answer, Ok(secret == "right"), "{secret}");
        }
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        assert_eq!(single_flight.0.lock().capacity(), 0, "nothing is kept");
        assert_eq!(decide("right").await.1, Ok(true));
        assert_eq!(runs.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn guesses_take_a_few_places_and_not_that_of_a_run_that_is_shared() {
        let (single_flight, verifiers) = (SingleFlight::default(), verifiers());
        let [right, fourth] = ["right", "4"].map(Secret::new);
        let secrets = ["right", "1", "2", "3"].map(Secret::new);
        let mut first: Vec<_> = secrets
            .iter()
            .map(|s| single_flight.decide(&verifiers, "key", s, pending()).boxed_local())
            .collect();
        for run in &mut first {
            assert!(poll!(run).is_pending());
        }
        let ready =
            async |secret: &Secret| single_flight.decide(&verifiers, "key", secret, async { Ok(true) }).await;
        assert_eq!(ready(&fourth).await, Err(HashError::Busy));
        let mut joined = std::pin::pin!(ready(&right));
        assert!(poll!(&mut joined).is_pending());
        // Who came first hangs up: who waits runs its own.
        drop(first.remove(0));
        assert_eq!(joined.await, Ok(true));
        assert_eq!(ready(&fourth).await, Ok(true), "there is room again");
        drop(first);
        assert_eq!(single_flight.0.lock().len(), 0);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let (single_flight, verifiers) = (SingleFlight::default(), verifiers());
        let secret = Secret::new("s");
        for answer in [Err(HashError::Busy), Err(HashError::UnknownPepper), Ok(false), Ok(true)] {
            assert_eq!(single_flight.decide(&verifiers, "key", &secret, async { answer }).await, answer);
        }
    }
}
