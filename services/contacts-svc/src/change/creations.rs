//! Contacts that are created for an agent at the same moment, in one transaction.
//!
//! An agent's changes are numbered one transaction after the other, so those that come meanwhile wait in any case. Here they
//! wait in a queue, and what waits is written together: one round trip, one commit, one flush of the disk. A batch is made
//! of what waits anyway, never by waiting: whoever finds nobody creating goes at once, by itself, on its own task
//! ([ADR 12](../../../docs/adr/0012-batches.md) does the same with reads).
//!
//! Each keeps what is promised to one who is alone. Whoever goes away before its batch is begun is not in it. Those who
//! want the same reference, value or answer are never in one batch, so that each is decided by what is committed. What is
//! wrong with one is told to that one; where a batch as a whole cannot be written, nothing of it is there, and each
//! goes by itself.

mod batch;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use svc_core::idempotency::{IdempotentCall, Kept, Once};
use svc_runtime::telemetry::Metrics;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span, debug_span};

use super::{Changed, Seam};
use crate::domain::{Actor, Contact, Partition, UniqueValue};
use crate::error::ContactError;
use crate::store::StoreError;

/// The most contacts of one transaction: enough that its own cost is little for each, few enough that the first does not
/// wait long for the last.
const MAX_TOGETHER: usize = 48;
/// The most that wait for one agent. With 48 at a time and five milliseconds for each transaction the last one waits for a
/// tenth of a second.
const MAX_WAITING: usize = 1_024;
/// A transaction that takes longer is not waited for by those that come after it: it may never end, as on a connection to
/// a server that is gone.
const SLOW: Duration = Duration::from_millis(250);
/// The most transactions under way for an agent. There is one, unless it is [slow](SLOW).
const LANES: usize = 2;

/// A contact that is to be created, decided but for what others have.
pub(crate) struct Newcomer {
    pub(crate) contact: Contact,
    /// What no other contact may have.
    pub(crate) values: Vec<UniqueValue>,
    /// The revision of the agent's fields that it was judged by.
    pub(crate) judged_by: i64,
    /// The call that takes effect once, if it is one, and what is kept of its answer.
    pub(crate) once: Option<(IdempotentCall, Kept)>,
}

/// Creates contacts.
pub(super) struct Creations(Arc<Shared>);

struct Shared {
    seam: Arc<Seam>,
    /// Those for which somebody creates or waits.
    agents: Mutex<HashMap<Partition, Agent>>,
    /// Transactions of several contacts.
    batches: Counter,
    /// The contacts in them.
    batched: Counter,
}

#[derive(Default)]
struct Agent {
    waiting: VecDeque<Waiting>,
    /// Since when each transaction is under way.
    lanes: [Option<Instant>; LANES],
}

struct Waiting {
    actor_id: String,
    newcomer: Newcomer,
    reply: oneshot::Sender<Reply>,
    /// That of who waits.
    span: Span,
}

/// What becomes of one who waited.
enum Reply {
    /// It was decided.
    Decided(Result<(), ContactError>),
    /// It goes by itself, and where it is its turn, those behind it wait for that.
    Alone(Box<Newcomer>, Option<Turn>),
}

/// Where one who comes stands.
enum Place {
    /// Nobody is before it.
    First(Box<Newcomer>, Turn),
    /// Others are.
    Waits(oneshot::Receiver<Reply>),
}

impl Creations {
    pub(super) fn new(seam: Arc<Seam>, metrics: &Metrics) -> Creations {
        let (batches, batched) = <(Counter, Counter)>::default();
        metrics.register(|registry| {
            let help = "Transactions in which several callers' contacts were created";
            registry.register("contacts_creates_batches", help, batches.clone());
            let help = "Contacts that were created, or refused, in such a transaction";
            registry.register("contacts_creates_batched", help, batched.clone());
        });
        Creations(Arc::new(Shared { seam, agents: Mutex::default(), batches, batched }))
    }

    /// Creates a contact. It is in no transaction that begins after this was dropped.
    pub(super) async fn create(&self, actor: &Actor, newcomer: Newcomer) -> Result<(), ContactError> {
        let (newcomer, _turn) = match self.enter(actor, newcomer)? {
            Place::First(newcomer, turn) => (newcomer, Some(turn)),
            Place::Waits(reply) => match self.wait(&actor.partition, reply).await {
                Ok(Reply::Decided(decided)) => return decided,
                Ok(Reply::Alone(newcomer, turn)) => (newcomer, turn),
                // The runtime ends.
                Err(_) => return Err(ContactError::Overtaken),
            },
        };
        // Whatever comes of it, those that come meanwhile have their turn then.
        self.0.alone(actor, *newcomer).await
    }

    /// Waits for its turn, and where that does not come since what is under way is slow, sees to it.
    async fn wait(
        &self,
        partition: &Partition,
        mut reply: oneshot::Receiver<Reply>,
    ) -> Result<Reply, oneshot::error::RecvError> {
        if let Ok(reply) = timeout(SLOW, &mut reply).await {
            return reply;
        }
        self.take_lane(partition);
        reply.await
    }

    /// Where all that is under way is slow, the next who wait have their turn.
    fn take_lane(&self, partition: &Partition) {
        let mut agents = self.0.agents.lock();
        let lane = agents.get_mut(partition).and_then(|agent| agent.take_lane(Instant::now()));
        drop(agents);
        drop(lane.map(|lane| Turn { shared: self.0.clone(), partition: partition.clone(), lane }));
    }

    fn enter(&self, actor: &Actor, newcomer: Newcomer) -> Result<Place, ContactError> {
        let partition = &actor.partition;
        let mut agents = self.0.agents.lock();
        let agent = match agents.get_mut(partition) {
            Some(agent) => agent,
            None => agents.entry(partition.clone()).or_default(),
        };
        let lane = agent.take_lane(Instant::now());
        let turn = lane.map(|lane| Turn { shared: self.0.clone(), partition: partition.clone(), lane });
        let turn = match turn {
            Some(turn) if agent.waiting.is_empty() => {
                return Ok(Place::First(Box::new(newcomer), turn));
            }
            turn => turn,
        };
        if agent.waiting.len() >= MAX_WAITING {
            drop(agents);
            return Err(ContactError::TooManyCreate);
        }
        let (reply, waits) = oneshot::channel();
        let (actor_id, span) = (actor.actor_id.clone(), Span::current());
        agent.waiting.push_back(Waiting { actor_id, newcomer, reply, span });
        drop(agents);
        // Behind a transaction that is slow: its turn is that of the first who waits.
        drop(turn);
        Ok(Place::Waits(waits))
    }
}

impl Agent {
    /// A lane is free while nothing is under way but what is slow.
    fn take_lane(&mut self, now: Instant) -> Option<usize> {
        let slow = self.lanes.iter().flatten().all(|since| now.duration_since(*since) > SLOW);
        let free = self.lanes.iter().position(Option::is_none).filter(|_| slow)?;
        self.lanes[free] = Some(now);
        Some(free)
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.lanes.iter().all(Option::is_none)
    }

    /// Those who are written next, in the order in which they came: all of one actor, and none who wants what one before
    /// it wants, too.
    fn next(&mut self) -> Vec<Waiting> {
        let (mut batch, mut left) = (Vec::new(), VecDeque::new());
        let mut wanted = HashSet::new();
        while batch.len() < MAX_TOGETHER {
            let Some(waiting) = self.waiting.pop_front() else { break };
            if waiting.reply.is_closed() {
                continue;
            }
            let wants: Vec<Wanted> = wanted_by(&waiting.newcomer).collect();
            let is_apart = !wants.iter().any(|key| wanted.contains(key));
            // Of one that is left, too: who wants the same behind it comes after it.
            wanted.extend(wants);
            let is_of_first = batch.first().is_none_or(|first: &Waiting| first.actor_id == waiting.actor_id);
            match is_apart && is_of_first {
                true => batch.push(waiting),
                false => left.push_back(waiting),
            }
        }
        // Who was passed over stays before those who came later.
        left.append(&mut self.waiting);
        self.waiting = left;
        batch
    }
}

/// What only one contact, or one call, may have.
#[derive(PartialEq, Eq, Hash)]
enum Wanted {
    Reference(String),
    Value(UniqueValue),
    Call(i64),
}

fn wanted_by(newcomer: &Newcomer) -> impl Iterator<Item = Wanted> {
    let reference = newcomer.contact.fields.external_reference_id.clone().map(Wanted::Reference);
    let call = newcomer.once.as_ref().map(|(call, _)| Wanted::Call(call.lock()));
    let values = newcomer.values.iter().cloned().map(Wanted::Value);
    reference.into_iter().chain(call).chain(values)
}

/// The right to have a transaction under way for an agent. At its end the next ones have it.
struct Turn {
    shared: Arc<Shared>,
    partition: Partition,
    lane: usize,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut agents = self.shared.agents.lock();
        let Some(agent) = agents.get_mut(&self.partition) else { return };
        agent.lanes[self.lane] = None;
        agent.waiting.retain(|waiting| !waiting.reply.is_closed());
        if agent.is_idle() {
            agents.remove(&self.partition);
            return;
        }
        if agent.waiting.is_empty() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            // It ends, and who waits is told.
            let waiting = std::mem::take(&mut agent.waiting);
            drop(agents);
            drop(waiting);
            return;
        };
        // Another one is under way: who waits has its turn after that.
        let Some(lane) = agent.take_lane(Instant::now()) else { return };
        let only = if agent.waiting.len() == 1 { agent.waiting.pop_front() } else { None };
        drop(agents);
        let turn = Turn { shared: self.shared.clone(), partition: self.partition.clone(), lane };
        match only {
            // When it has gone at this moment, its turn is dropped with the reply.
            Some(Waiting { newcomer, reply, .. }) => {
                let _ = reply.send(Reply::Alone(Box::new(newcomer), Some(turn)));
            }
            None => {
                runtime.spawn(turn.write());
            }
        }
    }
}

impl Turn {
    /// Writes those who wait.
    async fn write(self) {
        let shared = &self.shared;
        // Before it is seen who waits: some come meanwhile, and some go.
        let begun = shared.seam.writer.begin(&self.partition).await;
        let transaction = match begun {
            Ok(transaction) => transaction,
            Err(error) => return self.give_up(&error),
        };
        let batch = self.next();
        if batch.is_empty() {
            return;
        }
        shared.batches.inc();
        shared.batched.inc_by(batch.len() as u64);
        let span = debug_span!("contacts.create_together", contact.changes = batch.len());
        for waiting in &batch {
            span.follows_from(&waiting.span);
        }
        batch::write(&shared.seam, transaction, &self.partition, batch).instrument(span).await;
    }

    fn next(&self) -> Vec<Waiting> {
        let mut agents = self.shared.agents.lock();
        agents.get_mut(&self.partition).map(Agent::next).unwrap_or_default()
    }

    /// Nothing can be written: all that wait are told why.
    fn give_up(&self, error: &StoreError) {
        let mut agents = self.shared.agents.lock();
        let waiting = agents.get_mut(&self.partition).map(|agent| std::mem::take(&mut agent.waiting));
        drop(agents);
        for Waiting { reply, .. } in waiting.into_iter().flatten() {
            let _ = reply.send(Reply::Decided(Err(error.clone().into())));
        }
    }
}

impl Shared {
    async fn alone(&self, actor: &Actor, newcomer: Newcomer) -> Result<(), ContactError> {
        let Newcomer { contact, values, judged_by, once } = newcomer;
        let once = once.and_then(|(call, kept)| Once::of(Some(call), move |(): &()| kept));
        let created = Changed::creating((), contact, values).judged_by(judged_by);
        self.seam.make(actor, once, |_| Box::pin(async move { Ok(created) })).await
    }
}
