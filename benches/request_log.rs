//! What the request log costs a request, and how long it takes to find one among many.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use auth_svc::{AuthService, testing};
use reqwest::Client;
use serde::Serialize;
use svc_db::testing::new_postgres_database;
use svc_runtime::service::Service;

use crate::installation::Installation;
use crate::rounds::{self, Plan, Row, percentile, rounded};
use crate::subject;

/// Requests in the log: an hour of ten thousand of them a second, or two weeks of eight.
const REQUESTS: u32 = 10_000_000;
const QUICK_REQUESTS: u32 = 1_000_000;
/// How many are looked for, and before them as many that do not count.
const LOOKUPS: u32 = 300;
const AIM_MS: f64 = 5.0;

/// More than any load makes.
const ALL: &str = "1000000";
/// The name of a row, and its `edge.request_log_per_second`. Requests beyond the default are dropped.
const ROWS: [(&str, Option<&str>); 3] =
    [("request-log-off", Some("0")), ("request-log", None), ("request-log-of-all", Some(ALL))];

/// How long finding a request by its id takes, over HTTP and with the look at the member's token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestLookup {
    engine: &'static str,
    /// In the log.
    requests: u32,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures both.
pub async fn measure(plan: Plan, dir: &Path) -> anyhow::Result<(Vec<Row>, Vec<RequestLookup>)> {
    let mut subjects = Vec::new();
    for (name, per_second) in ROWS {
        let more: Vec<_> =
            per_second.into_iter().map(|it| ("KEYWARD_EDGE__REQUEST_LOG_PER_SECOND", it)).collect();
        subjects.push(subject::gateway(name, dir, &more).await?);
    }
    let answer = subjects.first().context("no subject")?.target.get_contact().await?;
    let rows = rounds::run(plan, &subjects, answer.len())?;
    drop(subjects);

    let requests = if plan.is_quick() { QUICK_REQUESTS } else { REQUESTS };
    let database = new_postgres_database().await;
    let mut lookups = Vec::new();
    for (engine, url) in [("sqlite", None), ("postgres", Some(database.as_str()))] {
        println!("Filling a log of {requests} requests on {engine}.");
        let dir = dir.join(format!("request-log-{engine}"));
        lookups.push(lookup(engine, &dir, url, requests).await.context(engine)?);
    }
    Ok((rows, lookups))
}

/// Prints it for people.
pub fn print(lookups: &[RequestLookup]) {
    if lookups.is_empty() {
        return;
    }
    println!("\nA request by its id, ms");
    println!("{:26} {:>12} {:>8} {:>8}   aim: p99 below {AIM_MS:.0}", "", "in the log", "p50", "p99");
    for RequestLookup { engine, requests, p50_ms, p99_ms } in lookups {
        println!("{engine:26} {requests:>12} {p50_ms:>8.2} {p99_ms:>8.2}");
    }
}

async fn lookup(
    engine: &'static str,
    dir: &Path,
    postgres: Option<&str>,
    requests: u32,
) -> anyhow::Result<RequestLookup> {
    let installation = Installation::new(dir, postgres)?;
    let settings = installation.settings()?;
    let environment = keyward::run::environment(&settings);
    let service = AuthService::open(settings.services.config::<AuthService>()?, &environment).await?;
    let made = &installation.made;
    let of = (made.organization_id.as_str(), made.agent_id.as_str());
    let inserted = testing::insert_requests(&service, of, requests).await;
    service.close().await;
    // SQLite belongs to one process: whoever holds the service has it.
    drop(service);
    let id = inserted.map_err(|error| anyhow!("{error}"))?;

    let process = installation.serve(None, &[])?;
    let (client, address) = (Client::builder().no_proxy().build()?, process.address("edge")?);
    let mut times = Vec::new();
    for turn in 0..2 * LOOKUPS {
        // Evenly over all of them, and never the neighbour of the one before.
        let number = turn.wrapping_mul(2_654_435_761) % requests;
        let url = format!("http://{address}/v1/console/requests/{}", id(number));
        let begun = Instant::now();
        let response = client.get(url).bearer_auth(&made.owner_token).send().await?;
        ensure!(response.status() == 200, "{}: {}", response.status(), response.text().await?);
        response.bytes().await?;
        times.push(begun.elapsed());
    }
    let mut times: Vec<Duration> = times.split_off(LOOKUPS as usize);
    times.sort_unstable();
    let within = |percent: usize| {
        let time = percentile(&times, percent).context("nothing was looked for")?;
        anyhow::Ok(rounded(time.as_secs_f64() * 1e3))
    };
    Ok(RequestLookup { engine, requests, p50_ms: within(50)?, p99_ms: within(99)? })
}
