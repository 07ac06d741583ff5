//! How many requests a key may make: two sliding windows, counted in one place for all replicas.
//!
//! `window` is the algorithm and knows nothing else. Three stores keep the windows: `memory` for one
//! replica (what it knows is saved by `saved`), `redis` for Valkey and Redis, `database` for PostgreSQL.
//! All three decide by the same rule; only where the counters are and whose clock counts differs:
//!
//! | store | clock | who decides at the same time | what is forgotten, at most |
//! | --- | --- | --- | --- |
//! | memory | boot time, which counts sleep and is never set | the lock of the key | kill -9: the last second |
//! | redis | `TIME` of the server, inside the script | scripts run one at a time | what the server loses |
//! | database | `clock_timestamp()` after the row's lock | the lock of the row | a crash of PostgreSQL: its last 0.6 s |
//!
//! The clock of the last two can be set. Set back, the windows stand still until it has caught up, so that
//! never one more passes; set ahead, they move on with it, and slots come free too early.

mod clock;
mod database;
mod memory;
mod redis;
mod saved;
#[cfg(test)]
mod tests;
mod window;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use svc_core::clock::Clock;
use svc_core::error::cause;
use svc_core::secret::Secret;
use svc_db::{AnyDb, DbError};
use svc_runtime::telemetry::Metrics;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub(crate) use clock::{BootClock, SystemBootClock};
pub use database::DatabaseStore;
pub use memory::MemoryStore;
pub use redis::{ConnectError, RedisStore};

/// How often [`maintain`] does its work. What memory has not saved is what a kill -9 forgets.
const MAINTAIN_EVERY: Duration = Duration::from_secs(1);

/// What a key may do. Any pair is legal; 0 lets nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// Requests in any 60 consecutive seconds.
    pub per_minute: u32,
    /// Requests in any 3,600 consecutive seconds.
    pub per_hour: u32,
}

/// Which window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowName {
    /// 60 s.
    Minute,
    /// 3,600 s.
    Hour,
}

impl fmt::Display for WindowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WindowName::Minute => "minute",
            WindowName::Hour => "hour",
        })
    }
}

/// What rate headers say about a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowState {
    /// The most requests.
    pub limit: u32,
    /// How many more. 0 when a lowered limit is below what is used.
    pub remaining: u32,
    /// Whole seconds, rounded up, until `remaining` grows: until a used slot comes free, and when more
    /// is used than the limit, until one more would be let through. 0 when no slot is used.
    pub reset_seconds: u32,
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The window that is full; when both are, the one that takes longer.
    pub window: WindowName,
    /// Whole seconds, rounded up and at least 1, until both windows would let one through.
    pub retry_after_seconds: u32,
}

/// The answer to a request for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// `None`: a slot is taken in both windows. Else none is taken in either.
    pub refused: Option<Refused>,
    /// The minute after this request.
    pub minute: WindowState,
    /// The hour after this request.
    pub hour: WindowState,
}

impl Taken {
    /// Whether the request is let through.
    pub fn allowed(&self) -> bool {
        self.refused.is_none()
    }
}

/// Why nothing can be decided. A slot may be taken all the same when the store did not answer in time;
/// asking again could take another.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// Valkey or Redis is away or says no.
    #[error("Valkey does not answer: {0}")]
    Redis(#[from] ConnectError),
    /// The database is away or says no.
    #[error("the database does not answer")]
    Database(#[from] DbError),
    /// No answer in time.
    #[error("the limits were not answered in time")]
    TooSlow,
    /// Memory holds the most keys that it may, and all were used within the hour.
    #[error("the limits of too many keys are in use")]
    Full,
    /// A stored value is not one of ours.
    #[error("a stored limit is malformed")]
    Malformed,
}

/// Why the limits cannot be opened. Never holds the setting, which may have a password.
#[derive(Debug, thiserror::Error)]
pub enum LimitOpenError {
    /// `auth.limits.store`.
    #[error("auth.limits.store must be `memory`, `database` or a URL that begins with redis:// or rediss://")]
    Setting,
    /// Valkey or Redis.
    #[error("auth.limits.store: {0}")]
    Redis(#[from] ConnectError),
    /// The saved limits.
    #[error("the saved limits cannot be read: {0}")]
    Saved(#[from] DbError),
    /// A piece of the log is not one of ours.
    #[error(
        "the saved limits are damaged, or of a later version: to start without what is in it, delete the row \
         whose seq is {0} from limit_log"
    )]
    Damaged(i64),
}

/// Keeps the windows of all keys.
pub trait LimitStore: Send + Sync {
    /// Takes a slot in both windows of a key, or in neither.
    fn take(
        &self,
        key_id: &str,
        limits: WindowLimits,
    ) -> impl Future<Output = Result<Taken, LimitError>> + Send;

    /// What [`take`](LimitStore::take) would answer, before it takes anything.
    fn peek(
        &self,
        key_id: &str,
        limits: WindowLimits,
    ) -> impl Future<Output = Result<Taken, LimitError>> + Send;

    /// Forgets a key that is deleted. One that is left over goes by itself once its windows are empty.
    fn forget(&self, key_id: &str) -> impl Future<Output = Result<(), LimitError>> + Send;

    /// Saves and cleans up. Called once a second and before the end.
    fn maintain(&self) -> impl Future<Output = Result<(), LimitError>> + Send;
}

/// The store that the settings name.
#[derive(Debug)]
pub enum Limiter {
    /// Of this process.
    Memory(MemoryStore),
    /// Valkey or Redis.
    Redis(Box<RedisStore>),
    /// PostgreSQL.
    Database(DatabaseStore),
}

/// Whether `auth.limits.store` names a store. Does not connect.
pub(crate) fn check(store: &Secret) -> Result<(), LimitOpenError> {
    match store.expose() {
        "memory" | "database" => Ok(()),
        url if is_redis(url) => Ok(redis::check(url)?),
        _ => Err(LimitOpenError::Setting),
    }
}

fn is_redis(url: &str) -> bool {
    url.starts_with("redis://") || url.starts_with("rediss://")
}

impl Limiter {
    /// Opens what `auth.limits.store` names. `database` on SQLite is memory: it belongs to one process.
    pub(crate) async fn open(
        store: &Secret,
        db: &AnyDb,
        boot: Arc<dyn BootClock>,
        wall: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Limiter, LimitOpenError> {
        match (store.expose(), db) {
            ("database", AnyDb::Postgres(db)) => {
                Ok(Limiter::Database(DatabaseStore::new(db.clone(), metrics)))
            }
            ("database" | "memory", db) => {
                Ok(Limiter::Memory(MemoryStore::open(saved::over(db.clone()), boot, wall).await?))
            }
            (url, _) if is_redis(url) => Ok(Limiter::Redis(Box::new(RedisStore::open(url).await?))),
            _ => Err(LimitOpenError::Setting),
        }
    }

    /// [`LimitStore::take`], where that waits for nothing. `None`: it does, and nothing is taken yet.
    pub(crate) fn take_at_once(
        &self,
        key_id: &str,
        limits: WindowLimits,
    ) -> Option<Result<Taken, LimitError>> {
        match self {
            Limiter::Memory(store) => Some(store.take_at_once(key_id, limits)),
            Limiter::Redis(_) | Limiter::Database(_) => None,
        }
    }

    /// [`LimitStore::peek`], where that waits for nothing.
    pub(crate) fn peek_at_once(
        &self,
        key_id: &str,
        limits: WindowLimits,
    ) -> Option<Result<Taken, LimitError>> {
        match self {
            Limiter::Memory(store) => Some(Ok(store.peek_at_once(key_id, limits))),
            Limiter::Redis(_) | Limiter::Database(_) => None,
        }
    }
}

/// One of three without a box, which every request would pay for.
macro_rules! each {
    ($limiter:ident, |$store:ident| $call:expr) => {
        match $limiter {
            Limiter::Memory($store) => $call.await,
            Limiter::Redis($store) => $call.await,
            Limiter::Database($store) => $call.await,
        }
    };
}

impl LimitStore for Limiter {
    async fn take(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        each!(self, |store| store.take(key_id, limits))
    }

    async fn peek(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        each!(self, |store| store.peek(key_id, limits))
    }

    async fn forget(&self, key_id: &str) -> Result<(), LimitError> {
        each!(self, |store| store.forget(key_id))
    }

    async fn maintain(&self) -> Result<(), LimitError> {
        each!(self, |store| store.maintain())
    }
}

/// Tends a store until it is told to stop, and once more then: tell it when no request is served any
/// more, and close the database when it has ended.
pub(crate) async fn maintain<S: LimitStore>(store: Arc<S>, stop: CancellationToken) {
    let mut tick = interval(MAINTAIN_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopped = false;
    while !stopped {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => stopped = true,
        }
        if let Err(error) = store.maintain().await {
            tracing::error!(error = %error, cause = %cause(&error), "limits could not be maintained");
        }
    }
}
