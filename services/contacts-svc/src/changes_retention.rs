//! Changes are kept for a time, for those who follow them, and deleted then.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::cause;
use svc_runtime::service::Environment;
use svc_runtime::tasks::Tasks;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

/// How often is looked for changes whose time is over.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// How many agents are looked at, and how many changes of one are deleted, at once: SQLite has one writer, for which
/// requests wait meanwhile.
const AGENTS_AT_ONCE: usize = 500;
const CHANGES_AT_ONCE: usize = 500;
const DAY: u64 = 24 * 60 * 60;

/// Deletes changes whose time is over.
#[derive(Clone)]
pub(crate) struct Retention {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    kept_for: Duration,
    pruned: Counter,
}

impl Retention {
    pub(crate) fn new(store: Arc<dyn Store>, environment: &Environment, kept_days: NonZeroU16) -> Retention {
        let pruned = Counter::default();
        environment.metrics.register(|registry| {
            let help = "Changes of contacts that were deleted since their time was over";
            registry.register("contacts_changes_pruned", help, pruned.clone());
        });
        let kept_for = Duration::from_secs(u64::from(kept_days.get()) * DAY);
        Retention { store, clock: environment.clock.clone(), kept_for, pruned }
    }

    pub(crate) fn start(&self, tasks: &Tasks) {
        let retention = self.clone();
        tasks.spawn("changes-prune", move |stop| {
            let retention = retention.clone();
            async move { retention.prune_until(stop).await }
        });
    }

    async fn prune_until(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(EVERY)).await.is_some() {
            // What is left is deleted next time.
            match stop.run_until_cancelled(self.prune()).await {
                Some(Err(error)) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "old changes are not deleted");
                }
                Some(Ok(pruned)) => tracing::debug!(pruned, "old changes are deleted"),
                None => return,
            }
        }
    }

    /// Deletes what is to be deleted now, and says how much that was.
    pub(crate) async fn prune(&self) -> Result<u64, StoreError> {
        let kept_for = i64::try_from(self.kept_for.as_micros()).unwrap_or(i64::MAX);
        let time = Timestamp(self.clock.now().0.saturating_sub(kept_for));
        let (mut all, mut after) = (0, None);
        loop {
            let agents = self.store.feeds(after.as_ref(), AGENTS_AT_ONCE).await?;
            let Some(last) = agents.last() else { return Ok(all) };
            after = Some(last.clone());
            for agent in &agents {
                loop {
                    let pruned = self.store.prune(agent, time, CHANGES_AT_ONCE).await?;
                    self.pruned.inc_by(pruned as u64);
                    all += pruned as u64;
                    if pruned < CHANGES_AT_ONCE {
                        break;
                    }
                }
            }
        }
    }
}
