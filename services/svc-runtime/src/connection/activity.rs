//! What one connection is doing, as its requests, its bytes and the sweeper see it.
//!
//! Times are those of the last sweep: whoever notes one reads a number, and no clock.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::task::AtomicWaker;

use super::frames::HEAD_COST;
use super::metrics::{ListenerMetrics, Reason};

/// What a request gives back when it arrives whole: what its head cost, and a few frames of control that come
/// with it.
pub(super) const REQUEST_CREDIT: i32 = HEAD_COST + 8;
/// What a piece of an answer gives back that is not its last: clients of gRPC answer a message, however small, with a
/// PING to measure the way, and with WINDOW_UPDATE.
pub(super) const PIECE_CREDIT: i32 = 2;
/// What a head that is refused for its size costs. To send one costs next to nothing, since HPACK refers to what
/// was sent before.
const TOO_LARGE_COST: i32 = 72;

/// The time of the last sweep, in milliseconds. Never 0.
#[derive(Clone, Debug)]
pub(super) struct CoarseClock(Arc<AtomicU64>);

impl Default for CoarseClock {
    fn default() -> CoarseClock {
        CoarseClock(Arc::new(AtomicU64::new(1)))
    }
}

impl CoarseClock {
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self, by: Duration) {
        self.0.fetch_add(millis(by), Ordering::Relaxed);
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a connection is told. Later ones are stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Order {
    /// Go on.
    Run,
    /// Take no new requests, and end with the last one.
    Drain,
    /// End.
    Close,
}

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) head: Duration,
    pub(super) idle: Option<Duration>,
    pub(super) write: Duration,
}

/// The period in which a piece of an answer began to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period(usize);

/// How long a client that was told to leave, and has no request in flight, may still send one that it began
/// before it knew.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long a connection that ends with GOAWAY is kept for its client to read that.
const LINGER: Duration = Duration::from_secs(1);

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    clock: CoarseClock,
    metrics: Arc<ListenerMetrics>,
    /// Requests whose head has arrived and whose answer is not written.
    in_flight: AtomicU32,
    /// There has been a request.
    requested: AtomicBool,
    /// Bodies that wait for their client.
    awaited: AtomicU32,
    /// Bodies of requests that are answered, read to be thrown away.
    discarded: AtomicU32,
    /// Answers a piece of which waits to be taken, by the period in which it began to wait: whatever is left of
    /// the period before when this one ends has waited for all of this one.
    offered: [AtomicU32; 2],
    period: AtomicUsize,
    period_since: AtomicU64,
    /// The bytes of answers that were not taken.
    unread: AtomicUsize,
    /// The socket takes no more bytes.
    blocked: AtomicBool,
    /// When a request last began, ended, or moved on.
    progress: AtomicU64,
    /// Since when a head is under way. 0: none is.
    head_since: AtomicU64,
    leaving_since: AtomicU64,
    lingering_since: AtomicU64,
    /// What requests give to, and take from, the budget of frames.
    credit: AtomicI32,
    order: AtomicU8,
    task: AtomicWaker,
}

impl Activity {
    pub(super) fn new(clock: CoarseClock, metrics: Arc<ListenerMetrics>) -> Activity {
        let now = clock.now();
        Activity {
            clock,
            metrics,
            in_flight: AtomicU32::new(0),
            requested: AtomicBool::new(false),
            awaited: AtomicU32::new(0),
            discarded: AtomicU32::new(0),
            offered: Default::default(),
            period: AtomicUsize::new(0),
            period_since: AtomicU64::new(now),
            unread: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
            progress: AtomicU64::new(now),
            head_since: AtomicU64::new(now),
            leaving_since: AtomicU64::new(0),
            lingering_since: AtomicU64::new(0),
            credit: AtomicI32::new(0),
            order: AtomicU8::new(Order::Run as u8),
            task: AtomicWaker::new(),
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// A request has arrived.
    pub(super) fn begins(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.requested.store(true, Ordering::Relaxed);
        self.credit.fetch_add(REQUEST_CREDIT, Ordering::Relaxed);
        self.progresses();
    }

    /// Its answer is written, or nobody wants it any more.
    pub(super) fn ends(&self) {
        self.progresses();
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// A piece of an answer was taken, and another one is asked for.
    pub(super) fn reads_on(&self) {
        self.credit.fetch_add(PIECE_CREDIT, Ordering::Relaxed);
    }

    /// A head was refused for its size.
    pub(super) fn refused_as_too_large(&self) {
        self.credit.fetch_sub(TOO_LARGE_COST, Ordering::Relaxed);
    }

    pub(super) fn take_credit(&self) -> i32 {
        self.credit.swap(0, Ordering::Relaxed)
    }

    pub(super) fn progresses(&self) {
        self.progress.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn awaits_body(&self) {
        self.awaited.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn awaits_body_no_more(&self) {
        self.awaited.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn discards_body(&self) {
        self.discarded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn discards_body_no_more(&self) {
        self.discarded.fetch_sub(1, Ordering::Relaxed);
    }

    /// A piece of an answer waits to be taken, from this period on.
    pub(super) fn offers(&self) -> Period {
        let period = self.period.load(Ordering::Relaxed);
        self.offered[period].fetch_add(1, Ordering::Relaxed);
        Period(period)
    }

    pub(super) fn offer_ends(&self, Period(period): Period) {
        self.offered[period].fetch_sub(1, Ordering::Relaxed);
        self.progresses();
    }

    /// How many answers wait to be taken.
    fn offered(&self) -> u32 {
        self.offered.iter().map(|offered| offered.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn answer_waits(&self, bytes: usize) {
        self.unread.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn answer_taken(&self, bytes: usize) {
        self.unread.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn unread(&self) -> usize {
        self.unread.load(Ordering::Relaxed)
    }

    pub(super) fn is_blocked(&self, blocked: bool) {
        self.progresses();
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    /// A head begins, or the first one of several.
    pub(super) fn head_begins(&self) {
        self.head_since.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn head_ends(&self) {
        self.head_since.store(0, Ordering::Relaxed);
    }

    /// Bytes of HTTP/1.1 came: when they are no body, they are the next head.
    pub(super) fn http1_bytes(&self) {
        let is_body = self.in_flight() || self.discarded.load(Ordering::Relaxed) > 0;
        if !is_body && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_begins();
        }
    }

    /// The client was told why the connection ends, and has a moment to read that.
    pub(super) fn lingers(&self, reason: Reason) {
        self.metrics.count(reason);
        self.lingering_since.store(self.now(), Ordering::Relaxed);
    }

    /// Tells the connection's task. Says whether that is news.
    pub(super) fn tell(&self, order: Order) -> bool {
        let news = self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8;
        if news {
            if order == Order::Drain {
                self.leaving_since.store(self.now(), Ordering::Relaxed);
            }
            self.task.wake();
        }
        news
    }

    /// Tells the connection's task, and counts why.
    pub(super) fn tell_for(&self, order: Order, reason: Reason) {
        if self.tell(order) {
            self.metrics.count(reason);
        }
    }

    /// Waits for an order that is stronger than what is known.
    pub(super) async fn told_more_than(&self, known: Order) -> Order {
        poll_fn(|cx| {
            self.task.register(cx.waker());
            match self.order.load(Ordering::Acquire) {
                order if order <= known as u8 => Poll::Pending,
                order if order == Order::Drain as u8 => Poll::Ready(Order::Drain),
                _ => Poll::Ready(Order::Close),
            }
        })
        .await
    }

    pub(super) fn in_flight(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    #[cfg(test)]
    pub(super) fn told(&self) -> u8 {
        self.order.load(Ordering::Relaxed)
    }

    /// Whether there has been a request.
    pub(super) fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Since when nothing has moved, when that is not for us to do: everything in flight waits for the client.
    pub(super) fn idle_since(&self) -> Option<u64> {
        (!self.waits_for_us()).then(|| self.progress.load(Ordering::Relaxed))
    }

    fn waits_for_us(&self) -> bool {
        let load = |count: &AtomicU32| count.load(Ordering::Relaxed);
        load(&self.in_flight) > load(&self.awaited) + self.offered()
    }

    /// How many answers have waited for all of the period that ends now. None when the socket is full: then
    /// each waits for the others.
    fn end_period(&self) -> u32 {
        let before = 1 - self.period.load(Ordering::Relaxed);
        self.period.store(before, Ordering::Relaxed);
        self.period_since.store(self.now(), Ordering::Relaxed);
        match self.blocked.load(Ordering::Relaxed) {
            true => 0,
            false => self.offered[before].load(Ordering::Relaxed),
        }
    }

    /// What is to be done about this connection now.
    pub(super) fn judge(&self, timeouts: &Timeouts) {
        let load = |time: &AtomicU64| time.load(Ordering::Relaxed);
        let now = self.now();
        let over = |since: u64, limit: Duration| now.saturating_sub(since) >= millis(limit);
        let (head, leaving, lingering) =
            (load(&self.head_since), load(&self.leaving_since), load(&self.lingering_since));
        let progress = load(&self.progress);
        let unread = self.offered() > 0 || self.blocked.load(Ordering::Relaxed);
        let stalled = if over(load(&self.period_since), timeouts.write) { self.end_period() } else { 0 };
        if lingering > 0 {
            if over(lingering, LINGER) {
                self.tell(Order::Close);
            }
        } else if head > 0 && over(head, timeouts.head) {
            self.tell_for(Order::Close, Reason::HeadTimeout);
        } else if stalled > 0 || (unread && over(progress, timeouts.write)) {
            // What else is in flight may end, in as much time again.
            let others = match stalled {
                0 => self.waits_for_us(),
                _ => self.in_flight.load(Ordering::Relaxed) > stalled,
            };
            match others && (leaving == 0 || !over(leaving, timeouts.write)) {
                true => _ = self.tell(Order::Drain),
                false => self.tell_for(Order::Close, Reason::WriteTimeout),
            }
        } else if self.in_flight() || unread {
            // Bodies and handlers have times of their own, and so has who reads.
        } else if leaving > 0 {
            if over(progress.max(leaving), GOODBYE) {
                self.tell(Order::Close);
            }
        } else if timeouts.idle.is_some_and(|idle| over(progress, idle)) {
            self.tell_for(Order::Drain, Reason::Idle);
        }
    }
}

#[cfg(test)]
mod tests;
