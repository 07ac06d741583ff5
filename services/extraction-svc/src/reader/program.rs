//! Programs that a reader runs: poppler's and Tesseract. They inherit the reader's confinement and get what it has left
//! of memory and of time on a core.

use std::cell::Cell;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::{Limits, ReadError};

/// Where programs are looked for.
const FOLDERS: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/bin"];
/// How much of what a program complains is kept.
const MAX_COMPLAINT: u64 = 4 * 1024;
/// How much of a program's output is handled at once.
const PIECE: usize = 64 * 1024;
/// The stack of a thread that only moves bytes.
const STACK: usize = 128 * 1024;
/// What a program gets at least beyond the memory that the reader itself has mapped: enough to be started.
const LEAST_MEMORY: u64 = 64 << 20;
/// The kernel counts the time of children in these, on every machine that Linux runs on.
const TICKS_PER_SECOND: f64 = 100.0;
/// The document, which every program has as its standard input.
pub(crate) const DOCUMENT: &str = "/proc/self/fd/0";

/// What a reader has left.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    pages: Cell<u32>,
    pictures: Cell<u32>,
    /// Whether the limits of this process are ours to set.
    is_process: bool,
}

impl Budget {
    /// Of a process that does nothing but read one document.
    pub fn of_process(limits: Limits) -> Budget {
        let budget = Budget { is_process: true, ..Budget::unlimited(limits) };
        budget.apply();
        budget
    }

    /// Of a process that does something else, too: a fuzz target.
    pub fn unlimited(limits: Limits) -> Budget {
        Budget { limits, pages: Cell::new(0), pictures: Cell::new(0), is_process: false }
    }

    /// The document has so many pages to read.
    pub(crate) fn pages(&self, pages: u32) {
        self.pages.set(pages.min(self.limits.max_pages));
        self.apply();
    }

    /// One more page is read by OCR.
    pub(crate) fn picture(&self) {
        self.pictures.set(self.pictures.get().saturating_add(1));
        self.apply();
    }

    fn allowed(&self) -> f64 {
        self.limits.cpu(self.pages.get(), self.pictures.get())
    }

    /// The kernel ends the process that has used more.
    fn apply(&self) {
        if self.is_process {
            set_soft(Resource::Cpu, seconds(self.allowed()));
        }
    }

    /// What the reader and its programs may still use.
    fn left(&self) -> f64 {
        self.allowed() - own_time() - time_of_programs()
    }

    /// Whether there is any left.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        match self.is_process && self.left() <= 0.0 {
            true => Err(ReadError::TimedOut(format!("more than {:.1} s on a core", self.allowed()))),
            false => Ok(()),
        }
    }

    /// Gives a program that is about to start its limits: it inherits those that the reader has at that moment.
    fn lend(&self) {
        if !self.is_process {
            return;
        }
        // Less than what the reader itself has used would end the reader.
        set_soft(Resource::Cpu, seconds(self.left().max(own_time() + 1.0)));
        let mapped = mapped();
        let memory = self.limits.memory_bytes;
        set_soft(Resource::As, memory.saturating_sub(mapped).max(mapped + LEAST_MEMORY).min(memory));
    }

    fn take_back(&self) {
        if self.is_process {
            set_soft(Resource::As, self.limits.memory_bytes);
            self.apply();
        }
    }
}

fn set_soft(resource: Resource, limit: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = maximum.map_or(limit, |maximum| limit.min(maximum));
    // It fails for no value that is not above the maximum.
    let _ = setrlimit(resource, Rlimit { current: Some(current), maximum });
}

/// Whole seconds, as the kernel counts: never none, which it takes for one.
fn seconds(time: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the bounds that it is held to"
    )]
    let seconds = time.clamp(1.0, 1e6).ceil() as u64;
    seconds
}

fn own_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a process that lives minutes")]
    let time = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    time
}

/// The fields of /proc/self/stat after the name, which may hold anything: user and system time of children that have
/// ended are the 14th and 15th of them.
fn time_of_programs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let times = fields.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    times.sum::<f64>() / TICKS_PER_SECOND
}

/// How much memory the reader has mapped. Pages are of 4 kB at least.
fn mapped() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().next().and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// With 0.
    pub(crate) well: bool,
    /// What it complained about, the begin of it.
    pub(crate) complaint: String,
    /// It was ended by the kernel for the time that it used.
    out_of_time: bool,
}

impl Ended {
    /// Why a program that did not end well did not, when it was for its limits.
    pub(crate) fn limit(&self) -> Option<ReadError> {
        let complaint = self.complaint.to_ascii_lowercase();
        if self.out_of_time {
            return Some(ReadError::TimedOut(
                "a program that reads it used all the time that it had".to_owned(),
            ));
        }
        let is_memory = ["bad_alloc", "out of memory", "cannot allocate", "bogus memory allocation"];
        let is_memory = is_memory.iter().any(|words| complaint.contains(words));
        is_memory.then(|| ReadError::too_large("reading it takes more memory than a reader has"))
    }
}

/// What a program has as its standard input.
pub(crate) enum Input<'a> {
    /// The document, by a descriptor: the program opens it again by [`DOCUMENT`].
    Document(&'a File),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// Where a program is, if it is installed.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

/// Runs a program on a file, handing what it writes to `sink` in pieces until that wants no more.
pub(crate) fn run(
    name: &str,
    arguments: &[&str],
    input: Input<'_>,
    budget: &Budget,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), ReadError>,
) -> Result<Ended, ReadError> {
    let missing = || ReadError::EngineUnavailable(format!("{name} is not installed"));
    let path = find(name).ok_or_else(missing)?;
    budget.check()?;
    let failed = |error: std::io::Error| ReadError::EngineUnavailable(format!("{name}: {error}"));
    let (stdin, bytes) = match input {
        Input::Document(file) => (Stdio::from(file.try_clone().map_err(failed)?), None),
        Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
    };
    let mut command = Command::new(path);
    command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    budget.lend();
    let child = command.spawn();
    budget.take_back();
    let mut child = child.map_err(failed)?;
    let writer = child.stdin.take().zip(bytes).map(|(mut stdin, bytes)| {
        // It ends early when the program does.
        thread::Builder::new().stack_size(STACK).spawn(move || stdin.write_all(&bytes).is_ok())
    });
    let complaints = child.stderr.take();
    let listener =
        thread::Builder::new().stack_size(STACK).spawn(move || complaints.map_or_else(Vec::new, listen));
    let mut outcome = Ok(());
    if let Some(mut output) = child.stdout.take() {
        let mut piece = vec![0; PIECE];
        while outcome.is_ok() {
            match output.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => outcome = sink(piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => outcome = Err(failed(error)),
            }
        }
        // A program whose output nobody reads any more ends when it writes.
    }
    let status = child.wait().map_err(failed)?;
    if let Some(Ok(writer)) = writer {
        let _ = writer.join();
    }
    let complaint = listener.ok().and_then(|listener| listener.join().ok()).unwrap_or_default();
    outcome?;
    budget.check()?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    Ok(Ended {
        well: status.success(),
        complaint: String::from_utf8_lossy(&complaint).into_owned(),
        out_of_time: signal == Some(rustix::process::Signal::XCPU.as_raw()),
    })
}

/// Reads all of it, and keeps the begin.
fn listen(mut from: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let _ = from.by_ref().take(MAX_COMPLAINT).read_to_end(&mut kept);
    let _ = std::io::copy(&mut from, &mut std::io::sink());
    kept
}
