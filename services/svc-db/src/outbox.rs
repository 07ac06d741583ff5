//! What a service tells other services: in a table of its own schema, written in the transaction of the change that it
//! tells of, and kept until it was taken.
//!
//! Whoever hands it on reads it without a lease: it may be handed on twice, and whoever takes it knows it by its id.

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::actor::{Actor, Partition};
use svc_core::clock::{Clock, Timestamp};
use svc_core::deed::Deed;
use svc_core::erasure::{Erased, Erasure};
use svc_core::error::{Error, Violation};
use svc_core::ids::Ids;
use svc_core::parcel::Parcel;
use svc_runtime::service::Environment;
use tracing::instrument;

use super::query::Row;
use super::{AnyDb, Db, DbError, Dialect, Scope, StoreError, Transaction, sql};

/// The most that one call hands on.
const MOST: i32 = 100;

/// Where a service keeps what it tells, one table for each way that it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxTable {
    /// `outbox`: what most services tell, each in one way.
    Outbox,
    /// `deeds`: what the audit log is told by a service whose `outbox` goes to another one. Whoever empties that takes
    /// all of it, and drops what its taker does not know.
    Deeds,
    /// `erasures`: what was deleted, for those who hold more of it.
    Erasures,
}

/// The statements of a table.
struct Statements {
    put: &'static str,
    /// Of all organizations: it is handed on for all of them together.
    waiting: &'static str,
    forget: &'static str,
    forget_before: &'static str,
}

macro_rules! statements {
    ($table:literal) => {
        Statements {
            put: concat!(
                "INSERT INTO ",
                $table,
                " (id, organization_id, agent_id, kind, data, at) VALUES ($1, $2, $3, $4, $5, $6)"
            ),
            waiting: concat!(
                "SELECT id, organization_id, agent_id, kind, data, at FROM ",
                $table,
                " ORDER BY at, id LIMIT $1"
            ),
            forget: concat!("DELETE FROM ", $table, " WHERE id = $1"),
            forget_before: concat!("DELETE FROM ", $table, " WHERE at < $1"),
        }
    };
}

impl OutboxTable {
    const fn statements(self) -> Statements {
        match self {
            OutboxTable::Outbox => statements!("outbox"),
            OutboxTable::Deeds => statements!("deeds"),
            OutboxTable::Erasures => statements!("erasures"),
        }
    }
}

/// A transaction in which something can be told.
#[async_trait]
pub trait Outgoing: Send {
    /// Tells it by this table, once the transaction is committed.
    async fn put(&mut self, table: OutboxTable, parcel: &Parcel) -> Result<(), DbError>;
}

#[async_trait]
impl<D: Dialect> Outgoing for Transaction<D> {
    #[instrument(name = "db.outbox.put", level = "debug", skip_all)]
    async fn put(&mut self, table: OutboxTable, parcel: &Parcel) -> Result<(), DbError> {
        let query = sql::<D>(table.statements().put)
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
    table: OutboxTable,
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
        Outbox::of(OutboxTable::Outbox, db, environment)
    }

    /// One of those in the database of a service.
    pub fn of(table: OutboxTable, db: AnyDb, environment: &Environment) -> Outbox {
        Outbox { db, table, clock: environment.clock.clone(), ids: environment.ids.clone() }
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
        Ok(transaction.put(self.table, &parcel).await?)
    }

    /// Tells of something that is gone those who hold more of it.
    ///
    /// # Errors
    /// When the database fails: then nothing of the transaction may be committed.
    pub async fn tell_erased(
        &self,
        transaction: &mut dyn Outgoing,
        of: &Partition,
        what: &Erased,
    ) -> Result<(), StoreError> {
        for what in what.pieces() {
            let erasure = Erasure { id: self.ids.next(), of: of.clone(), what, at: self.clock.now() };
            let parcel = erasure.parcel().ok_or(StoreError::Corrupt { column: "data" })?;
            transaction.put(self.table, &parcel).await?;
        }
        Ok(())
    }

    /// What waits to be taken, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    #[instrument(name = "db.outbox.waiting", level = "debug", skip_all)]
    pub async fn waiting(&self, limit: i64) -> Result<Vec<Parcel>, StoreError> {
        match &self.db {
            AnyDb::Sqlite(db) => waiting(db, self.table, limit).await,
            AnyDb::Postgres(db) => waiting(db, self.table, limit).await,
        }
    }

    /// These were taken. What is not there is skipped.
    ///
    /// # Errors
    /// When the database fails.
    #[instrument(name = "db.outbox.forget", level = "debug", skip_all)]
    pub async fn forget(&self, ids: &[String]) -> Result<(), StoreError> {
        match &self.db {
            AnyDb::Sqlite(db) => forget(db, self.table, ids).await,
            AnyDb::Postgres(db) => forget(db, self.table, ids).await,
        }
    }

    /// What waits, as a call asks for it that hands it on: so many, or as many as one may.
    ///
    /// # Errors
    /// When it asks for too many or none, and when the database fails.
    pub async fn list(&self, limit: Option<i32>) -> Result<Vec<Parcel>, Error> {
        let limit = limit.unwrap_or(MOST);
        if !(1..=MOST).contains(&limit) {
            return Err(Error::invalid(vec![Violation::out_of_range("limit", 1..=MOST)]));
        }
        Ok(self.waiting(limit.into()).await?)
    }

    /// Forgets what a call says has been handed on.
    ///
    /// # Errors
    /// When it names too many, and when the database fails.
    pub async fn delete(&self, ids: &[String]) -> Result<(), Error> {
        if ids.len() > MOST.unsigned_abs() as usize {
            return Err(Error::invalid(vec![Violation::out_of_range("ids", 0..=MOST)]));
        }
        Ok(self.forget(ids).await?)
    }

    /// Forgets what happened before then and nobody has come for.
    ///
    /// # Errors
    /// When the database fails.
    #[instrument(name = "db.outbox.forget_before", level = "debug", skip_all)]
    pub async fn forget_before(&self, time: Timestamp) -> Result<(), StoreError> {
        match &self.db {
            AnyDb::Sqlite(db) => forget_before(db, self.table, time).await,
            AnyDb::Postgres(db) => forget_before(db, self.table, time).await,
        }
    }
}

async fn waiting<D: Dialect>(db: &Db<D>, table: OutboxTable, limit: i64) -> Result<Vec<Parcel>, StoreError> {
    let statement = table.statements().waiting;
    let rows = crate::read!(db, |connection| sql::<D>(statement)
        .bind(limit)
        .within(&Scope::everything())
        .all(connection))?;
    rows.iter().map(parcel).collect()
}

async fn forget<D: Dialect>(db: &Db<D>, table: OutboxTable, ids: &[String]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut transaction = db.begin_in(&Scope::everything()).await?;
    let statement = table.statements().forget;
    for id in ids {
        transaction.run(sql::<D>(statement).bind(id)).await?;
    }
    Ok(transaction.commit().await.map_err(DbError::from)?)
}

async fn forget_before<D: Dialect>(
    db: &Db<D>,
    table: OutboxTable,
    time: Timestamp,
) -> Result<(), StoreError> {
    let mut transaction = db.begin_in(&Scope::everything()).await?;
    transaction.run(sql::<D>(table.statements().forget_before).bind(time)).await?;
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
