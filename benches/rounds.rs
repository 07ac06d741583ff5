//! The load goes round among the subjects.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use crate::load::{self, Check};
use crate::subject::Subject;
use crate::usage;

const QUICK_ROUNDS: usize = 3;

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The load before anything counts: caches fill, and every answer is looked at.
    pub warm_up: Duration,
    /// The load on one subject in one round.
    pub load: Duration,
    /// How many rounds there are. Odd, so that one is the median.
    pub rounds: usize,
}

impl Plan {
    /// Whether it is the quick one.
    pub fn is_quick(self) -> bool {
        self.rounds == QUICK_ROUNDS
    }

    /// The quick one with `BENCH_QUICK=1`.
    pub fn from_environment() -> Plan {
        let quick = std::env::var("BENCH_QUICK").is_ok_and(|value| value == "1");
        let seconds = Duration::from_secs;
        match quick {
            true => Plan { warm_up: seconds(1), load: seconds(2), rounds: QUICK_ROUNDS },
            false => Plan { warm_up: seconds(5), load: seconds(10), rounds: 5 },
        }
    }
}

/// What was measured of a subject.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What.
    pub name: &'static str,
    /// Answers a second, on a machine that the load shares.
    pub rps: f64,
    /// CPU time of all server processes for a request, in microseconds.
    pub cpu_micros_per_request: f64,
    /// The same of PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db_cpu_micros_per_request: Option<f64>,
    /// The median time to an answer.
    pub p50_ms: f64,
    /// The time within which 99 of 100 answers came.
    pub p99_ms: f64,
    /// What all server processes hold under load, in MiB.
    pub rss_mb: f64,
}

impl Row {
    /// The CPU time of all for a request, that of PostgreSQL included.
    pub fn all_cpu_micros(&self) -> f64 {
        self.cpu_micros_per_request + self.db_cpu_micros_per_request.unwrap_or_default()
    }
}

/// Measures each subject in each round. The row of a subject is its round with the median CPU time. Every
/// answer must have a body of `body_length`.
pub fn run(plan: Plan, subjects: &[Subject], body_length: usize) -> anyhow::Result<Vec<Row>> {
    for subject in subjects {
        println!("Warming up {}.", subject.name);
        load::run(&subject.target, plan.warm_up, Check::Each(body_length)).context(subject.name)?;
    }
    let mut measured: Vec<Vec<Row>> = vec![Vec::new(); subjects.len()];
    for round in 1..=plan.rounds {
        println!("Round {round} of {}.", plan.rounds);
        for (subject, rows) in subjects.iter().zip(&mut measured) {
            rows.push(measure(subject, plan.load).context(subject.name)?);
        }
    }
    Ok(measured.into_iter().filter_map(median).collect())
}

fn measure(subject: &Subject, duration: Duration) -> anyhow::Result<Row> {
    let pids = subject.pids();
    let cpu = || -> anyhow::Result<(Duration, Option<Duration>)> {
        Ok((usage::cpu(&pids)?, subject.postgres.map(usage::cpu_with_children).transpose()?))
    };
    let (servers_before, database_before) = cpu()?;
    let load = load::run(&subject.target, duration, Check::Errors)?;
    let (servers_after, database_after) = cpu()?;
    let requests = load.requests as f64;
    let micros = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / requests;
    Ok(Row {
        name: subject.name,
        rps: (requests / load.seconds).round(),
        cpu_micros_per_request: rounded(micros(servers_before, servers_after)),
        db_cpu_micros_per_request: database_before
            .zip(database_after)
            .map(|(before, after)| rounded(micros(before, after))),
        p50_ms: load.p50_ms,
        p99_ms: load.p99_ms,
        rss_mb: rounded(usage::rss_mib(&pids)?),
    })
}

/// The row with the median CPU time.
pub fn median(mut rows: Vec<Row>) -> Option<Row> {
    rows.sort_by(|a, b| a.cpu_micros_per_request.total_cmp(&b.cpu_micros_per_request));
    let middle = rows.len() / 2;
    rows.into_iter().nth(middle)
}

/// What so many percent of the values do not exceed, by the nearest rank. `None` of none.
pub fn percentile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// To two digits: more would pretend to be exact.
pub fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
