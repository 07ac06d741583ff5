//! What streams through the edge is never held by it: the memory of a process that serves does not grow with them.
//!
//! `KEYWARD_TEST_STREAM_MIB=1024` sends and reads a GiB.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Streaming, get, path};
use crate::client::{Client, call};

/// How much goes through each way without the variable, in MiB.
const MIB: usize = 64;
/// The most memory that the edge, the service behind it and what stands in for auth-svc ever take, in KiB: 64 MB.
const MOST_KIB: usize = 62_500;
const PIECE: usize = 64 * 1024;

/// This test again, as a process that serves.
struct Server {
    child: Child,
    /// Open, or the process could not say how it ended.
    _output: BufReader<ChildStdout>,
    address: std::net::SocketAddr,
}

impl Server {
    fn start() -> Server {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "streams::memory::serve", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving on ") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let (_, address) = line.trim().split_once("serving on ").unwrap();
        Server { child, _output: output, address: address.parse().unwrap() }
    }

    /// The most memory that it has had, in KiB.
    fn most_kib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Not a test of its own: what [`Server`] runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as a process of another test"]
async fn serve() {
    let streaming = Streaming::apart_with(|config| config.max_upload_bytes = 2 << 30).await;
    writeln!(std::io::stdout(), "serving on {}", streaming.stack.address).unwrap();
    tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await.unwrap().unwrap();
}

#[tokio::test]
async fn memory_does_not_grow_with_what_streams() {
    let mib = std::env::var("KEYWARD_TEST_STREAM_MIB").map_or(MIB, |mib| mib.parse().unwrap());
    let (bytes, pieces) = (mib << 20, (mib << 20) / PIECE);
    let server = Server::start();

    let form_head = "--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n";
    let form_end = "\r\n--b--";
    for (content_type, before, behind) in
        [("application/pdf", "", ""), ("multipart/form-data; boundary=b", form_head, form_end)]
    {
        let length = (before.len() + bytes + behind.len()).to_string();
        let upload = call("POST", &path("counted", "upload")).field("Content-Type", content_type);
        let mut client = Client::connect(server.address).await;
        client.send(upload.field("Content-Length", &length).bytes()).await;
        client.send(before).await;
        let piece = vec![b'\r'; PIECE];
        for _ in 0..pieces {
            client.stream.write_all(&piece).await.unwrap();
        }
        client.send(behind).await;
        assert_eq!(client.answer().await.unwrap().json()["data"]["bytes"], bytes);
        assert!(server.most_kib() < MOST_KIB, "{} KiB after an upload of {mib} MiB", server.most_kib());
    }

    let mut client = Client::connect(server.address).await;
    client.send(get(&format!("pieces-{pieces}"), "download").bytes()).await;
    assert_eq!(client.head().await.unwrap().0, 200);
    let (mut read, mut buffer) = (0, vec![0; PIECE]);
    while read < bytes {
        match client.stream.read(&mut buffer).await.unwrap() {
            0 => panic!("cut off after {read} bytes"),
            more => read += more,
        }
    }
    assert!(server.most_kib() < MOST_KIB, "{} KiB after a download of {mib} MiB", server.most_kib());
    let mut out = std::io::stderr();
    writeln!(out, "{} KiB at most, for {mib} MiB each way", server.most_kib()).unwrap();
}
