//! Many contacts in and out as a file: rows a second, and the most memory that Keyward has for it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use reqwest::Client;
use serde::Serialize;
use svc_db::testing::new_postgres_database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::installation::Installation;
use crate::process::Process;
use crate::rounds::{Plan, rounded};
use crate::usage;

const ROWS: u32 = 1_000_000;
const QUICK_ROWS: u32 = 100_000;
/// Rows that are sent at once.
const AT_ONCE: u32 = 500;
/// What an import does at least on PostgreSQL.
const AIM: f64 = 20_000.0;

/// What rows an import has.
#[derive(Clone, Copy)]
enum Shape {
    /// A reference, a name, an address and a number.
    Narrow,
    /// These with a stage, a source, two tags and two custom fields.
    Wide,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Narrow => "import, 4 columns",
            Shape::Wide => "import, 9 columns",
        }
    }

    fn header(self) -> &'static str {
        match self {
            Shape::Narrow => "externalReferenceId,name,email,mobileNumber\r\n",
            Shape::Wide => {
                "externalReferenceId,name,email,mobileNumber,stage,source,tags,customFields.plan,customFields.seats\r\n"
            }
        }
    }

    fn row(self, number: u32, out: &mut String) {
        const FIRST: [&str; 8] = ["Ada", "Bert", "Carla", "Dora", "Emil", "Frida", "Gustav", "Hanna"];
        const LAST: [&str; 7] = ["Lovelace", "Schmidt", "Rossi", "García", "Dubois", "Novák", "Jensen"];
        let (first, last) = (FIRST[number as usize % FIRST.len()], LAST[number as usize % LAST.len()]);
        let _ = write!(out, "customer-{number},{first} {last},{first}.{number}@example.com,+4915{number:09}");
        if let Shape::Wide = self {
            let (plan, group) = (if number.is_multiple_of(2) { "gold" } else { "silver" }, number % 100);
            let _ = write!(out, ",CUSTOMER,website,vip;group {group},{plan},{}", number % 500);
        }
        out.push_str("\r\n");
    }
}

/// What one way took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactFileRow {
    engine: &'static str,
    what: &'static str,
    rows: u32,
    rows_per_second: f64,
    /// CPU time of Keyward, and of PostgreSQL.
    cpu_micros_per_row: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    db_cpu_micros_per_row: Option<f64>,
    /// What Keyward held before it, and at most until its end.
    idle_mib: f64,
    peak_mib: f64,
}

/// Measures them on both engines.
pub async fn measure(plan: Plan, dir: &Path, postgres: u32) -> anyhow::Result<Vec<ContactFileRow>> {
    let rows = if plan.is_quick() { QUICK_ROWS } else { ROWS };
    let mut all = Vec::new();
    for engine in ["postgres", "sqlite"] {
        for shape in [Shape::Narrow, Shape::Wide] {
            let database = new_postgres_database().await;
            let url = (engine == "postgres").then_some(database.as_str());
            let dir = dir.join(format!("{}-{engine}", shape.name()));
            std::fs::create_dir_all(&dir)?;
            let installation = Installation::new(&dir, url)?;
            let of = Of { engine, rows, postgres: url.map(|_| postgres), installation: &installation };
            all.push(of.row(shape.name(), async |process| of.import(process, shape).await).await?);
            if let Shape::Wide = shape {
                for (what, format) in [("export, CSV", "CSV"), ("export, NDJSON", "NDJSON")] {
                    all.push(of.row(what, async |process| of.export(process, format).await).await?);
                }
            }
        }
    }
    Ok(all)
}

/// Prints them for people.
pub fn print(rows: &[ContactFileRow]) {
    if rows.is_empty() {
        return;
    }
    println!("\nContacts in and out as a file   aim: imports of {AIM:.0} rows a second on PostgreSQL");
    println!(
        "{:28} {:>9} {:>8} {:>11} {:>10} {:>9} {:>9}",
        "", "rows", "rows/s", "CPU µs/row", "DB µs/row", "idle MiB", "peak MiB"
    );
    for row in rows {
        let database = row.db_cpu_micros_per_row.map(|cpu| format!("{cpu:.1}")).unwrap_or_default();
        println!(
            "{:28} {:>9} {:>8.0} {:>11.1} {:>10} {:>9.1} {:>9.1}",
            format!("{}, {}", row.engine, row.what),
            row.rows,
            row.rows_per_second,
            row.cpu_micros_per_row,
            database,
            row.idle_mib,
            row.peak_mib
        );
    }
}

struct Of<'i> {
    engine: &'static str,
    rows: u32,
    /// The first process of PostgreSQL.
    postgres: Option<u32>,
    installation: &'i Installation,
}

impl Of<'_> {
    /// In a process of its own, whose peak is of nothing else.
    async fn row(
        &self,
        what: &'static str,
        run: impl AsyncFnOnce(&Process) -> anyhow::Result<()>,
    ) -> anyhow::Result<ContactFileRow> {
        println!("{}, {what}, {} rows.", self.engine, self.rows);
        let process = self.installation.serve(None, &[])?;
        let pids = process.pids();
        let database = || self.postgres.map(usage::cpu_with_children).transpose();
        let idle_mib = rounded(usage::rss_mib(&pids)?);
        let (cpu, database_cpu, began) = (usage::cpu(&pids)?, database()?, Instant::now());
        run(&process).await.context(what)?;
        let seconds = began.elapsed().as_secs_f64();
        let rows = f64::from(self.rows);
        let spent = database()?.zip(database_cpu).map(|(after, before)| after - before);
        let row = ContactFileRow {
            engine: self.engine,
            what,
            rows: self.rows,
            rows_per_second: rounded(rows / seconds),
            cpu_micros_per_row: rounded((usage::cpu(&pids)? - cpu).as_secs_f64() * 1e6 / rows),
            db_cpu_micros_per_row: spent.map(|spent| rounded(spent.as_secs_f64() * 1e6 / rows)),
            idle_mib,
            peak_mib: rounded(usage::peak_mib(process.pid())?),
        };
        process.stop()?;
        Ok(row)
    }

    async fn import(&self, process: &Process, shape: Shape) -> anyhow::Result<()> {
        let made = &self.installation.made;
        let address = process.address("edge")?;
        let mut stream = TcpStream::connect(address).await?;
        let head = format!(
            "POST /v1/console/agents/{}/contacts:import HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n",
            made.agent_id, made.owner_token
        );
        stream.write_all(head.as_bytes()).await?;
        let mut text = shape.header().to_owned();
        for number in 0..self.rows {
            shape.row(number, &mut text);
            if (number + 1) % AT_ONCE == 0 {
                stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await?;
                text.clear();
            }
        }
        stream.write_all(b"0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let created = format!("\"created\":{}", self.rows);
        ensure!(answer.contains(&created), "{answer}");
        Ok(())
    }

    async fn export(&self, process: &Process, format: &str) -> anyhow::Result<()> {
        let made = &self.installation.made;
        let address = process.address("edge")?;
        let url =
            format!("http://{address}/v1/console/agents/{}/contacts:export?format={format}", made.agent_id);
        let client = Client::builder().no_proxy().build()?;
        let mut response = client.get(url).bearer_auth(&made.owner_token).send().await?;
        ensure!(response.status() == 200, "{}", response.status());
        let mut lines = 0;
        while let Some(piece) = response.chunk().await? {
            lines += piece.iter().filter(|byte| **byte == b'\n').count();
        }
        let header = usize::from(format == "CSV");
        ensure!(lines == self.rows as usize + header, "{lines} lines came");
        Ok(())
    }
}
