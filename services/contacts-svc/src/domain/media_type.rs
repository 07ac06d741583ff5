//! Media types: what a caller names, what a content shows by how it begins, and whether these go together.
//!
//! A content cannot prove that it is what it is named, and most types have no mark. What is refused is a claim that
//! the content contradicts: a program or a page named a picture, markup that is named plain text, bytes named text.
//! Whatever a file is named, [`served`] says what a browser is told of it.

mod signature;

use svc_core::error::Fault;

use signature::{Shown, family, shown};

/// How much of a content its type is read from.
pub(crate) const HEAD: usize = 4_096;
/// The longest media type, in characters.
const MAX: usize = 127;
/// Says nothing, and is what clients send that know nothing.
pub(crate) const OCTETS: &str = "application/octet-stream";

/// A type and a subtype in lower case, without parameters. `None` where that says nothing.
pub(super) fn essence(text: &str) -> Result<Option<String>, (Fault, String)> {
    let essence = text.split(';').next().unwrap_or_default().trim();
    if essence.chars().count() > MAX {
        return Err((Fault::TooLong, format!("has at most {MAX} characters")));
    }
    let is_type = essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    if !is_type || essence.contains('*') {
        return Err((Fault::Invalid, "must be a media type, as `application/pdf`".to_owned()));
    }
    let essence = essence.to_ascii_lowercase();
    Ok((essence != OCTETS && essence != "binary/octet-stream").then_some(essence))
}

/// A `token` of RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let is_mark = |c: u8| b"!#$%&'*+-.^_`|~".contains(&c);
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || is_mark(c))
}

/// What the caller named does not go with the content, which shows another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contradicted {
    pub(crate) named: String,
    pub(crate) shown: &'static str,
}

/// The type of a content that begins with `head`: the one that is named, unless the content contradicts it, or what it
/// shows.
pub(crate) fn settle(named: Option<&str>, head: &[u8]) -> Result<String, Contradicted> {
    let shown = shown(head);
    let Some(named) = named else { return Ok(shown.media_type().to_owned()) };
    match goes_with(named, &shown, head) {
        true => Ok(named.to_owned()),
        false => Err(Contradicted { named: named.to_owned(), shown: shown.media_type() }),
    }
}

fn goes_with(named: &str, shown: &Shown, head: &[u8]) -> bool {
    if is_markup(named) {
        return !matches!(shown, Shown::Signature(_) | Shown::Binary) || signature::is_wide_text(head);
    }
    if is_text(named) {
        return match shown {
            Shown::Text | Shown::Xml => true,
            // Documents in Markdown may begin with tags, and templates do.
            Shown::Html | Shown::Svg => !matches!(named, "text/plain" | "text/csv" | "application/json"),
            // Old character sets are no UTF-8, and have no zeros.
            Shown::Binary => !head.contains(&0),
            Shown::Signature(shown) => matches!(*shown, "application/rtf" | "application/x-sh"),
        };
    }
    match family(named) {
        // Excel opens lists and pages that are named so, and Windows names CSV so.
        Some("ole") => match shown {
            Shown::Signature(shown) => {
                matches!(family(shown), Some("ole" | "zip")) || *shown == "application/rtf"
            }
            Shown::Binary => false,
            Shown::Text | Shown::Html | Shown::Xml | Shown::Svg => true,
        },
        // A document with a password is an old container around the new one.
        Some("zip") => match shown {
            Shown::Signature(shown) => {
                let of_office = named.starts_with("application/vnd.");
                family(shown) == Some("zip") || (of_office && family(shown) == Some("ole"))
            }
            _ => false,
        },
        Some("pdf") => signature::has_pdf_header(head),
        Some(family_of_name) => signature::of_bytes(head).and_then(family) == Some(family_of_name),
        None if is_medium(named) => match shown {
            Shown::Signature(shown) => is_medium(shown),
            Shown::Binary => true,
            Shown::Text | Shown::Html | Shown::Xml | Shown::Svg => is_playlist(named),
        },
        // What is not known here may be anything.
        None => true,
    }
}

/// Whether a type is one of texts that people read or programs do.
fn is_text(named: &str) -> bool {
    named.starts_with("text/")
        || named.ends_with("+json")
        || matches!(
            named,
            "application/json"
                | "application/x-ndjson"
                | "application/yaml"
                | "application/x-yaml"
                | "application/toml"
                | "application/sql"
                | "application/javascript"
                | "application/ecmascript"
                | "application/x-javascript"
                | "application/x-sh"
        )
}

fn is_markup(named: &str) -> bool {
    named.ends_with("+xml")
        || matches!(named, "text/html" | "text/xml" | "application/xml" | "application/xml-dtd")
}

fn is_medium(named: &str) -> bool {
    ["image/", "audio/", "video/"].iter().any(|kind| named.starts_with(kind))
}

/// Lists of media are texts.
fn is_playlist(named: &str) -> bool {
    named.ends_with("mpegurl") || matches!(named, "audio/x-scpls" | "audio/x-pn-realaudio")
}

/// What a browser is told that a content is: its type where no browser does anything with it but show it, and else
/// nothing at all. A script or a style sheet is run by any page that names it, whatever the other headers say.
pub(crate) fn served(content_type: &str) -> &str {
    let is_inert = match content_type {
        "image/svg+xml" => false,
        "application/pdf"
        | "application/zip"
        | "application/json"
        | "application/x-ndjson"
        | "text/plain"
        | "text/csv"
        | "text/markdown"
        | "text/tab-separated-values"
        | "text/calendar"
        | "text/vcard"
        | "application/rtf"
        | "application/gzip"
        | "message/rfc822"
        | "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint"
        | "application/vnd.ms-outlook" => true,
        other => {
            is_medium(other) && !other.ends_with("+xml")
                || other.starts_with("application/vnd.openxmlformats-officedocument.")
                || other.starts_with("application/vnd.oasis.opendocument.")
        }
    };
    if is_inert { content_type } else { OCTETS }
}

#[cfg(test)]
mod tests;
