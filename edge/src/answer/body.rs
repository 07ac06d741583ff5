//! The body of an answer: whole, or a stream of pieces.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use tracing::Span;

use super::refusal::{Refusal, Refused};

/// The pieces of a streamed answer, made as its client reads them. Dropping them cancels the call behind.
pub(crate) type Frames = Pin<Box<dyn Stream<Item = Result<Bytes, Refusal>> + Send>>;

/// The same with trailers at their end.
type FramesAndTrailers = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Refusal>> + Send>>;

/// The body of an answer.
pub(crate) enum Body {
    /// All of it.
    Whole(Full<Bytes>),
    /// As much as the client reads. In a box, since most answers are whole.
    Streamed(Box<Streamed>),
}

/// What a streamed answer says of a refusal before it ends.
type LastWords = Box<dyn FnOnce(&Refused) -> Bytes + Send>;

/// A streamed answer.
pub(crate) struct Streamed {
    /// `None` once they have ended.
    frames: Option<FramesAndTrailers>,
    /// They have ended too early, and the client is to notice.
    is_cut_off: bool,
    /// How the client is told instead, where the answer's form can say so.
    last_words: Option<LastWords>,
    /// What belongs to the request is seen in its span.
    span: Span,
    /// Is told how the answer ended, once.
    ended: Option<Box<dyn FnOnce(End) + Send>>,
}

/// How a streamed answer ended.
#[derive(Debug)]
pub(crate) enum End {
    /// All of it was handed to the client.
    Complete,
    /// It was cut off for this reason.
    Failed(Refusal),
    /// Its client went away, or its connection was ended.
    Disconnected,
}

/// An answer ends before all of it was said. HTTP/1.1 closes the connection without the last chunk, HTTP/2 resets
/// the stream: no client takes it for a whole answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer was cut off")]
pub(crate) struct CutOff;

impl Body {
    /// A body of these pieces.
    pub(crate) fn streamed(frames: Frames) -> Body {
        Body::of(frames.map_ok(Frame::data), None)
    }

    /// A body of these pieces, of which the last may be trailers.
    pub(crate) fn with_trailers(
        frames: impl Stream<Item = Result<Frame<Bytes>, Refusal>> + Send + 'static,
    ) -> Body {
        Body::of(frames, None)
    }

    /// A body of these pieces that says itself why it ends too early.
    pub(crate) fn streamed_to_the_end(
        frames: Frames,
        last_words: impl FnOnce(&Refused) -> Bytes + Send + 'static,
    ) -> Body {
        Body::of(frames.map_ok(Frame::data), Some(Box::new(last_words)))
    }

    fn of(
        frames: impl Stream<Item = Result<Frame<Bytes>, Refusal>> + Send + 'static,
        last_words: Option<LastWords>,
    ) -> Body {
        let frames: Option<FramesAndTrailers> = Some(Box::pin(frames));
        let span = Span::none();
        Body::Streamed(Box::new(Streamed { frames, is_cut_off: false, last_words, span, ended: None }))
    }
}

impl Streamed {
    /// Calls back when the answer has ended, however it does.
    pub(crate) fn on_end(&mut self, span: Span, ended: impl FnOnce(End) + Send + 'static) {
        self.span = span;
        self.ended = Some(Box::new(ended));
    }

    fn end(&mut self, end: End) {
        // First, so that what it holds is free when the end is told.
        self.frames = None;
        if let Some(ended) = self.ended.take() {
            let _entered = self.span.enter();
            ended(end);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if std::mem::take(&mut self.is_cut_off) {
            return Poll::Ready(Some(Err(CutOff)));
        }
        let Some(frames) = &mut self.frames else { return Poll::Ready(None) };
        let entered = self.span.clone().entered();
        // A panic costs this answer only.
        let polled = catch_unwind(AssertUnwindSafe(|| frames.as_mut().poll_next(cx)));
        drop(entered);
        let end = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                // Nobody asks for what follows trailers.
                if frame.is_trailers() {
                    self.end(End::Complete);
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Ok(Poll::Ready(None)) => {
                self.end(End::Complete);
                return Poll::Ready(None);
            }
            Ok(Poll::Ready(Some(Err(refusal)))) => refusal,
            Err(panic) => Refusal::of_panic(panic.as_ref()),
        };
        let last_words = self.last_words.take().map(|say| say(end.refused()));
        self.end(End::Failed(end));
        if let Some(last_words) = last_words {
            return Poll::Ready(Some(Ok(Frame::data(last_words))));
        }
        // What was said before leaves first: with the error, the connection throws away what it has not written.
        self.is_cut_off = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        if self.frames.is_some() {
            self.end(End::Disconnected);
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match self.get_mut() {
            Body::Whole(whole) => Pin::new(whole).poll_frame(cx).map_err(|never: Infallible| match never {}),
            Body::Streamed(streamed) => streamed.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(whole) => whole.is_end_stream(),
            Body::Streamed(streamed) => streamed.frames.is_none() && !streamed.is_cut_off,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(whole) => whole.size_hint(),
            Body::Streamed(_) => SizeHint::default(),
        }
    }
}

impl Default for Body {
    fn default() -> Body {
        Body::Whole(Full::default())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Whole(Full::from(bytes))
    }
}

impl From<Full<Bytes>> for Body {
    fn from(whole: Full<Bytes>) -> Body {
        Body::Whole(whole)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::Whole(Full::from(bytes))
    }
}
