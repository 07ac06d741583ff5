//! The table and `results.json`.

use std::path::PathBuf;

use serde::Serialize;

use crate::argon2::Argon2;
use crate::audit::{self, AuditRow};
use crate::authorize::{Flood, ManyKeys};
use crate::bodies::{self, BodyRow};
use crate::cold_start::ColdStart;
use crate::comparison::{self, Compared};
use crate::contact_files::{self, ContactFileRow};
use crate::contact_lists::{self, ContactListRow};
use crate::contact_writes::{self, ContactWriteRow};
use crate::delete_everywhere::DeleteEverywhere;
use crate::key_usage::{self, KeyUsageRow};
use crate::limiter::{self, LimiterRow};
use crate::load::CONNECTIONS;
use crate::overload::{Overload, Refusals};
use crate::replicas::Fault;
use crate::request_log::{self, RequestLookup};
use crate::rounds::{Row, rounded};
use crate::streams::{self, StreamRow};
use crate::transcoder::{self, TranscoderRow};

/// Which rows are compared by their CPU time, that of PostgreSQL included, and the most that the first may take of
/// the second.
const AIMS: [(&str, &str, f64); 10] = [
    ("contact-get-sqlite", "axum-sqlite", 0.8),
    ("contact-get-postgres", "axum-postgres", 1.7),
    ("gateway-one-process", "axum-hello", 2.3),
    ("gateway-one-process", "gateway-uncounted", 1.05),
    ("authorize-tcp", "tonic-echo-tcp", 1.5),
    ("authorize-unix", "tonic-echo-unix", 1.5),
    ("authorize-batches-tcp", "tonic-echo-tcp", 1.0),
    ("authorize-batches-unix", "tonic-echo-unix", 1.0),
    ("authorize-1m-keys", "authorize-1k-keys", 1.2),
    ("request-log", "request-log-off", 1.05),
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
    /// What refusals take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals: Option<Refusals>,
    /// What becomes of more requests than can be answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overload: Vec<Overload>,
    /// What argon2id costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argon2: Option<Argon2>,
    /// What the limits of keys cost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limiter: Vec<LimiterRow>,
    /// How long the usage of a busy key takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_usage: Vec<KeyUsageRow>,
    /// What the audit log costs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<AuditRow>,
    /// How long a DELETE takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_everywhere: Option<DeleteEverywhere>,
    /// What large bodies and answers cost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bodies: Vec<BodyRow>,
    /// What others cost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comparison: Vec<Compared>,
    /// What users see while a replica is disturbed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<Fault>,
    /// What a GiB takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamRow>,
    /// How fast a request is found by its id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_lookups: Vec<RequestLookup>,
    /// What pages of contacts take, with few and with many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_lists: Vec<ContactListRow>,
    /// What contacts take one by one and many at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_writes: Vec<ContactWriteRow>,
    /// What contacts take in and out as a file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_files: Vec<ContactFileRow>,
    /// What JSON to protobuf and back takes, alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transcoder: Vec<TranscoderRow>,
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
        let cpu = |name: &str| self.rows.iter().find(|row| row.name == name).map(Row::all_cpu_micros);
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
        if let Some(refusals) = &self.refusals {
            refusals.print();
        }
        self.overload.iter().for_each(Overload::print);
        if let Some(argon2) = &self.argon2 {
            argon2.print();
        }
        if !self.limiter.is_empty() {
            limiter::print(&self.limiter);
        }
        key_usage::print(&self.key_usage);
        audit::print(&self.audit);
        if let Some(delete_everywhere) = &self.delete_everywhere {
            delete_everywhere.print();
        }
        if !self.bodies.is_empty() {
            bodies::print(&self.bodies);
        }
        if !self.comparison.is_empty() {
            comparison::print(&self.comparison);
        }
        if !self.replicas.is_empty() {
            Fault::print(&self.replicas);
        }
        if !self.streams.is_empty() {
            streams::print(&self.streams);
        }
        contact_lists::print(&self.contact_lists);
        contact_writes::print(&self.contact_writes);
        contact_files::print(&self.contact_files);
        request_log::print(&self.request_lookups);
        if !self.transcoder.is_empty() {
            transcoder::print(&self.transcoder);
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
            println!("{:50} {:>6.2}   aim: at most {:.2}", ratio.name, ratio.cpu, ratio.aim);
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
