//! Connections: accepting them, their limits, and letting them end.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::pipeline::Edge;

/// The largest head that HTTP/1.1 parses: above the contract's limits, so that what is over those is
/// answered in our form, and what is over this is not read at all.
const MAX_HEAD: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// How often an HTTP/2 connection is probed, and how long a dead one is given.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long to wait when the system has no more sockets to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// What an HTTP/2 client with prior knowledge sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The limits of the listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) head_time: Duration,
    pub(crate) drain_time: Duration,
}

/// What every connection shares.
struct Shared {
    edge: Arc<Edge>,
    http1: auto::Builder<TokioExecutor>,
    http2: auto::Builder<TokioExecutor>,
    head_time: Duration,
    /// No new requests.
    shutdown: CancellationToken,
    /// No requests at all.
    cut: CancellationToken,
}

/// Serves until `shutdown`; then requests in flight end, within the drain time.
pub(crate) async fn run(edge: Arc<Edge>, listener: TcpListener, limits: Limits, shutdown: CancellationToken) {
    let (http1, http2) = builders(limits.head_time);
    let cut = CancellationToken::new();
    let shared = Shared { edge, http1, http2, head_time: limits.head_time, shutdown: shutdown.clone(), cut };
    let shared = Arc::new(shared);
    let connections = TaskTracker::new();
    let free = Arc::new(Semaphore::new(limits.connections));
    while let Some((stream, peer, permit)) = next(&listener, &free, &shutdown).await {
        connections.spawn(connection(shared.clone(), stream, peer, permit));
    }
    // From here on new connections are refused by the system, so that balancers go elsewhere.
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain_time, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections were cut off: their requests did not end in time"
        );
        shared.cut.cancel();
        connections.wait().await;
    }
}

/// The next connection, once there is room for one. `None` at shutdown.
async fn next(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let accept = async {
        let permit = free.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, permit)),
                // The connection was gone before it was taken.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        accepted = accept => accepted,
    }
}

fn builders(head_time: Duration) -> (auto::Builder<TokioExecutor>, auto::Builder<TokioExecutor>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The number of fields stays at hyper's 100: setting it would cost an allocation for each request.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_time).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    (builder.clone().http1_only(), builder.http2_only())
}

async fn connection(
    shared: Arc<Shared>,
    mut stream: TcpStream,
    peer: SocketAddr,
    _permit: OwnedSemaphorePermit,
) {
    // Answers are written whole: waiting to fill a packet would only delay them.
    let _best_effort = stream.set_nodelay(true);
    let first = tokio::select! {
        biased;
        () = shared.shutdown.cancelled() => return,
        first = tokio::time::timeout(shared.head_time, first_bytes(&mut stream)) => first,
    };
    let Ok(Ok(first)) = first else { return };
    let builder = if first == PREFACE[..] { &shared.http2 } else { &shared.http1 };
    let edge = &shared.edge;
    let service = service_fn(move |request| {
        let edge = edge.clone();
        async move { Ok::<_, Infallible>(edge.handle(peer.ip(), request).await) }
    });
    let io = TokioIo::new(Replayed { first, stream });
    let mut serving = pin!(builder.serve_connection(io, service));
    let ended = tokio::select! {
        biased;
        ended = serving.as_mut() => Some(ended),
        () = shared.shutdown.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // HTTP/1.1: the answer in the making is the last. HTTP/2: GOAWAY.
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                ended = serving => ended,
                () = shared.cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended with an error");
    }
}

/// The first bytes of a connection, as many as tell the version of HTTP. hyper-util would read them, too,
/// but would wait for them for ever.
async fn first_bytes(stream: &mut TcpStream) -> io::Result<Bytes> {
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

/// A connection whose first bytes are read once more.
struct Replayed {
    first: Bytes,
    stream: TcpStream,
}

impl AsyncRead for Replayed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let size = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first.split_to(size));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replayed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
