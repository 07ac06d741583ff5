//! Servers as processes: this program again.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Settings, as environment variables.
pub type Variables = HashMap<String, String>;

/// How the line begins by which a server says on stderr that it is ready, and where it listens.
pub const READY: &str = "ready:";

/// Runs a command to its end and gives what it printed.
pub fn run(arguments: &[&str], variables: &Variables) -> anyhow::Result<Vec<u8>> {
    let output = command(arguments, variables)?.output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// Nothing of the benchmark's own environment reaches it.
fn command(arguments: &[&str], variables: &Variables) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).env_clear().envs(variables).stdin(Stdio::null());
    Ok(command)
}

/// A server that is ready. Ends when it is dropped.
pub struct Process {
    child: Child,
    ready: Value,
}

impl Process {
    /// Starts a server and waits until it says that it is ready.
    pub fn start(arguments: &[&str], variables: &Variables) -> anyhow::Result<Process> {
        let mut command = command(arguments, variables)?;
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
