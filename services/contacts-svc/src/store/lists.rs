//! What lists read. Each statement goes along one index in the order of the list, from where the page before ended,
//! and stops after a number of rows that is given; none looks at all contacts, and none sorts more than it stops at
//! (`store/plans.rs` holds both engines to it).
//!
//! Contacts of two statuses are read by one statement, so that one that is archived meanwhile is neither missed nor
//! seen twice.

use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{Db, Dialect, Query, Row, Scope, sql};
use tracing::instrument;

use super::StoreError;
use super::row::read;
use super::sql::{columns, mine};
use crate::domain::{Column, Contact, Key, Partition, Position, Sort, SortBy, Status, name_key};

/// Before all ids and names.
pub(super) const FIRST: &str = "";
/// After all ids, which are hexadecimal.
pub(super) const LAST_ID: &str = "~";
/// So many of the last character stand after all names, which have fewer.
pub(super) const MORE_THAN_A_NAME: usize = 256;

/// What a walk goes along, in one or two statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    /// All contacts of these statuses. By name: those that have one.
    Statuses(&'static [Status]),
    /// By name: those that have none, in the order of their ids.
    Unnamed(&'static [Status]),
    /// Contacts with a value, which has a number for each status. By the time of creation only.
    Terms(Vec<i64>),
    /// Contacts with this address or number. By the time of creation only.
    Column(Column, String),
}

/// A part of a list.
#[derive(Clone, Debug)]
pub(crate) struct Stretch<'a> {
    pub(crate) along: &'a Along,
    pub(crate) sort: Sort,
    /// Those that follow. None: from the beginning.
    pub(crate) after: Option<&'a Position>,
    /// Up to this time, itself excluded, in the direction of the list.
    pub(crate) until: Option<Timestamp>,
    /// The most contacts.
    pub(crate) limit: usize,
}

/// Where few contacts may be found.
#[derive(Clone, Debug)]
pub(crate) enum Candidates<'a> {
    /// Contacts with this address or number.
    Column(Column, &'a str),
    /// Contacts with a value, which has a number for each status.
    Terms(&'a [i64]),
    /// Contacts that have all of these numbers of what a search can look for.
    Search(&'a [i32]),
    /// Contacts of these statuses that were created after and before these times.
    Created(&'static [Status], Timestamp, Timestamp),
    /// Contacts of these statuses that were changed after this time.
    Updated(&'static [Status], Timestamp),
}

/// A contact that may be in a list, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) name_key: Option<String>,
}

impl Candidate {
    pub(crate) fn of(contact: &Contact) -> Candidate {
        Candidate {
            id: contact.id.clone(),
            status: contact.status,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            name_key: contact.fields.name.as_deref().map(name_key),
        }
    }

    /// Where it stands in an order.
    pub(crate) fn position(&self, sort: Sort) -> Position {
        let key = match sort.by {
            SortBy::CreatedAt => Key::Time(self.created_at),
            SortBy::UpdatedAt => Key::Time(self.updated_at),
            SortBy::Name => Key::Name(self.name_key.clone()),
        };
        Position { key, id: self.id.clone() }
    }
}

/// What the index of names has. Contacts without one stand before all others there. It is a column: where a page
/// begins is not looked up by an index of an expression.
pub(super) const NAME: &str = "name_key";

/// What a candidate is made of.
const KEYS: &str = "id, status, created_at, updated_at, lower(name) AS name_key";

/// A value that the branches of a statement differ by.
#[derive(Clone, Copy)]
pub(super) enum Branch<'a> {
    Status(Status),
    Term(i64),
    Text(&'a str),
}

pub(super) fn branches(along: &Along) -> Vec<Branch<'_>> {
    match along {
        Along::Statuses(statuses) | Along::Unnamed(statuses) => {
            statuses.iter().copied().map(Branch::Status).collect()
        }
        Along::Terms(terms) => terms.iter().copied().map(Branch::Term).collect(),
        Along::Column(_, value) => vec![Branch::Text(value)],
    }
}

impl Column {
    pub(super) fn name(self) -> &'static str {
        match self {
            Column::Email => "email_key",
            Column::MobileNumber => "mobile_number",
        }
    }
}

/// One SELECT for each branch as one statement. `select` is given the number of its branch, from 0 on, and its
/// placeholder, the first of which is `$first`; `end` puts in order what they find together.
pub(super) fn each_branch(
    count: usize,
    first: usize,
    select: impl Fn(usize, &str) -> String,
    end: &str,
) -> String {
    if count == 1 {
        return select(0, &format!("${first}"));
    }
    let selects: Vec<String> = (0..count)
        .map(|number| (number, first + number))
        .map(|(number, of)| format!("SELECT * FROM ({}) AS of{of}", select(number, &format!("${of}"))))
        .collect();
    format!("{}{end}", selects.join(" UNION ALL "))
}

pub(super) fn bind_branches<D: Dialect>(query: Query<D>, branches: &[Branch<'_>]) -> Query<D> {
    branches.iter().fold(query, |query, branch| match branch {
        Branch::Status(status) => query.bind(status.as_str()),
        Branch::Term(term) => query.bind(*term),
        Branch::Text(text) => query.bind(*text),
    })
}

/// Joins contacts to what found their ids, `t.contact_id`, with as few looks as there are ids.
fn of_ids<D: Dialect>(columns: &str, ids: &str) -> String {
    match D::choose("", "lateral") {
        "" => format!(
            "SELECT {columns} FROM ({ids}) AS t CROSS JOIN contacts \
             WHERE organization_id = $1 AND agent_id = $2 AND id = t.contact_id"
        ),
        _ => format!(
            "SELECT c.* FROM ({ids}) AS t, LATERAL (SELECT {columns} FROM contacts \
             WHERE {} AND id = t.contact_id LIMIT 1) AS c",
            mine!()
        ),
    }
}

/// The statement of a stretch: `$1` the organization, `$2` the agent, `$3` and `$4` the position, `$5` the end, `$6`
/// how many, then its branches. Without times there is no end, and without names only the id has a position.
pub(super) fn walk_text<D: Dialect>(along: &Along, sort: Sort) -> String {
    let (follows, direction, precedes) = if sort.descending { ("<", "DESC", ">") } else { (">", "ASC", "<") };
    let (count, name) = (branches(along).len(), NAME);
    match (along, sort.by) {
        (Along::Terms(_), _) => {
            let select = |_: usize, term: &str| {
                let ids = format!(
                    "SELECT contact_id FROM contact_terms WHERE organization_id = $1 AND agent_id = $2 \
                     AND term = {term} AND (created_at, contact_id) {follows} ($3, $4) \
                     AND created_at {precedes} $5 \
                     ORDER BY created_at {direction}, contact_id {direction} LIMIT $6"
                );
                // A join promises no order.
                let order = format!("ORDER BY created_at {direction}, id {direction}");
                format!("{} {order}", of_ids::<D>(columns!(), &ids))
            };
            let end = format!(" ORDER BY created_at {direction}, id {direction} LIMIT $6");
            each_branch(count, 7, select, &end)
        }
        // All ranges and no equality: else PostgreSQL may go along the ids of all agents.
        (Along::Unnamed(_), _) => {
            let end = if sort.descending { String::new() } else { format!(" AND {name} <= ''") };
            let select = |_: usize, status: &str| {
                format!(
                    "SELECT {} FROM contacts WHERE organization_id = $1 AND agent_id = $2 \
                     AND status = {status} AND ({name}, id) {follows} ('', $3){end} \
                     ORDER BY {name} {direction}, id {direction} LIMIT $4",
                    columns!()
                )
            };
            each_branch(count, 5, select, &format!(" ORDER BY id {direction} LIMIT $4"))
        }
        (Along::Statuses(_), SortBy::Name) => {
            let end = if sort.descending { format!(" AND {name} > ''") } else { String::new() };
            let select = |_: usize, status: &str| {
                format!(
                    "SELECT {}, {name} AS name_key FROM contacts \
                     WHERE organization_id = $1 AND agent_id = $2 AND status = {status} \
                     AND ({name}, id) {follows} ($3, $4){end} \
                     ORDER BY {name} {direction}, id {direction} LIMIT $5",
                    columns!()
                )
            };
            each_branch(count, 6, select, &format!(" ORDER BY name_key {direction}, id {direction} LIMIT $5"))
        }
        (Along::Statuses(_) | Along::Column(..), by) => {
            let column = match along {
                Along::Column(column, _) => column.name(),
                _ => "status",
            };
            let time = if by == SortBy::CreatedAt { "created_at" } else { "updated_at" };
            let select = |_: usize, value: &str| {
                format!(
                    "SELECT {} FROM contacts WHERE organization_id = $1 AND agent_id = $2 \
                     AND {column} = {value} AND ({time}, id) {follows} ($3, $4) AND {time} {precedes} $5 \
                     ORDER BY {time} {direction}, id {direction} LIMIT $6",
                    columns!()
                )
            };
            each_branch(count, 7, select, &format!(" ORDER BY {time} {direction}, id {direction} LIMIT $6"))
        }
    }
}

/// Contacts in the order of a list.
#[instrument(name = "db.contact.walk", level = "debug", skip_all)]
pub(super) async fn walk<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    stretch: &Stretch<'_>,
) -> Result<Vec<Contact>, StoreError> {
    let Stretch { along, sort, after, until, limit } = stretch;
    let text = walk_text::<D>(along, *sort);
    let last_name = "\u{10ffff}".repeat(MORE_THAN_A_NAME);
    let (first_id, first_name) = if sort.descending { (LAST_ID, last_name.as_str()) } else { (FIRST, FIRST) };
    let (first_time, last_time) = if sort.descending { (i64::MAX, i64::MIN) } else { (i64::MIN, i64::MAX) };
    let id = after.map_or(first_id, |after| &after.id);
    let scope = Scope::of(partition);
    let rows = svc_db::read!(db, |connection| {
        // Made of constants: nothing of the request becomes part of the text.
        let query =
            sql::<D>(AssertSqlSafe(text.clone())).bind(&partition.organization_id).bind(&partition.agent_id);
        let query = match (along, after.map(|after| &after.key)) {
            (Along::Unnamed(_), Some(Key::Name(None))) => query.bind(id),
            (Along::Unnamed(_), _) => query.bind(first_id),
            (_, Some(Key::Name(Some(name)))) => query.bind(name).bind(id),
            (_, Some(Key::Name(None))) => query.bind(first_name).bind(LAST_ID),
            (_, Some(Key::Time(time))) => query.bind(*time).bind(id),
            // After those without a name, which have no character.
            (_, None) if sort.by == SortBy::Name => query.bind(first_name).bind(LAST_ID),
            (_, None) => query.bind(first_time).bind(first_id),
        };
        let query = match sort.by {
            SortBy::Name => query,
            _ => query.bind(until.map_or(last_time, |until| until.0)),
        };
        bind_branches(query.bind(*limit as i64), &branches(along)).within(&scope).all(connection)
    })?;
    rows.iter().map(read).collect()
}

/// The statement of candidates: `$1` the organization, `$2` the agent, `$3` how many, then what is looked for, then its
/// branches.
pub(super) fn candidates_text<D: Dialect>(candidates: &Candidates<'_>) -> String {
    // In the order of an index: else PostgreSQL may find it as good to go through all contacts until it has enough.
    let of_status = |first: usize, count: usize, time: &str, condition: &str| {
        let select = |_: usize, status: &str| {
            format!(
                "SELECT {KEYS} FROM contacts WHERE organization_id = $1 AND agent_id = $2 \
                 AND status = {status} AND {condition} ORDER BY {time}, id LIMIT $3"
            )
        };
        each_branch(count, first, select, "")
    };
    match candidates {
        Candidates::Column(column, _) => {
            let column = column.name();
            format!(
                "SELECT {KEYS} FROM contacts WHERE organization_id = $1 AND agent_id = $2 \
                 AND {column} = $4 ORDER BY created_at, id LIMIT $3"
            )
        }
        Candidates::Terms(terms) => {
            let select = |_: usize, term: &str| {
                let ids = format!(
                    "SELECT contact_id FROM contact_terms \
                     WHERE organization_id = $1 AND agent_id = $2 AND term = {term} \
                     ORDER BY created_at, contact_id LIMIT $3"
                );
                of_ids::<D>(KEYS, &ids)
            };
            each_branch(terms.len(), 4, select, "")
        }
        Candidates::Search(_) => {
            let ids = D::choose(
                "SELECT r.contact_id FROM contact_search CROSS JOIN contact_search_rows AS r \
                 WHERE contact_search MATCH $4 AND r.number = contact_search.rowid \
                 AND r.organization_id = $1 AND r.agent_id = $2 LIMIT $3",
                "SELECT contact_id FROM contact_search \
                 WHERE terms @> $4::text::int[] AND organization_id = $1 AND agent_id = $2 LIMIT $3",
            );
            of_ids::<D>(KEYS, ids)
        }
        Candidates::Created(statuses, ..) => {
            of_status(6, statuses.len(), "created_at", "created_at > $4 AND created_at < $5")
        }
        Candidates::Updated(statuses, _) => of_status(5, statuses.len(), "updated_at", "updated_at > $4"),
    }
}

/// Contacts that may be in a list, in no order.
#[instrument(name = "db.contact.candidates", level = "debug", skip_all)]
pub(super) async fn candidates<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    candidates: &Candidates<'_>,
    limit: usize,
) -> Result<Vec<Candidate>, StoreError> {
    let (text, scope) = (candidates_text::<D>(candidates), Scope::of(partition));
    let of_statuses = |statuses: &[Status]| statuses.iter().copied().map(Branch::Status).collect::<Vec<_>>();
    let rows = svc_db::read!(db, |connection| {
        // Made of constants: nothing of the request becomes part of the text.
        let query = sql::<D>(AssertSqlSafe(text.clone()))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(limit as i64);
        let query = match candidates {
            Candidates::Terms(terms) => {
                let terms: Vec<Branch> = terms.iter().copied().map(Branch::Term).collect();
                bind_branches(query, &terms)
            }
            Candidates::Column(_, value) => query.bind(*value),
            Candidates::Search(terms) => query.bind(&needles::<D>(terms)),
            Candidates::Created(statuses, after, before) => {
                bind_branches(query.bind(*after).bind(*before), &of_statuses(statuses))
            }
            Candidates::Updated(statuses, after) => bind_branches(query.bind(*after), &of_statuses(statuses)),
        };
        query.within(&scope).all(connection)
    })?;
    rows.iter().map(candidate).collect()
}

/// Numbers of what a search looks for, as each engine asks for all of them.
fn needles<D: Dialect>(terms: &[i32]) -> String {
    let (before, between, after) = match D::choose("", "array") {
        "" => ("", " AND ", ""),
        _ => ("{", ",", "}"),
    };
    let terms: Vec<String> = match D::choose("", "array") {
        "" => terms.iter().map(|term| super::index::token(*term)).collect(),
        _ => terms.iter().map(i32::to_string).collect(),
    };
    format!("{before}{}{after}", terms.join(between))
}

fn candidate<D: Dialect>(row: &Row<D>) -> Result<Candidate, StoreError> {
    let status = Status::from_str(&row.get::<String>("status")?);
    Ok(Candidate {
        id: row.get("id")?,
        status: status.ok_or(StoreError::Corrupt { column: "status" })?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        name_key: row.get("name_key")?,
    })
}

/// How many contacts have a value, counted up to `$3`.
pub(super) fn count_text(terms: usize) -> String {
    let select = |number: usize| {
        format!(
            "(SELECT count(*) FROM (SELECT 1 AS one FROM contact_terms \
             WHERE organization_id = $1 AND agent_id = $2 AND term = ${number} \
             ORDER BY created_at, contact_id LIMIT $3) AS of{number})"
        )
    };
    let selects: Vec<String> = (4..4 + terms).map(select).collect();
    format!("SELECT {} AS n", selects.join(" + "))
}

#[instrument(name = "db.contact.count", level = "debug", skip_all)]
pub(super) async fn count<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    terms: &[i64],
    limit: usize,
) -> Result<usize, StoreError> {
    let scope = Scope::of(partition);
    let row = svc_db::read!(db, |connection| {
        // Made of constants: nothing of the request becomes part of the text.
        let query = sql::<D>(AssertSqlSafe(count_text(terms.len())))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(limit as i64);
        terms.iter().fold(query, |query, term| query.bind(*term)).within(&scope).optional(connection)
    })?;
    let count = row.map(|row| row.get::<i64>("n")).transpose()?;
    Ok(usize::try_from(count.unwrap_or_default()).unwrap_or_default())
}

pub(super) fn these_text<D: Dialect>() -> String {
    let ids = D::choose(
        "SELECT value AS contact_id FROM json_each($3)",
        "SELECT q.contact_id FROM json_array_elements_text($3::json) AS q (contact_id)",
    );
    of_ids::<D>(columns!(), ids)
}

/// The contacts with these ids, in no order.
#[instrument(name = "db.contact.these", level = "debug", skip_all)]
pub(super) async fn these<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    ids: &[&str],
) -> Result<Vec<Contact>, StoreError> {
    let ids = serde_json::to_string(ids).map_err(|_| StoreError::Corrupt { column: "id" })?;
    let scope = Scope::of(partition);
    let rows = svc_db::read!(db, |connection| {
        // Made of constants: nothing of the request becomes part of the text.
        sql::<D>(AssertSqlSafe(these_text::<D>()))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&ids)
            .within(&scope)
            .all(connection)
    })?;
    rows.iter().map(read).collect()
}
