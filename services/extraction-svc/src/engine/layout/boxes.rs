//! Boxes of a form with what they are for: a box stands before its words, or behind them.

use super::{Meaning, View, meaning};
use crate::engine::recognise::tick::tick;

/// The most words of what a box is for.
const MOST_WORDS: usize = 12;

/// A box with its words.
#[derive(Debug, Clone)]
pub(crate) struct TickBox {
    /// The tokens of the box itself.
    pub start: usize,
    pub end: usize,
    pub ticked: bool,
    /// The tokens of its words; none: it has no words in its row.
    pub words: (usize, usize),
    /// What its words mean.
    pub meaning: Meaning,
}

impl View {
    /// Finds the boxes and their words, row by row.
    pub(super) fn read_boxes(&mut self) {
        for row in 0..self.rows.len() {
            let range = self.rows[row].segments.clone();
            if range.is_empty() {
                continue;
            }
            let (first, last) = (self.segments[range.start].start, self.segments[range.end - 1].end);
            let marks = self.marks(first, last);
            let Some((start, ..)) = marks.first().copied() else { continue };
            // "Yes ☒ No ☐": the words come first where words of an answer stand right before the first box.
            let last_mark = marks[marks.len() - 1];
            let behind = last_mark.1 == last && start > first;
            for (i, &(start, end, ticked)) in marks.iter().enumerate() {
                let words = if behind {
                    let from = if i == 0 { first } else { marks[i - 1].1 };
                    (from.max(start.saturating_sub(MOST_WORDS)), start)
                } else {
                    let to = marks.get(i + 1).map_or(last, |next| next.0);
                    (end, to.min(end + MOST_WORDS))
                };
                let means = meaning(&self.tokens[words.0..words.1]);
                self.boxes.push(TickBox { start, end, ticked, words, meaning: means });
            }
        }
    }

    fn marks(&self, first: usize, last: usize) -> Vec<(usize, usize, bool)> {
        let mut marks = Vec::new();
        let mut i = first;
        while i < last {
            let tokens: Vec<&str> =
                self.tokens[i..last.min(i + 3)].iter().map(|t| t.folded.as_str()).collect();
            match tick(&tokens) {
                Some((count, ticked)) => {
                    marks.push((i, i + count, ticked));
                    i += count;
                }
                None => i += 1,
            }
        }
        marks
    }

    /// The box to which a span belongs as its words or as itself.
    pub(crate) fn box_of(&self, start: usize, end: usize) -> Option<&TickBox> {
        // Boxes stand in the order of their tokens.
        let near = self.boxes.partition_point(|b| b.start.max(b.words.1) < end);
        self.boxes[near.saturating_sub(1)..]
            .iter()
            .take(3)
            .find(|b| (b.start <= start && end <= b.end) || (b.words.0 <= start && end <= b.words.1))
    }
}
