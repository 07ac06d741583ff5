//! Readers: a file in, pages out. They run in a process of their own (`keyward read-document`), confined before they
//! read a byte; nothing else in Keyward parses a document.

mod archive;
mod content;
mod csv;
mod docx;
mod eml;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod html;
mod installed;
mod layout;
mod ocr;
mod output;
mod pdf;
mod picture;
mod program;
mod rows;
mod task;
mod text;
mod tiff;
mod xlsx;
mod xml;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::document::NoticeKind;
use archive::Archive;
use content::Content;

pub use error::ReadError;
pub use installed::Installed;
pub use output::{Confined, Drawing, Frame, Output};
pub use program::Budget;
pub use task::{Draw, Limits, Task, When};

/// How much of a file is read to see whether it is a PDF, which is not read into memory.
const HEAD: u64 = 1024;

/// Whether a document that begins so can be read at all. What it is, is only known when it is read.
pub fn knows(beginning: &[u8]) -> bool {
    content::is_known(beginning)
}

/// Reads a document, or draws a page of it. Its frames go to `output`.
pub fn read(document: &File, task: &Task, budget: &Budget, output: &mut Output<'_>) -> Result<(), ReadError> {
    let damaged = |_| ReadError::unreadable("the file cannot be read");
    let length = document.metadata().map_err(damaged)?.len();
    if length == 0 {
        return Err(ReadError::unreadable("the file is empty"));
    }
    if length > task.limits.max_bytes {
        let most = task.limits.max_bytes >> 20;
        return Err(ReadError::too_large(format!("{} MB, and at most {most} MB are read", length >> 20)));
    }
    let mut file = document;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    file.take(HEAD).read_to_end(&mut bytes).map_err(damaged)?;
    if content::is_pdf(&bytes) {
        drop(bytes);
        if let Some(draw) = task.draw {
            return pdf::draw(document, draw, budget, output);
        }
        tell_mislabelled(&Content::Pdf, task, output);
        return pdf::read(document, task, budget, output);
    }
    file.take(task.limits.max_bytes).read_to_end(&mut bytes).map_err(damaged)?;
    match task.draw {
        Some(draw) => picture::draw(&bytes, draw, task, budget, output),
        None => read_bytes(&bytes, task, budget, output),
    }
}

/// Reads a document that is in memory, of any kind but PDF.
fn read_bytes(bytes: &[u8], task: &Task, budget: &Budget, output: &mut Output<'_>) -> Result<(), ReadError> {
    if let Some(content) = content::binary(bytes, task)? {
        tell_mislabelled(&content, task, output);
        return match content {
            Content::Office(kind, main) => {
                let mut archive = Archive::open(bytes, task.limits.max_unpacked_bytes)?;
                match kind {
                    crate::document::Kind::Xlsx => xlsx::read(bytes, &mut archive, &main, output),
                    _ => docx::read(&mut archive, &main, output),
                }
            }
            content => picture::read(bytes, content.kind(), task, budget, output),
        };
    }
    let source = text::decode(bytes, None);
    let unknown = || ReadError::unreadable("the file is of no kind that is read");
    let content = content::text(&source).ok_or_else(unknown)?;
    tell_mislabelled(&content, task, output);
    match content {
        Content::Mail => eml::read(bytes, output),
        Content::Html => html::read(&html::decode(bytes), output),
        Content::Csv(delimiter) => csv::read(&source, delimiter, output),
        _ => text::read(&source, output),
    }
}

/// Reads a text that is known to be one.
#[cfg(feature = "testing")]
pub(crate) fn read_text(source: &str, output: &mut Output<'_>) -> Result<(), ReadError> {
    text::read(source, output)
}

fn tell_mislabelled(content: &Content, task: &Task, output: &mut Output<'_>) {
    if let Some(claim) = content::mislabelled(content.kind(), task) {
        output.notice(NoticeKind::Mislabelled, None, claim);
    }
}
