//! The stack in front of every handler, the same for calls over HTTP/2 and for those by bytes ([`unary`]), which
//! are made within the process. From the outside in:
//!
//! 1. the span and the metrics, which tell of every call, refused ones included;
//! 2. the deadline, which whatever follows has to keep, waiting for a key included;
//! 3. the slots: an overloaded service spends nothing on what it refuses;
//! 4. the guard: the rule of the RPC and the principal;
//! 5. the check of its messages: the agent, and the permissions that hang on a field;
//! 6. the guard against panics, so that one in a handler costs its call only.
//!
//! All of it lasts until the last message of a stream ([`stream`]). `tests/order.rs` holds the order.

mod authorize;
mod slots;
mod stream;
#[cfg(test)]
mod tests;
mod unary;

use std::any::Any;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use http::HeaderMap;
use http_body::Body as _;
use tokio::time::{Instant, timeout_at};
use tonic::Code;
use tower::{Layer, Service};
use tracing::{Instrument, Span};

use super::guard::{Admission, Admitted};
use super::{GrpcRequest, GrpcResponse, Guard, deadline, status};
use crate::authorize::Authorize;
use crate::telemetry::{self, Metrics, RpcMetrics};
use crate::token;
use slots::{Slot, Slots};
use stream::Ending;
use svc_core::error::{Error, Reason, panic_text};
use svc_core::policy::{MAX_DEADLINE, Rpc};
pub use unary::StackMethod;

const GRPC_STATUS: &str = "grpc-status";
/// The one long-lived stream that no policy of ours names.
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Puts the [`Stack`] in front of handlers.
#[derive(Clone, Debug)]
pub struct StackLayer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    guard: Guard,
    slots: Arc<Slots>,
    rpcs: HashMap<String, Arc<KnownRpc>>,
}

/// What the stack needs to know of an RPC of the policy.
#[derive(Debug)]
struct KnownRpc {
    rule: Arc<Rpc>,
    kind: Kind,
    metrics: RpcMetrics,
}

/// How long a call may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Until its one answer.
    Unary,
    /// Until the last answer, within the deadline.
    Stream,
    /// As long as its caller wants it, who is another part of Keyward.
    LongLived,
    /// As long as its caller wants it, who is anyone.
    HealthWatch,
}

impl Kind {
    fn of(rpc: &Rpc) -> Kind {
        match rpc.method.is_server_streaming() {
            false => Kind::Unary,
            true if rpc.long_lived => Kind::LongLived,
            true => Kind::Stream,
        }
    }

    /// Of a path that the policy does not know.
    fn of_unknown(path: &str) -> Kind {
        match path {
            HEALTH_WATCH => Kind::HealthWatch,
            _ => Kind::Stream,
        }
    }

    /// How much time a call has from its beginning to its end.
    fn time(self, headers: &HeaderMap) -> Option<Duration> {
        match self {
            Kind::Unary | Kind::Stream => Some(deadline::of_service(headers)),
            Kind::LongLived | Kind::HealthWatch => deadline::of_long_lived(headers),
        }
    }
}

impl StackLayer {
    /// The stack with this guard.
    pub fn new(guard: Guard, metrics: &Metrics) -> StackLayer {
        let rpcs = guard.policy().rpcs().map(|rpc| {
            let known = KnownRpc { rule: rpc.clone(), kind: Kind::of(rpc), metrics: metrics.rpc(&rpc.path) };
            (rpc.path.clone(), Arc::new(known))
        });
        let rpcs = rpcs.collect();
        StackLayer { shared: Arc::new(Shared { guard, slots: Arc::default(), rpcs }) }
    }

    /// The credential check of a service of this process: the same questions as over its RPC, counted with its
    /// calls, without their messages.
    pub fn authorize(&self, check: Arc<dyn Authorize>) -> Arc<dyn Authorize> {
        Arc::new(authorize::InProcess::new(self.shared.clone(), check))
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
        let is_known = |path: &str| self.shared.guard.knows(path);
        let span = telemetry::rpc_span(request.uri().path(), is_known, request.headers());
        Box::pin(self.shared.clone().run(ready, request).instrument(span))
    }
}

impl Shared {
    async fn run<S>(self: Arc<Self>, service: S, request: GrpcRequest) -> Result<GrpcResponse, Infallible>
    where
        S: Service<GrpcRequest, Response = GrpcResponse, Error = Infallible>,
    {
        let started = Instant::now();
        let path = request.uri().path();
        let rpc = self.rpcs.get(path).map(Arc::as_ref);
        let kind = rpc.map_or_else(|| Kind::of_unknown(path), |rpc| rpc.kind);
        // Here and not in the transport, which an in-process call does not pass.
        let ends = kind.time(request.headers()).map(|time| started + time);
        // What lives long begins as soon as any other call.
        let begins = ends.unwrap_or(started + MAX_DEADLINE);
        let answer = timeout_at(begins, self.answer(rpc, kind, service, request)).await;
        let metrics = rpc.map(|rpc| &rpc.metrics);
        let response = match answer.unwrap_or_else(|_| Err(Error::deadline_exceeded())) {
            Ok((response, slot)) if kind != Kind::Unary && !response.body().is_end_stream() => {
                let slot = slot.keep(&self.slots);
                let ending = Ending::new(started, metrics.cloned(), slot, Span::current());
                return Ok(response.map(|body| stream::watch(body, ends, ending)));
            }
            Ok((response, _slot)) => response,
            Err(error) => status::of(error).into_http(),
        };
        note(&Span::current(), metrics, started, code_of(response.headers()));
        Ok(response)
    }

    async fn answer<S>(
        &self,
        rpc: Option<&KnownRpc>,
        kind: Kind,
        mut service: S,
        request: GrpcRequest,
    ) -> Result<(GrpcResponse, Slot<&Slots>), Error>
    where
        S: Service<GrpcRequest, Response = GrpcResponse, Error = Infallible>,
    {
        let (mut parts, body) = request.into_parts();
        let rule = rpc.map(|rpc| &*rpc.rule);
        let (slot, admitted) = self.admit(kind, || self.guard.admit_http(rule, &parts)).await?;
        if let Some(principal) = admitted.principal {
            parts.extensions.insert(principal);
        }
        let body = match admitted.check {
            Some(check) => check.over(body),
            None => body,
        };
        let request = http::Request::from_parts(parts, body);
        match AssertUnwindSafe(service.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok((response, slot)),
            Ok(Err(never)) => match never {},
            Err(panic) => Err(panicked(panic.as_ref())),
        }
    }

    /// Takes a slot, and checks the call. One that has to wait for a key, which may be made up, has no slot
    /// meanwhile.
    async fn admit(
        &self,
        kind: Kind,
        check: impl Fn() -> Result<Admission, Error>,
    ) -> Result<(Slot<&Slots>, Admitted), Error> {
        let slot = self.slots.take(kind).ok_or_else(overloaded)?;
        let key = match check()? {
            Admission::Admitted(admitted) => return Ok((slot, admitted)),
            Admission::UnknownKey(key) => key,
        };
        drop(slot);
        self.guard.learn(&key).await?;
        let slot = self.slots.take(kind).ok_or_else(overloaded)?;
        match check()? {
            Admission::Admitted(admitted) => Ok((slot, admitted)),
            Admission::UnknownKey(_) => Err(token::bad()),
        }
    }
}

/// Tells the span and the metrics what became of a call.
fn note(span: &Span, metrics: Option<&RpcMetrics>, started: Instant, code: Code) {
    span.record("rpc.grpc.status_code", code as i32);
    if let Some(metrics) = metrics {
        metrics.observe(started.elapsed(), code);
    }
}

/// The code in a head, or in trailers.
fn code_of(headers: &HeaderMap) -> Code {
    headers.get(GRPC_STATUS).map_or(Code::Ok, |v| Code::from_bytes(v.as_bytes()))
}

/// There is no room for one call more.
pub(super) fn overloaded() -> Error {
    Error::new(Reason::Overloaded, "The service has too much to do. Try again.")
        .retry_after(Duration::from_secs(1))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    tracing::error!(panic = panic_text(panic), "a handler panicked");
    Error::internal()
}
