//! Writing what was counted, once a second and at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use svc_core::clock::Clock;
use svc_core::error::cause;
use svc_core::ids::hex;
use svc_core::random::Random;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::counters::Counters;
use crate::store::{StoreError, Usage, UsageBatch};

/// How often. What is not written yet is what a kill -9 forgets.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How long somebody who reads waits for a flush. A database that takes longer is away, or as good as.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes what this replica counts.
pub(crate) struct Flusher {
    counters: Arc<Counters>,
    usage: Arc<dyn Usage>,
    clock: Arc<dyn Clock>,
    /// Which one it is, since its start.
    replica: String,
    state: Mutex<State>,
    /// A flush is wanted before its time.
    wanted: Notify,
    /// How many have begun.
    begun: AtomicU64,
    /// How many have ended, well or not.
    ended: watch::Sender<u64>,
    /// It is in the log that nothing can be written.
    failing: AtomicBool,
    /// How many requests that were not counted are in the log.
    told: AtomicU64,
}

/// The batch that is being written, if one is. It stays the same, with its number, until it is known to be there:
/// of a commit without an answer nobody knows whether it has happened.
#[derive(Default)]
struct State {
    seq: i64,
    batch: Option<UsageBatch>,
}

impl std::fmt::Debug for Flusher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flusher({})", self.replica)
    }
}

impl Flusher {
    /// Of what these counters count.
    pub(crate) fn new(
        counters: Arc<Counters>,
        usage: Arc<dyn Usage>,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
    ) -> Flusher {
        let mut replica = [0; 8];
        random.fill(&mut replica);
        Flusher {
            counters,
            usage,
            clock,
            replica: hex(&replica),
            state: Mutex::default(),
            wanted: Notify::new(),
            begun: AtomicU64::new(0),
            ended: watch::Sender::new(0),
            failing: AtomicBool::new(false),
            told: AtomicU64::new(0),
        }
    }

    /// Writes what was counted before this was called. A caller that goes away loses nothing: the batch waits for
    /// the next one.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        self.write(&mut state).await?;
        if let Some(batch) = self.counters.take() {
            state.seq += 1;
            state.batch = Some(batch);
            self.write(&mut state).await?;
        }
        Ok(())
    }

    async fn write(&self, state: &mut State) -> Result<(), StoreError> {
        if let Some(batch) = &state.batch {
            self.usage.flush(&self.replica, state.seq, self.clock.now(), batch).await?;
            self.counters.written(batch);
            state.batch = None;
        }
        Ok(())
    }

    /// Waits until what was counted before this was called is written. When it cannot be, which the log says, whoever
    /// reads does without: it is not held up for long.
    pub(crate) async fn soon(&self) {
        let begun = self.begun.load(Ordering::SeqCst);
        if self.counters.is_empty() && *self.ended.borrow() == begun {
            return;
        }
        let mut ended = self.ended.subscribe();
        self.wanted.notify_one();
        let _ = timeout(PATIENCE, ended.wait_for(|ended| *ended > begun)).await;
    }

    /// Flushes until it is told to stop, and once more then: tell it when no request is served any more, and close
    /// the database when it has ended.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = interval(FLUSH_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopped = false;
        while !stopped {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.wanted.notified() => {}
                () = stop.cancelled() => stopped = true,
            }
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            let flushed = self.flush().await;
            self.ended.send_replace(number);
            self.tell(flushed, stopped);
        }
    }

    /// Says in the log what changes, once.
    fn tell(&self, flushed: Result<(), StoreError>, stopped: bool) {
        match flushed {
            Err(error) if !self.failing.swap(true, Ordering::Relaxed) || stopped => {
                let kept = if stopped { "it is lost" } else { "it is kept in memory for now" };
                tracing::error!(error = %error, cause = %cause(&error), "usage cannot be written: {kept}");
            }
            Err(_) => {}
            Ok(()) if self.failing.swap(false, Ordering::Relaxed) => {
                tracing::info!("usage is written again");
            }
            Ok(()) => {}
        }
        let dropped = self.counters.dropped();
        let told = self.told.swap(dropped, Ordering::Relaxed);
        if told < dropped && told == 0 {
            tracing::error!(requests = dropped, "usage is not counted: memory holds too much of it");
        }
    }
}
