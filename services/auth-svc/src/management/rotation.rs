//! New secrets for API keys.

use std::time::Duration;

use svc_core::error::{Error, Fault, Violation};
use svc_core::secret::Secret;

use super::keys::{key_ids, not_found};
use super::{Actor, Management};
use crate::credential;
use crate::domain::{Key, MAX_OVERLAP, Previous};
use crate::store::Touched;

impl Management {
    /// Makes a new secret, which is returned here only. The one before it works for the overlap; an
    /// older one ends. Id, limits and usage stay.
    pub async fn rotate_key(
        &self,
        actor: Actor,
        agent: String,
        id: String,
        overlap_seconds: i32,
    ) -> Result<(Key, Secret), Error> {
        if !(0..=MAX_OVERLAP).contains(&overlap_seconds) {
            let message = format!("`overlapSeconds` is from 0 to {MAX_OVERLAP}.");
            return Err(Error::invalid(vec![Violation::new("overlapSeconds", Fault::OutOfRange, message)]));
        }
        let overlap = Duration::from_secs(overlap_seconds.unsigned_abs().into());
        // Before argon2 is spent on it.
        self.key(&actor, &agent, &id).await?;
        let mode = self.agent(&actor, &agent).await?.mode;
        let secret = credential::new_secret(mode, &*self.environment.random);
        let stored = self.record_secret(&id, &secret).await?;
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            let found = work.lock_key(&actor.organization_id, &agent, &id).await?;
            let mut key = found.ok_or_else(not_found)?;
            let now = this.environment.clock.now();
            let ends_at = Some(now.plus(overlap)).filter(|_| !overlap.is_zero());
            work.end_secrets(&id, ends_at).await?;
            work.insert_secret(&id, &stored).await?;
            let last4 = std::mem::replace(&mut key.secret_last4, stored.last4);
            key.previous = ends_at.map(|ends_at| Previous { last4, ends_at, last_used_at: None });
            key.version += 1;
            key.updated_at = now;
            work.update_key(&key).await?;
            this.commit(work, Touched::key(&key.api_key)).await?;
            Ok((key, secret))
        })
        .await
    }

    /// Ends the overlap of a rotation now.
    pub async fn end_overlap(&self, actor: Actor, agent: String, id: String) -> Result<Key, Error> {
        key_ids(&agent, &id)?;
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            let found = work.lock_key(&actor.organization_id, &agent, &id).await?;
            let mut key = found.ok_or_else(not_found)?;
            let now = this.environment.clock.now();
            if key.previous.take().is_none_or(|previous| previous.ends_at <= now) {
                return Ok(key);
            }
            work.end_overlap(&id).await?;
            key.version += 1;
            key.updated_at = now;
            work.update_key(&key).await?;
            this.commit(work, Touched::key(&key.api_key)).await?;
            Ok(key)
        })
        .await
    }
}
