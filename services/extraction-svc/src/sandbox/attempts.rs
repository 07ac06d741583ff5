//! What a reader that was taken over would try, for tests: from inside, after it has confined itself.

use std::fs::{File, OpenOptions};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;

use crate::reader::{Output, ReadError, read_text};

/// More memory than a reader has.
const MUCH: usize = 2 << 30;
/// More files than a reader may open.
const MANY: usize = 100;

/// Tries all of it and writes a document that says what went: `network=false …`.
pub(super) fn run(port: u16, secret: &Path, output: &mut Output<'_>) -> Result<(), ReadError> {
    let parent = rustix::process::getppid();
    let others = parent.map_or(1, |parent| parent.as_raw_nonzero().get());
    let beside = secret.with_extension("new");
    let signal = parent
        .is_some_and(|parent| rustix::process::kill_process(parent, rustix::process::Signal::CONT).is_ok());
    let tried = [
        ("network", TcpStream::connect(("127.0.0.1", port)).is_ok()),
        ("datagrams", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("secret", File::open(secret).is_ok()),
        ("users", File::open("/etc/passwd").is_ok()),
        ("environment", std::fs::read(format!("/proc/{others}/environ")).is_ok_and(|read| !read.is_empty())),
        ("file", File::create(beside).is_ok() || File::create("/tmp/new").is_ok()),
        ("document", OpenOptions::new().write(true).open("/proc/self/fd/0").is_ok()),
        ("signal", signal),
        (
            "namespace",
            Command::new("/usr/bin/unshare")
                .args(["-U", "true"])
                .output()
                .is_ok_and(|it| it.status.success()),
        ),
        ("memory", Vec::<u8>::new().try_reserve_exact(MUCH).is_ok()),
        ("files", (0..MANY).map(|_| File::open("/dev/null")).collect::<Result<Vec<_>, _>>().is_ok()),
    ];
    let said: Vec<String> = tried.iter().map(|(what, went)| format!("{what}={went}")).collect();
    read_text(&said.join(" "), output)
}
