//! Windows in Valkey or Redis (5 or later), shared by all replicas: one script, one value a key.
//!
//! A script that is not answered is not sent again, because it may have run. Only a server that says it
//! does not know the script is given it, and asked once more. One server (or one address in front of a
//! primary) is meant, not Redis Cluster.

mod connection;

use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{RedisError, Script, ServerErrorKind, cmd, pipe};
use tokio::time::timeout;
use tracing::{Instrument, debug_span};

use super::window::{LONGEST, Windows};
use super::{LimitError, LimitStore, Taken, WindowLimits};

pub use connection::ConnectError;
use connection::Connection;

/// Takes a slot in both windows, or in neither.
const TAKE: &str = include_str!("redis/take.lua");
/// How long a request waits for its answer.
const TIMEOUT: Duration = Duration::from_millis(250);
/// How long the start waits for a connection.
const START_TIMEOUT: Duration = Duration::from_secs(2);
/// What the names of our keys begin with. A value of another form gets another number.
const PREFIX: &str = "keyward:limits:1:";
/// How long a key stays after its newest slot, in milliseconds: a minute longer than that is used.
const TTL: u64 = LONGEST + 60_000;

/// The windows of all keys, in Valkey or Redis.
pub struct RedisStore {
    connection: Connection,
    script: Script,
    timeout: Duration,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisStore")
    }
}

/// Whether this is the address of a server. Does not connect.
pub(crate) fn check(url: &str) -> Result<(), ConnectError> {
    Connection::check(url)
}

impl RedisStore {
    /// Connects. A server that answers must let us in and must not evict keys. One that is away now is
    /// tried again at every request, so that a replica can start without it.
    pub(crate) async fn open(url: &str) -> Result<RedisStore, ConnectError> {
        let connection = Connection::open(url)?;
        match timeout(START_TIMEOUT, connection.get()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if !error.is_passing() => return Err(error),
            Ok(Err(error)) => tracing::warn!(error = %error, "Valkey is away: no limits until it is back"),
            Err(_) => tracing::warn!("Valkey does not answer: no limits until it does"),
        }
        Ok(RedisStore { connection, script: Script::new(TAKE), timeout: TIMEOUT })
    }

    /// For tests of what is decided, on a machine that has other work to do.
    #[cfg(test)]
    pub(super) fn patient(self) -> RedisStore {
        RedisStore { timeout: Duration::from_secs(60), ..self }
    }

    /// `at` stands for the clock in tests.
    pub(super) async fn take_at(
        &self,
        key_id: &str,
        limits: WindowLimits,
        at: Option<u64>,
    ) -> Result<Taken, LimitError> {
        let call = |command, script| {
            let mut call = cmd(command);
            call.arg(script).arg(1).arg(format!("{PREFIX}{key_id}"));
            call.arg(limits.per_minute).arg(limits.per_hour).arg(TTL).arg(at);
            call
        };
        let take = async |c: &mut MultiplexedConnection| {
            let answer = call("EVALSHA", self.script.get_hash()).query_async(c).await;
            let unknown = |error: &RedisError| error.kind() == ServerErrorKind::NoScript.into();
            if answer.as_ref().is_err_and(unknown) {
                // It has not run. Sent whole, it cannot be forgotten in between, as when it is loaded first.
                return call("EVAL", TAKE).query_async(c).await;
            }
            answer
        };
        let (allowed, value): (bool, Vec<u8>) = self.ask("redis.limit.take", take).await?;
        Ok(Windows::from_bytes(&value).ok_or(LimitError::Malformed)?.answer(limits, allowed))
    }

    /// Asks once, in time. A connection that did not answer is not used again.
    async fn ask<T>(
        &self,
        name: &'static str,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, LimitError> {
        let mut asked = None;
        let ask = async {
            let mut held = self.connection.get().await?;
            asked = Some(held.attempt);
            Ok::<_, ConnectError>(question(&mut held.connection).await)
        };
        let span = debug_span!("redis.limit", otel.name = name, otel.kind = "client");
        let answer = timeout(self.timeout, ask).instrument(span).await;
        let lost = match &answer {
            Ok(Ok(Err(error))) => is_lost(error),
            Ok(_) => false,
            Err(_) => true,
        };
        if let (true, Some(attempt)) = (lost, asked) {
            self.connection.discard(attempt);
        }
        Ok(answer.map_err(|_| LimitError::TooSlow)??.map_err(ConnectError::from)?)
    }
}

/// Whether another connection may do better: this one is broken, or its server is no longer the primary.
fn is_lost(error: &RedisError) -> bool {
    let replica = [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown, ServerErrorKind::ClusterDown];
    error.is_io_error()
        || error.is_unrecoverable_error()
        || replica.iter().any(|&kind| error.kind() == kind.into())
}

impl LimitStore for RedisStore {
    async fn take(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        self.take_at(key_id, limits, None).await
    }

    async fn peek(&self, key_id: &str, limits: WindowLimits) -> Result<Taken, LimitError> {
        let mut both = pipe();
        both.cmd("TIME").cmd("GET").arg(format!("{PREFIX}{key_id}"));
        let peek = async |c: &mut MultiplexedConnection| both.query_async(c).await;
        let ((seconds, micros), value): ((u64, u64), Option<Vec<u8>>) =
            self.ask("redis.limit.peek", peek).await?;
        let windows = match value {
            Some(value) => Windows::from_bytes(&value).ok_or(LimitError::Malformed)?,
            None => Windows::default(),
        };
        Ok(windows.peek(seconds * 1_000 + micros / 1_000, limits))
    }

    async fn forget(&self, key_id: &str) -> Result<(), LimitError> {
        let mut del = cmd("DEL");
        del.arg(format!("{PREFIX}{key_id}"));
        let forget = async |c: &mut MultiplexedConnection| del.query_async::<()>(c).await;
        self.ask("redis.limit.forget", forget).await
    }

    /// Nothing to do: the server drops keys by itself.
    async fn maintain(&self) -> Result<(), LimitError> {
        Ok(())
    }
}
