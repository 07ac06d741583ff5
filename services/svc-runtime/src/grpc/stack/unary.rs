//! Calls of one message in each direction by their bytes. No HTTP is around them, so the deadline is kept to the
//! moment, and the message is checked where it lies. All else is as for any call.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures::{FutureExt, poll};
use keyward_proto::dispatch;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Response, Status};
use tracing::Instrument;

use super::{KnownRpc, Shared, StackLayer, note, panicked};
use crate::grpc::{Call, status};
use crate::telemetry;
use svc_core::error::Error;

/// A method behind the stack. Its rule and its metrics are looked up once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StackMethod {
    shared: Arc<Shared>,
    rpc: Arc<KnownRpc>,
    method: dispatch::Method,
}

impl StackLayer {
    /// These methods behind the stack, by path. One of which no rule says who may call it is left out.
    pub(crate) fn methods(&self, methods: &[dispatch::Method]) -> HashMap<&'static str, StackMethod> {
        let known = methods.iter().filter_map(|method| Some((method.path(), self.method(method)?)));
        known.collect()
    }

    pub(super) fn method(&self, method: &dispatch::Method) -> Option<StackMethod> {
        let rpc = self.shared.rpcs.get(method.path())?.clone();
        Some(StackMethod { shared: self.shared.clone(), rpc, method: method.clone() })
    }
}

impl StackMethod {
    /// `/package.Service/Method`.
    pub(crate) fn path(&self) -> &'static str {
        self.method.path()
    }

    /// Calls it. A call that comes from another process brings the context of its trace along.
    pub(crate) async fn call(
        &self,
        call: Call,
        traceparent: Option<&str>,
    ) -> Result<Response<Bytes>, Status> {
        let (span, started) = (telemetry::rpc_span_of(self.path(), traceparent), Instant::now());
        let answer = by(call.ends, self.answer(call)).instrument(span.clone()).await;
        let answer = answer.unwrap_or_else(|| Err(status::of(Error::deadline_exceeded())));
        let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
        note(&span, Some(&self.rpc.metrics), started, code);
        answer
    }

    async fn answer(&self, call: Call) -> Result<Response<Bytes>, Status> {
        let StackMethod { shared, rpc, method } = self;
        let check = || shared.guard.admit(&rpc.rule, &call.caller);
        let (_slot, admitted) = shared.admit(rpc.kind, check).await.map_err(status::of)?;
        if let Some(check) = admitted.check {
            check.check_only(&call.message).map_err(status::of)?;
        }
        let request = call.into_local(admitted.principal);
        match AssertUnwindSafe(async { method.call(request).await }).catch_unwind().await {
            Ok(answer) => answer,
            Err(panic) => Err(status::of(panicked(panic.as_ref()))),
        }
    }
}

/// What is answered by then. What is there at once pays for no timer.
async fn by<T>(ends: Instant, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    match poll!(answer.as_mut()) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => timeout_at(ends, answer).await.ok(),
    }
}
