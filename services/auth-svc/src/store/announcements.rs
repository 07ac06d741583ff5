//! What changes announce, and which replicas have heard of it (docs/revocation.md). Only PostgreSQL has
//! replicas. Every statement here is one transaction of its own, but for [`Announce`].

use std::future::Future;

use sqlx::{Connection, PgConnection, Postgres, Sqlite};
use svc_db::{Db, DbError, Dialect, Notifications, Row, sql};

use super::StoreError;
use super::row::{list, list_text};
use crate::domain::Key;

/// The channel that PostgreSQL notifies after a change.
const CHANNEL: &str = "keyward_auth_change";
/// The most keys that a change names. One that touches more makes replicas forget everything, which is
/// cheaper than reading a list of that length.
const MAX_NAMED: usize = 1_000;
/// The most changes that one poll reads. A replica that is further behind forgets everything.
const MAX_CHANGES: i64 = 1_000;

/// Which keys a change touches, by their `apiKey`. Keys come from the store alone: from what changes them, and from
/// what tells replicas of it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touched(Option<Vec<String>>);

impl Touched {
    /// No key.
    pub(crate) fn nothing() -> Touched {
        Touched(Some(Vec::new()))
    }

    /// Any.
    pub(crate) fn everything() -> Touched {
        Touched(None)
    }

    /// One key.
    pub(super) fn key(key: &Key) -> Touched {
        Touched(Some(vec![key.api_key.clone()]))
    }

    /// Those with these `apiKey`s.
    pub(super) fn keys(api_keys: Vec<String>) -> Touched {
        Touched(Some(api_keys))
    }

    /// Those in the rows of a query.
    pub(super) fn rows<D: Dialect>(rows: &[Row<D>]) -> Result<Touched, StoreError> {
        let api_keys = rows.iter().map(|row| row.get("api_key")).collect::<Result<_, _>>()?;
        Ok(Touched(Some(api_keys)))
    }

    /// Those with these `apiKey`s.
    #[cfg(test)]
    pub(crate) fn these(api_keys: &[&str]) -> Touched {
        Touched(Some(api_keys.iter().map(|&api_key| api_key.to_owned()).collect()))
    }

    /// These and those.
    pub(crate) fn and(self, other: Touched) -> Touched {
        let (Some(mut these), Some(those)) = (self.0, other.0) else { return Touched::everything() };
        for api_key in those {
            if !these.contains(&api_key) {
                these.push(api_key);
            }
        }
        Touched(Some(these))
    }

    /// No key.
    pub(crate) fn is_nothing(&self) -> bool {
        self.0.as_ref().is_some_and(Vec::is_empty)
    }

    /// The `apiKey` of each. `None` for any.
    pub(crate) fn api_keys(&self) -> Option<&[String]> {
        self.0.as_deref()
    }
}

/// Which state of the database: how many changes there were, and what tells it from another history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    /// Counts the changes.
    pub(crate) n: i64,
    /// Random.
    pub(crate) tag: String,
}

/// What a poll finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Polled {
    /// The replica's own row was there, and is written.
    pub(crate) present: bool,
    /// The change that the replica applied last bears the tag that it had.
    pub(crate) known: bool,
    /// The state now.
    pub(crate) revision: Revision,
    /// What changed after what the replica applied last.
    pub(crate) touched: Touched,
}

/// The row of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    /// Which start of a process.
    pub(crate) incarnation: String,
    /// Counts its polls.
    pub(crate) beat: i64,
    /// What it has applied.
    pub(crate) seen: i64,
}

/// How safe the database keeps what is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Durability {
    /// A standby, which cannot be written to.
    pub(crate) in_recovery: bool,
    /// `synchronous_commit`.
    pub(crate) synchronous_commit: String,
    /// `fsync`.
    pub(crate) fsync: bool,
    /// Standbys follow it.
    pub(crate) standbys: i64,
    /// `synchronous_standby_names` names one.
    pub(crate) synchronous: bool,
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
        let what = touched.api_keys().filter(|keys| keys.len() <= MAX_NAMED).map(list_text);
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

/// Announcements and replicas. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Announcements {
    db: Db<Postgres>,
}

impl Announcements {
    pub(crate) fn new(db: Db<Postgres>) -> Announcements {
        Announcements { db }
    }

    /// A connection for polls, which must not wait for requests to give one back.
    pub(crate) async fn poll_connection(&self) -> Result<PollConnection, StoreError> {
        Ok(PollConnection { connection: self.db.dedicated().await? })
    }

    /// Hears of changes.
    pub(crate) async fn listen(&self) -> Result<Notifications, StoreError> {
        Ok(self.db.listen(CHANNEL).await?)
    }

    /// The state now.
    pub(crate) async fn revision(&self) -> Result<Revision, StoreError> {
        let query = sql::<Postgres>("SELECT n, tag FROM revision");
        let mut connection = self.db.read().await?;
        let row = query.optional(&mut connection).await?;
        connection.done();
        revision(&row.ok_or_else(nothing)?)
    }

    /// The state now, with every replica that has joined.
    pub(crate) async fn replicas(&self) -> Result<(i64, Vec<Replica>), StoreError> {
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
    pub(crate) async fn remove(&self, incarnation: &str, beat: i64) -> Result<bool, StoreError> {
        let query = sql::<Postgres>("DELETE FROM replica WHERE incarnation = $1 AND beat = $2");
        let query = query.bind(incarnation).bind(beat);
        Ok(query.run(&mut *self.db.read().await?).await? > 0)
    }

    /// Removes the row of a replica that has stopped.
    pub(crate) async fn leave(&self, incarnation: &str) -> Result<(), StoreError> {
        let query = sql::<Postgres>("DELETE FROM replica WHERE incarnation = $1").bind(incarnation);
        query.run(&mut *self.db.read().await?).await?;
        Ok(())
    }

    /// Removes the changes before `n`, never the newest.
    pub(crate) async fn prune(&self, n: i64) -> Result<u64, StoreError> {
        let query = sql::<Postgres>("DELETE FROM change WHERE n < $1 AND n < (SELECT n FROM revision)");
        Ok(query.bind(n).run(&mut *self.db.read().await?).await?)
    }

    /// How safe the database keeps what is committed.
    pub(crate) async fn durability(&self) -> Result<Durability, StoreError> {
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
pub(crate) struct PollConnection {
    connection: PgConnection,
}

impl PollConnection {
    /// Adds the row of a replica, before its first poll.
    pub(crate) async fn join(&mut self, incarnation: &str) -> Result<(), StoreError> {
        let query = sql::<Postgres>("INSERT INTO replica (incarnation, beat, seen) VALUES ($1, 0, -1)");
        query.bind(incarnation).run(&mut self.connection).await?;
        Ok(())
    }

    /// Says that the replica is alive and what it has applied, and asks what has changed since.
    pub(crate) async fn poll(
        &mut self,
        incarnation: &str,
        applied: Option<&Revision>,
    ) -> Result<Polled, StoreError> {
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
        let touched = if known { changes(&found, behind)? } else { Touched::everything() };
        Ok(Polled { present: first.get("present")?, known, revision, touched })
    }

    /// Closes the connection.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await.map_err(DbError::from)?)
    }
}

/// What the rows of a poll name, when all changes up to now are among them.
fn changes(found: &[Row<Postgres>], behind: i64) -> Result<Touched, StoreError> {
    let mut keys = Vec::new();
    let mut read = 0;
    for row in found {
        if row.get::<Option<i64>>("later")?.is_none() {
            continue;
        }
        read += 1;
        if row.get::<Option<String>>("what")?.is_none() {
            return Ok(Touched::everything());
        }
        keys.extend(list(row, "what")?);
    }
    match read == behind {
        true => Ok(Touched::keys(keys)),
        false => Ok(Touched::everything()),
    }
}

fn revision(row: &Row<Postgres>) -> Result<Revision, StoreError> {
    Ok(Revision { n: row.get("n")?, tag: row.get("tag")? })
}

fn replica(row: &Row<Postgres>) -> Result<Option<Replica>, StoreError> {
    let Some(incarnation) = row.get("incarnation")? else { return Ok(None) };
    Ok(Some(Replica { incarnation, beat: row.get("beat")?, seen: row.get("seen")? }))
}

/// The row that the migration made is not there.
fn nothing() -> DbError {
    sqlx::Error::RowNotFound.into()
}

#[cfg(test)]
mod tests;
