//! What a file is, told by its bytes. Its name and media type are only compared with that.

use super::archive::Archive;
use super::{ReadError, Task, csv};
use crate::document::Kind;

/// How much of a file is looked at.
const HEAD: usize = 8 * 1024;
/// PDF readers find the mark of a PDF within so many bytes.
const PDF_MARK_WITHIN: usize = 1024;
/// Fields by which a mail is told from a text that begins with a word and a colon.
const MAIL_FIELDS: [&str; 13] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "received",
    "mime-version",
    "message-id",
    "content-type",
    "return-path",
    "delivered-to",
    "reply-to",
    "sender",
];
/// Elements that no text begins with that is not HTML.
const HTML_BEGINS: [&str; 24] = [
    "!doctype html",
    "html",
    "head",
    "body",
    "table",
    "div",
    "p>",
    "p ",
    "h1",
    "h2",
    "meta",
    "title",
    "style",
    "span",
    "center",
    "article",
    "ul",
    "font",
    "link",
    "img",
    "form",
    "section",
    "pre",
    "br",
];

/// What a file is, with what reading it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// PDF.
    Pdf,
    /// A picture.
    Picture(Kind),
    /// An Office file and its main part.
    Office(Kind, String),
    /// A mail.
    Mail,
    /// Text that is HTML, a table (with what parts its values) or nothing more.
    Html,
    /// Values parted by a character.
    Csv(u8),
    /// Text.
    Text,
}

impl Content {
    /// The kind.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Content::Pdf => Kind::Pdf,
            Content::Picture(kind) | Content::Office(kind, _) => *kind,
            Content::Mail => Kind::Eml,
            Content::Html => Kind::Html,
            Content::Csv(_) => Kind::Csv,
            Content::Text => Kind::Text,
        }
    }
}

/// Whether the file begins like a PDF.
pub(crate) fn is_pdf(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(PDF_MARK_WITHIN)).unwrap_or_default();
    head.windows(5).any(|window| window == b"%PDF-")
}

/// Whether what begins so may be something that is read. An archive may be any: only its end says what is in it.
pub(crate) fn is_known(beginning: &[u8]) -> bool {
    let is_archive = beginning.starts_with(b"PK\x03\x04");
    // It may be an encrypted file, which has an answer of its own.
    let is_container = beginning.starts_with(CONTAINER);
    if is_pdf(beginning) || is_archive || is_container || picture(beginning).is_some() {
        return true;
    }
    let is_rtf = beginning.starts_with(b"{\\rtf");
    // A character may be cut at the end of what is the begin of more.
    let cut = if beginning.len() > 64 { 3 } else { 0 };
    let whole = beginning.get(..beginning.len() - cut).unwrap_or_default();
    !is_rtf && text(&super::text::decode(whole, None)).is_some()
}

/// The container of Office files of before 2007, and of encrypted ones of after.
const CONTAINER: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

fn picture(bytes: &[u8]) -> Option<Kind> {
    let begins = |mark: &[u8]| bytes.starts_with(mark);
    let is_picture = begins(b"\x89PNG\r\n\x1a\n")
        || begins(b"\xff\xd8\xff")
        || begins(b"GIF87a")
        || begins(b"GIF89a")
        || (begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"))
        || (begins(b"BM") && bytes.get(6..10) == Some(&[0; 4]));
    match begins(b"II*\0") || begins(b"MM\0*") {
        true => Some(Kind::Tiff),
        false => is_picture.then_some(Kind::Image),
    }
}

/// What a file is that is no text.
pub(crate) fn binary(bytes: &[u8], task: &Task) -> Result<Option<Content>, ReadError> {
    let begins = |mark: &[u8]| bytes.starts_with(mark);
    if is_pdf(bytes) {
        return Ok(Some(Content::Pdf));
    }
    if let Some(kind) = picture(bytes) {
        return Ok(Some(Content::Picture(kind)));
    }
    if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") {
        let archive = Archive::open(bytes, task.limits.max_unpacked_bytes)?;
        return office(archive).map(Some);
    }
    if begins(CONTAINER) {
        // The old container of Office: of a new file it is what holds the encrypted one.
        let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        return match memchr::memmem::find(bytes, &name).is_some() {
            true => Err(ReadError::PasswordProtected),
            false => Err(ReadError::unreadable("Office files of before 2007 are not read")),
        };
    }
    if begins(b"{\\rtf") {
        return Err(ReadError::unreadable("RTF is not read"));
    }
    Ok(None)
}

/// Which Office file an archive is: what its relations, or at worst its parts, say.
fn office(mut archive: Archive<'_>) -> Result<Content, ReadError> {
    let main = archive.relations("")?;
    let main = main.iter().find(|relation| relation.kind == "officeDocument" && !relation.external);
    let main = main.map(|relation| relation.target.trim_start_matches("./").to_owned());
    let known = ["word/document.xml", "xl/workbook.xml"].map(str::to_owned);
    let main = main.into_iter().chain(known).find(|part| archive.has(part));
    let unknown = || ReadError::unreadable("an archive that is no DOCX and no XLSX is not read");
    let main = main.ok_or_else(unknown)?;
    let source = archive.xml(&main)?.unwrap_or_default();
    let head = source.get(..source.floor_char_boundary(HEAD)).unwrap_or_default();
    let root = head
        .split('<')
        .map(|element| element.split([' ', '>', '/', '\t', '\r', '\n']).next().unwrap_or_default());
    for element in root {
        match element.rsplit(':').next() {
            Some("document") => return Ok(Content::Office(Kind::Docx, main)),
            Some("workbook") => return Ok(Content::Office(Kind::Xlsx, main)),
            _ => {}
        }
    }
    Err(unknown())
}

/// What a text is. `None` when it is none: too much of it is nothing that is written.
pub(crate) fn text(text: &str) -> Option<Content> {
    let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or_default();
    let strange = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}');
    let characters = head.chars().count();
    let odd = head.chars().filter(|c| strange(c) || *c == '\u{fffd}').count();
    if odd * 20 > characters || head.chars().filter(|c| *c == '\0').count() > 0 {
        return None;
    }
    if is_mail(head) {
        return Some(Content::Mail);
    }
    if is_html(head) {
        return Some(Content::Html);
    }
    Some(csv::delimiter(text).map_or(Content::Text, Content::Csv))
}

/// Whether a text begins as a mail's head does, with fields that mails have.
fn is_mail(head: &str) -> bool {
    let (mut known, mut fields) = (0, 0);
    for (number, line) in head.lines().enumerate() {
        if line.starts_with([' ', '\t']) && number > 0 {
            continue;
        }
        // The line with which a mail box separates mails.
        if number == 0 && line.starts_with("From ") {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { break };
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name {
            break;
        }
        fields += 1;
        known += usize::from(MAIL_FIELDS.contains(&name.to_ascii_lowercase().as_str()));
    }
    // `Subject: … To: …` of a letter that is typed has a field or two, but no mail has neither From nor Date.
    let begins = |field: &str| {
        head.lines().any(|line| line.get(..field.len()).is_some_and(|it| it.eq_ignore_ascii_case(field)))
    };
    known >= 2 && known * 3 >= fields && (begins("From:") || begins("Date:") || begins("Received:")) && {
        // The head ends with an empty line.
        head.contains("\n\n") || head.contains("\r\n\r\n")
    }
}

fn is_html(head: &str) -> bool {
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    // Declarations and comments may stand before the first element.
    while let Some(after) = rest.strip_prefix("<?").or_else(|| rest.strip_prefix("<!--")) {
        let Some((_, next)) = after.split_once('>') else { return false };
        rest = next.trim_start();
    }
    let Some(begin) = rest.strip_prefix('<') else { return false };
    let begin = begin.get(..begin.floor_char_boundary(32)).unwrap_or_default().to_ascii_lowercase();
    HTML_BEGINS.iter().any(|name| {
        let after = begin.strip_prefix(name).map(|after| after.chars().next());
        match after {
            Some(after) => name.ends_with(['>', ' ']) || after.is_none_or(|c| !c.is_alphanumeric()),
            None => false,
        }
    })
}

/// What the name or the media type claims, when the bytes are something else.
pub(crate) fn mislabelled(kind: Kind, task: &Task) -> Option<String> {
    let name =
        task.file_name.as_deref().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    let by_name = name.and_then(|extension| claimed(&extension.to_ascii_lowercase()));
    let media_type = task.media_type.as_deref().and_then(|media| media.split(';').next());
    let by_type = media_type.and_then(|media| claimed(&media.trim().to_ascii_lowercase()));
    let mut claims = [("name", by_name), ("media type", by_type)].into_iter();
    let wrong = claims
        .find_map(|(what, claim)| claim.filter(|claim| !agree(*claim, kind)).map(|claim| (what, claim)));
    wrong.map(|(what, claim)| format!("the {what} says {claim:?}, the bytes are {kind:?}"))
}

/// Text may be called anything that is text.
fn agree(claim: Kind, kind: Kind) -> bool {
    let is_text = |kind| matches!(kind, Kind::Text | Kind::Csv | Kind::Html | Kind::Eml);
    let is_picture = |kind| matches!(kind, Kind::Image | Kind::Tiff);
    claim == kind || (is_text(claim) && is_text(kind)) || (is_picture(claim) && is_picture(kind))
}

fn claimed(label: &str) -> Option<Kind> {
    Some(match label {
        "pdf" | "application/pdf" => Kind::Pdf,
        "png" | "jpg" | "jpeg" | "gif" | "bmp" | "webp" => Kind::Image,
        "tif" | "tiff" | "image/tiff" => Kind::Tiff,
        label if label.starts_with("image/") => Kind::Image,
        "docx" | "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Kind::Docx,
        "xlsx" | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Kind::Xlsx,
        "html" | "htm" | "text/html" | "application/xhtml+xml" => Kind::Html,
        "eml" | "message/rfc822" => Kind::Eml,
        "csv" | "tsv" | "text/csv" => Kind::Csv,
        "txt" | "text" | "md" | "text/plain" => Kind::Text,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        let cases: [(&str, Option<Content>); 14] = [
            ("<!DOCTYPE html><p>x", Some(Content::Html)),
            ("\u{feff}  <?xml version=\"1.0\"?>\n<!-- x --><html>", Some(Content::Html)),
            ("<TABLE><tr><td>x", Some(Content::Html)),
            ("<pages>1 < 2", Some(Content::Text)),
            ("<Note to reader> this", Some(Content::Text)),
            ("From: a@example.com\nTo: b@example.com\nSubject: x\n\nBody", Some(Content::Mail)),
            ("Received: by x;\r\n\tMon\r\nMIME-Version: 1.0\r\nDate: x\r\n\r\nBody", Some(Content::Mail)),
            ("To: all\nSubject: lunch\n\nFrom noon on", Some(Content::Text)),
            ("Note: this\nTotal: 5\n\n", Some(Content::Text)),
            ("a;b\n1;2\n3;4", Some(Content::Csv(b';'))),
            ("Dear all,\nhello", Some(Content::Text)),
            ("", Some(Content::Text)),
            ("\0\u{1}\u{2}\u{3}binary", None),
            ("MZ\u{fffd}\u{fffd}\u{fffd}", None),
        ];
        for (source, expected) in cases {
            assert_eq!(text(source), expected, "{source:?}");
        }
    }

    #[test]
    fn what_may_be_read_is_told_by_its_beginning() {
        let cases: [(&[u8], bool); 12] = [
            (b"%PDF-1.7\n", true),
            (b"junk\0\n%PDF-1.4", true),
            (b"PK\x03\x04\x14\0\0\0", true),
            (b"\x89PNG\r\n\x1a\n\0\0", true),
            (b"Date;Amount\n", true),
            (b"<html>", true),
            (b"\xff\xfeA\0", true),
            ("Gr\u{f6}\u{df}e".as_bytes(), true),
            // A workbook that opens with a password has an answer of its own.
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", true),
            (b"\x7fELF\x02\x01\x01\0", false),
            (b"MZ\x90\0\x03\0", false),
            (b"{\\rtf1", false),
        ];
        for (beginning, known) in cases {
            assert_eq!(is_known(beginning), known, "{beginning:?}");
        }
    }

    #[test]
    fn a_label_that_lies_is_told() {
        let cases = [
            (Kind::Pdf, "a.pdf", "application/pdf", false),
            (Kind::Pdf, "a.docx", "", true),
            (Kind::Pdf, "a", "image/png", true),
            (Kind::Csv, "a.txt", "text/plain; charset=utf-8", false),
            (Kind::Html, "invoice.pdf", "text/html", true),
            (Kind::Image, "a.bin", "application/octet-stream", false),
            (Kind::Image, "a.JPEG", "image/tiff", false),
        ];
        for (kind, name, media_type, lies) in cases {
            let task = Task {
                file_name: Some(name.to_owned()),
                media_type: Some(media_type.to_owned()),
                ..Task::default()
            };
            assert_eq!(mislabelled(kind, &task).is_some(), lies, "{name} {media_type}");
        }
    }
}
