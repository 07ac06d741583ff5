//! What is written, each statement once for SQLite and PostgreSQL. Each carries organization and agent, but for those
//! that look for work of any agent: [`Work::claim`], [`Work::free_all`] and [`Work::prune`].

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Outgoing, Query, Records, sql};
use tracing::instrument;

use super::row::{delivery, delivery_columns, kept, owner, webhook_columns};
use super::sql::{FIND, of, select, select_deliveries, waits};
use super::{Kept, Lease, NewDelivery, Next, Sent, StoreError, Transaction, What, Work};
use crate::domain::{Delivery, DeliveryStatus, DisabledReason, Partition};

const COUNTED: &str = "SELECT id FROM webhooks WHERE organization_id = $1 AND agent_id = $2";
const ACTIVE: &str = select!("AND status = 'ACTIVE' ORDER BY id");
const DELIVERY: &str = select_deliveries!("AND id = $4");
const INSERT: &str = concat!(
    "INSERT INTO webhooks (",
    webhook_columns!(),
    ", rests_until, leased_until) \
     VALUES ($3, $1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, NULL, $13, $14, $15, 0, 0)"
);
/// Whoever changes a webhook wants it to be tried: it rests no longer.
const UPDATE: &str = "UPDATE webhooks SET url = $4, events = $5, description = $6, status = $7, \
     disabled_reason = $8, secret = $9, older_secret = $10, older_ends_at = $11, updated_at = $12, version = $13, \
     rests_until = 0 WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const RESTART: &str = "UPDATE webhooks SET position = $4, failures = 0, failing_since = NULL, rests_until = 0 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const DELETE: &str = "DELETE FROM webhooks WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const DELETE_DELIVERIES: &str =
    "DELETE FROM webhook_deliveries WHERE organization_id = $1 AND agent_id = $2 AND webhook_id = $3";
const GIVE_UP: &str = "UPDATE webhook_deliveries SET status = 'DEAD', next_attempt_at = NULL, ended_at = $4 \
     WHERE organization_id = $1 AND agent_id = $2 AND webhook_id = $3 AND status = 'PENDING'";
const NOTHING_DUE: &str =
    "UPDATE webhooks SET due_at = NULL WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const REPLAY: &str = "UPDATE webhook_deliveries SET status = 'PENDING', attempts = 0, next_attempt_at = $5, \
     queued_at = $5, ended_at = NULL \
     WHERE organization_id = $1 AND agent_id = $2 AND webhook_id = $3 AND id = $4";
const ADD: &str = "INSERT INTO webhook_deliveries (organization_id, agent_id, webhook_id, id, event, event_id, \
     event_at, contact_id, data, ordinal, status, attempts, next_attempt_at, queued_at, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'PENDING', 0, $11, $11, $11) \
     ON CONFLICT (webhook_id, event_id) DO NOTHING";
const WAKE: &str = "UPDATE webhooks SET due_at = CASE WHEN due_at < $4 THEN due_at ELSE $4 END \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const ADVANCE: &str = "UPDATE webhooks SET position = $5 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND lease = $4";
const WELL: &str = "UPDATE webhooks SET leased_until = $5, failures = 0, failing_since = NULL, rests_until = 0 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND lease = $4";
const FAILED: &str = "UPDATE webhooks SET leased_until = $5, failures = failures + 1, \
     failing_since = COALESCE(failing_since, $6), rests_until = $7 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND lease = $4";
const NOTE: &str = "UPDATE webhook_deliveries SET status = $5, attempts = attempts + 1, last_status = $6, \
     last_failure = $7, next_attempt_at = $8, ended_at = $9 \
     WHERE organization_id = $1 AND agent_id = $2 AND webhook_id = $3 AND id = $4 AND status = 'PENDING'";
const DISABLE: &str = "UPDATE webhooks SET status = 'DISABLED', disabled_reason = $4, due_at = NULL, \
     updated_at = $5, version = version + 1 WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const LOCK_LEASED: &str =
    "SELECT id FROM webhooks WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND lease = $4";
/// After the row is locked, so that what another transaction adds is either seen or wakes the webhook afterwards.
const RELEASE: &str = "UPDATE webhooks SET lease = NULL, leased_until = $4, \
     rests_until = CASE WHEN rests_until < $5 THEN $5 ELSE rests_until END, due_at = \
     (SELECT MIN(next_attempt_at) FROM webhook_deliveries d WHERE d.organization_id = $1 AND d.agent_id = $2 \
     AND d.webhook_id = $3 AND d.status = 'PENDING') \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const FREE_ALL: &str = "UPDATE webhooks SET lease = NULL, leased_until = 0 WHERE lease IS NOT NULL";
const PRUNE: &str = "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries \
     WHERE status = $1 AND ended_at < $2 ORDER BY ended_at LIMIT $3) AND status = $1 AND ended_at < $2";
const SILENCE: &str = "UPDATE webhooks SET status = 'DISABLED', due_at = NULL \
     WHERE organization_id = $1 AND agent_id = $2 AND status = 'ACTIVE'";
const SOME_DELIVERIES: &str = "DELETE FROM webhook_deliveries WHERE organization_id = $1 AND agent_id = $2 AND id IN \
     (SELECT id FROM webhook_deliveries WHERE organization_id = $1 AND agent_id = $2 ORDER BY webhook_id, id LIMIT $3)";
const DELETE_ALL: &str = "DELETE FROM webhooks WHERE organization_id = $1 AND agent_id = $2";

/// A change in a transaction.
pub(super) struct SqlWork<D: Dialect> {
    pub(super) transaction: svc_db::Transaction<D>,
    pub(super) head: &'static str,
}

impl<D: Dialect> SqlWork<D> {
    /// A query that locks what it finds, about one agent. Of constants: nothing of a request becomes part of the text.
    fn locking(query: &'static str, owner: &Partition) -> Query<D> {
        sql::<D>(AssertSqlSafe(format!("{query}{}", D::FOR_UPDATE)))
            .bind(&owner.organization_id)
            .bind(&owner.agent_id)
    }
}

#[async_trait]
impl<D: Dialect> Work for SqlWork<D> {
    #[instrument(name = "db.webhook.count", level = "debug", skip_all)]
    async fn count(&mut self, owner: &Partition) -> Result<i64, StoreError> {
        self.transaction.all(Self::locking(COUNTED, owner)).await?;
        // Once more: what was added while this waited for the locks is seen now.
        let found = self.transaction.all(Self::locking(COUNTED, owner)).await?;
        Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
    }

    #[instrument(name = "db.webhook.insert", level = "debug", skip_all)]
    async fn insert(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let webhook = &kept.webhook;
        let query = of::<D>(INSERT, &kept.owner, &webhook.id)
            .bind(&webhook.settings.url)
            .bind(&events_text(kept)?)
            .bind(&webhook.settings.description)
            .bind(webhook.settings.status.as_str())
            .bind(webhook.disabled_reason.map(DisabledReason::as_str))
            .bind(&kept.secret)
            .bind(kept.older_secret.as_deref())
            .bind(webhook.overlap_ends_at)
            .bind(kept.position)
            .bind(webhook.created_at)
            .bind(webhook.updated_at)
            .bind(webhook.version);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.lock", level = "debug", skip_all)]
    async fn find(&mut self, owner: &Partition, id: &str) -> Result<Option<Kept>, StoreError> {
        let row = self.transaction.optional(Self::locking(FIND, owner).bind(id)).await?;
        row.as_ref().map(kept).transpose()
    }

    #[instrument(name = "db.webhook.update", level = "debug", skip_all)]
    async fn update(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let webhook = &kept.webhook;
        let query = of::<D>(UPDATE, &kept.owner, &webhook.id)
            .bind(&webhook.settings.url)
            .bind(&events_text(kept)?)
            .bind(&webhook.settings.description)
            .bind(webhook.settings.status.as_str())
            .bind(webhook.disabled_reason.map(DisabledReason::as_str))
            .bind(&kept.secret)
            .bind(kept.older_secret.as_deref())
            .bind(webhook.overlap_ends_at)
            .bind(webhook.updated_at)
            .bind(webhook.version);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.restart", level = "debug", skip_all)]
    async fn restart(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let query = of::<D>(RESTART, &kept.owner, &kept.webhook.id).bind(kept.position);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.delete", level = "debug", skip_all)]
    async fn delete(&mut self, owner: &Partition, id: &str) -> Result<(), StoreError> {
        self.transaction.run(of::<D>(DELETE_DELIVERIES, owner, id)).await?;
        self.transaction.run(of::<D>(DELETE, owner, id)).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook_delivery.give_up", level = "debug", skip_all)]
    async fn give_up(&mut self, owner: &Partition, id: &str, now: Timestamp) -> Result<(), StoreError> {
        self.transaction.run(of::<D>(GIVE_UP, owner, id).bind(now)).await?;
        self.transaction.run(of::<D>(NOTHING_DUE, owner, id)).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook_delivery.find", level = "debug", skip_all)]
    async fn delivery(
        &mut self,
        owner: &Partition,
        webhook_id: &str,
        id: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        let row = self.transaction.optional(Self::locking(DELIVERY, owner).bind(webhook_id).bind(id)).await?;
        row.as_ref().map(delivery).transpose()
    }

    #[instrument(name = "db.webhook_delivery.replay", level = "debug", skip_all)]
    async fn replay(
        &mut self,
        owner: &Partition,
        webhook_id: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.transaction.run(of::<D>(REPLAY, owner, webhook_id).bind(id).bind(now)).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.active", level = "debug", skip_all)]
    async fn active(&mut self, owner: &Partition) -> Result<Vec<Kept>, StoreError> {
        let rows = self.transaction.all(Self::locking(ACTIVE, owner)).await?;
        rows.iter().map(kept).collect()
    }

    #[instrument(name = "db.webhook_delivery.insert", level = "debug", skip_all)]
    async fn add(&mut self, new: &NewDelivery<'_>) -> Result<(), StoreError> {
        let query = of::<D>(ADD, new.owner, new.webhook_id).bind(new.id);
        let query = match new.what {
            What::Change(change) => query
                .bind(change.event.as_str())
                .bind(&format!("change/{}", change.position))
                .bind(change.at)
                .bind(Some(change.contact_id.as_str()))
                .bind(None::<&str>)
                .bind(change.position),
            What::Event(event) => query
                .bind(event.event.as_str())
                .bind(&format!("event/{}", event.id))
                .bind(event.at)
                .bind(None::<&str>)
                .bind(Some(event.data.as_str()))
                .bind(0),
        };
        self.transaction.run(query.bind(new.now)).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.wake", level = "debug", skip_all)]
    async fn wake(&mut self, owner: &Partition, id: &str, now: Timestamp) -> Result<(), StoreError> {
        self.transaction.run(of::<D>(WAKE, owner, id).bind(now)).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.claim", level = "debug", skip_all)]
    async fn claim(
        &mut self,
        token: &str,
        now: Timestamp,
        until: Timestamp,
        most: i64,
    ) -> Result<Vec<Lease>, StoreError> {
        let skip_locked = D::choose("", " FOR UPDATE SKIP LOCKED");
        // Of constants: see above.
        let query = AssertSqlSafe(format!(
            "UPDATE webhooks SET lease = $2, leased_until = $3 WHERE id IN (SELECT id FROM webhooks \
             WHERE {} ORDER BY leased_until, id LIMIT $4{skip_locked}) AND leased_until <= $1 \
             RETURNING organization_id, agent_id, id",
            waits(self.head)
        ));
        let rows = self.transaction.all(sql::<D>(query).bind(now).bind(token).bind(until).bind(most)).await?;
        let leases = rows
            .iter()
            .map(|row| Ok(Lease { owner: owner(row)?, webhook_id: row.get("id")?, token: token.to_owned() }));
        leases.collect()
    }

    #[instrument(name = "db.webhook.advance", level = "debug", skip_all)]
    async fn advance(&mut self, lease: &Lease, position: i64) -> Result<bool, StoreError> {
        Ok(self.transaction.run(of_lease(ADVANCE, lease).bind(position)).await? == 1)
    }

    #[instrument(name = "db.webhook_delivery.note", level = "debug", skip_all)]
    async fn note(&mut self, lease: &Lease, sent: &Sent<'_>) -> Result<bool, StoreError> {
        let query = match sent.next {
            Next::Delivered => of_lease(WELL, lease).bind(sent.leased_until),
            Next::Again { rests_until, .. } | Next::Dead { rests_until } => {
                of_lease(FAILED, lease).bind(sent.leased_until).bind(sent.now).bind(rests_until)
            }
        };
        let leased = self.transaction.run(query).await? == 1;
        // Somebody else has it by now and sends it again: only that it has arrived still counts.
        if !leased && sent.next != Next::Delivered {
            return Ok(false);
        }
        let (status, next_attempt_at) = match sent.next {
            Next::Delivered => (DeliveryStatus::Delivered, None),
            Next::Again { at, .. } => (DeliveryStatus::Pending, Some(at)),
            Next::Dead { .. } => (DeliveryStatus::Dead, None),
        };
        let ended_at = next_attempt_at.is_none().then_some(sent.now);
        let query = of::<D>(NOTE, &lease.owner, &lease.webhook_id)
            .bind(sent.id)
            .bind(status.as_str())
            .bind(sent.outcome.status().map(i64::from))
            .bind(sent.outcome.failure().map(crate::domain::Failure::as_str))
            .bind(next_attempt_at)
            .bind(ended_at);
        self.transaction.run(query).await?;
        Ok(leased)
    }

    #[instrument(name = "db.webhook.disable", level = "debug", skip_all)]
    async fn disable(
        &mut self,
        owner: &Partition,
        id: &str,
        why: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.transaction.run(of::<D>(DISABLE, owner, id).bind(why.as_str()).bind(now)).await?;
        self.transaction.run(of::<D>(GIVE_UP, owner, id).bind(now)).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.release", level = "debug", skip_all)]
    async fn release(
        &mut self,
        lease: &Lease,
        now: Timestamp,
        rests_until: Timestamp,
    ) -> Result<(), StoreError> {
        let locking = Self::locking(LOCK_LEASED, &lease.owner).bind(&lease.webhook_id).bind(&lease.token);
        if self.transaction.optional(locking).await?.is_none() {
            return Ok(());
        }
        let query = of::<D>(RELEASE, &lease.owner, &lease.webhook_id).bind(now).bind(rests_until);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook.erase", level = "debug", skip_all)]
    async fn erase(&mut self, owner: &Partition, most: i64) -> Result<u64, StoreError> {
        let of = |text: &'static str| sql::<D>(text).bind(&owner.organization_id).bind(&owner.agent_id);
        self.transaction.run(of(SILENCE)).await?;
        let mut rows = self.transaction.run(of(SOME_DELIVERIES).bind(most)).await?;
        if rows < most.unsigned_abs() {
            rows += self.transaction.run(of(DELETE_ALL)).await?;
        }
        Ok(rows)
    }

    #[instrument(name = "db.webhook.free_all", level = "debug", skip_all)]
    async fn free_all(&mut self) -> Result<(), StoreError> {
        self.transaction.run(sql::<D>(FREE_ALL)).await?;
        Ok(())
    }

    #[instrument(name = "db.webhook_delivery.prune", level = "debug", skip_all)]
    async fn prune(
        &mut self,
        status: DeliveryStatus,
        before: Timestamp,
        most: i64,
    ) -> Result<u64, StoreError> {
        Ok(self.transaction.run(sql::<D>(PRUNE).bind(status.as_str()).bind(before).bind(most)).await?)
    }
}

fn of_lease<D: Dialect>(query: &'static str, lease: &Lease) -> Query<D> {
    of::<D>(query, &lease.owner, &lease.webhook_id).bind(&lease.token)
}

fn events_text(kept: &Kept) -> Result<String, StoreError> {
    let events: Vec<&str> = kept.webhook.settings.events.iter().map(|event| event.as_str()).collect();
    serde_json::to_string(&events).map_err(|_| StoreError::Corrupt { column: "events" })
}

#[async_trait]
impl<D: Dialect> Transaction for SqlWork<D> {
    fn records(&mut self) -> &mut dyn Records {
        &mut self.transaction
    }

    fn outgoing(&mut self) -> &mut dyn Outgoing {
        &mut self.transaction
    }

    #[instrument(name = "db.webhook.commit", level = "debug", skip_all)]
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await.map_err(svc_db::DbError::from)?)
    }
}
