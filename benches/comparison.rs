//! Keyward beside what people would take in its place: written by hand, nginx, Envoy. One contact, a list of a
//! hundred and a file of 1 MB, where a server has them; over 1, 32 and 256 connections, and at half of the most in
//! an open loop, in which requests come at their time, whether others are answered or not.
//!
//! Only by `BENCH_ONLY=comparison`. Any one of the servers by `BENCH_ROWS=nginx,envoy`.

mod proxies;
mod rivals;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use serde::Serialize;

use crate::contact;
use crate::load::{self, Check};
use crate::overload::offered::{Offered, Pace};
use crate::rounds::{Plan, rounded};
use crate::servers;
use crate::subject::{self, Postgres, Sample, Subject};
use crate::target::Target;
use crate::usage;

/// Over how many connections.
const CONNECTIONS: [u32; 3] = [1, 32, 256];
/// What is offered in the open loop, as a part of the most.
const OFFERED: f64 = 0.5;

/// What is asked for.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum What {
    /// One of the contacts, in turn.
    Contact,
    /// A hundred of them.
    List,
    /// A file of 1 MB.
    File,
}

/// One server with one kind of answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    name: &'static str,
    what: What,
    /// Of one answer.
    bytes: usize,
    over: Vec<Over>,
    open_loop: OpenLoop,
}

/// So many connections, each of which sends the next request when the last is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Over {
    connections: u32,
    /// Those that got what they asked for.
    rps: f64,
    /// How many more a second were refused: over the bound of what may be in flight.
    refused_rps: f64,
    cpu_micros_per_request: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    db_cpu_micros_per_request: Option<f64>,
    rss_mb: f64,
}

/// Requests at their time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OpenLoop {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    p99_9_ms: f64,
    failed: u64,
}

/// Measures all that are asked for.
pub async fn measure(plan: Plan, dir: &Path, postgres: &Postgres) -> anyhow::Result<Vec<Compared>> {
    let sample = Sample::make(dir).await?;
    let mut subjects = subject::start_all(dir, &sample, postgres).await?;
    subjects.extend(rivals::start(dir, &sample).await?);
    let asked_for = std::env::var("BENCH_ROWS").ok();
    let is_asked_for = |name| asked_for.as_ref().is_none_or(|rows| rows.split(',').any(|row| row == name));
    subjects.retain(|subject| is_asked_for(subject.name));

    let mut compared = Vec::new();
    for what in [What::Contact, What::List, What::File] {
        for subject in &subjects {
            if matches!(what, What::File) {
                // Most servers take none.
                let _ = subject.target.store_file(vec![b'x'; servers::FILE_BYTES]).await;
            }
            let found = subject.target.get(&what.path(&subject.target, 0)).await;
            let answer = match (found, what) {
                (Ok(answer), _) if answer.len() >= what.least_bytes() => answer,
                (Err(error), What::Contact) => return Err(error.context(subject.name)),
                // It has none.
                _ => continue,
            };
            println!("Measuring {what:?} of {}.", subject.name);
            compared.push(row(plan, subject, what, answer.len()).context(subject.name)?);
        }
    }
    Ok(compared)
}

fn row(plan: Plan, subject: &Subject, what: What, bytes: usize) -> anyhow::Result<Compared> {
    let path = match what {
        What::Contact => None,
        _ => Some(what.path(&subject.target, 0)),
    };
    let path = path.as_deref();
    let loaded = |connections, time, check| load::over(&subject.target, connections, path, time, check);
    loaded(load::CONNECTIONS, plan.warm_up, Check::Each(bytes))?;

    let pids = subject.pids();
    let cpu = || -> anyhow::Result<(Duration, Option<Duration>)> {
        Ok((usage::cpu(&pids)?, subject.postgres.map(usage::cpu_with_children).transpose()?))
    };
    let mut over = Vec::new();
    for connections in CONNECTIONS {
        let (servers_before, database_before) = cpu()?;
        let load = loaded(connections, plan.load / 2, Check::Arrival)?;
        let (servers_after, database_after) = cpu()?;
        let requests = (load.requests - load.refused) as f64;
        let micros =
            |before: Duration, after: Duration| rounded((after - before).as_secs_f64() * 1e6 / requests);
        over.push(Over {
            connections,
            rps: (requests / load.seconds).round(),
            refused_rps: (load.refused as f64 / load.seconds).round(),
            cpu_micros_per_request: micros(servers_before, servers_after),
            db_cpu_micros_per_request: database_before
                .zip(database_after)
                .map(|(before, after)| micros(before, after)),
            rss_mb: rounded(usage::rss_mib(&pids)?),
        });
    }

    let most = over.iter().map(|over| over.rps).fold(0.0, f64::max);
    let address: SocketAddr = subject.target.base.trim_start_matches("http://").parse()?;
    let requests: Vec<Bytes> = (0..contact::COUNT)
        .map(|number| subject.target.bytes(&what.path(&subject.target, number), None))
        .collect();
    let answers = Offered {
        edges: &[address],
        requests: &requests,
        pace: Pace::PerSecond((most * OFFERED).max(1.0)),
        warm_up: plan.warm_up / 2,
        time: plan.load,
    };
    let answers = answers.run()?;
    let open_loop = OpenLoop {
        per_second: (most * OFFERED).round(),
        p50_ms: answers.good_within_permille(500),
        p99_ms: answers.good_within_permille(990),
        p99_9_ms: answers.good_within_permille(999),
        failed: answers.failed,
    };
    Ok(Compared { name: subject.name, what, bytes, over, open_loop })
}

impl What {
    /// A shorter answer is another one.
    fn least_bytes(self) -> usize {
        match self {
            What::Contact => 300,
            What::List => 30_000,
            What::File => servers::FILE_BYTES,
        }
    }

    fn path(self, target: &Target, number: u32) -> String {
        match self {
            What::Contact => target.path_of_contact(number),
            What::List => target.path_of_list(),
            What::File => target.path_of_file(),
        }
    }
}

/// Prints it for people.
pub fn print(rows: &[Compared]) {
    println!("\nBeside others; in the open loop at half of the most");
    println!(
        "{:26} {:8} {:>11} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "", "connections", "req/s", "CPU µs", "DB µs", "RSS MiB", "p50 ms", "p99 ms", "p99.9 ms"
    );
    for row in rows {
        for over in &row.over {
            let database = over.db_cpu_micros_per_request.map(|cpu| format!("{cpu:.1}")).unwrap_or_default();
            println!(
                "{:26} {:8} {:>11} {:>8.0} {:>8.1} {database:>8} {:>8.1} {}",
                row.name,
                format!("{:?}", row.what).to_lowercase(),
                over.connections,
                over.rps,
                over.cpu_micros_per_request,
                over.rss_mb,
                if over.refused_rps > 0.0 {
                    format!("{} refused/s", over.refused_rps)
                } else {
                    String::new()
                },
            );
        }
        let OpenLoop { per_second, p50_ms, p99_ms, p99_9_ms, failed } = &row.open_loop;
        println!(
            "{:26} {:8} {:>11} {per_second:>8.0} {:>26} {p50_ms:>8.2} {p99_ms:>8.2} {p99_9_ms:>8.2}",
            row.name,
            format!("{:?}", row.what).to_lowercase(),
            "open loop",
            if *failed > 0 { format!("{failed} failed") } else { String::new() },
        );
    }
}
