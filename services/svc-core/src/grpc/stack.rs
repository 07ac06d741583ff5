//! The stack in front of every gRPC handler, the same in one process and over HTTP/2.

use std::any::Any;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument;

use super::{GrpcRequest, GrpcResponse, Guard, deadline};
use crate::error::{Error, Reason};
use crate::telemetry::{self, Metrics, RpcMetrics};

/// How many calls a service runs at once. More are refused at once: waiting helps nobody.
const MAX_IN_FLIGHT: usize = 1_024;

const GRPC_STATUS: &str = "grpc-status";

/// Puts the [`Stack`] in front of handlers.
#[derive(Clone, Debug)]
pub struct StackLayer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    guard: Guard,
    in_flight: AtomicUsize,
    metrics: HashMap<String, RpcMetrics>,
}

impl StackLayer {
    /// The stack with this guard.
    pub fn new(guard: Guard, metrics: &Metrics) -> StackLayer {
        let of_rpc = guard.policy().rpcs().map(|rpc| (rpc.path.clone(), metrics.rpc(&rpc.path)));
        let metrics = of_rpc.collect();
        StackLayer { shared: Arc::new(Shared { guard, in_flight: AtomicUsize::new(0), metrics }) }
    }
}

impl<S> Layer<S> for StackLayer {
    type Service = Stack<S>;

    fn layer(&self, inner: S) -> Stack<S> {
        Stack { shared: self.shared.clone(), inner }
    }
}

/// Handlers behind everything that every call goes through.
#[derive(Clone, Debug)]
pub struct Stack<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Service<GrpcRequest> for Stack<S>
where
    S: Service<GrpcRequest, Response = GrpcResponse, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = GrpcResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<GrpcResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: GrpcRequest) -> Self::Future {
        // The instance that was polled ready must be the one that is called.
        let next = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, next);
        let span = telemetry::rpc_span(request.uri().path(), request.headers());
        Box::pin(self.shared.clone().run(ready, request).instrument(span))
    }
}

impl Shared {
    async fn run<S>(self: Arc<Self>, service: S, request: GrpcRequest) -> Result<GrpcResponse, Infallible>
    where
        S: Service<GrpcRequest, Response = GrpcResponse, Error = Infallible>,
    {
        let started = Instant::now();
        let metrics = self.metrics.get(request.uri().path());
        let response = match self.answer(service, request).await {
            Ok(response) => response,
            Err(error) => Status::from(error).into_http(),
        };
        let code = code_of(&response);
        tracing::Span::current().record("rpc.grpc.status_code", code as i32);
        if let Some(metrics) = metrics {
            metrics.observe(started.elapsed(), code);
        }
        Ok(response)
    }

    async fn answer<S>(&self, mut service: S, request: GrpcRequest) -> Result<GrpcResponse, Error>
    where
        S: Service<GrpcRequest, Response = GrpcResponse, Error = Infallible>,
    {
        // First, so that an overloaded service spends nothing on what it refuses.
        let _in_flight = InFlight::enter(&self.in_flight).ok_or_else(overloaded)?;
        // Here and not in the transport, which an in-process call does not pass.
        let time = deadline::of(request.headers());
        let work = async {
            let (mut parts, body) = request.into_parts();
            let check = self.guard.admit(&mut parts).await?;
            let body = match check {
                Some(check) => check.over(body),
                None => body,
            };
            let request = http::Request::from_parts(parts, body);
            // Innermost, so that a panic in a handler costs one call only.
            match AssertUnwindSafe(service.call(request)).catch_unwind().await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(never)) => match never {},
                Err(panic) => Err(panicked(panic.as_ref())),
            }
        };
        match tokio::time::timeout(time, work).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(Reason::DeadlineExceeded, "The call did not end in time.")),
        }
    }
}

/// A call in flight, until it is dropped. A count, since a semaphore has a lock that all calls share.
struct InFlight<'s>(&'s AtomicUsize);

impl InFlight<'_> {
    fn enter(count: &AtomicUsize) -> Option<InFlight<'_>> {
        let in_flight = InFlight(count);
        (count.fetch_add(1, Ordering::Relaxed) < MAX_IN_FLIGHT).then_some(in_flight)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn code_of(response: &http::Response<Body>) -> Code {
    response.headers().get(GRPC_STATUS).map_or(Code::Ok, |v| Code::from_bytes(v.as_bytes()))
}

fn overloaded() -> Error {
    Error::new(Reason::Overloaded, "The service has too much to do. Try again.")
        .retry_after(Duration::from_secs(1))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("not text"), "a handler panicked");
    Error::internal()
}
