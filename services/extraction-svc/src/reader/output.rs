//! Where a reader puts what it reads: page by page, so that no document is in its memory as a whole.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::{ReadError, Task};
use crate::document::{Attachment, Kind, MAX_LISTED, Method, Notice, NoticeKind, Page};

/// One line of what a worker says: JSON, in this order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// It is confined and begins to read. First.
    Ready(Confined),
    /// What the document is and how many pages it has. Before pages.
    Head {
        /// What it is.
        kind: Kind,
        /// How many pages.
        page_count: u32,
    },
    /// The next page.
    Page(Page),
    /// A page needs OCR, which takes longer than a page may.
    Picture,
    /// The page that was to be drawn. Last, and in place of a head and pages.
    Drawn(Drawing),
    /// Everything was read. Last.
    End {
        /// What was not read.
        attachments: Vec<Attachment>,
        /// What to know.
        notices: Vec<Notice>,
    },
    /// It cannot be read. Last.
    Failed(ReadError),
}

/// A picture of a page: red, green and blue of each pixel, row by row. It is pixels and no file, so that whoever takes it
/// from a reader has nothing to parse.
#[derive(Debug, Serialize, Deserialize)]
pub struct Drawing {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Three bytes a pixel; in a frame as base64.
    #[serde(with = "base64")]
    pub pixels: Vec<u8>,
}

mod base64 {
    use ::base64::Engine;
    use ::base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD_NO_PAD.decode(text).map_err(|_| D::Error::custom("no base64"))
    }
}

/// How a worker has confined itself, beneath whatever confines it from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// Files: by Landlock.
    pub landlock: bool,
    /// System calls: by seccomp.
    pub seccomp: bool,
}

/// Where a reader puts what it reads.
pub struct Output<'a> {
    sink: &'a mut dyn Write,
    task: &'a Task,
    words_left: u32,
    pages: u32,
    attachments: Vec<Attachment>,
    notices: Vec<Notice>,
}

impl<'a> Output<'a> {
    /// Writes frames to `sink`.
    pub fn new(task: &'a Task, sink: &'a mut dyn Write) -> Output<'a> {
        Output {
            sink,
            task,
            words_left: task.limits.max_words,
            pages: 0,
            attachments: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Writes a frame. Whoever reads has gone when it fails.
    pub fn write(&mut self, frame: &Frame) -> Result<(), ReadError> {
        let gone = |error: &dyn std::fmt::Display| ReadError::EngineUnavailable(error.to_string());
        serde_json::to_writer(&mut *self.sink, frame).map_err(|error| gone(&error))?;
        self.sink.write_all(b"\n").and_then(|()| self.sink.flush()).map_err(|error| gone(&error))
    }

    /// Says what the document is.
    pub fn head(&mut self, kind: Kind, page_count: u32) -> Result<(), ReadError> {
        let most = self.task.limits.max_pages;
        let wanted = self.task.wanted(page_count);
        if wanted > most {
            return Err(ReadError::TooManyPages(format!("{wanted}, and at most {most} are read")));
        }
        if self.task.pages.iter().any(|(first, _)| *first > page_count) {
            self.notice(NoticeKind::MissingPages, None, format!("its last is {page_count}"));
        }
        self.pages = page_count;
        self.write(&Frame::Head { kind, page_count })
    }

    /// Says that a page is read by OCR.
    pub fn picture(&mut self) -> Result<(), ReadError> {
        self.write(&Frame::Picture)
    }

    /// Adds a page. One that was not asked for is left out.
    pub fn page(&mut self, page: Page) -> Result<(), ReadError> {
        if !self.task.wants(page.number) {
            return Ok(());
        }
        let words = u32::try_from(page.words.len()).unwrap_or(u32::MAX);
        self.words_left = self.words_left.checked_sub(words).ok_or_else(|| self.too_many_words())?;
        let hidden = page.words.iter().filter(|word| word.hidden).count();
        if hidden > 0 {
            self.notice(NoticeKind::HiddenText, Some(page.number), format!("{hidden} words"));
        }
        self.write(&Frame::Page(page))
    }

    /// How many words the document may still have.
    pub fn words_left(&self) -> usize {
        self.words_left as usize
    }

    /// Says that the document has more words than are read.
    pub fn too_many_words(&self) -> ReadError {
        ReadError::too_large(format!("more than {} words", self.task.limits.max_words))
    }

    /// Adds a notice, once for each kind and page. Beyond the bound there are enough of them.
    pub fn notice(&mut self, kind: NoticeKind, page: Option<u32>, detail: impl Into<String>) {
        let known = self.notices.iter().any(|notice| notice.kind == kind && notice.page == page);
        if !known && self.notices.len() < MAX_LISTED {
            self.notices.push(Notice { kind, page, detail: detail.into() });
        }
    }

    /// Adds an attachment. Beyond the bound they are not listed.
    pub fn attachment(&mut self, attachment: Attachment) {
        if self.attachments.len() < MAX_LISTED {
            self.attachments.push(attachment);
        }
    }

    /// Ends the document.
    pub fn end(&mut self) -> Result<(), ReadError> {
        if !self.attachments.is_empty() {
            self.notice(NoticeKind::AttachmentsNotRead, None, format!("{} of them", self.attachments.len()));
        }
        let frame = Frame::End {
            attachments: std::mem::take(&mut self.attachments),
            notices: std::mem::take(&mut self.notices),
        };
        self.write(&frame)
    }
}

/// The name of what read a page of a format that has text.
pub(crate) const BUILT_IN: (Method, &str) = (Method::Text, "built-in");
