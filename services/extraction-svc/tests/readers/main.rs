//! The readers as whoever runs Keyward has them: each document in a process of its own, confined.

#![allow(clippy::unwrap_used, clippy::panic)]

mod build;
mod confined;
mod drawn;
mod good;
mod hidden;
mod hostile;
mod ocr;

use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use extraction_svc::document::{Document, Page};
use extraction_svc::reader::ReadError;
use extraction_svc::sandbox::{Choice, ReaderConfig, Request, Sandbox};

/// Both ways to confine readers.
const CHOICES: [Choice; 2] = [Choice::Bubblewrap, Choice::Landlock];

fn config(sandbox: Choice) -> ReaderConfig {
    let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_read-document")));
    ReaderConfig { sandbox, program, ..ReaderConfig::default() }
}

fn sandbox(choice: Choice) -> Arc<Sandbox> {
    Sandbox::new(config(choice))
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

async fn read(sandbox: &Sandbox, name: &str, bytes: &[u8]) -> Result<Document, ReadError> {
    let request = Request { file_name: Some(name.to_owned()), ..Request::default() };
    sandbox.read(file(bytes), &request, |_| {}).await
}

/// The words of a page that are, or are not, hidden.
fn words(page: &Page, hidden: bool) -> String {
    let words = page.words.iter().filter(|word| word.hidden == hidden).map(|word| word.text.as_str());
    words.collect::<Vec<_>>().join(" ")
}

/// All words of a document.
fn all(document: &Document) -> String {
    let words = document.pages.iter().flat_map(|page| &page.words).map(|word| word.text.as_str());
    words.collect::<Vec<_>>().join(" ")
}
