//! Contacts from before there were the rows that lists find them by get theirs.

use std::collections::BTreeMap;

use svc_db::{AnyDb, Db, Dialect, Scope, sql};
use tracing::instrument;

use super::row::read;
use super::sql::find_by_id;
use super::{StoreError, index};
use crate::domain::{Contact, Partition};

/// How many contacts get theirs in one transaction.
const AT_ONCE: i64 = 200;

const SOME: &str = "SELECT contact_id, organization_id, agent_id FROM contact_index_backlog \
     ORDER BY contact_id LIMIT $1";
const DONE: &str = "DELETE FROM contact_index_backlog \
     WHERE organization_id = $1 AND agent_id = $2 AND contact_id = $3";

/// Makes the rows that are to be made. It is over when there are none left, however often it was begun before.
pub(super) async fn work_off(db: &AnyDb) -> Result<(), StoreError> {
    let mut done = 0;
    loop {
        let some = match db {
            AnyDb::Sqlite(db) => work_off_some(db).await?,
            AnyDb::Postgres(db) => work_off_some(db).await?,
        };
        if some == 0 {
            if done > 0 {
                tracing::info!(contacts = done, "contacts from before can be found by lists");
            }
            return Ok(());
        }
        done += some;
    }
}

#[instrument(name = "db.contact_index_backlog.work_off", level = "debug", skip_all)]
async fn work_off_some<D: Dialect>(db: &Db<D>) -> Result<usize, StoreError> {
    // Whoever they belong to.
    let mut transaction = db.begin_in(&Scope::everything()).await?;
    let rows = transaction.all(sql::<D>(SOME).bind(AT_ONCE)).await?;
    let mut partitions: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in &rows {
        let ids = partitions.entry((row.get("organization_id")?, row.get("agent_id")?)).or_default();
        ids.push(row.get("contact_id")?);
    }
    for ((organization_id, agent_id), ids) in partitions {
        let partition = Partition { organization_id, agent_id };
        let mut contacts: Vec<Contact> = Vec::new();
        for id in &ids {
            // Whoever changes it meanwhile waits, and finds the rows made.
            let text = sqlx::AssertSqlSafe(format!("{}{}", find_by_id::<D>(), D::FOR_UPDATE));
            let query = sql::<D>(text).bind(&partition.organization_id).bind(&partition.agent_id);
            let row = transaction.optional(query.bind(id)).await?;
            contacts.extend(row.as_ref().map(read).transpose()?);
        }
        index::rewrite(&mut transaction, &partition, &contacts).await?;
        for id in &ids {
            let query = sql::<D>(DONE).bind(&partition.organization_id).bind(&partition.agent_id);
            transaction.run(query.bind(id)).await?;
        }
    }
    transaction.commit().await.map_err(svc_db::DbError::from)?;
    Ok(rows.len())
}
