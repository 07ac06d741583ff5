//! Stores for tests: a real server that speaks S3, and a way to it that fails when it is told to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use futures::TryStreamExt;
use object_store::ObjectStore;
use svc_core::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{FilesConfig, Kind, Objects};

/// Says where a Python is that has moto. `make test` sets it.
const PYTHON: &str = "KEYWARD_TEST_PYTHON";

/// A server that speaks S3. One for all tests of the process; it ends with it, since it then loses its standard input.
#[derive(Debug)]
pub(crate) struct S3 {
    pub(crate) endpoint: String,
    bucket: String,
    access_key_id: String,
    secret_access_key: String,
    _child: std::process::Child,
}

impl S3 {
    pub(crate) fn server() -> &'static S3 {
        static SERVER: OnceLock<S3> = OnceLock::new();
        SERVER.get_or_init(|| {
            let python = std::env::var(PYTHON)
                .unwrap_or_else(|_| panic!("this test needs Python: {PYTHON} is not set, run `make test`"));
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/s3_server.py");
            let mut command = Command::new(python);
            command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let said: serde_json::Value = serde_json::from_str(&line).expect("it has moto: run `make test`");
            let text = |name: &str| said[name].as_str().unwrap().to_owned();
            S3 {
                endpoint: text("endpoint"),
                bucket: text("bucket"),
                access_key_id: text("access_key_id"),
                secret_access_key: text("secret_access_key"),
                _child: child,
            }
        })
    }

    /// A part of the bucket that no other test has.
    pub(crate) fn config(&self, prefix: &str) -> FilesConfig {
        FilesConfig {
            url: Some(format!("s3://{}/{prefix}", self.bucket)),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: Some(self.access_key_id.clone()),
            secret_access_key: Some(Secret::new(self.secret_access_key.clone())),
            ..FilesConfig::default()
        }
    }
}

/// What a way to a server does to those who take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Every request is answered with 500.
    Answers500,
    /// Nothing is answered.
    Stalls,
    /// Connections end after so many bytes of requests.
    CutsRequests(usize),
    /// Connections end after so many bytes of answers.
    CutsAnswers(usize),
}

/// A way to a server that fails when it is told to. Connections from before that end.
pub(crate) struct Way {
    pub(crate) endpoint: String,
    fault: watch::Sender<Fault>,
}

impl Way {
    pub(crate) async fn to(endpoint: &str) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = endpoint.strip_prefix("http://").unwrap().to_owned();
        let (fault, seen) = watch::channel(Fault::None);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, mut changed) = (target.clone(), seen.clone());
                let fault = *changed.borrow_and_update();
                tokio::spawn(async move {
                    tokio::select! {
                        () = pass(client, &target, fault) => {}
                        _ = changed.changed() => {}
                    }
                });
            }
        });
        Way { endpoint: format!("http://{address}"), fault }
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn pass(mut client: TcpStream, target: &str, fault: Fault) {
    match fault {
        Fault::Answers500 => {
            let mut buffer = vec![0; 64 * 1024];
            let _ = client.read(&mut buffer).await;
            let answer =
                b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = client.write_all(answer).await;
            // Or its client, which still sends, would not see it.
            let _ = client.shutdown().await;
            while matches!(client.read(&mut buffer).await, Ok(1..)) {}
        }
        Fault::Stalls => std::future::pending().await,
        Fault::None | Fault::CutsRequests(_) | Fault::CutsAnswers(_) => {
            let Ok(server) = TcpStream::connect(target).await else { return };
            let (requests, answers) = match fault {
                Fault::CutsRequests(bytes) => (bytes, usize::MAX),
                Fault::CutsAnswers(bytes) => (usize::MAX, bytes),
                _ => (usize::MAX, usize::MAX),
            };
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::select! {
                () = copy(from_client, to_server, requests) => {}
                () = copy(from_server, to_client, answers) => {}
            }
        }
    }
}

/// Passes so many bytes on.
async fn copy(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, mut left: usize) {
    let mut buffer = vec![0; 16 * 1024];
    while left > 0 {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let passed = read.min(left);
        left -= passed;
        if to.write_all(&buffer[..passed]).await.is_err() {
            return;
        }
    }
}

impl Objects {
    /// All that is there, finished or not, but for the parts that S3 holds.
    pub(crate) async fn all(&self) -> Vec<String> {
        match &self.kind {
            Kind::Nowhere => Vec::new(),
            Kind::S3(s3) => {
                // All of it, since moto reads the signature of a prefix otherwise than AWS.
                let listed: Vec<_> = s3.list(None).try_collect().await.unwrap();
                let keys = listed.into_iter().map(|object| object.location);
                keys.filter(|key| key.prefix_matches(&self.prefix)).map(|key| key.to_string()).collect()
            }
            Kind::Disk(disk) => {
                let within = disk.path_to_filesystem(&super::Path::from("x")).unwrap();
                let mut found = Vec::new();
                let mut folders = vec![within.parent().unwrap().to_owned()];
                while let Some(folder) = folders.pop() {
                    for entry in std::fs::read_dir(folder).unwrap() {
                        let path = entry.unwrap().path();
                        match path.is_dir() {
                            true => folders.push(path),
                            false => found.push(path.display().to_string()),
                        }
                    }
                }
                found
            }
        }
    }
}
