//! What a PDF says of itself.

use std::fs::File;

use super::super::program::{self, DOCUMENT, Input};
use super::super::{Budget, ReadError};

/// How much of the answer is read: it names the document's title, which may be long.
const MAX_ANSWER: usize = 256 * 1024;

/// What is needed of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Info {
    /// How many pages it says that it has.
    pub(super) pages: u32,
}

/// Asks poppler.
pub(super) fn read(document: &File, budget: &Budget) -> Result<Info, ReadError> {
    let mut answer = Vec::new();
    let ended = program::run(
        "pdfinfo",
        &["-enc", "UTF-8", DOCUMENT],
        Input::Document(document),
        budget,
        &mut |piece| {
            if answer.len() < MAX_ANSWER {
                answer.extend_from_slice(piece);
            }
            Ok(())
        },
    )?;
    if let Some(limit) = ended.limit() {
        return Err(limit);
    }
    if !ended.well {
        return Err(match ended.complaint.contains("Incorrect password") {
            true => ReadError::PasswordProtected,
            false => ReadError::unreadable("poppler finds no PDF in it"),
        });
    }
    let pages = pages(&String::from_utf8_lossy(&answer));
    let pages = pages.filter(|pages| *pages > 0);
    pages.map(|pages| Info { pages }).ok_or_else(|| ReadError::unreadable("it has no pages"))
}

/// The title and the like come first and may hold line breaks: the last line that says it is poppler's.
fn pages(answer: &str) -> Option<u32> {
    let mut lines = answer.lines().rev();
    let count = lines.find_map(|line| line.strip_prefix("Pages:"))?.trim();
    // More than fit are too many, whatever the number.
    match count.bytes().all(|byte| byte.is_ascii_digit()) && !count.is_empty() {
        true => Some(count.parse().unwrap_or(u32::MAX)),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_popplers_whatever_the_title_says() {
        let cases = [
            ("Title: x\nPages:           16\nEncrypted: no\n", Some(16)),
            ("Title: x\nPages: 1\nPages:  2\n", Some(2)),
            ("Pages: 99999999999\n", Some(u32::MAX)),
            ("Pages: -1\n", None),
            ("", None),
        ];
        for (answer, expected) in cases {
            assert_eq!(pages(answer), expected, "{answer}");
        }
    }
}
