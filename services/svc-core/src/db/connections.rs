//! The connections of a database: sqlx's pool, and before it those that are ready to be used again.
//!
//! sqlx's pool tests each connection that is given back, whatever its options say. That is a round trip,
//! to PostgreSQL or to the thread that an SQLite connection has, and costs as much again as reading one
//! row. The test is what repairs a connection whose query was cancelled or failed, so those go through it
//! still. A connection whose queries came to their end needs none and waits here for the next.

#[cfg(test)]
mod tests;

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::pool::PoolConnection;
use sqlx::{Database, Error, Pool, SqlStr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// How often connections go through sqlx's pool, which tests them and keeps its limits of their age and
/// idleness.
const ROUND: Duration = Duration::from_secs(60);

/// Cheap to clone.
#[derive(Debug)]
pub(super) struct Connections<D: Database>(Arc<Shared<D>>);

#[derive(Debug)]
struct Shared<D: Database> {
    pool: Pool<D>,
    /// As many as the pool may have connections. Who has one finds a connection here, or else the pool
    /// has one to give or may open one.
    permits: Arc<Semaphore>,
    ready: Mutex<Ready<D>>,
}

#[derive(Debug)]
struct Ready<D: Database> {
    /// Connections lent in an earlier round do not come back here.
    round: u64,
    /// The last used is the next one used: few stay warm, the others become idle.
    connections: Vec<PoolConnection<D>>,
}

/// A connection of the pool. After a query that was cancelled or failed, just drop it.
#[derive(Debug)]
pub struct Lease<D: Database> {
    // Before the permit, so that it is dropped first.
    connection: PoolConnection<D>,
    permit: OwnedSemaphorePermit,
    shared: Arc<Shared<D>>,
    round: u64,
}

/// A transaction. Rolled back unless it is committed.
#[derive(Debug)]
pub struct Transaction<D: Database> {
    transaction: sqlx::Transaction<'static, D>,
    _permit: OwnedSemaphorePermit,
}

// Written out because a derive would ask the engine itself to be `Clone`.
impl<D: Database> Clone for Connections<D> {
    fn clone(&self) -> Connections<D> {
        Connections(Arc::clone(&self.0))
    }
}

impl<D: Database> Connections<D> {
    pub(super) fn new(pool: Pool<D>) -> Connections<D> {
        let options = pool.options();
        let permits = Arc::new(Semaphore::new(options.get_max_connections() as usize));
        let limited = options.get_idle_timeout().is_some() || options.get_max_lifetime().is_some();
        let ready = Mutex::new(Ready { round: 0, connections: Vec::new() });
        let shared = Arc::new(Shared { pool, permits, ready });
        if limited {
            tokio::spawn(count_rounds(Arc::downgrade(&shared)));
        }
        Connections(shared)
    }

    /// The pool, for its options. A connection taken from it must be one of a [`Lease`].
    pub(super) fn pool(&self) -> &Pool<D> {
        &self.0.pool
    }

    /// Waits for a connection, no longer than the pool would.
    pub(super) async fn lease(&self) -> Result<Lease<D>, Error> {
        let patience = self.0.pool.options().get_acquire_timeout();
        timeout(patience, self.wait()).await.map_err(|_| Error::PoolTimedOut)?
    }

    async fn wait(&self) -> Result<Lease<D>, Error> {
        let shared = Arc::clone(&self.0);
        let permit = Arc::clone(&shared.permits).acquire_owned().await.map_err(|_| Error::PoolClosed)?;
        let (round, ready) = shared.take();
        let connection = match ready {
            Some(connection) => connection,
            None => shared.pool.acquire().await?,
        };
        Ok(Lease { connection, permit, shared, round })
    }

    /// Begins a transaction with this statement.
    pub(super) async fn begin(&self, statement: SqlStr) -> Result<Transaction<D>, Error> {
        let Lease { connection, permit, .. } = self.lease().await?;
        // Not in sqlx's documentation, but all that its pool's own `begin_with` does with a connection.
        let transaction = sqlx::Transaction::begin(connection, Some(statement)).await?;
        Ok(Transaction { transaction, _permit: permit })
    }

    /// Closes all connections, and waits for those that are lent. Who waits for one fails.
    pub(super) async fn close(&self) {
        // Closed from here on, so that no connection becomes ready any more.
        let closed = self.0.pool.close();
        self.0.permits.close();
        self.0.next_round();
        closed.await;
    }
}

impl<D: Database> Shared<D> {
    fn take(&self) -> (u64, Option<PoolConnection<D>>) {
        let mut ready = self.ready.lock();
        (ready.round, ready.connections.pop())
    }

    fn put(&self, connection: PoolConnection<D>, round: u64) {
        let mut ready = self.ready.lock();
        // Else it is dropped, and with that given back to the pool.
        if round == ready.round && !self.pool.is_closed() {
            ready.connections.push(connection);
        }
    }

    /// Gives all connections back to the pool, those that are lent as soon as they are not.
    fn next_round(&self) {
        let mut ready = self.ready.lock();
        ready.round += 1;
        let connections = mem::take(&mut ready.connections);
        drop(ready);
        drop(connections);
    }
}

impl<D: Database> Drop for Shared<D> {
    fn drop(&mut self) {
        // The pool goes as well and needs none back, for which each would want a runtime, too.
        for connection in self.ready.get_mut().connections.drain(..) {
            drop(connection.leak());
        }
    }
}

async fn count_rounds<D: Database>(shared: Weak<Shared<D>>) {
    loop {
        sleep(ROUND).await;
        match shared.upgrade() {
            Some(shared) if !shared.pool.is_closed() => shared.next_round(),
            _ => return,
        }
    }
}

impl<D: Database> Lease<D> {
    /// Says that all queries have come to their end well, each read to its last row, and no transaction is
    /// open. The next one to read then has this connection without the test of its state.
    pub fn done(self) {
        let Lease { connection, permit, shared, round } = self;
        shared.put(connection, round);
        // Not before, so that who gets the permit finds the connection.
        drop(permit);
    }
}

impl<D: Database> Transaction<D> {
    /// Commits.
    pub async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await
    }
}

impl<D: Database> Deref for Lease<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        &self.connection
    }
}

impl<D: Database> DerefMut for Lease<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        &mut self.connection
    }
}

impl<D: Database> Deref for Transaction<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        &self.transaction
    }
}

impl<D: Database> DerefMut for Transaction<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        &mut self.transaction
    }
}
