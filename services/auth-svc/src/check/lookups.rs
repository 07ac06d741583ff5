//! Lookups in the database, for credentials that memory does not know.
//!
//! A credential that does not exist costs a lookup every time: there is no end of such credentials to
//! remember, and a client with many addresses is not stopped by the bound of each address. So that a flood of
//! them takes little from requests whose keys memory knows, few lookups run at a time, one during a flood, and
//! few may wait: a request that finds no place is refused at once.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use svc_core::clock::Uptime;
use svc_runtime::telemetry::Metrics;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::store::StoreError;

/// Lookups that run or wait to run. With a millisecond for each and two at a time the last one waits for an
/// eighth of a second. With more of them a request would wait for longer than it should.
const MAX_LOOKUPS: usize = 256;
/// Requests that wait for a lookup, their own or another request's for the same key: after a start the first
/// requests of a busy key come all at once. Fewer than the questions that may wait of one stream, so that
/// room is left there for what memory knows.
const WAITING: usize = 768;
/// The part of the database's connections that lookups take: one in so many. The others are for requests whose
/// credentials memory knows.
const SHARE: u32 = 4;
/// Lookups in a second that find nothing before they count as a flood. Then one runs at a time.
const FLOOD_PER_SECOND: u64 = 500;
/// What each of them weighs, in microseconds.
const WEIGHT: u64 = 1_000_000 / FLOOD_PER_SECOND;
/// What is remembered of a flood, in microseconds: it is over half a second after it has ended.
const REMEMBERED: u64 = 1_000_000;

/// Bounds lookups.
#[derive(Debug)]
pub(crate) struct Lookups {
    waiting: Semaphore,
    queued: Semaphore,
    running: Semaphore,
    /// How many may run at a time.
    at_a_time: u32,
    /// GCRA, as in [`svc_core::address_buckets`]: when what was not found is forgotten.
    forgotten_at: AtomicU64,
    made: Counter,
    refused: Counter,
}

/// Why a lookup found nothing out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// Too many requests need one now.
    #[error("too many requests need a look into the database")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Lookups {
    /// For what is called so in metrics, on a database with this many connections.
    pub(crate) fn new(what: &str, connections: u32, metrics: &Metrics) -> Lookups {
        let (made, refused) = (Counter::default(), Counter::default());
        metrics.register(|registry| {
            let help = "Looks into the database for credentials that memory does not know";
            registry.register(format!("auth_{what}_lookups"), help, made.clone());
            let help = "Requests refused since too many need such a look";
            registry.register(format!("auth_{what}_lookups_refused"), help, refused.clone());
        });
        let at_a_time = (connections / SHARE).max(1);
        Lookups {
            waiting: Semaphore::new(WAITING),
            queued: Semaphore::new(MAX_LOOKUPS),
            running: Semaphore::new(at_a_time as usize),
            at_a_time,
            forgotten_at: AtomicU64::new(0),
            made,
            refused,
        }
    }

    /// Room to wait for a lookup, one's own or another request's. Held until it is over.
    pub(crate) fn wait(&self) -> Result<SemaphorePermit<'_>, LookupError> {
        self.room(&self.waiting)
    }

    /// Runs `find`, the lookup of a credential, when few others run. It gives `None` for what does not exist.
    pub(crate) async fn run<T>(
        &self,
        now: Uptime,
        find: impl Future<Output = Result<Option<T>, StoreError>>,
    ) -> Result<Option<T>, LookupError> {
        let _queued = self.room(&self.queued)?;
        // A lookup with all permits runs alone.
        let permits = if self.is_flooded(now) { self.at_a_time } else { 1 };
        // It is never closed.
        let _permits = self.running.acquire_many(permits).await.ok();
        self.made.inc();
        let found = find.await?;
        if found.is_none() {
            self.found_nothing(now);
        }
        Ok(found)
    }

    fn room<'l>(&self, of: &'l Semaphore) -> Result<SemaphorePermit<'l>, LookupError> {
        of.try_acquire().map_err(|_| {
            self.refused.inc();
            LookupError::Busy
        })
    }

    fn found_nothing(&self, now: Uptime) {
        let count = |at: u64| Some((at.max(now.0) + WEIGHT).min(now.0 + REMEMBERED));
        // Never refused.
        let _ = self.forgotten_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
    }

    fn is_flooded(&self, now: Uptime) -> bool {
        self.forgotten_at.load(Ordering::Relaxed).saturating_sub(now.0) > REMEMBERED / 2
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Pending, pending};
    use std::pin::pin;
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;

    const START: Uptime = Uptime(1_800_000_000_000);
    const CONNECTIONS: u32 = 10;

    async fn nothing() -> Result<Option<()>, StoreError> {
        Ok(None)
    }

    fn for_ever() -> Pending<Result<Option<()>, StoreError>> {
        pending()
    }

    fn lookups() -> Lookups {
        Lookups::new("key", CONNECTIONS, &Metrics::new())
    }

    #[test]
    fn a_quarter_of_the_connections_looks() {
        let lookups = lookups();
        let (mut first, mut second) =
            (pin!(lookups.run(START, for_ever())), pin!(lookups.run(START, for_ever())));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        let third = pin!(lookups.run(START, nothing()));
        assert!(third.now_or_never().is_none(), "two look already");
        assert_eq!(lookups.made.get(), 2);
    }

    #[test]
    fn who_finds_no_room_is_refused_at_once() {
        let lookups = lookups();
        let mut looks: Vec<_> = (0..MAX_LOOKUPS).map(|_| Box::pin(lookups.run(START, for_ever()))).collect();
        assert!(looks.iter_mut().all(|look| look.now_or_never().is_none()));
        assert!(matches!(lookups.run(START, nothing()).now_or_never(), Some(Err(LookupError::Busy))));
        looks.clear();
        assert!(matches!(lookups.run(START, nothing()).now_or_never(), Some(Ok(None))));

        let mut waiting: Vec<_> = (0..WAITING).map(|_| lookups.wait().unwrap()).collect();
        assert!(lookups.wait().is_err());
        assert_eq!(lookups.refused.get(), 2);
        waiting.pop();
        assert!(lookups.wait().is_ok());
    }

    #[test]
    fn a_flood_is_looked_at_in_turn_and_ends() {
        let lookups = lookups();
        for _ in 0..=FLOOD_PER_SECOND / 2 {
            assert!(lookups.run(START, nothing()).now_or_never().is_some(), "no flood yet");
        }
        {
            let mut first = pin!(lookups.run(START, for_ever()));
            assert!((&mut first).now_or_never().is_none());
            assert!(lookups.run(START, nothing()).now_or_never().is_none(), "another one waits");
        }
        for _ in 0..100_000 {
            assert!(lookups.run(START, nothing()).now_or_never().is_some());
        }
        let later = START.plus(Duration::from_millis(500));
        let mut first = pin!(lookups.run(later, for_ever()));
        assert!((&mut first).now_or_never().is_none());
        assert!(lookups.run(later, nothing()).now_or_never().is_some(), "over");
    }
}
