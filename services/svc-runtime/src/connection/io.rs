//! The bytes of a connection: what is read is watched, and what cannot be written is noted.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason as H2Reason;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::frames::{Frames, goaway};
use super::metrics::Reason;

/// What a client gets back each second of what it has spent on frames. Probes and late WINDOW_UPDATEs need far less.
const REFILL_PER_SECOND: u64 = 10;
/// For each of so many bytes that it reads, a client may send one frame more: it has to tell that it read them,
/// for the stream and for the connection, and some do so every 4 KiB.
const BYTES_WRITTEN: usize = 1_024;
/// How often what comes after GOAWAY is read before others get their turn.
const DISCARDS: usize = 16;

/// A connection whose first bytes were read already, watched.
#[derive(Debug)]
pub(super) struct Watched<S> {
    /// Read already, to be read once more.
    first: Bytes,
    stream: S,
    activity: Arc<Activity>,
    /// Of HTTP/2.
    http2: Option<Http2>,
    /// The last write took less than it was given.
    blocked: bool,
    /// The client was told why the connection ends: whatever it sends is thrown away, and nothing is sent.
    lingering: bool,
}

/// What is watched of HTTP/2.
#[derive(Debug)]
struct Http2 {
    frames: Frames,
    in_head: bool,
    /// How much the client may still spend on frames that move no request on, and on heads that become none.
    budget: i32,
    most: i32,
    refilled: u64,
    written: usize,
}

impl Http2 {
    fn new(allowance: i32, now: u64) -> Http2 {
        Http2 {
            frames: Frames::new(),
            in_head: true,
            budget: allowance,
            most: allowance,
            refilled: now,
            written: 0,
        }
    }

    /// Reads on. What is wrong ends the connection.
    fn read(&mut self, bytes: &[u8], activity: &Activity) -> Result<(), Reason> {
        let cost = self.frames.read(bytes).map_err(|_| Reason::NoSettings)?;
        let in_head = self.frames.in_head();
        if in_head && (cost.head_began || !self.in_head) {
            activity.head_begins();
        } else if self.in_head && !in_head {
            activity.head_ends();
        }
        self.in_head = in_head;
        if cost.tokens > 0 {
            self.earns(activity.take_credit());
            self.budget -= cost.tokens;
        }
        match self.budget < 0 && !self.refill(activity.now()) {
            true => Err(Reason::Flood),
            false => Ok(()),
        }
    }

    fn earns(&mut self, tokens: i32) {
        self.budget = self.budget.saturating_add(tokens).min(self.most);
    }

    /// Adds what time and reading have earned. Only looked at when there is nothing left. Whether there is now.
    fn refill(&mut self, now: u64) -> bool {
        let by_time = now.saturating_sub(self.refilled) * REFILL_PER_SECOND / 1_000;
        let by_bytes = self.written / BYTES_WRITTEN;
        (self.refilled, self.written) = (now, self.written % BYTES_WRITTEN);
        self.earns(i32::try_from(by_time).unwrap_or(i32::MAX));
        self.earns(i32::try_from(by_bytes).unwrap_or(i32::MAX));
        self.budget >= 0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    pub(super) fn new(stream: S, first: Bytes, activity: Arc<Activity>) -> Watched<S> {
        Watched { first, stream, activity, http2: None, blocked: false, lingering: false }
    }

    /// Watches the frames of HTTP/2, too. So much may be spent on those that move no request on.
    pub(super) fn http2(mut self, allowance: i32) -> Watched<S> {
        self.http2 = Some(Http2::new(allowance, self.activity.now()));
        self
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let size = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first.split_to(size));
        Poll::Ready(Ok(()))
    }

    /// Tells the client why its connection ends. As well as possible: in the middle of a frame there is no way.
    fn say_why(&mut self, cx: &mut Context<'_>, reason: Reason) {
        self.lingering = true;
        self.activity.lingers(reason);
        let code = match reason {
            Reason::NoSettings => H2Reason::PROTOCOL_ERROR,
            _ => H2Reason::ENHANCE_YOUR_CALM,
        };
        let last_stream = self.http2.as_ref().map_or(0, |http2| http2.frames.last_stream());
        if !self.blocked {
            let _full_or_gone = Pin::new(&mut self.stream).poll_write(cx, &goaway(last_stream, code.into()));
        }
        let _gone = Pin::new(&mut self.stream).poll_shutdown(cx);
    }

    /// Throws away what still comes, so that closing does not reset the connection before our last frame is read.
    fn poll_discard(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        for _ in 0..DISCARDS {
            let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
            let ended = buffer.filled().len() == before;
            buffer.set_filled(before);
            if ended || outcome.is_err() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Notes what became of a write of so many bytes.
    fn wrote(&mut self, size: usize, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let taken = match &outcome {
            Poll::Pending => 0,
            Poll::Ready(Ok(taken)) => *taken,
            Poll::Ready(Err(_)) => return outcome,
        };
        if let Some(http2) = &mut self.http2 {
            http2.written = http2.written.saturating_add(taken);
        }
        let blocked = taken < size;
        // A socket that stays full makes no progress.
        if blocked != self.blocked || (blocked && taken > 0) {
            self.activity.is_blocked(blocked);
        }
        self.blocked = blocked;
        outcome
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering {
            return this.poll_discard(cx, buffer);
        }
        let before = buffer.filled().len();
        ready!(this.poll_fill(cx, buffer))?;
        let read = &buffer.filled()[before..];
        if read.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let watched = match &mut this.http2 {
            Some(http2) => http2.read(read, &this.activity),
            None => {
                this.activity.http1_bytes();
                Ok(())
            }
        };
        match watched {
            Ok(()) => Poll::Ready(Ok(())),
            Err(reason) => {
                buffer.set_filled(before);
                this.say_why(cx, reason);
                this.poll_discard(cx, buffer)
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.lingering {
            return Poll::Ready(Ok(bytes.len()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(bytes.len(), outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let size = slices.iter().map(|slice| slice.len()).sum();
        if self.lingering {
            return Poll::Ready(Ok(size));
        }
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(size, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.lingering {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.lingering {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::PREFACE;
    use crate::connection::activity::CoarseClock;
    use std::time::Duration;

    const ALLOWANCE: i32 = 4_096;
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    const HEAD: [u8; 10] = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x82];

    struct Begun {
        http2: Http2,
        activity: Activity,
        clock: CoarseClock,
    }

    fn begun() -> Begun {
        let clock = CoarseClock::default();
        let activity = Activity::new(clock.clone(), Arc::default());
        let http2 = Http2::new(ALLOWANCE, activity.now());
        let mut begun = Begun { http2, activity, clock };
        begun.read(PREFACE).unwrap();
        begun.read(&SETTINGS).unwrap();
        begun
    }

    impl Begun {
        fn read(&mut self, bytes: &[u8]) -> Result<(), Reason> {
            self.http2.read(bytes, &self.activity)
        }

        /// How many of these, one after the other, are let pass. At most 10,000 are tried.
        fn passes(&mut self, bytes: &[u8], each: impl Fn(&mut Begun)) -> usize {
            (0..10_000)
                .take_while(|_| {
                    each(self);
                    self.read(bytes).is_ok()
                })
                .count()
        }
    }

    #[test]
    fn who_only_pings_is_stopped() {
        let passed = begun().passes(&PING, |_| {});
        assert!((4_000..=ALLOWANCE as usize).contains(&passed), "{passed}");
        let pinged_slowly = begun().passes(&PING, |b| b.clock.advance(Duration::from_millis(200)));
        assert_eq!(pinged_slowly, 10_000);
    }

    #[test]
    fn who_makes_requests_or_reads_answers_may_go_on() {
        let with_requests = begun().passes(&[&HEAD[..], &PING, &PING].concat(), |b| b.activity.begins());
        assert_eq!(with_requests, 10_000);
        let while_reading = begun().passes(&[PING, PING].concat(), |b| b.http2.written += 4_096);
        assert_eq!(while_reading, 10_000);
    }

    #[test]
    fn heads_that_become_no_request_are_a_flood() {
        assert!(begun().passes(&HEAD, |_| {}) <= 512, "h2 refused them");
        let refused = |b: &mut Begun| {
            b.activity.begins();
            b.activity.refused_as_too_large();
        };
        assert!(begun().passes(&HEAD, refused) <= 64, "we refused them");
    }
}
