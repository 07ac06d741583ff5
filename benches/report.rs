//! The table and `results.json`.

use std::path::PathBuf;

use serde::Serialize;

use crate::argon2::Argon2;
use crate::authorize::{Flood, ManyKeys};
use crate::cold_start::ColdStart;
use crate::delete_everywhere::DeleteEverywhere;
use crate::limiter::{self, LimiterRow};
use crate::load::CONNECTIONS;
use crate::rounds::{Row, rounded};

/// Which rows are compared by their CPU time, and the most that the first may take of the second.
const AIMS: [(&str, &str, f64); 7] = [
    ("contact-get-sqlite", "axum-sqlite", 1.5),
    ("gateway-one-process", "axum-hello", 3.0),
    ("authorize-tcp", "tonic-echo-tcp", 1.5),
    ("authorize-unix", "tonic-echo-unix", 1.5),
    ("authorize-batches-tcp", "tonic-echo-tcp", 1.0),
    ("authorize-batches-unix", "tonic-echo-unix", 1.0),
    ("authorize-1m-keys", "authorize-1k-keys", 1.2),
];

/// Everything that was measured: what `BENCH_ONLY` leaves out is absent.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    connections: u32,
    cpus: usize,
    /// What servers cost.
    pub rows: Vec<Row>,
    ratios: Vec<Ratio>,
    /// How `keyward serve` starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<ColdStart>,
    /// What many keys take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub many_keys: Option<ManyKeys>,
    /// What a flood does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub floods: Vec<Flood>,
    /// What argon2id costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argon2: Option<Argon2>,
    /// What the limits of keys cost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limiter: Vec<LimiterRow>,
    /// How long a DELETE takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_everywhere: Option<DeleteEverywhere>,
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
    pub fn compare(&mut self) {
        let cpu =
            |name: &str| self.rows.iter().find(|row| row.name == name).map(|row| row.cpu_micros_per_request);
        let ratios = AIMS.iter().filter_map(|(name, base, aim)| {
            let ratio = cpu(name)? / cpu(base)?;
            Some(Ratio { name: format!("{name} / {base}"), cpu: rounded(ratio), aim: *aim })
        });
        self.ratios = ratios.collect();
        self.connections = CONNECTIONS;
        self.cpus = std::thread::available_parallelism().map_or(0, usize::from);
    }

    /// Prints it for people.
    pub fn print(&self) {
        if !self.rows.is_empty() {
            self.print_rows();
        }
        if let Some(cold_start) = &self.cold_start {
            cold_start.print();
        }
        if let Some(many_keys) = &self.many_keys {
            many_keys.print();
        }
        if !self.floods.is_empty() {
            Flood::print(&self.floods);
        }
        if let Some(argon2) = &self.argon2 {
            argon2.print();
        }
        if !self.limiter.is_empty() {
            limiter::print(&self.limiter);
        }
        if let Some(delete_everywhere) = &self.delete_everywhere {
            delete_everywhere.print();
        }
    }

    fn print_rows(&self) {
        println!("\n{} connections; {} CPUs, which the load shares.\n", self.connections, self.cpus);
        println!(
            "{:26} {:>8} {:>11} {:>11} {:>8} {:>8} {:>8}",
            "", "req/s", "CPU µs/req", "DB µs/req", "p50 ms", "p99 ms", "RSS MiB"
        );
        for row in &self.rows {
            let database = row.db_cpu_micros_per_request.map(|cpu| format!("{cpu:.1}")).unwrap_or_default();
            println!(
                "{:26} {:>8.0} {:>11.1} {:>11} {:>8.2} {:>8.2} {:>8.1}",
                row.name, row.rps, row.cpu_micros_per_request, database, row.p50_ms, row.p99_ms, row.rss_mb
            );
        }
        println!("\nCPU time a request");
        for ratio in &self.ratios {
            println!("{:50} {:>6.2}   aim: at most {:.1}", ratio.name, ratio.cpu, ratio.aim);
        }
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
