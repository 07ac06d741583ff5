//! How a document is to be read.

use serde::{Deserialize, Serialize};
use svc_core::error::{Fault, Violation};

/// The most languages that are named.
const LANGUAGES_MAX: usize = 5;
/// The longest list of pages, in characters.
const PAGES_MAX: usize = 200;
/// The longest tag of a language (RFC 5646, 4.4.1).
const LANGUAGE_MAX: usize = 35;

/// How a document is to be read, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    /// BCP 47 tags, the most likely first.
    pub(crate) languages: Vec<String>,
    /// The pages to read, as asked: `1-3,7`.
    pub(crate) pages: Option<String>,
    /// When to recognise text in images.
    pub(crate) ocr: Option<Ocr>,
    /// Find out which template the document is of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) detect_type: bool,
    /// Who finds the values: the name of a language model. `None`: the engine that comes with Keyward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<String>,
}

/// When to recognise text in images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Ocr {
    Auto,
    Always,
    Never,
}

/// Some pages in a row, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageRange {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Options {
    /// Notes what breaks its rule.
    pub(crate) fn check(&self, violations: &mut Vec<Violation>) {
        if self.languages.len() > LANGUAGES_MAX {
            let message = format!("`options.languages` has at most {LANGUAGES_MAX}.");
            violations.push(Violation::new("options.languages", Fault::TooLong, message));
        }
        for (at, tag) in self.languages.iter().enumerate() {
            let parts = || tag.split('-');
            let is_tag = tag.len() <= LANGUAGE_MAX
                && parts().all(|part| {
                    (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric())
                })
                && parts().next().is_some_and(|first| first.bytes().all(|c| c.is_ascii_alphabetic()));
            if !is_tag {
                let message = "A language is a BCP 47 tag, such as `en` or `pt-BR`.";
                violations.push(Violation::new(format!("options.languages[{at}]"), Fault::Invalid, message));
            }
        }
        if self.pages.as_ref().is_some_and(|pages| pages.len() > PAGES_MAX) {
            let message = format!("`options.pages` has at most {PAGES_MAX} characters.");
            violations.push(Violation::new("options.pages", Fault::TooLong, message));
        } else if self.pages.is_some() && self.page_ranges().is_none() {
            let message = "`options.pages` names pages from 1, in rising order, such as `1-3,7`.";
            violations.push(Violation::new("options.pages", Fault::Invalid, message));
        }
    }

    /// The pages to read, in rising order; empty: all. `None` when they are not named as they have to be.
    pub(crate) fn page_ranges(&self) -> Option<Vec<PageRange>> {
        let Some(pages) = &self.pages else { return Some(Vec::new()) };
        let mut ranges: Vec<PageRange> = Vec::new();
        for part in pages.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = PageRange { first: number(first.trim())?, last: number(last.trim())? };
            let before = ranges.last().map_or(0, |before| before.last);
            if range.first <= before || range.last < range.first {
                return None;
            }
            ranges.push(range);
        }
        Some(ranges)
    }
}

fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) && !text.starts_with('0');
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pages: &str) -> Option<Vec<(u32, u32)>> {
        let options = Options { pages: Some(pages.to_owned()), ..Options::default() };
        let ranges = options.page_ranges()?;
        Some(ranges.into_iter().map(|range| (range.first, range.last)).collect())
    }

    #[test]
    fn pages() {
        for (pages, ranges) in [
            ("1", Some(vec![(1, 1)])),
            ("1-3,7", Some(vec![(1, 3), (7, 7)])),
            ("1 - 3, 7", Some(vec![(1, 3), (7, 7)])),
            ("4294967295", Some(vec![(u32::MAX, u32::MAX)])),
            ("", None),
            ("0", None),
            ("01", None),
            ("3-1", None),
            ("1-3,3", None),
            ("7,1", None),
            ("1-", None),
            ("-1", None),
            ("1-2-3", None),
            ("+1", None),
            ("4294967296", None),
            ("1,,2", None),
        ] {
            assert_eq!(of(pages), ranges, "{pages}");
        }
    }

    #[test]
    fn what_breaks_its_rule_is_named() {
        let options = |languages: &[&str], pages: Option<&str>| Options {
            languages: languages.iter().map(|&tag| tag.to_owned()).collect(),
            pages: pages.map(str::to_owned),
            ..Options::default()
        };
        for (options, fields) in [
            (options(&["en", "pt-BR", "zh-Hant"], Some("1")), vec![]),
            (options(&["en", "english language"], None), vec!["options.languages[1]"]),
            (options(&[""], None), vec!["options.languages[0]"]),
            (options(&["1n"], None), vec!["options.languages[0]"]),
            (options(&["a", "b", "c", "d", "e", "f"], None), vec!["options.languages"]),
            (options(&[], Some("x")), vec!["options.pages"]),
            (options(&[], Some(&"1,".repeat(200))), vec!["options.pages"]),
        ] {
            let mut violations = Vec::new();
            options.check(&mut violations);
            let found: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
            assert_eq!(found, fields, "{options:?}");
        }
    }
}
