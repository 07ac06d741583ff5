//! What a look at the limits costs: slots taken in both windows of a key, in each of the three stores.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use auth_svc::benching::{self, LimitStore, Limiter, WindowLimits};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use svc_core::secret::Secret;
use svc_db::testing::new_postgres_database;
use svc_runtime::service::{DatabaseConfig, Environment};
use tokio::runtime::{Handle, Runtime};

use crate::rounds::{Plan, rounded};
use crate::usage;

/// No take is refused.
const LIMITS: WindowLimits = WindowLimits { per_minute: 1_000_000_000, per_hour: 1_000_000_000 };
/// How many keys are asked for in turn, unless it is one.
const KEYS: usize = 1_000;
/// How many wait for a server at once. To PostgreSQL they share the connections of the usual settings.
const IN_FLIGHT: usize = 32;

/// A store, and who takes from it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimiterRow {
    name: &'static str,
    /// How many takes go on at once. In memory these are threads.
    in_flight: usize,
    /// Of all together.
    takes_per_second: f64,
    /// The mean time of one, in nanoseconds.
    wall_nanos: f64,
    /// The CPU time of one in the process that asks, in nanoseconds.
    cpu_nanos: f64,
    /// The same of the server that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_cpu_nanos: Option<f64>,
}

/// A store to measure.
struct Subject {
    name: &'static str,
    store: Arc<Limiter>,
    /// For each that takes at once, the keys that it asks for in turn.
    walks: Vec<Vec<String>>,
    /// The first process of the server that is asked.
    server: Option<u32>,
}

/// Measures all. `postgres` is the first process of PostgreSQL.
pub async fn measure(plan: Plan, dir: &Path, postgres: u32) -> anyhow::Result<Vec<LimiterRow>> {
    let variable = |name| std::env::var(name).with_context(|| format!("{name}: run `make bench`"));
    let redis = (variable("KEYWARD_TEST_REDIS_URL")?, variable("KEYWARD_BENCH_REDIS_PID")?.parse()?);
    let database = new_postgres_database().await;
    let dir = dir.join("limiter");
    std::fs::create_dir(&dir)?;
    let cores = std::thread::available_parallelism()?.get();

    // The stores are asked on a runtime with a thread for each core, as in a server.
    let work = move || {
        let runtime = Runtime::new()?;
        let open = |setting: &str, url: Option<String>| {
            let config = DatabaseConfig { url: url.map(Secret::new), ..DatabaseConfig::default() };
            let environment = Environment::system(dir.clone(), config);
            runtime.block_on(benching::limiter(&Secret::new(setting), &environment))
        };
        let memory = open("memory", None)?;
        let in_memory = |name, walks| Subject { name, store: memory.clone(), walks, server: None };
        let shared = |name, store, server| {
            let walks = (0..IN_FLIGHT).map(|n| keys(0, n * KEYS / IN_FLIGHT)).collect();
            Subject { name, store, walks, server: Some(server) }
        };
        let subjects = [
            in_memory("memory-one-thread", vec![keys(0, 0)]),
            in_memory("memory-all-cores", (0..cores).map(|n| keys(n * KEYS, 0)).collect()),
            in_memory("memory-all-cores-one-key", vec![vec![key(0)]; cores]),
            shared("redis", open(&redis.0, Some(database.clone()))?, redis.1),
            shared("postgres", open("database", Some(database))?, postgres),
        ];
        let rows = subjects.iter().map(|subject| row(&runtime, plan, subject).context(subject.name));
        rows.collect::<anyhow::Result<Vec<LimiterRow>>>()
    };
    tokio::task::spawn_blocking(work).await?
}

/// Prints them for people.
pub fn print(rows: &[LimiterRow]) {
    if rows.is_empty() {
        return;
    }
    println!("\nLimits");
    println!(
        "{:26} {:>9} {:>11} {:>12} {:>12} {:>12}",
        "", "in flight", "takes/s", "wall ns", "CPU ns", "server ns"
    );
    for row in rows {
        let server = row.server_cpu_nanos.map(|cpu| format!("{cpu:.0}")).unwrap_or_default();
        println!(
            "{:26} {:>9} {:>11.0} {:>12.0} {:>12.0} {server:>12}",
            row.name, row.in_flight, row.takes_per_second, row.wall_nanos, row.cpu_nanos
        );
    }
}

fn row(runtime: &Runtime, plan: Plan, subject: &Subject) -> anyhow::Result<LimiterRow> {
    let cpu = || clock_gettime(ClockId::ProcessCPUTime);
    let server_cpu = || subject.server.map(usage::cpu_with_children).transpose();
    // Keys come into the store and connections are opened.
    run(runtime, subject, plan.warm_up / 8)?;

    let (own_before, server_before) = (Duration::try_from(cpu())?, server_cpu()?);
    let (takes, took) = run(runtime, subject, plan.load / 4)?;
    let (own_after, server_after) = (Duration::try_from(cpu())?, server_cpu()?);

    let takes = takes as f64;
    let nanos = |time: Duration| rounded(time.as_secs_f64() * 1e9 / takes);
    let in_flight = subject.walks.len();
    Ok(LimiterRow {
        name: subject.name,
        in_flight,
        takes_per_second: (takes / took.as_secs_f64()).round(),
        wall_nanos: rounded(nanos(took) * in_flight as f64),
        cpu_nanos: nanos(own_after - own_before),
        server_cpu_nanos: server_before.zip(server_after).map(|(before, after)| nanos(after - before)),
    })
}

/// Takes for this long. Gives how many were taken, and how long it took in fact.
fn run(runtime: &Runtime, subject: &Subject, duration: Duration) -> anyhow::Result<(u64, Duration)> {
    let done = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks = subject.walks.iter().map(|walk| {
        let takes = takes(subject.store.clone(), walk.clone(), done.clone());
        match subject.server {
            Some(_) => runtime.spawn(takes),
            // It never waits, so one could keep the others from their turn on the same thread.
            None => runtime.spawn_blocking(|| Handle::current().block_on(takes)),
        }
    });
    let tasks: Vec<_> = tasks.collect();
    std::thread::sleep(duration);
    done.store(true, Ordering::Relaxed);
    let mut all = 0;
    for task in tasks {
        all += runtime.block_on(task)??;
    }
    Ok((all, began.elapsed()))
}

async fn takes(store: Arc<Limiter>, walk: Vec<String>, done: Arc<AtomicBool>) -> anyhow::Result<u64> {
    let mut takes = 0;
    for key in walk.iter().cycle() {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let taken = store.take(key, LIMITS).await?;
        ensure!(taken.allowed(), "a take was refused: {taken:?}");
        takes += 1;
    }
    Ok(takes)
}

/// As many keys as are asked for in turn, from the number `first`, beginning with the one at `start`.
fn keys(first: usize, start: usize) -> Vec<String> {
    let mut keys: Vec<String> = (first..first + KEYS).map(key).collect();
    keys.rotate_left(start);
    keys
}

/// As long as the id of a key is.
fn key(number: usize) -> String {
    format!("{number:024x}")
}
