//! The path of a request, cut into segments and decoded once.
//!
//! Escapes of unreserved characters are decoded before anything is compared (RFC 3986, 6.2.2.2), so
//! `/v1/o%70en` is `/v1/open`. Escapes of other characters are data: `%3A` starts no verb and `%2F`
//! ends no segment.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use smallvec::SmallVec;

/// The segments of a path. Hardly any has more than fit.
pub(crate) type Segments<'p> = SmallVec<[Segment<'p>; 8]>;

/// One segment of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment<'p> {
    /// With the escapes of unreserved characters decoded: what literals and verbs are compared with.
    pub(crate) literal: Cow<'p, str>,
    /// Decoded: what a variable receives.
    pub(crate) value: Cow<'p, str>,
    /// The value holds a slash, which was `%2F`.
    pub(crate) slash: bool,
}

impl Segment<'_> {
    /// What a variable of several segments receives: `%2F` stays as it is, for it to be told from the end of a
    /// segment (google/api/http.proto).
    pub(crate) fn value_among_others(&self) -> Cow<'_, str> {
        if !self.slash {
            return Cow::Borrowed(&self.value);
        }
        // An escape of a slash is found where the literal has it, which is in UTF-8 as a whole.
        let mut parts = self.literal.split("%2F").map(|part| percent_decode_str(part).decode_utf8_lossy());
        let mut value = parts.next().unwrap_or_default().into_owned();
        for part in parts {
            value.push_str("%2F");
            value.push_str(&part);
        }
        Cow::Owned(value)
    }
}

/// Cuts a path. `None` for a path that no route can have: one that does not start with `/`, has an
/// empty, `.` or `..` segment or one too many, a broken escape, invalid UTF-8 or a control character.
pub(crate) fn split(path: &str, at_most: usize) -> Option<Segments<'_>> {
    let mut segments = Segments::new();
    for raw in path.strip_prefix('/')?.split('/') {
        if segments.len() == at_most {
            return None;
        }
        segments.push(segment(raw)?);
    }
    Some(segments)
}

fn segment(raw: &str) -> Option<Segment<'_>> {
    let segment = if raw.contains('%') {
        let value = percent_decode_str(raw).decode_utf8().ok()?;
        let slash = value.contains('/');
        Segment { literal: Cow::Owned(normalise(raw)?), value, slash }
    } else {
        Segment { literal: Cow::Borrowed(raw), value: Cow::Borrowed(raw), slash: false }
    };
    is_name(&segment.value).then_some(segment)
}

/// Whether a decoded value can stand in a path: `.`, `..` and control characters cannot.
pub(crate) fn is_name(value: &str) -> bool {
    !matches!(value, "" | "." | "..") && !value.chars().any(char::is_control)
}

fn normalise(raw: &str) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut parts = raw.split('%');
    out.push_str(parts.next()?);
    for part in parts {
        let digits = part.get(..2).filter(|d| d.bytes().all(|c| c.is_ascii_hexdigit()))?;
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if is_unreserved(byte) => out.push(char::from(byte)),
            _ => {
                // RFC 3986, 6.2.2.1: the case of the digits makes no difference.
                out.push('%');
                out.push_str(&digits.to_ascii_uppercase());
            }
        }
        out.push_str(part.get(2..)?);
    }
    Some(out)
}

/// RFC 3986, 2.3.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}
