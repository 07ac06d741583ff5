//! Starts a reader and hears it out.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::answer::{Answer, Heard};
use super::wait::Wait;
use super::{Method, Progress};
use crate::reader::{Confined, ReadError, Task};

/// The subcommand that reads.
pub(crate) const SUBCOMMAND: &str = "read-document";
/// Where bubblewrap shows the program and the OCR's folder to the reader.
const PROGRAM: &str = "/keyward/program";
const OCR: &str = "/keyward/ocr";
/// The parts of the system that programs need: their own files, libraries, fonts. Where one does not exist, none does.
const SYSTEM: [&str; 7] =
    ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives"];
/// What the reader and its programs find in their environment. mimalloc sets aside a gigabyte at once when it is not
/// told otherwise, and the OCR has one core.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("PATH", "/usr/bin:/bin"),
    ("LC_ALL", "C.UTF-8"),
    ("MIMALLOC_ARENA_RESERVE", "32768"),
    ("MIMALLOC_ARENA_EAGER_COMMIT", "0"),
    ("OMP_THREAD_LIMIT", "1"),
];
/// How much of a reader's complaints is kept.
const MAX_COMPLAINT: usize = 4 * 1024;
/// How much is read of a reader's answer at once.
const PIECE: usize = 64 * 1024;

/// Starts readers.
#[derive(Debug)]
pub(super) struct Launcher<'a> {
    /// The program.
    pub(super) program: &'a Path,
    /// What confines it.
    pub(super) method: Method,
    /// The OCR's folder.
    pub(super) ocr: Option<&'a Path>,
}

impl Launcher<'_> {
    /// Has a reader do its task, and says how the reader confined itself.
    pub(super) async fn read(
        &self,
        document: File,
        task: &Task,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(Heard, Confined), ReadError> {
        let unavailable = |error: &dyn std::fmt::Display| ReadError::EngineUnavailable(error.to_string());
        let ocr = match self.method {
            Method::Bubblewrap => task.ocr.as_ref().map(|_| Path::new(OCR).to_owned()),
            Method::Landlock => task.ocr.clone(),
        };
        let told =
            serde_json::to_string(&Task { ocr, ..task.clone() }).map_err(|error| unavailable(&error))?;
        let mut command = self.command(&told);
        command.stdin(Stdio::from(document)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group(command.spawn().map_err(|error| unavailable(&error))?);
        let (stdout, stderr) = (group.0.stdout.take(), group.0.stderr.take());
        let (Some(mut stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(unavailable(&"a reader has no output"));
        };
        let mut answer = Answer::new(task);
        let mut wait = Wait::new(&task.limits);
        let hear = async {
            let mut piece = vec![0; PIECE];
            loop {
                let length = wait.for_next(stdout.read(&mut piece)).await?;
                let length = length.map_err(|error| unavailable(&error))?;
                let more = piece.get(..length).unwrap_or_default();
                if more.is_empty() {
                    return Ok(());
                }
                answer.add(more, &mut wait, progress).await?;
            }
        };
        let complaint = complaint(stderr);
        let (heard, complaint) = tokio::join!(
            async {
                let heard = hear.await;
                if heard.is_err() {
                    // So that its complaints end, too.
                    group.end();
                }
                (heard, group)
            },
            complaint
        );
        let (outcome, mut group) = heard;
        outcome?;
        let status = wait.for_next(group.0.wait()).await?.map_err(|error| unavailable(&error))?;
        answer.end(status, &complaint)
    }

    fn command(&self, task: &str) -> Command {
        let mut command;
        match self.method {
            Method::Landlock => {
                command = Command::new(self.program);
                command.env_clear().envs(ENVIRONMENT);
            }
            Method::Bubblewrap => {
                command = Command::new("bwrap");
                command.args(["--unshare-all", "--uid", "65534", "--gid", "65534", "--hostname", "reader"]);
                command.args(["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]);
                for (name, value) in ENVIRONMENT {
                    command.args(["--setenv", name, value]);
                }
                for path in SYSTEM {
                    command.args(["--ro-bind-try", path, path]);
                }
                command.arg("--ro-bind").arg(self.program).arg(PROGRAM);
                if let Some(ocr) = self.ocr {
                    command.arg("--ro-bind").arg(ocr).arg(OCR);
                }
                command.args(["--proc", "/proc", "--dev", "/dev", "--chdir", "/", "--remount-ro", "/"]);
                command.args(["--", PROGRAM]);
            }
        }
        command.arg(SUBCOMMAND).arg("--worker").arg(task);
        // A group of its own, which ends as a whole.
        command.process_group(0).kill_on_drop(true);
        command
    }
}

/// A reader and all that it has started: without namespaces nothing else ends its programs with it.
struct Group(Child);

impl Group {
    fn end(&self) {
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// The begin of what a reader complains about; the rest is read and forgotten.
async fn complaint(mut from: impl AsyncRead + Unpin) -> String {
    let (mut kept, mut piece) = (Vec::new(), vec![0; 4 * 1024]);
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let room = MAX_COMPLAINT.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(piece.get(..room).unwrap_or_default());
    }
    String::from_utf8_lossy(&kept).into_owned()
}
