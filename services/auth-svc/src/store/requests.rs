//! The request log.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Database, Postgres};
use svc_core::clock::Timestamp;
use svc_db::arrays::{numbers, optional_texts, texts};
use svc_db::{Dialect, Query, Row, sql};

use super::announcements::Announce;
use super::row::{int, list_text};
use super::sql::{SqlStore, SqlWork, read, run};
use super::{Slice, StoreError};
use crate::domain::{AgentId, KeyId, LoggedRequest, OrganizationId, RequestEntry, first_id_from};

/// Which requests of a key to list.
#[derive(Clone, Debug)]
pub(crate) struct RequestFilter {
    /// The agent of the key.
    pub(crate) agent_id: AgentId,
    /// The key.
    pub(crate) key_id: KeyId,
    /// Only those that ended so.
    pub(crate) code: Option<String>,
    /// Only those that came then or later.
    pub(crate) from: Option<Timestamp>,
    /// Only those that came before then.
    pub(crate) to: Option<Timestamp>,
}

/// Reads the log.
#[async_trait]
pub(crate) trait Requests: Send + Sync {
    /// One request of an organization.
    async fn request(
        &self,
        organization: &OrganizationId,
        id: &str,
    ) -> Result<Option<LoggedRequest>, StoreError>;

    /// A slice of the requests of a key.
    async fn requests(
        &self,
        organization: &OrganizationId,
        filter: &RequestFilter,
        slice: &Slice,
    ) -> Result<Vec<LoggedRequest>, StoreError>;

    /// Whose these agents are. One that does not exist is left out.
    async fn owners_of_agents(
        &self,
        agents: &[String],
    ) -> Result<HashMap<String, OrganizationId>, StoreError>;

    /// The newest request that is one too many when so many are kept. `None` when there are fewer.
    async fn first_request_beyond(&self, count: i64) -> Result<Option<String>, StoreError>;
}

/// Changes the log.
#[async_trait]
pub(crate) trait RequestChanges: Send {
    /// Adds requests. One that is there already stays as it is.
    async fn insert_requests(&mut self, entries: &[RequestEntry]) -> Result<(), StoreError>;

    /// Deletes the oldest requests whose id is below this one, so many at most. Says how many those were.
    async fn delete_requests(&mut self, below: &str, limit: i64) -> Result<u64, StoreError>;
}

/// A request with the names of its key and its agent.
const SELECT: &str = "SELECT r.*, k.name AS key_name, a.name AS agent_name FROM requests r \
     LEFT JOIN api_keys k ON k.id = r.key_id AND k.organization_id = r.organization_id \
     LEFT JOIN agents a ON a.id = r.agent_id AND a.organization_id = r.organization_id \
     WHERE r.organization_id = $1";

/// `$2` the agent, `$3` the key, `$4` from this id on, `$5` below that one.
const OF_KEY: &str = " AND r.agent_id = $2 AND r.key_id = $3 AND r.id >= $4 AND r.id < $5";
const NEWEST: &str = " ORDER BY r.id DESC LIMIT $6";
/// A text of its own, so that each has an index of its own.
const OF_CODE: &str = " AND r.code = $7";

const OWNERS: &str = "SELECT id, organization_id FROM agents WHERE id IN ";
const OWNERS_SQLITE: &str = "(SELECT value FROM json_each($1))";
const OWNERS_POSTGRES: &str = "(SELECT json_array_elements_text($1::json))";

const BEYOND: &str = "SELECT id FROM requests ORDER BY id DESC LIMIT 1 OFFSET $1";

const DELETE: &str =
    "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE id < $1 ORDER BY id LIMIT $2)";

/// Greater than every id.
const ABOVE_ALL: &str = "g";

macro_rules! insert {
    ($($rows:expr),*) => {
        concat!(
            "INSERT INTO requests (id, organization_id, agent_id, key_id, secret_last4, client_request_id, method, route, \
             operation, status, code, permission, message, client_address, duration_micros) ",
            $($rows,)*
            " ON CONFLICT (id) DO NOTHING"
        )
    };
}

/// On PostgreSQL any number of them, as an array for each column: it would plan a statement with a place for each value
/// anew each time, which costs more than the rows.
const INSERT_POSTGRES: &str = insert!(
    "SELECT * FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], \
     $6::text::text[], $7::text::text[], $8::text::text[], $9::text::text[], $10::text::bigint[], $11::text::text[], \
     $12::text::text[], $13::text::text[], $14::text::text[], $15::text::bigint[])"
);

/// How many rows a statement inserts on SQLite: few texts, so that each is prepared once, and few statements for any
/// number.
const SIZES: [usize; 4] = [256, 32, 8, 1];

/// Its places have no names, since the driver looks up each that has one among all others: a row of 256 pays for 3,840.
static INSERT_SQLITE: LazyLock<[String; SIZES.len()]> = LazyLock::new(|| {
    let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    SIZES.map(|rows| insert!("VALUES {rows}").replace("{rows}", &vec![row; rows].join(", ")))
});

/// An array for each column.
fn bind_columns<D: Dialect>(query: Query<D>, entries: &[RequestEntry]) -> Query<D> {
    let optional = |of: fn(&RequestEntry) -> Option<&str>| optional_texts(entries.iter().map(of));
    let text = |of: fn(&RequestEntry) -> &str| texts(entries.iter().map(of));
    let number = |of: fn(&RequestEntry) -> i64| numbers(entries.iter().map(of));
    query
        .bind(&text(|entry| &entry.id))
        .bind(&text(|entry| entry.organization_id.as_str()))
        .bind(&text(|entry| entry.agent_id.as_str()))
        .bind(&optional(|entry| entry.key_id.as_ref().map(KeyId::as_str)))
        .bind(&optional(|entry| entry.secret_last4.as_deref()))
        .bind(&optional(|entry| entry.client_request_id.as_deref()))
        .bind(&text(|entry| &entry.method))
        .bind(&text(|entry| &entry.route))
        .bind(&text(|entry| &entry.operation))
        .bind(&number(|entry| entry.status.into()))
        .bind(&text(|entry| &entry.code))
        .bind(&optional(|entry| entry.permission.as_deref()))
        .bind(&optional(|entry| entry.message.as_deref()))
        .bind(&text(|entry| &entry.client_address))
        .bind(&number(|entry| entry.duration_micros))
}

/// The same of one, for its row.
fn bind<D: Dialect>(query: Query<D>, entry: &RequestEntry) -> Query<D> {
    query
        .bind(&entry.id)
        .bind(&entry.organization_id)
        .bind(&entry.agent_id)
        .bind(entry.key_id.as_ref().map(KeyId::as_str))
        .bind(&entry.secret_last4)
        .bind(&entry.client_request_id)
        .bind(&entry.method)
        .bind(&entry.route)
        .bind(&entry.operation)
        .bind(entry.status)
        .bind(&entry.code)
        .bind(&entry.permission)
        .bind(&entry.message)
        .bind(&entry.client_address)
        .bind(entry.duration_micros)
}

#[async_trait]
impl<D: Announce> Requests for SqlStore<D> {
    async fn request(
        &self,
        organization: &OrganizationId,
        id: &str,
    ) -> Result<Option<LoggedRequest>, StoreError> {
        let query = || sql::<D>(AssertSqlSafe(format!("{SELECT} AND r.id = $2"))).bind(organization).bind(id);
        let row = read!(self, "db.request.get", |c| query().optional(c))?;
        row.as_ref().map(logged).transpose()
    }

    async fn requests(
        &self,
        organization: &OrganizationId,
        filter: &RequestFilter,
        slice: &Slice,
    ) -> Result<Vec<LoggedRequest>, StoreError> {
        let from = filter.from.map(first_id_from).unwrap_or_default();
        let to = filter.to.map(first_id_from);
        let below = [to.as_deref(), slice.before.as_deref()].into_iter().flatten().min().unwrap_or(ABOVE_ALL);
        let query = || {
            let of_code = if filter.code.is_some() { OF_CODE } else { "" };
            let query = sql::<D>(AssertSqlSafe(format!("{SELECT}{OF_KEY}{of_code}{NEWEST}")));
            let query = query.bind(organization).bind(&filter.agent_id).bind(&filter.key_id);
            let query = query.bind(&from).bind(below).bind(slice.limit);
            match &filter.code {
                Some(code) => query.bind(code),
                None => query,
            }
        };
        let rows = read!(self, "db.request.list", |c| query().all(c))?;
        rows.iter().map(logged).collect()
    }

    async fn owners_of_agents(
        &self,
        agents: &[String],
    ) -> Result<HashMap<String, OrganizationId>, StoreError> {
        let ids = list_text(agents);
        let query = || {
            let among = D::choose(OWNERS_SQLITE, OWNERS_POSTGRES);
            sql::<D>(AssertSqlSafe(format!("{OWNERS}{among}"))).bind(&ids)
        };
        let rows = read!(self, "db.request.agents", |c| query().all(c))?;
        let owner = |row: &Row<D>| -> Result<(String, OrganizationId), StoreError> {
            Ok((row.get("id")?, OrganizationId::new(row.get::<String>("organization_id")?)))
        };
        rows.iter().map(owner).collect()
    }

    async fn first_request_beyond(&self, count: i64) -> Result<Option<String>, StoreError> {
        let row = read!(self, "db.request.count", |c| sql::<D>(BEYOND).bind(count).optional(c))?;
        Ok(row.map(|row| row.get("id")).transpose()?)
    }
}

#[async_trait]
impl<D: Announce> RequestChanges for SqlWork<D> {
    async fn insert_requests(&mut self, entries: &[RequestEntry]) -> Result<(), StoreError> {
        if D::NAME == Postgres::NAME {
            let query = bind_columns(sql::<D>(INSERT_POSTGRES), entries);
            run!(self, "db.request.insert", |c| query.run(c))?;
            return Ok(());
        }
        let mut rest = entries;
        for (size, text) in SIZES.into_iter().zip(&*INSERT_SQLITE) {
            while let Some((rows, others)) = rest.split_at_checked(size) {
                let query = rows.iter().fold(sql::<D>(AssertSqlSafe(text.as_str())), bind);
                run!(self, "db.request.insert", |c| query.run(c))?;
                rest = others;
            }
        }
        Ok(())
    }

    async fn delete_requests(&mut self, below: &str, limit: i64) -> Result<u64, StoreError> {
        let query = sql::<D>(DELETE).bind(below).bind(limit);
        Ok(run!(self, "db.request.delete", |c| query.run(c))?)
    }
}

fn logged<D: Dialect>(row: &Row<D>) -> Result<LoggedRequest, StoreError> {
    Ok(LoggedRequest {
        entry: RequestEntry {
            id: row.get("id")?,
            organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
            agent_id: AgentId::new(row.get::<String>("agent_id")?),
            key_id: row.get::<Option<String>>("key_id")?.map(KeyId::new),
            secret_last4: row.get("secret_last4")?,
            client_request_id: row.get("client_request_id")?,
            method: row.get("method")?,
            route: row.get("route")?,
            operation: row.get("operation")?,
            status: int(row, "status")?,
            code: row.get("code")?,
            permission: row.get("permission")?,
            message: row.get("message")?,
            client_address: row.get("client_address")?,
            duration_micros: row.get("duration_micros")?,
        },
        key_name: row.get("key_name")?,
        agent_name: row.get("agent_name")?,
    })
}
