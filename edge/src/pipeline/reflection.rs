//! Questions of tools about what can be called, over gRPC and gRPC-Web. As the OpenAPI document they are for everyone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::unfold;
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body::Frame;
use svc_core::error::{Error, Reason};
use svc_runtime::connection::RequestBody;
use tokio::time::{Instant, timeout_at};

use super::call::{OK, Outcome};
use crate::answer::{Body, Refusal};
use crate::grpc::{self, GRPC_STATUS, Messages, Protocol, Reflection};

/// How long a call may ask.
const TIME: Duration = Duration::from_secs(60);
/// How much it may ask: a tool asks for each file by itself, and there are a few dozen.
const MAX_QUESTIONS: usize = 256;
/// All questions of a call together, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// A call that asks.
struct Asking {
    protocol: Protocol,
    reflection: Arc<Reflection>,
    messages: Messages<RequestBody>,
    ends: Instant,
    /// How many more questions are answered.
    left: usize,
    outcome: Outcome,
    has_ended: bool,
}

/// Answers question after question, while the client reads.
pub(super) fn answer(
    protocol: Protocol,
    head: &Parts,
    body: RequestBody,
    reflection: Arc<Reflection>,
) -> Result<(Response<Body>, Outcome), Refusal> {
    protocol.check(head)?;
    let outcome = Outcome::default();
    let asking = Asking {
        protocol,
        reflection,
        messages: Messages::of(protocol, body, MAX_BYTES),
        ends: Instant::now() + TIME,
        left: MAX_QUESTIONS,
        outcome: outcome.clone(),
        has_ended: false,
    };
    let frames = unfold(asking, |mut asking| async move {
        let frame = asking.next().await?;
        Some((Ok(frame), asking))
    });
    Ok((grpc::answer(protocol, HeaderMap::new(), Body::with_trailers(frames)), outcome))
}

impl Asking {
    /// The answer to the next question, or the trailers at the end.
    async fn next(&mut self) -> Option<Frame<Bytes>> {
        if self.has_ended {
            return None;
        }
        let trailers = match self.answer().await {
            Ok(Some(answer)) => return Some(grpc::message(self.protocol, &answer)),
            Ok(None) => HeaderMap::from_iter([(GRPC_STATUS, OK)]),
            Err(error) => {
                let refusal = Refusal::from(error);
                let trailers = grpc::status_of(refusal.refused());
                if let Ok(mut failed) = self.outcome.lock() {
                    *failed = Some(refusal);
                }
                trailers
            }
        };
        self.has_ended = true;
        Some(grpc::trailers(self.protocol, trailers))
    }

    async fn answer(&mut self) -> Result<Option<Bytes>, Error> {
        let question = timeout_at(self.ends, self.messages.first());
        let Some(question) = question.await.map_err(|_| Error::deadline_exceeded())?? else {
            return Ok(None);
        };
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            Error::new(Reason::InvalidArgument, format!("A call has at most {MAX_QUESTIONS} questions."))
        })?;
        self.reflection.answer(question).map(Some)
    }
}
