//! `If-Match` and `If-None-Match` (RFC 9110, 13.1), and the entity tags that they name.
//!
//! A call that writes takes them to its service, which decides in its transaction. An answer that was
//! only read is compared here.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};
use svc_core::error::{Error, Reason};
use svc_core::precondition::{Precondition, Unmet, Versions};

/// What the two headers of a request name.
#[derive(Debug, Default)]
pub(crate) struct Conditions<'h> {
    if_match: Option<Named<'h>>,
    if_none_match: Option<Named<'h>>,
}

/// Which of the two an operation takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takes {
    pub(crate) if_match: bool,
    pub(crate) if_none_match: bool,
}

/// What one header names.
#[derive(Debug, PartialEq, Eq)]
enum Named<'h> {
    /// `*`
    Any,
    /// At least one.
    Tags(Vec<EntityTag<'h>>),
}

/// `W/"3"`: weak, and `"3"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EntityTag<'h> {
    weak: bool,
    /// With its quotes.
    opaque: &'h [u8],
}

/// What becomes of an answer that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// It is sent.
    Send,
    /// The caller has it already.
    NotModified,
}

impl Conditions<'_> {
    /// Reads the headers. A condition that cannot be read, or that the operation does not take, is
    /// refused: passing it over could overwrite what the caller meant to keep.
    pub(crate) fn of(headers: &HeaderMap, takes: Takes) -> Result<Conditions<'_>, Error> {
        Ok(Conditions {
            if_match: named(headers, &IF_MATCH, "If-Match", takes.if_match)?,
            if_none_match: named(headers, &IF_NONE_MATCH, "If-None-Match", takes.if_none_match)?,
        })
    }

    /// For the service. `If-Match` compares strongly, so that a weak tag names no version;
    /// `If-None-Match` compares weakly.
    pub(crate) fn precondition(&self) -> Option<Precondition> {
        let nothing_said = self.if_match.is_none() && self.if_none_match.is_none();
        (!nothing_said).then(|| Precondition {
            matches: self.if_match.as_ref().map(|named| named.versions(|tag| !tag.weak)),
            none_matches: self.if_none_match.as_ref().map(|named| named.versions(|_| true)),
        })
    }

    /// For an answer with this tag, in the order of RFC 9110, 13.2.2.
    pub(crate) fn on_read(&self, etag: &str) -> Result<Read, Error> {
        let etag = EntityTag { weak: false, opaque: etag.as_bytes() };
        if self.if_match.as_ref().is_some_and(|named| !named.has(|tag| *tag == etag)) {
            return Err(Unmet::OtherVersion.into());
        }
        match &self.if_none_match {
            Some(named) if named.has(|tag| tag.opaque == etag.opaque) => Ok(Read::NotModified),
            _ => Ok(Read::Send),
        }
    }
}

impl<'h> Named<'h> {
    fn has(&self, same: impl Fn(&EntityTag<'h>) -> bool) -> bool {
        match self {
            Named::Any => true,
            Named::Tags(tags) => tags.iter().any(same),
        }
    }

    /// A tag that we never gave names no version.
    fn versions(&self, counts: impl Fn(&EntityTag<'h>) -> bool) -> Versions {
        match self {
            Named::Any => Versions::Any,
            Named::Tags(tags) => Versions::OneOf(
                tags.iter().filter(|tag| counts(tag)).filter_map(EntityTag::version).collect(),
            ),
        }
    }
}

impl EntityTag<'_> {
    /// The version of which this is the tag: tags are compared as they are written, so `"03"` is not
    /// that of version 3.
    fn version(&self) -> Option<i32> {
        let text = self.opaque.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        match text {
            [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
                std::str::from_utf8(text).ok()?.parse().ok()
            }
            _ => None,
        }
    }
}

fn named<'h>(
    headers: &'h HeaderMap,
    header: &HeaderName,
    name: &str,
    taken: bool,
) -> Result<Option<Named<'h>>, Error> {
    let mut lines = headers.get_all(header).iter().map(|value| value.as_bytes()).peekable();
    let Some(first) = lines.peek().copied() else { return Ok(None) };
    if !taken {
        return Err(Error::new(Reason::InvalidArgument, format!("This operation takes no {name}.")));
    }
    let mut tags = Vec::new();
    let read = match first.trim_ascii() {
        b"*" => return if lines.count() == 1 { Ok(Some(Named::Any)) } else { Err(malformed(name)) },
        // Several lines are one list (RFC 9110, 5.3).
        _ => lines.try_for_each(|line| list(line, &mut tags)),
    };
    match read {
        Some(()) if !tags.is_empty() => Ok(Some(Named::Tags(tags))),
        _ => Err(malformed(name)),
    }
}

fn malformed(name: &str) -> Error {
    let message = format!("{name} must be * or a list of ETags as they were given, e.g. \"3\", \"4\".");
    Error::new(Reason::InvalidArgument, message)
}

/// Reads `#entity-tag`. Empty elements are passed over (RFC 9110, 5.6.1); `None` for anything else.
fn list<'h>(mut rest: &'h [u8], tags: &mut Vec<EntityTag<'h>>) -> Option<()> {
    loop {
        while let [b' ' | b'\t' | b',', after @ ..] = rest {
            rest = after;
        }
        if rest.is_empty() {
            return Some(());
        }
        let (weak, tag) = rest.strip_prefix(b"W/").map_or((false, rest), |tag| (true, tag));
        let text = tag.strip_prefix(b"\"")?;
        let length = text.iter().take_while(|c| is_etag_character(**c)).count();
        let after = text[length..].strip_prefix(b"\"")?;
        tags.push(EntityTag { weak, opaque: &tag[..length + 2] });
        rest = after.trim_ascii_start();
        // After a tag comes a comma or nothing.
        if !matches!(rest, [] | [b',', ..]) {
            return None;
        }
    }
}

/// `etagc` of RFC 9110, 8.8.3: also a comma, and bytes above ASCII.
fn is_etag_character(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7E | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Takes = Takes { if_match: true, if_none_match: true };

    fn with(name: HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn what_reaches_a_service() {
        let one_of = |versions: &[i32]| Some(Versions::OneOf(versions.to_vec()));
        for (values, matches, none_matches) in [
            (&["*"][..], Some(Versions::Any), Some(Versions::Any)),
            (&[" * "], Some(Versions::Any), Some(Versions::Any)),
            (&["\"3\""], one_of(&[3]), one_of(&[3])),
            (&["\"3\", \"4\""], one_of(&[3, 4]), one_of(&[3, 4])),
            (&["\"3\"", "\"4\""], one_of(&[3, 4]), one_of(&[3, 4])),
            (&[" ,\"3\" ,\t,\"4\","], one_of(&[3, 4]), one_of(&[3, 4])),
            (&["\"2147483647\""], one_of(&[i32::MAX]), one_of(&[i32::MAX])),
            // A weak tag is never equal in the strong comparison.
            (&["W/\"3\""], one_of(&[]), one_of(&[3])),
            (&["W/\"3\", \"4\""], one_of(&[4]), one_of(&[3, 4])),
            // Tags that we never gave.
            (&["\"2147483648\""], one_of(&[]), one_of(&[])),
            (&["\"0\", \"-1\", \"+3\", \"03\", \"\", \"abc\", \"a,b\", \"é\""], one_of(&[]), one_of(&[])),
        ] {
            let headers = with(IF_MATCH, values);
            let said = Conditions::of(&headers, BOTH).unwrap().precondition().unwrap();
            assert_eq!(said, Precondition { matches, none_matches: None }, "{values:?}");
            let headers = with(IF_NONE_MATCH, values);
            let said = Conditions::of(&headers, BOTH).unwrap().precondition().unwrap();
            assert_eq!(said, Precondition { matches: None, none_matches }, "{values:?}");
        }
        assert_eq!(Conditions::of(&HeaderMap::new(), BOTH).unwrap().precondition(), None);
    }

    #[test]
    fn what_is_malformed() {
        for values in [
            &[""][..],
            &[" "],
            &[","],
            &["3"],
            &["\"3"],
            &["3\""],
            &["\"3\"4"],
            &["\"3\" \"4\""],
            &["\"a b\""],
            &["w/\"3\""],
            &["W\"3\""],
            &["W/3"],
            &["**"],
            &["*, \"3\""],
            &["\"3\", *"],
            &["*", "*"],
            &["*", "\"3\""],
            &["\"3\"", "*"],
        ] {
            for header in [IF_MATCH, IF_NONE_MATCH] {
                let outcome = Conditions::of(&with(header, values), BOTH).map(|_| ());
                assert_eq!(outcome.map_err(|e| e.reason), Err(Reason::InvalidArgument), "{values:?}");
            }
        }
    }

    #[test]
    fn what_an_operation_does_not_take() {
        let neither = Takes { if_match: false, if_none_match: false };
        for header in [IF_MATCH, IF_NONE_MATCH] {
            assert!(Conditions::of(&with(header.clone(), &["*"]), BOTH).is_ok());
            assert!(Conditions::of(&with(header, &["*"]), neither).is_err());
        }
        assert!(Conditions::of(&HeaderMap::new(), neither).is_ok());
    }

    #[test]
    fn what_becomes_of_an_answer() {
        let unmet = Err(Reason::PreconditionFailed);
        let (send, not_modified) = (Ok(Read::Send), Ok(Read::NotModified));
        for (values, if_match, if_none_match) in [
            (&["\"3\""][..], send, not_modified),
            (&["W/\"3\""], unmet, not_modified),
            (&["\"2\", \"3\""], send, not_modified),
            (&["\"2\"", "\"3\""], send, not_modified),
            (&["*"], send, not_modified),
            (&["\"2\""], unmet, send),
            (&["\"03\""], unmet, send),
            (&["\"a,\", \"3\""], send, not_modified),
            (&["\",3,\""], unmet, send),
        ] {
            for (header, expected) in [(IF_MATCH, if_match), (IF_NONE_MATCH, if_none_match)] {
                let headers = with(header, values);
                let outcome = Conditions::of(&headers, BOTH).unwrap().on_read("\"3\"");
                assert_eq!(outcome.map_err(|e| e.reason), expected, "{values:?}");
            }
        }
        assert_eq!(Conditions::default().on_read("\"3\""), Ok(Read::Send));
    }
}
