//! What is left of agents that are gone, deleted in small pieces: an agent may have a million contacts, and whoever works on
//! others' is not to wait.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{Db, Dialect, Query, Row, Scope, sql};
use tracing::instrument;

use super::row::read;
use super::sql::{SqlWork, columns, select};
use super::{FileWork, PersonWork, StoreError, Work, index};
use crate::domain::{Contact, ContactChange, Partition};

/// For how long after it was taken something may still be made for an agent that is gone, by a call that was under way.
pub(crate) const LOOKED_AFTER: Duration = Duration::from_secs(10 * 60);

/// An agent that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentErasure {
    pub(crate) of: Partition,
    pub(crate) taken_at: Timestamp,
}

/// What a look for what is left has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Something that somebody else has at this moment.
    Some,
    /// Nothing. It is looked once more when no call can be under way any more.
    None,
    /// Nothing, and nothing can come any more: the erasure is forgotten.
    Over,
}

const TAKE: &str = "INSERT INTO agent_erasures (organization_id, agent_id, taken_at, look_at) VALUES ($1, $2, $3, $3) \
     ON CONFLICT (organization_id, agent_id) DO NOTHING";
/// Of all organizations.
const DUE: &str = "SELECT organization_id, agent_id, taken_at FROM agent_erasures \
     WHERE look_at <= $1 ORDER BY look_at, organization_id, agent_id LIMIT $2";
/// Along an index, whatever PostgreSQL thinks of the table: others' contacts are not gone through for these.
const SOME_CONTACTS: &str = select!("ORDER BY status, created_at DESC, id DESC LIMIT $3");

/// A DELETE of so many rows of a partition by the rest of their primary key.
macro_rules! delete_some {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE organization_id = $1 AND agent_id = $2 AND (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE organization_id = $1 AND agent_id = $2 ORDER BY ",
            $key,
            " LIMIT $3)"
        )
    };
}
const SOME_IMPORT_ERRORS: &str = delete_some!("contact_import_errors", "import_id, line");
const SOME_IMPORTS: &str = delete_some!("contact_imports", "id");
const SOME_CHANGES: &str = delete_some!("contact_changes", "sequence");
/// What there is once for an agent.
const REST: [&str; 2] = [
    "DELETE FROM contact_field_sets WHERE organization_id = $1 AND agent_id = $2",
    "DELETE FROM contact_feeds WHERE organization_id = $1 AND agent_id = $2",
];
macro_rules! left {
    ($($table:literal),*) => {
        concat!($("SELECT '", $table, "' AS of_table FROM ", $table, " WHERE organization_id = $1 AND agent_id = $2 \
            UNION ALL ",)* "SELECT 'files' AS of_table FROM files WHERE organization_id = $1 AND agent_id = $2 LIMIT 1")
    };
}
const LEFT: &str =
    left!("contacts", "contact_imports", "contact_changes", "contact_field_sets", "contact_feeds");
const LOOK_AGAIN: &str =
    "UPDATE agent_erasures SET look_at = $3 WHERE organization_id = $1 AND agent_id = $2";
const FORGET: &str = "DELETE FROM agent_erasures WHERE organization_id = $1 AND agent_id = $2";

/// What a change may do about an agent that is gone.
#[async_trait]
pub(crate) trait AgentErasureWork: Send {
    /// Notes that an agent is gone. `false`: that is noted already.
    async fn take_agent_erasure(&mut self, partition: &Partition, now: Timestamp)
    -> Result<bool, StoreError>;

    /// Deletes some contacts with all that is held of them, without a word in the feed of changes, and says how many.
    async fn erase_contacts(
        &mut self,
        partition: &Partition,
        most: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Deletes some imports with their errors, and says how many rows these were.
    async fn erase_imports(&mut self, partition: &Partition, most: i64) -> Result<u64, StoreError>;

    /// Deletes some changes of the feed, and with the last of them the feed and the declared fields. Says how many rows
    /// these were.
    async fn erase_changes(&mut self, partition: &Partition, most: i64) -> Result<u64, StoreError>;

    /// Looks what is left after that.
    async fn end_agent_erasure(&mut self, erasure: &AgentErasure, now: Timestamp)
    -> Result<Left, StoreError>;
}

/// Agents that are gone and are to be looked after by now, the longest due first.
#[instrument(name = "db.agent_erasure.due", level = "debug", skip_all)]
pub(super) async fn due<D: Dialect>(
    db: &Db<D>,
    now: Timestamp,
    most: i64,
) -> Result<Vec<AgentErasure>, StoreError> {
    let rows = svc_db::read!(db, |connection| {
        sql::<D>(DUE).bind(now).bind(most).within(&Scope::everything()).all(connection)
    })?;
    let erasure = |row: &Row<D>| {
        let of = Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? };
        Ok(AgentErasure { of, taken_at: row.time("taken_at")? })
    };
    rows.iter().map(erasure).collect()
}

fn of<D: Dialect>(text: &'static str, partition: &Partition) -> Query<D> {
    sql::<D>(text).bind(&partition.organization_id).bind(&partition.agent_id)
}

#[async_trait]
impl<D: Dialect> AgentErasureWork for SqlWork<D> {
    #[instrument(name = "db.agent_erasure.take", level = "debug", skip_all)]
    async fn take_agent_erasure(
        &mut self,
        partition: &Partition,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.transaction.run(of::<D>(TAKE, partition).bind(now)).await? == 1)
    }

    #[instrument(name = "db.agent_erasure.contacts", level = "debug", skip_all)]
    async fn erase_contacts(
        &mut self,
        partition: &Partition,
        most: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        // Whoever has one is not waited for. Of constants: nothing of a request becomes part of the text.
        let skip_locked = D::choose("", " FOR UPDATE SKIP LOCKED");
        let query = sql::<D>(AssertSqlSafe(format!("{SOME_CONTACTS}{skip_locked}")))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(most);
        let rows = self.transaction.all(query).await?;
        let contacts: Vec<Contact> = rows.iter().map(read).collect::<Result<_, _>>()?;
        for contact in &contacts {
            self.forget_answers(partition, &contact.id).await?;
            self.delete_files_of(partition, &contact.id, now).await?;
            self.delete(partition, &contact.id).await?;
        }
        let gone: Vec<ContactChange> =
            contacts.into_iter().map(|before| ContactChange::Deleted { before, at: now }).collect();
        if !gone.is_empty() {
            index::write(&mut self.transaction, partition, &gone).await?;
        }
        Ok(gone.len() as u64)
    }

    #[instrument(name = "db.agent_erasure.imports", level = "debug", skip_all)]
    async fn erase_imports(&mut self, partition: &Partition, most: i64) -> Result<u64, StoreError> {
        let errors = self.transaction.run(of::<D>(SOME_IMPORT_ERRORS, partition).bind(most)).await?;
        if errors > 0 {
            return Ok(errors);
        }
        Ok(self.transaction.run(of::<D>(SOME_IMPORTS, partition).bind(most)).await?)
    }

    #[instrument(name = "db.agent_erasure.changes", level = "debug", skip_all)]
    async fn erase_changes(&mut self, partition: &Partition, most: i64) -> Result<u64, StoreError> {
        let mut rows = self.transaction.run(of::<D>(SOME_CHANGES, partition).bind(most)).await?;
        if rows < most.unsigned_abs() {
            for text in REST {
                rows += self.transaction.run(of::<D>(text, partition)).await?;
            }
        }
        Ok(rows)
    }

    #[instrument(name = "db.agent_erasure.end", level = "debug", skip_all)]
    async fn end_agent_erasure(
        &mut self,
        erasure: &AgentErasure,
        now: Timestamp,
    ) -> Result<Left, StoreError> {
        if self.transaction.optional(of::<D>(LEFT, &erasure.of)).await?.is_some() {
            return Ok(Left::Some);
        }
        let last = erasure.taken_at.plus(LOOKED_AFTER);
        if now < last {
            self.transaction.run(of::<D>(LOOK_AGAIN, &erasure.of).bind(last)).await?;
            return Ok(Left::None);
        }
        self.transaction.run(of::<D>(FORGET, &erasure.of)).await?;
        Ok(Left::Over)
    }
}
