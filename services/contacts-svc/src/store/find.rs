//! Reads of one contact each: one statement for those that arrive together.

use std::time::Duration;

use serde::Serialize;
use svc_db::arrays::texts;
use svc_db::{Batcher, Db, DbError, Dialect, Query, Questions, Scope, sql};
use svc_runtime::telemetry::Metrics;

use super::StoreError;
use super::row::read;
use super::sql::{by_reference, columns, find_by_id, find_by_reference, mine};
use crate::domain::{Contact, Locator, Partition};

/// How long a statement for several may take. After that each reads by itself, on another connection.
const PATIENCE: Duration = Duration::from_millis(500);

/// A SELECT for each of the values, of which `n` is the number. Both engines look at one contact for each, by the index of
/// that column, whatever they believe of the size of the table: the one since CROSS JOIN keeps the order, the other since
/// LATERAL with LIMIT is a loop. PostgreSQL gets its arrays out of a SELECT so that it cannot count them: it would take few
/// values for a reason to plan the statement anew each time, which costs more than to look for them.
macro_rules! select_each {
    ($dialect:ident, sqlite: $values:literal, $sqlite:literal, postgres: $unnested:literal, $($postgres:expr),*) => {
        $dialect::choose(
            concat!("SELECT k.n AS n, ", columns!(), " FROM ", $values, " AS k CROSS JOIN contacts WHERE ", $sqlite),
            concat!(
                "SELECT k.n - 1 AS n, c.* FROM ",
                $unnested,
                ", LATERAL (SELECT ",
                columns!(),
                " FROM contacts WHERE ",
                $($postgres,)*
                ") AS c"
            ),
        )
    };
}

/// Of the agent `$2` of the organization `$1`, as most that arrive together are. The values are `$3`, in JSON or in an array.
macro_rules! of_one_agent {
    ($dialect:ident, $sqlite:literal, $($postgres:expr),*) => {
        select_each!(
            $dialect,
            sqlite: "(SELECT key AS n, value AS q FROM json_each($3))", $sqlite,
            postgres: "unnest((SELECT $3::text::text[])) WITH ORDINALITY AS k (q, n)", $($postgres),*
        )
    };
}

/// Of an organization and an agent each: as JSON they are in `$1`, an array of these with the value; as arrays in `$1`,
/// `$2` and, the values, `$3`.
macro_rules! of_several_agents {
    ($dialect:ident, $sqlite:literal, $($postgres:expr),*) => {
        select_each!(
            $dialect,
            sqlite: "(SELECT key AS n, value AS q FROM json_each($1))", $sqlite,
            postgres: "unnest((SELECT $1::text::text[]), (SELECT $2::text::text[]), (SELECT $3::text::text[])) \
                 WITH ORDINALITY AS k (o, a, q, n)",
            $($postgres),*
        )
    };
}

fn by_id<D: Dialect>() -> By {
    By {
        one: find_by_id::<D>(),
        of_one_agent: of_one_agent!(
            D,
            "organization_id = $1 AND agent_id = $2 AND id = k.q",
            mine!(),
            " AND id = k.q LIMIT 1"
        ),
        of_several_agents: of_several_agents!(
            D,
            "organization_id = k.q ->> 0 AND agent_id = k.q ->> 1 AND id = k.q ->> 2",
            "organization_id || '' = k.o AND agent_id || '' = k.a AND id = k.q LIMIT 1"
        ),
    }
}

fn by_reference<D: Dialect>() -> By {
    By {
        one: find_by_reference::<D>(),
        of_one_agent: of_one_agent!(
            D,
            "organization_id = $1 AND agent_id = $2 AND external_reference_id = k.q",
            "organization_id = $1 AND agent_id = $2 AND ",
            by_reference!("k.q")
        ),
        of_several_agents: of_several_agents!(
            D,
            "organization_id = k.q ->> 0 AND agent_id = k.q ->> 1 AND external_reference_id = k.q ->> 2",
            "organization_id = k.o AND agent_id = k.a AND ",
            by_reference!("k.q")
        ),
    }
}

/// Reads contacts.
pub(super) struct Finder<D: Dialect> {
    by_id: Batcher<D, By>,
    by_reference: Batcher<D, By>,
}

impl<D: Dialect> Finder<D> {
    pub(super) fn new(db: &Db<D>, metrics: &Metrics) -> Finder<D> {
        let by = |by, name| Batcher::new(db.clone(), by, name, PATIENCE, metrics);
        Finder {
            by_id: by(by_id::<D>(), "contacts_finds_by_id"),
            by_reference: by(by_reference::<D>(), "contacts_finds_by_reference"),
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
    of_one_agent: &'static str,
    of_several_agents: &'static str,
}

impl By {
    /// Names the values as the engine takes them apart with the least work.
    fn query<D: Dialect>(&self, wanted: &[Wanted]) -> Result<Query<D>, DbError> {
        let is_sqlite = D::choose("sqlite", "") == "sqlite";
        let first = &wanted[0].partition;
        let values = wanted.iter().map(|wanted| wanted.value.as_str());
        if wanted.iter().all(|wanted| wanted.partition == *first) {
            let values = if is_sqlite { json(values)? } else { texts(values) };
            let query = sql::<D>(self.of_one_agent).bind(&first.organization_id).bind(&first.agent_id);
            return Ok(query.bind(&values).within(&Scope::of_each([first])));
        }
        let partitions = || wanted.iter().map(|wanted| &wanted.partition);
        let organizations = partitions().map(|partition| partition.organization_id.as_str());
        let agents = partitions().map(|partition| partition.agent_id.as_str());
        let mut query = sql::<D>(self.of_several_agents);
        if is_sqlite {
            let each = organizations.zip(agents).zip(values);
            query =
                query.bind(&json(each.map(|((organization, agent), value)| [organization, agent, value]))?);
        } else {
            query = query.bind(&texts(organizations)).bind(&texts(agents)).bind(&texts(values));
        }
        Ok(query.within(&Scope::of_each(partitions())))
    }
}

/// Texts always make JSON; were they not to, each would be asked by itself.
fn json<T: Serialize>(values: impl Iterator<Item = T>) -> Result<String, DbError> {
    Ok(serde_json::to_string(&values.collect::<Vec<_>>())
        .map_err(|error| sqlx::Error::Encode(error.into()))?)
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
        let rows = self.query::<D>(wanted)?.all(connection).await?;
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
