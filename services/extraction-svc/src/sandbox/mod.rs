//! Reads documents in a process each, which can do nothing but read this one: `keyward read-document`.
//!
//! From outside it is confined by bubblewrap where that runs (no network, no processes, no files but the system's, none
//! that can be written); inside, always, by Landlock, seccomp and limits of memory and time. What comes out of it is
//! bounded and checked like anything a stranger sends.

mod answer;
#[cfg(feature = "testing")]
mod attempts;
mod config;
mod confine;
mod launch;
mod wait;
pub mod worker;

use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use svc_runtime::telemetry::Metrics;
use tokio::sync::{OnceCell, Semaphore};

use crate::document::Document;
use crate::reader::{Confined, Draw, Drawing, Installed, ReadError, Task, When};
use launch::Launcher;

pub use config::{Choice, ReaderConfig};

/// What the probe reads.
const PROBE: &str = "probe";

/// What confines a reader from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Namespaces of its own, made by bubblewrap, and what is inside beneath.
    Bubblewrap,
    /// Landlock, seccomp and limits alone.
    Landlock,
}

impl Method {
    /// As logs and metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Bubblewrap => "bubblewrap",
            Method::Landlock => "landlock",
        }
    }
}

/// How readers are confined here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// From outside.
    pub method: Method,
    /// Inside.
    pub confined: Confined,
}

impl std::fmt::Display for Confinement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Confined { landlock, seccomp } = self.confined;
        let inside =
            [("Landlock", landlock), ("seccomp", seccomp)].into_iter().filter(|(_, is_there)| *is_there);
        let inside = inside.map(|(name, _)| name).collect::<Vec<_>>().join(" and ");
        match self.method {
            Method::Bubblewrap if inside.is_empty() => f.write_str("bubblewrap"),
            Method::Bubblewrap => write!(f, "bubblewrap with {inside}"),
            Method::Landlock => f.write_str(&inside),
        }
    }
}

/// How far a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many pages the document has.
    pub pages: u32,
    /// How many of them were read.
    pub read: u32,
}

/// What is asked of a document.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The name that it came with.
    pub file_name: Option<String>,
    /// The media type that it came with.
    pub media_type: Option<String>,
    /// Only these pages, as first and last, from 1; all when empty.
    pub pages: Vec<(u32, u32)>,
    /// When pages are read by OCR.
    pub when: When,
    /// The languages of pictures, as BCP 47 tags, the most likely first; any when empty.
    pub languages: Vec<String>,
}

/// Reads documents.
#[derive(Debug)]
pub struct Sandbox {
    config: ReaderConfig,
    program: Option<PathBuf>,
    /// Where a file without a name can be made.
    directory: PathBuf,
    /// Found out once, by reading something.
    confinement: OnceCell<Result<Confinement, ReadError>>,
    /// As many readers at once as there are cores: each uses one.
    readers: Semaphore,
    gauges: Family<Labels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
}

impl Sandbox {
    /// With these settings. Nothing is started.
    pub fn new(config: ReaderConfig) -> Arc<Sandbox> {
        Sandbox::with_directory(config, std::env::temp_dir())
    }

    /// The same, where files can be made in this directory only.
    pub fn with_directory(config: ReaderConfig, directory: PathBuf) -> Arc<Sandbox> {
        let program = config.program.clone().or_else(|| std::env::current_exe().ok());
        let readers = Semaphore::new(config.concurrent());
        Arc::new(Sandbox {
            config,
            program,
            directory,
            confinement: OnceCell::new(),
            readers,
            gauges: Family::default(),
        })
    }

    /// How readers are confined here: what works of what the settings allow, found out by reading something. An error
    /// says why none works; then no document is read.
    pub async fn confinement(&self) -> Result<Confinement, ReadError> {
        self.confinement.get_or_init(|| self.probe()).await.clone()
    }

    /// What is installed here to read with. The reader sees the same files.
    pub fn installed(&self) -> Installed {
        Installed::look(self.config.ocr.as_deref())
    }

    /// From now on `extraction_reader_confinement` says how readers are confined: 1 for the way that is used.
    pub fn count(&self, metrics: &Metrics) {
        metrics.register(|registry| {
            let help = "How readers of documents are confined, and none when they cannot be";
            registry.register("extraction_reader_confinement", help, self.gauges.clone());
        });
    }

    async fn probe(&self) -> Result<Confinement, ReadError> {
        let found = self.first_that_works().await;
        let method = match &found {
            Ok(Confinement { method, confined }) => {
                let Confined { landlock, seccomp } = confined;
                tracing::info!(
                    method = method.name(),
                    landlock,
                    seccomp,
                    "readers of documents are confined"
                );
                method.name()
            }
            Err(error) => {
                tracing::error!(%error, "no document can be read: readers cannot be confined or do not start");
                "none"
            }
        };
        self.gauges.get_or_create_owned(&Labels { method }).set(1);
        found
    }

    async fn first_that_works(&self) -> Result<Confinement, ReadError> {
        let mut failure = None;
        for method in self.config.sandbox.methods() {
            match self.read_probe(*method).await {
                Ok(confined) => return Ok(Confinement { method: *method, confined }),
                Err(error) => {
                    tracing::debug!(method = method.name(), %error, "readers cannot be confined so");
                    failure.get_or_insert(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| ReadError::EngineUnavailable("no sandbox is allowed".to_owned())))
    }

    async fn read_probe(&self, method: Method) -> Result<Confined, ReadError> {
        let failed = |error: std::io::Error| ReadError::EngineUnavailable(error.to_string());
        let mut file = tempfile::tempfile_in(&self.directory).map_err(failed)?;
        file.write_all(PROBE.as_bytes()).and_then(|()| file.rewind()).map_err(failed)?;
        let task = self.task(&Request::default());
        let (heard, confined) = self.launcher(method)?.read(file, &task, &mut |_| {}).await?;
        let document = heard.document()?;
        let word = document.pages.first().and_then(|page| page.words.first());
        if word.is_none_or(|word| word.text != PROBE) {
            return Err(ReadError::EngineUnavailable("a reader does not read".to_owned()));
        }
        // Without either, nothing would keep a reader from the network and from files.
        let is_confined = match method {
            Method::Bubblewrap => true,
            Method::Landlock => confined.landlock && confined.seccomp,
        };
        match is_confined {
            true => Ok(confined),
            false => {
                Err(ReadError::EngineUnavailable("this kernel has no Landlock or no seccomp".to_owned()))
            }
        }
    }

    /// Reads a document. It is only read, from its begin. `progress` is told of each page. When nobody waits for the
    /// document any more, its reader ends.
    pub async fn read(
        &self,
        document: File,
        request: &Request,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Document, ReadError> {
        let confinement = self.confinement().await?;
        // It is closed by nobody.
        let _reader =
            self.readers.acquire().await.map_err(|error| ReadError::EngineUnavailable(error.to_string()))?;
        let launcher = self.launcher(confinement.method)?;
        let (heard, _) = launcher.read(document, &self.task(request), &mut progress).await?;
        heard.document()
    }

    /// Draws a page of a document, at most so many pixels on its longer side. It waits for no reader: whoever asks
    /// bounds how many pages are drawn at once. When nobody waits for the picture any more, its reader ends.
    pub async fn draw(&self, document: File, draw: Draw) -> Result<Drawing, ReadError> {
        let confinement = self.confinement().await?;
        let task = Task { draw: Some(draw), ..self.task(&Request::default()) };
        let (heard, _) = self.launcher(confinement.method)?.read(document, &task, &mut |_| {}).await?;
        heard.drawing()
    }

    /// What of what a reader that was taken over would try goes: connecting to this port, reading this file, and more.
    #[cfg(feature = "testing")]
    pub async fn try_to_break_out(
        &self,
        port: u16,
        secret: &std::path::Path,
    ) -> Result<Vec<(String, bool)>, ReadError> {
        let confinement = self.confinement().await?;
        let failed = |error: std::io::Error| ReadError::EngineUnavailable(error.to_string());
        let task = Task { attempts: Some((port, secret.to_owned())), ..self.task(&Request::default()) };
        let file = tempfile::tempfile().map_err(failed)?;
        let (heard, _) = self.launcher(confinement.method)?.read(file, &task, &mut |_| {}).await?;
        let document = heard.document()?;
        let words = document.pages.iter().flat_map(|page| &page.words);
        let tried = words.filter_map(|word| word.text.split_once('='));
        Ok(tried.map(|(what, went)| (what.to_owned(), went == "true")).collect())
    }

    fn launcher(&self, method: Method) -> Result<Launcher<'_>, ReadError> {
        let missing = || ReadError::EngineUnavailable("the program that reads is unknown".to_owned());
        let program = self.program.as_deref().ok_or_else(missing)?;
        Ok(Launcher { program, method, ocr: self.config.ocr.as_deref() })
    }

    fn task(&self, request: &Request) -> Task {
        Task {
            limits: self.config.limits.clone(),
            file_name: request.file_name.clone(),
            media_type: request.media_type.clone(),
            pages: request.pages.clone(),
            when: request.when,
            languages: request.languages.clone(),
            ocr: self.config.ocr.clone(),
            draw: None,
            #[cfg(feature = "testing")]
            attempts: None,
        }
    }
}
