//! Events that wait to be told by webhooks. They belong to an organization, but are handed on for all of them together.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row, sql};

use super::StoreError;
use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use crate::domain::{AgentId, Event, OrganizationId};

/// Reads events.
#[async_trait]
pub(crate) trait Events: Send + Sync {
    /// Those that wait, the oldest first.
    async fn waiting_events(&self, limit: i64) -> Result<Vec<Event>, StoreError>;
}

/// Changes events.
#[async_trait]
pub(crate) trait EventChanges: Send {
    /// Adds one.
    async fn insert_event(&mut self, event: &Event) -> Result<(), StoreError>;

    /// It was handed on.
    async fn delete_event(&mut self, id: &str) -> Result<(), StoreError>;

    /// Forgets those that nobody has come for: they are from before this moment.
    async fn delete_old_events(&mut self, before: Timestamp) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> Events for SqlStore<D> {
    async fn waiting_events(&self, limit: i64) -> Result<Vec<Event>, StoreError> {
        let select =
            "SELECT id, organization_id, agent_id, type, data, at FROM events ORDER BY at, id LIMIT $1";
        let rows = read!(self, "db.event.list", |c| sql::<D>(select).bind(limit).all(c))?;
        rows.iter().map(event).collect()
    }
}

#[async_trait]
impl<D: Announce> EventChanges for SqlWork<D> {
    async fn insert_event(&mut self, event: &Event) -> Result<(), StoreError> {
        let query = sql::<D>(
            "INSERT INTO events (id, organization_id, agent_id, type, data, at) VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let query = query.bind(&event.id).bind(&event.organization_id).bind(&event.agent_id);
        let query = query.bind(&event.kind).bind(&event.data).bind(event.at);
        run!(self, "db.event.insert", |c| query.run(c))?;
        Ok(())
    }

    async fn delete_event(&mut self, id: &str) -> Result<(), StoreError> {
        let query = sql::<D>("DELETE FROM events WHERE id = $1").bind(id);
        run!(self, "db.event.delete", |c| query.run(c))?;
        Ok(())
    }

    async fn delete_old_events(&mut self, before: Timestamp) -> Result<(), StoreError> {
        let query = sql::<D>("DELETE FROM events WHERE at < $1").bind(before);
        run!(self, "db.event.delete_old", |c| query.run(c))?;
        Ok(())
    }
}

fn event<D: Dialect>(row: &Row<D>) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.get("id")?,
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        agent_id: AgentId::new(row.get::<String>("agent_id")?),
        kind: row.get("type")?,
        data: row.get("data")?,
        at: row.time("at")?,
    })
}
