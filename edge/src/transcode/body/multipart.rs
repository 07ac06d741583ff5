//! `multipart/form-data` (RFC 7578 and RFC 2046), read as its bytes come and never kept: what waits in here is less
//! than a piece, or the head of a part.
//!
//! It is ours and not `multer`'s, which takes in all of a body that is ready before it gives any of it, so that a
//! client which sends faster than its file is taken fills the memory, and which has no bound for the head of a part.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;
use memchr::memrchr;
use svc_core::error::{Error, Reason};

use super::parameters::{Malformed, Parameters};
use super::pieces::PIECE;
use crate::transcode::fault::echo;

/// The most parts of a form. A file and the fields of a message are far fewer.
const MAX_PARTS: usize = 100;
/// The longest head of a part, in bytes: a name of 255 characters fits, however it is encoded.
pub(super) const MAX_PART_HEAD: usize = 8 * 1024;
/// The most that may stand before the first part, with its line break, and behind the last, in bytes. It says nothing.
const MAX_AROUND: usize = 8 * 1024;
/// The most spaces behind a boundary, which the standard allows.
const MAX_PADDING: usize = 64;
/// The longest boundary (RFC 2046, 5.1.1).
const MAX_BOUNDARY: usize = 70;
/// How many bytes a form may have beside what its parts hold.
pub(super) const MAX_FRAMING: usize =
    2 * MAX_AROUND + MAX_PARTS * (MAX_PART_HEAD + MAX_BOUNDARY + MAX_PADDING + 8);

const LINE: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What comes next in a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The head of a part.
    Part(PartHead),
    /// Bytes of the part, never none, at most [`PIECE`].
    Data(Bytes),
    /// The part is whole.
    PartEnd,
    /// That was the last part. What follows is read for its end only.
    End,
}

/// The head of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PartHead {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    /// Its media type as its client names it.
    pub(crate) content_type: Option<String>,
    /// How long it says it is, in bytes. Nobody needs to say so, but who does must not lie.
    pub(crate) length: Option<u64>,
}

/// A form as its bytes come.
pub(crate) struct Parser {
    /// A line break, two hyphens and the boundary.
    delimiter: Vec<u8>,
    finder: Finder<'static>,
    buffer: BytesMut,
    state: State,
    parts: usize,
    /// How many bytes stood before the first part, or behind the last.
    around: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Preamble,
    /// Right behind a delimiter.
    Delimiter,
    Head {
        /// Up to where its end was looked for.
        scanned: usize,
    },
    /// Right behind the head, whose last line break may belong to the delimiter of an empty part.
    DataStart,
    Data,
    Epilogue,
}

impl Parser {
    /// A form with this `Content-Type`.
    ///
    /// # Errors
    /// `invalid_argument` when it names no boundary, or one that is none.
    pub(crate) fn new(content_type: &str) -> Result<Parser, Error> {
        let parameters = Parameters::of(content_type);
        let boundary = parameters.as_ref().and_then(|parameters| parameters.get("boundary"));
        let boundary = boundary.filter(|boundary| is_boundary(boundary)).ok_or_else(|| {
            malformed("Content-Type must name the form's boundary: multipart/form-data; boundary=…")
        })?;
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let finder = Finder::new(&delimiter).into_owned();
        // The line break before the first delimiter may be missing, where nothing stands before it.
        let buffer = BytesMut::from(LINE);
        Ok(Parser { delimiter, finder, buffer, state: State::Preamble, parts: 0, around: 0 })
    }

    /// More of the body. Only once there is no event any more.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The body has ended.
    ///
    /// # Errors
    /// `invalid_argument` when the form has not.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Epilogue => Ok(()),
            _ => Err(malformed("The form did not arrive whole: its last boundary is missing.")),
        }
    }

    /// The next event. `None`: it needs more.
    ///
    /// # Errors
    /// `invalid_argument` for what is no form, or over a bound; `unsupported_media_type` for a part that is encoded
    /// or a multipart itself.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            match self.state {
                State::Preamble => match self.finder.find(&self.buffer) {
                    Some(at) => {
                        self.skip_around(at)?;
                        self.buffer.advance(self.delimiter.len());
                        self.state = State::Delimiter;
                    }
                    None => {
                        let kept = self.delimiter.len() - 1;
                        self.skip_around(self.buffer.len().saturating_sub(kept))?;
                        return Ok(None);
                    }
                },
                State::Delimiter => match self.behind_delimiter()? {
                    Some(State::Epilogue) => {
                        (self.state, self.around) = (State::Epilogue, 0);
                        return Ok(Some(Event::End));
                    }
                    Some(state) => self.state = state,
                    None => return Ok(None),
                },
                State::Head { scanned } => return self.head(scanned),
                State::DataStart => {
                    let begun = self.buffer.len().min(self.delimiter.len());
                    if self.buffer[..begun] == self.delimiter[..begun] {
                        if begun < self.delimiter.len() {
                            return Ok(None);
                        }
                    } else {
                        self.buffer.advance(LINE.len());
                    }
                    self.state = State::Data;
                }
                State::Data => return Ok(self.data()),
                State::Epilogue => {
                    self.skip_around(self.buffer.len())?;
                    return Ok(None);
                }
            }
        }
    }

    /// What the line of a delimiter leads to.
    fn behind_delimiter(&mut self) -> Result<Option<State>, Error> {
        if self.buffer.starts_with(b"--") {
            self.buffer.advance(2);
            return Ok(Some(State::Epilogue));
        }
        let padding = self.buffer.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let line = &self.buffer[padding..];
        if padding > MAX_PADDING || !(line.starts_with(LINE) || LINE.starts_with(line) || line == b"-") {
            return Err(malformed("A boundary of the form must end its line."));
        }
        if line.len() < LINE.len() {
            return Ok(None);
        }
        self.buffer.advance(padding + LINE.len());
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(malformed(format!("The form has more than {MAX_PARTS} parts.")));
        }
        Ok(Some(State::Head { scanned: 0 }))
    }

    fn head(&mut self, scanned: usize) -> Result<Option<Event>, Error> {
        if self.buffer.starts_with(LINE) {
            return Err(unnamed());
        }
        let found = memchr::memmem::find(&self.buffer[scanned..], HEAD_END).map(|at| scanned + at);
        match found {
            Some(at) if at <= MAX_PART_HEAD => {
                let head = PartHead::of(&self.buffer[..at])?;
                self.buffer.advance(at + HEAD_END.len() - LINE.len());
                self.state = State::DataStart;
                Ok(Some(Event::Part(head)))
            }
            None if self.buffer.len() < MAX_PART_HEAD + HEAD_END.len() => {
                let scanned = (self.buffer.len() + 1).saturating_sub(HEAD_END.len());
                self.state = State::Head { scanned };
                Ok(None)
            }
            _ => Err(malformed(format!("The head of a part of the form is over {MAX_PART_HEAD} bytes."))),
        }
    }

    fn data(&mut self) -> Option<Event> {
        let ready = match self.finder.find(&self.buffer) {
            Some(0) => {
                self.buffer.advance(self.delimiter.len());
                self.state = State::Delimiter;
                return Some(Event::PartEnd);
            }
            Some(at) => at,
            None => {
                // A delimiter has one carriage return, its first byte: only what follows the last one may become one.
                let tail = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
                match memrchr(b'\r', &self.buffer[tail..]) {
                    Some(at) if self.delimiter.starts_with(&self.buffer[tail + at..]) => tail + at,
                    _ => self.buffer.len(),
                }
            }
        };
        (ready > 0).then(|| Event::Data(self.buffer.split_to(ready.min(PIECE)).freeze()))
    }

    fn skip_around(&mut self, bytes: usize) -> Result<(), Error> {
        self.buffer.advance(bytes);
        self.around += bytes;
        match self.around > MAX_AROUND {
            true => {
                Err(malformed(format!("More than {MAX_AROUND} bytes of the form are in none of its parts.")))
            }
            false => Ok(()),
        }
    }
}

impl PartHead {
    /// Reads a head, which is lines without the last line break. What other fields it has says nothing (RFC 7578, 4.8).
    fn of(head: &[u8]) -> Result<PartHead, Error> {
        let broken = || malformed("The head of a part of the form cannot be read.");
        let text = std::str::from_utf8(head).map_err(|_| broken())?;
        let (mut disposition, mut part) = (None, PartHead::default());
        for line in text.split("\r\n") {
            let (name, value) = line.split_once(':').ok_or_else(broken)?;
            // Neither spaces in a name nor lines that go on: whoever reads them differently reads another form.
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
            let is_plain = |c: char| !c.is_control() || c == '\t';
            if !is_name || !value.chars().all(is_plain) {
                return Err(broken());
            }
            let value = value.trim_ascii();
            let is_second = if name.eq_ignore_ascii_case("Content-Disposition") {
                disposition.replace(value).is_some()
            } else if name.eq_ignore_ascii_case("Content-Type") {
                part.content_type.replace(value.to_owned()).is_some()
            } else if name.eq_ignore_ascii_case("Content-Length") {
                let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let length = value.parse().ok().filter(|_| is_number).ok_or_else(broken)?;
                part.length.replace(length).is_some()
            } else if name.eq_ignore_ascii_case("Content-Transfer-Encoding") {
                plain_encoding(value)?;
                false
            } else {
                false
            };
            if is_second {
                return Err(broken());
            }
        }
        let disposition = Parameters::of(disposition.ok_or_else(unnamed)?).ok_or_else(broken)?;
        if !disposition.value.eq_ignore_ascii_case("form-data") {
            return Err(unnamed());
        }
        part.name = disposition.get("name").ok_or_else(unnamed)?.to_owned();
        part.file_name = disposition.file_name().map_err(|Malformed| broken())?;
        let is_multipart =
            |named: &String| named.get(..10).is_some_and(|t| t.eq_ignore_ascii_case("multipart/"));
        if part.content_type.as_ref().is_some_and(is_multipart) {
            let message =
                format!("The part `{}` of the form must not be a multipart itself.", echo(&part.name));
            return Err(Error::new(Reason::UnsupportedMediaType, message));
        }
        Ok(part)
    }
}

/// The field is deprecated (RFC 7578, 4.7): only what says that nothing is encoded is let through.
fn plain_encoding(value: &str) -> Result<(), Error> {
    match ["7bit", "8bit", "binary"].iter().any(|plain| value.eq_ignore_ascii_case(plain)) {
        true => Ok(()),
        false => {
            let message = "The parts of the form must not be encoded.";
            Err(Error::new(Reason::UnsupportedMediaType, message))
        }
    }
}

fn is_boundary(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=MAX_BOUNDARY).contains(&text.len()) && text.bytes().all(is_legal) && !text.ends_with(' ')
}

fn unnamed() -> Error {
    malformed("Each part of the form must have the header `Content-Disposition: form-data; name=\"…\"`.")
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(Reason::InvalidArgument, message)
}

#[cfg(test)]
mod tests;
