//! The queries, each written once for SQLite and PostgreSQL. Each carries organization and agent.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_core::db::{Db, DbError, Dialect, Transaction, sql};
use tracing::instrument;

use super::row::{json, read};
use super::{Store, StoreError, Work};
use crate::domain::{Contact, Locator, Page, PageSize, Partition, Position};

/// A SELECT of whole contacts of one partition: `$1` the organization, `$2` the agent.
macro_rules! select {
    ($($rest:literal),*) => {
        concat!(
            "SELECT id, external_reference_id, name, email, mobile_number, gender, stage, status, source, \
             tags, notes, custom_fields, created_at, updated_at, archived_at, version \
             FROM contacts WHERE organization_id = $1 AND agent_id = $2 ",
            $($rest),*
        )
    };
}

const FIND_BY_ID: &str = select!("AND id = $3");
const FIND_BY_REFERENCE: &str = select!("AND external_reference_id = $3");
const LIST: &str = select!(
    "AND status = 'ACTIVE' AND (created_at, id) < ($3, $4) ",
    "ORDER BY created_at DESC, id DESC LIMIT $5"
);
const INSERT: &str = "INSERT INTO contacts (organization_id, agent_id, id, external_reference_id, name, email, \
     mobile_number, gender, stage, status, source, tags, notes, custom_fields, created_at, updated_at, \
     archived_at, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
     ON CONFLICT (organization_id, agent_id, external_reference_id) DO NOTHING";
const UPDATE: &str = "UPDATE contacts SET external_reference_id = $4, name = $5, email = $6, \
     mobile_number = $7, gender = $8, stage = $9, status = $10, source = $11, tags = $12, notes = $13, \
     custom_fields = $14, updated_at = $15, archived_at = $16, version = $17 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const DELETE: &str = "DELETE FROM contacts WHERE organization_id = $1 AND agent_id = $2 AND id = $3";

/// The position before all contacts.
const START: (Timestamp, &str) = (Timestamp(i64::MAX), "");

/// Contacts in a database.
pub(super) struct SqlStore<D: Dialect> {
    db: Db<D>,
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn new(db: Db<D>) -> SqlStore<D> {
        SqlStore { db }
    }
}

fn find_by(locator: &Locator) -> (&'static str, &str) {
    match locator {
        Locator::Id(id) => (FIND_BY_ID, id),
        Locator::Reference(reference) => (FIND_BY_REFERENCE, reference),
    }
}

#[async_trait]
impl<D: Dialect> Store for SqlStore<D> {
    #[instrument(name = "db.contact.find", level = "debug", skip_all)]
    async fn find(&self, partition: &Partition, locator: &Locator) -> Result<Option<Contact>, StoreError> {
        let (query, value) = find_by(locator);
        let mut connection = self.db.read().await?;
        let row = sql::<D>(query)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(value)
            .optional(&mut connection)
            .await?;
        connection.done();
        row.as_ref().map(read).transpose()
    }

    #[instrument(name = "db.contact.list", level = "debug", skip_all)]
    async fn list(
        &self,
        partition: &Partition,
        size: PageSize,
        after: Option<&Position>,
    ) -> Result<Page, StoreError> {
        let (created_at, id) = after.map_or(START, |after| (after.created_at, after.id.as_str()));
        let size = size.get();
        let mut connection = self.db.read().await?;
        let rows = sql::<D>(LIST)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(created_at)
            .bind(id)
            // One more, to know whether a page follows.
            .bind(i64::from(size) + 1)
            .all(&mut connection)
            .await?;
        connection.done();
        let mut contacts = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let size = size as usize;
        let has_more = contacts.len() > size;
        contacts.truncate(size);
        Ok(Page { contacts, has_more })
    }

    #[instrument(name = "db.contact.begin", level = "debug", skip_all)]
    async fn begin(&self) -> Result<Box<dyn Work>, StoreError> {
        Ok(Box::new(SqlWork { transaction: self.db.begin().await? }))
    }
}

/// A change in a transaction.
struct SqlWork<D: Dialect> {
    transaction: Transaction<D>,
}

#[async_trait]
impl<D: Dialect> Work for SqlWork<D> {
    #[instrument(name = "db.contact.lock", level = "debug", skip_all)]
    async fn find(
        &mut self,
        partition: &Partition,
        locator: &Locator,
    ) -> Result<Option<Contact>, StoreError> {
        let (query, value) = find_by(locator);
        // Two constants: nothing of the request becomes part of the text.
        let row = sql::<D>(AssertSqlSafe(format!("{query}{}", D::FOR_UPDATE)))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(value)
            .optional(&mut self.transaction)
            .await?;
        row.as_ref().map(read).transpose()
    }

    #[instrument(name = "db.contact.insert", level = "debug", skip_all)]
    async fn insert(&mut self, partition: &Partition, contact: &Contact) -> Result<bool, StoreError> {
        let fields = &contact.fields;
        let inserted = sql::<D>(INSERT)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&contact.id)
            .bind(&fields.external_reference_id)
            .bind(&fields.name)
            .bind(&fields.email)
            .bind(&fields.mobile_number)
            .bind(&fields.gender)
            .bind(fields.stage.map(|stage| stage.as_str()))
            .bind(contact.status.as_str())
            .bind(&fields.source)
            .bind(&json(&fields.tags, "tags")?)
            .bind(&fields.notes)
            .bind(&json(&fields.custom_fields, "custom_fields")?)
            .bind(contact.created_at)
            .bind(contact.updated_at)
            .bind(contact.archived_at)
            .bind(contact.version)
            .run(&mut self.transaction)
            .await?;
        Ok(inserted == 1)
    }

    #[instrument(name = "db.contact.update", level = "debug", skip_all)]
    async fn update(&mut self, partition: &Partition, contact: &Contact) -> Result<(), StoreError> {
        let fields = &contact.fields;
        sql::<D>(UPDATE)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&contact.id)
            .bind(&fields.external_reference_id)
            .bind(&fields.name)
            .bind(&fields.email)
            .bind(&fields.mobile_number)
            .bind(&fields.gender)
            .bind(fields.stage.map(|stage| stage.as_str()))
            .bind(contact.status.as_str())
            .bind(&fields.source)
            .bind(&json(&fields.tags, "tags")?)
            .bind(&fields.notes)
            .bind(&json(&fields.custom_fields, "custom_fields")?)
            .bind(contact.updated_at)
            .bind(contact.archived_at)
            .bind(contact.version)
            .run(&mut self.transaction)
            .await?;
        Ok(())
    }

    #[instrument(name = "db.contact.delete", level = "debug", skip_all)]
    async fn delete(&mut self, partition: &Partition, id: &str) -> Result<(), StoreError> {
        sql::<D>(DELETE)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(id)
            .run(&mut self.transaction)
            .await?;
        Ok(())
    }

    #[instrument(name = "db.contact.commit", level = "debug", skip_all)]
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await.map_err(DbError::from)?)
    }
}
