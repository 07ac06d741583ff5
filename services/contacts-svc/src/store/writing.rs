//! What a change writes at its end: rows that lists are found by, the next numbers of the agent's feed, and the changes
//! themselves. On PostgreSQL it is one statement with its parts as CTEs, for a contact that is new together with the
//! contact itself: one round trip, and none of them while whoever changes contacts of the agent waits for the numbers.
//!
//! The parts of a statement see the same snapshot and run in no order but that in which they read each other's rows. So
//! the numbers, which lock, are taken by what has the contact and its unique values: as everywhere, last.

use async_trait::async_trait;
use svc_db::arrays::{numbers, texts};
use svc_db::{Dialect, Query, sql};
use tracing::instrument;

use super::changes::{difference, next_numbers, rows_text};
use super::index::{Rows, add_terms, remove_terms};
use super::many::pairs;
use super::sql::{SqlWork, insert, writing};
use super::{FieldWork, StoreError, Work, changes};
use crate::domain::{Contact, ContactChange, Partition, Status, UniqueValue};

/// More changes than these are written by a statement for each kind of row, so that the numbers are taken after all else.
const TOGETHER_MAX: usize = 16;
/// The same of changes that are all of contacts that are new.
const NEW_TOGETHER_MAX: usize = 48;

/// What became of a contact that was to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is there. The revision of the agent's fields.
    At(i64),
    /// Another one of the partition has its reference, and nothing was written.
    ReferenceTaken,
    /// Another one has one of its unique values, and this work cannot be committed.
    ValueTaken,
}

/// What is written at the end of a transaction. Changes of the same agent are one after the other from here until the
/// commit, so it comes last.
#[async_trait]
pub(crate) trait EndWork: Send {
    /// Adds a contact with its unique values and all that follows. A work that adds the same at this moment is waited
    /// for.
    async fn create(
        &mut self,
        partition: &Partition,
        actor_id: &str,
        contact: &Contact,
        values: &[UniqueValue],
    ) -> Result<Created, StoreError>;

    /// Writes what follows from what was done to contacts, and gives the revision of the agent's fields.
    async fn append_changes(
        &mut self,
        partition: &Partition,
        actor_id: &str,
        changes: &[ContactChange],
    ) -> Result<i64, StoreError>;
}

/// `$1` to `$19` as [`writing`] binds them, `$20` the numbers of its values, `$21` those of its search, `$22` who
/// creates it, `$23` its unique values, `$24` how many these are.
const CREATE: &str = concat!(
    "WITH new AS (",
    insert!("DO NOTHING RETURNING id"),
    "), taken AS (INSERT INTO contact_unique_values (organization_id, agent_id, field_key, digest, contact_id) \
     SELECT $1, $2, k.q ->> 0, decode(k.q ->> 1, 'hex'), new.id \
     FROM new, json_array_elements($23::json) AS k (q) \
     ON CONFLICT (organization_id, agent_id, field_key, digest) DO NOTHING RETURNING 1), \
     whole AS (SELECT new.id FROM new WHERE (SELECT count(*) FROM taken) = $24), \
     terms AS (INSERT INTO contact_terms (organization_id, agent_id, term, created_at, contact_id) \
     SELECT $1, $2, k.term, $15, whole.id FROM whole, unnest($20::text::bigint[]) AS k (term)), \
     search AS (INSERT INTO contact_search (organization_id, agent_id, contact_id, terms) \
     SELECT $1, $2, whole.id, $21::text::int[] FROM whole), \
     numbers AS (INSERT INTO contact_feeds (organization_id, agent_id, last_sequence, active, archived) \
     SELECT $1, $2, 1, CASE $10 WHEN 'ACTIVE' THEN 1 ELSE 0 END, CASE $10 WHEN 'ACTIVE' THEN 0 ELSE 1 END FROM whole ",
    next_numbers!(),
    "), appended AS (INSERT INTO contact_changes \
     (organization_id, agent_id, sequence, contact_id, kind, version, changed_at, actor_id) \
     SELECT $1, $2, numbers.last_sequence, $3, 'CREATED', $18, $15, $22 FROM numbers) \
     SELECT (SELECT count(*) FROM new) AS new, (SELECT fields_revision FROM numbers) AS revision"
);

/// What all changes of a statement end with: their numbers, `$3` of them, `$4` and `$5` how many more contacts are active
/// and archived, `$6` who makes them, `$7` the changes.
macro_rules! append {
    () => {
        concat!(
            "numbers AS (INSERT INTO contact_feeds (organization_id, agent_id, last_sequence, active, archived) \
             VALUES ($1, $2, $3, $4, $5) ",
            next_numbers!(),
            "), appended AS (INSERT INTO contact_changes \
             (organization_id, agent_id, sequence, contact_id, kind, version, changed_at, actor_id) \
             SELECT $1, $2, numbers.last_sequence - $3 + k.n, k.q ->> 0, k.q ->> 1, (k.q ->> 2)::bigint, \
             (k.q ->> 3)::bigint, $6 FROM numbers, json_array_elements($7::json) WITH ORDINALITY AS k (q, n)) \
             SELECT fields_revision AS revision FROM numbers"
        )
    };
}

/// Of any: `$8` and `$9` the numbers of values that go and come, `$10` and `$11` those of searches.
const APPEND: &str = concat!(
    "WITH removed_terms AS (",
    remove_terms!("$8"),
    "), added_terms AS (INSERT INTO contact_terms (organization_id, agent_id, term, created_at, contact_id) \
     SELECT $1, $2, (k.q ->> 0)::bigint, (k.q ->> 1)::bigint, k.q ->> 2 FROM json_array_elements($9::json) AS k (q) \
     ON CONFLICT DO NOTHING), removed_search AS (DELETE FROM contact_search WHERE organization_id = $1 AND agent_id = $2 \
     AND contact_id IN (SELECT q.id FROM json_array_elements_text($10::json) AS q (id))), \
     added_search AS (INSERT INTO contact_search (organization_id, agent_id, contact_id, terms) \
     SELECT $1, $2, k.q ->> 0, (k.q ->> 1)::int[] FROM json_array_elements($11::json) AS k (q) \
     ON CONFLICT (contact_id) DO UPDATE SET terms = excluded.terms \
     WHERE contact_search.organization_id = $1 AND contact_search.agent_id = $2), ",
    append!()
);

/// Of contacts that are new: `$8` to `$10` the numbers of their values, with times and ids, `$11` ids and `$12` the numbers
/// of searches, all as arrays. Nothing of it is there, so nothing has to be looked for.
const APPEND_NEW: &str = concat!(
    "WITH terms AS (",
    add_terms!("$8", "$9", "$10"),
    "), search AS (INSERT INTO contact_search (organization_id, agent_id, contact_id, terms) \
     SELECT $1, $2, k.id, k.terms::int[] FROM unnest($11::text::text[], $12::text::text[]) AS k (id, terms)), ",
    append!()
);

impl<D: Dialect> SqlWork<D> {
    /// All that a new contact is, on PostgreSQL.
    #[instrument(name = "db.contact.create", level = "debug", skip_all)]
    async fn create_at_once(
        &mut self,
        partition: &Partition,
        actor_id: &str,
        contact: &Contact,
        values: &[UniqueValue],
        rows: &Rows<'_>,
    ) -> Result<Created, StoreError> {
        let search = rows.added_search.first().map_or("{}", |(_, terms)| terms.as_str());
        let query = writing::<D>(CREATE, partition, contact)?
            .bind(&numbers(rows.added_terms.iter().map(|(term, ..)| *term)))
            .bind(search)
            .bind(actor_id)
            .bind(&pairs(values.iter().map(|value| (value, contact.id.as_str())))?)
            .bind(values.len() as i64);
        // There is one in any case.
        let row = self.transaction.optional(query).await?.ok_or(StoreError::Corrupt { column: "new" })?;
        Ok(match (row.get::<i64>("new")?, row.get::<Option<i64>>("revision")?) {
            (0, _) => Created::ReferenceTaken,
            (_, None) => Created::ValueTaken,
            (_, Some(revision)) => Created::At(revision),
        })
    }

    /// All that follows from few changes, on PostgreSQL.
    #[instrument(name = "db.contact_change.record", level = "debug", skip_all)]
    async fn append_at_once(
        &mut self,
        partition: &Partition,
        actor_id: &str,
        changes: &[ContactChange],
    ) -> Result<i64, StoreError> {
        let rows = Rows::of::<D>(partition, changes);
        // Those that have others now are written over: a statement sees nothing of what it has removed itself.
        let removed_search: Vec<&str> = rows.gone_from_search().collect();
        let query = self
            .appending(APPEND, partition, actor_id, changes)?
            .bind(&json(&rows.removed_terms)?)
            .bind(&json(&rows.added_terms)?)
            .bind(&json(&removed_search)?)
            .bind(&json(&rows.added_search)?);
        self.append(query).await
    }

    /// All that follows from contacts that are new, on PostgreSQL.
    #[instrument(name = "db.contact_change.record_new", level = "debug", skip_all)]
    async fn append_new_at_once(
        &mut self,
        partition: &Partition,
        actor_id: &str,
        changes: &[ContactChange],
    ) -> Result<i64, StoreError> {
        let Rows { mut added_terms, added_search, .. } = Rows::of::<D>(partition, changes);
        // Those of a value lie side by side in the table.
        added_terms.sort_unstable();
        let query = self
            .appending(APPEND_NEW, partition, actor_id, changes)?
            .bind(&numbers(added_terms.iter().map(|(term, ..)| *term)))
            .bind(&numbers(added_terms.iter().map(|(_, created_at, _)| *created_at)))
            .bind(&texts(added_terms.iter().map(|(.., id)| *id)))
            .bind(&texts(added_search.iter().map(|(id, _)| *id)))
            .bind(&texts(added_search.iter().map(|(_, terms)| terms.as_str())));
        self.append(query).await
    }

    /// A statement that ends with changes, with what all of these have.
    fn appending(
        &self,
        text: &'static str,
        partition: &Partition,
        actor_id: &str,
        changes: &[ContactChange],
    ) -> Result<Query<D>, StoreError> {
        Ok(sql::<D>(text)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(changes.len() as i64)
            .bind(difference(changes, Status::Active))
            .bind(difference(changes, Status::Archived))
            .bind(actor_id)
            .bind(&rows_text(changes)?))
    }

    async fn append(&mut self, query: Query<D>) -> Result<i64, StoreError> {
        let row = self.transaction.optional(query).await?;
        let row = row.ok_or(StoreError::Corrupt { column: "last_sequence" })?;
        Ok(row.get("revision")?)
    }
}

#[async_trait]
impl<D: Dialect> EndWork for SqlWork<D> {
    async fn create(
        &mut self,
        partition: &Partition,
        actor_id: &str,
        contact: &Contact,
        values: &[UniqueValue],
    ) -> Result<Created, StoreError> {
        let created = [ContactChange::Created(contact.clone())];
        if !D::choose("", CREATE).is_empty() {
            let rows = Rows::of::<D>(partition, &created);
            return self.create_at_once(partition, actor_id, contact, values, &rows).await;
        }
        // Nothing travels there.
        if !self.insert(partition, contact).await? {
            return Ok(Created::ReferenceTaken);
        }
        for value in values {
            if self.take_value(partition, value, &contact.id).await?.is_some() {
                return Ok(Created::ValueTaken);
            }
        }
        Ok(Created::At(self.append_changes(partition, actor_id, &created).await?))
    }

    async fn append_changes(
        &mut self,
        partition: &Partition,
        actor_id: &str,
        changes: &[ContactChange],
    ) -> Result<i64, StoreError> {
        let is_postgres = !D::choose("", APPEND).is_empty();
        let are_new = changes.iter().all(|change| change.before().is_none());
        if is_postgres && are_new && changes.len() <= NEW_TOGETHER_MAX {
            return self.append_new_at_once(partition, actor_id, changes).await;
        }
        if is_postgres && changes.len() <= TOGETHER_MAX {
            return self.append_at_once(partition, actor_id, changes).await;
        }
        super::index::write(&mut self.transaction, partition, changes).await?;
        changes::append(&mut self.transaction, partition, actor_id, changes).await
    }
}

fn json(rows: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|_| StoreError::Corrupt { column: "contact_terms" })
}
