//! Agents.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_db::{Dialect, Row, sql};

use super::announcements::{Announce, Touched};
use super::sql::{SqlStore, SqlWork, read, run};
use super::{Slice, StoreError, row};
use crate::domain::{Agent, AgentId, AgentMode, OrganizationId};

/// Reads agents.
#[async_trait]
pub(crate) trait Agents: Send + Sync {
    /// One agent.
    async fn agent(&self, organization: &OrganizationId, id: &AgentId) -> Result<Option<Agent>, StoreError>;

    /// A slice of the agents.
    async fn agents(&self, organization: &OrganizationId, slice: &Slice) -> Result<Vec<Agent>, StoreError>;

    /// How many agents.
    async fn count_agents(&self, organization: &OrganizationId) -> Result<i64, StoreError>;
}

/// Changes agents.
#[async_trait]
pub(crate) trait AgentChanges: Send {
    /// Adds an agent.
    async fn insert_agent(&mut self, agent: &Agent) -> Result<(), StoreError>;

    /// Reads an agent and keeps others from changing it.
    async fn lock_agent(
        &mut self,
        organization: &OrganizationId,
        id: &AgentId,
    ) -> Result<Option<Agent>, StoreError>;

    /// Writes an agent's name.
    async fn update_agent(&mut self, agent: &Agent) -> Result<(), StoreError>;

    /// Deletes an agent and its keys.
    async fn delete_agent(&mut self, agent: &Agent) -> Result<Touched, StoreError>;
}

const SELECT: &str = "SELECT * FROM agents WHERE organization_id = $1 AND id = $2";

#[async_trait]
impl<D: Announce> Agents for SqlStore<D> {
    async fn agent(&self, organization: &OrganizationId, id: &AgentId) -> Result<Option<Agent>, StoreError> {
        let row = read!(self, "db.agent.get", |c| sql::<D>(SELECT).bind(organization).bind(id).optional(c))?;
        row.as_ref().map(agent).transpose()
    }

    async fn agents(&self, organization: &OrganizationId, slice: &Slice) -> Result<Vec<Agent>, StoreError> {
        let select = "SELECT * FROM agents WHERE organization_id = $1 AND ($2 = '' OR id < $2) \
             ORDER BY id DESC LIMIT $3";
        let before = slice.before.as_deref().unwrap_or_default();
        let rows = read!(self, "db.agent.list", |c| sql::<D>(select)
            .bind(organization)
            .bind(before)
            .bind(slice.limit)
            .all(c))?;
        rows.iter().map(agent).collect()
    }

    async fn count_agents(&self, organization: &OrganizationId) -> Result<i64, StoreError> {
        let count = "SELECT COUNT(*) AS count FROM agents WHERE organization_id = $1";
        row::count(read!(self, "db.agent.count", |c| sql::<D>(count).bind(organization).optional(c))?)
    }
}

#[async_trait]
impl<D: Announce> AgentChanges for SqlWork<D> {
    async fn insert_agent(&mut self, agent: &Agent) -> Result<(), StoreError> {
        let query = sql::<D>(
            "INSERT INTO agents (id, organization_id, name, mode, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let query = query.bind(&agent.id).bind(&agent.organization_id).bind(&agent.name);
        let query = query.bind(agent.mode.as_str()).bind(agent.created_at).bind(agent.updated_at);
        run!(self, "db.agent.insert", |c| query.run(c))?;
        Ok(())
    }

    async fn lock_agent(
        &mut self,
        organization: &OrganizationId,
        id: &AgentId,
    ) -> Result<Option<Agent>, StoreError> {
        let query = sql::<D>(AssertSqlSafe(format!("{SELECT}{}", D::FOR_UPDATE)));
        let query = query.bind(organization).bind(id);
        let row = run!(self, "db.agent.lock", |c| query.optional(c))?;
        row.as_ref().map(agent).transpose()
    }

    async fn update_agent(&mut self, agent: &Agent) -> Result<(), StoreError> {
        let query =
            sql::<D>("UPDATE agents SET name = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2");
        let query = query.bind(&agent.organization_id).bind(&agent.id).bind(&agent.name);
        let query = query.bind(agent.updated_at);
        run!(self, "db.agent.update", |c| query.run(c))?;
        Ok(())
    }

    async fn delete_agent(&mut self, agent: &Agent) -> Result<Touched, StoreError> {
        let (organization, id) = (&agent.organization_id, &agent.id);
        let query =
            sql::<D>("DELETE FROM api_keys WHERE organization_id = $1 AND agent_id = $2 RETURNING api_key");
        let query = query.bind(organization).bind(id);
        let keys = run!(self, "db.key.delete", |c| query.all(c))?;
        let query = sql::<D>("DELETE FROM agents WHERE organization_id = $1 AND id = $2");
        let query = query.bind(organization).bind(id);
        run!(self, "db.agent.delete", |c| query.run(c))?;
        Touched::rows(&keys)
    }
}

fn agent<D: Dialect>(row: &Row<D>) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: AgentId::new(row.get::<String>("id")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        name: row.get("name")?,
        mode: AgentMode::parse(&row.get::<String>("mode")?).ok_or(StoreError::Corrupt { column: "mode" })?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
