//! What is deleted here since something was deleted elsewhere, some jobs in each transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use svc_core::clock::Timestamp;
use svc_core::erasure::{Erased, Erasure};
use svc_db::arrays::texts;
use svc_db::{Db, Dialect, Query, Row, sql};

use super::StoreError;
use super::lessons::teach;
use super::sql::SqlWork;
use crate::domain::Partition;

/// For how long after an erasure was taken something may still be made of what is gone, by a call that was under way.
pub(crate) const LOOKED_AFTER: Duration = Duration::from_secs(10 * 60);

/// An erasure that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) id: String,
    pub(crate) of: Partition,
    pub(crate) what: Erased,
    pub(crate) taken_at: Timestamp,
}

/// What came of a look for jobs that are to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Some were deleted, and there may be more.
    Deleted,
    /// All that are left are somebody else's at this moment.
    Busy,
    /// None is left. It is looked once more when no call can be under way any more.
    None,
    /// None is left, and none can come any more: the erasure is forgotten.
    Over,
}

const TAKE: &str = "INSERT INTO taken_erasures (organization_id, agent_id, id, contact_file_ids, taken_at, look_at) \
     VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO NOTHING";
/// Of all organizations.
const DUE: &str = "SELECT id, organization_id, agent_id, contact_file_ids, taken_at FROM taken_erasures \
     WHERE look_at <= $1 ORDER BY look_at, id LIMIT $2";
const LOOK_AGAIN: &str =
    "UPDATE taken_erasures SET look_at = $4 WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const FORGET: &str = "DELETE FROM taken_erasures WHERE organization_id = $1 AND agent_id = $2 AND id = $3";

macro_rules! jobs {
    ($($and:literal),*) => {
        concat!(
            "SELECT id, lesson, schema, corrected_at FROM jobs WHERE organization_id = $1 AND agent_id = $2 ",
            $($and,)*
            "LIMIT $3"
        )
    };
}
/// Along an index, whatever PostgreSQL thinks of the table: others' jobs are not gone through for these.
const OF_AGENT: &str = jobs!("ORDER BY created_at DESC, id DESC ");
const OF_FILES: [&str; 2] = [
    jobs!("AND contact_file_id IS NOT NULL AND contact_file_id IN (SELECT value FROM json_each($4)) "),
    jobs!("AND contact_file_id IS NOT NULL AND contact_file_id = ANY ($4::text::text[]) "),
];

/// The jobs that an erasure is about, so many at the most.
fn jobs<D: Dialect>(taken: &Taken, most: i64, locking: bool) -> Result<Query<D>, StoreError> {
    let text = match taken.what {
        Erased::Agent => OF_AGENT,
        Erased::ContactFiles(_) => D::choose(OF_FILES[0], OF_FILES[1]),
    };
    // Of constants: nothing of a request becomes part of the text. Whoever has a job is not waited for.
    let locking = if locking { D::choose("", " FOR UPDATE SKIP LOCKED") } else { "" };
    let query = sql::<D>(sqlx::AssertSqlSafe(format!("{text}{locking}")))
        .bind(&taken.of.organization_id)
        .bind(&taken.of.agent_id)
        .bind(most);
    Ok(match &taken.what {
        Erased::Agent => query,
        Erased::ContactFiles(ids) => {
            let ids = match D::choose("", "postgres") {
                "" => written(ids)?,
                _ => texts(ids.iter().map(String::as_str)),
            };
            query.bind(&ids)
        }
    })
}

fn written(ids: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(ids).map_err(|_| StoreError::Corrupt { column: "contact_file_ids" })
}

/// Takes one. That it was taken before changes nothing.
pub(super) async fn take<D: Dialect>(
    work: &mut SqlWork<D>,
    erasure: &Erasure,
    now: Timestamp,
) -> Result<(), StoreError> {
    let files = match &erasure.what {
        Erased::Agent => None,
        Erased::ContactFiles(ids) => Some(written(ids)?),
    };
    let query = of::<D>(TAKE, &erasure.of, &erasure.id).bind(&files).bind(now);
    work.transaction.run(query).await?;
    Ok(())
}

fn of<D: Dialect>(text: &'static str, partition: &Partition, id: &str) -> Query<D> {
    sql::<D>(text).bind(&partition.organization_id).bind(&partition.agent_id).bind(id)
}

/// Those that are to be looked after by now.
pub(super) async fn due<D: Dialect>(db: &Db<D>, now: Timestamp, most: i64) -> Result<Vec<Taken>, StoreError> {
    let rows = svc_db::read!(db, |connection| sql::<D>(DUE).bind(now).bind(most).all(connection))?;
    rows.iter().map(read).collect()
}

fn read<D: Dialect>(row: &Row<D>) -> Result<Taken, StoreError> {
    let what = match row.get::<Option<String>>("contact_file_ids")? {
        None => Erased::Agent,
        Some(ids) => Erased::ContactFiles(
            serde_json::from_str(&ids).map_err(|_| StoreError::Corrupt { column: "contact_file_ids" })?,
        ),
    };
    let of = Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? };
    Ok(Taken { id: row.get("id")?, of, what, taken_at: row.time("taken_at")? })
}

/// Deletes some of the jobs that an erasure is about, as whoever deletes one does.
pub(super) async fn erase<D: Dialect>(
    work: &mut SqlWork<D>,
    taken: &Taken,
    most: i64,
    now: Timestamp,
) -> Result<Look, StoreError> {
    let rows = work.transaction.all(jobs::<D>(taken, most, true)?).await?;
    // By name, so that of two that teach the same lessons one waits for the other.
    let mut lessons = BTreeMap::<String, String>::new();
    for row in &rows {
        super::Work::delete(work, &taken.of, &row.get::<String>("id")?).await?;
        if row.optional_time("corrected_at")?.is_some() {
            lessons.insert(row.get("lesson")?, row.get("schema")?);
        }
    }
    for (lesson, schema) in &lessons {
        teach(work, &taken.of.organization_id, lesson, schema).await?;
    }
    if !rows.is_empty() {
        return Ok(Look::Deleted);
    }
    if work.transaction.optional(jobs::<D>(taken, 1, false)?).await?.is_some() {
        return Ok(Look::Busy);
    }
    let last = taken.taken_at.plus(LOOKED_AFTER);
    if now < last {
        work.transaction.run(of::<D>(LOOK_AGAIN, &taken.of, &taken.id).bind(last)).await?;
        return Ok(Look::None);
    }
    work.transaction.run(of::<D>(FORGET, &taken.of, &taken.id)).await?;
    Ok(Look::Over)
}
