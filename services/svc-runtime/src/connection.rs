//! Connections of a listener, whoever is at their other end: nobody holds one for nothing.
//!
//! Every listener of ours (the edge's, a service's gRPC port, `admin.listen`) is served by [`serve`], and so:
//!
//! - a head that does not arrive, an answer that is not read and a connection without requests end in time,
//!   over HTTP/1.1 and HTTP/2;
//! - one address has a bounded part of the connections, and when all are taken the one that waits for its
//!   client for longest makes room;
//! - frames of HTTP/2 that move no request on end in GOAWAY with ENHANCE_YOUR_CALM;
//! - at a stop, requests in flight may end, and nothing else is waited for.
//!
//! `table` has the connections and sweeps over them, `activity` is what is known of each, `io` watches its bytes
//! with `frames`, `bodies` its requests and answers; `listener` puts them together around hyper.

mod activity;
mod bodies;
mod frames;
mod io;
mod listener;
mod metrics;
mod table;

use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use ipnet::IpNet;

pub use bodies::RequestBody;
pub use listener::{Accept, serve};
pub use metrics::ListenerMetrics;

pub(crate) use metrics::ConnectionMetrics;

/// What an HTTP/2 client sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How often an HTTP/2 connection is probed, and how long a dead one is given.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How much of one answer HTTP/2 keeps for a client whose window is full.
const MAX_SEND_BUFFER: usize = 64 * 1024;

/// Which HTTP a listener speaks, always in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// What the client begins with.
    Either,
}

/// How a listener speaks HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    version: Version,
    /// hyper's settings. Those of time are ours.
    pub builder: auto::Builder<TokioExecutor>,
}

impl Http {
    /// This version, with hyper's own limits.
    pub fn new(version: Version) -> Http {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        // The number of fields stays at hyper's 100: setting it would cost an allocation for each request.
        builder.http1().header_read_timeout(None);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_send_buf_size(MAX_SEND_BUFFER)
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE);
        Http { version, builder }
    }
}

/// The limits of a listener.
#[derive(Clone, Debug)]
pub struct ListenerLimits {
    /// How many connections are open at once.
    pub connections: usize,
    /// How many of them one client address (IPv6: its /64) may have. 0: any number.
    pub per_address: usize,
    /// Addresses that may have any number: many clients come through each.
    pub proxies: Vec<IpNet>,
    /// The time in which a head must arrive, and what a connection begins with.
    pub head: Duration,
    /// How long a connection is kept that has no request. `None`: for as long as nobody else needs it.
    pub idle: Option<Duration>,
    /// How long a client may read nothing of an answer.
    pub write: Duration,
    /// How long requests in flight may take to end at a stop.
    pub drain: Duration,
    /// How many bytes of answers may wait to be read, on all connections together.
    pub unread: usize,
    /// How many HTTP/2 frames that move no request on a client may send at once.
    pub frames: i32,
}

impl Default for ListenerLimits {
    fn default() -> ListenerLimits {
        ListenerLimits {
            connections: 10_000,
            per_address: 1_000,
            proxies: Vec::new(),
            head: Duration::from_secs(10),
            idle: Some(Duration::from_secs(75)),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(20),
            unread: 128 * 1024 * 1024,
            frames: 2_048,
        }
    }
}
