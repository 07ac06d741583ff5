//! The table and `results.json`.

use std::path::PathBuf;

use serde::Serialize;

use crate::cold_start::ColdStart;
use crate::load::CONNECTIONS;
use crate::rounds::{Row, rounded};

/// Which rows are compared by their CPU time, and the most that the first may take of the second.
const AIMS: [(&str, &str, f64); 2] =
    [("contact-get-sqlite", "axum-sqlite", 1.5), ("gateway-one-process", "axum-hello", 3.0)];
const COLD_START_AIM_MS: f64 = 500.0;
const IDLE_AIM_MB: f64 = 60.0;

/// Everything that was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    connections: u32,
    cpus: usize,
    rows: Vec<Row>,
    ratios: Vec<Ratio>,
    cold_start: ColdStart,
}

/// What a row takes beside another one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ratio {
    name: String,
    cpu: f64,
    aim: f64,
}

impl Report {
    /// Compares the rows.
    pub fn new(rows: Vec<Row>, cold_start: ColdStart) -> Report {
        let cpu = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.cpu_micros_per_request);
        let ratios = AIMS.iter().filter_map(|(name, base, aim)| {
            let ratio = cpu(name)? / cpu(base)?;
            Some(Ratio { name: format!("{name} / {base}"), cpu: rounded(ratio), aim: *aim })
        });
        let ratios = ratios.collect();
        let cpus = std::thread::available_parallelism().map_or(0, usize::from);
        Report { connections: CONNECTIONS, cpus, rows, ratios, cold_start }
    }

    /// Prints it for people.
    pub fn print(&self) {
        println!("\n{} connections; {} CPUs, which the load shares.\n", self.connections, self.cpus);
        println!(
            "{:22} {:>8} {:>11} {:>11} {:>8} {:>8} {:>8}",
            "", "req/s", "CPU µs/req", "DB µs/req", "p50 ms", "p99 ms", "RSS MiB"
        );
        for row in &self.rows {
            let database = row.db_cpu_micros_per_request.map(|cpu| format!("{cpu:.1}")).unwrap_or_default();
            println!(
                "{:22} {:>8.0} {:>11.1} {:>11} {:>8.2} {:>8.2} {:>8.1}",
                row.name, row.rps, row.cpu_micros_per_request, database, row.p50_ms, row.p99_ms, row.rss_mb
            );
        }
        println!("\nCPU time a request");
        for ratio in &self.ratios {
            println!("{:50} {:>6.2}   aim: at most {:.1}", ratio.name, ratio.cpu, ratio.aim);
        }
        println!("\nkeyward serve, on SQLite with data");
        let ColdStart { median_ms, idle_rss_mb, .. } = &self.cold_start;
        println!(
            "{:50} {median_ms:>6.0}   aim: below {COLD_START_AIM_MS:.0}",
            "start to the first answer, ms"
        );
        println!("{:50} {idle_rss_mb:>6.1}   aim: below {IDLE_AIM_MB:.0}", "idle memory (RSS), MiB");
    }

    /// Writes it for programs, and says where.
    pub fn write(&self) -> anyhow::Result<PathBuf> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"));
        let dir = target.join("bench");
        std::fs::create_dir_all(&dir)?;
        let path = dir.join("results.json");
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(self)?))?;
        Ok(path)
    }
}
