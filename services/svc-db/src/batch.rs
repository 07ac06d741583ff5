//! Questions to the database that arrive together, asked as one.
//!
//! A batch is made of what waits anyway, never by waiting: a question that finds no statement under way lets
//! those go on once that are ready in the same moment, and when none of them asks, too, it is asked by itself,
//! on the task of who asks; those that arrive meanwhile are the next batch, in the order in which they came. So
//! one who is alone pays next to nothing for the others, and the more there are, the less each costs: one
//! statement, one round trip or hop to a thread, one connection.
//!
//! Each who asks keeps what is promised to one who asks alone. Whoever goes away before the statement is
//! sent, is not in it. When a statement fails that others are in as well, each is asked by itself where that
//! can do no harm, so that what is wrong with one fails that one only.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use svc_runtime::telemetry::Metrics;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use crate::connections::Lease;
use crate::query::trace;
use crate::{Db, DbError, Dialect};

/// The most questions of one statement: enough that its own cost is little for each, few enough that the
/// first of them does not wait long for the last, and that their rows go through sqlx's buffer of 50.
const MAX_TOGETHER: usize = 48;
/// The most questions that wait. Whoever finds so many is refused at once: with 48 at a time and a
/// millisecond for each statement, the last of them would wait for 85 ms.
const MAX_WAITING: usize = 4_096;
/// A statement that takes longer than one in so many of the patience is slow: it is not waited for by those that
/// arrive after it, since it may never end, as on a connection to a server that is gone.
const SLOW: u32 = 10;
/// The most statements under way. There is one, unless it is [slow](SLOW).
const LANES: usize = 2;

/// Questions of one kind.
pub trait Questions<D: Dialect>: Send + Sync + 'static {
    /// What is asked.
    type Question: Send + Sync + 'static;
    /// What is answered to one question. What is wrong with one row only belongs in here.
    type Answer: Send + 'static;
    /// Whether asking changes nothing, so that it may be done again.
    const READS: bool;

    /// Asks one question.
    fn one(
        &self,
        connection: &mut D::Connection,
        question: &Self::Question,
    ) -> impl Future<Output = Result<Self::Answer, DbError>> + Send;

    /// Asks several in one statement, and gives an answer to each, in their order.
    fn many(
        &self,
        connection: &mut D::Connection,
        questions: &[Self::Question],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, DbError>> + Send;
}

/// Asks the questions of one kind.
pub struct Batcher<D: Dialect, Q: Questions<D>>(Arc<Shared<D, Q>>);

struct Shared<D: Dialect, Q: Questions<D>> {
    db: Db<D>,
    questions: Q,
    /// How long a statement of several may take.
    patience: Duration,
    state: Mutex<State<D, Q>>,
    /// Statements of several questions.
    batches: Counter,
    /// The questions in them.
    batched: Counter,
    /// Questions that found too many others.
    refused: Counter,
}

struct State<D: Dialect, Q: Questions<D>> {
    waiting: VecDeque<Waiting<D, Q>>,
    /// Since when each statement is under way.
    lanes: [Option<Instant>; LANES],
    /// After which one is slow.
    slow: Duration,
}

struct Waiting<D: Dialect, Q: Questions<D>> {
    question: Q::Question,
    reply: oneshot::Sender<Reply<Q::Question, Q::Answer>>,
}

impl<D: Dialect, Q: Questions<D>> Waiting<D, Q> {
    fn new(question: Q::Question) -> (Waiting<D, Q>, Told<D, Q>) {
        // The span is that of who asks, in whose time it is asked.
        trace::<D>("SELECT");
        let (reply, answer) = oneshot::channel();
        (Waiting { question, reply }, answer)
    }
}

/// Where who waits is told what becomes of the question.
type Told<D, Q> = oneshot::Receiver<Reply<<Q as Questions<D>>::Question, <Q as Questions<D>>::Answer>>;

/// What becomes of a question that waited.
enum Reply<Q, A> {
    /// It was asked.
    Asked(Result<A, DbError>),
    /// It is to be asked by itself.
    Alone(Q),
}

// Written out because a derive would ask the engine itself to be `Debug`.
impl<D: Dialect, Q: Questions<D>> fmt::Debug for Batcher<D, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batcher")
    }
}

impl<D: Dialect, Q: Questions<D>> Batcher<D, Q> {
    /// `name` is how metrics call it. A statement of several is given up after `patience`.
    pub fn new(db: Db<D>, questions: Q, name: &str, patience: Duration, metrics: &Metrics) -> Batcher<D, Q> {
        let (batches, batched, refused) = <(Counter, Counter, Counter)>::default();
        metrics.register(|registry| {
            let help = "Statements that asked several questions at once";
            registry.register(format!("{name}_batches"), help, batches.clone());
            let help = "Questions that were asked in such a statement";
            registry.register(format!("{name}_batched"), help, batched.clone());
            let help = "Questions that were refused since too many waited";
            registry.register(format!("{name}_batches_refused"), help, refused.clone());
        });
        let state =
            Mutex::new(State { waiting: VecDeque::new(), lanes: [None; LANES], slow: patience / SLOW });
        Batcher(Arc::new(Shared { db, questions, patience, state, batches, batched, refused }))
    }

    /// Asks a question. It is in no statement that is sent after this was dropped.
    pub async fn ask(&self, question: Q::Question) -> Result<Q::Answer, DbError> {
        let (lane, queued) = self.enter(question);
        let mut answer = match queued {
            Queued::Next(question) => {
                // Requests come by the dozen when sockets are looked at: who is the first of them would ask for itself,
                // and all others wait for that.
                yield_now().await;
                match self.join(question) {
                    Ok(answer) => answer,
                    Err(question) => {
                        // Whatever comes of it, those that arrive meanwhile have their turn then.
                        let _lane = lane;
                        return self.0.alone(&question).await;
                    }
                }
            }
            Queued::Waits(answer) => answer,
            Queued::Refused => return Err(sqlx::Error::PoolTimedOut.into()),
        };
        drop(lane);
        match (&mut answer).await {
            Ok(Reply::Asked(answer)) => answer,
            Ok(Reply::Alone(question)) => self.0.alone(&question).await,
            // The runtime ends.
            Err(_) => Err(sqlx::Error::PoolClosed.into()),
        }
    }

    fn enter(&self, question: Q::Question) -> Entered<D, Q> {
        let now = Instant::now();
        let mut state = self.0.state.lock();
        let lane = state.take_lane(now);
        let queued = match state.waiting.len() {
            0 if lane.is_some() => Queued::Next(question),
            MAX_WAITING.. => Queued::Refused,
            _ => {
                let (waiting, answer) = Waiting::new(question);
                state.waiting.push_back(waiting);
                Queued::Waits(answer)
            }
        };
        drop(state);
        if matches!(queued, Queued::Refused) {
            self.0.refused.inc();
        }
        (lane.map(|index| Lane { shared: self.0.clone(), index: Some(index), asks: false }), queued)
    }

    /// Puts a question whose turn it is before those that have come meanwhile, or gives it back: there are none.
    fn join(&self, question: Q::Question) -> Result<Told<D, Q>, Q::Question> {
        let mut state = self.0.state.lock();
        if state.waiting.is_empty() {
            return Err(question);
        }
        let (waiting, answer) = Waiting::new(question);
        state.waiting.push_front(waiting);
        Ok(answer)
    }

    /// How many statements asked several questions, and how many questions these were.
    #[cfg(any(test, feature = "testing"))]
    pub fn batches(&self) -> (u64, u64) {
        (self.0.batches.get(), self.0.batched.get())
    }
}

/// What a question has found: the lane, if it was free, and where it stands.
type Entered<D, Q> = (Option<Lane<D, Q>>, Queued<<Q as Questions<D>>::Question, <Q as Questions<D>>::Answer>);

/// Where a question stands.
enum Queued<Q, A> {
    /// It is the next.
    Next(Q),
    /// Others are under way or before it.
    Waits(oneshot::Receiver<Reply<Q, A>>),
    /// Too many are.
    Refused,
}

impl<D: Dialect, Q: Questions<D>> State<D, Q> {
    /// A lane is free while nothing is under way but what is slow.
    fn take_lane(&mut self, now: Instant) -> Option<usize> {
        let slow = self.lanes.iter().flatten().all(|since| now.duration_since(*since) > self.slow);
        let free = self.lanes.iter().position(Option::is_none).filter(|_| slow)?;
        self.lanes[free] = Some(now);
        Some(free)
    }

    /// In the same moment in which it is seen who waits, so that who comes later finds the lane free.
    fn free(&mut self, lane: &mut Option<usize>) {
        if let Some(index) = lane.take() {
            self.lanes[index] = None;
        }
    }
}

/// The right to have a statement under way.
struct Lane<D: Dialect, Q: Questions<D>> {
    shared: Arc<Shared<D, Q>>,
    /// `None` once another one may have it.
    index: Option<usize>,
    /// Whether it asks those that wait. Else it is handed on to one that does.
    asks: bool,
}

impl<D: Dialect, Q: Questions<D>> Drop for Lane<D, Q> {
    fn drop(&mut self) {
        if self.index.is_none() {
            return;
        }
        let mut state = self.shared.state.lock();
        state.free(&mut self.index);
        if state.waiting.is_empty() {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) if !self.asks => {
                let Some(index) = state.take_lane(Instant::now()) else { return };
                let lane = Lane { shared: self.shared.clone(), index: Some(index), asks: true };
                drop(state);
                runtime.spawn(lane.ask_those_that_wait());
            }
            // It was cut off, so the runtime ends, or it has panicked. Who waits is told.
            _ if state.lanes.iter().all(Option::is_none) => {
                let waiting = mem::take(&mut state.waiting);
                drop(state);
                drop(waiting);
            }
            _ => {}
        }
    }
}

impl<D: Dialect, Q: Questions<D>> Lane<D, Q> {
    /// Batch after batch, until nobody waits.
    async fn ask_those_that_wait(mut self) {
        let shared = self.shared.clone();
        loop {
            // Before it is seen who waits: some come meanwhile, and some go.
            let lease = match shared.db.read().await {
                Ok(lease) => lease,
                Err(error) => return self.give_up(&error),
            };
            let batch = self.next();
            if batch.is_empty() {
                return lease.done();
            }
            shared.together(lease, batch).await;
            // Those that are ready now are of the next batch, and not of the one after it.
            yield_now().await;
        }
    }

    /// Those whose turn it is. When there are none, or another lane has them, this one has ended.
    fn next(&mut self) -> Vec<Waiting<D, Q>> {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        state.free(&mut self.index);
        let mut batch = Vec::new();
        let Some(index) = state.take_lane(now) else { return batch };
        self.index = Some(index);
        while batch.len() < MAX_TOGETHER {
            let Some(waiting) = state.waiting.pop_front() else { break };
            if !waiting.reply.is_closed() {
                batch.push(waiting);
            }
        }
        if batch.is_empty() {
            state.free(&mut self.index);
        }
        batch
    }

    /// Nobody can be asked: all that wait are told why.
    fn give_up(&mut self, error: &DbError) {
        let mut state = self.shared.state.lock();
        state.free(&mut self.index);
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        for Waiting { reply, .. } in waiting {
            let _ = reply.send(Reply::Asked(Err(error.clone())));
        }
    }
}

impl<D: Dialect, Q: Questions<D>> Shared<D, Q> {
    async fn alone(&self, question: &Q::Question) -> Result<Q::Answer, DbError> {
        if Q::READS {
            return crate::read!(self.db, |connection| self.questions.one(connection, question));
        }
        let mut lease = self.db.read().await?;
        let asked = self.questions.one(&mut lease, question).await;
        match &asked {
            Ok(_) => lease.done(),
            Err(error) => {
                lease.failed(error);
            }
        }
        asked
    }

    async fn together(&self, mut lease: Lease<D>, batch: Vec<Waiting<D, Q>>) {
        let (questions, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.question, waiting.reply)).unzip();
        let asked = async {
            match &questions[..] {
                [one] => Ok(vec![self.questions.one(&mut lease, one).await?]),
                many => {
                    self.batches.inc();
                    self.batched.inc_by(many.len() as u64);
                    self.questions.many(&mut lease, many).await
                }
            }
        };
        let (error, again) = match timeout(self.patience, asked).await {
            Ok(Ok(answers)) => {
                lease.done();
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(Reply::Asked(Ok(answer)));
                }
                return;
            }
            Ok(Err(error)) => {
                let is_undone = error.is_undone();
                let is_lost = lease.failed(&error);
                let again =
                    if Q::READS { is_lost || questions.len() > 1 } else { is_undone && questions.len() > 1 };
                (error, again)
            }
            // What has become of it nobody knows. The lease waits for its end.
            Err(_) => (sqlx::Error::PoolTimedOut.into(), Q::READS),
        };
        for (reply, question) in replies.into_iter().zip(questions) {
            let _ = reply.send(match again {
                true => Reply::Alone(question),
                false => Reply::Asked(Err(error.clone())),
            });
        }
    }
}
