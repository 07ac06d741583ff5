//! What the memory store knows, in the database: there once a second, back at the next start.
//!
//! A log in a table instead of a file: whole or not at all, and in which order, is the database's business.
//! A row for each key would be simpler; but a save would touch as many pages as keys, all over the table.

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{AnyDb, Db, DbError, Dialect, Row, sql};
use tracing::{Instrument, debug_span};

/// Pieces that are read at a time: about 32 MiB.
const READ: i64 = 32;
/// The most bytes of pieces that a transaction deletes, unless it is one piece, and the most pieces.
const DELETE_BYTES: i64 = 16 << 20;
const DELETE: i64 = 1_024;

/// One moment on the three clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Of the windows.
    pub(crate) millis: u64,
    /// Since the machine started.
    pub(crate) boot_millis: u64,
    /// Which start that was.
    pub(crate) boot_id: Option<String>,
    /// Wall clock.
    pub(crate) wall: Timestamp,
}

impl Moment {
    /// What the clock of the windows shows now. As long as the machine runs, its own clock tells how
    /// much time has passed. After a start the wall clock must; when it shows an earlier time than then,
    /// no time has passed.
    pub(crate) fn resume(&self, boot_millis: u64, boot_id: Option<&str>, wall: Timestamp) -> u64 {
        let passed = match (&self.boot_id, boot_id) {
            (Some(then), Some(now)) if then == now => boot_millis.saturating_sub(self.boot_millis),
            _ => u64::try_from(wall.since(self.wall).as_millis()).unwrap_or(u64::MAX),
        };
        self.millis.saturating_add(passed)
    }
}

/// Where the windows are saved. What each call writes is one transaction.
#[async_trait]
pub(crate) trait Saved: Send + Sync {
    /// The moment of the last save. `None` when there was none.
    async fn moment(&self) -> Result<Option<Moment>, DbError>;
    /// Pieces of the log after this one, with their numbers, the oldest first. Empty at the end.
    async fn pieces(&self, after: i64) -> Result<Vec<(i64, Vec<u8>)>, DbError>;
    /// Appends a piece and notes the moment. Gives its number, which is greater than any before.
    async fn append(&self, moment: &Moment, piece: &[u8]) -> Result<i64, DbError>;
    /// Deletes some of the pieces up to this one. `false` when none was left.
    async fn delete_pieces(&self, until: i64) -> Result<bool, DbError>;
}

/// In this database.
pub(crate) fn over(db: AnyDb) -> Arc<dyn Saved> {
    match db {
        AnyDb::Sqlite(db) => Arc::new(SavedIn { db }),
        AnyDb::Postgres(db) => Arc::new(SavedIn { db }),
    }
}

struct SavedIn<D: Dialect> {
    db: Db<D>,
}

#[async_trait]
impl<D: Dialect> Saved for SavedIn<D> {
    async fn moment(&self) -> Result<Option<Moment>, DbError> {
        let mut connection = self.db.read().await?;
        let query = sql::<D>("SELECT millis, boot_millis, boot_id, wall FROM limit_clock");
        let row = query.optional(&mut connection).instrument(debug_span!("db.limit.clock")).await?;
        row.as_ref().map(moment).transpose()
    }

    async fn pieces(&self, after: i64) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
        let mut connection = self.db.read().await?;
        let query = sql::<D>("SELECT seq, piece FROM limit_log WHERE seq > $1 ORDER BY seq LIMIT $2");
        let query = query.bind(after).bind(READ);
        let rows = query.all(&mut connection).instrument(debug_span!("db.limit.list")).await?;
        rows.iter().map(|row| Ok((row.get("seq")?, row.get("piece")?))).collect()
    }

    async fn append(&self, moment: &Moment, piece: &[u8]) -> Result<i64, DbError> {
        self.append(moment, piece).instrument(debug_span!("db.limit.append")).await
    }

    async fn delete_pieces(&self, until: i64) -> Result<bool, DbError> {
        self.delete_pieces(until).instrument(debug_span!("db.limit.delete")).await
    }
}

impl<D: Dialect> SavedIn<D> {
    async fn append(&self, moment: &Moment, piece: &[u8]) -> Result<i64, DbError> {
        let mut work = self.db.begin().await?;
        let query = sql::<D>(
            "INSERT INTO limit_clock (once, millis, boot_millis, boot_id, wall) VALUES (1, $1, $2, $3, $4) \
             ON CONFLICT (once) DO UPDATE SET millis = excluded.millis, boot_millis = excluded.boot_millis, \
             boot_id = excluded.boot_id, wall = excluded.wall",
        );
        let query = query.bind(signed(moment.millis)).bind(signed(moment.boot_millis));
        query
            .bind(moment.boot_id.as_deref())
            .bind(moment.wall)
            .run(&mut work)
            .await
            .map_err(|error| work.failed(error))?;
        let query = sql::<D>("INSERT INTO limit_log (piece) VALUES ($1) RETURNING seq").bind(piece);
        let inserted = query.all(&mut work).await.map_err(|error| work.failed(error))?;
        let seq = inserted.first().ok_or(sqlx::Error::RowNotFound)?.get("seq")?;
        work.commit().await?;
        Ok(seq)
    }

    async fn delete_pieces(&self, until: i64) -> Result<bool, DbError> {
        let mut work = self.db.begin().await?;
        let query = sql::<D>(
            "SELECT seq, CAST(length(piece) AS BIGINT) AS bytes FROM limit_log WHERE seq <= $1 \
             ORDER BY seq LIMIT $2",
        );
        let (mut last, mut bytes) = (None, 0);
        for row in query.bind(until).bind(DELETE).all(&mut work).await.map_err(|error| work.failed(error))? {
            bytes += row.get::<i64>("bytes")?;
            if last.is_some() && bytes > DELETE_BYTES {
                break;
            }
            last = Some(row.get::<i64>("seq")?);
        }
        let Some(last) = last else { return Ok(false) };
        sql::<D>("DELETE FROM limit_log WHERE seq <= $1")
            .bind(last)
            .run(&mut work)
            .await
            .map_err(|error| work.failed(error))?;
        work.commit().await?;
        Ok(true)
    }
}

fn moment<D: Dialect>(row: &Row<D>) -> Result<Moment, DbError> {
    Ok(Moment {
        millis: unsigned(row.get("millis")?),
        boot_millis: unsigned(row.get("boot_millis")?),
        boot_id: row.get("boot_id")?,
        wall: row.time("wall")?,
    })
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

fn unsigned(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0)
}
