//! The load on auth-svc: gRPC calls over connections that are kept, from threads of this process, whose CPU
//! time is not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::uri::PathAndQuery;
use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use svc_runtime::grpc::Address;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::questions::{About, Questions};
use crate::rounds::percentile;
use crate::servers::TONIC_ECHO_PATH;

/// The threads of the load.
const THREADS: usize = 2;
/// Questions under way on a stream: as many as 32 connections of clients have.
const UNDER_WAY: usize = 32;

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// To an echo, with messages of this many bytes.
    Echo(usize),
    /// `Authorize`, a question a call.
    Calls,
    /// `AuthorizeStream`, with 32 questions under way: what is answered together is followed by as many
    /// questions together.
    Batches,
}

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// After this time.
    After(Duration),
    /// After this many calls.
    Calls(u32),
}

/// Who is asked, and about whom.
#[derive(Clone, Debug)]
pub struct Callee {
    /// Where to.
    pub address: Address,
    /// Authenticates the calls.
    pub token: MetadataValue<Ascii>,
    /// What every question is about.
    pub about: About,
}

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    callee: Callee,
    way: Way,
    questions: Questions,
    connections: u32,
    end: End,
    /// Questions that are made already.
    prepared: Arc<[pb::AuthorizeRequest]>,
}

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// How many calls were answered.
    pub calls: u64,
    /// How long it took.
    pub seconds: f64,
    /// The median time to an answer.
    pub p50_ms: f64,
    /// The time within which 99 of 100 answers came.
    pub p99_ms: f64,
}

/// Runs a load until it has ended.
pub fn run_one(load: &Load) -> anyhow::Result<Outcome> {
    run(std::slice::from_ref(load))?.pop().context("no load")
}

/// Runs loads side by side until each has ended. Fails when an answer is not the right one.
pub fn run(loads: &[Load]) -> anyhow::Result<Vec<Outcome>> {
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let running = loads.iter().cloned().map(|load| runtime.spawn(load.run()));
    let running: Vec<_> = running.collect();
    // On a thread without a runtime, so that it may wait for this one.
    let outcomes = std::thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(futures::future::try_join_all(running))).join()
    });
    let outcomes = outcomes.map_err(|_| anyhow::anyhow!("the load panicked"))??;
    // In the background: it may be called where blocking is not allowed.
    runtime.shutdown_background();
    outcomes.into_iter().collect()
}

impl Load {
    /// Over so many connections, each with one call or one stream at a time.
    pub fn new(callee: Callee, way: Way, questions: Questions, connections: u32, end: End) -> Load {
        let prepared = questions.prepare(&callee.about).into();
        Load { callee, way, questions, connections, end, prepared }
    }

    async fn run(self) -> anyhow::Result<Outcome> {
        let mut channels = Vec::new();
        for _ in 0..self.connections {
            channels.push(self.connect().await?);
        }
        let started = Instant::now();
        let counter = Arc::new(CallCounter { next: AtomicU32::new(0), end: self.end, started });
        let mut connections = JoinSet::new();
        for channel in channels {
            connections.spawn(connection(self.clone(), channel, counter.clone()));
        }
        let mut micros: Vec<u32> = Vec::new();
        while let Some(done) = connections.join_next().await {
            micros.append(&mut done??);
        }
        let seconds = started.elapsed().as_secs_f64();
        ensure!(!micros.is_empty(), "no call was answered");
        micros.sort_unstable();
        let within = |percent| percentile(&micros, percent).map_or(0.0, |micros| f64::from(micros) / 1e3);
        Ok(Outcome { calls: micros.len() as u64, seconds, p50_ms: within(50), p99_ms: within(99) })
    }

    /// A new connection.
    pub async fn connect(&self) -> anyhow::Result<Channel> {
        let uri = match &self.callee.address {
            Address::Tcp(address) => format!("http://{address}"),
            Address::Unix(path) => format!("unix://{}", path.display()),
        };
        Ok(Endpoint::from_shared(uri)?.tcp_nodelay(true).connect().await?)
    }

    /// The question of this turn.
    pub fn question(&self, turn: u32) -> pb::AuthorizeRequest {
        match self.prepared.len() {
            0 => self.questions.of(&self.callee.about, turn),
            prepared => self.prepared[turn as usize % prepared].clone(),
        }
    }

    /// Fails unless this is the answer that is expected.
    pub fn check(&self, answer: &pb::AuthorizeResponse) -> anyhow::Result<()> {
        // Not the whole of it, which has the principal token.
        let fits = self.questions.fits(&self.callee.about, answer);
        ensure!(fits, "not the answer that was expected");
        Ok(())
    }

    /// An authenticated request.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.callee.token.clone());
        request
    }
}

/// Which call is next, over all connections of a load.
struct CallCounter {
    next: AtomicU32,
    end: End,
    started: Instant,
}

impl CallCounter {
    /// `None` at the end.
    fn take(&self) -> Option<u32> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let goes_on = match self.end {
            End::After(time) => self.started.elapsed() < time,
            End::Calls(calls) => turn < calls,
        };
        goes_on.then_some(turn)
    }
}

/// Makes calls until the end, and says how long each took, in microseconds.
async fn connection(load: Load, channel: Channel, counter: Arc<CallCounter>) -> anyhow::Result<Vec<u32>> {
    match load.way {
        Way::Echo(bytes) => echo(&load, channel, bytes, &counter).await,
        Way::Calls => calls(&load, channel, &counter).await,
        Way::Batches => batches(&load, channel, &counter).await,
    }
}

async fn echo(
    load: &Load,
    channel: Channel,
    bytes: usize,
    counter: &CallCounter,
) -> anyhow::Result<Vec<u32>> {
    let message = Bytes::from(vec![b'x'; bytes]);
    let mut grpc = Grpc::new(channel);
    let mut took = Vec::new();
    while counter.take().is_some() {
        let began = Instant::now();
        grpc.ready().await?;
        let codec = ProstCodec::<Bytes, Bytes>::default();
        let request = load.request(message.clone());
        grpc.unary(request, PathAndQuery::from_static(TONIC_ECHO_PATH), codec).await?;
        took.push(micros_since(began));
    }
    Ok(took)
}

async fn calls(load: &Load, channel: Channel, counter: &CallCounter) -> anyhow::Result<Vec<u32>> {
    let mut client = AuthorizationServiceClient::new(channel);
    let mut took = Vec::new();
    while let Some(turn) = counter.take() {
        let request = load.request(load.question(turn));
        let began = Instant::now();
        let answer = client.authorize(request).await?.into_inner();
        took.push(micros_since(began));
        load.check(&answer)?;
    }
    Ok(took)
}

async fn batches(load: &Load, channel: Channel, counter: &CallCounter) -> anyhow::Result<Vec<u32>> {
    let (messages, outgoing) = mpsc::channel(UNDER_WAY);
    let mut client = AuthorizationServiceClient::new(channel);
    let mut answers =
        client.authorize_stream(load.request(ReceiverStream::new(outgoing))).await?.into_inner();
    let mut free: Vec<u32> = (0..UNDER_WAY as u32).collect();
    let mut began = [Instant::now(); UNDER_WAY];
    let mut under_way = 0;
    let mut took = Vec::new();
    loop {
        let mut questions = Vec::with_capacity(free.len());
        for id in free.drain(..) {
            let Some(turn) = counter.take() else { continue };
            let request = Some(load.question(turn));
            questions.push(pb::AuthorizeQuestion { id, request, traceparent: None });
            began[id as usize] = Instant::now();
        }
        under_way += questions.len();
        if under_way == 0 {
            return Ok(took);
        }
        if !questions.is_empty() {
            messages.send(pb::AuthorizeStreamRequest { questions }).await?;
        }
        for answer in answers.message().await?.context("the stream has ended")?.answers {
            let at = began.get(answer.id as usize).context("an answer to nothing")?;
            took.push(micros_since(*at));
            load.check(&answer.response.context("no decision")?)?;
            free.push(answer.id);
            under_way -= 1;
        }
    }
}

fn micros_since(moment: Instant) -> u32 {
    u32::try_from(moment.elapsed().as_micros()).unwrap_or(u32::MAX)
}
