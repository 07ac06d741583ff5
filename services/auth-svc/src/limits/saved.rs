//! What the memory store knows, in the database: there once a second, back at the next start.
//!
//! Rows instead of one file: only the keys that were used since the last time are written, and whole or
//! not at all is the database's business.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_core::db::{AnyDb, Db, DbError, Dialect, Row, sql};
use tracing::{Instrument, debug_span};

use super::window::Windows;

/// The most rows of one transaction, so that others who write wait for milliseconds only.
pub const TRANSACTION: usize = 1_024;
/// The most rows of one statement.
const STATEMENT: usize = 256;
/// Rows that a transaction of a purge looks at: a million at once would keep others from writing for 6 s.
const PURGE: i64 = 4_096;
/// Rows that are read at a time.
const READ: i64 = 4_096;

/// One moment on the three clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Of the windows.
    pub millis: u64,
    /// Since the machine started.
    pub boot_millis: u64,
    /// Which start that was.
    pub boot_id: Option<String>,
    /// Wall clock.
    pub wall: Timestamp,
}

impl Moment {
    /// What the clock of the windows shows now. As long as the machine runs, its own clock tells how
    /// much time has passed. After a start the wall clock must; when it shows an earlier time than then,
    /// no time has passed.
    pub fn resume(&self, boot_millis: u64, boot_id: Option<&str>, wall: Timestamp) -> u64 {
        let passed = match (&self.boot_id, boot_id) {
            (Some(then), Some(now)) if then == now => boot_millis.saturating_sub(self.boot_millis),
            _ => u64::try_from(wall.since(self.wall).as_millis()).unwrap_or(u64::MAX),
        };
        self.millis.saturating_add(passed)
    }
}

/// A row as it was saved: the key and its windows, which are `None` when they cannot be read.
pub type SavedRow = (Arc<str>, Option<Windows>);

/// Where the windows are saved.
#[async_trait]
pub trait Saved: Send + Sync {
    /// The moment of the last save. `None` when there was none.
    async fn moment(&self) -> Result<Option<Moment>, DbError>;
    /// Rows whose newest slot is not before `newest`, by key, after this key. Empty at the end.
    async fn rows(&self, newest: u64, after: &str) -> Result<Vec<SavedRow>, DbError>;
    /// Writes these rows over what was there.
    async fn save(&self, moment: &Moment, rows: &[(Arc<str>, Windows)]) -> Result<(), DbError>;
    /// Deletes the rows whose newest slot is before `newest`.
    async fn purge(&self, newest: u64) -> Result<(), DbError>;
}

/// In this database.
pub fn over(db: AnyDb) -> Arc<dyn Saved> {
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

    async fn rows(&self, newest: u64, after: &str) -> Result<Vec<SavedRow>, DbError> {
        let mut connection = self.db.read().await?;
        let query = sql::<D>(
            "SELECT key_id, windows FROM limit_windows WHERE newest >= $1 AND key_id > $2 \
             ORDER BY key_id LIMIT $3",
        );
        let query = query.bind(signed(newest)).bind(after).bind(READ);
        let rows = query.all(&mut connection).instrument(debug_span!("db.limit.list")).await?;
        rows.iter().map(saved_row).collect()
    }

    async fn save(&self, moment: &Moment, rows: &[(Arc<str>, Windows)]) -> Result<(), DbError> {
        for rows in rows.chunks(TRANSACTION) {
            self.save_some(moment, rows).instrument(debug_span!("db.limit.save")).await?;
        }
        Ok(())
    }

    async fn purge(&self, newest: u64) -> Result<(), DbError> {
        let mut after = String::new();
        loop {
            let purged = self.purge_some(newest, &after).instrument(debug_span!("db.limit.purge")).await?;
            let Some(last) = purged else { return Ok(()) };
            after = last;
        }
    }
}

impl<D: Dialect> SavedIn<D> {
    /// Purges among the next rows after this key. Gives the last of them; `None` at the end.
    async fn purge_some(&self, newest: u64, after: &str) -> Result<Option<String>, DbError> {
        let mut work = self.db.begin().await?;
        let query =
            sql::<D>("SELECT key_id FROM limit_windows WHERE key_id > $1 ORDER BY key_id LIMIT 1 OFFSET $2");
        let last = query.bind(after).bind(PURGE - 1).optional(&mut work).await?;
        let last: Option<String> = last.map(|row| row.get("key_id")).transpose()?;
        let query = match &last {
            Some(last) => {
                sql::<D>("DELETE FROM limit_windows WHERE newest < $1 AND key_id > $2 AND key_id <= $3")
                    .bind(signed(newest))
                    .bind(after)
                    .bind(last)
            }
            None => sql::<D>("DELETE FROM limit_windows WHERE newest < $1 AND key_id > $2")
                .bind(signed(newest))
                .bind(after),
        };
        query.run(&mut work).await?;
        work.commit().await?;
        Ok(last)
    }

    async fn save_some(&self, moment: &Moment, mut rows: &[(Arc<str>, Windows)]) -> Result<(), DbError> {
        let mut work = self.db.begin().await?;
        let query = sql::<D>(
            "INSERT INTO limit_clock (once, millis, boot_millis, boot_id, wall) VALUES (1, $1, $2, $3, $4) \
             ON CONFLICT (once) DO UPDATE SET millis = excluded.millis, boot_millis = excluded.boot_millis, \
             boot_id = excluded.boot_id, wall = excluded.wall",
        );
        let query = query.bind(signed(moment.millis)).bind(signed(moment.boot_millis));
        query.bind(moment.boot_id.as_deref()).bind(moment.wall).run(&mut work).await?;
        while !rows.is_empty() {
            // Powers of two, so that there are few different statements to prepare.
            let count = 1 << rows.len().min(STATEMENT).ilog2();
            let (some, rest) = rows.split_at(count);
            let mut query = sql::<D>(AssertSqlSafe(upsert(count)));
            for (key_id, windows) in some {
                query = query.bind(&**key_id).bind(signed(windows.newest())).bind(&windows.to_bytes());
            }
            query.run(&mut work).await?;
            rows = rest;
        }
        Ok(work.commit().await?)
    }
}

fn upsert(rows: usize) -> String {
    let values: Vec<String> =
        (0..rows).map(|row| format!("(${}, ${}, ${})", row * 3 + 1, row * 3 + 2, row * 3 + 3)).collect();
    format!(
        "INSERT INTO limit_windows (key_id, newest, windows) VALUES {} ON CONFLICT (key_id) \
         DO UPDATE SET newest = excluded.newest, windows = excluded.windows",
        values.join(", ")
    )
}

fn moment<D: Dialect>(row: &Row<D>) -> Result<Moment, DbError> {
    Ok(Moment {
        millis: unsigned(row.get("millis")?),
        boot_millis: unsigned(row.get("boot_millis")?),
        boot_id: row.get("boot_id")?,
        wall: row.time("wall")?,
    })
}

fn saved_row<D: Dialect>(row: &Row<D>) -> Result<SavedRow, DbError> {
    let bytes: Vec<u8> = row.get("windows")?;
    Ok((row.get::<String>("key_id")?.into(), Windows::from_bytes(&bytes)))
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

fn unsigned(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0)
}
