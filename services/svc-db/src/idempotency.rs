//! Where a service keeps the answers of calls with an `Idempotency-Key`: in a table of its own schema,
//! written in the transaction of the change itself.
//!
//! The seam of a service claims a call when its transaction begins, and keeps its answer before the commit. So a
//! record is there exactly when the change is, over crashes and replicas, and nothing marks a call that runs but
//! its transaction: on PostgreSQL a lock that ends with it, on SQLite the only writer.
//!
//! The unique key is what makes a second change impossible. The lock only lets a second caller know at once.

mod many;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::metrics::counter::Counter;
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::cause;
use svc_core::idempotency::{IdempotentCall, KEPT_FOR, Kept, Repeat};
use svc_runtime::service::Environment;
use svc_runtime::tasks::Tasks;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use super::query::Row;
use super::{AnyDb, Db, DbError, Dialect, Scope, StoreError, Transaction, sql};

/// How often records that have lapsed are deleted.
const PURGE_EVERY: Duration = Duration::from_secs(60);
/// How many are deleted in one transaction: SQLite has one writer, for which requests wait meanwhile.
const PURGE_AT_ONCE: i64 = 500;

const FIND: &str = "SELECT content, answer, resource_id FROM idempotency_records \
     WHERE organization_id = $1 AND subject = $2 AND scope = $3 AND expires_at > $4";
/// Takes the place of a record that has lapsed, and of no other.
const KEEP: &str = "INSERT INTO idempotency_records \
     (organization_id, subject, scope, content, answer, resource_id, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (organization_id, subject, scope) DO UPDATE SET content = excluded.content, \
     answer = excluded.answer, resource_id = excluded.resource_id, expires_at = excluded.expires_at \
     WHERE idempotency_records.expires_at <= $8";
/// The last condition is for a record that another transaction renews at this moment.
const PURGE: &str = "DELETE FROM idempotency_records WHERE (organization_id, subject, scope) IN \
     (SELECT organization_id, subject, scope FROM idempotency_records WHERE expires_at <= $1 \
     ORDER BY expires_at LIMIT $2) AND expires_at <= $1";

/// The answers that a service keeps. Cheap to clone.
#[derive(Clone)]
pub struct IdempotencyRecords {
    db: AnyDb,
    clock: Arc<dyn Clock>,
    counters: Counters,
}

/// Answers, by what became of them.
#[derive(Clone)]
struct Counters {
    kept: Counter,
    replayed: Counter,
    refused: Counter,
    purged: Counter,
}

/// A transaction in which answers can be kept.
#[async_trait]
pub trait Records: Send {
    /// Takes the lock of a call, or says that another transaction has it.
    async fn lock(&mut self, call: &IdempotentCall) -> Result<bool, DbError>;

    /// What is kept of a call.
    async fn find(&mut self, call: &IdempotentCall, now: Timestamp) -> Result<Option<Record>, DbError>;

    /// Keeps the answer of a call. `false`: another transaction has kept one.
    async fn keep(&mut self, call: &IdempotentCall, kept: &Kept, now: Timestamp) -> Result<bool, DbError>;

    /// Takes the locks of calls, and says of each whether this transaction has it.
    async fn lock_all(&mut self, calls: &[&IdempotentCall]) -> Result<Vec<bool>, DbError>;

    /// What is kept of each call.
    async fn find_all(
        &mut self,
        calls: &[&IdempotentCall],
        now: Timestamp,
    ) -> Result<Vec<Option<Record>>, DbError>;

    /// Keeps the answers of calls. `false`: another transaction has kept one of them.
    async fn keep_all(&mut self, calls: &[(&IdempotentCall, &Kept)], now: Timestamp)
    -> Result<bool, DbError>;
}

/// What is kept of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    content: Vec<u8>,
    kept: Kept,
}

impl Record {
    fn read<D: Dialect>(row: &Row<D>) -> Result<Record, DbError> {
        let kept = match row.get::<Option<Vec<u8>>>("answer")? {
            Some(message) => Kept::Answer { message, id: row.get("resource_id")? },
            None => Kept::Withheld { id: row.get("resource_id")? },
        };
        Ok(Record { content: row.get("content")?, kept })
    }

    /// What is kept, if this is the call that it is kept of.
    fn of(self, call: &IdempotentCall) -> Result<Kept, Repeat> {
        match self.content == call.digest.content {
            true => Ok(self.kept),
            false => Err(Repeat::Reused),
        }
    }
}

#[async_trait]
impl<D: Dialect> Records for Transaction<D> {
    #[instrument(name = "db.idempotency.lock", level = "debug", skip_all)]
    async fn lock(&mut self, call: &IdempotentCall) -> Result<bool, DbError> {
        let Some(lock) = D::TRY_LOCK else { return Ok(true) };
        let row = self.optional(sql::<D>(lock).bind(call.lock())).await?;
        row.map_or(Ok(false), |row| row.get("taken"))
    }

    #[instrument(name = "db.idempotency.find", level = "debug", skip_all)]
    async fn find(&mut self, call: &IdempotentCall, now: Timestamp) -> Result<Option<Record>, DbError> {
        let row = self.optional(of_call(sql::<D>(FIND), call).bind(now)).await?;
        row.as_ref().map(Record::read).transpose()
    }

    #[instrument(name = "db.idempotency.keep", level = "debug", skip_all)]
    async fn keep(&mut self, call: &IdempotentCall, kept: &Kept, now: Timestamp) -> Result<bool, DbError> {
        let (answer, id) = match kept {
            Kept::Answer { message, id } => (Some(message.as_slice()), id.as_deref()),
            Kept::Withheld { id } => (None, id.as_deref()),
        };
        let query = of_call(sql::<D>(KEEP), call)
            .bind(call.digest.content.as_slice())
            .bind(answer)
            .bind(id)
            .bind(now.plus(KEPT_FOR))
            .bind(now);
        Ok(self.run(query).await? == 1)
    }

    async fn lock_all(&mut self, calls: &[&IdempotentCall]) -> Result<Vec<bool>, DbError> {
        self.lock_calls(calls).await
    }

    async fn find_all(
        &mut self,
        calls: &[&IdempotentCall],
        now: Timestamp,
    ) -> Result<Vec<Option<Record>>, DbError> {
        self.find_calls(calls, now).await
    }

    async fn keep_all(
        &mut self,
        calls: &[(&IdempotentCall, &Kept)],
        now: Timestamp,
    ) -> Result<bool, DbError> {
        self.keep_calls(calls, now).await
    }
}

fn of_call<D: Dialect>(query: super::Query<D>, call: &IdempotentCall) -> super::Query<D> {
    query.bind(&call.organization_id).bind(&call.subject).bind(call.digest.scope.as_slice())
}

impl std::fmt::Debug for IdempotencyRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyRecords")
    }
}

impl IdempotencyRecords {
    /// Those in the database of a service. What has lapsed is deleted by one of its tasks.
    pub fn new(
        service: &'static str,
        db: AnyDb,
        environment: &Environment,
        tasks: &Tasks,
    ) -> IdempotencyRecords {
        let counter = |outcome| environment.metrics.idempotency_records(service, outcome);
        let counters = Counters {
            kept: counter("kept"),
            replayed: counter("replayed"),
            refused: counter("refused"),
            purged: counter("purged"),
        };
        let records = IdempotencyRecords { db, clock: environment.clock.clone(), counters };
        let purging = records.clone();
        tasks.spawn("idempotency-purge", move |stop| {
            let records = purging.clone();
            async move { records.purge_until(stop).await }
        });
        records
    }

    /// What is kept of a call. The inner error: the call is not to be made, nor answered as the first one was.
    pub async fn find(&self, call: &IdempotentCall) -> Result<Result<Option<Kept>, Repeat>, StoreError> {
        let now = self.clock.now();
        let found = match &self.db {
            AnyDb::Sqlite(db) => find(db, call, now).await?,
            AnyDb::Postgres(db) => find(db, call, now).await?,
        };
        let found = found.map(|record| record.of(call)).transpose();
        match &found {
            Ok(Some(Kept::Answer { .. })) => self.counters.replayed.inc(),
            Ok(Some(Kept::Withheld { .. })) | Err(_) => self.counters.refused.inc(),
            Ok(None) => 0,
        };
        Ok(found)
    }

    /// Whether anything is kept of a call with this key, whatever its content, which may not be known yet.
    pub async fn has(&self, call: &IdempotentCall) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let found = match &self.db {
            AnyDb::Sqlite(db) => find(db, call, now).await?,
            AnyDb::Postgres(db) => find(db, call, now).await?,
        };
        Ok(found.is_some())
    }

    /// Claims a call for a transaction that has just begun. The inner error: the call is not to be made. A record
    /// that came in since [`IdempotencyRecords::find`] is that of a call which ran when this one was sent.
    pub async fn claim(
        &self,
        transaction: &mut dyn Records,
        call: &IdempotentCall,
    ) -> Result<Result<(), Repeat>, StoreError> {
        let claimed = match transaction.lock(call).await? {
            false => Err(Repeat::InProgress),
            // A statement of its own, so that it sees what the one before has committed.
            true => match transaction.find(call, self.clock.now()).await? {
                None => Ok(()),
                Some(record) => Err(record.of(call).err().unwrap_or(Repeat::InProgress)),
            },
        };
        if claimed.is_err() {
            self.counters.refused.inc();
        }
        Ok(claimed)
    }

    /// Keeps the answer of a call that was claimed ([`Once::keep`](svc_core::idempotency::Once::keep)), to be
    /// committed with what it has changed.
    pub async fn keep(
        &self,
        transaction: &mut dyn Records,
        (call, kept): (IdempotentCall, Kept),
    ) -> Result<Result<(), Repeat>, StoreError> {
        if !transaction.keep(&call, &kept, self.clock.now()).await? {
            self.counters.refused.inc();
            return Ok(Err(Repeat::InProgress));
        }
        self.counters.kept.inc();
        Ok(Ok(()))
    }

    /// Deletes what has lapsed, and says how much that was.
    pub async fn purge(&self) -> Result<u64, DbError> {
        let mut purged = 0;
        loop {
            let now = self.clock.now();
            let deleted = match &self.db {
                AnyDb::Sqlite(db) => purge(db, now).await?,
                AnyDb::Postgres(db) => purge(db, now).await?,
            };
            self.counters.purged.inc_by(deleted);
            purged += deleted;
            if deleted < PURGE_AT_ONCE.unsigned_abs() {
                return Ok(purged);
            }
        }
    }

    async fn purge_until(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(PURGE_EVERY)).await.is_some() {
            // What is left is read by nobody, and deleted next time.
            match stop.run_until_cancelled(self.purge()).await {
                Some(Err(error)) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "kept answers are not purged");
                }
                Some(Ok(purged)) => tracing::debug!(purged, "kept answers are purged"),
                None => return,
            }
        }
    }
}

#[instrument(name = "db.idempotency.find", level = "debug", skip_all)]
async fn find<D: Dialect>(
    db: &Db<D>,
    call: &IdempotentCall,
    now: Timestamp,
) -> Result<Option<Record>, DbError> {
    let scope = Scope::of_organization(&call.organization_id);
    let row = crate::read!(db, |connection| {
        of_call(sql::<D>(FIND), call).bind(now).within(&scope).optional(connection)
    })?;
    row.as_ref().map(Record::read).transpose()
}

#[instrument(name = "db.idempotency.purge", level = "debug", skip_all)]
async fn purge<D: Dialect>(db: &Db<D>, now: Timestamp) -> Result<u64, DbError> {
    let mut transaction = db.begin_in(&Scope::everything()).await?;
    let deleted = transaction.run(sql::<D>(PURGE).bind(now).bind(PURGE_AT_ONCE)).await?;
    transaction.commit().await?;
    Ok(deleted)
}
