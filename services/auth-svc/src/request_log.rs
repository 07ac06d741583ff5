//! The request log: takes in what the edges tell of requests that have ended, and lets go of what is too old or too
//! much. It is off the way of every request: an edge sends it in batches, about once a second.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use svc_core::clock::Clock;
use svc_core::error::cause;
use svc_runtime::telemetry::Metrics;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::audit::{Audit, Unaudited};
use crate::change::{Author, Changed, Changes};
use crate::config::RequestLogConfig;
use crate::domain::{OrganizationId, RequestEntry, first_id_from};
use crate::error::AuthError;
use crate::store::{Store, Touched};

/// How often what is too old is deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// After so many rounds it is counted what is too much, which reads an index from its end.
const COUNT_EVERY: u32 = 10;
/// How many requests are deleted in one transaction: SQLite has one writer, for which others wait meanwhile.
const PRUNE_AT_ONCE: i64 = 500;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A request that an edge tells of.
#[derive(Clone, Debug)]
pub(crate) struct ToldRequest {
    /// Whose it is. `None`: no key was proven, and it belongs to whoever has the agent that its path names.
    pub(crate) organization_id: Option<OrganizationId>,
    /// All else. Its organization counts for nothing yet.
    pub(crate) entry: RequestEntry,
}

/// The log of all organizations.
pub(crate) struct RequestLog {
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
    clock: Arc<dyn Clock>,
    kept_for: Duration,
    max_rows: i64,
    recorded: Counter,
    pruned: Counter,
}

impl std::fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestLog({:?})", self.kept_for)
    }
}

impl RequestLog {
    /// Over this store, changed by this seam.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        changes: Arc<Changes>,
        clock: Arc<dyn Clock>,
        config: RequestLogConfig,
        metrics: &Metrics,
    ) -> RequestLog {
        let (recorded, pruned) = (Counter::default(), Counter::default());
        metrics.register(|registry| {
            let help = "Requests taken into the request log";
            registry.register("auth_request_log_recorded", help, recorded.clone());
            let help = "Requests of the request log deleted, since they were too old or too many";
            registry.register("auth_request_log_pruned", help, pruned.clone());
        });
        let kept_for = DAY.saturating_mul(config.retention_days);
        let max_rows = i64::try_from(config.max_rows).unwrap_or(i64::MAX);
        RequestLog { store, changes, clock, kept_for, max_rows, recorded, pruned }
    }

    /// Takes requests in, all of them or none. One that belongs to nobody is left out: nobody could read it. So is
    /// one that is too old already, as an edge may tell of it whose clock stands wrong.
    pub(crate) async fn record(&self, told: Vec<ToldRequest>) -> Result<(), AuthError> {
        let mut agents: Vec<String> = told
            .iter()
            .filter(|told| told.organization_id.is_none())
            .map(|told| told.entry.agent_id.as_str().to_owned())
            .collect();
        agents.sort_unstable();
        agents.dedup();
        let owners = match agents.is_empty() {
            true => Default::default(),
            false => self.store.owners_of_agents(&agents).await?,
        };
        let oldest = self.oldest();
        let entries: Vec<RequestEntry> = told
            .into_iter()
            .filter(|told| told.entry.id >= oldest)
            .filter_map(|ToldRequest { organization_id, entry }| {
                let owner = || owners.get(entry.agent_id.as_str()).cloned();
                let organization_id = organization_id.or_else(owner)?;
                Some(RequestEntry { organization_id, ..entry })
            })
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        let count = entries.len() as u64;
        self.changes
            .make(&Author::RequestLog, move |work| {
                Box::pin(async move {
                    work.insert_requests(&entries).await?;
                    Ok(Changed::new((), Touched::nothing(), Audit::nothing(Unaudited::RequestLog)))
                })
            })
            .await?;
        self.recorded.inc_by(count);
        Ok(())
    }

    /// The smallest id that is kept.
    fn oldest(&self) -> String {
        let now = self.clock.now();
        let micros = i64::try_from(self.kept_for.as_micros()).unwrap_or(i64::MAX);
        first_id_from(svc_core::clock::Timestamp(now.0.saturating_sub(micros)))
    }

    /// Deletes what is too old.
    pub(crate) async fn prune(&self) -> Result<(), AuthError> {
        self.delete_below(self.oldest()).await
    }

    /// Deletes the oldest requests when there are too many.
    pub(crate) async fn prune_excess(&self) -> Result<(), AuthError> {
        match self.store.first_request_beyond(self.max_rows).await? {
            // It is the newest of those that are too many.
            Some(newest) => self.delete_below(format!("{newest}0")).await,
            None => Ok(()),
        }
    }

    async fn delete_below(&self, id: String) -> Result<(), AuthError> {
        loop {
            let below = id.clone();
            let deleted = self
                .changes
                .make(&Author::RequestLog, move |work| {
                    Box::pin(async move {
                        let deleted = work.delete_requests(&below, PRUNE_AT_ONCE).await?;
                        Ok(Changed::new(deleted, Touched::nothing(), Audit::nothing(Unaudited::RequestLog)))
                    })
                })
                .await?;
            self.pruned.inc_by(deleted);
            if deleted < PRUNE_AT_ONCE.unsigned_abs() {
                return Ok(());
            }
        }
    }

    /// Prunes until it is told to stop. What is left over is pruned by the next one.
    pub(crate) async fn maintain(self: Arc<Self>, stop: CancellationToken) {
        let mut round = 0_u32;
        while stop.run_until_cancelled(sleep(PRUNE_EVERY)).await.is_some() {
            let is_counted = round.is_multiple_of(COUNT_EVERY);
            round = round.wrapping_add(1);
            let pruning = async {
                self.prune().await?;
                if is_counted {
                    self.prune_excess().await?;
                }
                Ok::<(), AuthError>(())
            };
            match stop.run_until_cancelled(pruning).await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "the request log is not pruned");
                }
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests;
