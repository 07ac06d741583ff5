//! One replica of several on PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use svc_core::random::Random;
use svc_runtime::health::Condition;
use svc_runtime::tasks::Tasks;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::barrier::Barrier;
use super::lease::{Gate, Lease};
use super::poll::{PollError, Poller, Shared};
use super::strict::Strict;
use super::sweep::Sweep;
use super::{Forget, POLL_EVERY, log};
use crate::limits::BootClock;
use crate::store::{Announcements, Durability, StoreError};

/// How many times the first poll is tried.
const FIRST_POLLS: u32 = 5;
/// How long before a lost listener is opened again. Polls do not depend on it.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// What a replica is made of before its cache is there.
pub(super) struct NewReplica {
    announcements: Announcements,
    clock: Arc<dyn BootClock>,
    lease: Arc<Lease>,
    shared: Arc<Shared>,
    poll_timeout: Duration,
}

impl NewReplica {
    pub(super) fn new(
        announcements: Announcements,
        clock: Arc<dyn BootClock>,
        poll_timeout: Duration,
    ) -> NewReplica {
        let lease = Arc::new(Lease::new(clock.clone()));
        NewReplica { announcements, clock, lease, shared: Arc::default(), poll_timeout }
    }

    pub(super) fn gate(&self, strict_clock: bool) -> Gate {
        let lease = self.lease.clone();
        match strict_clock {
            true => {
                Gate::Strict(lease, Arc::new(Strict::new(self.announcements.clone(), self.shared.clone())))
            }
            false => Gate::Leased(lease),
        }
    }

    /// Joins, and polls for the first time, so that requests are served from now on.
    pub(super) async fn join(
        self,
        cache: Arc<dyn Forget>,
        random: Arc<dyn Random>,
        condition: Condition,
        tasks: Tasks,
    ) -> Result<Replicas, PollError> {
        let NewReplica { announcements, clock, lease, shared, poll_timeout } = self;
        for warning in warnings(&announcements.durability().await?) {
            tracing::warn!("revocation is no promise on this database: {warning}");
        }
        let mut poller = Poller {
            announcements: announcements.clone(),
            clock: clock.clone(),
            random,
            lease,
            cache,
            condition,
            shared: shared.clone(),
            timeout: poll_timeout,
            connection: None,
            incarnation: None,
        };
        first_poll(&mut poller).await?;
        let barrier = Barrier::new(announcements.clone(), clock.clone());
        let poller = Arc::new(AsyncMutex::new(poller));
        tasks.spawn("revocation-polls", polls(poller.clone()));
        let (sweeps, waker) = (announcements.clone(), shared.clone());
        tasks.spawn("revocation-sweeps", move |stop| Sweep::new(sweeps.clone(), clock.clone()).run(stop));
        tasks.spawn("revocation-notifications", move |stop| {
            listen(announcements.clone(), waker.clone(), stop)
        });
        Ok(Replicas { barrier, shared, poller, tasks: Mutex::new(Some(tasks)) })
    }
}

/// Polls, with the same row after a failure.
fn polls(
    poller: Arc<AsyncMutex<Poller>>,
) -> impl FnMut(CancellationToken) -> BoxFuture<'static, ()> + Send + 'static {
    let mut is_again = false;
    move |stop| {
        let (poller, is_again) = (poller.clone(), std::mem::replace(&mut is_again, true));
        Box::pin(async move {
            let mut poller = poller.lock().await;
            if is_again {
                // Nobody knows in which state that is.
                poller.connection = None;
            }
            poller.run(&stop).await;
        })
    }
}

/// Polls until one is answered. A database that is slow when everything starts is no reason not to.
async fn first_poll(poller: &mut Poller) -> Result<(), PollError> {
    let mut tries = 1;
    while let Err(error) = poller.poll().await {
        if tries == FIRST_POLLS {
            return Err(error);
        }
        tries += 1;
        sleep(POLL_EVERY).await;
    }
    Ok(())
}

/// A replica that has joined.
pub(crate) struct Replicas {
    barrier: Barrier,
    shared: Arc<Shared>,
    poller: Arc<AsyncMutex<Poller>>,
    tasks: Mutex<Option<Tasks>>,
}

impl Replicas {
    /// Waits until every replica knows what is committed now.
    pub(super) async fn settle(&self) {
        // This one need not wait to hear of it.
        self.shared.wake.notify_one();
        self.barrier.settle().await;
    }

    /// Ends the background work without a word, as a process that is paused or killed does.
    #[cfg(test)]
    pub(super) fn pause(&self) {
        drop(self.tasks.lock().take());
    }

    /// Stops polling and removes the row.
    pub(super) async fn stop(&self) {
        let Some(tasks) = self.tasks.lock().take() else { return };
        tasks.stop().await;
        if let Err(error) = self.poller.lock().await.leave().await {
            tracing::warn!(error = %error, "the row of this replica is left: changes wait for it a few seconds");
        }
    }
}

/// Polls when a change is heard of.
async fn listen(announcements: Announcements, shared: Arc<Shared>, stop: CancellationToken) {
    let hear = async {
        loop {
            if let Err(error) = heard(&announcements, &shared).await {
                log(&error, "changes are not heard of at once");
            }
            sleep(LISTEN_AGAIN).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = hear => {}
    }
}

async fn heard(announcements: &Announcements, shared: &Shared) -> Result<(), StoreError> {
    let mut notifications = announcements.listen().await?;
    // For what came before it listened.
    shared.wake.notify_one();
    loop {
        notifications.next().await?;
        shared.wake.notify_one();
    }
}

/// Why a change that has answered could be lost with this database.
fn warnings(durability: &Durability) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if durability.in_recovery {
        warnings.push("it is a standby, or was not finished being restored");
    }
    if durability.synchronous_commit == "off" {
        warnings.push("synchronous_commit is off, so that a crash loses changes that have answered");
    }
    if !durability.fsync {
        warnings.push("fsync is off, so that a crash loses changes that have answered");
    }
    if durability.standbys > 0 && !(durability.synchronous && waits_for_standby(durability)) {
        warnings.push("its standbys are asynchronous, so that a failover loses changes that have answered");
    }
    warnings
}

fn waits_for_standby(durability: &Durability) -> bool {
    !matches!(durability.synchronous_commit.as_str(), "off" | "local")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_lose_a_change_is_warned_of() {
        let safe = Durability {
            in_recovery: false,
            synchronous_commit: "on".to_owned(),
            fsync: true,
            standbys: 0,
            synchronous: false,
        };
        let with = |change: fn(&mut Durability)| {
            let mut durability = safe.clone();
            change(&mut durability);
            warnings(&durability).len()
        };
        for (what, warned, expected) in [
            ("alone", with(|_| {}), 0),
            ("a standby", with(|d| d.in_recovery = true), 1),
            ("asynchronous commits", with(|d| d.synchronous_commit = "off".to_owned()), 1),
            ("no fsync", with(|d| d.fsync = false), 1),
            ("asynchronous standbys", with(|d| d.standbys = 1), 1),
            ("a synchronous standby", with(|d| (d.standbys, d.synchronous) = (1, true)), 0),
            (
                "one that commits do not wait for",
                with(|d| {
                    (d.standbys, d.synchronous) = (1, true);
                    d.synchronous_commit = "local".to_owned();
                }),
                1,
            ),
        ] {
            assert_eq!(warned, expected, "{what}");
        }
    }
}
