//! The audit log: how fast a chain is verified, and what an entry adds to a change.

use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use auth_svc::setup::{self, SetupRequest};
use auth_svc::verify::{Database, Verifier};
use auth_svc::{AuthService, Config, benching};
use serde::Serialize;
use svc_core::secret::Secret;
use svc_db::testing::new_postgres_database;
use svc_runtime::service::{DatabaseConfig, Environment, Service};

use crate::rounds::{Plan, rounded};

/// How many entries are verified, and how many of them one change writes.
const ENTRIES: u32 = 100_000;
const AT_ONCE: u32 = 1_000;
/// Changes that are made for a mean, in turn with and without an entry.
const CHANGES: u32 = 2_000;
/// Of a quick run.
const QUICK: u32 = 10;

/// One engine.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    engine: &'static str,
    entries: u64,
    /// By one core, from the database.
    verified_per_second: f64,
    /// The mean time of a change of one row that writes no entry, in microseconds.
    change_micros: f64,
    /// The same with one entry.
    audited_change_micros: f64,
}

/// Measures both engines.
pub async fn measure(plan: Plan, dir: &Path) -> anyhow::Result<Vec<AuditRow>> {
    let url = new_postgres_database().await;
    let quick = if plan.rounds < 5 { QUICK } else { 1 };
    let mut rows = Vec::new();
    for (engine, url) in [("sqlite", None), ("postgres", Some(Secret::new(url)))] {
        let dir = dir.join(format!("audit-{engine}"));
        let environment = Environment::system(dir, DatabaseConfig { url, ..DatabaseConfig::default() });
        rows.push(row(engine, &environment, quick).await?);
    }
    Ok(rows)
}

async fn row(engine: &'static str, environment: &Environment, quick: u32) -> anyhow::Result<AuditRow> {
    let service = AuthService::open(&Config::default(), environment).await?;
    let request = SetupRequest {
        organization: "Acme".to_owned(),
        email: "owner@example.com".to_owned(),
        agent: "Support".to_owned(),
    };
    let made = setup::run(&service, &request).await?;
    let (organization, agent) = (&*made.organization_id, &*made.agent_id);

    let change = async |entries: u32| {
        let began = Instant::now();
        benching::change(&service, organization, agent, entries).await?;
        anyhow::Ok(began.elapsed().as_secs_f64() * 1e6)
    };
    let changes = CHANGES / quick;
    let (mut plain, mut audited) = (0.0, 0.0);
    for _ in 0..changes {
        plain += change(0).await?;
        audited += change(1).await?;
    }
    for _ in 0..ENTRIES / quick / AT_ONCE {
        change(AT_ONCE).await?;
    }

    let verifier = Verifier::new(&Config::default(), &environment.data_dir)?;
    let log = Database::open(environment).await?;
    let began = Instant::now();
    let verified = verifier.database(&log, Some(organization)).await?;
    let took = began.elapsed().as_secs_f64();
    log.close().await;
    service.close().await;
    let entries: u64 = verified.iter().map(|verified| verified.entries).sum();
    ensure!(verified.iter().all(|verified| verified.broken.is_none()), "the chain is whole");
    Ok(AuditRow {
        engine,
        entries,
        verified_per_second: rounded(entries as f64 / took),
        change_micros: rounded(plain / f64::from(changes)),
        audited_change_micros: rounded(audited / f64::from(changes)),
    })
}

/// Prints them for people.
pub fn print(rows: &[AuditRow]) {
    if rows.is_empty() {
        return;
    }
    println!("\nAudit log");
    println!("{:10} {:>9} {:>13} {:>11} {:>14}", "", "entries", "verified/s", "change µs", "with entry µs");
    for row in rows {
        println!(
            "{:10} {:>9} {:>13.0} {:>11.0} {:>14.0}",
            row.engine, row.entries, row.verified_per_second, row.change_micros, row.audited_change_micros
        );
    }
}
