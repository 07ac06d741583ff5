//! What stands around a candidate: the labels that may be its own, and the words of its surroundings.

mod near;
mod prose;

use super::candidate::{Candidate, Reading, is_prose, trim};
use super::layout::{View, meaning};
use super::lexicon::{Meaning, lexicon};
use super::text;
pub(crate) use near::is_pair;
use near::{ends_value, is_labels_column, phone_letter};

/// Labels around a span, as meanings, and the texts that a model learns from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    /// Words before it in its own segment.
    pub inline: Meaning,
    pub inline_colon: bool,
    pub inline_key: String,
    /// The words of a sentence that say what it is.
    pub phrase: Meaning,
    /// What a contract goes on to call it: 'Acme Inc. ("Supplier")'.
    pub defined: Meaning,
    /// The segment to the left.
    pub left: Meaning,
    pub left_colon: bool,
    pub left_key: String,
    /// The first segment of the row, where it is another.
    pub head: Meaning,
    pub head_key: String,
    /// The segment above.
    pub above: Meaning,
    pub above_key: String,
    pub above_gap: f32,
    /// The nearest segment above that looks like a heading of its column.
    pub column: Meaning,
    pub column_key: String,
    pub column_steps: usize,
    /// The nearest row above that looks like a heading.
    pub section: Meaning,
    pub section_key: String,
    /// The number of the form's line that it belongs to, and what that line means where its label is another.
    pub line: Option<String>,
    pub line_meaning: Meaning,
    /// Rows from its section's heading.
    pub section_steps: usize,
    /// It stands in the block of somebody of whom the document is not: its author, who keeps it.
    pub stranger: bool,
    /// Its row, or the one above, says that something goes on until today.
    pub ongoing: bool,
    /// Words before it as they are read, and behind it.
    pub before: Meaning,
    pub after: Meaning,
    pub before_words: Vec<String>,
    pub after_words: Vec<String>,
    pub below_key: String,
}

/// What of a row's segment can head what stands below: few words, no number, words of labels.
pub(crate) fn is_heading(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    let count = of.end - of.start;
    (count <= 6
        || of.meaning.number.is_some()
        || (of.meaning.clause.is_some()
            && count <= 16
            && (!super::candidate::is_prose(view, segment) || says_labels(view, segment))))
        && !of.has_digit
        && !of.meaning.concepts.is_empty()
        && !view.tokens[of.start..of.end].iter().any(|t| t.text.contains('@') || t.folded.starts_with("www."))
}

/// Whether a segment stands alone below a line of running text: the end of a paragraph.
fn is_prose_above(view: &View, segment: usize) -> bool {
    let row = view.segments[segment].row;
    view.rows[row].segments.len() == 1
        && row > 0
        && view.rows[row].gap < 1.0
        && view.rows[row - 1].segments.len() == 1
        && is_prose(view, view.rows[row - 1].segments.start)
}

/// Whether nearly all of a segment's words are words of labels: "City or town, state or province, postal code".
fn says_labels(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    let lexicon = lexicon();
    let (mut known, mut all) = (0, 0);
    for word in view.tokens[of.start..of.end].iter().flat_map(|t| text::words(&t.text)) {
        if !lexicon.is_empty_word(&word) {
            all += 1;
            known += usize::from(lexicon.knows(&word));
        }
    }
    known >= 3 && known * 10 >= all * 8
}

fn key(view: &View, segment: usize) -> String {
    let of = &view.segments[segment];
    let mut key = text::key(&view.text(of.start, of.end.min(of.start + 6)));
    while key.len() > 30 {
        key.pop();
    }
    key
}

/// Whether a segment is nothing but a currency or marks.
fn is_filler(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    of.end - of.start <= 2
        && view.tokens[of.start..of.end].iter().all(|t| {
            let bare = t.folded.trim_matches([':', '(', ')', '.']);
            bare.is_empty()
                || super::recognise::number::CURRENCIES.contains(&bare)
                || !bare.chars().any(char::is_alphanumeric)
        })
}

impl Context {
    pub(crate) fn of(view: &View, candidate: &Candidate) -> Self {
        let (start, end) = (candidate.start(), candidate.end());
        let segment = view.tokens[start].segment;
        let of = &view.segments[segment];
        let mut context = Self::default();

        let mut from = start.saturating_sub(6).max(of.start);
        // "Total value: EUR 96.00": a currency stands between a label and its value.
        let is_currency = |i: usize| {
            let bare = view.tokens[i].folded.trim_matches(['(', ')', '.']);
            super::recognise::number::CURRENCIES.contains(&bare)
        };
        let mut to = start;
        while to > from + 1 && is_currency(to - 1) && view.tokens[to - 2].text.ends_with([':', '：']) {
            to -= 1;
        }
        for i in (from..to).rev() {
            // Another value's words are no label: a separator ends the look back, and so does the end of a value.
            if (i + 1 < to
                && (view.tokens[i].text.ends_with([':', ';', '|'])
                    || matches!(view.tokens[i].text.as_str(), "|" | "•" | "·")))
                || ends_value(view, from, to, i)
            {
                from = i + 1;
                break;
            }
        }
        if from < to {
            context.inline = meaning(&view.tokens[from..to]);
            context.inline_colon = view.tokens[to - 1].text.ends_with([':', '：', '#']);
            context.inline_key = text::key(&view.text(start.saturating_sub(3).max(from), start));
        }
        if let Some(sort) = phone_letter(view, from, start, &candidate.reading) {
            context.inline = lexicon().meaning(&[sort.to_owned()]);
            context.inline_colon = true;
        }
        if (is_prose(view, segment) || is_prose_above(view, segment))
            && let Some((from, to)) = prose::phrase(view, start)
        {
            context.phrase = meaning(&view.tokens[from..to]);
        }
        if matches!(candidate.reading, Reading::Text(_))
            && super::recognise::words::is_capital(&view.tokens[start].text)
            && let Some((from, to)) = prose::defined_as(view, end)
        {
            context.defined = meaning(&view.tokens[from..to]);
        }
        if let Some(code) = view.codes.get(&segment).filter(|_| start > of.start) {
            context.inline = code.clone();
            context.inline_colon = true;
        }
        if let Some(left) = view.left(segment).filter(|l| !is_pair(view, *l)) {
            context.left = view.segments[left].meaning.clone();
            context.left_colon = view.segments[left].colon;
            context.left_key = key(view, left);
            // A lone ":" or currency between label and value hides the label.
            if let Some(further) = view.left(left)
                && is_filler(view, left)
                && is_heading(view, further)
            {
                context.left = view.segments[further].meaning.clone();
                context.left_colon = true;
                context.left_key = key(view, further);
            }
        }
        let head = view.rows[of.row].segments.start;
        if head != segment {
            context.head = view.segments[head].meaning.clone();
            context.head_key = key(view, head);
        }
        if let Some(above) = of.above {
            context.above_key = key(view, above);
            context.above_gap = (of.bounds.top - view.segments[above].bounds.bottom()) / view.height(segment);
            let labels = is_heading(view, above) || view.segments[above].colon;
            if labels && !is_labels_column(view, segment, above) {
                context.above = view.segments[above].meaning.clone();
            }
        }
        if context.left.concepts.is_empty() && context.inline.concepts.is_empty() {
            context.boxed(view, segment);
        }
        if matches!(candidate.reading, Reading::Truth(_) | Reading::Choice(_)) {
            context.of_box(view, candidate);
        }
        context.line_of(view, segment);
        context.climb(view, segment);
        context.section_of(view, segment);
        context.stranger = of_stranger(view, of.row);
        context.ongoing = ongoing(view, of.row)
            || (of.row > 0
                && !has_years(view, of.row)
                && (ongoing(view, of.row - 1)
                    || (of.row > 1 && !has_years(view, of.row - 1) && ongoing(view, of.row - 2))));

        let first = start.saturating_sub(10);
        context.before = meaning(&view.tokens[first..start]);
        context.before_words =
            (1..=3).filter_map(|n| start.checked_sub(n)).map(|i| text::key(&view.tokens[i].folded)).collect();
        let last = (end + 5).min(view.tokens.len());
        context.after = meaning(&view.tokens[end..last]);
        context.after_words = (end..last.min(end + 2)).map(|i| text::key(&view.tokens[i].folded)).collect();
        if let Some(below) = view.segments[view.tokens[end - 1].segment].below {
            context.below_key = key(view, below);
        }
        context
    }

    /// The label of a box to tick: its own words, or, of "☐ Yes ☒ No", what stands before the first box.
    fn of_box(&mut self, view: &View, candidate: &Candidate) {
        let Some(of) = view.box_of(candidate.start(), candidate.end()) else { return };
        let alone = (candidate.start(), candidate.end()) == (of.start, of.end);
        if alone && of.words.0 < of.words.1 {
            self.inline = of.meaning.clone();
            self.inline_colon = true;
            (self.left, self.left_colon) = (Meaning::default(), false);
            (self.above, self.head) = (Meaning::default(), Meaning::default());
        } else if !alone {
            let row = &view.rows[view.segments[view.tokens[of.start].segment].row];
            let from = view.segments[row.segments.start].start;
            let first = view.boxes.iter().find(|b| b.start >= from).map_or(from, |b| b.start.min(b.words.0));
            if from < first {
                self.inline = meaning(&view.tokens[from..first]);
                self.inline_colon = true;
            }
        }
    }

    /// The label of the box that it stands in, where none stands right above it: above the currency at its left, at the
    /// left in one of the rows above, or, of a line to be signed, below.
    fn boxed(&mut self, view: &View, segment: usize) {
        const ROWS: usize = 3;
        const WIDEST: f32 = 0.4;
        const MOST: usize = 200;
        let of = &view.segments[segment];
        let mut found = None;
        if self.above.concepts.is_empty() {
            found = view
                .left(segment)
                .filter(|l| is_filler(view, *l))
                .and_then(|l| view.segments[l].above)
                .filter(|a| is_heading(view, *a));
            let nearest = of.above.map_or(0, |a| view.segments[a].row + 1).max(of.row.saturating_sub(ROWS));
            for row in (nearest..of.row).rev() {
                if found.is_some() || view.rows[row].page != of.page {
                    break;
                }
                // The last one that begins at its left.
                found = view.rows[row]
                    .segments
                    .clone()
                    .rev()
                    .take(MOST)
                    .find(|s| view.segments[*s].bounds.left <= of.bounds.left + 0.01)
                    .filter(|s| {
                        let label = &view.segments[*s];
                        is_heading(view, *s)
                            && label.cell.is_none()
                            && (label.meaning.number.is_some()
                                || is_label(&view.text(label.start, label.end)))
                            && of.bounds.left - label.bounds.left < WIDEST
                    });
            }
        }
        let signature = lexicon().concept("signature");
        if found.is_none()
            && let Some(below) = of.below
            && (of.above.is_none() || self.above.concepts.is_empty())
            && view.rows[view.segments[below].row]
                .segments
                .clone()
                .take(MOST)
                .any(|s| view.segments[s].meaning.has(signature))
        {
            found = Some(below);
        }
        if let Some(label) = found {
            self.above = view.segments[label].meaning.clone();
            self.above_key = key(view, label);
            self.above_gap = 0.0;
        }
    }

    /// The numbered line of a form that it belongs to: its label's, or the last one before.
    fn line_of(&mut self, view: &View, segment: usize) {
        const ROWS: usize = 6;
        const MOST: usize = 200;
        let of = &view.segments[segment];
        if let Some(number) = [&self.left, &self.above].iter().find_map(|m| m.number.clone()) {
            self.line = Some(number);
            return;
        }
        for row in (of.row.saturating_sub(ROWS)..of.row).rev() {
            if view.rows[row].page != of.page {
                return;
            }
            let numbered = view.rows[row].segments.clone().rev().take(MOST).find(|s| {
                view.segments[*s].meaning.number.is_some()
                    && view.segments[*s].bounds.left <= of.bounds.left + 0.01
            });
            if let Some(numbered) = numbered {
                let meaning = &view.segments[numbered].meaning;
                self.line.clone_from(&meaning.number);
                self.line_meaning = meaning.clone();
                return;
            }
        }
    }

    /// Up the column to the first that is not a value like those below it.
    fn climb(&mut self, view: &View, segment: usize) {
        const MOST: usize = 60;
        let mut at = segment;
        for step in 1..=MOST {
            let Some(above) = view.segments[at].above else { return };
            at = above;
            if is_heading(view, at)
                && view.segments[at].meaning.concepts.iter().any(|(c, _)| lexicon().is_known(*c))
            {
                self.column = view.segments[at].meaning.clone();
                self.column_key = key(view, at);
                self.column_steps = step;
                return;
            }
        }
    }

    /// The nearest lone line above that looks like a heading.
    fn section_of(&mut self, view: &View, segment: usize) {
        const MOST: usize = 25;
        let row = view.segments[segment].row;
        let me = view.segments[segment].bounds;
        for r in (row.saturating_sub(MOST)..row).rev() {
            let of = &view.rows[r];
            for s in of.segments.clone() {
                let other = &view.segments[s];
                let near = other.bounds.left <= me.left + 0.02 && other.bounds.right() >= me.left - 0.25;
                let words = other.end - other.start;
                let loud = other.colon
                    || view.rows[r].gap > 0.5
                    || view.tokens[other.start]
                        .text
                        .chars()
                        .filter(|c| c.is_alphabetic())
                        .all(char::is_uppercase);
                if near
                    && words <= 4
                    && !other.has_digit
                    && loud
                    && !other.meaning.concepts.is_empty()
                    && of.segments.len() <= 3
                {
                    let known = other.meaning.concepts.iter().any(|(c, _)| lexicon().is_known(*c));
                    if known {
                        self.section = other.meaning.clone();
                        self.section_key = key(view, s);
                        self.section_steps = row - r;
                        return;
                    }
                }
            }
        }
    }
}

/// Whether the nearest row above that begins with somebody's part in the document begins with one beside the matter:
/// "Author", "Informant", "Emergency contact".
fn of_stranger(view: &View, row: usize) -> bool {
    const MOST: usize = 10;
    const LONGEST: usize = 6;
    let lexicon = lexicon();
    let (stranger, subjects) =
        (lexicon.concept("stranger"), ["patient", "seller", "customer", "buyer", "employer", "holder"]);
    let page = view.rows[row].page;
    for of in view.rows[row.saturating_sub(MOST)..=row].iter().rev() {
        if of.page != page {
            return false;
        }
        let head = &view.segments[of.segments.start];
        // The words of a label that is followed by its value in the same segment count as well.
        let begins = meaning(&view.tokens[head.start..head.end.min(head.start + 2)]);
        let says =
            |concept| begins.has(concept) || (head.end - head.start <= LONGEST && head.meaning.has(concept));
        if says(stranger) {
            return true;
        }
        if subjects.iter().any(|s| says(lexicon.concept(s))) {
            return false;
        }
    }
    false
}

/// Whether a row says that something goes on: "2021 – present", "seit 2021".
fn ongoing(view: &View, row: usize) -> bool {
    view.rows[row].segments.clone().flat_map(|s| view.segments[s].start..view.segments[s].end).any(|i| {
        let bare = super::recognise::words::bare(&view.tokens[i].folded);
        matches!(
            bare.as_str(),
            "present"
                | "today"
                | "heute"
                | "current"
                | "now"
                | "aujourdhui"
                | "actuel"
                | "actuellement"
                | "actualidad"
                | "presente"
                | "oggi"
                | "heden"
                | "obecnie"
                | "since"
                | "seit"
                | "depuis"
                | "desde"
                | "ongoing"
                | "dato"
        )
    })
}

/// Whether a row names a year.
fn has_years(view: &View, row: usize) -> bool {
    view.rows[row].segments.clone().flat_map(|s| view.segments[s].start..view.segments[s].end).any(|i| {
        let folded = &view.tokens[i].folded;
        folded
            .split(|c: char| !c.is_ascii_digit())
            .any(|n| n.len() == 4 && (n.starts_with("19") || n.starts_with("20")))
    })
}

/// Whether a text is nothing but words of labels.
pub(crate) fn is_label(value: &str) -> bool {
    let words = text::words(trim(value));
    if words.is_empty() || words.len() > 6 || value.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let meaning = lexicon().meaning(&words);
    !meaning.concepts.is_empty() && meaning.concepts.iter().all(|(c, w)| lexicon().is_known(*c) || *w <= 0.5)
}
