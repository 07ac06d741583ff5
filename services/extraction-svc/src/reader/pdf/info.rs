//! What a PDF says of itself.

use std::collections::BTreeMap;
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
    /// Which of the pages up to the one that was asked for are shown turned by a quarter.
    pub(super) turned: Vec<Turned>,
}

/// A page that is shown turned by a quarter: its number, and whether it is wide before it is turned.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turned {
    pub(super) page: u32,
    pub(super) is_wide: bool,
}

/// Asks poppler, of each page up to `last`, too.
pub(super) fn read(document: &File, last: u32, budget: &Budget) -> Result<Info, ReadError> {
    let answer = ask(document, &["-f", "1", "-l", &last.to_string()], budget)?;
    let pages = pages(&answer).filter(|pages| *pages > 0);
    let pages = pages.ok_or_else(|| ReadError::unreadable("it has no pages"))?;
    Ok(Info { pages, turned: turned_in(&answer) })
}

/// Asks which of these pages are shown turned by a quarter.
pub(super) fn turned(
    document: &File,
    first: u32,
    last: u32,
    budget: &Budget,
) -> Result<Vec<Turned>, ReadError> {
    let answer = ask(document, &["-f", &first.to_string(), "-l", &last.to_string()], budget)?;
    Ok(turned_in(&answer))
}

fn ask(document: &File, of: &[&str], budget: &Budget) -> Result<String, ReadError> {
    let mut answer = Vec::new();
    let arguments: Vec<&str> = of.iter().copied().chain(["-enc", "UTF-8", DOCUMENT]).collect();
    let ended = program::run("pdfinfo", &arguments, Input::Document(document), budget, &mut |piece| {
        if answer.len() < MAX_ANSWER {
            answer.extend_from_slice(piece);
        }
        Ok(())
    })?;
    if let Some(limit) = ended.limit() {
        return Err(limit);
    }
    if !ended.well {
        return Err(match ended.complaint.contains("Incorrect password") {
            true => ReadError::PasswordProtected,
            false => ReadError::unreadable("poppler finds no PDF in it"),
        });
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Of "Page 1 size: 595 x 842 pts" and "Page 1 rot: 90". A title may say the same, but before poppler does: the last counts.
fn turned_in(answer: &str) -> Vec<Turned> {
    let (mut wide, mut turned) = (BTreeMap::<u32, bool>::new(), BTreeMap::<u32, bool>::new());
    for line in answer.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["Page", page, "size:", width, "x", height, ..] => {
                let (Ok(page), Ok(width), Ok(height)) = (page.parse(), width.parse(), height.parse::<f32>())
                else {
                    continue;
                };
                wide.insert(page, height < width);
            }
            ["Page", page, "rot:", degrees] => {
                let (Ok(page), Ok(degrees)) = (page.parse(), degrees.parse::<i32>()) else { continue };
                turned.insert(page, degrees % 180 != 0);
            }
            _ => {}
        }
    }
    let turned = turned.into_iter().filter(|(_, turned)| *turned);
    turned.filter_map(|(page, _)| Some(Turned { page, is_wide: *wide.get(&page)? })).collect()
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

    #[test]
    fn pages_on_their_side_are_told() {
        let answer = "Title: x\nPage 1 rot: 0\nPages:           4\nPage    1 size: 595 x 842 pts (A4)\n\
                      Page    1 rot:  90\nPage    2 size: 595 x 842 pts (A4)\nPage    2 rot:  180\n\
                      Page    3 size: 842.5 x 595 pts\nPage    3 rot:  270\nPage    4 rot:  90\n";
        let expected = [Turned { page: 1, is_wide: false }, Turned { page: 3, is_wide: true }];
        assert_eq!(turned_in(answer), expected);
        assert_eq!(turned_in("Page 1 size: a x b\nPage 1 rot: c\nPage x rot: 90"), []);
    }
}
