//! Connections to PostgreSQL beside the pool, for what must not wait until the pool has one free.

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, Postgres};

use super::{Db, DbError};

impl Db<Postgres> {
    /// A new connection of its own. It does not count for `max_connections`, and has no timeout.
    pub async fn dedicated(&self) -> Result<PgConnection, DbError> {
        Ok(self.writer.pool().connect_options().connect().await?)
    }

    /// Hears what is notified on a channel, on a connection of its own.
    pub async fn listen(&self, channel: &str) -> Result<Notifications, DbError> {
        let options = self.writer.pool().connect_options().as_ref().clone();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
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
            None => Err(DbError::Unavailable(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()))),
        }
    }
}
