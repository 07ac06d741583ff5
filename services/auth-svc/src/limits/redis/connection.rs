//! One connection for all requests, made again when it breaks.
//!
//! The client's own manager keeps a connection to a server that no longer answers, or that is no longer
//! the primary, and knows nothing of what we demand of a server.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, RedisError, cmd};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long an attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long after an attempt that failed the next one begins at the earliest. Meanwhile its error answers.
const PAUSE: Duration = Duration::from_millis(100);

/// What Valkey or Redis answered instead.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The driver's error.
    #[error("{0}")]
    Redis(#[from] RedisError),
    /// The server would drop limits that are in use when its memory is full.
    #[error(
        "the server's maxmemory-policy is `{0}`; it must be `noeviction`, because an evicted limit is a limit forgotten"
    )]
    Evicts(String),
    /// The server does not say.
    #[error("the server's INFO does not say its maxmemory-policy, which must be `noeviction`")]
    NoPolicy,
}

impl ConnectError {
    /// Whether the next attempt may do better without a change of anybody's settings.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            ConnectError::Redis(error) => error.is_io_error() || error.is_timeout(),
            ConnectError::Evicts(_) | ConnectError::NoPolicy => false,
        }
    }
}

type Attempt = Shared<BoxFuture<'static, Result<MultiplexedConnection, ConnectError>>>;

/// A connection, and by which attempt it was made.
pub(crate) struct Held {
    /// To be used by many at once.
    pub(crate) connection: MultiplexedConnection,
    /// For [`Connection::discard`].
    pub(crate) attempt: u64,
}

struct Current {
    number: u64,
    began: Instant,
    attempt: Attempt,
}

/// The connection.
pub(crate) struct Connection {
    client: Client,
    current: Mutex<Arc<Current>>,
}

impl Connection {
    /// Begins to connect.
    pub(crate) fn check(url: &str) -> Result<(), ConnectError> {
        Ok(Client::open(url).map(drop)?)
    }

    pub(crate) fn open(url: &str) -> Result<Connection, ConnectError> {
        let client = Client::open(url)?;
        let current = Mutex::new(begin(&client, 0));
        Ok(Connection { client, current })
    }

    /// The connection, once it is made.
    pub(crate) async fn get(&self) -> Result<Held, ConnectError> {
        let current = self.current();
        let connection = current.attempt.clone().await?;
        Ok(Held { connection, attempt: current.number })
    }

    /// Gives the connection of this attempt up.
    pub(crate) fn discard(&self, attempt: u64) {
        let mut current = self.current.lock();
        if current.number == attempt {
            *current = begin(&self.client, attempt + 1);
        }
    }

    fn current(&self) -> Arc<Current> {
        let mut current = self.current.lock();
        let failed = matches!(current.attempt.peek(), Some(Err(_)));
        if failed && current.began.elapsed() >= PAUSE {
            *current = begin(&self.client, current.number + 1);
        }
        current.clone()
    }
}

/// Goes on by itself, also when those who wait for it give up.
fn begin(client: &Client, number: u64) -> Arc<Current> {
    let attempt = connect(client.clone()).boxed().shared();
    tokio::spawn(attempt.clone().map(drop));
    Arc::new(Current { number, began: Instant::now(), attempt })
}

async fn connect(client: Client) -> Result<MultiplexedConnection, ConnectError> {
    // Every question has a limit of its own, which also covers the wait for this.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let mut info = cmd("INFO");
    info.arg("memory");
    let asked = tokio::time::timeout(CONNECT_TIMEOUT, info.query_async::<String>(&mut connection)).await;
    let info = asked.map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))??;
    let policy = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
    match policy.map(str::trim) {
        Some("noeviction") => Ok(connection),
        Some(policy) => Err(ConnectError::Evicts(policy.to_owned())),
        None => Err(ConnectError::NoPolicy),
    }
}
