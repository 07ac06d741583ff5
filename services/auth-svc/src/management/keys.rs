//! API keys.

use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};
use svc_core::idempotency::Once;
use svc_core::precondition::Precondition;
use svc_core::secret::Secret;

use super::{List, Management, PageRequest};
use super::{agents, members, usage};
use crate::audit::{Action, Attempt, Audit};
use crate::change::Changed;
use crate::credential;
use crate::domain::{
    Actor, AgentId, AgentName, Event, Key, KeyChange, KeyDraft, KeyId, KeyStatus, OrganizationId, SecretId,
    display_name, effective,
};
use crate::error::{AuthError, Thing};
use crate::limits::LimitStore;
use crate::secrets::StoredSecret;
use crate::store::KeyFilter;

const MAX_SEARCH: usize = 100;

/// Which keys a caller asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySearch {
    /// Of this agent.
    pub(crate) agent_id: Option<AgentId>,
    /// Whose name, description or `apiKey` holds this text.
    pub(crate) search: Option<String>,
    /// Of this status.
    pub(crate) status: Option<KeyStatus>,
    /// Not used for so many days.
    pub(crate) unused_days: Option<i32>,
}

impl Management {
    /// Makes a key and its secret, which is returned here only.
    pub(crate) async fn create_key(
        &self,
        actor: &Actor,
        agent: AgentId,
        draft: KeyDraft,
        once: Option<Once<(Key, Secret)>>,
    ) -> Result<(Key, Secret), AuthError> {
        let settings = draft.check(&self.permissions, self.max_limits, self.environment.clock.now())?;
        // Before argon2 is spent on it.
        let mode = self.agent(actor, &agent).await?.mode;
        let id = KeyId::new(self.environment.ids.next());
        let secret = credential::new_secret(mode, &*self.environment.random);
        let stored = self.record_secret(&id, &secret).await?;
        let now = stored.created_at;
        let api_key = credential::new_api_key(mode, &*self.environment.random);
        let (organization, member) = (actor.organization_id.clone(), actor.member_id.clone());
        let attempt = Attempt::to_make(Action::KeyCreated, &settings.name);
        self.change_once(actor, attempt, once, move |work| {
            Box::pin(async move {
                // Locked, so that a demotion sees either no key or one that it takes out of the cache.
                let creator = work.lock_member(&organization, &member).await?;
                let creator = creator.ok_or_else(members::not_found)?;
                let agent = work.lock_agent(&organization, &agent).await?.ok_or_else(agents::not_found)?;
                let key = Key {
                    id,
                    organization_id: organization,
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
                let inserted = work.insert_key(&key).await?;
                let with_secret = work.insert_secret(&key, &stored).await?;
                let audit = Audit::created(Action::KeyCreated, &key);
                Ok(Changed::new((key, secret), inserted.and(with_secret), audit))
            })
        })
        .await
    }

    /// What is stored of a secret.
    pub(crate) async fn record_secret(
        &self,
        key_id: &KeyId,
        secret: &Secret,
    ) -> Result<StoredSecret, AuthError> {
        let hash = self.argon2.hash(secret, &*self.environment.random).await?;
        let (verifier, verifier_key_id) = self.checker.verifiers().make(key_id.as_str(), secret);
        Ok(StoredSecret {
            id: SecretId::new(self.environment.ids.next()),
            hash,
            verifier: Some(verifier),
            verifier_key_id: Some(verifier_key_id),
            last4: credential::last4(secret.expose()),
            created_at: self.environment.clock.now(),
            expires_at: None,
        })
    }

    /// One key.
    pub(crate) async fn key(&self, actor: &Actor, agent: &AgentId, id: &KeyId) -> Result<Key, AuthError> {
        must_exist(agent, id)?;
        self.usage.write_what_can_be().await;
        self.store.key(&actor.organization_id, agent, id).await?.ok_or_else(not_found)
    }

    /// A page of keys.
    pub(crate) async fn keys(
        &self,
        actor: &Actor,
        search: KeySearch,
        page: PageRequest,
    ) -> Result<List<Key>, AuthError> {
        let unused_days = search.unused_days;
        let filter = self.filter(search)?;
        if let Some(agent) = &filter.agent_id {
            self.agent(actor, agent).await?;
        }
        let (organization, status) = (&actor.organization_id, filter.status.map(|(status, _)| status));
        let agent = filter.agent_id.as_ref().map(AgentId::as_str);
        let scope = format!("keys/{organization}/{agent:?}/{:?}/{status:?}/{unused_days:?}", filter.search);
        let (limit, at) = page.open(&scope)?;
        self.usage.write_what_can_be().await;
        let found = self.store.keys(organization, &filter, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_keys(organization, &filter).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |key| key.id.as_str()))
    }

    fn filter(&self, search: KeySearch) -> Result<KeyFilter, AuthError> {
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
            return Err(AuthError::Invalid(vec![Violation::new("search", fault, message)]));
        }
        let now: Timestamp = self.environment.clock.now();
        let status = search.status.map(|status| (status, now));
        let unused_since = search.unused_days.map(|days| usage::unused_since(days, now)).transpose()?;
        Ok(KeyFilter { agent_id: search.agent_id, search: search.search, status, unused_since })
    }

    /// The key that makes a request.
    pub(crate) async fn own_key(&self, organization: &OrganizationId, id: &KeyId) -> Result<Key, AuthError> {
        self.store.key_by_id(organization, id).await?.ok_or_else(not_found)
    }

    /// Changes the settings of a key.
    pub(crate) async fn update_key(
        &self,
        actor: &Actor,
        agent: AgentId,
        id: KeyId,
        change: KeyChange,
        precondition: Precondition,
    ) -> Result<Key, AuthError> {
        let (permissions, max_limits) = (self.permissions.clone(), self.max_limits);
        self.change_key(actor, Action::KeyUpdated, agent, id, precondition, None, move |key, now| {
            change.apply(key, &permissions, max_limits, now)
        })
        .await
    }

    /// Disables a key, or enables it again.
    pub(crate) async fn set_disabled(
        &self,
        actor: &Actor,
        agent: AgentId,
        id: KeyId,
        disabled: bool,
        once: Option<Once<Key>>,
    ) -> Result<Key, AuthError> {
        let action = if disabled { Action::KeyDisabled } else { Action::KeyEnabled };
        self.change_key(actor, action, agent, id, Precondition::default(), once, move |key, now| {
            let changes = key.disabled_at.is_some() != disabled;
            key.disabled_at = key.disabled_at.or(Some(now)).filter(|_| disabled);
            Ok(changes)
        })
        .await
    }

    /// One change of a key's row. `apply` says whether anything is different.
    #[allow(clippy::too_many_arguments, reason = "two callers, which name them")]
    async fn change_key(
        &self,
        actor: &Actor,
        action: Action,
        agent: AgentId,
        id: KeyId,
        precondition: Precondition,
        once: Option<Once<Key>>,
        apply: impl FnOnce(&mut Key, Timestamp) -> Result<bool, AuthError> + Send + 'static,
    ) -> Result<Key, AuthError> {
        must_exist(&agent, &id)?;
        let (organization, clock) = (actor.organization_id.clone(), self.environment.clock.clone());
        self.change_once(actor, Attempt::on(action, id.as_str()), once, move |work| {
            Box::pin(async move {
                let before = work.lock_key(&organization, &agent, &id).await?.ok_or_else(not_found)?;
                precondition.check(Some(before.version))?;
                let (mut key, now) = (before.clone(), clock.now());
                if !apply(&mut key, now)? {
                    return Ok(Changed::unchanged(key));
                }
                key.version += 1;
                key.updated_at = now;
                let updated = work.update_key(&key).await?;
                // Read again for what follows from the change.
                let key = work.lock_key(&organization, &agent, &id).await?.ok_or_else(not_found)?;
                let audit = Audit::changed(action, &before, &key);
                Ok(Changed::new(key, updated, audit))
            })
        })
        .await
    }

    /// Deletes a key. No request that starts after this has returned is let through.
    pub(crate) async fn delete_key(
        &self,
        actor: &Actor,
        agent: AgentId,
        id: KeyId,
        precondition: Precondition,
    ) -> Result<(), AuthError> {
        must_exist(&agent, &id)?;
        let organization = actor.organization_id.clone();
        let (event_id, now) = (self.environment.ids.next(), self.environment.clock.now());
        let deleted = self.change(actor, Attempt::on(Action::KeyDeleted, id.as_str()), move |work| {
            Box::pin(async move {
                let key = work.lock_key(&organization, &agent, &id).await?.ok_or_else(not_found)?;
                precondition.check(Some(key.version))?;
                let deleted = work.delete_key(&key).await?;
                work.insert_event(&Event::deleted(event_id, &key, now)).await?;
                let audit = Audit::deleted(Action::KeyDeleted, &key);
                Ok(Changed::new(key.id, deleted, audit))
            })
        });
        // What stays goes by itself once its windows are empty.
        if let Err(error) = self.checker.limiter.forget(deleted.await?.as_str()).await {
            tracing::debug!(error = %error, "the limits of a deleted key stay for now");
        }
        Ok(())
    }
}

pub(super) fn must_exist(agent: &AgentId, id: &KeyId) -> Result<(), AuthError> {
    match agent.can_exist() && id.can_exist() {
        true => Ok(()),
        false => Err(not_found()),
    }
}

pub(super) fn not_found() -> AuthError {
    AuthError::NotFound(Thing::Key)
}
