//! How long an admin waits for the usage of a busy key: 30 days by the hour, on each engine.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use auth_svc::AuthService;
use auth_svc::benching::BusyKey;
use auth_svc::setup::{self, SetupRequest};
use serde::Serialize;
use svc_core::secret::Secret;
use svc_db::testing::new_postgres_database;
use svc_runtime::service::{DatabaseConfig, Environment, Service};

use crate::rounds::{percentile, rounded};

/// How often it is asked.
const TIMES: usize = 201;

/// Answers to one question.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyUsageRow {
    engine: &'static str,
    /// The requests that the answer counts.
    requests: i64,
    /// The rows that the database has of the key.
    rows: i64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures both engines.
pub async fn measure(dir: &Path) -> anyhow::Result<Vec<KeyUsageRow>> {
    let mut measured = Vec::new();
    for (engine, url) in [("sqlite", None), ("postgres", Some(new_postgres_database().await))] {
        let dir = dir.join("key-usage").join(engine);
        std::fs::create_dir_all(&dir)?;
        let config = DatabaseConfig { url: url.map(Secret::new), ..DatabaseConfig::default() };
        let environment = Environment::system(dir, config);
        let service = AuthService::open(&auth_svc::Config::default(), &environment).await?;
        measured.push(row(engine, &service).await.context(engine)?);
        service.close().await;
    }
    Ok(measured)
}

async fn row(engine: &'static str, service: &AuthService) -> anyhow::Result<KeyUsageRow> {
    let request = SetupRequest {
        organization: "Bench".to_owned(),
        email: "owner@example.com".to_owned(),
        agent: "Support".to_owned(),
    };
    let made = setup::run(service, &request).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let key = BusyKey::make(service, &made).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut times = Vec::new();
    let mut requests = 0;
    for _ in 0..TIMES {
        let began = Instant::now();
        requests = key.usage().await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        times.push(began.elapsed());
    }
    ensure!(requests > 0, "nothing was counted");
    times.sort_unstable();
    let millis = |percent| percentile(&times, percent).map_or(0.0, |time| rounded(time.as_secs_f64() * 1e3));
    Ok(KeyUsageRow { engine, requests, rows: key.rows, p50_ms: millis(50), p99_ms: millis(99) })
}

/// Prints them for people.
pub fn print(rows: &[KeyUsageRow]) {
    if rows.is_empty() {
        return;
    }
    println!("\nUsage of a busy key, 30 days by the hour");
    println!("{:10} {:>12} {:>9} {:>9} {:>9}", "", "requests", "rows", "p50 ms", "p99 ms");
    for row in rows {
        println!(
            "{:10} {:>12} {:>9} {:>9.2} {:>9.2}",
            row.engine, row.requests, row.rows, row.p50_ms, row.p99_ms
        );
    }
}
