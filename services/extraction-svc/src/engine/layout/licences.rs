//! Driving licences have numbers where other documents have labels: those of ISO/IEC 18013-1 and of Directive
//! 2006/126/EC, the same in all languages.

use super::View;
use crate::engine::lexicon::{Meaning, lexicon};
use crate::engine::text;

/// What each number stands for.
const CODES: &[(&str, &str)] = &[
    ("1", "family name"),
    ("2", "given names"),
    ("3", "date of birth"),
    ("4a", "date of issue"),
    ("4b", "date of expiry"),
    ("4c", "issuing authority"),
    ("4d", "personal number"),
    ("5", "licence number"),
    ("8", "address"),
];
/// So many of them on a page show that they are these numbers and no others.
const FEWEST: usize = 3;
/// What such a document calls itself, as keys of its words.
const NAMES: &[&str] =
    &["fuhrerschein", "rijbewijs", "korkort", "forerkort", "korekort", "ajokortti", "ridicskyprukaz"];
const LICENCES: &[&str] = &["licence", "license", "permis", "permiso", "patente", "carta", "prawo", "permit"];
const DRIVING: &[&str] =
    &["driving", "driver", "drivers", "conduire", "conducir", "conduccion", "guida", "conducao", "jazdy"];

impl View {
    /// Notes what the numbers of a driving licence stand for.
    pub(super) fn read_codes(&mut self) {
        for page in 0..self.pages.len() {
            if !self.is_licence(page) {
                continue;
            }
            let coded: Vec<(usize, &str, &str)> = (0..self.segments.len())
                .filter(|s| self.segments[*s].page == page)
                .filter_map(|s| self.code(s).map(|(code, label)| (s, code, label)))
                .collect();
            let different = CODES.iter().filter(|(code, _)| coded.iter().any(|c| c.1 == *code)).count();
            if different >= FEWEST {
                for (segment, _, label) in coded {
                    self.stand_for(segment, meaning(label));
                }
            }
        }
    }

    fn is_licence(&self, page: usize) -> bool {
        let words: Vec<String> =
            self.tokens.iter().filter(|t| t.page == page).take(200).map(|t| text::key(&t.folded)).collect();
        let says = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
        says(NAMES) || (says(LICENCES) && says(DRIVING))
    }

    /// A number that stands apart from its value is a label as others are.
    fn stand_for(&mut self, segment: usize, label: Meaning) {
        let of = &mut self.segments[segment];
        if of.end - of.start > 1 {
            self.codes.insert(segment, label);
        } else {
            (of.meaning, of.colon, of.has_digit) = (label, true, false);
        }
    }

    /// The number that begins a segment, where something stands behind it.
    fn code(&self, segment: usize) -> Option<(&'static str, &'static str)> {
        let of = &self.segments[segment];
        let first = self.tokens[of.start].folded.trim_end_matches(['.', ')', ':']);
        let followed = of.end - of.start > 1 || self.right(segment).is_some();
        CODES.iter().find(|(code, _)| followed && *code == first).copied()
    }
}

fn meaning(label: &str) -> Meaning {
    lexicon().meaning(&text::words(label))
}
