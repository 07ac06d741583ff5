//! Sends what waits: at least once, one message of a webhook at a time and in order, and of many webhooks at once.
//!
//! A webhook is leased by the replica that sends for it, so that several share the work, and one that dies holds it up
//! for a minute at most. Under the lease, messages are made of what the feed has for the webhook, and the first that is
//! due is sent, noted, and so on. What was sent and not noted is sent again, with the same id.
//!
//! A message that fails waits for its next attempt while later ones go on; the webhook itself rests for a moment, longer
//! after each failure in a row. So a receiver that is down is tried with one message at a time and takes nobody's turn.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use svc_core::clock::Timestamp;
use svc_core::error::cause;
use svc_db::Scope;
use svc_runtime::telemetry::Metrics;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::domain::{DeliveryStatus, DisabledReason, Outcome};
use crate::error::WebhookError;
use crate::management::Webhooks;
use crate::schedule::{FAILING, LONGEST, rest_after, wait_after};
use crate::send::ANSWER;
use crate::store::{Due, Kept, Lease, NewDelivery, Next, Sent, Told, What};

/// How long a lease is good. It is renewed with each message, so it is longer than one takes.
const LEASE: Duration = Duration::from_secs(60);
/// How long a webhook is sent to before others have their turn.
const TURN: Duration = Duration::from_secs(20);
/// How long a webhook rests whose messages we cannot make, such as when its secret was sealed with another key.
const TROUBLE: Duration = Duration::from_secs(60);
/// How often is looked for what other processes have written, …
const EVERY: Duration = Duration::from_secs(1);
/// … and how often at the most for what this one has.
const AT_MOST_EVERY: Duration = Duration::from_millis(100);
/// How many messages of a webhook wait at the most before no more are made of its feed, where the rest waits.
const MAX_PENDING: i64 = 1_000;
/// How many changes are read at once.
const CHANGES: i64 = 200;
/// How often messages that ended are removed, and how many in one transaction.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
const PRUNE_AT_ONCE: i64 = 500;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

/// Sends messages.
pub struct Dispatcher {
    webhooks: Arc<Webhooks>,
    /// No other process sends on this database.
    alone: bool,
    concurrency: usize,
    keep_delivered: Duration,
    keep_dead: Duration,
    outcomes: Family<Labels, Counter>,
    disabled: Counter,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dispatcher")
    }
}

/// How far a webhook got in its turn.
enum Step {
    /// There may be more.
    Again,
    /// There is nothing more to do now, or it is for somebody else to do.
    Over,
}

impl Dispatcher {
    /// Of these webhooks, so many of which are sent to at the same time.
    pub(crate) fn new(
        webhooks: Arc<Webhooks>,
        alone: bool,
        config: &crate::WebhooksConfig,
        metrics: &Metrics,
    ) -> Dispatcher {
        let (outcomes, disabled) = (Family::<Labels, Counter>::default(), Counter::default());
        metrics.register(|registry| {
            let help = "Messages of webhooks that were sent, by what became of them";
            registry.register("webhook_messages", help, outcomes.clone());
            let help =
                "Webhooks that were disabled, since nothing arrived for days or their receiver was gone";
            registry.register("webhooks_disabled", help, disabled.clone());
        });
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3_600);
        Dispatcher {
            webhooks,
            alone,
            concurrency: usize::try_from(config.concurrency.clamp(1, 1_000)).unwrap_or(1),
            keep_delivered: days(config.keep_delivered_days),
            keep_dead: days(config.keep_dead_days),
            outcomes,
            disabled,
        }
    }

    /// Sends until it is stopped.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        if self.alone {
            self.free_all().await;
        }
        let mut turns = JoinSet::new();
        loop {
            let begun = Instant::now();
            let free = self.concurrency - turns.len();
            let more = match self.claim(free).await {
                Ok(leases) => {
                    let more = leases.len() == free;
                    for lease in leases {
                        let (dispatcher, stop) = (self.clone(), stop.clone());
                        turns.spawn(async move { dispatcher.turn(lease, &stop).await });
                    }
                    more
                }
                Err(error) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "webhooks cannot be looked at");
                    false
                }
            };
            let wait = async {
                if turns.len() == self.concurrency {
                    // None is free: whichever is first makes room.
                    turns.join_next().await;
                } else if !more {
                    _ = tokio::time::timeout(EVERY, self.webhooks.wake.woken()).await;
                }
                sleep(AT_MOST_EVERY.saturating_sub(begun.elapsed())).await;
            };
            if stop.run_until_cancelled(wait).await.is_none() {
                break;
            }
            while turns.try_join_next().is_some() {}
        }
        // Each gives its lease back, so that others go on at once.
        while turns.join_next().await.is_some() {}
    }

    /// What this process leased before it died need not be waited for.
    async fn free_all(&self) {
        let everything = Scope::everything();
        let freed = self
            .webhooks
            .changes
            .make(&everything, |work| Box::pin(async move { Ok(work.free_all().await?) }))
            .await;
        if let Err(error) = freed {
            tracing::warn!(error = %error, cause = %cause(&error), "webhooks wait for leases that end by themselves");
        }
    }

    /// Sends what is due now, once, and says to how many webhooks. For tests, where time stands.
    #[cfg(any(test, feature = "testing"))]
    pub async fn round(self: &Arc<Self>) -> Result<usize, WebhookError> {
        let leases = self.claim(self.concurrency).await?;
        let count = leases.len();
        let stop = CancellationToken::new();
        futures::future::join_all(leases.into_iter().map(|lease| self.turn(lease, &stop))).await;
        Ok(count)
    }

    async fn claim(&self, most: usize) -> Result<Vec<Lease>, WebhookError> {
        let (now, token) = (self.now(), self.webhooks.ids.next());
        // Mostly there is none, and whoever writes contacts need not wait for us to find that out.
        if !self.webhooks.store.has_work(now).await? {
            return Ok(Vec::new());
        }
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.webhooks
            .changes
            .make(&Scope::everything(), |work| {
                Box::pin(async move { Ok(work.claim(&token, now, now.plus(LEASE), most).await?) })
            })
            .await
    }

    /// Sends what a webhook has, until there is nothing more, it fails, or its turn is over.
    async fn turn(&self, lease: Lease, stop: &CancellationToken) {
        let begun = Instant::now();
        let steps = async {
            while begun.elapsed() < TURN {
                match self.step(&lease).await {
                    Ok(Step::Again) => {}
                    Ok(Step::Over) => return Duration::ZERO,
                    Err(error) => {
                        let id = &lease.webhook_id;
                        tracing::warn!(webhook.id = id, error = %error, cause = %cause(&error), "a webhook waits");
                        return TROUBLE;
                    }
                }
            }
            Duration::ZERO
        };
        // A message that is cut off here is sent again.
        let rest = stop.run_until_cancelled(steps).await.unwrap_or_default();
        let now = self.now();
        let scope = Scope::of(&lease.owner);
        let released = self.webhooks.changes.make(&scope, |work| {
            let lease = lease.clone();
            Box::pin(async move { Ok(work.release(&lease, now, now.plus(rest)).await?) })
        });
        if let Err(error) = released.await {
            // It ends by itself.
            tracing::warn!(webhook.id = lease.webhook_id, error = %error, "a lease is not given back");
        }
    }

    async fn step(&self, lease: &Lease) -> Result<Step, WebhookError> {
        // Read anew for each message: a change holds from the next one on.
        let Some(kept) = self.webhooks.store.leased(lease).await? else { return Ok(Step::Over) };
        match self.webhooks.store.due(lease, self.now()).await? {
            Some(due) => self.send(lease, &kept, &due).await,
            None => self.read_on(lease, &kept).await,
        }
    }

    /// Makes messages of what the feed has.
    async fn read_on(&self, lease: &Lease, kept: &Kept) -> Result<Step, WebhookError> {
        let (owner, feed) = (&lease.owner, &self.webhooks.feed);
        // Before the changes: what comes in between is for the next time.
        let head = feed.head(owner).await?;
        if kept.position >= head {
            return Ok(Step::Over);
        }
        if self.webhooks.store.pending(lease, MAX_PENDING).await? >= MAX_PENDING {
            return Ok(Step::Over);
        }
        let changes = feed.after(owner, kept.position, CHANGES).await?;
        // What is no longer kept cannot be told.
        let position = changes.last().map_or(head, |last| last.position);
        let (now, lease) = (self.now(), lease.clone());
        let settings = kept.webhook.settings.clone();
        // Of ids that were made at once, the order is that of the changes.
        let mut ids: Vec<String> = changes.iter().map(|_| self.webhooks.ids.next()).collect();
        ids.sort_unstable();
        let scope = Scope::of(&lease.owner);
        let leased = self.webhooks.changes.make(&scope, |work| {
            Box::pin(async move {
                if !work.advance(&lease, position).await? {
                    return Ok(false);
                }
                for (change, id) in changes.iter().zip(&ids) {
                    if settings.wants(change.event) {
                        let (owner, webhook_id) = (&lease.owner, lease.webhook_id.as_str());
                        let what = What::Change(change);
                        work.add(&NewDelivery { id, owner, webhook_id, what, now }).await?;
                    }
                }
                // For whoever has the lease after us, should we die.
                work.wake(&lease.owner, &lease.webhook_id, now).await?;
                Ok(true)
            })
        });
        Ok(if leased.await? { Step::Again } else { Step::Over })
    }

    async fn send(&self, lease: &Lease, kept: &Kept, due: &Due) -> Result<Step, WebhookError> {
        let data = match &due.told {
            Told::Contact(id) => &self.webhooks.feed.data(&lease.owner, id).await?,
            Told::Data(data) => data,
        };
        let now = self.now();
        let message =
            self.webhooks.mint.message(kept, &due.id, due.event.as_str(), due.event_at, data, now)?;
        let outcome = self.webhooks.sender.send(message).await;
        let now = self.now();
        let next = self.next(kept, due, outcome, now);
        self.count(next);
        let disabled = match outcome.is_gone() {
            true => Some(DisabledReason::Gone),
            false => self.has_failed_for_long(kept, next, now).then_some(DisabledReason::Failing),
        };
        let id = &lease.webhook_id;
        let delivery = &due.id;
        let attempts = due.attempts + 1;
        tracing::debug!(webhook.id = id, delivery.id = delivery, attempts, ?outcome, "a message was sent");
        if let Some(why) = disabled {
            self.disabled.inc();
            tracing::warn!(webhook.id = id, %why, "a webhook is disabled");
        }
        let (lease, delivery_id) = (lease.clone(), due.id.clone());
        let scope = Scope::of(&lease.owner);
        let noted = self.webhooks.changes.make(&scope, |work| {
            Box::pin(async move {
                let leased_until = now.plus(LEASE);
                let sent = Sent { id: &delivery_id, outcome, next, now, leased_until };
                let leased = work.note(&lease, &sent).await?;
                if let (true, Some(why)) = (leased, disabled) {
                    work.disable(&lease.owner, &lease.webhook_id, why, now).await?;
                }
                Ok(leased && next == Next::Delivered)
            })
        });
        // After a failure the webhook rests.
        Ok(if noted.await? { Step::Again } else { Step::Over })
    }

    fn next(&self, kept: &Kept, due: &Due, outcome: Outcome, now: Timestamp) -> Next {
        if outcome.is_delivered() {
            return Next::Delivered;
        }
        let random = &*self.webhooks.random;
        let rests_until = now.plus(rest_after(kept.failures.saturating_add(1), random));
        let is_old = now.since(due.queued_at) >= LONGEST;
        match wait_after(due.attempts.saturating_add(1), random) {
            Some(wait) if !is_old => Next::Again { at: now.plus(wait), rests_until },
            _ => Next::Dead { rests_until },
        }
    }

    fn has_failed_for_long(&self, kept: &Kept, next: Next, now: Timestamp) -> bool {
        let since = kept.webhook.failing_since.filter(|_| next != Next::Delivered);
        since.is_some_and(|since| now.since(since) >= FAILING)
    }

    fn count(&self, next: Next) {
        let outcome = match next {
            Next::Delivered => "delivered",
            Next::Again { .. } => "retried",
            Next::Dead { .. } => "dead",
        };
        self.outcomes.get_or_create(&Labels { outcome }).inc();
    }

    /// Removes messages that ended long ago, until it is stopped.
    pub async fn maintain(self: Arc<Self>, stop: CancellationToken) {
        loop {
            match stop.run_until_cancelled(self.prune()).await {
                Some(Err(error)) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "old messages are not removed");
                }
                Some(Ok(pruned)) => tracing::debug!(pruned, "old messages are removed"),
                None => return,
            }
            if stop.run_until_cancelled(sleep(PRUNE_EVERY)).await.is_none() {
                return;
            }
        }
    }

    /// Removes messages that ended long ago, and says how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prune(&self) -> Result<u64, WebhookError> {
        let mut all = 0;
        for (status, keep) in
            [(DeliveryStatus::Delivered, self.keep_delivered), (DeliveryStatus::Dead, self.keep_dead)]
        {
            let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
            let before = Timestamp(self.now().0.saturating_sub(keep));
            loop {
                let everything = Scope::everything();
                let pruned = self.webhooks.changes.make(&everything, |work| {
                    Box::pin(async move { Ok(work.prune(status, before, PRUNE_AT_ONCE).await?) })
                });
                let pruned = pruned.await?;
                all += pruned;
                if pruned < PRUNE_AT_ONCE.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(all)
    }

    fn now(&self) -> Timestamp {
        self.webhooks.clock.now()
    }
}

/// A lease outlives the message that is sent under it.
const _: () = assert!(LEASE.as_secs() > 2 * ANSWER.as_secs());
