//! New secrets for API keys.

use std::time::Duration;

use svc_core::error::Violation;
use svc_core::idempotency::Once;
use svc_core::secret::Secret;

use super::Management;
use super::keys::{must_exist, not_found};
use crate::audit::{Action, Attempt, Audit};
use crate::change::Changed;
use crate::credential;
use crate::domain::{Actor, AgentId, Event, Key, KeyId, MAX_OVERLAP};
use crate::error::AuthError;

impl Management {
    /// Makes a new secret, which is returned here only. The one before it works for the overlap; an
    /// older one ends. Id, limits and usage stay.
    pub(crate) async fn rotate_key(
        &self,
        actor: &Actor,
        agent: AgentId,
        id: KeyId,
        overlap_seconds: i32,
        once: Option<Once<(Key, Secret)>>,
    ) -> Result<(Key, Secret), AuthError> {
        if !(0..=MAX_OVERLAP).contains(&overlap_seconds) {
            return Err(AuthError::Invalid(vec![Violation::out_of_range("overlapSeconds", 0..=MAX_OVERLAP)]));
        }
        let overlap = Duration::from_secs(overlap_seconds.unsigned_abs().into());
        // Before argon2 is spent on it.
        self.key(actor, &agent, &id).await?;
        let mode = self.agent(actor, &agent).await?.mode;
        let secret = credential::new_secret(mode, &*self.environment.random);
        let stored = self.record_secret(&id, &secret).await?;
        let (organization, clock) = (actor.organization_id.clone(), self.environment.clock.clone());
        let event_id = self.environment.ids.next();
        self.change_once(actor, Attempt::on(Action::KeyRotated, id.as_str()), once, move |work| {
            Box::pin(async move {
                let before = work.lock_key(&organization, &agent, &id).await?.ok_or_else(not_found)?;
                let mut key = before.clone();
                let now = clock.now();
                let ends_at = Some(now.plus(overlap)).filter(|_| !overlap.is_zero());
                let ended = work.end_secrets(&key, ends_at).await?;
                let inserted = work.insert_secret(&key, &stored).await?;
                key.version += 1;
                key.updated_at = now;
                let updated = work.update_key(&key).await?;
                // Read again for its secrets, and how the older one was used.
                let key = work.lock_key(&organization, &agent, &id).await?.ok_or_else(not_found)?;
                work.insert_event(&Event::rotated(event_id, &key, now)).await?;
                let audit = Audit::changed(Action::KeyRotated, &before, &key);
                Ok(Changed::new((key, secret), ended.and(inserted).and(updated), audit))
            })
        })
        .await
    }

    /// Ends the overlap of a rotation now.
    pub(crate) async fn end_overlap(
        &self,
        actor: &Actor,
        agent: AgentId,
        id: KeyId,
        once: Option<Once<Key>>,
    ) -> Result<Key, AuthError> {
        must_exist(&agent, &id)?;
        let (organization, clock) = (actor.organization_id.clone(), self.environment.clock.clone());
        self.change_once(actor, Attempt::on(Action::KeyOverlapEnded, id.as_str()), once, |work| {
            Box::pin(async move {
                let before = work.lock_key(&organization, &agent, &id).await?.ok_or_else(not_found)?;
                let mut key = before.clone();
                let now = clock.now();
                if key.previous.take().is_none_or(|previous| previous.ends_at <= now) {
                    return Ok(Changed::unchanged(key));
                }
                let ended = work.end_overlap(&key).await?;
                key.version += 1;
                key.updated_at = now;
                let updated = work.update_key(&key).await?;
                let audit = Audit::changed(Action::KeyOverlapEnded, &before, &key);
                Ok(Changed::new(key, ended.and(updated), audit))
            })
        })
        .await
    }
}
