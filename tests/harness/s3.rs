//! A real server that speaks S3 (tests/python/s3_server.py).

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::program::python;

/// A server with one bucket. Ends with the test.
pub struct S3 {
    /// `host:port`
    pub address: String,
    said: Value,
    _child: Child,
    /// It ends when this is closed.
    _input: ChildStdin,
}

impl S3 {
    pub async fn start() -> S3 {
        let script = format!("{}/../../tests/python/s3_server.py", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python());
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let said: Value = serde_json::from_str(&line).expect("it has moto: run `make test`");
        let endpoint = said["endpoint"].as_str().unwrap();
        let address = endpoint.strip_prefix("http://").unwrap().to_owned();
        let input = child.stdin.take().unwrap();
        S3 { address, said, _child: child, _input: input }
    }

    /// The settings of a process that keeps its files there, by way of `address`.
    pub fn settings(&self, address: &str) -> Vec<(&'static str, String)> {
        let text = |name: &str| self.said[name].as_str().unwrap().to_owned();
        vec![
            ("KEYWARD_CONTACTS__FILES__URL", format!("s3://{}/files", text("bucket"))),
            ("KEYWARD_CONTACTS__FILES__ENDPOINT", format!("http://{address}")),
            ("KEYWARD_CONTACTS__FILES__ACCESS_KEY_ID", text("access_key_id")),
            ("KEYWARD_CONTACTS__FILES__SECRET_ACCESS_KEY", text("secret_access_key")),
        ]
    }

    /// What must be told to nobody.
    pub fn secret(&self) -> &str {
        self.said["secret_access_key"].as_str().unwrap()
    }
}
