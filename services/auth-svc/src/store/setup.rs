//! Organizations, and whether there is one.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::sql;

use super::StoreError;
use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use crate::domain::OrganizationId;

/// Reads whether the setup is done.
#[async_trait]
pub(crate) trait Setup: Send + Sync {
    /// Whether it is.
    async fn is_set_up(&self) -> Result<bool, StoreError>;

    /// The name of an organization.
    async fn organization_name(&self, id: &OrganizationId) -> Result<Option<String>, StoreError>;
}

/// Sets up.
#[async_trait]
pub(crate) trait SetupChanges: Send {
    /// Says that the setup is done. `false` when it was before.
    async fn claim_setup(&mut self) -> Result<bool, StoreError>;

    /// Adds an organization.
    async fn insert_organization(
        &mut self,
        id: &OrganizationId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> Setup for SqlStore<D> {
    async fn is_set_up(&self) -> Result<bool, StoreError> {
        let row = read!(self, "db.setup.get", |c| sql::<D>("SELECT once FROM setup").optional(c))?;
        Ok(row.is_some())
    }

    async fn organization_name(&self, id: &OrganizationId) -> Result<Option<String>, StoreError> {
        let select = "SELECT name FROM organizations WHERE id = $1";
        let row = read!(self, "db.organization.get", |c| sql::<D>(select).bind(id).optional(c))?;
        Ok(row.map(|row| row.get("name")).transpose()?)
    }
}

#[async_trait]
impl<D: Announce> SetupChanges for SqlWork<D> {
    async fn claim_setup(&mut self) -> Result<bool, StoreError> {
        let query = sql::<D>("INSERT INTO setup (once) VALUES (1) ON CONFLICT DO NOTHING");
        Ok(run!(self, "db.setup.claim", |c| query.run(c))? > 0)
    }

    async fn insert_organization(
        &mut self,
        id: &OrganizationId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql::<D>("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)");
        let query = query.bind(id).bind(name).bind(now);
        run!(self, "db.organization.insert", |c| query.run(c))?;
        Ok(())
    }
}
