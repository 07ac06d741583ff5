//! Where a text stands in a document, word for word.

use std::collections::HashMap;

use super::layout::View;
use super::text;

/// The longest text that is looked for, in letters and digits.
const LONGEST: usize = 4_000;
/// The most places of one text.
const MOST: usize = 200;
/// The most lines that one text goes over.
const MOST_LINES: usize = 100;
/// The most words that one look-up compares.
const MOST_STEPS: usize = 20_000;

/// Ranges of words, one a line.
pub(crate) type Parts = Vec<(usize, usize)>;

/// The words of a document by what they are.
pub(crate) struct Places<'a> {
    view: &'a View,
    /// Of each word, its letters and digits.
    keys: Vec<String>,
    by_key: HashMap<String, Vec<usize>>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(view: &'a View) -> Self {
        let keys: Vec<String> = view.tokens.iter().map(|token| text::key(&token.text)).collect();
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, key) in keys.iter().enumerate().filter(|(_, key)| !key.is_empty()) {
            by_key.entry(key.clone()).or_default().push(at);
        }
        Self { view, keys, by_key }
    }

    /// The places where a text stands in whole words, in reading order. Marks, case and blanks may differ, digits may not.
    pub(crate) fn of(&self, said: &str) -> Vec<Parts> {
        let wanted = text::key(said);
        if wanted.is_empty() || wanted.len() > LONGEST {
            return Vec::new();
        }
        let digits = digits(said);
        let mut steps = MOST_STEPS;
        let mut found: Vec<Parts> = Vec::new();
        for (end, _) in wanted.char_indices().skip(1).chain([(wanted.len(), ' ')]) {
            for &at in self.by_key.get(&wanted[..end]).map(Vec::as_slice).unwrap_or_default() {
                if found.len() >= MOST || steps == 0 {
                    break;
                }
                if let Some(parts) = self.follow(at, &wanted, 0, &mut steps)
                    && self::digits(&self.text(&parts)) == digits
                {
                    found.push(parts);
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// The words from `at` on that make up a text: to the end of their line, and then in the line below or in what comes
    /// next.
    fn follow(&self, at: usize, text: &str, line: usize, steps: &mut usize) -> Option<Parts> {
        let segment = self.view.segments.get(self.view.tokens.get(at)?.segment)?;
        let (mut end, mut rest) = (at, text);
        while end < segment.end {
            *steps = steps.checked_sub(1)?;
            rest = rest.strip_prefix(self.keys[end].as_str())?;
            end += 1;
            if rest.is_empty() {
                return Some(vec![(at, end)]);
            }
        }
        if line >= MOST_LINES {
            return None;
        }
        let below = segment.below.map(|below| self.view.segments[below].start);
        let mut parts = below
            .and_then(|below| self.follow(below, rest, line + 1, steps))
            .or_else(|| self.follow(end, rest, line + 1, steps))?;
        parts.insert(0, (at, end));
        Some(parts)
    }

    /// The places of a text within words that have no blanks around it, as in scripts that have none.
    pub(crate) fn within(&self, said: &str) -> Vec<Parts> {
        let said = said.trim();
        let whole =
            |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() || !c.is_ascii() && c.is_alphabetic());
        let holds = |word: &str| {
            word.match_indices(said).any(|(at, _)| {
                let after = &word[at + said.len()..];
                whole(word[..at].chars().next_back()) && whole(after.chars().next())
            })
        };
        if said.is_empty() || said.contains(char::is_whitespace) || text::key(said).is_empty() {
            return Vec::new();
        }
        let words = self.view.tokens.iter().enumerate().filter(|(_, token)| holds(&token.text));
        words.map(|(at, _)| vec![(at, at + 1)]).take(MOST).collect()
    }

    /// What stands there.
    pub(crate) fn text(&self, parts: &[(usize, usize)]) -> String {
        let lines: Vec<String> = parts.iter().map(|(start, end)| self.view.text(*start, *end)).collect();
        lines.join(" ")
    }
}

/// The runs of digits of a text without its blanks: "1,250" and "12.50" have the same digits, and are not the same.
fn digits(text: &str) -> Vec<String> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let runs = bare.split(|c: char| !c.is_numeric());
    runs.filter(|run| !run.is_empty()).map(str::to_owned).collect()
}
