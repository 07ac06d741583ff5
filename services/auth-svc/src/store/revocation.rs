//! The SQL of revocation: what changes write down, and what replicas on PostgreSQL read of it
//! (docs/revocation.md). Every statement here is one transaction of its own, but for [`Announce`].

use std::future::Future;

use sqlx::{Connection, PgConnection, Postgres, Sqlite};
use svc_core::db::{Db, DbError, Dialect, Notifications, Row, sql};

use super::rows;

/// The channel that PostgreSQL notifies after a change.
const CHANNEL: &str = "keyward_auth_change";
/// The most keys that a change names. One that touches more makes replicas forget everything, which is
/// cheaper than reading a list of that length.
const MAX_NAMED: usize = 1_000;
/// The most changes that one poll reads. A replica that is further behind forgets everything.
const MAX_CHANGES: i64 = 1_000;

/// Which keys a change touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Those with these `apiKey`s.
    Keys(Vec<String>),
    /// Any.
    Everything,
}

impl Touched {
    /// One key.
    pub fn key(api_key: &str) -> Touched {
        Touched::Keys(vec![api_key.to_owned()])
    }

    /// Nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Touched::Keys(keys) if keys.is_empty())
    }
}

/// Which state of the database: how many changes there were, and what tells it from another history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Counts the changes.
    pub n: i64,
    /// Random.
    pub tag: String,
}

/// What a poll finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// The replica's own row was there, and is written.
    pub present: bool,
    /// The change that the replica applied last bears the tag that it had.
    pub known: bool,
    /// The state now.
    pub revision: Revision,
    /// What changed after what the replica applied last.
    pub touched: Touched,
}

/// The row of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Which start of a process.
    pub incarnation: String,
    /// Counts its polls.
    pub beat: i64,
    /// What it has applied.
    pub seen: i64,
}

/// How safe the database keeps what is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// A standby, which cannot be written to.
    pub in_recovery: bool,
    /// `synchronous_commit`.
    pub synchronous_commit: String,
    /// `fsync`.
    pub fsync: bool,
    /// Standbys follow it.
    pub standbys: i64,
    /// `synchronous_standby_names` names one.
    pub synchronous: bool,
}

/// Writes a change down so that every replica gets to know of it.
pub(super) trait Announce: Dialect {
    /// The last statements of a transaction: from here on it holds the lock that orders all changes.
    fn announce(
        connection: &mut Self::Connection,
        touched: &Touched,
    ) -> impl Future<Output = Result<(), DbError>> + Send;
}

impl Announce for Sqlite {
    /// Nothing: there is one process, and it knows.
    async fn announce(_: &mut Self::Connection, _: &Touched) -> Result<(), DbError> {
        Ok(())
    }
}

impl Announce for Postgres {
    async fn announce(connection: &mut PgConnection, touched: &Touched) -> Result<(), DbError> {
        let what = match touched {
            Touched::Keys(keys) if keys.len() <= MAX_NAMED => Some(rows::to_list(keys)),
            Touched::Keys(_) | Touched::Everything => None,
        };
        // The counter is a row and not a sequence: its lock makes the order of commits the order of n.
        let write = sql::<Postgres>(
            "WITH next AS (UPDATE revision SET n = n + 1, tag = gen_random_uuid()::TEXT RETURNING n, tag) \
             INSERT INTO change (n, tag, what) SELECT n, tag, $1 FROM next",
        );
        if write.bind(&what).run(connection).await? != 1 {
            return Err(nothing());
        }
        // Sent by PostgreSQL when the transaction is committed.
        sql::<Postgres>("SELECT pg_notify($1, '')").bind(CHANNEL).run(connection).await.map(drop)
    }
}

/// What replicas read and write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    db: Db<Postgres>,
}

impl Ledger {
    pub(crate) fn new(db: Db<Postgres>) -> Ledger {
        Ledger { db }
    }

    /// A connection for polls, which must not wait for requests to give one back.
    pub async fn line(&self) -> Result<Line, DbError> {
        Ok(Line { connection: self.db.dedicated().await? })
    }

    /// Hears of changes.
    pub async fn listen(&self) -> Result<Notifications, DbError> {
        self.db.listen(CHANNEL).await
    }

    /// The state now.
    pub async fn revision(&self) -> Result<Revision, DbError> {
        let query = sql::<Postgres>("SELECT n, tag FROM revision");
        let mut connection = self.db.read().await?;
        let row = query.optional(&mut connection).await?;
        connection.done();
        revision(&row.ok_or_else(nothing)?)
    }

    /// The state now, with every replica that has joined.
    pub async fn replicas(&self) -> Result<(i64, Vec<Replica>), DbError> {
        // One statement, so that a replica that is not found joins after this n is seen.
        let query = sql::<Postgres>(
            "SELECT revision.n, replica.incarnation, replica.beat, replica.seen \
             FROM revision LEFT JOIN replica ON TRUE",
        );
        let mut connection = self.db.read().await?;
        let found = query.all(&mut connection).await?;
        connection.done();
        let n = found.first().ok_or_else(nothing)?.get("n")?;
        let joined = found.iter().filter_map(|row| replica(row).transpose());
        Ok((n, joined.collect::<Result<_, _>>()?))
    }

    /// Removes the row of a replica unless it has polled since `beat`.
    pub async fn remove(&self, incarnation: &str, beat: i64) -> Result<bool, DbError> {
        let query = sql::<Postgres>("DELETE FROM replica WHERE incarnation = $1 AND beat = $2");
        let query = query.bind(incarnation).bind(beat);
        Ok(query.run(&mut *self.db.read().await?).await? > 0)
    }

    /// Removes the row of a replica that has stopped.
    pub async fn leave(&self, incarnation: &str) -> Result<(), DbError> {
        let query = sql::<Postgres>("DELETE FROM replica WHERE incarnation = $1").bind(incarnation);
        query.run(&mut *self.db.read().await?).await.map(drop)
    }

    /// Removes the changes before `n`, never the newest.
    pub async fn prune(&self, n: i64) -> Result<u64, DbError> {
        let query = sql::<Postgres>("DELETE FROM change WHERE n < $1 AND n < (SELECT n FROM revision)");
        query.bind(n).run(&mut *self.db.read().await?).await
    }

    /// How safe the database keeps what is committed.
    pub async fn durability(&self) -> Result<Durability, DbError> {
        let query = sql::<Postgres>(
            "SELECT pg_is_in_recovery() AS in_recovery, \
             current_setting('synchronous_commit') AS synchronous_commit, \
             current_setting('fsync') = 'on' AS fsync, \
             (SELECT COUNT(*) FROM pg_stat_replication) AS standbys, \
             current_setting('synchronous_standby_names') <> '' AS synchronous",
        );
        let row = query.optional(&mut *self.db.read().await?).await?.ok_or_else(nothing)?;
        Ok(Durability {
            in_recovery: row.get("in_recovery")?,
            synchronous_commit: row.get("synchronous_commit")?,
            fsync: row.get("fsync")?,
            standbys: row.get("standbys")?,
            synchronous: row.get("synchronous")?,
        })
    }
}

/// The connection that a replica polls on.
#[derive(Debug)]
pub struct Line {
    connection: PgConnection,
}

impl Line {
    /// Adds the row of a replica, before its first poll.
    pub async fn join(&mut self, incarnation: &str) -> Result<(), DbError> {
        let query = sql::<Postgres>("INSERT INTO replica (incarnation, beat, seen) VALUES ($1, 0, -1)");
        query.bind(incarnation).run(&mut self.connection).await.map(drop)
    }

    /// Says that the replica is alive and what it has applied, and asks what has changed since.
    pub async fn poll(&mut self, incarnation: &str, applied: Option<&Revision>) -> Result<Polled, DbError> {
        // One statement sees one state. A replica whose change is not found, because the database went back
        // to an older state, has applied nothing of this history: it must not acknowledge anything.
        let query = sql::<Postgres>(
            "WITH applied AS (SELECT EXISTS (SELECT 1 FROM change WHERE n = $2 AND tag = $3) AS known), \
             own AS (UPDATE replica SET beat = beat + 1, \
                 seen = CASE WHEN (SELECT known FROM applied) THEN $2 ELSE -1 END \
                 WHERE incarnation = $1 RETURNING incarnation) \
             SELECT revision.n, revision.tag, applied.known, EXISTS (SELECT 1 FROM own) AS present, \
                 later.n AS later, later.what \
             FROM revision CROSS JOIN applied \
             LEFT JOIN LATERAL (SELECT change.n, change.what FROM change \
                 WHERE applied.known AND change.n > $2 ORDER BY change.n LIMIT $4) AS later ON TRUE",
        );
        let (n, tag) = applied.map_or((-1, ""), |applied| (applied.n, &applied.tag));
        let query = query.bind(incarnation).bind(n).bind(tag).bind(MAX_CHANGES);
        let found = query.all(&mut self.connection).await?;
        let first = found.first().ok_or_else(nothing)?;
        let revision = revision(first)?;
        let known = first.get("known")?;
        let behind = revision.n.saturating_sub(n);
        let touched = if known { changes(&found, behind)? } else { Touched::Everything };
        Ok(Polled { present: first.get("present")?, known, revision, touched })
    }

    /// Closes the connection.
    pub async fn close(self) -> Result<(), DbError> {
        Ok(self.connection.close().await?)
    }
}

/// What the rows of a poll name, when all changes up to now are among them.
fn changes(found: &[Row<Postgres>], behind: i64) -> Result<Touched, DbError> {
    let mut keys = Vec::new();
    let mut read = 0;
    for row in found {
        if row.get::<Option<i64>>("later")?.is_none() {
            continue;
        }
        read += 1;
        if row.get::<Option<String>>("what")?.is_none() {
            return Ok(Touched::Everything);
        }
        keys.extend(rows::list(row, "what")?);
    }
    match read == behind {
        true => Ok(Touched::Keys(keys)),
        false => Ok(Touched::Everything),
    }
}

fn revision(row: &Row<Postgres>) -> Result<Revision, DbError> {
    Ok(Revision { n: row.get("n")?, tag: row.get("tag")? })
}

fn replica(row: &Row<Postgres>) -> Result<Option<Replica>, DbError> {
    let Some(incarnation) = row.get("incarnation")? else { return Ok(None) };
    Ok(Some(Replica { incarnation, beat: row.get("beat")?, seen: row.get("seen")? }))
}

/// The row that the migration made is not there.
fn nothing() -> DbError {
    DbError::Failed(sqlx::Error::RowNotFound)
}

#[cfg(test)]
mod tests;
