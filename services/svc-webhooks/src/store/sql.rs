//! What is read, each query written once for SQLite and PostgreSQL. Each carries organization and agent.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_core::page::PageSize;
use svc_db::{Db, Dialect, Query, Scope, sql};
use tracing::instrument;

use super::row::{delivery, delivery_columns, due, due_columns, kept, webhook_columns};
use super::work::SqlWork;
use super::{Begin, Due, Kept, Lease, Store, StoreError, Transaction};
use crate::domain::{Delivery, DeliveryStatus, Partition, Webhook};

/// A SELECT of whole webhooks of one agent: `$1` the organization, `$2` the agent.
macro_rules! select {
    ($($rest:literal),*) => {
        concat!(
            "SELECT ",
            webhook_columns!(),
            " FROM webhooks WHERE organization_id = $1 AND agent_id = $2 ",
            $($rest),*
        )
    };
}
pub(super) use select;

/// A SELECT of messages of one webhook: `$3` its id.
macro_rules! select_deliveries {
    ($($rest:literal),*) => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM webhook_deliveries WHERE organization_id = $1 AND agent_id = $2 AND webhook_id = $3 ",
            $($rest),*
        )
    };
}
pub(super) use select_deliveries;

pub(super) const FIND: &str = select!("AND id = $3");
const LIST: &str = select!("AND id < $3 ORDER BY id DESC LIMIT $4");
const LEASED: &str = select!("AND id = $3 AND lease = $4 AND status = 'ACTIVE'");
const DELIVERIES: &str = select_deliveries!("AND id < $4 ORDER BY id DESC LIMIT $5");
const DELIVERIES_BY_STATUS: &str =
    select_deliveries!("AND id < $4 AND status = $6 ORDER BY id DESC LIMIT $5");
const DUE: &str = concat!(
    "SELECT ",
    due_columns!(),
    " FROM webhook_deliveries WHERE organization_id = $1 AND agent_id = $2 AND webhook_id = $3 \
     AND status = 'PENDING' AND next_attempt_at <= $4 ORDER BY next_attempt_at, ordinal LIMIT 1"
);
const PENDING: &str = "SELECT count(*) AS pending FROM (SELECT id FROM webhook_deliveries \
     WHERE organization_id = $1 AND agent_id = $2 AND webhook_id = $3 AND status = 'PENDING' LIMIT $4) AS waiting";

/// What holds of a webhook that has something to send by `$1`, and that nobody sends for. Of constants: nothing of a
/// request becomes part of the text.
pub(super) fn waits(head: &'static str) -> String {
    format!(
        "status = 'ACTIVE' AND rests_until <= $1 AND leased_until <= $1 AND (due_at <= $1 OR position < {head})"
    )
}

/// After all ids.
const START: &str = "g";

/// Webhooks in a database.
pub(super) struct SqlStore<D: Dialect> {
    db: Db<D>,
    head: &'static str,
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn new(db: Db<D>, head: &'static str) -> SqlStore<D> {
        SqlStore { db, head }
    }
}

pub(super) fn of<D: Dialect>(query: &'static str, owner: &Partition, id: &str) -> Query<D> {
    sql::<D>(query).bind(&owner.organization_id).bind(&owner.agent_id).bind(id)
}

#[async_trait]
impl<D: Dialect> Store for SqlStore<D> {
    #[instrument(name = "db.webhook.find", level = "debug", skip_all)]
    async fn find(&self, owner: &Partition, id: &str) -> Result<Option<Kept>, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            of::<D>(FIND, owner, id).within(&Scope::of(owner)).optional(connection)
        })?;
        row.as_ref().map(kept).transpose()
    }

    #[instrument(name = "db.webhook.list", level = "debug", skip_all)]
    async fn list(
        &self,
        owner: &Partition,
        size: PageSize,
        after: Option<&str>,
    ) -> Result<Vec<Webhook>, StoreError> {
        let rows = svc_db::read!(self.db, |connection| {
            of::<D>(LIST, owner, after.unwrap_or(START))
                .bind(one_more(size))
                .within(&Scope::of(owner))
                .all(connection)
        })?;
        rows.iter().map(|row| Ok(kept(row)?.webhook)).collect()
    }

    #[instrument(name = "db.webhook_delivery.list", level = "debug", skip_all)]
    async fn deliveries(
        &self,
        owner: &Partition,
        webhook_id: &str,
        status: Option<DeliveryStatus>,
        size: PageSize,
        after: Option<&str>,
    ) -> Result<Vec<Delivery>, StoreError> {
        let query = if status.is_some() { DELIVERIES_BY_STATUS } else { DELIVERIES };
        let rows = svc_db::read!(self.db, |connection| {
            let query = of::<D>(query, owner, webhook_id).bind(after.unwrap_or(START)).bind(one_more(size));
            match status {
                Some(status) => query.bind(status.as_str()),
                None => query,
            }
            .within(&Scope::of(owner))
            .all(connection)
        })?;
        rows.iter().map(delivery).collect()
    }

    #[instrument(name = "db.webhook.leased", level = "debug", skip_all)]
    async fn leased(&self, lease: &Lease) -> Result<Option<Kept>, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            of::<D>(LEASED, &lease.owner, &lease.webhook_id)
                .bind(&lease.token)
                .within(&Scope::of(&lease.owner))
                .optional(connection)
        })?;
        row.as_ref().map(kept).transpose()
    }

    #[instrument(name = "db.webhook_delivery.due", level = "debug", skip_all)]
    async fn due(&self, lease: &Lease, now: Timestamp) -> Result<Option<Due>, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            of::<D>(DUE, &lease.owner, &lease.webhook_id)
                .bind(now)
                .within(&Scope::of(&lease.owner))
                .optional(connection)
        })?;
        row.as_ref().map(due).transpose()
    }

    #[instrument(name = "db.webhook.has_work", level = "debug", skip_all)]
    async fn has_work(&self, now: Timestamp) -> Result<bool, StoreError> {
        let query = format!("SELECT id FROM webhooks WHERE {} LIMIT 1", waits(self.head));
        let row = svc_db::read!(self.db, |connection| {
            // Whoever they belong to.
            sql::<D>(AssertSqlSafe(query.clone())).bind(now).within(&Scope::everything()).optional(connection)
        })?;
        Ok(row.is_some())
    }

    #[instrument(name = "db.webhook_delivery.pending", level = "debug", skip_all)]
    async fn pending(&self, lease: &Lease, most: i64) -> Result<i64, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            of::<D>(PENDING, &lease.owner, &lease.webhook_id)
                .bind(most)
                .within(&Scope::of(&lease.owner))
                .optional(connection)
        })?;
        let pending = row.map(|row| row.get("pending")).transpose()?;
        Ok(pending.unwrap_or_default())
    }
}

fn one_more(size: PageSize) -> i64 {
    i64::from(size.get()) + 1
}

#[async_trait]
impl<D: Dialect> Begin for SqlStore<D> {
    #[instrument(name = "db.webhook.begin", level = "debug", skip_all)]
    async fn begin(&self, scope: &Scope) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(SqlWork { transaction: self.db.begin_in(scope).await?, head: self.head }))
    }
}
