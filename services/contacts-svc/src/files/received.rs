//! A content on its way in: what is known of it so far, and whether it is what was said of it.

use aws_lc_rs::digest::{Context, SHA256};
use svc_core::error::{Fault, Violation};
use svc_core::ids::hex;

use crate::domain::FileTerms;
use crate::domain::media_type::{self, HEAD};
use crate::error::ContactError;

/// A content on its way in.
pub(super) struct Received {
    said: FileTerms,
    max: u64,
    size: u64,
    hash: Context,
    /// How it begins, until its type is known.
    head: Vec<u8>,
    content_type: Option<String>,
}

/// A whole content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) said: FileTerms,
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) content_type: String,
}

impl Received {
    /// Nothing so far, of what `said` says.
    pub(super) fn new(said: FileTerms, max: i32) -> Received {
        Received {
            said,
            max: u64::from(max.unsigned_abs()),
            size: 0,
            hash: Context::new(&SHA256),
            head: Vec::new(),
            content_type: None,
        }
    }

    /// The next bytes.
    ///
    /// # Errors
    /// As soon as it shows that it is too large, or is not what was said of it.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), ContactError> {
        self.size = self.size.saturating_add(piece.len() as u64);
        if self.size > self.max {
            return Err(ContactError::FileTooLarge { max: self.max });
        }
        if self.said.size.is_some_and(|said| self.size > said) {
            return Err(self.other_size());
        }
        self.hash.update(piece);
        if self.content_type.is_none() {
            let room = HEAD - self.head.len();
            self.head.extend_from_slice(&piece[..room.min(piece.len())]);
            if self.head.len() == HEAD {
                self.settle()?;
            }
        }
        Ok(())
    }

    /// That was all.
    ///
    /// # Errors
    /// When it is empty, or is not what was said of it.
    pub(super) fn end(mut self) -> Result<Whole, ContactError> {
        if self.size == 0 {
            return Err(invalid("file", Fault::TooShort, "The file is empty."));
        }
        if self.said.size.is_some_and(|said| self.size != said) {
            return Err(self.other_size());
        }
        let content_type = self.settle()?;
        let sha256 = hex(self.hash.finish().as_ref());
        if self.said.sha256.as_ref().is_some_and(|said| *said != sha256) {
            return Err(invalid("sha256", Fault::Invalid, "`sha256` is not that of the content."));
        }
        Ok(Whole { said: self.said, size: self.size, sha256, content_type })
    }

    fn settle(&mut self) -> Result<String, ContactError> {
        if let Some(known) = &self.content_type {
            return Ok(known.clone());
        }
        let named = self.said.content_type.as_deref();
        let settled = media_type::settle(named, &self.head).map_err(|other| {
            let media_type::Contradicted { named, shown } = other;
            let message = format!("`contentType` is {named}, and the content is {shown}.");
            invalid("contentType", Fault::Invalid, &message)
        })?;
        self.head = Vec::new();
        Ok(self.content_type.insert(settled).clone())
    }

    fn other_size(&self) -> ContactError {
        invalid("sizeBytes", Fault::Invalid, "`sizeBytes` is not that of the content.")
    }
}

fn invalid(field: &str, fault: Fault, message: &str) -> ContactError {
    ContactError::Invalid(vec![Violation::new(field, fault, message)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
    /// SHA-256 of `abc`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn said() -> FileTerms {
        FileTerms { name: "a".to_owned(), content_type: None, description: None, size: None, sha256: None }
    }

    fn receive(said: FileTerms, pieces: &[&[u8]]) -> Result<Whole, (usize, Option<String>)> {
        let mut received = Received::new(said, 10_000);
        let told = |at: usize, error: ContactError| match error {
            ContactError::Invalid(violations) => (at, violations.first().map(|v| v.field.clone())),
            ContactError::FileTooLarge { max: 10_000 } => (at, Some("too large".to_owned())),
            _ => (at, None),
        };
        for (at, piece) in pieces.iter().enumerate() {
            received.take(piece).map_err(|error| told(at, error))?;
        }
        received.end().map_err(|error| told(pieces.len(), error))
    }

    #[test]
    fn what_is_as_it_was_said_comes_in() {
        let sha256 = Some(ABC.to_owned());
        for pieces in [&[&b"abc"[..]][..], &[b"a", b"", b"bc"]] {
            let said = FileTerms { size: Some(3), sha256: sha256.clone(), ..said() };
            let whole = receive(said.clone(), pieces).unwrap();
            let content_type = "text/plain".to_owned();
            assert_eq!(whole, Whole { said, size: 3, sha256: ABC.to_owned(), content_type });
        }
        let large = vec![b'x'; 10_000];
        assert_eq!(receive(said(), &[&large[..]]).unwrap().size, 10_000);
        let named = FileTerms { content_type: Some("image/png".to_owned()), ..said() };
        let more = vec![0; HEAD];
        assert_eq!(receive(named, &[&PNG[..3], &PNG[3..], &more[..]]).unwrap().content_type, "image/png");
    }

    #[test]
    fn what_is_not_is_told_as_soon_as_it_shows() {
        let sized = |size| FileTerms { size: Some(size), ..said() };
        let named = |named: &str| FileTerms { content_type: Some(named.to_owned()), ..said() };
        let hashed = FileTerms { sha256: Some("0".repeat(64)), ..said() };
        let (head, large) = (vec![b'x'; HEAD], vec![b'x'; 10_001]);
        for (said, pieces, at, field) in [
            (said(), &[][..], 0, "file"),
            (said(), &[&b""[..]], 1, "file"),
            (said(), &[&large[..]], 0, "too large"),
            (sized(2), &[b"ab", b"c", b"d"], 1, "sizeBytes"),
            (sized(4), &[b"abc"], 1, "sizeBytes"),
            (sized(4), &[], 0, "file"),
            (hashed, &[b"abc"], 1, "sha256"),
            (named("image/png"), &[b"abc"], 1, "contentType"),
            (named("image/png"), &[&head[..], b"more"], 0, "contentType"),
            (named("text/plain"), &[PNG, b"more"], 2, "contentType"),
        ] {
            let shown = format!("{said:?}");
            assert_eq!(receive(said, pieces).unwrap_err(), (at, Some(field.to_owned())), "{shown}");
        }
    }
}
