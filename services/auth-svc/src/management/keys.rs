//! API keys.

use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};
use svc_core::secret::Secret;

use super::agents;
use super::{Actor, List, Management, PageRequest, must_be_id, precondition};
use crate::credential;
use crate::domain::{AgentName, Key, KeyChange, KeyDraft, KeyStatus, display_name, effective};
use crate::limits::LimitStore;
use crate::secrets::StoredSecret;
use crate::store::{KeyFilter, Touched};

const MAX_SEARCH: usize = 100;

/// Which keys a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct KeySearch {
    /// Of this agent.
    pub agent_id: Option<String>,
    /// Whose name, description or `apiKey` holds this text.
    pub search: Option<String>,
    /// Of this status.
    pub status: Option<KeyStatus>,
}

impl Management {
    /// Makes a key and its secret, which is returned here only.
    pub async fn create_key(
        &self,
        actor: Actor,
        agent: String,
        draft: KeyDraft,
    ) -> Result<(Key, Secret), Error> {
        let settings = draft.check(&self.permissions, self.max_limits, self.environment.clock.now())?;
        // Before argon2 is spent on it.
        let mode = self.agent(&actor, &agent).await?.mode;
        let id = self.environment.ids.next();
        let secret = credential::new_secret(mode, &*self.environment.random);
        let stored = self.record_secret(&id, &secret).await?;
        let now = stored.created_at;
        let api_key = credential::new_api_key(mode, &*self.environment.random);
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            let organization = &actor.organization_id;
            // Locked, so that a demotion sees either no key or one that it takes out of the cache.
            let creator = work.lock_member(organization, &actor.member_id).await?;
            let creator = creator.ok_or_else(|| Error::not_found("Member"))?;
            let agent = work.lock_agent(organization, &agent).await?.ok_or_else(agents::not_found)?;
            let key = Key {
                id,
                organization_id: organization.clone(),
                agent: AgentName { id: agent.id, name: agent.name },
                api_key,
                secret_last4: stored.last4.clone(),
                name: settings.name,
                description: settings.description,
                effective_permissions: effective(&settings.permissions, Some(creator.role)),
                permissions: settings.permissions,
                rate_limits: settings.rate_limits,
                allowed_ips: settings.allowed_ips,
                expires_at: settings.expires_at,
                disabled_at: None,
                previous: None,
                created_by: (creator.id.clone(), display_name(&creator.name, &creator.email).to_owned()),
                created_at: now,
                updated_at: now,
                last_used_at: None,
                version: 1,
            };
            work.insert_key(&key).await?;
            work.insert_secret(&key.id, &stored).await?;
            this.commit(work, Touched::key(&key.api_key)).await?;
            Ok((key, secret))
        })
        .await
    }

    /// What is stored of a secret.
    pub(crate) async fn record_secret(&self, key_id: &str, secret: &Secret) -> Result<StoredSecret, Error> {
        let hash = self.argon2.hash(secret, &*self.environment.random).await.map_err(|error| {
            tracing::error!(error = %error, "a secret could not be hashed");
            Error::unavailable()
        })?;
        let (verifier, verifier_key_id) = self.checker.verifiers().make(key_id, secret.expose());
        Ok(StoredSecret {
            id: self.environment.ids.next(),
            hash,
            verifier: Some(verifier),
            verifier_key_id: Some(verifier_key_id),
            last4: credential::last4(secret.expose()),
            created_at: self.environment.clock.now(),
            expires_at: None,
        })
    }

    /// One key.
    pub async fn key(&self, actor: &Actor, agent: &str, id: &str) -> Result<Key, Error> {
        key_ids(agent, id)?;
        self.store.key(&actor.organization_id, agent, id).await?.ok_or_else(not_found)
    }

    /// A page of keys.
    pub async fn keys(
        &self,
        actor: &Actor,
        search: KeySearch,
        page: PageRequest,
    ) -> Result<List<Key>, Error> {
        let filter = self.filter(search)?;
        if let Some(agent) = &filter.agent_id {
            self.agent(actor, agent).await?;
        }
        let (organization, status) = (&actor.organization_id, filter.status.map(|(status, _)| status));
        let scope = format!("keys/{organization}/{:?}/{:?}/{status:?}", filter.agent_id, filter.search);
        let (limit, at) = page.open(&scope)?;
        let found = self.store.keys(organization, &filter, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_keys(organization, &filter).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |key| &key.id))
    }

    fn filter(&self, search: KeySearch) -> Result<KeyFilter, Error> {
        let length = search.search.as_deref().map(|text| text.chars().count());
        let fault = match length {
            Some(0) => Some((Fault::TooShort, "`search` must not be empty.")),
            Some(_) if search.search.iter().any(|text| text.contains(char::is_control)) => {
                Some((Fault::Invalid, "`search` holds a control character."))
            }
            Some(length) if length > MAX_SEARCH => {
                Some((Fault::TooLong, "`search` has at most 100 characters."))
            }
            _ => None,
        };
        if let Some((fault, message)) = fault {
            return Err(Error::invalid(vec![Violation::new("search", fault, message)]));
        }
        let now: Timestamp = self.environment.clock.now();
        let status = search.status.map(|status| (status, now));
        Ok(KeyFilter { agent_id: search.agent_id, search: search.search, status })
    }

    /// The key that makes a request.
    pub async fn own_key(&self, organization: &str, id: &str) -> Result<Key, Error> {
        self.store.key_by_id(organization, id).await?.ok_or_else(not_found)
    }

    /// Changes the settings of a key.
    pub async fn update_key(
        &self,
        actor: Actor,
        agent: String,
        id: String,
        change: KeyChange,
        expected_version: Option<i32>,
    ) -> Result<Key, Error> {
        let this = self.clone();
        self.change_key(actor, agent, id, expected_version, move |key, now| {
            change.apply(key, &this.permissions, this.max_limits, now)
        })
        .await
    }

    /// Disables a key, or enables it again.
    pub async fn set_disabled(
        &self,
        actor: Actor,
        agent: String,
        id: String,
        disabled: bool,
    ) -> Result<Key, Error> {
        self.change_key(actor, agent, id, None, move |key, now| {
            let changes = key.disabled_at.is_some() != disabled;
            key.disabled_at = key.disabled_at.or(Some(now)).filter(|_| disabled);
            Ok(changes)
        })
        .await
    }

    /// One change of a key's row. `apply` says whether anything is different.
    async fn change_key(
        &self,
        actor: Actor,
        agent: String,
        id: String,
        expected_version: Option<i32>,
        apply: impl FnOnce(&mut Key, Timestamp) -> Result<bool, Error> + Send + 'static,
    ) -> Result<Key, Error> {
        key_ids(&agent, &id)?;
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            let found = work.lock_key(&actor.organization_id, &agent, &id).await?;
            let mut key = found.ok_or_else(not_found)?;
            precondition(expected_version, key.version)?;
            let now = this.environment.clock.now();
            if !apply(&mut key, now)? {
                return Ok(key);
            }
            key.version += 1;
            key.updated_at = now;
            work.update_key(&key).await?;
            // Read again for what follows from the change.
            let key = work.lock_key(&actor.organization_id, &agent, &id).await?.ok_or_else(not_found)?;
            this.commit(work, Touched::key(&key.api_key)).await?;
            Ok(key)
        })
        .await
    }

    /// Deletes a key. No request that starts after this has returned is let through.
    pub async fn delete_key(
        &self,
        actor: Actor,
        agent: String,
        id: String,
        expected_version: Option<i32>,
    ) -> Result<(), Error> {
        key_ids(&agent, &id)?;
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            let key = work.lock_key(&actor.organization_id, &agent, &id).await?.ok_or_else(not_found)?;
            precondition(expected_version, key.version)?;
            work.delete_key(&actor.organization_id, &agent, &id).await?;
            this.commit(work, Touched::key(&key.api_key)).await?;
            // One that stays goes by itself once its windows are empty.
            if let Err(error) = this.checker.limiter.forget(&id).await {
                tracing::debug!(error = %error, "the limits of a deleted key stay for now");
            }
            Ok(())
        })
        .await
    }
}

pub(super) fn key_ids(agent: &str, id: &str) -> Result<(), Error> {
    must_be_id(agent, not_found)?;
    must_be_id(id, not_found)
}

pub(super) fn not_found() -> Error {
    Error::not_found("API key")
}
