//! The load: requests that begin when it is their time, whether others were answered or not. wrk waits for
//! an answer before it asks again, so that an overload of it is none.
//!
//! It is as cheap as it can be, one thread and no HTTP library, since it takes its CPU from the servers.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{LocalSet, spawn_local};

use crate::rounds::{percentile, rounded};

/// Connections to each edge. A request that finds none free waits for one, and that counts.
const CONNECTIONS: usize = 2_000;
/// How long the last answers are waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// How fast requests come.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many at once, the next one when one is answered.
    AtOnce(usize),
    /// So many a second.
    PerSecond(f64),
}

/// A load.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'o> {
    /// Where to, in turn.
    pub edges: &'o [SocketAddr],
    /// What, in turn.
    pub requests: &'o [Bytes],
    /// How fast.
    pub pace: Pace,
    /// What does not count.
    pub warm_up: Duration,
    /// What counts.
    pub time: Duration,
}

/// What came back, sorted.
#[derive(Debug, Default)]
pub struct Answers {
    /// 200, in microseconds.
    good: Vec<u32>,
    /// 503, in microseconds.
    refused: Vec<u32>,
    /// Anything else, and nothing.
    pub failed: u64,
    seconds: f64,
}

impl Answers {
    /// Good answers a second.
    pub fn good_per_second(&self) -> f64 {
        self.good.len() as f64 / self.seconds
    }

    /// Those that took no longer than this.
    pub fn good_in_time_per_second(&self, ms: f64) -> f64 {
        let in_time = self.good.partition_point(|micros| f64::from(*micros) <= ms * 1e3);
        in_time as f64 / self.seconds
    }

    /// 503 a second.
    pub fn refused_per_second(&self) -> f64 {
        self.refused.len() as f64 / self.seconds
    }

    /// The time, in ms, within which this share of the good answers came.
    pub fn good_within(&self, percent: usize) -> f64 {
        within(&self.good, percent)
    }

    /// The same of so many of a thousand.
    pub fn good_within_permille(&self, permille: usize) -> f64 {
        let rank = (self.good.len() * permille).div_ceil(1_000);
        let micros = rank.checked_sub(1).and_then(|rank| self.good.get(rank));
        micros.map_or(0.0, |micros| rounded(f64::from(*micros) / 1e3))
    }

    /// The same of 503.
    pub fn refused_within(&self, percent: usize) -> f64 {
        within(&self.refused, percent)
    }
}

fn within(sorted: &[u32], percent: usize) -> f64 {
    percentile(sorted, percent).map_or(0.0, |micros| rounded(f64::from(micros) / 1e3))
}

/// What all requests share.
struct Shared {
    edges: Vec<Edge>,
    requests: Vec<Bytes>,
    answers: RefCell<Answers>,
    under_way: Cell<usize>,
    counts_from: Instant,
}

struct Edge {
    address: SocketAddr,
    idle: RefCell<Vec<Connection>>,
    free: Semaphore,
}

impl Offered<'_> {
    /// Runs it, on a thread of its own.
    pub fn run(self) -> anyhow::Result<Answers> {
        std::thread::scope(|scope| {
            let load = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                LocalSet::new().block_on(&runtime, self.offer())
            });
            load.join().map_err(|_| anyhow::anyhow!("the load panicked"))?
        })
    }

    async fn offer(self) -> anyhow::Result<Answers> {
        let began = Instant::now();
        let counts_from = began + self.warm_up;
        let ends = counts_from + self.time;
        let edge = |address: &SocketAddr| Edge {
            address: *address,
            idle: RefCell::default(),
            free: Semaphore::new(CONNECTIONS),
        };
        let shared = Rc::new(Shared {
            edges: self.edges.iter().map(edge).collect(),
            requests: self.requests.to_vec(),
            answers: RefCell::default(),
            under_way: Cell::new(0),
            counts_from,
        });
        match self.pace {
            Pace::AtOnce(clients) => {
                for client in 0..clients {
                    let shared = shared.clone();
                    spawn_local(async move {
                        let mut turn = client;
                        while Instant::now() < ends {
                            shared.ask(turn, Instant::now()).await;
                            turn += clients;
                        }
                    });
                }
                tokio::time::sleep_until(ends.into()).await;
            }
            Pace::PerSecond(rate) => {
                for turn in 0.. {
                    let due = began + Duration::from_secs_f64(f64::from(turn) / rate);
                    if due >= ends {
                        break;
                    }
                    if due > Instant::now() {
                        tokio::time::sleep_until(due.into()).await;
                    }
                    let shared = shared.clone();
                    spawn_local(async move { shared.ask(turn as usize, due).await });
                    // Others are to be read, also when it is late.
                    if turn % 16 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        let patient_until = Instant::now() + PATIENCE;
        while shared.under_way.get() > 0 && Instant::now() < patient_until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut answers = shared.answers.take();
        answers.failed += shared.under_way.get() as u64;
        answers.seconds = self.time.as_secs_f64();
        answers.good.sort_unstable();
        answers.refused.sort_unstable();
        Ok(answers)
    }
}

impl Shared {
    /// One request and its answer. `due` is when it should have been sent.
    async fn ask(&self, turn: usize, due: Instant) {
        self.under_way.set(self.under_way.get() + 1);
        let edge = &self.edges[turn % self.edges.len()];
        let request = &self.requests[turn % self.requests.len()];
        let status = edge.ask(request).await;
        self.under_way.set(self.under_way.get() - 1);
        if due < self.counts_from {
            return;
        }
        let micros = u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX);
        let mut answers = self.answers.borrow_mut();
        match status {
            Ok(200) => answers.good.push(micros),
            Ok(503) => answers.refused.push(micros),
            Ok(_) | Err(_) => answers.failed += 1,
        }
    }
}

impl Edge {
    async fn ask(&self, request: &Bytes) -> anyhow::Result<u16> {
        let _free = self.free.acquire().await?;
        let idle = self.idle.borrow_mut().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let status = connection.ask(request).await?;
        self.idle.borrow_mut().push(connection);
        Ok(status)
    }
}

/// A connection over which one request is made after another.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Opens one.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        Ok(Connection { stream: TcpStream::connect(address).await?, read: Vec::new() })
    }

    /// Makes a request, reads its answer whole, and gives its status.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.answer().await
    }

    /// Reads an answer whole, and gives its status.
    async fn answer(&mut self) -> anyhow::Result<u16> {
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the connection was closed");
            }
            let Some(head) = self.read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let text = std::str::from_utf8(&self.read[..head])?;
            let status = text.get(9..12).context("no status")?.parse()?;
            let length = text.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
            });
            if self.read.len() >= head + 4 + length.context("no length")? {
                return Ok(status);
            }
        }
    }
}
