//! Readers within this process, for fuzz targets: what they write is checked as whoever starts a worker checks it.

use super::rows::{self, RawPage};
use super::{Budget, Frame, Limits, Output, ReadError, Task, content, picture, read_bytes};
use crate::document::Method;

/// What bounds a document of a fuzz target: small, so that reaching the bounds is found, too.
fn task() -> Task {
    let limits = Limits {
        max_bytes: 1 << 20,
        max_pages: 50,
        max_words: 20_000,
        max_pixels: 1 << 20,
        max_unpacked_bytes: 1 << 20,
        ..Limits::default()
    };
    Task { limits, when: super::When::Never, ..Task::default() }
}

/// Reads a document of any kind but PDF, and checks every frame.
///
/// # Panics
///
/// When a reader writes what it must not.
pub fn document(bytes: &[u8]) -> Result<(), ReadError> {
    let task = task();
    let mut frames = Vec::new();
    let outcome = if content::is_pdf(bytes) {
        Ok(())
    } else {
        let budget = Budget::unlimited(task.limits.clone());
        read_bytes(bytes, &task, &budget, &mut Output::new(&task, &mut frames))
    };
    let mut words = 0;
    for frame in frames.split(|byte| *byte == b'\n').filter(|frame| !frame.is_empty()) {
        if let Ok(Frame::Page(page)) = serde_json::from_slice(frame) {
            let valid = page.validate();
            assert!(valid.is_ok(), "{valid:?}");
            words += page.words.len();
        }
    }
    assert!(words <= task.limits.max_words as usize, "{words} words");
    outcome
}

/// Decodes a picture.
pub fn picture(bytes: &[u8]) {
    if let Ok(picture) = picture::decode(bytes, &task()) {
        assert!(
            u64::from(picture.width()) * u64::from(picture.height()) <= 1 << 20,
            "more pixels than are read"
        );
    }
}

/// Reads what poppler writes, in pieces of this length, and looks at a file as if it were a PDF.
///
/// # Panics
///
/// When the lines of a page are not what they must be.
pub fn poppler(bytes: &[u8], piece: usize) {
    let pages: Vec<RawPage> = super::pdf::rows_of(bytes, piece.max(1));
    for raw in pages {
        let page = rows::page(raw, (Method::Text, "poppler"));
        let valid = page.validate();
        assert!(valid.is_ok(), "{valid:?}");
    }
    let _ = super::pdf::is_suspect_file(bytes);
}
