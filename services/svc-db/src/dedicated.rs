//! Connections to PostgreSQL beside the pool, for what must not wait until the pool has one free.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{PgConnection, Postgres};

use super::{Db, DbError};

/// How long connecting to listen may take.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(2);

impl Db<Postgres> {
    /// A new connection of its own. It does not count for `max_connections`, and has no timeout.
    pub async fn dedicated(&self) -> Result<PgConnection, DbError> {
        Ok(self.writer.dedicated().await?)
    }

    /// Hears what is notified on a channel, on a connection of its own.
    pub async fn listen(&self, channel: &str) -> Result<Notifications, DbError> {
        // A standby refuses to listen.
        let options =
            self.servers.as_ref().and_then(|servers| servers.last()).ok_or(sqlx::Error::PoolClosed)?;
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(LISTEN_TIMEOUT);
        let pool = pool.connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        // Who listens is to know that something may have been missed.
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(Notifications { listener })
    }
}

/// What is notified on one channel.
#[derive(Debug)]
pub struct Notifications {
    listener: PgListener,
}

impl Notifications {
    /// Waits for the next. Fails when the connection is lost; what is notified from then on is not heard.
    pub async fn next(&mut self) -> Result<(), DbError> {
        match self.listener.try_recv().await? {
            Some(_) => Ok(()),
            None => Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()).into()),
        }
    }
}
