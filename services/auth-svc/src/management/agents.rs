//! Agents.

use svc_core::error::Error;

use super::{Actor, List, Management, PageRequest, must_be_id};
use crate::domain::{Agent, AgentMode, check_name};
use crate::store::Touched;

impl Management {
    /// Makes an agent.
    pub async fn create_agent(
        &self,
        actor: Actor,
        name: Option<&str>,
        mode: AgentMode,
    ) -> Result<Agent, Error> {
        let name = named(name)?;
        let now = self.environment.clock.now();
        let agent = Agent {
            id: self.environment.ids.next(),
            organization_id: actor.organization_id,
            name,
            mode,
            created_at: now,
            updated_at: now,
        };
        let this = self.clone();
        self.undisturbed(async move {
            let mut work = this.store.begin().await?;
            work.insert_agent(&agent).await?;
            work.commit().await?;
            Ok(agent)
        })
        .await
    }

    /// One agent.
    pub async fn agent(&self, actor: &Actor, id: &str) -> Result<Agent, Error> {
        must_be_id(id, not_found)?;
        self.store.agent(&actor.organization_id, id).await?.ok_or_else(not_found)
    }

    /// A page of agents.
    pub async fn agents(&self, actor: &Actor, page: PageRequest) -> Result<List<Agent>, Error> {
        let scope = format!("agents/{}", actor.organization_id);
        let (limit, at) = page.open(&scope)?;
        let found = self.store.agents(&actor.organization_id, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_agents(&actor.organization_id).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |agent| &agent.id))
    }

    /// Changes an agent's name, if one is given.
    pub async fn update_agent(
        &self,
        actor: Actor,
        id: String,
        name: Option<Option<String>>,
    ) -> Result<Agent, Error> {
        must_be_id(&id, not_found)?;
        let name = name.map(|name| named(name.as_deref())).transpose()?;
        let this = self.clone();
        self.undisturbed(async move {
            let mut work = this.store.begin().await?;
            let mut agent = work.lock_agent(&actor.organization_id, &id).await?.ok_or_else(not_found)?;
            let Some(name) = name.filter(|name| *name != agent.name) else { return Ok(agent) };
            agent.name = name;
            agent.updated_at = this.environment.clock.now();
            work.update_agent(&agent).await?;
            work.commit().await?;
            Ok(agent)
        })
        .await
    }

    /// Deletes an agent and revokes its keys.
    pub async fn delete_agent(&self, actor: Actor, id: String) -> Result<(), Error> {
        must_be_id(&id, not_found)?;
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            work.lock_agent(&actor.organization_id, &id).await?.ok_or_else(not_found)?;
            let revoked = work.delete_agent(&actor.organization_id, &id).await?;
            this.commit(work, Touched::Keys(revoked)).await?;
            Ok(())
        })
        .await
    }
}

fn named(name: Option<&str>) -> Result<String, Error> {
    let mut violations = Vec::new();
    let name = check_name("name", name, &mut violations);
    match violations.is_empty() {
        true => Ok(name),
        false => Err(Error::invalid(violations)),
    }
}

pub(super) fn not_found() -> Error {
    Error::not_found("Agent")
}
