//! The form of an upload: text parts, which are read whole, and then one file, which is handed on as it comes.

use bytes::Bytes;
use http::request::Parts;
use http_body::Body;
use svc_core::error::{Error, Fault, Reason, Violation};

use super::multipart::{Event, MAX_FRAMING, Parser, PartHead};
use super::{BodyLimits, BodyPieces, too_slow};
use crate::transcode::fault::echo;

/// The part that is the file, whatever the message calls it.
pub(crate) const FILE: &str = "file";

/// A part that is a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TextPart {
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
}

/// What is known of a file before its bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FileHead {
    pub(crate) name: Option<String>,
    pub(crate) content_type: Option<String>,
}

/// A form that is read part by part.
pub(crate) struct Form<'b, B> {
    pieces: BodyPieces<'b, B>,
    parser: Parser,
    limits: BodyLimits,
    /// What is left of each bound.
    texts: usize,
    file: usize,
    /// How much is missing of a part that says how long it is.
    missing: Option<u64>,
}

impl<'b, B> Form<'b, B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// The form of this `Content-Type`, once it is known from its head that it may come.
    ///
    /// # Errors
    /// `invalid_argument` without a boundary, and those of other bodies.
    pub(crate) fn of(
        head: &'b Parts,
        body: &'b mut B,
        limits: BodyLimits,
        content_type: &str,
    ) -> Result<Form<'b, B>, Error> {
        let (texts, file) = (limits.bytes, limits.upload_bytes);
        let whole = texts.saturating_add(file).saturating_add(MAX_FRAMING);
        let pieces = BodyPieces::of(head, body, limits.with_upload(whole))?;
        let parser = Parser::new(content_type)?;
        Ok(Form { pieces, parser, limits, texts, file, missing: None })
    }

    /// Reads the text parts, within the time of a body, and the head of the file. `None`: the form ends without one.
    ///
    /// # Errors
    /// `body_too_large` when the texts together are longer than a JSON body may be, or the file says that it is too
    /// long; `request_timeout`; and what makes it no form.
    pub(crate) async fn texts(&mut self) -> Result<(Vec<TextPart>, Option<FileHead>), Error> {
        tokio::time::timeout(self.limits.time, self.read_texts()).await.map_err(|_| too_slow())?
    }

    async fn read_texts(&mut self) -> Result<(Vec<TextPart>, Option<FileHead>), Error> {
        let mut texts = Vec::new();
        while let Some(event) = self.event().await? {
            match event {
                Event::Part(PartHead { name, file_name, content_type, length }) if name == FILE => {
                    if length.is_some_and(|length| length > self.limits.upload_bytes as u64) {
                        return Err(file_too_large(self.limits.upload_bytes));
                    }
                    return Ok((texts, Some(FileHead { name: file_name, content_type })));
                }
                Event::Part(PartHead { name, .. }) => texts.push(TextPart { name, text: Vec::new() }),
                Event::Data(data) => {
                    let left = self.texts.checked_sub(data.len());
                    self.texts = left.ok_or_else(|| texts_too_large(self.limits.bytes))?;
                    if let Some(part) = texts.last_mut() {
                        part.text.extend_from_slice(&data);
                    }
                }
                Event::PartEnd => {}
                Event::End => return Ok((texts, None)),
            }
        }
        Ok((texts, None))
    }

    /// The next piece of the file. `None` at its end, once the form has ended, too.
    ///
    /// # Errors
    /// `body_too_large`; `invalid_argument` when the form does not arrive whole or another part follows.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(event) = self.event().await? {
            match event {
                Event::Data(data) => {
                    let left = self.file.checked_sub(data.len());
                    self.file = left.ok_or_else(|| file_too_large(self.limits.upload_bytes))?;
                    return Ok(Some(data));
                }
                Event::Part(part) => return Err(after_the_file(&part.name)),
                Event::PartEnd | Event::End => {}
            }
        }
        Ok(None)
    }

    async fn event(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.parser.next()? {
                self.check_length(&event)?;
                return Ok(Some(event));
            }
            match self.pieces.next().await? {
                Some(piece) => self.parser.push(&piece),
                None => return self.parser.finish().map(|()| None),
            }
        }
    }

    /// A length that lies is told as soon as it shows.
    fn check_length(&mut self, event: &Event) -> Result<(), Error> {
        let is_right = match (event, &mut self.missing) {
            (Event::Part(head), missing) => {
                *missing = head.length;
                true
            }
            (Event::Data(data), Some(missing)) => match missing.checked_sub(data.len() as u64) {
                Some(left) => {
                    *missing = left;
                    true
                }
                None => false,
            },
            (Event::PartEnd, Some(missing)) => *missing == 0,
            _ => true,
        };
        match is_right {
            true => Ok(()),
            false => {
                let message = "A part of the form is not as long as its Content-Length says.";
                Err(Error::new(Reason::InvalidArgument, message))
            }
        }
    }
}

fn after_the_file(name: &str) -> Error {
    let field = echo(name);
    let (fault, message) = match name {
        FILE => (Fault::Duplicate, format!("`{field}` appears twice.")),
        _ => (Fault::Invalid, format!("`{field}` must come before the file.")),
    };
    Error::invalid(vec![Violation::new(field, fault, message)])
}

fn texts_too_large(limit: usize) -> Error {
    Error::new(Reason::BodyTooLarge, format!("The text parts of the form are over {limit} bytes together."))
}

fn file_too_large(limit: usize) -> Error {
    Error::new(Reason::BodyTooLarge, format!("The file is over {limit} bytes."))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::tests::{LIMITS, chunked, head};
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XX";

    /// Its texts and, where there is one, its file and what that says of itself.
    type Read = (Vec<(String, String)>, Option<(FileHead, usize)>);

    async fn read(pieces: &[&str]) -> Result<Read, Reason> {
        let (head, mut body) = (head(Method::POST, &[]), chunked(pieces));
        let read = async {
            let mut form = Form::of(&head, &mut body, LIMITS, TYPE)?;
            let (texts, file) = form.texts().await?;
            let texts = texts.into_iter().map(|part| (part.name, String::from_utf8(part.text).unwrap()));
            let Some(file) = file else { return Ok((texts.collect(), None)) };
            let mut bytes = 0;
            while let Some(piece) = form.next().await? {
                bytes += piece.len();
            }
            Ok((texts.collect(), Some((file, bytes))))
        };
        read.await.map_err(|error: Error| error.reason)
    }

    fn part(name: &str, more: &str, data: &str) -> String {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{data}\r\n")
    }

    #[tokio::test]
    async fn texts_come_before_one_file() {
        let (a, b) = (part("a", "", "12345"), part("b", "; filename=\"blob\"", "67890"));
        let file = part("file", "; filename=\"x\"\r\nContent-Type: a/b", "0123456789abcdefghij");
        let end = "--XX--\r\n".to_owned();
        let x = || FileHead { name: Some("x".to_owned()), content_type: Some("a/b".to_owned()) };
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let length = |length: &str| part("file", &format!("\r\nContent-Length: {length}"), "01");
        for (what, parts, expected) in [
            ("a file", vec![&file, &end], Ok((vec![], Some((x(), 20))))),
            (
                "as much as may be",
                vec![&a, &b, &file, &end],
                Ok((vec![text("a", "12345"), text("b", "67890")], Some((x(), 20)))),
            ),
            ("no file", vec![&a, &end], Ok((vec![text("a", "12345")], None))),
            (
                "a nameless file",
                vec![&part("file", "", ""), &end],
                Ok((vec![], Some((FileHead::default(), 0)))),
            ),
            ("too much text", vec![&a, &b, &part("c", "", "1"), &file, &end], Err(Reason::BodyTooLarge)),
            (
                "too long a file",
                vec![&part("file", "", "0123456789abcdefghijk"), &end],
                Err(Reason::BodyTooLarge),
            ),
            ("a file that says so", vec![&length("21"), &end], Err(Reason::BodyTooLarge)),
            ("text behind it", vec![&file, &a, &end], Err(Reason::InvalidArgument)),
            ("a second file", vec![&file, &file, &end], Err(Reason::InvalidArgument)),
            ("no end", vec![&a, &file], Err(Reason::InvalidArgument)),
            ("cut short", vec![&a, &file, &"!".to_owned()], Err(Reason::InvalidArgument)),
            ("the right length", vec![&length("2"), &end], Ok((vec![], Some((FileHead::default(), 2))))),
            ("more than it says", vec![&length("1"), &end], Err(Reason::InvalidArgument)),
            ("less than it says", vec![&length("3"), &end], Err(Reason::InvalidArgument)),
            (
                "a text that lies",
                vec![&part("a", "\r\nContent-Length: 9", "1"), &file, &end],
                Err(Reason::InvalidArgument),
            ),
        ] {
            let pieces: Vec<&str> = parts.into_iter().map(String::as_str).collect();
            assert_eq!(read(&pieces).await, expected, "{what}");
        }
    }

    #[tokio::test]
    async fn what_comes_behind_the_file_is_named() {
        for (name, fault) in [("a", Fault::Invalid), ("file", Fault::Duplicate)] {
            let error = after_the_file(name);
            assert_eq!((error.violations[0].field.as_str(), error.violations[0].fault), (name, fault));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn texts_that_trickle_are_given_up() {
        let trickle = futures::stream::unfold((), |()| async {
            tokio::time::sleep(LIMITS.time / 2).await;
            Some((Ok::<_, &'static str>(http_body::Frame::data(Bytes::from_static(b"-"))), ()))
        });
        let mut body = http_body_util::StreamBody::new(Box::pin(trickle));
        let head = head(Method::POST, &[]);
        let mut form = Form::of(&head, &mut body, LIMITS, TYPE).unwrap();
        assert_eq!(form.texts().await.unwrap_err().reason, Reason::RequestTimeout);
    }
}
