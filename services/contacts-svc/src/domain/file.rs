//! What a file of a contact is, and what a caller says of one before its bytes come.

use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};

use super::file_name;
use super::media_type;
use super::text::{Lines, Verdict, check_text};

/// The most files of one contact. All of them are deleted with it, in one transaction.
pub(crate) const FILES_MAX: u64 = 1_000;

/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 500;
/// The length of a SHA-256 in hex.
const SHA256_LENGTH: usize = 64;

/// A file. Nothing of it ever changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) contact_id: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) description: Option<String>,
    /// In bytes, at least 1.
    pub(crate) size: u64,
    /// In lowercase hex.
    pub(crate) sha256: String,
    /// Where its bytes are.
    pub(crate) object_key: String,
    pub(crate) created_at: Timestamp,
}

/// Where a list of files goes on: behind this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePosition {
    pub(crate) created_at: Timestamp,
    pub(crate) id: String,
}

impl FilePosition {
    pub(crate) fn of(file: &File) -> FilePosition {
        FilePosition { created_at: file.created_at, id: file.id.clone() }
    }
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FilePage {
    pub(crate) files: Vec<File>,
    pub(crate) has_more: bool,
    /// How many there are in all, when that was asked.
    pub(crate) total: Option<u64>,
}

/// What a caller says of a file. [`FileDraft::check`] is the only way to get it out.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileDraft {
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) size_bytes: Option<i32>,
    pub(crate) sha256: Option<String>,
}

/// What a file is to be, as far as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileTerms {
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) size: Option<u64>,
    /// In lowercase hex.
    pub(crate) sha256: Option<String>,
}

impl FileDraft {
    /// What was said, or everything that is wrong with it. `max` is the most bytes that a file has.
    pub(crate) fn check(self, max: i32) -> Result<FileTerms, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut note = |field: &str, verdict: Verdict| {
            if let Err((fault, rule)) = verdict {
                violations.push(Violation::new(field, fault, format!("`{field}` {rule}.")));
            }
        };
        let name = file_name::of(self.file_name.as_deref()).unwrap_or_else(|fault| {
            note("fileName", Err(fault));
            String::new()
        });
        let content_type = self.content_type.as_deref().map(media_type::essence).transpose();
        let content_type = content_type.unwrap_or_else(|fault| {
            note("contentType", Err(fault));
            None
        });
        let content_type = content_type.flatten();
        let description = self.description.map(|text| text.trim().to_owned());
        if let Some(text) = &description {
            note("description", check_text(text, DESCRIPTION_MAX, Lines::Many));
        }
        let sha256 = self.sha256.map(|text| text.to_ascii_lowercase());
        if let Some(text) = &sha256 {
            note("sha256", check_sha256(text));
        }
        let size = self.size_bytes.map(|size| match size {
            size if (1..=max).contains(&size) => u64::from(size.unsigned_abs()),
            _ => {
                violations.push(Violation::out_of_range("sizeBytes", 1..=max));
                0
            }
        });
        match violations.is_empty() {
            true => Ok(FileTerms { name, content_type, description, size, sha256 }),
            false => Err(violations),
        }
    }
}

fn check_sha256(text: &str) -> Verdict {
    match text.len() == SHA256_LENGTH && text.bytes().all(|c| c.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err((Fault::Invalid, format!("must be {SHA256_LENGTH} hex characters"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> FileDraft {
        FileDraft::default()
    }

    #[test]
    fn nothing_said_is_a_file_without_terms() {
        let terms = said().check(100).unwrap();
        let expected = FileTerms {
            name: "file".to_owned(),
            content_type: None,
            description: None,
            size: None,
            sha256: None,
        };
        assert_eq!(terms, expected);
    }

    #[test]
    fn each_value_has_its_rule() {
        let text = |text: &str| Some(text.to_owned());
        let (long, too_long) = ("é".repeat(500), "é".repeat(501));
        let (hash, short, no_hex) = ("Ab".repeat(32), "a".repeat(63), "g".repeat(64));
        for (draft, expected) in [
            (FileDraft { description: text(&long), ..said() }, None),
            (FileDraft { description: text(" a\n\tb "), ..said() }, None),
            (FileDraft { description: text(&too_long), ..said() }, Some(("description", Fault::TooLong))),
            (FileDraft { description: text(" "), ..said() }, Some(("description", Fault::TooShort))),
            (FileDraft { description: text("a\u{0}"), ..said() }, Some(("description", Fault::Invalid))),
            (FileDraft { size_bytes: Some(1), ..said() }, None),
            (FileDraft { size_bytes: Some(100), ..said() }, None),
            (FileDraft { size_bytes: Some(0), ..said() }, Some(("sizeBytes", Fault::OutOfRange))),
            (FileDraft { size_bytes: Some(101), ..said() }, Some(("sizeBytes", Fault::OutOfRange))),
            (FileDraft { size_bytes: Some(i32::MIN), ..said() }, Some(("sizeBytes", Fault::OutOfRange))),
            (FileDraft { sha256: text(&hash), ..said() }, None),
            (FileDraft { sha256: text(&short), ..said() }, Some(("sha256", Fault::Invalid))),
            (FileDraft { sha256: text(&no_hex), ..said() }, Some(("sha256", Fault::Invalid))),
            (FileDraft { sha256: text(""), ..said() }, Some(("sha256", Fault::Invalid))),
            (FileDraft { file_name: text(".."), ..said() }, Some(("fileName", Fault::Invalid))),
            (FileDraft { content_type: text("pdf"), ..said() }, Some(("contentType", Fault::Invalid))),
        ] {
            let shown = format!("{draft:?}");
            let found = draft.check(100).err().unwrap_or_default();
            let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.fault)).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{shown}");
        }
        let terms = FileDraft { sha256: text(&hash), ..said() }.check(100).unwrap();
        assert_eq!(terms.sha256, Some("ab".repeat(32)));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let draft = FileDraft {
            file_name: Some("a\u{202E}gpj.exe".to_owned()),
            content_type: Some("x".to_owned()),
            description: Some(String::new()),
            size_bytes: Some(0),
            sha256: Some("x".to_owned()),
        };
        let fields: Vec<String> = draft.check(100).unwrap_err().into_iter().map(|v| v.field).collect();
        assert_eq!(fields, ["fileName", "contentType", "description", "sha256", "sizeBytes"]);
    }
}
