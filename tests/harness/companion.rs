//! Programs of tests/node that run beside a test: servers that Keyward is a client of.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long one may take to say what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs until this is dropped. What it says are lines of JSON.
pub struct Companion {
    /// What it said first: where it listens.
    pub ready: Value,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Companion {
    /// Starts a program of tests/node with this on its standard input.
    pub async fn start(program: &str, input: Value) -> Companion {
        let path = format!("{}/../../tests/node/{program}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("node");
        command.arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().expect("this test needs Node.js, run `make test`");
        child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).await.unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut companion = Companion { ready: Value::Null, lines, _child: child };
        companion.ready = companion.says().await;
        companion
    }

    /// The next thing that it says.
    pub async fn says(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("it says nothing").unwrap();
        let line = line.expect("it has ended: does it have its packages? Run `make test`");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }
}
