//! What one hostile body and one legal list cost: CPU for each byte, and memory.

use std::path::Path;

use anyhow::ensure;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::installation::Installation;
use crate::process::Process;
use crate::rounds::{Plan, rounded};
use crate::target::Target;
use crate::usage;

/// The bytes of a hostile body: just what a body may have.
const BYTES: usize = 1024 * 1024;
/// How often each is sent for each second of the plan's load.
const TIMES_FOR_A_SECOND: u64 = 10;
/// Contacts of the list, each as large as it may be.
const CONTACTS: usize = 100;

/// The cost of one kind of request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BodyRow {
    name: &'static str,
    /// Of the body, or of the answer where that is what is large.
    bytes: usize,
    /// CPU time of the process for each of them, the rest of the request included.
    cpu_nanos_per_byte: f64,
    /// CPU time of the process for one.
    cpu_ms: f64,
    /// How much the most memory that the process has held grew over all of them, two at once.
    growth_mib: f64,
}

/// Measures them one after another, each in a process of its own.
pub async fn measure(plan: Plan, dir: &Path) -> anyhow::Result<Vec<BodyRow>> {
    let times = usize::try_from(plan.load.as_secs() * TIMES_FOR_A_SECOND)?;
    let installation = Installation::new(&dir.join("bodies"), None)?;
    let mut rows = Vec::new();
    for (name, body) in hostile() {
        let (process, target) = start(&installation).await?;
        let bytes = body.len();
        rows.push(row(name, &process, times, bytes, async || target.refused(&body).await).await?);
        process.stop()?;
    }

    let (process, target) = start(&installation).await?;
    let text = "x".repeat(4_000);
    for _ in 0..CONTACTS {
        let mut fields: serde_json::Map<_, _> = (0..15).map(|n| (format!("f{n}"), json!(text))).collect();
        fields.insert("list".to_owned(), json!(vec![json!({}); 1_300]));
        let contact = json!({"email": "ada@example.com", "customFields": fields});
        target.create(&contact).await?;
    }
    let bytes = target.list().await?;
    rows.push(
        row("legal list, limit=100", &process, times, bytes, async || target.list().await.map(drop)).await?,
    );
    process.stop()?;
    Ok(rows)
}

/// Prints it for people.
pub fn print(rows: &[BodyRow]) {
    println!("\nLarge bodies and answers");
    println!("{:36} {:>10} {:>12} {:>8} {:>12}", "", "bytes", "CPU ns/byte", "CPU ms", "growth MiB");
    for row in rows {
        println!(
            "{:36} {:>10} {:>12.1} {:>8.1} {:>12.1}",
            row.name, row.bytes, row.cpu_nanos_per_byte, row.cpu_ms, row.growth_mib
        );
    }
}

/// Bodies that are refused in the end, and have cost by then what they could.
fn hostile() -> Vec<(&'static str, String)> {
    let field = |json: &str| format!(r#"{{"email":"a@example.com","customFields":{{"a":{json}}}}}"#);
    let list = |element: &str, count: usize| format!("[{}]", vec![element; count].join(","));
    let nested =
        |depth: usize, inner: &str| format!("{}{inner}{}", r#"{"":"#.repeat(depth), "}".repeat(depth));
    let unknown: Vec<String> = (0..60_000).map(|n| format!(r#""unknown{n:05}":0"#)).collect();
    let bodies = [
        ("27 deep around 145,000 objects", field(&nested(27, &list(r#"{"":0}"#, 145_000)))),
        ("27 deep around 32,000 objects", field(&nested(27, &list(r#"{"":0}"#, 32_000)))),
        ("60,000 numbers", field(&list("0", 60_000))),
        ("60,000 unknown fields", format!("{{{}}}", unknown.join(","))),
        ("65,000 tags", format!(r#"{{"tags":{}}}"#, list(r#""""#, 65_000))),
        ("a text of escapes", field(&format!("\"{}\"", r"\u0041".repeat(170_000)))),
        ("a number of 1,000,000 digits", field(&"9".repeat(1_000_000))),
    ];
    // White space before: what is cheap of it is cheap in any case.
    let filled = |body: String| " ".repeat(BYTES.saturating_sub(body.len())) + &body;
    bodies.into_iter().map(|(name, body)| (name, filled(body))).collect()
}

async fn start(installation: &Installation) -> anyhow::Result<(Process, Target)> {
    let process = installation.serve(None, &[])?;
    let credentials = installation.new_key(process.address("edge")?).await?;
    let target = Target::new(process.address("edge")?, &credentials)?;
    Ok((process, target))
}

async fn row(
    name: &'static str,
    process: &Process,
    times: usize,
    bytes: usize,
    once: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<BodyRow> {
    println!("Measuring {name}.");
    let pids = [process.pid()];
    let (cpu_before, memory_before) = (usage::cpu(&pids)?, usage::peak_mib(process.pid())?);
    for _ in 0..times.div_ceil(2) {
        let (one, other) = tokio::join!(once(), once());
        one.and(other)?;
    }
    let cpu = (usage::cpu(&pids)? - cpu_before).as_secs_f64() / (2 * times.div_ceil(2)) as f64;
    Ok(BodyRow {
        name,
        bytes,
        cpu_nanos_per_byte: rounded(cpu * 1e9 / bytes as f64),
        cpu_ms: rounded(cpu * 1e3),
        growth_mib: rounded(usage::peak_mib(process.pid())? - memory_before),
    })
}

impl Target {
    fn contacts(&self) -> String {
        format!("/v1/open/contacts/chatbots/{}", self.credentials.agent_id)
    }

    async fn refused(&self, body: &str) -> anyhow::Result<()> {
        let request = self.request(Method::POST, &self.contacts()).header("content-type", "application/json");
        let response = request.body(body.to_owned()).send().await?;
        ensure!(response.status() == StatusCode::BAD_REQUEST, "{}", response.status());
        response.bytes().await?;
        Ok(())
    }

    async fn create(&self, contact: &serde_json::Value) -> anyhow::Result<()> {
        let response = self.request(Method::POST, &self.contacts()).json(contact).send().await?;
        let status = response.status();
        ensure!(status == StatusCode::CREATED, "{status}: {}", response.text().await?);
        Ok(())
    }

    async fn list(&self) -> anyhow::Result<usize> {
        let path = format!("{}?limit=100", self.contacts());
        let response = self.request(Method::GET, &path).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(body.len())
    }
}
