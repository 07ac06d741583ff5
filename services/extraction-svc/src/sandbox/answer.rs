//! What a reader says, bounded and checked: it has read a stranger's file and may say anything.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::Progress;
use super::wait::Wait;
use crate::document::{Document, Kind, Page};
use crate::reader::{Confined, Drawing, Frame, ReadError, Task};

/// The longest frame: a sheet of many words.
const MAX_FRAME: usize = 256 << 20;
/// What a word and all that is said of it takes in a frame at the most, on average. Frames of a document are no longer
/// than this for each word that it may have, and some more.
const BYTES_PER_WORD: u64 = 400;
const MAX_BESIDE: u64 = 8 << 20;
/// Longer frames are taken apart beside the runtime, so that others are not kept waiting.
const LONG: usize = 256 * 1024;
/// A shell and bubblewrap tell of a signal so.
const BY_SIGNAL: i32 = 128;

/// What a reader has said, all of it and checked.
#[derive(Debug)]
pub(super) enum Heard {
    /// What it has read.
    Document(Document),
    /// What it has drawn.
    Drawing(Drawing),
}

impl Heard {
    /// What was read, by a reader that was to read.
    pub(super) fn document(self) -> Result<Document, ReadError> {
        match self {
            Heard::Document(document) => Ok(document),
            Heard::Drawing(_) => Err(strange("a picture in place of a document")),
        }
    }

    /// What was drawn, by a reader that was to draw.
    pub(super) fn drawing(self) -> Result<Drawing, ReadError> {
        match self {
            Heard::Drawing(drawing) => Ok(drawing),
            Heard::Document(_) => Err(strange("a document in place of a picture")),
        }
    }
}

/// What was heard so far.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    task: &'a Task,
    rest: Vec<u8>,
    bytes_left: u64,
    words_left: u64,
    confined: Option<Confined>,
    document: Option<Document>,
    drawing: Option<Drawing>,
    outcome: Option<Result<(), ReadError>>,
}

impl<'a> Answer<'a> {
    /// Nothing yet.
    pub(super) fn new(task: &'a Task) -> Answer<'a> {
        let words = u64::from(task.limits.max_words);
        Answer {
            task,
            rest: Vec::new(),
            bytes_left: words * BYTES_PER_WORD + MAX_BESIDE,
            words_left: words,
            confined: None,
            document: None,
            drawing: None,
            outcome: None,
        }
    }

    /// Takes the next piece.
    pub(super) async fn add(
        &mut self,
        piece: &[u8],
        wait: &mut Wait,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), ReadError> {
        let left = self.bytes_left.checked_sub(piece.len() as u64);
        self.bytes_left = left.ok_or_else(|| ReadError::too_large("what a reader says of the document"))?;
        let mut piece = piece;
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, after) = piece.split_at(end);
            piece = after.get(1..).unwrap_or_default();
            self.rest.extend_from_slice(line);
            let line = std::mem::take(&mut self.rest);
            let frame = parse(line).await?;
            self.frame(frame, wait, progress)?;
        }
        self.rest.extend_from_slice(piece);
        match self.rest.len() > MAX_FRAME {
            true => Err(ReadError::too_large("what a reader says of a page")),
            false => Ok(()),
        }
    }

    fn frame(
        &mut self,
        frame: Frame,
        wait: &mut Wait,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), ReadError> {
        if self.outcome.is_some() {
            return Err(strange("a frame after the last"));
        }
        let limits = &self.task.limits;
        match (frame, &mut self.document) {
            (Frame::Ready(confined), None) if self.confined.is_none() => self.confined = Some(confined),
            (_, _) if self.confined.is_none() => return Err(strange("a frame before the first")),
            (Frame::Head { kind, page_count }, document @ None) => {
                if self.task.wanted(page_count) > limits.max_pages {
                    return Err(ReadError::TooManyPages(page_count.to_string()));
                }
                wait.pages(page_count.min(limits.max_pages));
                *document = Some(empty(kind, page_count));
            }
            (Frame::Picture, Some(_)) => wait.picture(),
            (Frame::Page(page), Some(document)) => {
                let words = self.words_left.checked_sub(page.words.len() as u64);
                self.words_left =
                    words.ok_or_else(|| ReadError::too_large("the document has too many words"))?;
                add(document, page)?;
                let read = u32::try_from(document.pages.len()).unwrap_or(u32::MAX);
                progress(Progress { pages: document.page_count, read });
            }
            (Frame::End { attachments, notices }, Some(document)) => {
                (document.attachments, document.notices) = (attachments, notices);
                self.outcome = Some(Ok(()));
            }
            (Frame::Drawn(drawing), None) => {
                check(&drawing, self.task)?;
                self.drawing = Some(drawing);
                self.outcome = Some(Ok(()));
            }
            (Frame::Failed(error), _) => self.outcome = Some(Err(error)),
            _ => return Err(strange("frames out of order")),
        }
        Ok(())
    }

    /// The document or the picture, or why there is none.
    pub(super) fn end(self, status: ExitStatus, complaint: &str) -> Result<(Heard, Confined), ReadError> {
        let document = self.document.map(Heard::Document);
        match (self.outcome, self.drawing.map(Heard::Drawing).or(document), self.confined) {
            (Some(Ok(())), Some(heard), Some(confined)) => {
                if let Heard::Document(document) = &heard {
                    document.validate().map_err(|invalid| strange(&invalid.to_string()))?;
                }
                Ok((heard, confined))
            }
            (Some(Err(error)), _, _) => Err(bounded(error)),
            (_, _, confined) => Err(ended(confined.is_some(), status, complaint)),
        }
    }
}

async fn parse(line: Vec<u8>) -> Result<Frame, ReadError> {
    let parse = |line: &[u8]| serde_json::from_slice(line).map_err(|_| strange("a frame that is none"));
    match line.len() > LONG {
        false => parse(&line),
        true => tokio::task::spawn_blocking(move || parse(&line))
            .await
            .map_err(|_| strange("a frame that is none"))?,
    }
}

fn empty(kind: Kind, page_count: u32) -> Document {
    Document {
        kind,
        page_count,
        pages: Vec::new(),
        attachments: Vec::new(),
        notices: Vec::new(),
        languages: Vec::new(),
    }
}

/// Whether a picture was asked for, is as large as it may be, and has the pixels that it says.
fn check(drawing: &Drawing, task: &Task) -> Result<(), ReadError> {
    let most = task.draw.map_or(0, |draw| draw.side);
    let Drawing { width, height, pixels } = drawing;
    let is_size = [width, height].into_iter().all(|side| (1..=most).contains(side));
    match is_size && pixels.len() as u64 == u64::from(*width) * u64::from(*height) * 3 {
        true => Ok(()),
        false => Err(strange("a picture that was not asked for")),
    }
}

fn add(document: &mut Document, page: Page) -> Result<(), ReadError> {
    let last = document.pages.last().map_or(0, |last| last.number);
    if page.number <= last || page.number > document.page_count {
        return Err(strange("pages out of order"));
    }
    document.pages.push(page);
    Ok(())
}

/// What no reader of ours says: it has been taken over, or has a fault. A customer's file did it either way.
fn strange(what: &str) -> ReadError {
    tracing::warn!(what, "a reader said something that readers do not say");
    ReadError::unreadable("the reader was led astray")
}

/// What a reader says of a failure is not the document's text, if nobody has taken it over; then it is short.
fn bounded(error: ReadError) -> ReadError {
    const MOST: usize = 200;
    let short = |text: String| -> String { text.chars().filter(|c| !c.is_control()).take(MOST).collect() };
    match error {
        ReadError::UnreadableDocument(detail) => ReadError::UnreadableDocument(short(detail)),
        ReadError::PasswordProtected => ReadError::PasswordProtected,
        ReadError::TooManyPages(detail) => ReadError::TooManyPages(short(detail)),
        ReadError::TooLarge(detail) => ReadError::TooLarge(short(detail)),
        ReadError::TimedOut(detail) => ReadError::TimedOut(short(detail)),
        ReadError::EngineUnavailable(detail) => ReadError::EngineUnavailable(short(detail)),
    }
}

/// Why a reader ended that did not say it.
fn ended(was_ready: bool, status: ExitStatus, complaint: &str) -> ReadError {
    let signal = status.signal().or_else(|| status.code().map(|code| code - BY_SIGNAL)).unwrap_or(0);
    let is = |wanted: rustix::process::Signal| signal == wanted.as_raw();
    if is(rustix::process::Signal::XCPU) {
        return ReadError::TimedOut("the reader used all the time on a core that it had".to_owned());
    }
    if complaint.contains("memory allocation of") || is(rustix::process::Signal::KILL) {
        return ReadError::too_large("reading it takes more memory than a reader has");
    }
    if !was_ready {
        // Of our own making or the machine's; the document was not read yet.
        tracing::error!(%status, complaint, "a reader did not start");
        return ReadError::EngineUnavailable("a reader did not start".to_owned());
    }
    tracing::warn!(%status, "a reader broke down");
    ReadError::unreadable("the reader broke down on it")
}
