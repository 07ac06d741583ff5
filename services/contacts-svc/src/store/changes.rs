//! The feed of changes of each agent.

use svc_core::clock::Timestamp;
use svc_core::page::PageSize;
use svc_db::{Db, DbError, Dialect, Row, Scope, Transaction, sql};
use tracing::instrument;

use super::StoreError;
use super::row::read;
use crate::domain::{
    ChangeKind, ChangesPage, Contact, ContactChange, Feed, PAGE_MAX_BYTES, Partition, RecordedChange, Status,
};

/// How many rows are read at once, as of contacts.
const ROWS_AT_ONCE: usize = 34;

const FIND_FEED: &str = "SELECT last_sequence, pruned_sequence, active, archived FROM contact_feeds \
     WHERE organization_id = $1 AND agent_id = $2";

/// What ends an INSERT of how many numbers are taken, and of how many more contacts there are in each status. From here
/// on, whoever changes contacts of this agent waits for the commit.
macro_rules! next_numbers {
    () => {
        "ON CONFLICT (organization_id, agent_id) DO UPDATE SET \
         last_sequence = contact_feeds.last_sequence + excluded.last_sequence, \
         active = contact_feeds.active + excluded.active, archived = contact_feeds.archived + excluded.archived \
         RETURNING last_sequence, fields_revision"
    };
}
pub(super) use next_numbers;

/// Takes the next `$3` numbers.
const TAKE_NUMBERS: &str = concat!(
    "INSERT INTO contact_feeds (organization_id, agent_id, last_sequence, active, archived) \
     VALUES ($1, $2, $3, $4, $5) ",
    next_numbers!()
);

/// Adds changes, which `$5` has in order as a JSON array of arrays, after the one numbered `$3`.
const APPEND: [&str; 2] = [
    "INSERT INTO contact_changes \
     (organization_id, agent_id, sequence, contact_id, kind, version, changed_at, actor_id) \
     SELECT $1, $2, $3 + 1 + k.key, k.value ->> 0, k.value ->> 1, k.value ->> 2, k.value ->> 3, $4 \
     FROM json_each($5) AS k",
    "INSERT INTO contact_changes \
     (organization_id, agent_id, sequence, contact_id, kind, version, changed_at, actor_id) \
     SELECT $1, $2, $3 + k.n, k.q ->> 0, k.q ->> 1, (k.q ->> 2)::bigint, (k.q ->> 3)::bigint, $4 \
     FROM json_array_elements($5::json) WITH ORDINALITY AS k (q, n)",
];

/// Changes with their contacts as these are now. Those are looked up by their ids and by no index of the agent (`mine!` in
/// `sql.rs`).
pub(super) const LIST: &str = "SELECT h.sequence, h.contact_id, h.kind, h.version AS change_version, h.changed_at, \
     c.id, c.external_reference_id, c.name, c.email, c.mobile_number, c.gender, c.stage, c.status, c.source, \
     c.tags, c.notes, c.custom_fields, c.created_at, c.updated_at, c.archived_at, c.version \
     FROM contact_changes AS h LEFT JOIN contacts AS c \
     ON c.organization_id || '' = h.organization_id AND c.agent_id || '' = h.agent_id AND c.id = h.contact_id \
     WHERE h.organization_id = $1 AND h.agent_id = $2 AND h.sequence > $3 ORDER BY h.sequence LIMIT $4";

/// Adds changes to the feed, and their sum to the counts of contacts. Gives the revision of the agent's fields.
#[instrument(name = "db.contact_change.append", level = "debug", skip_all)]
pub(super) async fn append<D: Dialect>(
    transaction: &mut Transaction<D>,
    partition: &Partition,
    actor_id: &str,
    changes: &[ContactChange],
) -> Result<i64, StoreError> {
    let rows = rows_text(changes)?;
    let count = changes.len() as i64;
    let query = sql::<D>(TAKE_NUMBERS)
        .bind(&partition.organization_id)
        .bind(&partition.agent_id)
        .bind(count)
        .bind(difference(changes, Status::Active))
        .bind(difference(changes, Status::Archived));
    // There is one in any case.
    let row = transaction.optional(query).await?.ok_or(StoreError::Corrupt { column: "last_sequence" })?;
    let [sqlite, postgres] = APPEND;
    let query = sql::<D>(D::choose(sqlite, postgres))
        .bind(&partition.organization_id)
        .bind(&partition.agent_id)
        .bind(row.get::<i64>("last_sequence")? - count)
        .bind(actor_id)
        .bind(&rows);
    transaction.run(query).await?;
    Ok(row.get("fields_revision")?)
}

/// Changes, as they are added.
pub(super) fn rows_text(changes: &[ContactChange]) -> Result<String, StoreError> {
    let rows = changes
        .iter()
        .map(|change| (change.contact_id(), change.kind().as_str(), change.version(), change.at().0));
    serde_json::to_string(&rows.collect::<Vec<_>>())
        .map_err(|_| StoreError::Corrupt { column: "contact_changes" })
}

/// How many more contacts there are in this status than before.
pub(super) fn difference(changes: &[ContactChange], status: Status) -> i64 {
    let is = |contact: Option<&Contact>| i64::from(contact.is_some_and(|contact| contact.status == status));
    changes.iter().map(|change| is(change.after()) - is(change.before())).sum()
}

#[instrument(name = "db.contact_change.list", level = "debug", skip_all)]
pub(super) async fn list<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    size: PageSize,
    after: i64,
) -> Result<ChangesPage, StoreError> {
    let size = size.get() as usize;
    let mut page = ChangesPage::default();
    let (scope, mut bytes, mut after) = (Scope::of(partition), 0, after);
    loop {
        // One more than there is room for, to know whether a page follows.
        let wanted = ROWS_AT_ONCE.min(size + 1 - page.changes.len());
        let rows = svc_db::read!(db, |connection| {
            sql::<D>(LIST)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(after)
                .bind(wanted as i64)
                .within(&scope)
                .all(connection)
        })?;
        for row in &rows {
            let change = recorded(row)?;
            bytes += change.contact.as_ref().map_or(0, Contact::bytes);
            let is_cut = bytes > PAGE_MAX_BYTES && !page.changes.is_empty();
            if page.changes.len() == size || is_cut {
                page.has_more = true;
                return Ok(page);
            }
            after = change.sequence;
            page.changes.push(change);
        }
        if rows.len() < wanted {
            return Ok(page);
        }
    }
}

fn recorded<D: Dialect>(row: &Row<D>) -> Result<RecordedChange, StoreError> {
    let kind = ChangeKind::from_str(&row.get::<String>("kind")?);
    let version = i32::try_from(row.get::<i64>("change_version")?);
    let contact = match row.get::<Option<String>>("id")? {
        Some(_) => Some(read(row)?),
        None => None,
    };
    Ok(RecordedChange {
        sequence: row.get("sequence")?,
        kind: kind.ok_or(StoreError::Corrupt { column: "kind" })?,
        contact_id: row.get("contact_id")?,
        version: version.map_err(|_| StoreError::Corrupt { column: "version" })?,
        changed_at: row.time("changed_at")?,
        contact,
    })
}

#[instrument(name = "db.contact_feed.find", level = "debug", skip_all)]
pub(super) async fn feed<D: Dialect>(db: &Db<D>, partition: &Partition) -> Result<Feed, StoreError> {
    let scope = Scope::of(partition);
    let row = svc_db::read!(db, |connection| {
        sql::<D>(FIND_FEED)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .within(&scope)
            .optional(connection)
    })?;
    let Some(row) = row else { return Ok(Feed::default()) };
    let feed: Result<Feed, DbError> = (|| {
        Ok(Feed {
            last_sequence: row.get("last_sequence")?,
            pruned_sequence: row.get("pruned_sequence")?,
            active: row.get("active")?,
            archived: row.get("archived")?,
        })
    })();
    Ok(feed?)
}

/// Agents in order, those that follow.
const SOME_FEEDS: &str = "SELECT organization_id, agent_id FROM contact_feeds \
     WHERE (organization_id, agent_id) > ($1, $2) ORDER BY organization_id, agent_id LIMIT $3";
const OLDEST: &str = "SELECT sequence, changed_at FROM contact_changes \
     WHERE organization_id = $1 AND agent_id = $2 ORDER BY sequence LIMIT $3";
/// First, so that of two that prune one waits.
const PRUNED: &str = "UPDATE contact_feeds SET pruned_sequence = $3 \
     WHERE organization_id = $1 AND agent_id = $2 AND pruned_sequence < $3";
const PRUNE: &str =
    "DELETE FROM contact_changes WHERE organization_id = $1 AND agent_id = $2 AND sequence <= $3";

/// Some agents that have a feed, those that follow `after`.
#[instrument(name = "db.contact_feed.list", level = "debug", skip_all)]
pub(super) async fn feeds<D: Dialect>(
    db: &Db<D>,
    after: Option<&Partition>,
    limit: usize,
) -> Result<Vec<Partition>, StoreError> {
    let first = Partition { organization_id: String::new(), agent_id: String::new() };
    let after = after.unwrap_or(&first);
    let rows = svc_db::read!(db, |connection| {
        sql::<D>(SOME_FEEDS)
            .bind(&after.organization_id)
            .bind(&after.agent_id)
            .bind(limit as i64)
            .within(&Scope::everything())
            .all(connection)
    })?;
    rows.iter()
        .map(|row| {
            Ok(Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? })
        })
        .collect()
}

/// Deletes the oldest changes of an agent, at most `limit` of them, as long as they are from before `time`, and says how
/// many these were. What is left begins with a change that stays: no gap.
#[instrument(name = "db.contact_change.prune", level = "debug", skip_all)]
pub(super) async fn prune<D: Dialect>(
    db: &Db<D>,
    partition: &Partition,
    time: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    let scope = Scope::of(partition);
    let rows = svc_db::read!(db, |connection| {
        sql::<D>(OLDEST)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(limit as i64)
            .within(&scope)
            .all(connection)
    })?;
    let (mut count, mut last) = (0, None);
    for row in &rows {
        if row.time("changed_at")? >= time {
            break;
        }
        (count, last) = (count + 1, Some(row.get::<i64>("sequence")?));
    }
    let Some(last) = last else { return Ok(0) };
    let mut transaction = db.begin_in(&scope).await?;
    for text in [PRUNED, PRUNE] {
        let query = sql::<D>(text).bind(&partition.organization_id).bind(&partition.agent_id);
        transaction.run(query.bind(last)).await?;
    }
    transaction.commit().await.map_err(DbError::from)?;
    Ok(count)
}
