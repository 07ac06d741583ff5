//! Servers as processes: this program again.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Settings, as environment variables.
pub type Variables = HashMap<String, String>;

/// How long a program that is not ours may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the line begins by which a server says on stderr that it is ready, and where it listens.
pub const READY: &str = "ready:";

/// This program.
pub fn this() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?)
}

/// This program, and before it that of another release if `KEYWARD_BENCH_BINARY` names one, each with its name.
pub fn programs() -> anyhow::Result<Vec<(String, PathBuf)>> {
    let other = std::env::var_os("KEYWARD_BENCH_BINARY").map(PathBuf::from);
    let other = other.map(|program| (program.display().to_string(), program));
    Ok(other.into_iter().chain([("this build".to_owned(), this()?)]).collect())
}

/// Runs a command to its end and gives what it printed.
pub fn run(program: &Path, arguments: &[&str], variables: &Variables) -> anyhow::Result<Vec<u8>> {
    let output = command(program, arguments, variables).output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// Nothing of the benchmark's own environment reaches it.
fn command(program: &Path, arguments: &[&str], variables: &Variables) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables).stdin(Stdio::null());
    command
}

/// A server that is ready. Ends when it is dropped.
pub struct Process {
    child: Child,
    ready: Value,
}

impl Process {
    /// Starts a server of this program and waits until it says that it is ready.
    pub fn start(arguments: &[&str], variables: &Variables) -> anyhow::Result<Process> {
        Process::of(&this()?, arguments, variables)
    }

    /// The same of another program.
    pub fn of(program: &Path, arguments: &[&str], variables: &Variables) -> anyhow::Result<Process> {
        let mut command = command(program, arguments, variables);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().context("no stderr")?;
        let mut process = Process { child, ready: Value::Null };
        process.ready = wait(stderr).with_context(|| format!("{arguments:?}"))?;
        Ok(process)
    }

    /// An address that it named when it got ready: `edge`, `grpc` or `admin`.
    pub fn address(&self, name: &str) -> anyhow::Result<&str> {
        self.ready[name].as_str().with_context(|| format!("no {name} in {}", self.ready))
    }

    /// Starts a program that is not ours, and waits until it answers at an address.
    pub async fn other(program: &Path, arguments: &[&str], address: SocketAddr) -> anyhow::Result<Process> {
        let mut command = command(program, arguments, &Variables::new());
        let child =
            command.stdout(Stdio::null()).spawn().with_context(|| format!("{}", program.display()))?;
        let mut process = Process { child, ready: json!({"edge": address.to_string()}) };
        let waited = tokio::time::timeout(PATIENCE, async {
            while TcpStream::connect(address).await.is_err() {
                if let Some(status) = process.child.try_wait()? {
                    bail!("{} has ended: {status}", program.display());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        });
        waited.await.with_context(|| format!("{} does not answer", program.display()))??;
        Ok(process)
    }

    /// Its id and those of the processes that it has started.
    pub fn pids(&self) -> Vec<u32> {
        let pid = self.pid();
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        std::iter::once(pid).chain(children).collect()
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it, and waits until it has written everything and is gone.
    pub fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What has started others ends them when it is asked to end.
        if self.pids().len() > 1 && kill_process(Pid::from_child(&self.child), Signal::TERM).is_ok() {
            let _ = self.child.wait();
            return;
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log until the server is ready. What it says that is worth knowing goes on to our stderr.
fn wait(stderr: ChildStderr) -> anyhow::Result<Value> {
    let mut lines = BufReader::new(stderr).lines();
    for line in lines.by_ref() {
        let line = line?;
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        if entry["message"].as_str().is_some_and(|message| message.starts_with(READY)) {
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| forward(&line)));
            return Ok(entry);
        }
        forward(&line);
    }
    bail!("it ended before it was ready")
}

fn forward(line: &str) {
    if !line.contains(r#""level":"INFO""#) {
        eprintln!("{line}");
    }
}
