//! `Authorize` within the process: a typed call in place of the RPC, which keeps what the stack promises of a call.
//! Its span and its metrics tell of every question. A deadline and a slot are for those that wait: what memory
//! decides has ended before it could be late or in the way. A panic is for the caller to catch, which has a guard
//! of its own; here it is counted.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tonic::Code;
use tracing::{Instrument, Span};

use super::{Kind, Shared};
use crate::authorize::{AUTHORIZE, Answer, Asked, Authorize, NoDecision, Question};
use crate::telemetry::{self, RpcMetrics};

/// The credential check of a service of this process.
pub(super) struct InProcess {
    shared: Arc<Shared>,
    metrics: Option<RpcMetrics>,
    check: Arc<dyn Authorize>,
}

impl InProcess {
    pub(super) fn new(shared: Arc<Shared>, check: Arc<dyn Authorize>) -> InProcess {
        let metrics = shared.rpcs.get(AUTHORIZE).map(|rpc| rpc.metrics.clone());
        InProcess { shared, metrics, check }
    }
}

impl Authorize for InProcess {
    fn ask<'a>(&'a self, question: &Question<'_>, time: Duration) -> Asked<'a> {
        let span = telemetry::rpc_span_of(AUTHORIZE, None);
        let mut call = Call { metrics: self.metrics.as_ref(), span, started: Instant::now(), ended: false };
        let asked = call.span.in_scope(|| self.check.ask(question, time));
        let waiting = match asked {
            Asked::Answered(answer) => return Asked::Answered(call.end(answer)),
            Asked::Waiting(waiting) => waiting,
        };
        let Some(slot) = self.shared.slots.take(Kind::Unary) else {
            return Asked::Answered(call.end(Err(NoDecision::TooMany)));
        };
        let span = call.span.clone();
        let answer = async move {
            let answer = timeout(time, waiting).await.unwrap_or(Err(NoDecision::TooLate));
            drop(slot);
            call.end(answer)
        };
        Asked::Waiting(Box::pin(answer.instrument(span)))
    }
}

/// A question that is being decided.
struct Call<'a> {
    metrics: Option<&'a RpcMetrics>,
    span: Span,
    started: Instant,
    ended: bool,
}

impl Call<'_> {
    fn end(&mut self, answer: Result<Answer, NoDecision>) -> Result<Answer, NoDecision> {
        self.note(answer.as_ref().map_or_else(|no_decision| code(*no_decision), |_| Code::Ok));
        answer
    }

    fn note(&mut self, code: Code) {
        self.ended = true;
        super::note(&self.span, self.metrics, self.started, code);
    }
}

/// Of a caller that has left nothing is told, as with any call.
impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.ended && thread::panicking() {
            self.note(Code::Internal);
        }
    }
}

/// As the RPC would say it. A refusal is an answer.
fn code(no_decision: NoDecision) -> Code {
    match no_decision {
        NoDecision::Undecided | NoDecision::TooMany | NoDecision::Away => Code::Unavailable,
        NoDecision::TooLate => Code::DeadlineExceeded,
        NoDecision::Unusable(_) => Code::Internal,
    }
}
