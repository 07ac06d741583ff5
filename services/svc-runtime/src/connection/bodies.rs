//! Requests and answers as their connection sees them: who waits for whom.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::activity::{Activity, Period};

/// The largest piece of an answer that is handed over at once. What is not yet taken stays with us, where it
/// is seen that nobody takes it.
const PIECE: usize = 16 * 1024;

/// A request in flight, until its answer is written.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(super) fn new(activity: Arc<Activity>) -> InFlight {
        activity.begins();
        InFlight(activity)
    }

    /// The answer, which keeps the request in flight.
    pub(super) fn answer<B: Body<Data = Bytes>>(self, response: Response<B>) -> Response<Answer<B>> {
        if response.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
            self.0.refused_as_too_large();
        }
        response.map(|inner| {
            let size = inner.size_hint().exact().and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
            self.0.answer_waits(size);
            let waiting = Waiting { in_flight: self, offered: None, unread: size };
            Answer { inner, rest: Bytes::new(), waiting: Some(waiting) }
        })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.ends();
    }
}

/// The body of a request.
#[derive(Debug)]
pub struct RequestBody {
    inner: Incoming,
    activity: Arc<Activity>,
    awaited: bool,
    answered: bool,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, activity: Arc<Activity>) -> RequestBody {
        RequestBody { inner, activity, awaited: false, answered: false }
    }

    /// The request is answered: what still comes of its body is only read to be thrown away.
    pub fn answered(mut self) -> RequestBody {
        self.awaited(false);
        if !self.answered {
            self.answered = true;
            self.activity.discards_body();
        }
        self
    }

    fn awaited(&mut self, awaited: bool) {
        match (self.awaited, awaited) {
            (false, true) => self.activity.awaits_body(),
            (true, false) => self.activity.awaits_body_no_more(),
            _ => {}
        }
        self.awaited = awaited;
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if !self.answered {
            self.awaited(polled.is_pending());
            if polled.is_ready() {
                self.activity.progresses();
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.awaited(false);
        if self.answered {
            self.activity.discards_body_no_more();
        }
    }
}

/// An answer that is not written, as its connection counts it. Its request is in flight for so long.
#[derive(Debug)]
struct Waiting {
    in_flight: InFlight,
    /// The size of the piece that was handed over last, unless it is known to be taken, and since when it waits.
    offered: Option<(usize, Period)>,
    /// How much is counted as not taken: all of an answer whose size is known, else what we hold of it.
    unread: usize,
}

impl Waiting {
    fn holds(&mut self, size: usize) {
        let uncounted = size.saturating_sub(self.unread);
        self.unread += uncounted;
        self.in_flight.0.answer_waits(uncounted);
    }

    fn offers(&mut self, size: usize) {
        self.offered = Some((size, self.in_flight.0.offers()));
    }

    /// Whether there was a piece to take.
    fn taken(&mut self) -> bool {
        let Some((size, period)) = self.offered.take() else { return false };
        self.unread -= size;
        self.in_flight.0.answer_taken(size);
        self.in_flight.0.offer_ends(period);
        true
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.taken();
        self.in_flight.0.answer_taken(self.unread);
    }
}

/// A piece of an answer. The last one keeps its request in flight until it is written or thrown away, wherever
/// it waits for that.
#[derive(Debug)]
pub(super) struct Piece {
    data: Bytes,
    _waiting: Option<Waiting>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.data.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.data
    }

    fn advance(&mut self, count: usize) {
        self.data.advance(count);
    }
}

/// The body of an answer, handed over in pieces.
#[derive(Debug)]
pub(super) struct Answer<B> {
    inner: B,
    /// What is left of what `inner` has given.
    rest: Bytes,
    /// `None` once the last piece has it.
    waiting: Option<Waiting>,
}

impl<B: Body<Data = Bytes> + Unpin> Answer<B> {
    fn piece(&mut self) -> Piece {
        let size = self.rest.len().min(PIECE);
        let data = self.rest.split_to(size);
        if let Some(waiting) = &mut self.waiting {
            waiting.offers(size);
        }
        let is_last = self.rest.is_empty() && self.inner.is_end_stream();
        Piece { data, _waiting: if is_last { self.waiting.take() } else { None } }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Piece;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, B::Error>>> {
        // Whoever asks for the next piece has taken the last one, or begins to.
        if let Some(waiting) = &mut self.waiting
            && waiting.taken()
        {
            waiting.in_flight.0.reads_on();
        }
        if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if let Some(waiting) = &mut self.waiting {
                            waiting.holds(data.len());
                        }
                        self.rest = data;
                    }
                    Err(trailers) => {
                        let trailers = trailers.map_data(|data| Piece { data, _waiting: None });
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let piece = self.piece();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.size_hint();
        let rest = self.rest.len() as u64;
        let mut whole = SizeHint::new();
        whole.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::activity::{CoarseClock, PIECE_CREDIT, REQUEST_CREDIT};
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn answers_are_whole_and_counted_until_they_are_taken() {
        for size in [0, 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let activity = Arc::new(Activity::new(CoarseClock::default(), Arc::default()));
            let sent = Bytes::from(vec![7; size]);
            let response = InFlight::new(activity.clone()).answer(Response::new(Full::new(sent.clone())));
            let mut answer = response.into_body();
            assert_eq!(answer.size_hint().exact(), Some(size as u64));
            assert_eq!(activity.unread(), size);
            assert_eq!(answer.is_end_stream(), size == 0);
            let mut got = Vec::new();
            while let Some(frame) = answer.frame().await {
                let piece = frame.unwrap().into_data().unwrap();
                assert!((1..=PIECE).contains(&piece.remaining()));
                assert_eq!(activity.unread(), size - got.len(), "it is offered and not taken");
                got.extend_from_slice(piece.chunk());
                assert_eq!(answer.is_end_stream(), got.len() == size);
            }
            assert_eq!(got, sent);
            drop(answer);
            assert_eq!((activity.unread(), activity.idle_since().is_some()), (0, true));
            let pieces = i32::try_from(size.div_ceil(PIECE)).unwrap();
            let credit = REQUEST_CREDIT + PIECE_CREDIT * (pieces - 1).max(0);
            assert_eq!(activity.take_credit(), credit, "for all but the last piece");
        }
    }

    #[tokio::test]
    async fn the_last_piece_keeps_its_request_in_flight() {
        let activity = Arc::new(Activity::new(CoarseClock::default(), Arc::default()));
        let sent = Full::new(Bytes::from_static(b"answer"));
        let mut answer = InFlight::new(activity.clone()).answer(Response::new(sent)).into_body();
        activity.begins();
        let mut piece = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        drop(answer);
        activity.ends();
        piece.advance(3);
        assert_eq!((piece.chunk(), activity.unread()), (&b"wer"[..], 6));
        assert!(activity.in_flight());
        drop(piece);
        assert!(activity.unread() == 0 && !activity.in_flight());
    }
}
