//! What a service tells other services: in a table of its own schema, written in the transaction of the change that it
//! tells of, and kept until it was taken.
//!
//! Whoever hands it on reads it without a lease: it may be handed on twice, and whoever takes it knows it by its id.

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::actor::{Actor, Partition};
use svc_core::clock::{Clock, Timestamp};
use svc_core::deed::Deed;
use svc_core::ids::Ids;
use svc_core::parcel::Parcel;
use svc_runtime::service::Environment;
use tracing::instrument;

use super::query::Row;
use super::{AnyDb, Db, DbError, Dialect, Scope, StoreError, Transaction, sql};

const PUT: &str =
    "INSERT INTO outbox (id, organization_id, agent_id, kind, data, at) VALUES ($1, $2, $3, $4, $5, $6)";
/// Of all organizations: it is handed on for all of them together.
const WAITING: &str =
    "SELECT id, organization_id, agent_id, kind, data, at FROM outbox ORDER BY at, id LIMIT $1";
const FORGET: &str = "DELETE FROM outbox WHERE id = $1";
const FORGET_BEFORE: &str = "DELETE FROM outbox WHERE at < $1";

/// A transaction in which something can be told.
#[async_trait]
pub trait Outgoing: Send {
    /// Tells it, once the transaction is committed.
    async fn put(&mut self, parcel: &Parcel) -> Result<(), DbError>;
}

#[async_trait]
impl<D: Dialect> Outgoing for Transaction<D> {
    #[instrument(name = "db.outbox.put", level = "debug", skip_all)]
    async fn put(&mut self, parcel: &Parcel) -> Result<(), DbError> {
        let query = sql::<D>(PUT)
            .bind(&parcel.id)
            .bind(&parcel.of.organization_id)
            .bind(&parcel.of.agent_id)
            .bind(&parcel.kind)
            .bind(&parcel.data)
            .bind(parcel.at);
        self.run(query).await?;
        Ok(())
    }
}

/// What a service tells. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    db: AnyDb,
    clock: Arc<dyn Clock>,
    ids: Ids,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbox")
    }
}

impl Outbox {
    /// That in the database of a service.
    pub fn new(db: AnyDb, environment: &Environment) -> Outbox {
        Outbox { db, clock: environment.clock.clone(), ids: environment.ids.clone() }
    }

    /// Tells the audit log of a deed, if a member did it.
    ///
    /// # Errors
    /// When the database fails: then nothing of the transaction may be committed.
    pub async fn tell(
        &self,
        transaction: &mut dyn Outgoing,
        actor: &Actor,
        deed: Deed,
    ) -> Result<(), StoreError> {
        let kind = deed.action().to_owned();
        let Some(record) = deed.by(actor) else { return Ok(()) };
        let data = serde_json::to_string(&record).map_err(|_| StoreError::Corrupt { column: "data" })?;
        let parcel =
            Parcel { id: self.ids.next(), of: actor.partition.clone(), kind, data, at: self.clock.now() };
        Ok(transaction.put(&parcel).await?)
    }

    /// What waits to be taken, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    #[instrument(name = "db.outbox.waiting", level = "debug", skip_all)]
    pub async fn waiting(&self, limit: i64) -> Result<Vec<Parcel>, StoreError> {
        match &self.db {
            AnyDb::Sqlite(db) => waiting(db, limit).await,
            AnyDb::Postgres(db) => waiting(db, limit).await,
        }
    }

    /// These were taken. What is not there is skipped.
    ///
    /// # Errors
    /// When the database fails.
    #[instrument(name = "db.outbox.forget", level = "debug", skip_all)]
    pub async fn forget(&self, ids: &[String]) -> Result<(), StoreError> {
        match &self.db {
            AnyDb::Sqlite(db) => forget(db, ids).await,
            AnyDb::Postgres(db) => forget(db, ids).await,
        }
    }

    /// Forgets what happened before then and nobody has come for.
    ///
    /// # Errors
    /// When the database fails.
    #[instrument(name = "db.outbox.forget_before", level = "debug", skip_all)]
    pub async fn forget_before(&self, time: Timestamp) -> Result<(), StoreError> {
        match &self.db {
            AnyDb::Sqlite(db) => forget_before(db, time).await,
            AnyDb::Postgres(db) => forget_before(db, time).await,
        }
    }
}

async fn waiting<D: Dialect>(db: &Db<D>, limit: i64) -> Result<Vec<Parcel>, StoreError> {
    let rows = crate::read!(db, |connection| sql::<D>(WAITING)
        .bind(limit)
        .within(&Scope::everything())
        .all(connection))?;
    rows.iter().map(parcel).collect()
}

async fn forget<D: Dialect>(db: &Db<D>, ids: &[String]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut transaction = db.begin_in(&Scope::everything()).await?;
    for id in ids {
        transaction.run(sql::<D>(FORGET).bind(id)).await?;
    }
    Ok(transaction.commit().await.map_err(DbError::from)?)
}

async fn forget_before<D: Dialect>(db: &Db<D>, time: Timestamp) -> Result<(), StoreError> {
    let mut transaction = db.begin_in(&Scope::everything()).await?;
    transaction.run(sql::<D>(FORGET_BEFORE).bind(time)).await?;
    Ok(transaction.commit().await.map_err(DbError::from)?)
}

fn parcel<D: Dialect>(row: &Row<D>) -> Result<Parcel, StoreError> {
    Ok(Parcel {
        id: row.get("id")?,
        of: Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? },
        kind: row.get("kind")?,
        data: row.get("data")?,
        at: row.time("at")?,
    })
}
