//! What members do with webhooks.

use std::sync::Arc;

use svc_core::actor::Actor;
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::Error;
use svc_core::idempotency::{Answers, IdempotentCall, Kept as KeptAnswer, Once};
use svc_core::ids::{Ids, is_id};
use svc_core::page::PageSize;
use svc_core::precondition::Precondition;
use svc_core::random::Random;
use svc_core::secret::Secret;
use svc_db::Scope;
use tokio::sync::Semaphore;

use crate::change::Changes;
use crate::deeds;
use crate::domain::{
    Delivery, DeliveryStatus, DisabledReason, Event, EventType, Outcome, Partition, Webhook, WebhookStatus,
};
use crate::draft::{Draft, overlap};
use crate::error::WebhookError;
use crate::feed::Feed;
use crate::message::{Mint, TEST};
use crate::send::Send;
use crate::signature::SigningSecret;
use crate::store::{Kept, NewDelivery, Store, What};
use crate::target::Targets;
use crate::wake::Wake;

/// The most webhooks of an agent.
const MAX_WEBHOOKS: i64 = 20;
/// How many webhooks are tested at the same time: each test may take as long as a message.
pub(crate) const MAX_TESTS: usize = 8;
/// The most events that are handed in at once.
const MAX_EVENTS: usize = 100;
/// The most bytes that are told of an event of another service.
const MAX_DATA: usize = 16 * 1024;

/// The webhooks of all agents.
pub struct Webhooks {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) feed: Arc<dyn Feed>,
    pub(crate) mint: Arc<Mint>,
    pub(crate) sender: Arc<dyn Send>,
    pub(crate) targets: Targets,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Ids,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) tests: Semaphore,
    pub(crate) wake: Wake,
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhooks")
    }
}

/// A webhook with the secret that it has from now on.
#[derive(Clone, Debug)]
pub struct WithSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// `whsec_…`.
    pub secret: Secret,
}

impl Webhooks {
    /// Creates a webhook. It tells what happens from now on.
    ///
    /// # Errors
    /// [`WebhookError::TooMany`] and what is wrong with the draft.
    pub async fn create(
        &self,
        actor: &Actor,
        draft: Draft,
        once: Option<Once<WithSecret>>,
    ) -> Result<WithSecret, WebhookError> {
        let settings = draft.new_settings(&self.targets).map_err(WebhookError::Invalid)?;
        let now = self.clock.now();
        let secret = SigningSecret::new(&*self.random);
        let disabled_reason =
            (settings.status == WebhookStatus::Disabled).then_some(DisabledReason::ByMember);
        let webhook = Webhook {
            id: self.ids.next(),
            settings,
            disabled_reason,
            failing_since: None,
            overlap_ends_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let kept = Kept {
            owner: actor.partition.clone(),
            secret: self.mint.close(&webhook.id, &secret)?,
            older_secret: None,
            position: self.feed.head(&actor.partition).await?,
            failures: 0,
            webhook,
        };
        let made = self.changes.make_by(actor, once, |work| {
            Box::pin(async move {
                if work.count(&kept.owner).await? >= MAX_WEBHOOKS {
                    return Err(WebhookError::TooMany);
                }
                work.insert(&kept).await?;
                let deed = deeds::created(&kept.webhook);
                Ok((WithSecret { webhook: kept.webhook, secret: secret.text() }, deed))
            })
        });
        made.await
    }

    /// Webhooks, newest first, those that follow `after`, and whether more follow.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        owner: &Partition,
        size: PageSize,
        after: Option<&str>,
    ) -> Result<(Vec<Webhook>, bool), WebhookError> {
        let now = self.clock.now();
        let found = self.store.list(owner, size, after).await?;
        let found = found.into_iter().map(|webhook| as_of(webhook, now)).collect();
        Ok(cut(found, size))
    }

    /// One webhook.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`].
    pub async fn get(&self, owner: &Partition, id: &str) -> Result<Webhook, WebhookError> {
        Ok(as_of(self.find(owner, id).await?.webhook, self.clock.now()))
    }

    /// Changes a webhook.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::Unmet`] and what is wrong with the draft.
    pub async fn update(
        &self,
        actor: &Actor,
        id: &str,
        draft: Draft,
        precondition: Precondition,
    ) -> Result<Webhook, WebhookError> {
        // Before what is kept is looked at, so that it is locked for a moment only.
        let head = self.feed.head(&actor.partition).await?;
        let (owner, id) = (actor.partition.clone(), checked(id)?);
        let (now, targets) = (self.clock.now(), self.targets.clone());
        let updated = self.changes.make_by(actor, None, |work| {
            Box::pin(async move {
                let mut kept = work.find(&owner, &id).await?.ok_or(WebhookError::NotFound)?;
                precondition.check(Some(kept.webhook.version))?;
                let (before, was) = (kept.webhook.clone(), kept.webhook.settings.status);
                let settings = draft.apply(kept.webhook.settings, &targets).map_err(WebhookError::Invalid)?;
                let is = settings.status;
                kept.webhook.settings = settings;
                kept.webhook.disabled_reason = match is {
                    WebhookStatus::Active => None,
                    WebhookStatus::Disabled => {
                        kept.webhook.disabled_reason.or(Some(DisabledReason::ByMember))
                    }
                };
                touch(&mut kept.webhook, now);
                work.update(&kept).await?;
                match (was, is) {
                    (WebhookStatus::Disabled, WebhookStatus::Active) => {
                        kept.position = head;
                        kept.webhook.failing_since = None;
                        work.restart(&kept).await?;
                    }
                    (WebhookStatus::Active, WebhookStatus::Disabled) => {
                        work.give_up(&owner, &id, now).await?;
                    }
                    _ => {}
                }
                let deed = deeds::updated(&before, &kept.webhook);
                Ok((as_of(kept.webhook, now), deed))
            })
        });
        let updated = updated.await?;
        self.wake.now();
        Ok(updated)
    }

    /// Deletes a webhook and its messages.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`] and [`WebhookError::Unmet`].
    pub async fn delete(
        &self,
        actor: &Actor,
        id: &str,
        precondition: Precondition,
    ) -> Result<(), WebhookError> {
        let (owner, id) = (actor.partition.clone(), checked(id)?);
        let deleted = self.changes.make_by(actor, None, |work| {
            Box::pin(async move {
                let kept = work.find(&owner, &id).await?.ok_or(WebhookError::NotFound)?;
                precondition.check(Some(kept.webhook.version))?;
                work.delete(&owner, &id).await?;
                Ok(((), deeds::deleted(&kept.webhook)))
            })
        });
        deleted.await
    }

    /// Deletes some of what there is of an agent that is gone, up to `most` messages, and with the last of them its
    /// webhooks. Says how many rows these were. Nothing is sent for it any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn erase_some(&self, owner: &Partition, most: i64) -> Result<u64, WebhookError> {
        let (scope, owner) = (Scope::of(owner), owner.clone());
        let erased =
            self.changes.make(&scope, |work| Box::pin(async move { Ok(work.erase(&owner, most).await?) }));
        erased.await
    }

    /// Gives a webhook a new secret. For the overlap, the one before signs, too.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`] and [`WebhookError::Invalid`].
    pub async fn rotate(
        &self,
        actor: &Actor,
        id: &str,
        overlap_seconds: Option<i32>,
        once: Option<Once<WithSecret>>,
    ) -> Result<WithSecret, WebhookError> {
        let seconds = overlap(overlap_seconds).map_err(WebhookError::Invalid)?;
        let (owner, id, now) = (actor.partition.clone(), checked(id)?, self.clock.now());
        let secret = SigningSecret::new(&*self.random);
        let sealed = self.mint.close(&id, &secret)?;
        let rotated = self.changes.make_by(actor, once, |work| {
            Box::pin(async move {
                let mut kept = work.find(&owner, &id).await?.ok_or(WebhookError::NotFound)?;
                let before = kept.webhook.clone();
                let older = std::mem::replace(&mut kept.secret, sealed);
                let overlaps = seconds > 0;
                kept.older_secret = overlaps.then_some(older);
                kept.webhook.overlap_ends_at =
                    overlaps.then(|| now.plus(std::time::Duration::from_secs(seconds.into())));
                touch(&mut kept.webhook, now);
                work.update(&kept).await?;
                let deed = deeds::rotated(&before, &kept.webhook);
                Ok((WithSecret { webhook: kept.webhook, secret: secret.text() }, deed))
            })
        });
        rotated.await
    }

    /// Sends one message for a test, and says what came of it.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`] and [`WebhookError::Busy`].
    pub async fn test(&self, actor: &Actor, id: &str) -> Result<Outcome, WebhookError> {
        let kept = self.find(&actor.partition, id).await?;
        let _permit = self.tests.try_acquire().map_err(|_| WebhookError::Busy)?;
        // Before it is sent, so that none is that the audit log does not tell of.
        let deed = deeds::tested(&kept.webhook);
        self.changes.make_by(actor, None, |_| Box::pin(async move { Ok(((), deed)) })).await?;
        let (id, now) = (self.ids.next(), self.clock.now());
        Ok(self.sender.send(self.mint.message(&kept, &id, TEST, now, "{}", now)?).await)
    }

    /// Messages of a webhook, newest first, those that follow `after`, and whether more follow.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`].
    pub async fn deliveries(
        &self,
        owner: &Partition,
        id: &str,
        status: Option<DeliveryStatus>,
        size: PageSize,
        after: Option<&str>,
    ) -> Result<(Vec<Delivery>, bool), WebhookError> {
        self.find(owner, id).await?;
        Ok(cut(self.store.deliveries(owner, id, status, size, after).await?, size))
    }

    /// Sends a message again.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::NoDelivery`] and [`WebhookError::Disabled`].
    pub async fn replay(
        &self,
        actor: &Actor,
        id: &str,
        delivery: &str,
        once: Option<Once<Delivery>>,
    ) -> Result<Delivery, WebhookError> {
        if !is_id(delivery) {
            return Err(WebhookError::NoDelivery);
        }
        let (owner, id, now) = (actor.partition.clone(), checked(id)?, self.clock.now());
        let delivery = delivery.to_owned();
        let replayed = self.changes.make_by(actor, once, |work| {
            Box::pin(async move {
                let kept = work.find(&owner, &id).await?.ok_or(WebhookError::NotFound)?;
                let found = work.delivery(&owner, &id, &delivery).await?;
                let found = found.ok_or(WebhookError::NoDelivery)?;
                if kept.webhook.settings.status == WebhookStatus::Disabled {
                    return Err(WebhookError::Disabled);
                }
                work.replay(&owner, &id, &delivery, now).await?;
                work.wake(&owner, &id, now).await?;
                let status = DeliveryStatus::Pending;
                let deed = deeds::replayed(&kept.webhook, &delivery);
                Ok((Delivery { status, attempts: 0, next_attempt_at: Some(now), ..found }, deed))
            })
        });
        let replayed = replayed.await?;
        self.wake.now();
        Ok(replayed)
    }

    /// Takes events of other services, each once. All of them or none.
    ///
    /// # Errors
    /// [`WebhookError::Invalid`] for one that no webhook can want.
    pub async fn publish(&self, events: Vec<Event>) -> Result<(), WebhookError> {
        check_events(&events)?;
        let (now, ids) = (self.clock.now(), self.ids.clone());
        let scope = Scope::of_each(events.iter().map(|event| &event.owner));
        let published = self.changes.make(&scope, |work| {
            Box::pin(async move {
                for event in &events {
                    for kept in work.active(&event.owner).await? {
                        // One that is handed in late is no news for a webhook that was made since.
                        if !kept.webhook.settings.wants(event.event) || event.at < kept.webhook.created_at {
                            continue;
                        }
                        let id = ids.next();
                        let (owner, webhook_id) = (&event.owner, kept.webhook.id.as_str());
                        let what = What::Event(event);
                        work.add(&NewDelivery { id: &id, owner, webhook_id, what, now }).await?;
                        work.wake(owner, webhook_id, now).await?;
                    }
                }
                Ok(())
            })
        });
        published.await?;
        self.wake.now();
        Ok(())
    }

    async fn find(&self, owner: &Partition, id: &str) -> Result<Kept, WebhookError> {
        self.store.find(owner, &checked(id)?).await?.ok_or(WebhookError::NotFound)
    }
}

impl Answers for Webhooks {
    async fn kept(&self, call: &IdempotentCall) -> Result<Option<KeptAnswer>, Error> {
        Ok(self.changes.kept(call).await?)
    }
}

/// A malformed id is one of nothing.
fn checked(id: &str) -> Result<String, WebhookError> {
    if is_id(id) { Ok(id.to_owned()) } else { Err(WebhookError::NotFound) }
}

fn touch(webhook: &mut Webhook, now: Timestamp) {
    // Later than before, even when the clock was set back.
    webhook.updated_at = now.max(webhook.updated_at.plus(std::time::Duration::from_micros(1)));
    webhook.version = webhook.version.saturating_add(1);
}

/// Without an overlap that is over.
fn as_of(webhook: Webhook, now: Timestamp) -> Webhook {
    Webhook { overlap_ends_at: webhook.overlap_ends_at.filter(|end| now < *end), ..webhook }
}

fn cut<T>(mut found: Vec<T>, size: PageSize) -> (Vec<T>, bool) {
    let size = size.get() as usize;
    let has_more = found.len() > size;
    found.truncate(size);
    (found, has_more)
}

/// What other services hand in is checked as what anybody does: a message is made of it.
fn check_events(events: &[Event]) -> Result<(), WebhookError> {
    use svc_core::error::{Fault, Violation};
    let bad = |field: String, fault, message: &str| {
        Err(WebhookError::Invalid(vec![Violation::new(field, fault, message)]))
    };
    if events.len() > MAX_EVENTS {
        return bad("events".to_owned(), Fault::TooLong, "There are more than 100 events.");
    }
    for (at, event) in events.iter().enumerate() {
        let field = |name: &str| format!("events[{at}].{name}");
        let Partition { organization_id, agent_id } = &event.owner;
        for (name, id) in [("id", &event.id), ("organizationId", organization_id), ("agentId", agent_id)] {
            if !is_id(id) {
                return bad(field(name), Fault::Invalid, "It is no id.");
            }
        }
        if event.event.is_of_contact() {
            return bad(field("type"), Fault::Invalid, "Changes of contacts are not handed in.");
        }
        if event.data.len() > MAX_DATA {
            return bad(field("data"), Fault::TooLong, "It has more than 16 KiB.");
        }
        if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&event.data).is_err() {
            return bad(field("data"), Fault::Invalid, "It is no JSON object.");
        }
    }
    Ok(())
}

impl EventType {
    /// Whether it is told by the feed.
    pub fn is_of_contact(self) -> bool {
        match self {
            EventType::ContactCreated
            | EventType::ContactUpdated
            | EventType::ContactArchived
            | EventType::ContactUnarchived
            | EventType::ContactDeleted => true,
            EventType::ExtractionFinished
            | EventType::KeyExpiring
            | EventType::KeyRotated
            | EventType::KeyDeleted => false,
        }
    }
}
