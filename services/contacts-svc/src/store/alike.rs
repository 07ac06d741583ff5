//! Looks for others that may be the same person, one for each contact that is written: one statement for those that
//! arrive together, as in `find.rs`.

use std::time::Duration;

use serde_json::{Value, json};
use svc_db::{Batcher, Db, DbError, Dialect, Questions, Scope, sql};
use svc_runtime::telemetry::Metrics;

use super::people::{FOUND_MAX, alike, duplicate};
use crate::domain::{Partition, PossibleDuplicate, Reachable};

/// How long a statement for several may take. After that each looks by itself, on another connection.
const PATIENCE: Duration = Duration::from_millis(500);

/// On SQLite, those who have what a place of each element has in a column. The `+` keeps it from going through all contacts
/// of the agent for each.
macro_rules! each_by {
    ($column:literal, $place:literal) => {
        concat!(
            "SELECT k.n AS n, c.id, c.external_reference_id, c.email_key, c.mobile_number, c.created_at \
             FROM (SELECT key AS n, value AS q FROM json_each($1)) AS k CROSS JOIN contacts AS c \
             WHERE +c.organization_id = k.q ->> 0 AND +c.agent_id = k.q ->> 1 AND c.id IN (SELECT id FROM contacts \
             WHERE organization_id = k.q ->> 0 AND agent_id = k.q ->> 1 AND ",
            $column,
            " = k.q ->> ",
            $place,
            " ORDER BY created_at, id LIMIT $2)"
        )
    };
}

/// On PostgreSQL, the same of one element, in a loop.
macro_rules! by {
    ($column:literal, $place:literal) => {
        concat!(
            "(SELECT id, external_reference_id, email_key, mobile_number, created_at FROM contacts \
             WHERE organization_id = k.q ->> 0 AND agent_id = k.q ->> 1 AND ",
            $column,
            " = k.q ->> ",
            $place,
            " ORDER BY created_at, id LIMIT $2)"
        )
    };
}

/// Of each element of the JSON array in `$1`, an array of the organization, the agent, an address and a number, those who
/// have one of both, oldest first. `n` is the number of the element.
const EACH: [&str; 2] = [
    concat!(
        each_by!("email_key", "2"),
        " UNION ",
        each_by!("mobile_number", "3"),
        " ORDER BY n, created_at, id"
    ),
    concat!(
        "SELECT k.n - 1 AS n, c.* FROM json_array_elements($1::json) WITH ORDINALITY AS k (q, n), LATERAL (",
        by!("email_key", "2"),
        " UNION ",
        by!("mobile_number", "3"),
        " ORDER BY created_at, id LIMIT $2) AS c ORDER BY k.n, c.created_at, c.id"
    ),
];

/// Looks for people.
pub(super) struct Lookout<D: Dialect>(Batcher<D, People>);

impl<D: Dialect> Lookout<D> {
    pub(super) fn new(db: &Db<D>, metrics: &Metrics) -> Lookout<D> {
        Lookout(Batcher::new(db.clone(), People, "contacts_looks_for_people", PATIENCE, metrics))
    }

    pub(super) async fn alike(
        &self,
        partition: &Partition,
        by: &Reachable,
    ) -> Result<Vec<PossibleDuplicate>, DbError> {
        self.0.ask((partition.clone(), by.clone())).await
    }
}

struct People;

impl<D: Dialect> Questions<D> for People {
    type Question = (Partition, Reachable);
    type Answer = Vec<PossibleDuplicate>;
    const READS: bool = true;

    async fn one(
        &self,
        connection: &mut D::Connection,
        (partition, by): &Self::Question,
    ) -> Result<Self::Answer, DbError> {
        alike::<D>(connection, partition, by).await
    }

    async fn many(
        &self,
        connection: &mut D::Connection,
        wanted: &[Self::Question],
    ) -> Result<Vec<Self::Answer>, DbError> {
        let each = Value::from_iter(wanted.iter().map(|(partition, by)| {
            json!([partition.organization_id, partition.agent_id, by.email_key, by.mobile_number])
        }));
        let scope = Scope::of_each(wanted.iter().map(|(partition, _)| partition));
        let [sqlite, postgres] = EACH;
        let rows = sql::<D>(D::choose(sqlite, postgres))
            .bind(&each.to_string())
            .bind(FOUND_MAX)
            .within(&scope)
            .all(connection)
            .await?;
        let mut found: Vec<Self::Answer> = wanted.iter().map(|_| Vec::new()).collect();
        for row in &rows {
            let number = usize::try_from(row.get::<i64>("n")?).ok();
            let place = number.and_then(|number| Some((wanted.get(number)?, found.get_mut(number)?)));
            if let Some(((_, by), others)) = place
                && (others.len() as i64) < FOUND_MAX
            {
                others.push(duplicate(row, by)?);
            }
        }
        Ok(found)
    }
}
