//! Contacts that may be the same person, and what is kept of a person beside the contact.

use async_trait::async_trait;
use aws_lc_rs::digest::{Context, SHA256};
use svc_core::clock::Timestamp;
use svc_db::{DbError, Dialect, Row, Scope, sql};
use tracing::instrument;

use super::sql::SqlWork;
use super::{PersonWork, StoreError};
use crate::domain::{
    ChangeKind, DUPLICATES_MAX, HISTORY_MAX, Partition, PastChange, PossibleDuplicate, Reachable,
};

/// Contacts with this email address or this number, oldest first. A `NULL` finds none.
const ALIKE: &str = "SELECT id, external_reference_id, email_key, mobile_number, created_at FROM ( \
     SELECT id, external_reference_id, email_key, mobile_number, created_at FROM contacts \
     WHERE organization_id = $1 AND agent_id = $2 AND email_key = $3 \
     ORDER BY created_at, id LIMIT $5) AS by_email \
     UNION SELECT id, external_reference_id, email_key, mobile_number, created_at FROM ( \
     SELECT id, external_reference_id, email_key, mobile_number, created_at FROM contacts \
     WHERE organization_id = $1 AND agent_id = $2 AND mobile_number = $4 \
     ORDER BY created_at, id LIMIT $5) AS by_number \
     ORDER BY created_at, id LIMIT $5";
/// The answer held the contact. Its repeat is told what was made, and no more.
const FORGET_ANSWERS: &str = "UPDATE idempotency_records SET answer = NULL \
     WHERE organization_id = $1 AND resource_id = $2 AND answer IS NOT NULL";
/// Archived contacts of all organizations whose time has come: retention is the operator's, not a caller's.
const EXPIRED: &str = "SELECT organization_id, agent_id, id FROM contacts \
     WHERE archived_at IS NOT NULL AND archived_at <= $1 ORDER BY archived_at LIMIT $2";

/// What happened to a contact, the last first.
const HISTORY: &str = "SELECT kind, version, changed_at, actor_id FROM contact_changes \
     WHERE organization_id = $1 AND agent_id = $2 AND contact_id = $3 ORDER BY sequence DESC LIMIT $4";

/// Takes the lock of number `$1` until the transaction ends. SQLite has one transaction at a time.
const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";

/// One more than are shown, since the contact itself is among them.
pub(super) const FOUND_MAX: i64 = DUPLICATES_MAX as i64 + 1;

pub(super) async fn alike<D: Dialect>(
    connection: &mut D::Connection,
    partition: &Partition,
    by: &Reachable,
) -> Result<Vec<PossibleDuplicate>, DbError> {
    let rows = sql::<D>(ALIKE)
        .bind(&partition.organization_id)
        .bind(&partition.agent_id)
        .bind(&by.email_key)
        .bind(&by.mobile_number)
        .bind(FOUND_MAX)
        .within(&Scope::of(partition))
        .all(connection)
        .await?;
    rows.iter().map(|row| duplicate(row, by)).collect()
}

pub(super) fn duplicate<D: Dialect>(row: &Row<D>, by: &Reachable) -> Result<PossibleDuplicate, DbError> {
    let same = |column: &str, wanted: &Option<String>| {
        let found: Option<String> = row.get(column)?;
        Ok::<_, DbError>(found.is_some() && found == *wanted)
    };
    Ok(PossibleDuplicate {
        id: row.get("id")?,
        external_reference_id: row.get("external_reference_id")?,
        by_email: same("email_key", &by.email_key)?,
        by_mobile_number: same("mobile_number", &by.mobile_number)?,
    })
}

/// The last changes of a contact, oldest first.
pub(super) async fn history<D: Dialect>(
    connection: &mut D::Connection,
    partition: &Partition,
    contact_id: &str,
) -> Result<Vec<Row<D>>, DbError> {
    let rows = sql::<D>(HISTORY)
        .bind(&partition.organization_id)
        .bind(&partition.agent_id)
        .bind(contact_id)
        .bind(HISTORY_MAX as i64)
        .within(&Scope::of(partition))
        .all(connection)
        .await?;
    Ok(rows.into_iter().rev().collect())
}

/// What [`history`] has read.
pub(super) fn read_history<D: Dialect>(rows: &[Row<D>]) -> Result<Vec<PastChange>, StoreError> {
    let change = |row: &Row<D>| {
        let kind = ChangeKind::from_str(&row.get::<String>("kind")?);
        let version = i32::try_from(row.get::<i64>("version")?);
        Ok(PastChange {
            kind: kind.ok_or(StoreError::Corrupt { column: "kind" })?,
            version: version.map_err(|_| StoreError::Corrupt { column: "version" })?,
            changed_at: row.time("changed_at")?,
            actor_id: row.get("actor_id")?,
        })
    };
    rows.iter().map(change).collect()
}

/// Archived contacts that are older than `before`, at most so many.
pub(super) async fn expired<D: Dialect>(
    connection: &mut D::Connection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(Partition, String)>, DbError> {
    let query = sql::<D>(EXPIRED).bind(before).bind(limit).within(&Scope::everything());
    let rows = query.all(connection).await?;
    let contact = |row: &Row<D>| {
        let partition =
            Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? };
        Ok((partition, row.get("id")?))
    };
    rows.iter().map(contact).collect()
}

/// The number under which a value of a partition is locked. That of another is the same with a chance of 2⁻⁶⁴,
/// and then one waits for the other.
fn lock_of(partition: &Partition, kind: &str, value: &str) -> i64 {
    let mut hash = Context::new(&SHA256);
    for part in [&partition.organization_id, &partition.agent_id, kind, value] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let hash = hash.finish();
    hash.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

#[async_trait]
impl<D: Dialect> PersonWork for SqlWork<D> {
    #[instrument(name = "db.contact.lock_people", level = "debug", skip_all)]
    async fn lock_people(&mut self, partition: &Partition, by: &Reachable) -> Result<(), StoreError> {
        if D::TRY_LOCK.is_none() {
            return Ok(());
        }
        let email = by.email_key.as_deref().map(|key| lock_of(partition, "email", key));
        let number = by.mobile_number.as_deref().map(|number| lock_of(partition, "mobile", number));
        let mut locks: Vec<i64> = email.into_iter().chain(number).collect();
        // In the same order as everybody else.
        locks.sort_unstable();
        for lock in locks {
            self.transaction.optional(sql::<D>(LOCK).bind(lock)).await?;
        }
        Ok(())
    }

    #[instrument(name = "db.contact.alike", level = "debug", skip_all)]
    async fn alike(
        &mut self,
        partition: &Partition,
        by: &Reachable,
    ) -> Result<Vec<PossibleDuplicate>, StoreError> {
        let found = alike::<D>(&mut self.transaction, partition, by).await;
        Ok(found.map_err(|error| self.transaction.failed(error))?)
    }

    #[instrument(name = "db.contact.forget_answers", level = "debug", skip_all)]
    async fn forget_answers(&mut self, partition: &Partition, contact_id: &str) -> Result<(), StoreError> {
        let query = sql::<D>(FORGET_ANSWERS).bind(&partition.organization_id).bind(contact_id);
        self.transaction.run(query).await?;
        Ok(())
    }
}
