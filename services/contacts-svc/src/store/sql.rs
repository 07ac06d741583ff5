//! The queries, each written once for SQLite and PostgreSQL. Each carries organization and agent.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_core::page::PageSize;
use svc_db::{Db, DbError, Dialect, Outgoing, Query, Records, Scope, sql};
use svc_runtime::telemetry::Metrics;
use tracing::instrument;

use super::alike::Lookout;
use super::find::Finder;
use super::row::{custom_fields_text, read, tags_text};
use super::{
    AgentErasure, Begin, Candidate, Candidates, Reach, Sieve, Sifted, Store, StoreError, StoredValues,
    Stretch, Transaction, ValuesAfter, Work,
};
use super::{agent_erasures, changes, fields, lists, people, sieve};
use crate::domain::{
    ChangesPage, Contact, Feed, FieldSet, Locator, Partition, PastChange, PossibleDuplicate, Reachable,
    email_key,
};

/// The columns of a whole contact.
macro_rules! columns {
    () => {
        "id, external_reference_id, name, email, mobile_number, gender, stage, status, source, tags, notes, \
         custom_fields, created_at, updated_at, archived_at, version"
    };
}
pub(super) use columns;

/// A SELECT of whole contacts of one partition: `$1` the organization, `$2` the agent.
macro_rules! select {
    ($($rest:literal),*) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM contacts WHERE organization_id = $1 AND agent_id = $2 ",
            $($rest),*
        )
    };
}

pub(super) use select;

/// Of whose partition a contact is that PostgreSQL looks up by its id. It may not think of an index that begins with
/// the organization: of an agent that has more contacts than others, or in a table that it has not counted yet, it would
/// read all.
macro_rules! mine {
    () => {
        "organization_id || '' = $1 AND agent_id || '' = $2"
    };
}
pub(super) use mine;

/// What a statement does to the contact with the id in `$3`.
macro_rules! by_id {
    ($dialect:ident, $($head:expr),*) => {
        $dialect::choose(
            concat!($($head,)* " WHERE organization_id = $1 AND agent_id = $2 AND id = $3"),
            concat!($($head,)* " WHERE ", mine!(), " AND id = $3"),
        )
    };
}

pub(super) fn find_by_id<D: Dialect>() -> &'static str {
    by_id!(D, "SELECT ", columns!(), " FROM contacts")
}

/// A condition on the reference of a contact, with the end of the statement, such that PostgreSQL goes along the index of
/// references whatever it has counted. In a table that it has not counted yet an equality makes all indexes that begin
/// with the agent look alike to it, and another one is a way through all contacts of the agent. Only this one has what
/// is between two references in the order that is asked for.
macro_rules! by_reference {
    ($reference:literal) => {
        concat!(
            "external_reference_id >= ",
            $reference,
            " AND external_reference_id <= ",
            $reference,
            " ORDER BY external_reference_id LIMIT 1"
        )
    };
}
pub(super) use by_reference;

pub(super) fn find_by_reference<D: Dialect>() -> &'static str {
    const SQLITE: &str = select!("AND external_reference_id = $3");
    const POSTGRES: &str = concat!(select!("AND "), by_reference!("$3"));
    D::choose(SQLITE, POSTGRES)
}

/// An INSERT of a whole contact.
macro_rules! insert {
    ($($on_conflict:expr),*) => {
        concat!(
            "INSERT INTO contacts (organization_id, agent_id, id, external_reference_id, name, email, \
             mobile_number, gender, stage, status, source, tags, notes, custom_fields, created_at, updated_at, \
             archived_at, version, email_key) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
             ON CONFLICT (organization_id, agent_id, external_reference_id) ",
            $($on_conflict),*
        )
    };
}

pub(super) use insert;

const INSERT: &str = insert!("DO NOTHING");
/// The update changes nothing: it locks the row and, unlike a SELECT after it, sees it for sure.
const INSERT_OR_FIND: &str =
    insert!("DO UPDATE SET external_reference_id = excluded.external_reference_id RETURNING ", columns!());

fn update<D: Dialect>() -> &'static str {
    by_id!(
        D,
        "UPDATE contacts SET external_reference_id = $4, name = $5, email = $6, \
         mobile_number = $7, gender = $8, stage = $9, status = $10, source = $11, tags = $12, notes = $13, \
         custom_fields = $14, created_at = $15, updated_at = $16, archived_at = $17, version = $18, \
         email_key = $19"
    )
}

fn delete<D: Dialect>() -> &'static str {
    by_id!(D, "DELETE FROM contacts")
}

/// Contacts in a database.
pub(super) struct SqlStore<D: Dialect> {
    pub(super) db: Db<D>,
    finder: Finder<D>,
    lookout: Lookout<D>,
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn new(db: Db<D>, metrics: &Metrics) -> SqlStore<D> {
        SqlStore { finder: Finder::new(&db, metrics), lookout: Lookout::new(&db, metrics), db }
    }
}

fn find_by<D: Dialect>(locator: &Locator) -> (&'static str, &str) {
    match locator {
        Locator::Id(id) => (find_by_id::<D>(), id),
        Locator::Reference(reference) => (find_by_reference::<D>(), reference),
    }
}

#[async_trait]
impl<D: Dialect> Store for SqlStore<D> {
    #[instrument(name = "db.contact.find", level = "debug", skip_all)]
    async fn find(&self, partition: &Partition, locator: &Locator) -> Result<Option<Contact>, StoreError> {
        self.finder.find(partition, locator).await
    }

    #[instrument(name = "db.contact_field_set.find", level = "debug", skip_all)]
    async fn field_set(&self, partition: &Partition) -> Result<FieldSet, StoreError> {
        let found = svc_db::read!(self.db, |connection| fields::field_set::<D>(connection, partition));
        fields::read_field_set(found?)
    }

    #[instrument(name = "db.contact.values", level = "debug", skip_all)]
    async fn stored_values(
        &self,
        partition: &Partition,
        key: &str,
        after: &ValuesAfter,
    ) -> Result<StoredValues, StoreError> {
        let found = svc_db::read!(self.db, |connection| {
            fields::stored_values::<D>(connection, partition, key, after)
        });
        let (values, next) = found?;
        Ok((fields::read_values(values, key)?, next))
    }

    #[instrument(name = "db.contact.alike", level = "debug", skip_all)]
    async fn alike(
        &self,
        partition: &Partition,
        by: &Reachable,
    ) -> Result<Vec<PossibleDuplicate>, StoreError> {
        Ok(self.lookout.alike(partition, by).await?)
    }

    #[instrument(name = "db.contact.history", level = "debug", skip_all)]
    async fn history(&self, partition: &Partition, contact_id: &str) -> Result<Vec<PastChange>, StoreError> {
        let rows =
            svc_db::read!(self.db, |connection| people::history::<D>(connection, partition, contact_id));
        people::read_history(&rows?)
    }

    #[instrument(name = "db.contact.expired", level = "debug", skip_all)]
    async fn expired(&self, before: Timestamp, limit: i64) -> Result<Vec<(Partition, String)>, StoreError> {
        Ok(svc_db::read!(self.db, |connection| people::expired::<D>(connection, before, limit))?)
    }

    async fn walk(&self, partition: &Partition, stretch: &Stretch<'_>) -> Result<Vec<Contact>, StoreError> {
        lists::walk(&self.db, partition, stretch).await
    }

    async fn sift(
        &self,
        partition: &Partition,
        stretch: &Stretch<'_>,
        sieve: &Sieve,
    ) -> Result<Sifted, StoreError> {
        sieve::sift(&self.db, partition, stretch, sieve).await
    }

    async fn reach(&self, partition: &Partition, stretch: &Stretch<'_>) -> Result<Vec<Reach>, StoreError> {
        sieve::reach(&self.db, partition, stretch).await
    }

    async fn candidates(
        &self,
        partition: &Partition,
        candidates: &Candidates<'_>,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        lists::candidates(&self.db, partition, candidates, limit).await
    }

    async fn count(&self, partition: &Partition, terms: &[i64], limit: usize) -> Result<usize, StoreError> {
        lists::count(&self.db, partition, terms, limit).await
    }

    async fn these(&self, partition: &Partition, ids: &[&str]) -> Result<Vec<Contact>, StoreError> {
        lists::these(&self.db, partition, ids).await
    }

    async fn changes(
        &self,
        partition: &Partition,
        size: PageSize,
        after: i64,
    ) -> Result<ChangesPage, StoreError> {
        changes::list(&self.db, partition, size, after).await
    }

    async fn feed(&self, partition: &Partition) -> Result<Feed, StoreError> {
        changes::feed(&self.db, partition).await
    }

    async fn feeds(&self, after: Option<&Partition>, limit: usize) -> Result<Vec<Partition>, StoreError> {
        changes::feeds(&self.db, after, limit).await
    }

    async fn prune(&self, partition: &Partition, time: Timestamp, limit: usize) -> Result<usize, StoreError> {
        changes::prune(&self.db, partition, time, limit).await
    }

    async fn agent_erasures_due(&self, now: Timestamp, most: i64) -> Result<Vec<AgentErasure>, StoreError> {
        agent_erasures::due(&self.db, now, most).await
    }
}

#[async_trait]
impl<D: Dialect> Begin for SqlStore<D> {
    #[instrument(name = "db.contact.begin", level = "debug", skip_all)]
    async fn begin(&self, scope: &Scope) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(SqlWork { transaction: self.db.begin_in(scope).await? }))
    }
}

/// A statement that writes a whole contact: `$1` the organization, `$2` the agent, `$3` the id, then all else.
pub(super) fn writing<D: Dialect>(
    query: &'static str,
    partition: &Partition,
    contact: &Contact,
) -> Result<Query<D>, StoreError> {
    let fields = &contact.fields;
    Ok(sql::<D>(query)
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
        .bind(&tags_text(&fields.tags)?)
        .bind(&fields.notes)
        .bind(&custom_fields_text(&fields.custom_fields)?)
        .bind(contact.created_at)
        .bind(contact.updated_at)
        .bind(contact.archived_at)
        .bind(contact.version)
        .bind(&fields.email.as_deref().map(email_key)))
}

/// A change in a transaction.
pub(super) struct SqlWork<D: Dialect> {
    pub(super) transaction: svc_db::Transaction<D>,
}

#[async_trait]
impl<D: Dialect> Work for SqlWork<D> {
    #[instrument(name = "db.contact.lock", level = "debug", skip_all)]
    async fn find(
        &mut self,
        partition: &Partition,
        locator: &Locator,
    ) -> Result<Option<Contact>, StoreError> {
        let (query, value) = find_by::<D>(locator);
        // Two constants: nothing of the request becomes part of the text.
        let query = sql::<D>(AssertSqlSafe(format!("{query}{}", D::FOR_UPDATE)))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(value);
        self.transaction.optional(query).await?.as_ref().map(read).transpose()
    }

    #[instrument(name = "db.contact.insert", level = "debug", skip_all)]
    async fn insert(&mut self, partition: &Partition, contact: &Contact) -> Result<bool, StoreError> {
        Ok(self.transaction.run(writing::<D>(INSERT, partition, contact)?).await? == 1)
    }

    #[instrument(name = "db.contact.upsert", level = "debug", skip_all)]
    async fn insert_or_find(
        &mut self,
        partition: &Partition,
        contact: &Contact,
    ) -> Result<Contact, StoreError> {
        let query = writing::<D>(INSERT_OR_FIND, partition, contact)?;
        // There is one in any case.
        let row = self.transaction.optional(query).await?.ok_or(StoreError::Corrupt { column: "id" })?;
        read(&row)
    }

    #[instrument(name = "db.contact.update", level = "debug", skip_all)]
    async fn update(&mut self, partition: &Partition, contact: &Contact) -> Result<(), StoreError> {
        self.transaction.run(writing::<D>(update::<D>(), partition, contact)?).await?;
        Ok(())
    }

    #[instrument(name = "db.contact.delete", level = "debug", skip_all)]
    async fn delete(&mut self, partition: &Partition, id: &str) -> Result<(), StoreError> {
        let query =
            sql::<D>(delete::<D>()).bind(&partition.organization_id).bind(&partition.agent_id).bind(id);
        self.transaction.run(query).await?;
        Ok(())
    }
}

#[async_trait]
impl<D: Dialect> Transaction for SqlWork<D> {
    fn records(&mut self) -> &mut dyn Records {
        &mut self.transaction
    }

    fn outgoing(&mut self) -> &mut dyn Outgoing {
        &mut self.transaction
    }

    #[instrument(name = "db.contact.commit", level = "debug", skip_all)]
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await.map_err(DbError::from)?)
    }
}
