//! Mail: an outbox in the database, which is filled in the transaction of the change that a mail is about, and
//! emptied by a task.
//!
//! A mail is tried until the server takes it or refuses it for good, later and later, until it ends. Whoever tries it
//! puts the next attempt off first, so of several replicas one sends it, and none for ever: one that dies between
//! sending and saying so makes it arrive twice, under the same `Message-ID`.

mod config;
mod smtp;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use svc_core::clock::Timestamp;
use svc_runtime::service::Environment;
use svc_runtime::telemetry::Metrics;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::audit::{Audit, Unaudited};
use crate::change::{Author, Changed, Changes};
use crate::domain::{Mail, MailId, OrganizationId};
use crate::error::AuthError;
use crate::secrets::Seal;
use crate::store::{Store, Touched, WaitingMail, Work};
use smtp::{NotSent, Smtp};

pub(crate) use config::is_loopback;
pub use config::{SmtpConfig, SmtpTls};
pub use smtp::BadSmtpConfig;

/// What mails are sealed for.
pub(crate) const SEALED_FOR: &str = "mail";
/// How long a mail is tried, at the most.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How often is looked for mails, besides when this replica has written one.
const LOOK: Duration = Duration::from_secs(1);
/// How long is waited when the database fails.
const REST: Duration = Duration::from_secs(10);
/// How many are read at once.
const BATCH: i64 = 20;
/// How many who ask for a mail without being signed in are looked at at once.
const AT_ONCE: usize = 16;
/// The time to the second attempt, which doubles each time, and the longest. It is more than an attempt takes.
const FIRST_WAIT: Duration = Duration::from_secs(120);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Mails that wait, and their way out. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outbox(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
    environment: Environment,
    seal: Seal,
    smtp: Smtp,
    written: Notify,
    places: Arc<Semaphore>,
    outcomes: Family<Labels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// `sent`, `retried`, `given_up`, or `refused`: it was not written, since too many wait.
    outcome: &'static str,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbox")
    }
}

/// Whether mail can be sent by these settings. Does not connect.
pub(crate) fn check(config: &SmtpConfig) -> Result<(), BadSmtpConfig> {
    Smtp::new(config).map(drop)
}

impl Outbox {
    /// `None` when no mail server is set.
    pub(crate) fn new(
        config: &SmtpConfig,
        seal: Seal,
        store: Arc<dyn Store>,
        changes: Arc<Changes>,
        environment: &Environment,
    ) -> Result<Option<Outbox>, BadSmtpConfig> {
        let Some(smtp) = Smtp::new(config)? else { return Ok(None) };
        let outcomes = register(&environment.metrics);
        let environment = environment.clone();
        let (written, places) = (Notify::new(), Arc::new(Semaphore::new(AT_ONCE)));
        let inner = Inner { store, changes, environment, seal, smtp, written, places, outcomes };
        Ok(Some(Outbox(Arc::new(inner))))
    }

    /// Writes a mail, as a part of the change that it is about. It is tried until `ends_at`, or for a day. `false`
    /// when too many wait: then there is none.
    pub(crate) async fn put(
        &self,
        work: &mut dyn Work,
        organization: &OrganizationId,
        mail: &Mail,
        ends_at: Option<Timestamp>,
    ) -> Result<bool, AuthError> {
        let inner = &*self.0;
        let now = inner.environment.clock.now();
        let id = MailId::new(inner.environment.ids.next());
        let text = serde_json::to_vec(mail).map_err(|_| AuthError::Lost)?;
        let content =
            inner.seal.close(&*inner.environment.random, &text, id.as_str()).ok_or(AuthError::Lost)?;
        let day = now.plus(KEPT);
        let mail = WaitingMail {
            id,
            organization_id: organization.clone(),
            content,
            attempts: 0,
            created_at: now,
            due_at: now,
            ends_at: ends_at.map_or(day, |ends_at| ends_at.min(day)),
        };
        let taken = work.insert_mail(&mail).await?;
        if !taken {
            tracing::error!("a mail was not written, since too many wait");
            self.count("refused");
        }
        Ok(taken)
    }

    /// A place among those who ask for a mail without being signed in. `None`: there are too many.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.0.places.clone().try_acquire_owned().ok()
    }

    /// Says that one was written, once that is committed. Without it the next look finds it.
    pub(crate) fn written(&self) {
        self.0.written.notify_one();
    }

    /// Sends what is due, until it is stopped.
    pub(crate) async fn deliver(self, stop: CancellationToken) {
        loop {
            let wait = match self.round(&stop).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(error = %error, "mails cannot be looked for");
                    REST
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(wait) => {}
                () = self.0.written.notified(), if wait == LOOK => {}
            }
        }
    }

    /// Tries those that are due. `true` when there may be more.
    async fn round(&self, stop: &CancellationToken) -> Result<bool, AuthError> {
        let due = self.0.store.due_mails(self.0.environment.clock.now(), BATCH).await?;
        let more = i64::try_from(due.len()).is_ok_and(|found| found == BATCH);
        for mail in due {
            if stop.is_cancelled() {
                return Ok(false);
            }
            self.attempt(mail).await?;
        }
        Ok(more)
    }

    async fn attempt(&self, waiting: WaitingMail) -> Result<(), AuthError> {
        let inner = &*self.0;
        let now = inner.environment.clock.now();
        if now >= waiting.ends_at {
            return self.give_up(waiting.id, "its time is over").await;
        }
        let Some(mail) = self.open(&waiting) else {
            return self.give_up(waiting.id, "it was sealed with another auth.verifier_key").await;
        };
        let claimed = waiting.clone();
        let claim = inner.changes.make(&Author::Mail, move |work| {
            Box::pin(async move {
                let next = now.plus(wait_after(claimed.attempts));
                Ok(Changed::new(
                    work.claim_mail(&claimed, next).await?,
                    Touched::nothing(),
                    Audit::nothing(Unaudited::Mail),
                ))
            })
        });
        if !claim.await? {
            return Ok(());
        }
        match inner.smtp.send(&waiting.id, &mail, waiting.created_at).await {
            Ok(()) => {
                self.count("sent");
                self.delete(waiting.id).await
            }
            Err(NotSent::Ever(why)) => self.give_up(waiting.id, &why).await,
            Err(NotSent::Yet(why)) => {
                self.count("retried");
                tracing::warn!(mail.id = %waiting.id, attempts = waiting.attempts + 1, "a mail waits: {why}");
                Ok(())
            }
        }
    }

    fn open(&self, waiting: &WaitingMail) -> Option<Mail> {
        let text = self.0.seal.open(&waiting.content, waiting.id.as_str())?;
        serde_json::from_slice(&text).ok()
    }

    async fn give_up(&self, id: MailId, why: &str) -> Result<(), AuthError> {
        self.count("given_up");
        tracing::error!(mail.id = %id, "a mail is given up: {why}");
        self.delete(id).await
    }

    async fn delete(&self, id: MailId) -> Result<(), AuthError> {
        let deleted = self.0.changes.make(&Author::Mail, move |work| {
            Box::pin(async move {
                work.delete_mail(&id).await?;
                Ok(Changed::new((), Touched::nothing(), Audit::nothing(Unaudited::Mail)))
            })
        });
        deleted.await
    }

    fn count(&self, outcome: &'static str) {
        self.0.outcomes.get_or_create(&Labels { outcome }).inc();
    }
}

fn register(metrics: &Metrics) -> Family<Labels, Counter> {
    let outcomes = Family::<Labels, Counter>::default();
    metrics.register(|registry| {
        let help =
            "Attempts to send a mail, by what became of it; and mails not written, since too many wait";
        registry.register("auth_mails", help, outcomes.clone());
    });
    outcomes
}

fn wait_after(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts).unwrap_or(u32::MAX).min(10);
    FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_put_off_for_longer_than_one_takes() {
        let waits = [0, 1, 2, 4, 5, 100].map(|attempts| wait_after(attempts).as_secs());
        assert_eq!(waits, [120, 240, 480, 1920, 3600, 3600]);
        assert!(FIRST_WAIT > smtp::MOST);
    }
}
