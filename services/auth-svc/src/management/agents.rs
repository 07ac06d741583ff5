//! Agents.

use svc_core::actor::Partition;
use svc_core::clock::Timestamp;
use svc_core::erasure::{Erased, Erasure};
use svc_core::idempotency::Once;

use super::{List, Management, PageRequest};
use crate::audit::{Action, Attempt, Audit, Auditable, Facts};
use crate::change::Changed;
use crate::domain::{Actor, Agent, AgentId, AgentMode, check_name};
use crate::error::{AuthError, Thing};
use crate::store::Touched;

/// How many keys of a deleted agent its entry in the audit log names.
const MAX_NAMED_KEYS: usize = 100;

impl Management {
    /// Makes an agent.
    pub(crate) async fn create_agent(
        &self,
        actor: &Actor,
        name: Option<&str>,
        mode: AgentMode,
        once: Option<Once<Agent>>,
    ) -> Result<Agent, AuthError> {
        let name = named(name)?;
        let now = self.environment.clock.now();
        let agent = Agent {
            id: AgentId::new(self.environment.ids.next()),
            organization_id: actor.organization_id.clone(),
            name,
            mode,
            created_at: now,
            updated_at: now,
        };
        let attempt = Attempt::to_make(Action::AgentCreated, &agent.name);
        self.change_once(actor, attempt, once, |work| {
            Box::pin(async move {
                work.insert_agent(&agent).await?;
                let audit = Audit::created(Action::AgentCreated, &agent);
                Ok(Changed::new(agent, Touched::nothing(), audit))
            })
        })
        .await
    }

    /// One agent.
    pub(crate) async fn agent(&self, actor: &Actor, id: &AgentId) -> Result<Agent, AuthError> {
        must_exist(id)?;
        self.store.agent(&actor.organization_id, id).await?.ok_or_else(not_found)
    }

    /// A page of agents.
    pub(crate) async fn agents(&self, actor: &Actor, page: PageRequest) -> Result<List<Agent>, AuthError> {
        let scope = format!("agents/{}", actor.organization_id);
        let (limit, at) = page.open(&scope)?;
        let found = self.store.agents(&actor.organization_id, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_agents(&actor.organization_id).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |agent| agent.id.as_str()))
    }

    /// Changes an agent's name, if one is given.
    pub(crate) async fn update_agent(
        &self,
        actor: &Actor,
        id: AgentId,
        name: Option<Option<String>>,
    ) -> Result<Agent, AuthError> {
        must_exist(&id)?;
        let name = name.map(|name| named(name.as_deref())).transpose()?;
        let (organization, clock) = (actor.organization_id.clone(), self.environment.clock.clone());
        self.change(actor, Attempt::on(Action::AgentUpdated, id.as_str()), |work| {
            Box::pin(async move {
                let before = work.lock_agent(&organization, &id).await?.ok_or_else(not_found)?;
                let Some(name) = name.filter(|name| *name != before.name) else {
                    return Ok(Changed::unchanged(before));
                };
                let agent = Agent { name, updated_at: clock.now(), ..before.clone() };
                work.update_agent(&agent).await?;
                let audit = Audit::changed(Action::AgentUpdated, &before, &agent);
                Ok(Changed::new(agent, Touched::nothing(), audit))
            })
        })
        .await
    }

    /// Deletes an agent and revokes its keys. The services that hold something of it are told, and delete that.
    pub(crate) async fn delete_agent(&self, actor: &Actor, id: AgentId) -> Result<(), AuthError> {
        must_exist(&id)?;
        let organization = actor.organization_id.clone();
        let (erasure_id, now) = (self.environment.ids.next(), self.environment.clock.now());
        self.change(actor, Attempt::on(Action::AgentDeleted, id.as_str()), move |work| {
            Box::pin(async move {
                let agent = work.lock_agent(&organization, &id).await?.ok_or_else(not_found)?;
                let revoked = work.delete_agent(&agent).await?;
                work.insert_erasure(erasure(erasure_id, &agent, now)).await?;
                let audit = Audit::of(
                    Action::AgentDeleted,
                    agent.resource(),
                    Some(with_keys(agent.facts(), revoked.api_keys())),
                    None,
                );
                Ok(Changed::new((), revoked, audit))
            })
        })
        .await
    }
}

/// That an agent is gone.
fn erasure(id: String, agent: &Agent, at: Timestamp) -> Erasure {
    let of = Partition {
        organization_id: agent.organization_id.as_str().to_owned(),
        agent_id: agent.id.as_str().to_owned(),
    };
    Erasure { id, of, what: Erased::Agent, at }
}

/// With the keys that go with an agent: how many, and the first ones.
fn with_keys(facts: Facts, api_keys: Option<&[String]>) -> Facts {
    let api_keys = api_keys.unwrap_or_default();
    let named = api_keys.get(..MAX_NAMED_KEYS).unwrap_or(api_keys);
    facts.with("apiKeyCount", api_keys.len()).with("apiKeys", named)
}

fn named(name: Option<&str>) -> Result<String, AuthError> {
    let mut violations = Vec::new();
    let name = check_name("name", name, &mut violations);
    match violations.is_empty() {
        true => Ok(name),
        false => Err(AuthError::Invalid(violations)),
    }
}

fn must_exist(id: &AgentId) -> Result<(), AuthError> {
    match id.can_exist() {
        true => Ok(()),
        false => Err(not_found()),
    }
}

pub(super) fn not_found() -> AuthError {
    AuthError::NotFound(Thing::Agent)
}
