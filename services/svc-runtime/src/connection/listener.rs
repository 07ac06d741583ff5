//! Accepting connections, serving them, and letting them end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Order;
use super::bodies::{InFlight, RequestBody};
use super::io::Watched;
use super::metrics::ListenerMetrics;
use super::table::{Table, Ticket};
use super::{Http, ListenerLimits, PREFACE, Version};
use crate::cores::Cores;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Builder = auto::Builder<TokioExecutor>;

/// How long to wait when the system has no more sockets to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// A socket that takes connections.
pub trait Accept: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// Who is at its other end.
    type Peer: Into<Option<IpAddr>> + Copy + Send + Sync + 'static;

    /// The next connection.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>> + Send;

    /// The same connection, watched by the runtime that this is called in.
    fn moved(stream: Self::Stream) -> io::Result<Self::Stream>;
}

impl Accept for TcpListener {
    type Stream = TcpStream;
    type Peer = IpAddr;

    async fn next(&self) -> io::Result<(TcpStream, IpAddr)> {
        let (stream, peer) = self.accept().await?;
        // Answers are written whole: waiting to fill a packet would only delay them.
        let _best_effort = stream.set_nodelay(true);
        Ok((stream, peer.ip()))
    }

    fn moved(stream: TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(stream.into_std()?)
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;
    type Peer = Option<IpAddr>;

    async fn next(&self) -> io::Result<(UnixStream, Option<IpAddr>)> {
        Ok((self.accept().await?.0, None))
    }

    fn moved(stream: UnixStream) -> io::Result<UnixStream> {
        UnixStream::from_std(stream.into_std()?)
    }
}

/// What every connection shares.
struct Shared<H> {
    handle: H,
    version: Version,
    http1: Builder,
    http2: Builder,
    frames: i32,
}

/// Serves until `shutdown`; then requests in flight end, within the drain time. Each connection is one of these cores',
/// and its requests are answered by what `handle` gives for its peer.
pub async fn serve<L, H, S, F, B>(
    cores: &Cores,
    listener: L,
    http: Http,
    limits: ListenerLimits,
    metrics: ListenerMetrics,
    handle: H,
    shutdown: CancellationToken,
) where
    L: Accept,
    H: Fn(L::Peer) -> S + Send + Sync + 'static,
    S: Fn(Request<RequestBody>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let Http { version, builder } = http;
    let shared = Arc::new(Shared {
        handle,
        version,
        http1: builder.clone().http1_only(),
        http2: builder.http2_only(),
        frames: limits.frames,
    });
    let drain = limits.drain;
    let table = Arc::new(Table::new(limits, metrics));
    let serving = async {
        let connections = TaskTracker::new();
        let accepting = async {
            loop {
                let (stream, peer) = next(&listener).await;
                let Some(ticket) = table.admit(peer.into()).await else { continue };
                let shared = shared.clone();
                let Some(place) = cores.place() else {
                    connections.spawn(connection(shared, stream, peer, ticket));
                    continue;
                };
                let core = place.runtime().clone();
                let task = async move {
                    let _place = place;
                    // It fails when the connection is gone.
                    if let Ok(stream) = L::moved(stream) {
                        connection(shared, stream, peer, ticket).await;
                    }
                };
                connections.spawn_on(task, &core);
            }
        };
        let _stopped: Option<Infallible> = shutdown.run_until_cancelled(accepting).await;
        // From here on new connections are refused by the system, so that balancers go elsewhere.
        drop(listener);
        connections.close();
        table.tell_all(Order::Drain);
        if tokio::time::timeout(drain, connections.wait()).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "connections were cut off: their requests did not end in time"
            );
            table.cut();
            connections.wait().await;
        }
    };
    tokio::select! {
        () = serving => {}
        never = table.sweep() => match never {},
    }
}

async fn next<L: Accept>(listener: &L) -> (L::Stream, L::Peer) {
    loop {
        match listener.next().await {
            Ok(accepted) => return accepted,
            // The connection was gone before it was taken.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection<H, S, C, P, F, B>(shared: Arc<Shared<H>>, mut stream: C, peer: P, ticket: Ticket)
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    P: Copy + Send + Sync + 'static,
    H: Fn(P) -> S + Send + Sync + 'static,
    S: Fn(Request<RequestBody>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let activity = &ticket.activity;
    let (first, is_http2) = match shared.version {
        Version::Http1 => (Bytes::new(), false),
        Version::Http2 => (Bytes::new(), true),
        Version::Either => {
            let first = tokio::select! {
                biased;
                _ = activity.told_more_than(Order::Run) => return,
                first = first_bytes(&mut stream) => first,
            };
            let Ok(first) = first else { return };
            let is_http2 = first == PREFACE[..];
            (first, is_http2)
        }
    };
    let handle = (shared.handle)(peer);
    let service = service_fn(|request: Request<Incoming>| {
        let in_flight = InFlight::new(activity.clone());
        if !is_http2 {
            activity.head_ends();
        }
        let answer = handle(request.map(|body| RequestBody::new(body, activity.clone())));
        async move { Ok::<_, Infallible>(in_flight.answer(answer.await)) }
    });
    let watched = Watched::new(stream, first, activity.clone());
    let (watched, builder) = match is_http2 {
        true => (watched.http2(shared.frames), &shared.http2),
        false => (watched, &shared.http1),
    };
    let mut serving = pin!(builder.serve_connection(TokioIo::new(watched), service));
    let mut told = Order::Run;
    loop {
        tokio::select! {
            biased;
            ended = serving.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection ended with an error");
                }
                return;
            }
            order = activity.told_more_than(told) => told = order,
        }
        // HTTP/1.1: the answer to the current request is the last. HTTP/2: GOAWAY.
        serving.as_mut().graceful_shutdown();
        if told == Order::Close {
            let _said_as_well_as_possible = futures::poll!(serving.as_mut());
            return;
        }
    }
}

/// The first bytes of a connection, as many as tell the version of HTTP.
async fn first_bytes(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let mut bytes = [0; PREFACE.len()];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut bytes[filled..]).await?;
        filled += read;
        let may_be_http2 = bytes[..filled] == PREFACE[..filled];
        if read == 0 || filled == PREFACE.len() || !may_be_http2 {
            return Ok(Bytes::copy_from_slice(&bytes[..filled]));
        }
    }
}
