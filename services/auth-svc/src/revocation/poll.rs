//! The polls of a replica: how it learns of changes, acknowledges them and renews its lease (rules 2-4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use svc_core::error::cause;
use svc_core::random::Random;
use svc_runtime::health::Condition;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::{Forget, POLL_EVERY};
use crate::limits::BootClock;
use crate::store::{Announcements, PollConnection, Polled, Revision, StoreError, Touched};

/// Why a poll failed.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The database says no, or is away.
    #[error(transparent)]
    Database(#[from] StoreError),
    /// It does not answer.
    #[error("the database does not answer")]
    TooSlow,
}

/// What polls share with those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Asks for a poll now.
    pub(super) wake: Notify,
    /// How many polls have begun.
    pub(super) begun: AtomicU64,
    /// What they have come to.
    pub(super) progress: watch::Sender<Progress>,
}

/// What polls have come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The state whose changes have all been dropped from the cache.
    pub(super) applied: Option<Revision>,
    /// The number of the last poll that was taken in.
    pub(super) polls: u64,
}

/// Polls for one replica, one at a time.
pub(super) struct Poller {
    pub(super) announcements: Announcements,
    pub(super) clock: Arc<dyn BootClock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) lease: Arc<Lease>,
    pub(super) cache: Arc<dyn Forget>,
    /// Whether API keys can be checked here.
    pub(super) condition: Condition,
    pub(super) shared: Arc<Shared>,
    /// How long a poll may take before another connection is tried.
    pub(super) timeout: Duration,
    /// `None`: to be opened.
    pub(super) connection: Option<PollConnection>,
    /// The row of this replica. `None`: to be made.
    pub(super) incarnation: Option<String>,
}

impl Poller {
    /// Polls until it is told to stop.
    pub(super) async fn run(&mut self, stop: &CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let polled = self.poll().await;
            match &polled {
                Ok(_) => self.condition.ok(),
                // One poll may be lost: the lease lasts for some.
                Err(error) if self.lease.check().is_err() => self.condition.failed(&error.to_string()),
                Err(_) => {}
            }
            match polled {
                // At once: the next poll is the acknowledgement of this one.
                Ok(true) => continue,
                Ok(false) if failing => {
                    failing = false;
                    tracing::info!("polls are answered again");
                }
                Ok(false) => {}
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(error = %error, cause = %cause(&error), "no poll is answered: API keys cannot be checked here soon");
                }
                Err(error) => tracing::debug!(error = %error, "no poll is answered"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.shared.wake.notified() => {}
                () = sleep(POLL_EVERY) => {}
            }
        }
    }

    /// One poll. Says whether another must follow at once.
    pub(super) async fn poll(&mut self) -> Result<bool, PollError> {
        let polled = timeout(self.timeout, self.ask()).await;
        let (began, number, polled) = match polled {
            Ok(Ok(polled)) => polled,
            Ok(Err(error)) => {
                self.connection = None;
                return Err(error.into());
            }
            // The statement may still be carried out. It acknowledges what was applied when it was sent,
            // which has stayed applied.
            Err(_) => {
                self.connection = None;
                return Err(PollError::TooSlow);
            }
        };
        Ok(self.take_in(began, number, polled))
    }

    async fn ask(&mut self) -> Result<(u64, u64, Polled), StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(self.announcements.poll_connection().await?),
        };
        let incarnation = match &self.incarnation {
            Some(incarnation) => incarnation,
            None => {
                let new = incarnation(&*self.random);
                connection.join(&new).await?;
                self.incarnation.insert(new)
            }
        };
        let applied = self.shared.progress.borrow().applied.clone();
        let number = self.shared.begun.fetch_add(1, Ordering::SeqCst) + 1;
        // Before anything is sent: what commits from now on may not be in the answer.
        let began = self.clock.millis();
        let polled = connection.poll(incarnation, applied.as_ref()).await?;
        Ok((began, number, polled))
    }

    /// Rule 4. The order matters: forget, then applied, then the lease.
    pub(super) fn take_in(&mut self, began: u64, number: u64, polled: Polled) -> bool {
        if !polled.present {
            // Changes do not wait for this replica any more.
            tracing::warn!("this replica was taken for dead, and joins again");
            self.lease.end();
            self.cache.forget(&Touched::everything());
            self.incarnation = None;
            self.shared.progress.send_replace(Progress { applied: None, polls: number });
            return true;
        }
        // The first poll of an incarnation has applied nothing yet.
        let first = self.shared.progress.borrow().applied.is_none();
        if !polled.known && !first {
            tracing::warn!(
                n = polled.revision.n,
                "the database went back, or is another one: all is read again"
            );
        }
        let again = !polled.known || !polled.touched.is_nothing();
        self.cache.forget(&polled.touched);
        let applied = Some(polled.revision);
        self.shared.progress.send_replace(Progress { applied, polls: number });
        self.lease.renew(began);
        again
    }

    /// Removes the row of this replica, which must have stopped serving.
    pub(super) async fn leave(&mut self) -> Result<(), PollError> {
        self.lease.end();
        let Some(incarnation) = self.incarnation.take() else { return Ok(()) };
        match timeout(self.timeout, self.announcements.leave(&incarnation)).await {
            Ok(left) => left?,
            Err(_) => return Err(PollError::TooSlow),
        }
        if let Some(connection) = self.connection.take() {
            // The row is gone; a connection that does not say goodbye is closed by the server.
            let _ = timeout(self.timeout, connection.close()).await;
        }
        Ok(())
    }
}

/// A name that no start of a replica had before: 128 random bits.
fn incarnation(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
