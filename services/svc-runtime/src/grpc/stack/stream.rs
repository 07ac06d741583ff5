//! A stream of answers on its way to its reader. What the stack promises of a call holds until it has ended:
//! the deadline ends it with DEADLINE_EXCEEDED in its trailers, a panic with INTERNAL; its slot is free, and
//! its metrics are counted, when it has ended or its reader is gone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use super::super::status;
use super::slots::{Slot, Slots};
use super::{code_of, note, panicked};
use crate::telemetry::RpcMetrics;
use svc_core::error::Error;

/// Watches over a stream until it has ended.
pub(super) fn watch(body: Body, ends: Option<Instant>, ending: Ending) -> Body {
    let span = ending.span.clone();
    let running = Running { body, ending, reader: None };
    let state = Arc::new(Mutex::new(State::Running(running)));
    // A task of its own, since nobody polls a stream whose reader takes nothing.
    let deadline =
        ends.map(|ends| AbortOnDropHandle::new(tokio::spawn(end_at(ends, Arc::downgrade(&state)))));
    Body::new(Stream { state, span, _deadline: deadline })
}

struct Stream {
    state: Arc<Mutex<State>>,
    span: Span,
    _deadline: Option<AbortOnDropHandle<()>>,
}

enum State {
    Running(Running),
    /// The stack has ended it, and its reader has not been told.
    Cut(Error),
    Ended,
}

struct Running {
    body: Body,
    ending: Ending,
    reader: Option<Waker>,
}

/// What is done when a stream has ended: it gives back its slot, and is told of.
pub(super) struct Ending {
    started: Instant,
    metrics: Option<RpcMetrics>,
    /// Whose reader is gone, unless it is said otherwise.
    code: Code,
    span: Span,
    _slot: Slot<Arc<Slots>>,
}

impl Ending {
    pub(super) fn new(
        started: Instant,
        metrics: Option<RpcMetrics>,
        slot: Slot<Arc<Slots>>,
        span: Span,
    ) -> Ending {
        Ending { started, metrics, code: Code::Cancelled, span, _slot: slot }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        note(&self.span, self.metrics.as_ref(), self.started, self.code);
    }
}

impl State {
    /// Ends it with what its handler said.
    fn end(&mut self, code: Code) {
        if let State::Running(mut running) = std::mem::replace(self, State::Ended) {
            running.ending.code = code;
        }
    }

    /// Ends it with an error of the stack. The handler's work is dropped.
    fn cut(&mut self, error: Error) -> Option<Waker> {
        if !matches!(self, State::Running(_)) {
            return None;
        }
        let code = status::code(error.reason);
        let State::Running(mut running) = std::mem::replace(self, State::Cut(error)) else { return None };
        running.ending.code = code;
        running.reader
    }

    /// The trailers of a stream that was cut off, once.
    fn trailers(&mut self) -> Option<HeaderMap> {
        let State::Cut(error) = std::mem::replace(self, State::Ended) else { return None };
        let mut trailers = HeaderMap::new();
        // Fails only for text that no header can hold, which percent-encoding leaves none of.
        let _ = status::of(error).add_header(&mut trailers);
        Some(trailers)
    }
}

async fn end_at(ends: Instant, state: Weak<Mutex<State>>) {
    sleep_until(ends).await;
    let Some(state) = state.upgrade() else { return };
    let reader = state.lock().cut(Error::deadline_exceeded());
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let _in_span = self.span.enter();
        let mut state = self.state.lock();
        if let State::Running(running) = &mut *state {
            let body = Pin::new(&mut running.body);
            match catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) {
                Ok(Poll::Pending) => {
                    match &mut running.reader {
                        Some(reader) => reader.clone_from(cx.waker()),
                        None => running.reader = Some(cx.waker().clone()),
                    }
                    return Poll::Pending;
                }
                Ok(Poll::Ready(frame)) => {
                    match &frame {
                        Some(Ok(frame)) => {
                            if let Some(trailers) = frame.trailers_ref() {
                                state.end(code_of(trailers));
                            }
                        }
                        Some(Err(status)) => state.end(status.code()),
                        // Without a word of the handler.
                        None => state.end(Code::Unknown),
                    }
                    return Poll::Ready(frame);
                }
                Err(panic) => drop(state.cut(panicked(panic.as_ref()))),
            }
        }
        Poll::Ready(state.trailers().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(*self.state.lock(), State::Ended)
    }
}
