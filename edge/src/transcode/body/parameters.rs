//! Values of header fields with parameters: `multipart/form-data; boundary=…` (RFC 9110, 5.6.6) and
//! `attachment; filename="…"` (RFC 6266).

use std::borrow::Cow;

use http::header::CONTENT_DISPOSITION;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use svc_core::error::{Error, Reason};

/// A value and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameters<'t> {
    /// What stands before them, as it was written.
    pub(crate) value: &'t str,
    named: Vec<(&'t str, Cow<'t, str>)>,
}

impl<'t> Parameters<'t> {
    /// Reads them. `None` when the text has another form, or a parameter appears twice: whoever reads it next might
    /// take the other one.
    pub(crate) fn of(text: &'t str) -> Option<Parameters<'t>> {
        let (value, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let mut parameters = Parameters { value: value.trim_ascii(), named: Vec::new() };
        loop {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                return is_token(parameters.value).then_some(parameters);
            }
            if let Some(after) = rest.strip_prefix(';') {
                rest = after;
                continue;
            }
            let (name, after) = rest.split_once('=')?;
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => unquote(quoted)?,
                None => plain(after)?,
            };
            if !is_token(name) || parameters.get(name).is_some() {
                return None;
            }
            parameters.named.push((name, value));
            rest = after.trim_ascii_start();
            if !rest.is_empty() && !rest.starts_with(';') {
                return None;
            }
        }
    }

    /// A parameter. Names are without case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The name of the file. `filename*`, which says its charset, goes before `filename` (RFC 6266, 4.3).
    ///
    /// # Errors
    /// When `filename*` is not in the form and the charset of RFC 8187.
    pub(crate) fn file_name(&self) -> Result<Option<String>, Malformed> {
        match self.get("filename*") {
            Some(extended) => extended_value(extended).map(Some).ok_or(Malformed),
            None => Ok(self.get("filename").map(str::to_owned)),
        }
    }
}

/// A value that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The name of the file that is the whole body, by `Content-Disposition`. `None` where the head names none.
///
/// # Errors
/// `invalid_argument` when the field cannot be read or appears twice.
pub(crate) fn file_name(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let malformed = || {
        let message = "Content-Disposition must be in the form `attachment; filename=\"name\"`, in UTF-8.";
        Error::new(Reason::InvalidArgument, message)
    };
    let mut fields = headers.get_all(CONTENT_DISPOSITION).iter().map(HeaderValue::as_bytes);
    match (fields.next(), fields.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => {
            let text = std::str::from_utf8(only).map_err(|_| malformed())?;
            let parameters = Parameters::of(text).ok_or_else(malformed)?;
            parameters.file_name().map_err(|Malformed| malformed())
        }
        (Some(_), Some(_)) => Err(malformed()),
    }
}

/// A quoted value, after its first quote, and what follows it. A backslash is an escape before a quote or another
/// one only: old browsers send it as it is, in the path of a file.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let bytes = text.as_bytes();
    let mut value = String::new();
    let mut from = 0;
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => break,
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\\')) => {
                value.push_str(&text[from..at]);
                from = at + 1;
                at += 2;
            }
            byte if byte.is_ascii_control() && *byte != b'\t' => return None,
            _ => at += 1,
        }
    }
    let after = &text[at + 1..];
    match from {
        0 => Some((Cow::Borrowed(&text[..at]), after)),
        _ => {
            value.push_str(&text[from..at]);
            Some((Cow::Owned(value), after))
        }
    }
}

/// A value without quotes, and what follows it.
fn plain(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(';').unwrap_or(text.len());
    let value = text[..end].trim_ascii_end();
    let is_one =
        !value.is_empty() && !value.contains(|c: char| c.is_ascii_whitespace() || c == '"' || c.is_control());
    is_one.then_some((Cow::Borrowed(value), &text[end..]))
}

/// `UTF-8'en'%c3%a9t%c3%a9.txt` (RFC 8187). There is no other charset that a sender may use today.
fn extended_value(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, '\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("UTF-8") {
        return None;
    }
    let decoded = percent_decode_str(encoded).decode_utf8().ok()?;
    (!decoded.contains(|c: char| c.is_control())).then(|| decoded.into_owned())
}

/// A token (RFC 9110, 5.6.2), or several with slashes between, as a media type is.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_their_parameters() {
        for (text, value, name, parameter) in [
            ("form-data; name=\"a b\"", "form-data", "name", Some("a b")),
            ("form-data;name=a;filename=\"x\"", "form-data", "NAME", Some("a")),
            ("form-data ; ; name=\"\" ;", "form-data", "name", Some("")),
            ("multipart/form-data; boundary=a=b", "multipart/form-data", "boundary", Some("a=b")),
            (r#"a; n="x \"y\" \\ C:\dir\z""#, "a", "n", Some(r#"x "y" \ C:\dir\z"#)),
            ("a; n=\"ü; m=1\"", "a", "n", Some("ü; m=1")),
            ("a; n=\"x\"", "a", "m", None),
            ("text/plain", "text/plain", "charset", None),
        ] {
            let read = Parameters::of(text).unwrap();
            assert_eq!((read.value, read.get(name)), (value, parameter), "{text}");
        }
        for malformed in [
            "",
            ";",
            "; name=a",
            "a b; name=c",
            "a; name",
            "a; name=",
            "a; name=\"b",
            "a; name=\"b\" c",
            "a; =b",
            "a; name=b c",
            "a; name=\"b\"; name=\"b\"",
            "a; n=1; N=1",
            "a; n=b\"c\"",
            "a; n=\"b\rc\"",
            "a; n =b",
        ] {
            assert_eq!(Parameters::of(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn names_of_files() {
        let headers = |values: &[&'static [u8]]| {
            let value =
                |value: &&'static [u8]| (CONTENT_DISPOSITION, HeaderValue::from_bytes(value).unwrap());
            values.iter().map(value).collect::<HeaderMap>()
        };
        for (fields, name) in [
            (&[][..], Ok(None)),
            (&[&b"inline"[..]], Ok(None)),
            (&[b"attachment; filename=\"a b.pdf\""], Ok(Some("a b.pdf"))),
            (&[b"attachment; filename=\"\xc3\xa9.pdf\""], Ok(Some("\u{e9}.pdf"))),
            (&[b"attachment; filename=\"e.pdf\"; filename*=UTF-8''%C3%A9.pdf"], Ok(Some("\u{e9}.pdf"))),
            (&[b"attachment; filename*=iso-8859-1''%E9.pdf"], Err(())),
            (&[b"attachment; filename*=UTF-8''%E9.pdf"], Err(())),
            (&[b"attachment; filename*=UTF-8''%0A"], Err(())),
            (&[b"attachment; filename=\"\xe9.pdf\""], Err(())),
            (&[b"attachment; filename=a b"], Err(())),
            (&[b"inline", b"inline"], Err(())),
        ] {
            let read = file_name(&headers(fields))
                .map_err(|error| assert_eq!(error.reason, Reason::InvalidArgument));
            assert_eq!(read.as_ref().map(Option::as_deref), name.as_ref().map(|name| *name), "{fields:?}");
        }
    }
}
