//! A document as the engine reads it: words in rows, rows in segments, and who stands beside, above and below whom.

mod boxes;
mod labels;
mod licences;
mod pieces;

use std::collections::HashMap;

use crate::document::{Bounds, Document, Method, Page};

use super::lexicon::Meaning;
use super::recognise::date::{self, Order};
use super::text;

pub(crate) use boxes::TickBox;
pub(crate) use labels::meaning;
use labels::{is_form, label, numbered, tidy};
use pieces::{Piece, pieces, rows};

/// The most words of a document that are looked at; what comes after is not read.
pub const MAX_WORDS: usize = 200_000;

/// A word.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub text: String,
    /// Folded.
    pub folded: String,
    /// On the page set straight.
    pub bounds: Bounds,
    /// On the page as it is.
    pub place: Bounds,
    pub page: usize,
    pub segment: usize,
    /// No blank parts it from the word before.
    pub glued: bool,
}

/// Words that stand together in a row: a cell, or what wide gaps part.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub start: usize,
    pub end: usize,
    pub row: usize,
    pub page: usize,
    pub bounds: Bounds,
    /// What it means as a label, when it is short enough to be one.
    pub meaning: Meaning,
    /// The cell of a marked table: table, row, column.
    pub cell: Option<[u32; 3]>,
    /// Where it stands in a file without places.
    pub path: Option<String>,
    pub above: Option<usize>,
    pub below: Option<usize>,
    /// The folded texts end with a colon.
    pub colon: bool,
    pub has_digit: bool,
}

/// Segments side by side.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub segments: std::ops::Range<usize>,
    pub page: usize,
    /// White above it, in heights of a row.
    pub gap: f32,
}

/// The whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub tokens: Vec<Token>,
    pub segments: Vec<Segment>,
    pub rows: Vec<Row>,
    /// Numbers of the pages, and whether OCR read them.
    pub pages: Vec<(u32, bool)>,
    /// What the number that begins a segment stands for, where numbers are labels.
    pub codes: HashMap<usize, Meaning>,
    /// Boxes to tick, in the order of their words.
    pub boxes: Vec<TickBox>,
    /// In which order the languages that were named write days.
    pub order: Option<Order>,
    /// The document goes on behind these words.
    pub is_cut: bool,
}

impl View {
    pub(crate) fn new(document: &Document) -> Self {
        let order = date::order_of_languages(&document.languages);
        let mut view = Self { order, ..Self::default() };
        let mut tables = 0;
        for page in &document.pages {
            if view.tokens.len() >= MAX_WORDS {
                view.is_cut |= !page.words.is_empty();
                break;
            }
            let index = view.pages.len();
            view.pages.push((page.number, page.method == Method::Ocr));
            let straight = page.straight();
            let pieces = pieces(&straight, tables);
            tables += u32::try_from(page.tables.len()).unwrap_or(0);
            view.lay(page, &straight, index, pieces);
        }
        view.neighbours();
        view.join_labels();
        view.read_codes();
        view.read_boxes();
        view
    }

    fn lay(&mut self, as_it_is: &Page, page: &Page, index: usize, pieces: Vec<Piece>) {
        let mut previous_bottom = 0.0;
        let form = is_form(page, &pieces);
        for group in rows(pieces) {
            let group = tidy(page, group);
            let form = form && !group.iter().flat_map(|p| &p.words).any(|w| has_cents(&page.words[*w].text));
            let first = self.segments.len();
            let row = self.rows.len();
            let (mut top, mut bottom) = (f32::MAX, 0.0_f32);
            for piece in group {
                if self.tokens.len() + piece.words.len() > MAX_WORDS {
                    self.is_cut = true;
                    break;
                }
                let segment = self.segments.len();
                let start = self.tokens.len();
                for word in &piece.words {
                    let whole = (page.turned != as_it_is.turned).then(|| as_it_is.words[*word].bounds);
                    let word = &page.words[*word];
                    for (part, bounds) in parts(&word.text, word.bounds) {
                        self.tokens.push(Token {
                            folded: text::fold(part),
                            text: part.to_owned(),
                            bounds,
                            // A part of a word is told from its whole only where the word is level.
                            place: whole.unwrap_or(bounds),
                            page: index,
                            segment,
                            glued: part.len() < word.text.len()
                                && !word.text.starts_with(part)
                                && !word.text.contains('\u{fffd}'),
                        });
                    }
                }
                top = top.min(piece.bounds.top);
                bottom = bottom.max(piece.bounds.bottom());
                let end = self.tokens.len();
                let tokens = &self.tokens[start..end];
                let colon = tokens.last().is_some_and(|t| t.text.ends_with([':', '：']));
                // "5 Address" and "2. Royalties" are lines of a form, not values.
                let numbered = numbered(tokens, form);
                let has_digit = tokens[usize::from(numbered.is_some())..]
                    .iter()
                    .any(|t| t.text.contains(|c: char| c.is_ascii_digit()));
                let meaning = label(tokens, numbered);
                self.segments.push(Segment {
                    start,
                    end,
                    row,
                    page: index,
                    bounds: piece.bounds,
                    meaning,
                    cell: piece.cell,
                    path: piece.path,
                    above: None,
                    below: None,
                    colon,
                    has_digit,
                });
            }
            if self.segments.len() > first {
                let height = (bottom - top).max(1e-4);
                let gap = ((top - previous_bottom) / height).clamp(0.0, 9.0);
                self.rows.push(Row { segments: first..self.segments.len(), page: index, gap });
                previous_bottom = bottom;
            }
        }
    }

    /// Who stands above and below: the nearest row's segment that shares a column with it.
    fn neighbours(&mut self) {
        const FAR: usize = 8;
        for i in 0..self.segments.len() {
            let row = self.segments[i].row;
            let page = self.segments[i].page;
            let me = self.segments[i].bounds;
            let mut found = None;
            for r in (row.saturating_sub(FAR)..row).rev() {
                if self.rows[r].page != page {
                    break;
                }
                let mut best = 0.0;
                for s in self.rows[r].segments.clone() {
                    let share = overlap(&me, &self.segments[s].bounds);
                    if share > best {
                        best = share;
                        found = Some(s);
                    }
                }
                if found.is_some() {
                    break;
                }
            }
            self.segments[i].above = found;
        }
        for i in 0..self.segments.len() {
            let row = self.segments[i].row;
            let page = self.segments[i].page;
            let me = self.segments[i].bounds;
            let mut found = None;
            for r in row + 1..(row + 1 + FAR).min(self.rows.len()) {
                if self.rows[r].page != page {
                    break;
                }
                let mut best = 0.0;
                for s in self.rows[r].segments.clone() {
                    let share = overlap(&me, &self.segments[s].bounds);
                    if share > best {
                        best = share;
                        found = Some(s);
                    }
                }
                if found.is_some() {
                    break;
                }
            }
            self.segments[i].below = found;
        }
    }

    /// The words of a range, one blank between them.
    pub(crate) fn text(&self, start: usize, end: usize) -> String {
        let mut joined = String::new();
        for token in &self.tokens[start..end] {
            if !joined.is_empty() && !token.glued {
                joined.push(' ');
            }
            joined.push_str(&token.text);
        }
        joined
    }

    /// The segment to the left in the same row.
    pub(crate) fn left(&self, segment: usize) -> Option<usize> {
        let row = &self.rows[self.segments[segment].row];
        (segment > row.segments.start).then(|| segment - 1)
    }

    /// The segment to the right in the same row.
    pub(crate) fn right(&self, segment: usize) -> Option<usize> {
        let row = &self.rows[self.segments[segment].row];
        (segment + 1 < row.segments.end).then_some(segment + 1)
    }

    /// How tall a segment's row is.
    pub(crate) fn height(&self, segment: usize) -> f32 {
        self.segments[segment].bounds.height.max(1e-4)
    }
}

/// Whether a word looks like an amount with two decimals.
fn has_cents(word: &str) -> bool {
    let digits = word.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits == 2
        && word[..word.len() - 2].ends_with(['.', ','])
        && word[..word.len() - 3].ends_with(|c: char| c.is_ascii_digit())
}

/// "Date:25/12/2018" is a label and a value: a word falls apart behind a colon that parts letters from what follows.
fn parts(word: &str, bounds: Bounds) -> Vec<(&str, Bounds)> {
    if word.contains('\u{fffd}') {
        // What could not be decoded parts words.
        let count = word.chars().count().max(1);
        let mut list = Vec::new();
        let mut at = 0;
        for piece in word.split('\u{fffd}') {
            let length = piece.chars().count();
            if length > 0 {
                let (from, share) = (at as f32 / count as f32, length as f32 / count as f32);
                list.push((
                    piece,
                    Bounds { left: bounds.left + bounds.width * from, width: bounds.width * share, ..bounds },
                ));
            }
            at += length + 1;
        }
        return list;
    }
    let cut = word.char_indices().find_map(|(i, c)| {
        let (before, after) = (&word[..i], &word[i + c.len_utf8()..]);
        let label = before.chars().any(char::is_alphabetic)
            && !before.contains(['@', '.'])
            && !after.starts_with('/');
        (matches!(c, ':' | '：') && label && after.chars().any(char::is_alphanumeric))
            .then_some(i + c.len_utf8())
    });
    let Some(cut) = cut else { return vec![(word, bounds)] };
    let share = word[..cut].chars().count() as f32 / word.chars().count() as f32;
    let width = bounds.width * share;
    let first = Bounds { width, ..bounds };
    let second = Bounds { left: bounds.left + width, width: bounds.width - width, ..bounds };
    vec![(&word[..cut], first), (&word[cut..], second)]
}

/// The share of the narrower one's width in which two stand over each other.
pub(crate) fn overlap(a: &Bounds, b: &Bounds) -> f32 {
    let shared = a.right().min(b.right()) - a.left.max(b.left);
    if shared <= 0.0 {
        return 0.0;
    }
    shared / a.width.min(b.width).max(1e-4)
}
