//! A GiB through the edge, each way: how long it takes, and how much memory the edge has for it.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::installation::Installation;
use crate::process::Process;
use crate::rounds::rounded;
use crate::servers;
use crate::target::Credentials;
use crate::usage;

/// How much goes through.
pub const BYTES: usize = 1 << 30;
/// How much of it at once.
pub const PIECE: usize = 64 * 1024;
/// The most memory that the edge may take for it: 64 MB.
const MOST_MIB: f64 = 61.0;
const FORM_HEAD: &str =
    "--b\r\nContent-Disposition: form-data; name=file; filename=a\r\nContent-Type: application/pdf\r\n\r\n";
const FORM_END: &str = "\r\n--b--\r\n";

/// What one way took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamRow {
    name: &'static str,
    mib: usize,
    seconds: f64,
    /// CPU time of the edge.
    edge_cpu_seconds: f64,
    /// The most memory that the edge has held until then, since its start.
    edge_peak_mib: f64,
}

/// Measures them one after another, with the edge, auth-svc and the service each in a process of its own.
pub async fn measure(dir: &Path) -> anyhow::Result<Vec<StreamRow>> {
    let installation = Installation::new(&dir.join("streams"), None)?;
    let auth = installation.serve(Some("auth"), &[])?;
    let jwks_url = format!("http://{}{}", auth.address("admin")?, svc_runtime::token::JWKS_PATH);
    let files =
        installation.start(&[servers::COMMAND, servers::FILES], &[("KEYWARD_AUTH__JWKS_URL", &jwks_url)])?;
    let settings = [
        ("KEYWARD_EDGE__UPSTREAMS__AUTH", auth.address("grpc")?),
        ("KEYWARD_EDGE__UPSTREAMS__CONTACTS", files.address("grpc")?),
        ("KEYWARD_EDGE__MAX_UPLOAD_BYTES", &BYTES.to_string()),
    ];
    let edge = installation.serve(Some("edge"), &settings)?;
    let credentials = installation.new_key(edge.address("edge")?).await?;
    let client = Client { address: edge.address("edge")?, credentials };
    let mut rows = Vec::new();
    rows.push(row("upload", &edge, async || client.upload("application/pdf", "", "").await).await?);
    let form = async || client.upload("multipart/form-data; boundary=b", FORM_HEAD, FORM_END).await;
    rows.push(row("upload as a form", &edge, form).await?);
    rows.push(row("download", &edge, async || client.download().await).await?);
    for process in [edge, files, auth] {
        drop(process);
    }
    Ok(rows)
}

/// Prints it for people.
pub fn print(rows: &[StreamRow]) {
    println!("\nStreams through the edge");
    println!("{:20} {:>6} {:>8} {:>10} {:>14}", "", "MiB", "s", "edge CPU s", "edge peak MiB");
    for row in rows {
        let StreamRow { name, mib, seconds, edge_cpu_seconds, edge_peak_mib } = row;
        println!("{name:20} {mib:>6} {seconds:>8.2} {edge_cpu_seconds:>10.2} {edge_peak_mib:>14.1}");
    }
}

async fn row(
    name: &'static str,
    edge: &Process,
    stream: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<StreamRow> {
    let (cpu, began) = (usage::cpu(&[edge.pid()])?, Instant::now());
    stream().await.context(name)?;
    let seconds = rounded(began.elapsed().as_secs_f64());
    let edge_cpu_seconds = rounded((usage::cpu(&[edge.pid()])? - cpu).as_secs_f64());
    let edge_peak_mib = rounded(usage::peak_mib(edge.pid())?);
    ensure!(edge_peak_mib < MOST_MIB, "{name}: the edge took {edge_peak_mib} MiB, and may take {MOST_MIB}");
    Ok(StreamRow { name, mib: BYTES >> 20, seconds, edge_cpu_seconds, edge_peak_mib })
}

/// Sends and reads without keeping anything.
struct Client<'c> {
    address: &'c str,
    credentials: Credentials,
}

impl Client<'_> {
    /// A request whose head ends with these fields.
    async fn begin(&self, line: &str, fields: &str) -> anyhow::Result<TcpStream> {
        let Credentials { api_key, api_secret, .. } = &self.credentials;
        let mut stream = TcpStream::connect(self.address).await?;
        let head = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-API-Key: {api_key}\r\n\
             X-API-Secret: {api_secret}\r\n{fields}\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        Ok(stream)
    }

    async fn upload(&self, content_type: &str, before: &str, behind: &str) -> anyhow::Result<()> {
        let line = format!("POST /v1/open/contacts/a/files/chatbots/{}", self.credentials.agent_id);
        let length = before.len() + BYTES + behind.len();
        let fields = format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
        let mut stream = self.begin(&line, &fields).await?;
        stream.write_all(before.as_bytes()).await?;
        // Every byte of it may begin a boundary.
        let piece = vec![b'\r'; PIECE];
        for _ in 0..BYTES / PIECE {
            stream.write_all(&piece).await?;
        }
        stream.write_all(behind.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(answer.contains(&format!("\"sizeBytes\":{BYTES}")), "{answer}");
        Ok(())
    }

    async fn download(&self) -> anyhow::Result<()> {
        let file = "65f0c0ffee65f0c0ffee65f0";
        let agent = &self.credentials.agent_id;
        let line = format!("GET /v1/open/contacts/a/files/{file}/chatbots/{agent}/content");
        let mut stream = self.begin(&line, "").await?;
        let (mut read, mut buffer) = (0, vec![0; PIECE]);
        loop {
            match stream.read(&mut buffer).await? {
                0 => break,
                more => read += more,
            }
        }
        ensure!(read > BYTES, "{read} bytes came");
        Ok(())
    }
}
