//! The changes of contacts, as webhooks read them.

use std::sync::Arc;

use async_trait::async_trait;
use svc_db::{AnyDb, Db, Dialect, Scope, StoreError, sql};
use svc_webhooks::{Change, EventType, Feed};
use tracing::instrument;

use super::Store;
use crate::domain::{Locator, Partition, contact_json, gone_json};

const HEAD_OF_WEBHOOK: &str = "(SELECT f.last_sequence FROM contact_feeds f \
     WHERE f.organization_id = webhooks.organization_id AND f.agent_id = webhooks.agent_id)";
const HEAD: &str = "SELECT last_sequence FROM contact_feeds WHERE organization_id = $1 AND agent_id = $2";
const AFTER: &str = "SELECT sequence, contact_id, kind, changed_at FROM contact_changes \
     WHERE organization_id = $1 AND agent_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4";

/// The feed of an open database.
pub(crate) fn feed(db: &AnyDb, store: Arc<dyn Store>) -> Arc<dyn Feed> {
    match db {
        AnyDb::Sqlite(db) => Arc::new(SqlFeed { db: db.clone(), store }),
        AnyDb::Postgres(db) => Arc::new(SqlFeed { db: db.clone(), store }),
    }
}

struct SqlFeed<D: Dialect> {
    db: Db<D>,
    store: Arc<dyn Store>,
}

#[async_trait]
impl<D: Dialect> Feed for SqlFeed<D> {
    fn head_sql(&self) -> &'static str {
        HEAD_OF_WEBHOOK
    }

    #[instrument(name = "db.contact_feed.head", level = "debug", skip_all)]
    async fn head(&self, owner: &Partition) -> Result<i64, StoreError> {
        let scope = Scope::of(owner);
        let row = svc_db::read!(self.db, |connection| {
            sql::<D>(HEAD)
                .bind(&owner.organization_id)
                .bind(&owner.agent_id)
                .within(&scope)
                .optional(connection)
        })?;
        let head = row.map(|row| row.get("last_sequence")).transpose()?;
        // Nothing has happened to contacts of this agent.
        Ok(head.unwrap_or_default())
    }

    #[instrument(name = "db.contact_change.after", level = "debug", skip_all)]
    async fn after(&self, owner: &Partition, position: i64, most: i64) -> Result<Vec<Change>, StoreError> {
        let scope = Scope::of(owner);
        let rows = svc_db::read!(self.db, |connection| {
            sql::<D>(AFTER)
                .bind(&owner.organization_id)
                .bind(&owner.agent_id)
                .bind(position)
                .bind(most)
                .within(&scope)
                .all(connection)
        })?;
        let changes = rows.iter().map(|row| {
            Ok(Change {
                position: row.get("sequence")?,
                event: event(&row.get::<String>("kind")?).ok_or(StoreError::Corrupt { column: "kind" })?,
                contact_id: row.get("contact_id")?,
                at: row.time("changed_at")?,
            })
        });
        changes.collect()
    }

    async fn data(&self, owner: &Partition, contact_id: &str) -> Result<String, StoreError> {
        let found = self.store.find(owner, &Locator::Id(contact_id.to_owned())).await?;
        Ok(found.map_or_else(|| gone_json(contact_id), |contact| contact_json(&contact)))
    }
}

fn event(kind: &str) -> Option<EventType> {
    Some(match kind {
        "CREATED" => EventType::ContactCreated,
        "UPDATED" => EventType::ContactUpdated,
        "ARCHIVED" => EventType::ContactArchived,
        "UNARCHIVED" => EventType::ContactUnarchived,
        "DELETED" => EventType::ContactDeleted,
        _ => return None,
    })
}
