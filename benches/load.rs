//! The load: wrk, over connections that are kept.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::contact;
use crate::target::Target;

/// How many connections send requests, each the next one when the last is answered.
pub const CONNECTIONS: u32 = 32;

/// More threads than this only take CPU from the servers.
const THREADS: u32 = 2;

/// What came of a load.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// How many requests were answered.
    pub requests: u64,
    /// How many of these with an error by their status.
    pub refused: u64,
    /// How long it took.
    pub seconds: f64,
    /// The median time to an answer.
    pub p50_ms: f64,
    /// The time within which 99 of 100 answers came.
    pub p99_ms: f64,
    /// How many answers did not come, or were others than they should be.
    bad: u64,
}

/// Which answers are looked at.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Each must have the status 200 and a body of this length.
    Each(usize),
    /// None must be an error by its status.
    Errors,
    /// Each must come, also if it refuses.
    Arrival,
}

/// Sends requests for this long. Fails when an answer is not what it should be: errors are cheap, and a
/// benchmark of them would be wrong.
pub fn run(target: &Target, duration: Duration, check: Check) -> anyhow::Result<Load> {
    over(target, CONNECTIONS, None, duration, check)
}

/// The same over so many connections, and of this path in place of the contacts in turn.
pub fn over(
    target: &Target,
    connections: u32,
    path: Option<&str>,
    duration: Duration,
    check: Check,
) -> anyhow::Result<Load> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load.lua");
    let mut wrk = Command::new("wrk");
    // wrk wants a connection for each thread.
    let threads = THREADS.min(connections).to_string();
    wrk.args(["--threads", &threads, "--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", duration.as_secs().max(1))])
        .arg("--script")
        .arg(script)
        .arg(&target.base)
        .env("BENCH_CONTACTS", contact::COUNT.to_string())
        .env("BENCH_AGENT", &target.credentials.agent_id)
        .env("BENCH_API_KEY", &target.credentials.api_key)
        .env("BENCH_API_SECRET", &target.credentials.api_secret);
    if let Some(path) = path {
        wrk.env("BENCH_PATH", path);
    }
    if let Check::Each(body_length) = check {
        wrk.env("BENCH_CHECK_LENGTH", body_length.to_string());
    }
    let output = wrk.output()?;
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().rfind(|line| line.starts_with('{')).context("wrk has not finished")?;
    let load: Load = serde_json::from_str(line)?;
    let bad = load.bad + if matches!(check, Check::Arrival) { 0 } else { load.refused };
    if bad > 0 || load.requests == load.refused {
        bail!("{bad} of {} answers were not what they should be", load.requests);
    }
    Ok(load)
}

/// Fails before anything is set up, rather than after.
pub fn check_that_wrk_is_there() -> anyhow::Result<()> {
    let found = Command::new("wrk").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    // Its exit code says nothing.
    found.map(|_| ()).context("wrk does not run: `make bench` installs it")
}
