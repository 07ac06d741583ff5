//! Reads of one contact each: one statement for those that arrive together.

use std::time::Duration;

use svc_db::{Batcher, Db, DbError, Dialect, Questions, Scope, sql};
use svc_runtime::telemetry::Metrics;

use super::StoreError;
use super::row::read;
use super::sql::{by_reference, columns, find_by_id, find_by_reference};
use crate::domain::{Contact, Locator, Partition};

/// How long a statement for several may take. After that each reads by itself, on another connection.
const PATIENCE: Duration = Duration::from_millis(500);

/// A SELECT for each element of the JSON array in `$1`, an array of the organization, the agent and the value of
/// a column. `n` is the number of the element. Both engines look at one contact for each, by the index of that
/// column, whatever they believe of the size of the table: the one since CROSS JOIN keeps the order, the other
/// since LATERAL with LIMIT is a loop.
macro_rules! select_each {
    ($dialect:ident, $column:literal, $($postgres:expr),*) => {
        $dialect::choose(
            concat!(
                "SELECT k.n AS n, ",
                columns!(),
                " FROM (SELECT key AS n, value AS q FROM json_each($1)) AS k CROSS JOIN contacts \
                 WHERE organization_id = k.q ->> 0 AND agent_id = k.q ->> 1 AND ",
                $column,
                " = k.q ->> 2"
            ),
            concat!(
                "SELECT k.n - 1 AS n, c.* FROM json_array_elements($1::json) WITH ORDINALITY AS k (q, n), \
                 LATERAL (SELECT ",
                columns!(),
                " FROM contacts WHERE ",
                $($postgres,)*
                ") AS c"
            ),
        )
    };
}

macro_rules! each_by_id {
    ($dialect:ident) => {
        select_each!(
            $dialect,
            "id",
            "organization_id || '' = k.q ->> 0 AND agent_id || '' = k.q ->> 1 AND id = k.q ->> 2 LIMIT 1"
        )
    };
}

macro_rules! each_by_reference {
    ($dialect:ident) => {
        select_each!(
            $dialect,
            "external_reference_id",
            "organization_id = k.q ->> 0 AND agent_id = k.q ->> 1 AND ",
            by_reference!("k.q ->> 2")
        )
    };
}

/// Reads contacts.
pub(super) struct Finder<D: Dialect> {
    by_id: Batcher<D, By>,
    by_reference: Batcher<D, By>,
}

impl<D: Dialect> Finder<D> {
    pub(super) fn new(db: &Db<D>, metrics: &Metrics) -> Finder<D> {
        let by = |one, many, name| Batcher::new(db.clone(), By { one, many }, name, PATIENCE, metrics);
        Finder {
            by_id: by(find_by_id::<D>(), each_by_id!(D), "contacts_finds_by_id"),
            by_reference: by(find_by_reference::<D>(), each_by_reference!(D), "contacts_finds_by_reference"),
        }
    }

    pub(super) async fn find(
        &self,
        partition: &Partition,
        locator: &Locator,
    ) -> Result<Option<Contact>, StoreError> {
        let (by, value) = match locator {
            Locator::Id(id) => (&self.by_id, id),
            Locator::Reference(reference) => (&self.by_reference, reference),
        };
        by.ask(Wanted { partition: partition.clone(), value: value.clone() }).await?
    }
}

/// A contact of a partition.
struct Wanted {
    partition: Partition,
    value: String,
}

/// Reads by one column.
struct By {
    one: &'static str,
    many: &'static str,
}

impl<D: Dialect> Questions<D> for By {
    type Question = Wanted;
    type Answer = Result<Option<Contact>, StoreError>;
    const READS: bool = true;

    async fn one(&self, connection: &mut D::Connection, wanted: &Wanted) -> Result<Self::Answer, DbError> {
        let row = sql::<D>(self.one)
            .bind(&wanted.partition.organization_id)
            .bind(&wanted.partition.agent_id)
            .bind(&wanted.value)
            .within(&Scope::of(&wanted.partition))
            .optional(connection)
            .await?;
        Ok(row.as_ref().map(read).transpose())
    }

    async fn many(
        &self,
        connection: &mut D::Connection,
        wanted: &[Wanted],
    ) -> Result<Vec<Self::Answer>, DbError> {
        let triples = wanted.iter().map(|Wanted { partition, value }| {
            [partition.organization_id.as_str(), partition.agent_id.as_str(), value.as_str()]
        });
        // Texts always make JSON; were they not to, each would be asked by itself.
        let json = serde_json::to_string(&triples.collect::<Vec<_>>())
            .map_err(|error| sqlx::Error::Encode(error.into()))?;
        let scope = Scope::of_each(wanted.iter().map(|wanted| &wanted.partition));
        let rows = sql::<D>(self.many).bind(&json).within(&scope).all(connection).await?;
        let mut found: Vec<Self::Answer> = wanted.iter().map(|_| Ok(None)).collect();
        for row in &rows {
            let number = usize::try_from(row.get::<i64>("n")?).ok();
            if let Some(answer) = number.and_then(|number| found.get_mut(number)) {
                *answer = read(row).map(Some);
            }
        }
        Ok(found)
    }
}
