//! Work of a service beside its calls, in supervised tasks: each has a name, is started again when it ends
//! though nobody asked it to, and ends within a bound when the service stops.
//!
//! `/metrics` tells which run (`task_running`) and how often they had to be started again
//! (`task_restarts_total`); one that keeps failing is a condition of its service that fails, in `/readyz`.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::health::{Condition, Health};
use crate::telemetry::Metrics;

/// How long before a task that failed is started again: at first, and at the most, after doubling each time.
const BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// How long tasks may take to end at a stop. They write what is not yet written.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a task must run for its failures to be forgotten. More than the longest wait for a start.
const STEADY: Duration = Duration::from_secs(60);
/// So many failures in a row are told in `/readyz`: one may be chance.
const KEEPS_FAILING: u32 = 3;

/// Starts tasks for the services of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Supervisor {
    health: Health,
    running: Family<Labels, Gauge>,
    restarts: Family<Labels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    service: &'static str,
    task: &'static str,
}

impl Supervisor {
    /// No tasks yet.
    pub fn new(metrics: &Metrics, health: Health) -> Supervisor {
        let supervisor = Supervisor { health, running: Family::default(), restarts: Family::default() };
        metrics.register(|registry| {
            let help =
                "Whether a task beside the calls of a service runs (1) or waits to be started again (0)";
            registry.register("task_running", help, supervisor.running.clone());
            let help = "Tasks that were started again, since they had ended though nobody asked them to";
            registry.register("task_restarts", help, supervisor.restarts.clone());
        });
        supervisor
    }

    /// The tasks of a service: none so far; its code names each that it spawns. Dropping them ends them.
    pub fn of(&self, service: &'static str) -> Tasks {
        Tasks {
            service,
            supervisor: self.clone(),
            stop: CancellationToken::new(),
            running: Arc::new(Mutex::new(JoinSet::new())),
        }
    }
}

/// The tasks of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tasks {
    service: &'static str,
    supervisor: Supervisor,
    stop: CancellationToken,
    running: Arc<Mutex<JoinSet<()>>>,
}

impl Tasks {
    /// Starts a task. `work` is asked for it now and after each failure, and has to end soon when its token
    /// is cancelled. It fails when it panics or ends before.
    pub fn spawn<F>(&self, name: &'static str, mut work: impl FnMut(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, service) = (self.stop.clone(), self.service);
        let labels = Labels { service, task: name };
        let gauge = self.supervisor.running.get_or_create_owned(&labels);
        let restarts = self.supervisor.restarts.get_or_create_owned(&labels);
        let mut failures = Failures::new(self.supervisor.health.of(service).condition(name));
        self.running.lock().spawn(async move {
            loop {
                gauge.set(1);
                let begun = Instant::now();
                let ended = AssertUnwindSafe(failures.watch(work(stop.clone()))).catch_unwind().await;
                gauge.set(0);
                if stop.is_cancelled() {
                    return;
                }
                let why = if ended.is_ok() { "it ended" } else { "it panicked" };
                let wait = failures.note(begun.elapsed());
                tracing::error!(service, task = name, wait_ms = wait.as_millis(), "a task failed: {why}");
                if stop.run_until_cancelled(sleep(wait)).await.is_none() {
                    return;
                }
                restarts.inc();
            }
        });
    }

    /// Tells all tasks to end, and waits for that. What has not ended within 10 s is ended.
    pub async fn stop(&self) {
        self.stop.cancel();
        let mut running = std::mem::take(&mut *self.running.lock());
        let ended = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::error!(
                service = self.service,
                tasks = running.len(),
                "tasks did not end within {DRAIN:?}"
            );
        }
    }
}

/// The failures of a task in a row.
struct Failures {
    in_a_row: u32,
    condition: Condition,
}

impl Failures {
    fn new(condition: Condition) -> Failures {
        Failures { in_a_row: 0, condition }
    }

    /// Runs it, and says that all is well again when it has run for long enough.
    async fn watch(&mut self, work: impl Future<Output = ()>) {
        let condition = self.condition.clone();
        let steady = async {
            sleep(STEADY).await;
            condition.ok();
            std::future::pending().await
        };
        tokio::select! {
            biased;
            () = work => {}
            () = steady => {}
        }
    }

    /// Counts a failure of what ran for so long, and says how long to wait.
    fn note(&mut self, ran: Duration) -> Duration {
        if ran >= STEADY {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        if self.in_a_row >= KEEPS_FAILING {
            self.condition.failed(&format!("failed {} times in a row", self.in_a_row));
        }
        BACKOFF.saturating_mul(1 << (self.in_a_row - 1).min(16)).min(MAX_BACKOFF)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn tasks() -> (Tasks, Metrics, Health) {
        let metrics = Metrics::new();
        let health = Health::new(&metrics);
        (Supervisor::new(&metrics, health.clone()).of("toy"), metrics, health)
    }

    fn metric(metrics: &Metrics, name: &str) -> String {
        let text = metrics.encode().unwrap();
        let line = format!("{name}{{service=\"toy\",task=\"count\"}} ");
        text.lines().find_map(|found| found.strip_prefix(&line)).unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_fails_is_started_again_and_told_of_when_it_keeps_failing() {
        let (tasks, metrics, health) = tasks();
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        let work = move |stop: CancellationToken| {
            let start = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                match start {
                    0 => panic!("at first"),
                    1..=4 => {}
                    _ => stop.cancelled().await,
                }
            }
        };
        tasks.spawn("count", work);
        // 100 and 200 ms are over, 400 ms are not.
        sleep(Duration::from_millis(450)).await;
        assert_eq!(starts.load(Ordering::SeqCst), 3);
        assert_eq!(
            (metric(&metrics, "task_running"), metric(&metrics, "task_restarts_total")),
            two("0", "2")
        );
        assert_eq!(health.failing(), ["toy/count: failed 3 times in a row"]);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(starts.load(Ordering::SeqCst), 6);
        assert_eq!(
            (metric(&metrics, "task_running"), metric(&metrics, "task_restarts_total")),
            two("1", "5")
        );
        assert!(!health.failing().is_empty(), "it has only just been started");
        sleep(STEADY).await;
        assert!(health.failing().is_empty(), "it has run for long enough");
        tasks.stop().await;
        assert_eq!(metric(&metrics, "task_running"), "0");
    }

    fn two(a: &str, b: &str) -> (String, String) {
        (a.to_owned(), b.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_tasks_within_its_bound() {
        let (tasks, _, health) = tasks();
        let done = Arc::new(AtomicU32::new(0));
        let saved = done.clone();
        let saves = move |stop: CancellationToken| {
            let saved = saved.clone();
            async move {
                stop.cancelled().await;
                sleep(Duration::from_secs(1)).await;
                saved.fetch_add(1, Ordering::SeqCst);
            }
        };
        tasks.spawn("count", saves);
        tokio::task::yield_now().await;
        tasks.stop().await;
        assert_eq!(done.load(Ordering::SeqCst), 1);
        assert!(health.failing().is_empty(), "an end that was asked for is no failure");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_end_is_ended() {
        let (tasks, _, _) = tasks();
        tasks.spawn("count", |_| std::future::pending());
        tokio::task::yield_now().await;
        let stopping = Instant::now();
        tasks.stop().await;
        assert_eq!(stopping.elapsed(), DRAIN);
    }
}
