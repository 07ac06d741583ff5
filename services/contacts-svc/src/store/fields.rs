//! Declared fields, and the values that only one contact may have.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{DbError, Dialect, Query, Row, Scope, sql};
use tracing::instrument;

use super::row::custom_fields;
use super::sql::SqlWork;
use super::{FieldWork, StoreError, StoredValue, StoredValues, ValuesAfter};
use crate::domain::{Field, FieldSet, Partition, Status, UniqueValue};

const FIELD_SET: &str =
    "SELECT revision, fields FROM contact_field_sets WHERE organization_id = $1 AND agent_id = $2";
const WRITE_FIELD_SET: &str = "INSERT INTO contact_field_sets (organization_id, agent_id, revision, fields) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (organization_id, agent_id) \
     DO UPDATE SET revision = excluded.revision, fields = excluded.fields";

/// Locks what every change of a contact locks before its commit, and changes nothing.
const LOCK_WRITES: &str = "INSERT INTO contact_feeds (organization_id, agent_id, last_sequence, active, archived) \
     VALUES ($1, $2, 0, 0, 0) \
     ON CONFLICT (organization_id, agent_id) DO UPDATE SET last_sequence = contact_feeds.last_sequence";
const WRITE_REVISION: &str =
    "UPDATE contact_feeds SET fields_revision = $3 WHERE organization_id = $1 AND agent_id = $2";

const TAKE_VALUE: &str = "INSERT INTO contact_unique_values \
     (organization_id, agent_id, field_key, digest, contact_id) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (organization_id, agent_id, field_key, digest) DO NOTHING";
const WHO_HAS_VALUE: &str = "SELECT contact_id FROM contact_unique_values \
     WHERE organization_id = $1 AND agent_id = $2 AND field_key = $3 AND digest = $4";
const RELEASE_VALUE: &str = "DELETE FROM contact_unique_values WHERE organization_id = $1 AND agent_id = $2 \
     AND field_key = $3 AND digest = $4 AND contact_id = $5";
const RELEASE_FIELD: &str = "DELETE FROM contact_unique_values \
     WHERE organization_id = $1 AND agent_id = $2 AND field_key = $3";

/// How many contacts are read at once where all values of a field are looked at.
const VALUES_AT_ONCE: i64 = 500;

/// Contacts that may have a value of a field: those whose text has its name, `$6`, as JSON writes it.
macro_rules! values {
    ($position:literal) => {
        concat!(
            "SELECT id, created_at, custom_fields FROM contacts WHERE organization_id = $1 AND agent_id = $2 \
             AND status = $3 AND (created_at, id) < ($4, $5) AND ",
            $position,
            "(custom_fields, $6) > 0 ORDER BY created_at DESC, id DESC LIMIT $7"
        )
    };
}

/// The fields of an agent.
pub(super) async fn field_set<D: Dialect>(
    connection: &mut D::Connection,
    partition: &Partition,
) -> Result<Option<(i64, String)>, DbError> {
    let query = of_partition::<D>(FIELD_SET, partition).within(&Scope::of(partition));
    let row = query.optional(connection).await?;
    row.as_ref().map(field_set_columns).transpose()
}

fn field_set_columns<D: Dialect>(row: &Row<D>) -> Result<(i64, String), DbError> {
    Ok((row.get("revision")?, row.get("fields")?))
}

/// What [`field_set`] has read.
pub(super) fn read_field_set(found: Option<(i64, String)>) -> Result<FieldSet, StoreError> {
    let Some((revision, text)) = found else { return Ok(FieldSet::default()) };
    let fields: Vec<Field> =
        serde_json::from_str(&text).map_err(|_| StoreError::Corrupt { column: "fields" })?;
    Ok(FieldSet { revision, fields })
}

/// Some of the values of a field, and where to go on.
pub(super) async fn stored_values<D: Dialect>(
    connection: &mut D::Connection,
    partition: &Partition,
    key: &str,
    after: &ValuesAfter,
) -> Result<(Vec<(String, String)>, Option<ValuesAfter>), DbError> {
    const START: (Timestamp, &str) = (Timestamp(i64::MAX), "");
    let ValuesAfter { status, position } = after;
    let (created_at, id) = position.as_ref().map_or(START, |(created_at, id)| (*created_at, id.as_str()));
    let rows = sql::<D>(D::choose(values!("instr"), values!("strpos")))
        .bind(&partition.organization_id)
        .bind(&partition.agent_id)
        .bind(status.as_str())
        .bind(created_at)
        .bind(id)
        .bind(&format!("\"{key}\":"))
        .bind(VALUES_AT_ONCE)
        .within(&Scope::of(partition))
        .all(connection)
        .await?;
    let mut values = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        let id: String = row.get("id")?;
        last = Some((row.time("created_at")?, id.clone()));
        values.push((id, row.get::<String>("custom_fields")?));
    }
    let is_end = (rows.len() as i64) < VALUES_AT_ONCE;
    let next = match (is_end, status) {
        (false, _) => Some(ValuesAfter { status: *status, position: last }),
        (true, Status::Active) => Some(ValuesAfter { status: Status::Archived, position: None }),
        (true, Status::Archived) => None,
    };
    Ok((values, next))
}

/// What [`stored_values`] has read, those that are there.
pub(super) fn read_values(found: Vec<(String, String)>, key: &str) -> Result<Vec<StoredValue>, StoreError> {
    let mut values = Vec::with_capacity(found.len());
    for (contact_id, text) in found {
        let mut fields = custom_fields(&text).map_err(|_| StoreError::Corrupt { column: "custom_fields" })?;
        if let Some(json) = fields.remove(key) {
            values.push(StoredValue { contact_id, json });
        }
    }
    Ok(values)
}

#[async_trait]
impl<D: Dialect> FieldWork for SqlWork<D> {
    #[instrument(name = "db.contact_feed.lock", level = "debug", skip_all)]
    async fn lock_writes(&mut self, partition: &Partition) -> Result<(), StoreError> {
        self.transaction.run(of_partition::<D>(LOCK_WRITES, partition)).await?;
        Ok(())
    }

    #[instrument(name = "db.contact_field_set.find", level = "debug", skip_all)]
    async fn field_set(&mut self, partition: &Partition) -> Result<FieldSet, StoreError> {
        let found = self.transaction.optional(of_partition::<D>(FIELD_SET, partition)).await?;
        read_field_set(found.as_ref().map(field_set_columns).transpose()?)
    }

    #[instrument(name = "db.contact_field_set.write", level = "debug", skip_all)]
    async fn write_field_set(&mut self, partition: &Partition, set: &FieldSet) -> Result<(), StoreError> {
        let fields =
            serde_json::to_string(&set.fields).map_err(|_| StoreError::Corrupt { column: "fields" })?;
        let set_written = of_partition::<D>(WRITE_FIELD_SET, partition).bind(set.revision).bind(&fields);
        let revision_written = of_partition::<D>(WRITE_REVISION, partition).bind(set.revision);
        for query in [set_written, revision_written] {
            self.transaction.run(query).await?;
        }
        Ok(())
    }

    #[instrument(name = "db.contact_unique_value.take", level = "debug", skip_all)]
    async fn take_value(
        &mut self,
        partition: &Partition,
        value: &UniqueValue,
        contact_id: &str,
    ) -> Result<Option<String>, StoreError> {
        let query = of_value::<D>(TAKE_VALUE, partition, value).bind(contact_id);
        if self.transaction.run(query).await? == 1 {
            return Ok(None);
        }
        let row = self.transaction.optional(of_value::<D>(WHO_HAS_VALUE, partition, value)).await?;
        let holder: Option<String> = row.map(|row| row.get("contact_id")).transpose()?;
        // Whoever had it may be gone since, but then the value is free for a next try, not for this one.
        Ok(Some(holder.unwrap_or_default()).filter(|holder| holder != contact_id))
    }

    #[instrument(name = "db.contact_unique_value.release", level = "debug", skip_all)]
    async fn release_value(
        &mut self,
        partition: &Partition,
        value: &UniqueValue,
        contact_id: &str,
    ) -> Result<(), StoreError> {
        self.transaction.run(of_value::<D>(RELEASE_VALUE, partition, value).bind(contact_id)).await?;
        Ok(())
    }

    #[instrument(name = "db.contact_unique_value.release_field", level = "debug", skip_all)]
    async fn release_field(&mut self, partition: &Partition, key: &str) -> Result<(), StoreError> {
        self.transaction.run(of_partition::<D>(RELEASE_FIELD, partition).bind(key)).await?;
        Ok(())
    }

    #[instrument(name = "db.contact.values", level = "debug", skip_all)]
    async fn stored_values(
        &mut self,
        partition: &Partition,
        key: &str,
        after: &ValuesAfter,
    ) -> Result<StoredValues, StoreError> {
        let found = stored_values::<D>(&mut self.transaction, partition, key, after).await;
        let (values, next) = found.map_err(|error| self.transaction.failed(error))?;
        Ok((read_values(values, key)?, next))
    }
}

fn of_partition<D: Dialect>(query: &'static str, partition: &Partition) -> Query<D> {
    sql::<D>(query).bind(&partition.organization_id).bind(&partition.agent_id)
}

fn of_value<D: Dialect>(query: &'static str, partition: &Partition, value: &UniqueValue) -> Query<D> {
    of_partition::<D>(query, partition).bind(&value.key).bind(&value.digest)
}
