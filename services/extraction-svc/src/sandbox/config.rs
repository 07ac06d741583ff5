//! The settings of readers.

use std::num::NonZero;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Method;
use crate::reader::Limits;

/// `[extraction.reader]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReaderConfig {
    /// What confines readers: `auto` is bubblewrap where it runs, else Landlock with seccomp.
    pub sandbox: Choice,
    /// The most readers at once. Default: as many as there are cores.
    pub concurrent: Option<NonZero<u16>>,
    /// The folder with the models of the OCR and their runtime: `PP-OCRv6_det_small.onnx`, `PP-OCRv6_rec_small.onnx`,
    /// `libonnxruntime.so`. Without it, Tesseract reads pictures.
    pub ocr: Option<PathBuf>,
    /// The program that reads. Default: this one.
    pub program: Option<PathBuf>,
    /// What bounds one document.
    pub limits: Limits,
}

impl ReaderConfig {
    /// The most readers at once.
    pub(super) fn concurrent(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.concurrent.map_or_else(cores, |most| most.get().into())
    }
}

/// What confines readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The best that runs.
    #[default]
    Auto,
    /// Only bubblewrap.
    Bubblewrap,
    /// Only Landlock with seccomp.
    Landlock,
}

impl Choice {
    /// What may be tried, the best first.
    pub(super) fn methods(self) -> &'static [Method] {
        match self {
            Choice::Auto => &[Method::Bubblewrap, Method::Landlock],
            Choice::Bubblewrap => &[Method::Bubblewrap],
            Choice::Landlock => &[Method::Landlock],
        }
    }
}
