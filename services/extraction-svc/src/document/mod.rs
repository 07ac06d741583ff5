//! One model of every document: pages of lines of words, each with its place, whatever the file was.
//!
//! Plain data. Readers make it, in a process of their own; the engine sees nothing else of a document. Words stand in
//! reading order, and everything above them (lines, their cells, tables) is a range of them, so that a text is written
//! down once.

mod bounds;
mod one_page;
mod page;
mod turned;
mod validate;

use serde::{Deserialize, Serialize};

pub use bounds::Bounds;
pub use one_page::{OnePage, one_page};
pub use page::{Line, Method, Page, Span, Table, TableCell, Word};
pub(crate) use turned::{straight, straight_size};
pub use validate::{Invalid, MAX_LISTED, MAX_NAME_CHARACTERS, MAX_WORD_CHARACTERS};

/// What a reader found in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What the bytes are, whatever the file's name claims.
    pub kind: Kind,
    /// How many pages the document has; `pages` may be fewer when only some were asked for.
    pub page_count: u32,
    /// The pages that were read, in order.
    pub pages: Vec<Page>,
    /// Files inside the document that were not read: attachments of a mail, embedded files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What a person should know of how it was read. At most one of each kind and page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// The languages that whoever sent it says it is in, as BCP 47 tags, the likeliest first. They go with what was read,
    /// so that learning reads its days as extraction did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
}

/// What a file is, told by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// PDF.
    Pdf,
    /// A picture: PNG, JPEG, GIF, BMP or WebP.
    Image,
    /// A picture that may have several pages.
    Tiff,
    /// A text document of Office Open XML.
    Docx,
    /// A workbook of Office Open XML.
    Xlsx,
    /// HTML.
    Html,
    /// A mail as RFC 5322 has it.
    Eml,
    /// Values parted by commas, semicolons, tabs or bars.
    Csv,
    /// Text.
    Text,
}

/// A file inside a document. It is named, never read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name, as the document gives it: text, never a path to use. At most 255 characters.
    pub name: String,
    /// Its media type, as the document gives it.
    pub media_type: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Something to know of how a document was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is.
    pub kind: NoticeKind,
    /// The page that it is about; `None`: the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// More of it, for people. Nothing of the document's text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The kinds of [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The name or the media type claims another kind than the bytes are.
    Mislabelled,
    /// There is text that a person does not see; its words are marked hidden.
    HiddenText,
    /// The text layer is no text that a person would read; the page was read by OCR.
    UnreliableTextLayer,
    /// The better OCR is not installed; Tesseract read the page.
    SimplerOcr,
    /// A part could not be read, and the rest was.
    Damaged,
    /// The document refers to something outside, which was not fetched.
    ExternalReference,
    /// Pages were asked for that the document does not have.
    MissingPages,
    /// Files are attached or embedded, and were not read.
    AttachmentsNotRead,
    /// The document holds more than is given: more items of a list, or more text than is looked through.
    Truncated,
}
