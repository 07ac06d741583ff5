//! What a content shows of itself by how it begins.

use std::borrow::Cow;

/// How far behind the beginning readers look for the header of a PDF.
const PDF_WITHIN: usize = 1_024;

/// What a content shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The mark of this type.
    Signature(&'static str),
    /// A page, or a part of one, that a browser would take for HTML.
    Html,
    /// A picture in XML, which may hold scripts.
    Svg,
    /// XML of another kind.
    Xml,
    /// Text without a mark.
    Text,
    /// Bytes without a mark.
    Binary,
}

impl Shown {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Shown::Signature(named) => named,
            Shown::Html => "text/html",
            Shown::Svg => "image/svg+xml",
            Shown::Xml => "application/xml",
            Shown::Text => "text/plain",
            Shown::Binary => super::OCTETS,
        }
    }
}

/// What a content that begins with `head` shows.
pub(super) fn shown(head: &[u8]) -> Shown {
    let text = text_of(head);
    // First, since a browser that looks for markup finds it in whatever else the bytes may be.
    let beginning = text.clone().unwrap_or_else(|| String::from_utf8_lossy(head));
    if let Some(markup) = markup(&beginning) {
        return markup;
    }
    let signature = of_bytes(head);
    match (text, signature) {
        // Marks of two or three letters are words, too.
        (Some(_), Some(found)) if is_readable(found) => Shown::Signature(found),
        (Some(_), _) => Shown::Text,
        (None, Some(found)) => Shown::Signature(found),
        (None, None) => Shown::Binary,
    }
}

/// The type whose mark the bytes have.
pub(super) fn of_bytes(head: &[u8]) -> Option<&'static str> {
    const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    if head.starts_with(OLE) {
        return Some("application/x-ole-storage");
    }
    if head.starts_with(b"#!") {
        return Some("application/x-sh");
    }
    if head.starts_with(b"{\\rtf") {
        return Some("application/rtf");
    }
    let found = infer::get(head).map(|found| found.mime_type());
    // Markup is looked for above.
    found.filter(|found| !found.starts_with("text/"))
}

/// Whether a mark is one of a format that is text all through.
fn is_readable(signature: &str) -> bool {
    matches!(signature, "application/pdf" | "application/rtf" | "application/postscript" | "application/x-sh")
}

/// Whether readers would find the header of a PDF.
pub(super) fn has_pdf_header(head: &[u8]) -> bool {
    let head = &head[..head.len().min(PDF_WITHIN)];
    head.windows(5).any(|window| window == b"%PDF-")
}

/// Whether it says that it is UTF-16.
pub(super) fn is_wide_text(head: &[u8]) -> bool {
    head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF")
}

/// The text that it is, if it is one: UTF-8, or UTF-16 that says so, without what no text has.
fn text_of(head: &[u8]) -> Option<Cow<'_, str>> {
    if is_wide_text(head) {
        let is_big = head.first() == Some(&0xFE);
        let units = head[2..].chunks_exact(2).map(|pair| match is_big {
            true => u16::from_be_bytes([pair[0], pair[1]]),
            false => u16::from_le_bytes([pair[0], pair[1]]),
        });
        let text: String =
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        return (!text.chars().any(is_binary)).then_some(Cow::Owned(text));
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    (!text.chars().any(is_binary)).then_some(Cow::Borrowed(text))
}

/// The binary data bytes of WHATWG's MIME sniffing, 3.
fn is_binary(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{E}'..='\u{1A}' | '\u{1C}'..='\u{1F}')
}

/// What a text begins with, as browsers look at it (WHATWG's MIME sniffing, 7.1), and a little more: comments and
/// declarations may stand before what matters.
fn markup(text: &str) -> Option<Shown> {
    const HTML: &[&str] = &[
        "!doctype html",
        "html",
        "head",
        "script",
        "iframe",
        "h1",
        "div",
        "font",
        "table",
        "a",
        "style",
        "title",
        "b",
        "body",
        "br",
        "p",
        "meta",
        "link",
        "img",
        "object",
        "embed",
        "form",
    ];
    let lower = text.to_ascii_lowercase();
    let mut rest = lower.trim_start_matches('\u{FEFF}').trim_start();
    let mut is_xml = false;
    let mut has_comment = false;
    loop {
        if rest.starts_with("<?xml") {
            is_xml = true;
            rest = rest.split_once("?>").map_or("", |(_, after)| after).trim_start();
        } else if rest.starts_with("<!--") {
            has_comment = true;
            rest = rest.split_once("-->").map_or("", |(_, after)| after).trim_start();
        } else {
            break;
        }
    }
    let begins = |name: &str| {
        let after = rest.strip_prefix('<').and_then(|rest| rest.strip_prefix(name));
        after.is_some_and(|after| {
            after.is_empty() || after.starts_with([' ', '>', '\t', '\n', '\r', '\u{C}', '/'])
        })
    };
    if begins("svg") || begins("!doctype svg") {
        return Some(Shown::Svg);
    }
    let is_html = HTML.iter().any(|name| begins(name));
    if is_xml {
        // Anything may stand in XML, and what makes a browser run it is a namespace.
        let runs = lower.contains("http://www.w3.org/1999/xhtml");
        let draws = lower.contains("http://www.w3.org/2000/svg");
        return Some(match (is_html || runs, draws) {
            (true, _) => Shown::Html,
            (false, true) => Shown::Svg,
            (false, false) => Shown::Xml,
        });
    }
    (is_html || has_comment).then_some(Shown::Html)
}

/// What a type is a kind of, for those of which the mark is known: the same for all that have one mark.
pub(super) fn family(named: &str) -> Option<&'static str> {
    let zipped = ["application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."];
    if zipped.iter().any(|kind| named.starts_with(kind)) || named.ends_with("+zip") {
        return Some("zip");
    }
    Some(match named {
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "jpeg",
        "image/png" | "image/x-png" | "image/apng" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/bmp" | "image/x-ms-bmp" | "image/x-bmp" => "bmp",
        "image/tiff" | "image/x-canon-cr2" => "tiff",
        "image/x-icon" | "image/vnd.microsoft.icon" => "ico",
        "image/vnd.adobe.photoshop" => "psd",
        "image/heif"
        | "image/heic"
        | "image/heif-sequence"
        | "image/heic-sequence"
        | "image/avif"
        | "video/mp4"
        | "video/x-m4v"
        | "video/quicktime"
        | "video/3gpp"
        | "audio/mp4"
        | "audio/m4a"
        | "audio/x-m4a" => "iso-media",
        "video/webm" | "audio/webm" | "video/x-matroska" => "matroska",
        "video/x-msvideo" | "video/avi" => "avi",
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wave",
        "audio/ogg" | "video/ogg" | "application/ogg" | "audio/opus" => "ogg",
        "audio/flac" | "audio/x-flac" => "flac",
        "audio/mpeg" | "audio/mp3" | "audio/x-mp3" => "mp3",
        "application/pdf" | "application/x-pdf" => "pdf",
        "application/rtf" => "rtf",
        "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint"
        | "application/vnd.ms-outlook"
        | "application/vnd.visio"
        | "application/x-ole-storage" => "ole",
        "application/zip"
        | "application/x-zip-compressed"
        | "application/x-zip"
        | "application/java-archive"
        | "application/vnd.android.package-archive"
        | "image/openraster" => "zip",
        "application/gzip" | "application/x-gzip" | "application/x-tgz" => "gzip",
        "application/x-bzip2" => "bzip2",
        "application/x-xz" => "xz",
        "application/x-7z-compressed" => "7z",
        "application/vnd.rar" | "application/x-rar-compressed" | "application/x-rar" => "rar",
        _ => return None,
    })
}
