//! Lists that ask for several things at once: some of the contacts along one order, held against the others by indexes
//! alone. Of those that do not fit nothing is read but an entry of the order and one of each value that is looked up,
//! by its whole key.

use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{Db, Dialect, Query, Row, Scope, sql};
use tracing::instrument;

use super::StoreError;
use super::lists::{
    Along, FIRST, LAST_ID, MORE_THAN_A_NAME, NAME, Stretch, bind_branches, branches, each_branch,
};
use super::sql::mine;
use crate::domain::{Key, Partition, Position, Sort, SortBy};

/// What a contact has to have beside its place in an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sieve {
    /// Values, each with its number for each status of the order.
    pub(crate) values: Vec<Vec<i64>>,
    /// Created after and before these times, where the order is another one.
    pub(crate) created: Option<(Timestamp, Timestamp)>,
    /// Changed after this time, where the order is another one.
    pub(crate) updated_after: Option<Timestamp>,
}

impl Sieve {
    /// It lets everything through.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Sieve::default()
    }
}

/// What a look at a stretch found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sifted {
    /// The contacts that the sieve lets through, in the order of the list.
    pub(crate) through: Vec<Position>,
    /// How many were looked at. Fewer than the stretch allows: these were the last ones.
    pub(crate) looked: usize,
    /// The last one that was looked at.
    pub(crate) last: Option<Position>,
}

/// How far the next contacts with a value reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// How many there are, counted up to what was asked for.
    pub(crate) count: usize,
    /// When the last of these was created.
    pub(crate) last: Option<Timestamp>,
}

/// Where the branches of a walk are in the values of a statement.
const BRANCHES: usize = 7;

/// The keys along an order: `$1` the organization, `$2` the agent, `$3` and `$4` the position, `$5` the end, `$6` how
/// many, then its branches. With the time of the last change, it reads each contact.
fn keys_text(along: &Along, sort: Sort, with_update: bool) -> String {
    let (follows, direction, precedes) = if sort.descending { ("<", "DESC", ">") } else { (">", "ASC", "<") };
    let or_equal = if matches!(along, Along::Unnamed(_)) { "=" } else { "" };
    let (table, id, branch) = match along {
        Along::Terms(_) => ("contact_terms", "contact_id", "term"),
        Along::Statuses(_) | Along::Unnamed(_) => ("contacts", "id", "status"),
        Along::Column(column, _) => ("contacts", "id", column.name()),
    };
    let key = match sort.by {
        SortBy::CreatedAt => "created_at",
        SortBy::UpdatedAt => "updated_at",
        SortBy::Name => NAME,
    };
    let updated_at = if with_update { ", updated_at" } else { "" };
    let select = |number: usize, value: &str| {
        format!(
            "SELECT {id} AS id, {key} AS key, created_at{updated_at}, {number} AS branch FROM {table} \
             WHERE organization_id = $1 AND agent_id = $2 AND {branch} = {value} \
             AND ({key}, {id}) {follows} ($3, $4) AND {key} {precedes}{or_equal} $5 \
             ORDER BY {key} {direction}, {id} {direction} LIMIT $6"
        )
    };
    let end = format!(" ORDER BY key {direction}, id {direction} LIMIT $6");
    each_branch(branches(along).len(), BRANCHES, select, &end)
}

/// The statement of a sieve: the values of [`keys_text`], then the times, then each value with its numbers.
pub(super) fn sift_text<D: Dialect>(along: &Along, sort: Sort, sieve: &Sieve) -> String {
    let back = if sort.descending { "ASC" } else { "DESC" };
    let has_update = sieve.updated_after.is_some() && !matches!(along, Along::Terms(_));
    let mut next = BRANCHES + branches(along).len();
    let mut conditions = Vec::new();
    let mut placeholder = || {
        next += 1;
        format!("${}", next - 1)
    };
    if sieve.created.is_some() {
        conditions.push(format!("w.created_at > {} AND w.created_at < {}", placeholder(), placeholder()));
    }
    if sieve.updated_after.is_some() {
        let mine = D::choose("organization_id = $1 AND agent_id = $2", mine!());
        let of_contact = format!("(SELECT updated_at FROM contacts WHERE {mine} AND id = w.id LIMIT 1)");
        let time = if has_update { "w.updated_at" } else { of_contact.as_str() };
        conditions.push(format!("{time} > {}", placeholder()));
    }
    for numbers in &sieve.values {
        let numbers: Vec<String> = numbers.iter().map(|_| placeholder()).collect();
        let term = match numbers.as_slice() {
            [number] => number.clone(),
            numbers => {
                let case = |(branch, number)| format!("WHEN {branch} THEN CAST({number} AS BIGINT)");
                let cases: Vec<String> = numbers.iter().enumerate().map(case).collect();
                format!("CASE w.branch {} END", cases.join(" "))
            }
        };
        // No EXISTS: PostgreSQL would make a join of it, and might read all that have the value.
        conditions.push(format!(
            "(SELECT 1 FROM contact_terms WHERE organization_id = $1 AND agent_id = $2 AND term = {term} \
             AND created_at = w.created_at AND contact_id = w.id LIMIT 1) IS NOT NULL"
        ));
    }
    let conditions = conditions.join(" AND ");
    format!(
        "WITH walked AS MATERIALIZED ({}) SELECT id, key, 0 AS looked FROM walked AS w WHERE {conditions} \
         UNION ALL SELECT * FROM (SELECT id, key, (SELECT count(*) FROM walked) AS looked FROM walked \
         ORDER BY key {back}, id {back} LIMIT 1) AS last",
        keys_text(along, sort, has_update)
    )
}

/// The position and the end of a stretch.
fn bind_place<D: Dialect>(query: Query<D>, stretch: &Stretch<'_>) -> Query<D> {
    let Stretch { along, sort, after, until, .. } = stretch;
    let first_id = if sort.descending { LAST_ID } else { FIRST };
    let id = after.map_or(first_id, |after| &after.id);
    if sort.by != SortBy::Name {
        let (first, last) = if sort.descending { (i64::MAX, i64::MIN) } else { (i64::MIN, i64::MAX) };
        let time = match after {
            Some(Position { key: Key::Time(time), .. }) => time.0,
            _ => first,
        };
        return query.bind(time).bind(id).bind(until.map_or(last, |until| until.0));
    }
    let beyond_all = "\u{10ffff}".repeat(MORE_THAN_A_NAME);
    let after = after.map(|after| (&after.key, &after.id));
    match (along, after) {
        (Along::Unnamed(_), Some((Key::Name(None), id))) => query.bind(FIRST).bind(id).bind(FIRST),
        (Along::Unnamed(_), _) => query.bind(FIRST).bind(first_id).bind(FIRST),
        (_, Some((Key::Name(Some(name)), id))) if sort.descending => query.bind(name).bind(id).bind(FIRST),
        (_, Some((Key::Name(Some(name)), id))) => query.bind(name).bind(id).bind(&beyond_all),
        _ if sort.descending => query.bind(&beyond_all).bind(LAST_ID).bind(FIRST),
        // After those without a name, which have no character.
        _ => query.bind(FIRST).bind(LAST_ID).bind(&beyond_all),
    }
}

/// Looks at the contacts of a stretch.
#[instrument(name = "db.contact.sift", level = "debug", skip_all)]
pub(super) async fn sift<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    stretch: &Stretch<'_>,
    sieve: &Sieve,
) -> Result<Sifted, StoreError> {
    let text = sift_text::<D>(stretch.along, stretch.sort, sieve);
    let scope = Scope::of(partition);
    let rows = svc_db::read!(db, |connection| {
        // Made of constants: nothing of the request becomes part of the text.
        let query =
            sql::<D>(AssertSqlSafe(text.clone())).bind(&partition.organization_id).bind(&partition.agent_id);
        let query = bind_place(query, stretch).bind(stretch.limit as i64);
        let mut query = bind_branches(query, &branches(stretch.along));
        if let Some((after, before)) = sieve.created {
            query = query.bind(after).bind(before);
        }
        if let Some(after) = sieve.updated_after {
            query = query.bind(after);
        }
        let numbers = sieve.values.iter().flatten();
        numbers.fold(query, |query, number| query.bind(*number)).within(&scope).all(connection)
    })?;
    let mut sifted = Sifted::default();
    for row in &rows {
        let position = position(row, stretch)?;
        match row.get::<i64>("looked")? {
            0 => sifted.through.push(position),
            looked => {
                sifted.looked = usize::try_from(looked).unwrap_or_default();
                sifted.last = Some(position);
            }
        }
    }
    sifted.through.sort_by(|one, other| stretch.sort.compare(one, other));
    Ok(sifted)
}

fn position<D: Dialect>(row: &Row<D>, stretch: &Stretch<'_>) -> Result<Position, StoreError> {
    let key = match (stretch.along, stretch.sort.by) {
        (Along::Unnamed(_), _) => Key::Name(None),
        (_, SortBy::Name) => Key::Name(Some(row.get("key")?)),
        _ => Key::Time(row.time("key")?),
    };
    Ok(Position { key, id: row.get("id")? })
}

/// The statement of [`reach`]: `$1` to `$6` as in [`keys_text`], then the numbers.
pub(super) fn reach_text(terms: usize, descending: bool) -> String {
    let (follows, direction, precedes, last) =
        if descending { ("<", "DESC", ">", "min") } else { (">", "ASC", "<", "max") };
    let select = |number: usize| {
        format!(
            "SELECT CAST({number} AS BIGINT) AS number, count(*) AS n, {last}(created_at) AS last FROM (SELECT created_at \
             FROM contact_terms WHERE organization_id = $1 AND agent_id = $2 AND term = ${} \
             AND (created_at, contact_id) {follows} ($3, $4) AND created_at {precedes} $5 \
             ORDER BY created_at {direction}, contact_id {direction} LIMIT $6) AS of{number}",
            number + BRANCHES
        )
    };
    (0..terms).map(select).collect::<Vec<_>>().join(" UNION ALL ")
}

/// How far the next contacts with each of the values reach that a stretch goes along.
#[instrument(name = "db.contact.reach", level = "debug", skip_all)]
pub(super) async fn reach<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    stretch: &Stretch<'_>,
) -> Result<Vec<Reach>, StoreError> {
    let numbers = branches(stretch.along);
    let text = reach_text(numbers.len(), stretch.sort.descending);
    let scope = Scope::of(partition);
    let rows = svc_db::read!(db, |connection| {
        // Made of constants: nothing of the request becomes part of the text.
        let query =
            sql::<D>(AssertSqlSafe(text.clone())).bind(&partition.organization_id).bind(&partition.agent_id);
        let query = bind_place(query, stretch).bind(stretch.limit as i64);
        bind_branches(query, &numbers).within(&scope).all(connection)
    })?;
    let mut reaches = vec![Reach { count: 0, last: None }; numbers.len()];
    for row in &rows {
        let number = usize::try_from(row.get::<i64>("number")?).ok();
        let reach = number.and_then(|number| reaches.get_mut(number));
        let reach = reach.ok_or(StoreError::Corrupt { column: "number" })?;
        reach.count = usize::try_from(row.get::<i64>("n")?).unwrap_or_default();
        reach.last = row.optional_time("last")?;
    }
    Ok(reaches)
}
