//! The connections of a database: lent to one at a time, kept for the next while they are good.
//!
//! sqlx's own pool tests a connection that is given back by a round trip, which repairs what was cancelled
//! but passes one whose transaction is half-way, and one to a server that has become a standby; and it hides
//! why it cannot connect. Here a connection whose queries came to their end well is used again without a
//! test. One that was cancelled is repaired in the background. One on which BEGIN, COMMIT or ROLLBACK failed,
//! or a statement in a way that says so (`failure.rs`), is closed, and what was open before that goes with it.

mod lease;
#[cfg(test)]
mod tests;

use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use sqlx::{Connection, Database, Error, SqlSafeStr};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::failure::Class;
use super::watch::{Watch, watch_writes};
use super::{Dialect, Scope};
pub use lease::{Lease, Transaction};

/// What the age of connections is counted in.
const ROUND: Duration = Duration::from_secs(60);
/// After so many rounds a connection that nobody used is closed, where connections age.
const IDLE_ROUNDS: u64 = 10;
/// After so many rounds any connection is, so that a server's memory of it does not grow without end.
const MAX_ROUNDS: u64 = 30;
/// How long closing a connection may take. It counts as lent meanwhile.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the end of what a cancelled caller began is waited for: longer than PostgreSQL works on it.
const REPAIR_TIMEOUT: Duration = Duration::from_secs(15);

/// Opens connections.
pub(super) trait Connector<D: Database>: fmt::Debug + Send + Sync {
    /// Opens one. Bounds by itself how long that takes.
    fn connect(&self) -> BoxFuture<'_, Result<D::Connection, Error>>;
}

/// How many, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The most connections.
    pub(super) connections: u32,
    /// How long a caller waits for one.
    pub(super) patience: Duration,
    /// Whether they age: what is on the same machine does not.
    pub(super) age: bool,
}

/// Cheap to clone.
pub(super) struct Connections<D: Dialect>(Arc<Shared<D>>);

pub(super) struct Shared<D: Dialect> {
    connector: Arc<dyn Connector<D>>,
    bounds: Bounds,
    /// As many as there may be connections.
    permits: Arc<Semaphore>,
    ready: Mutex<Ready<D>>,
    closing: CancellationToken,
    watch: Arc<Watch>,
}

struct Ready<D: Database> {
    round: u64,
    /// Connections lent in an earlier generation are closed when they come back.
    generation: u64,
    closed: bool,
    /// The last used is the next one used: few stay warm, the others become idle.
    connections: Vec<Idle<D>>,
}

struct Idle<D: Database> {
    connection: D::Connection,
    born: u64,
    used: u64,
}

/// A connection that is lent, and what it takes to give it back.
struct Lent<D: Dialect> {
    // Before the permit, so that it is dropped first.
    connection: D::Connection,
    born: u64,
    generation: u64,
    shared: Arc<Shared<D>>,
    permit: OwnedSemaphorePermit,
}

// Written out because a derive would ask the engine itself to be `Debug`.
impl<D: Dialect> fmt::Debug for Connections<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

// Written out because a derive would ask the engine itself to be `Clone`.
impl<D: Dialect> Clone for Connections<D> {
    fn clone(&self) -> Connections<D> {
        Connections(Arc::clone(&self.0))
    }
}

impl<D: Dialect> Connections<D> {
    pub(super) fn new(connector: Arc<dyn Connector<D>>, bounds: Bounds, watch: Arc<Watch>) -> Connections<D> {
        let ready = Ready { round: 0, generation: 0, closed: false, connections: Vec::new() };
        let shared = Arc::new(Shared {
            connector,
            bounds,
            permits: Arc::new(Semaphore::new(bounds.connections as usize)),
            ready: Mutex::new(ready),
            closing: CancellationToken::new(),
            watch,
        });
        if bounds.age {
            tokio::spawn(count_rounds(Arc::downgrade(&shared)));
        }
        Connections(shared)
    }

    pub(super) fn over(shared: Arc<Shared<D>>) -> Connections<D> {
        Connections(shared)
    }

    /// Looks from now on, after each failure, whether these can write.
    pub(super) fn watch_writes(&self) {
        tokio::spawn(watch_writes(self.0.watch.clone(), Arc::downgrade(&self.0)));
    }

    /// Opens a connection that is none of these.
    pub(super) async fn dedicated(&self) -> Result<D::Connection, Error> {
        self.0.connect().await
    }

    /// Waits for a connection, no longer than the bound.
    pub(super) async fn lease(&self) -> Result<Lease<D>, Error> {
        Ok(Lease::new(self.lend().await?))
    }

    async fn lend(&self) -> Result<Lent<D>, Error> {
        let lent = timeout(self.0.bounds.patience, self.wait());
        lent.await.map_err(|_| Error::PoolTimedOut)?
    }

    async fn wait(&self) -> Result<Lent<D>, Error> {
        let shared = Arc::clone(&self.0);
        let permit = match Arc::clone(&shared.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::select! {
                permit = Arc::clone(&shared.permits).acquire_owned() => permit.map_err(|_| Error::PoolClosed)?,
                () = shared.closing.cancelled() => return Err(Error::PoolClosed),
            },
        };
        let (ready, round, generation) = shared.take()?;
        let (connection, born) = match ready {
            Some(ready) => (ready.connection, ready.born),
            None => (shared.connect().await?, round),
        };
        Ok(Lent { connection, born, generation, shared, permit })
    }

    /// Begins a transaction: on a new connection when the one that was ready turns out to be none any more.
    /// Nothing can have been changed by then.
    pub(super) async fn begin(&self, scope: Option<&Scope>) -> Result<Transaction<D>, Error> {
        match Transaction::begin(self.lend().await?, scope).await {
            Err(error) if Class::of(&error) != Class::Unavailable => {
                Transaction::begin(self.lend().await?, scope).await
            }
            begun => begun,
        }
    }

    /// A write that changes nothing.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let mut transaction = self.begin(None).await?;
        let written = D::execute(&mut transaction, D::PROBE.into_sql_str()).await;
        if let Err(error) = written {
            transaction.note(&error);
            return Err(error);
        }
        transaction.commit().await
    }

    /// Closes all connections, and waits for those that are lent. Who waits for one fails.
    pub(super) async fn close(&self) {
        let shared = &self.0;
        let ready = {
            let mut ready = shared.ready.lock();
            ready.closed = true;
            mem::take(&mut ready.connections)
        };
        shared.closing.cancel();
        for idle in ready {
            let _ = timeout(CLOSE_TIMEOUT, idle.connection.close()).await;
        }
        // All permits are back when nothing is lent.
        let _ = shared.permits.acquire_many(shared.bounds.connections).await;
    }
}

impl<D: Dialect> Shared<D> {
    async fn connect(&self) -> Result<D::Connection, Error> {
        let connected = self.connector.connect().await;
        if let Err(error) = &connected {
            self.watch.lost(error);
        }
        connected
    }

    fn take(&self) -> Result<(Option<Idle<D>>, u64, u64), Error> {
        let mut ready = self.ready.lock();
        match ready.closed {
            true => Err(Error::PoolClosed),
            false => Ok((ready.connections.pop(), ready.round, ready.generation)),
        }
    }

    /// Keeps a connection that is good. Gives it back when it is not to be kept.
    fn put(&self, connection: D::Connection, born: u64, generation: u64) -> Option<D::Connection> {
        let mut ready = self.ready.lock();
        let old = self.bounds.age && ready.round - born >= MAX_ROUNDS;
        if ready.closed || old || generation != ready.generation {
            return Some(connection);
        }
        let used = ready.round;
        ready.connections.push(Idle { connection, born, used });
        None
    }

    /// No connection from before is used again: what broke one has most likely broken all.
    fn renew(&self) {
        let mut ready = self.ready.lock();
        ready.generation += 1;
        let before = mem::take(&mut ready.connections);
        drop(ready);
        drop(before);
    }

    fn next_round(&self) {
        let mut ready = self.ready.lock();
        ready.round += 1;
        let round = ready.round;
        let stays = |idle: &Idle<D>| round - idle.used < IDLE_ROUNDS && round - idle.born < MAX_ROUNDS;
        let (stay, go) = mem::take(&mut ready.connections).into_iter().partition::<Vec<_>, _>(stays);
        ready.connections = stay;
        drop(ready);
        drop(go);
    }
}

impl<D: Dialect> Drop for Shared<D> {
    fn drop(&mut self) {
        self.watch.end();
    }
}

async fn count_rounds<D: Dialect>(shared: Weak<Shared<D>>) {
    loop {
        sleep(ROUND).await;
        match shared.upgrade() {
            Some(shared) if !shared.closing.is_cancelled() => shared.next_round(),
            _ => return,
        }
    }
}

impl<D: Dialect> Lent<D> {
    /// Back, to be used again at once.
    fn put(self) {
        let Lent { connection, born, generation, shared, permit } = self;
        if let Some(connection) = shared.put(connection, born, generation) {
            let closing = async move {
                let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
                drop(permit);
            };
            spawn(closing);
        }
        // Else the permit goes here: not before, so that who gets it finds the connection.
    }

    /// Closed. Another one may be opened when this one is gone: SQLite has one that writes.
    async fn close(self) {
        let Lent { connection, permit, .. } = self;
        let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
        drop(permit);
    }

    /// Back, after a query that may not have come to its end: the round trip waits for that.
    async fn repair(mut self) {
        let pinged = timeout(REPAIR_TIMEOUT, self.connection.ping()).await;
        self.put_if(pinged.unwrap_or_else(|_| Err(timed_out()))).await;
    }

    /// Back, after a transaction that was not committed.
    async fn roll_back(mut self) {
        let rolled_back =
            timeout(REPAIR_TIMEOUT, D::execute(&mut self.connection, "ROLLBACK".into_sql_str())).await;
        // SQLite has rolled back by itself when it could not write: then this fails.
        self.put_if(rolled_back.unwrap_or_else(|_| Err(timed_out()))).await;
    }

    /// Back if it is sound, closed otherwise.
    async fn put_if(self, sound: Result<(), Error>) {
        match sound {
            Ok(()) => self.put(),
            Err(error) => {
                self.lost(&error);
                self.close().await;
            }
        }
    }

    fn lost(&self, error: &Error) {
        tracing::warn!(error = %error, "a connection to the database is replaced");
        self.shared.renew();
        self.shared.watch.lost(error);
    }
}

fn timed_out() -> Error {
    Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Where there is no runtime any more, the connection is just dropped.
fn spawn(ending: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(ending);
    }
}
