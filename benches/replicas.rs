//! What users see while one of two replicas is paused, cut off from its database, or cannot check who calls:
//! the share of requests that fail, and how long they take. Requests come at a fixed rate, whether or not
//! those before them are answered. The settings are ones that every release knows: with `KEYWARD_BENCH_BINARY`,
//! the program of another one is measured first, in the same run.

mod cluster;
mod gate;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::process;
use crate::rounds::{Plan, percentile, rounded};
use cluster::{Client, Cluster};

/// Requests a second: far from what the machine can do, so that what fails does so because of the fault.
const PER_SECOND: u32 = 100;
/// How long each fault lasts, for each second of the plan's load: 9 or 45 seconds.
const LASTS: f64 = 4.5;
/// How long a fault may go unnoticed.
const NOTICED: Duration = Duration::from_secs(1);

/// What users see of a fault.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Of which program.
    program: String,
    /// Which.
    name: &'static str,
    requests: usize,
    /// Requests without an answer of 2xx.
    failed: usize,
    failed_percent: f64,
    /// How often which answer came.
    answers: BTreeMap<String, usize>,
    p50_ms: f64,
    p99_ms: f64,
    /// The same of requests that began a second after the fault or later.
    p99_after_a_second_ms: f64,
}

/// One request.
struct Outcome {
    /// After the fault.
    began: Duration,
    took: Duration,
    answer: String,
}

impl Fault {
    /// Measures all in new directories in `dir`, one after another.
    pub async fn measure(dir: &Path, plan: Plan) -> anyhow::Result<Vec<Fault>> {
        let lasts = plan.load.mul_f64(LASTS);
        let mut all = Vec::new();
        for (number, (name, program)) in process::programs()?.into_iter().enumerate() {
            println!("Disturbing replicas of {name}.");
            let cluster = Cluster::start(program, &dir.join(format!("replicas-{number}"))).await?;
            let faults = Fault::each(cluster, lasts).await?;
            all.extend(faults.into_iter().map(|fault| Fault { program: name.clone(), ..fault }));
        }
        Ok(all)
    }

    async fn each(mut cluster: Cluster, lasts: Duration) -> anyhow::Result<Vec<Fault>> {
        let mut faults = vec![Fault::of("none", &cluster.client, lasts).await];

        cluster.pause_contacts(true)?;
        faults.push(Fault::of("contacts-svc paused", &cluster.client, lasts).await);
        cluster.pause_contacts(false)?;
        cluster.client.wait_until_well().await?;

        cluster.pause_auth(true)?;
        faults.push(Fault::of("auth-svc paused", &cluster.client, lasts).await);
        cluster.pause_auth(false)?;
        cluster.client.wait_until_well().await?;

        cluster.gate.close();
        faults.push(Fault::of("contacts-svc without its database", &cluster.client, lasts).await);
        cluster.gate.open();
        cluster.client.wait_until_well().await?;

        cluster.restart_contacts_without_keys()?;
        faults.push(Fault::of("contacts-svc restarted without keys", &cluster.client, lasts).await);
        Ok(faults)
    }

    async fn of(name: &'static str, client: &Client, lasts: Duration) -> Fault {
        println!("{name}, {} s.", lasts.as_secs_f64());
        let began = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut requests = JoinSet::new();
        let mut number = 0;
        while began.elapsed() < lasts {
            ticks.tick().await;
            let client = client.clone();
            let asked = Instant::now();
            requests.spawn(async move {
                let answer = client.request(number).await;
                Outcome { began: asked - began, took: asked.elapsed(), answer }
            });
            number += 1;
        }
        Fault::sum_up(name, &requests.join_all().await)
    }

    fn sum_up(name: &'static str, outcomes: &[Outcome]) -> Fault {
        let mut answers = BTreeMap::new();
        for outcome in outcomes {
            *answers.entry(outcome.answer.clone()).or_default() += 1;
        }
        let failed = outcomes.iter().filter(|outcome| !outcome.answer.starts_with('2')).count();
        let within = |percent: usize, from: Duration| {
            let later = outcomes.iter().filter(|outcome| outcome.began >= from);
            let mut times: Vec<Duration> = later.map(|outcome| outcome.took).collect();
            times.sort_unstable();
            percentile(&times, percent).map_or(0.0, |time| rounded(time.as_secs_f64() * 1e3))
        };
        Fault {
            program: String::new(),
            name,
            requests: outcomes.len(),
            failed,
            failed_percent: rounded(failed as f64 * 100.0 / outcomes.len().max(1) as f64),
            answers,
            p50_ms: within(50, Duration::ZERO),
            p99_ms: within(99, Duration::ZERO),
            p99_after_a_second_ms: within(99, NOTICED),
        }
    }

    /// Prints them for people.
    pub fn print(faults: &[Fault]) {
        println!("\nOne of two replicas is disturbed; {PER_SECOND} requests a second");
        println!(
            "{:38} {:>9} {:>8} {:>8} {:>8} {:>8} {:>12}",
            "", "requests", "failed", "%", "p50 ms", "p99 ms", "after 1 s"
        );
        for (at, fault) in faults.iter().enumerate() {
            if at == 0 || faults[at - 1].program != fault.program {
                println!("{}", fault.program);
            }
            println!(
                "{:38} {:>9} {:>8} {:>8.2} {:>8.1} {:>8.1} {:>12.1}   {:?}",
                fault.name,
                fault.requests,
                fault.failed,
                fault.failed_percent,
                fault.p50_ms,
                fault.p99_ms,
                fault.p99_after_a_second_ms,
                fault.answers,
            );
        }
    }
}
