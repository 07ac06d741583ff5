//! Lists of single values: what stands under or behind a heading, or in a column of a table.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::candidate::trim;
use super::context::is_heading;
use super::features::Labels;
use super::layout::View;
use super::lexicon::lexicon;
use super::text;

/// The most items of one list.
pub(super) const MAX_ITEMS: usize = 1_000;
/// The most rows that one heading heads.
const MAX_ROWS: usize = 1_000;
/// The most groups that a model remembers.
const MAX_GROUPS: usize = 400;

/// Items that stand together, with what heads them.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// The texts that head it: the section, and the column where it is a table's.
    pub section: String,
    pub column: String,
    /// How well they fit the field's label.
    pub fit: f32,
    pub items: Vec<Item>,
}

/// An item: tokens of one line, with the text without what parts it from others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub start: usize,
    pub end: usize,
    pub text: String,
    /// The form in which two items are the same.
    pub key: String,
}

impl Item {
    pub(crate) fn new(start: usize, end: usize, text: String) -> Self {
        let key = text::key(&text);
        Self { start, end, text, key }
    }
}

/// How often what stood under which headings was right.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListModel {
    /// Hash of section and column: (right, wrong).
    pub groups: BTreeMap<u32, (u32, u32)>,
    /// Hash of the column alone.
    pub columns: BTreeMap<u32, (u32, u32)>,
    /// Hash of an item's text: how often it was right or wrong.
    pub items: BTreeMap<u32, (u32, u32)>,
}

impl Group {
    fn hash(&self) -> u32 {
        text::hash(&["group", &self.section, &self.column])
    }

    fn column_hash(&self) -> u32 {
        text::hash(&[
            "column",
            if self.column.is_empty() { &self.section } else { &self.column },
            if self.column.is_empty() { "" } else { "in" },
        ])
    }
}

/// All groups of a document; the same for every list of a schema, but for the fit.
pub(crate) fn groups(view: &View, labels: &Labels) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut last_column: Option<(u32, u32)> = None;
    for segment in 0..view.segments.len() {
        let of = &view.segments[segment];
        // "Skills: Java, Python" in one segment.
        if let Some(colon) =
            (of.start..of.end.saturating_sub(1)).take(5).find(|i| view.tokens[*i].text.ends_with(':'))
            && view.tokens[of.start..=colon].iter().all(|t| !t.text.contains(|c: char| c.is_ascii_digit()))
        {
            let heading = super::layout::meaning(&view.tokens[of.start..=colon]);
            let section = text::key(&view.text(of.start, colon + 1));
            let mut items = Vec::new();
            split(view, colon + 1, end_of_lines(view, segment, colon + 1), &mut items);
            groups.push(Group { section, column: String::new(), fit: labels.fits(&heading), items });
        }
        if !is_heading(view, segment) {
            continue;
        }
        let section = text::key(&view.text(of.start, of.end));
        // A cell beside its heading.
        if let Some(right) = view.right(segment) {
            let other = &view.segments[right];
            let mut items = Vec::new();
            split(view, other.start, other.end, &mut items);
            let mut below = other.below;
            // Further lines of the same cell, or with nothing at their left.
            while let Some(b) = below {
                let next = &view.segments[b];
                let same_cell = next.cell.is_some() && next.cell == other.cell;
                if !same_cell
                    && (next.cell.is_some()
                        || view.left(b).is_some()
                        || (next.bounds.left - other.bounds.left).abs() > 0.02)
                {
                    break;
                }
                split(view, next.start, next.end, &mut items);
                below = next.below;
            }
            if !items.is_empty() {
                groups.push(Group {
                    section: section.clone(),
                    column: "beside".to_owned(),
                    fit: labels.fits(&of.meaning) * 0.95,
                    items,
                });
            }
        }
        if let Some(cell) = of.cell
            && view.rows[of.row].segments.len() > 1
            && last_column != Some((cell[0], cell[2]))
        {
            // A column of a marked table, below its first row.
            let first_row = view.segments[..segment]
                .iter()
                .rev()
                .take(200)
                .all(|s| s.cell.is_none_or(|c| c[0] != cell[0] || c[1] == cell[1]));
            if first_row {
                groups.push(column(view, segment, labels));
            }
            last_column = None;
            continue;
        }
        groups.push(below(view, segment, labels, &section));
    }
    groups.retain(|g| !g.items.is_empty());
    // What lists the headings of the document is its table of contents.
    let mut counts: HashMap<String, usize> = HashMap::new();
    for segment in view.segments.iter().filter(|s| s.end - s.start <= 8) {
        *counts.entry(text::key(&view.text(segment.start, segment.end))).or_default() += 1;
    }
    for group in &mut groups {
        // Long items are sentences of a text that happens to have such a heading.
        let long = group.items.iter().filter(|i| i.end - i.start > 10).count();
        if long * 2 > group.items.len() {
            group.fit *= 0.5;
        }
        let again = group.items.iter().filter(|i| counts.get(&i.key).is_some_and(|n| *n >= 2)).count();
        if again * 2 >= group.items.len() {
            group.fit *= 0.35;
        }
    }
    groups
}

/// The column below a header in a marked table; the section is what heads the table.
fn column(view: &View, header: usize, labels: &Labels) -> Group {
    let of = &view.segments[header];
    let cell = of.cell.unwrap_or_default();
    let mut section = String::new();
    let mut fit_section = 0.0;
    let first = view.rows[of.row].segments.start;
    for s in (0..first).rev().take(12) {
        let other = &view.segments[s];
        if other.cell.is_none_or(|c| c[0] != cell[0])
            && is_heading(view, s)
            && other.meaning.concepts.iter().any(|(c, _)| lexicon().is_known(*c))
        {
            section = text::key(&view.text(other.start, other.end));
            fit_section = labels.fits(&other.meaning);
            break;
        }
        if other.cell.is_none() && section.is_empty() && other.end - other.start <= 6 {
            section = text::key(&view.text(other.start, other.end));
            fit_section = labels.fits(&other.meaning);
            break;
        }
    }
    let mut items: Vec<Item> = Vec::new();
    let mut last = None;
    for s in header + 1..view.segments.len() {
        let other = &view.segments[s];
        let Some(c) = other.cell else {
            if other.row > of.row + 2
                && view.segments[s..].iter().take(30).all(|x| x.cell.is_none_or(|c| c[0] != cell[0]))
            {
                break;
            }
            continue;
        };
        if c[0] != cell[0] || c[2] != cell[2] || c[1] == cell[1] {
            continue;
        }
        // Lines of one cell are one item.
        if last == Some(c[1]) {
            continue;
        }
        last = Some(c[1]);
        push(view, other.start, other.end, &mut items);
        if items.len() >= MAX_ITEMS {
            break;
        }
    }
    let head = labels.fits(&of.meaning);
    // The table's heading says what it lists; of its columns, the one with names does: words, each another, under
    // "name" or "description", rather than codes, dates or states.
    let count = items.len().max(1);
    let wordy = items
        .iter()
        .filter(|x| x.text.chars().filter(|c| c.is_alphabetic()).count() * 5 > x.text.chars().count() * 3)
        .count();
    let distinct = items.iter().map(|x| &x.key).collect::<HashSet<_>>().len();
    let named = ["description", "substance", "name", "medication"]
        .iter()
        .any(|n| of.meaning.has(lexicon().concept(n)));
    let plain = named && of.meaning.concepts.iter().all(|(c, w)| lexicon().is_known(*c) || *w < 0.6);
    let quality = 0.45
        + 0.25 * ratio(wordy, count)
        + 0.08 * ratio(distinct, count)
        + if plain {
            0.16
        } else if named || head > 0.4 {
            0.1
        } else {
            0.0
        }
        + if cell[2] == 0 { 0.05 } else { 0.0 };
    let fit = if fit_section > 0.5 { fit_section * quality } else { head * 0.6 };
    Group { section, column: text::key(&view.text(of.start, of.end)), fit, items }
}

/// The lines below a heading, up to the next one.
fn below(view: &View, heading: usize, labels: &Labels, section: &str) -> Group {
    let of = &view.segments[heading];
    let mut items = Vec::new();
    let mut at = heading;
    let mut rows = 0;
    let top_gap = view.rows[of.row].gap;
    while let Some(next) = view.segments[at].below {
        let other = &view.segments[next];
        if rows >= MAX_ROWS || items.len() >= MAX_ITEMS || other.cell.map(|c| c[0]) != of.cell.map(|c| c[0]) {
            break;
        }
        let row_gap = (other.bounds.top - view.segments[at].bounds.bottom()) / view.height(next);
        let known = other.meaning.concepts.iter().filter(|(c, _)| lexicon().is_known(*c)).count();
        let all_known = known > 0 && known == other.meaning.concepts.len();
        // The next heading: it looks as the first does.
        if is_heading(view, next)
            && rows > 0
            && ((loud(view, next) && loud(view, heading) && (known > 0 || row_gap > 0.5))
                || (row_gap > 0.7 && top_gap > 0.5 && all_known)
                || (all_known && row_gap > 1.3))
        {
            break;
        }
        if is_heading(view, next)
            && all_known
            && known > 0
            && loud(view, next) == loud(view, heading)
            && row_gap > 0.6
        {
            break;
        }
        if rows > 0
            && is_heading(view, next)
            && all_known
            && is_section(&other.meaning)
            && loud(view, next) == loud(view, heading)
            && view.rows[other.row].segments.len() <= 2
        {
            break;
        }
        if (row_gap > 3.5 || ends_list(view, next)) && rows > 0 {
            break;
        }
        if (other.bounds.left - of.bounds.left).abs() > 0.12 {
            break;
        }
        split(view, other.start, other.end, &mut items);
        at = next;
        rows += 1;
    }
    // "Skills | Java" above "Hobbies | Chess": below a label that has its value at its right stands the next label, unless it
    // is a heading in capitals beside another column.
    let first = of.below.is_some_and(|b| !loud(view, b));
    let beside = view.right(heading).is_some() && !(loud(view, heading) && first);
    let fit = labels.fits(&of.meaning) * if beside { 0.94 } else { 1.0 };
    Group { section: section.to_owned(), column: String::new(), fit, items }
}

/// Whether a segment is all in capitals.
fn loud(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    view.tokens[of.start..of.end]
        .iter()
        .flat_map(|t| t.text.chars())
        .filter(|c| c.is_alphabetic())
        .all(char::is_uppercase)
}

/// Whether a line is a label with its value, or ends a letter: no item of the list above it.
fn ends_list(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    let colon = (of.start..of.end.saturating_sub(1)).take(4).find(|i| view.tokens[*i].text.ends_with(':'));
    let labelled = colon.is_some_and(|colon| {
        let label = super::layout::meaning(&view.tokens[of.start..=colon]);
        label.concepts.iter().any(|(c, _)| lexicon().is_known(*c))
    });
    labelled
        || super::recognise::letter::is_closing(
            view.tokens[of.start..of.end].iter().map(|t| t.folded.as_str()),
        )
}

/// Where a text ends that is parted by marks and may go on in lines of its own, each at the edge of its label or of its first
/// word.
fn end_of_lines(view: &View, segment: usize, first: usize) -> usize {
    const MARKS: &[char] = &[',', ';', '|', '•', '·'];
    /// A line that comes so near to the right edge of the page is full.
    const FULL: f32 = 0.85;
    const ALIGNED: f32 = 0.03;
    const MOST_LINES: usize = 50;
    let edges = [view.segments[segment].bounds.left, view.tokens[first].bounds.left];
    let mut at = segment;
    for _ in 0..MOST_LINES {
        let of = &view.segments[at];
        let ends_with_mark = view.tokens[of.end - 1].text.ends_with(MARKS);
        let is_full = of.bounds.right() >= FULL
            && view.tokens[first..of.end].iter().filter(|token| token.text.ends_with(MARKS)).count() >= 2;
        let Some(next) = view.segments.get(at + 1) else { break };
        let goes_on = next.page == of.page
            && next.cell == of.cell
            && next.row == of.row + 1
            && view.rows[next.row].segments.len() == 1
            && next.bounds.top - of.bounds.bottom() < view.height(at)
            && edges.iter().any(|edge| (next.bounds.left - edge).abs() < ALIGNED);
        let is_label =
            view.tokens[next.start..next.end].iter().take(5).any(|token| token.text.ends_with(':'));
        if !(ends_with_mark || is_full) || !goes_on || is_label {
            break;
        }
        at += 1;
    }
    view.segments[at].end
}

/// Whether a heading is one of sections, as letters, records and resumes have them.
fn is_section(meaning: &super::lexicon::Meaning) -> bool {
    const SECTIONS: &[&str] = &[
        "skills",
        "language",
        "experience",
        "education",
        "medication",
        "allergy",
        "person",
        "reference",
        "payment",
        "transaction",
        "address",
        "delivery",
        "degree",
    ];
    SECTIONS.iter().any(|n| meaning.has(lexicon().concept(n)))
}

/// The items of a line: parted by marks, or the line itself.
fn split(view: &View, start: usize, end: usize, items: &mut Vec<Item>) {
    let marks = |mark: &[char]| {
        view.tokens[start..end]
            .iter()
            .filter(|t| t.text.ends_with(mark) || (t.text.chars().count() == 1 && t.text.starts_with(mark)))
            .count()
    };
    let strong: &[char] = &[';', '|', '•', '·', '▪'];
    let separators: &[char] = if marks(strong) > 0 { strong } else { &[','] };
    let mut from = start;
    for i in start..end {
        let token = &view.tokens[i];
        let alone = token.text.chars().count() == 1 && token.text.starts_with(separators);
        if alone {
            push(view, from, i, items);
            from = i + 1;
        } else if token.text.ends_with(separators) && i + 1 < end {
            push(view, from, i + 1, items);
            from = i + 1;
        }
    }
    push(view, from, end, items);
}

fn push(view: &View, mut start: usize, end: usize, items: &mut Vec<Item>) {
    while start < end && view.tokens[start].text.chars().all(|c| !c.is_alphanumeric()) {
        start += 1;
    }
    if start >= end || items.len() >= MAX_ITEMS {
        return;
    }
    let joined = view.text(start, end);
    let value = trim(&joined).trim_end_matches('.');
    // Words of connection at the start, and a level in brackets at the end, are not the item.
    if !value.is_empty() && value.chars().any(char::is_alphanumeric) {
        items.push(Item::new(start, end, value.to_owned()));
    }
}

/// The items that answer a list, each with how probable it is.
pub(crate) fn answer(groups: &[Group], model: Option<&ListModel>) -> Vec<(Item, f32)> {
    let mut best: Vec<(f32, &Group)> =
        groups.iter().map(|g| (belief(g, model), g)).filter(|(b, _)| *b >= 0.45).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.fit.total_cmp(&a.1.fit)));
    let Some(most) = best.first().map(|b| b.0) else { return Vec::new() };
    let mut seen = HashSet::new();
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut items = Vec::new();
    for (belief, group) in best {
        // A second group only where it is as good: a section that goes on elsewhere.
        if belief < most * 0.9 || (model.is_none() && !items.is_empty()) {
            break;
        }
        for item in &group.items {
            if taken.iter().any(|(s, e)| item.start < *e && *s < item.end) || !seen.insert(&item.key) {
                continue;
            }
            let mut sure = belief;
            if let Some((right, wrong)) = model.and_then(|m| m.items.get(&text::hash(&["item", &item.key]))) {
                sure = blend(sure, *right, *wrong, 2.0);
            }
            if sure >= 0.4 {
                taken.push((item.start, item.end));
                items.push((item.clone(), sure));
            }
        }
        if items.len() >= MAX_ITEMS {
            break;
        }
    }
    items.sort_by_key(|(item, _)| item.start);
    items
}
fn blend(before: f32, right: u32, wrong: u32, weight: f32) -> f32 {
    (before * weight + right as f32) / (weight + right as f32 + wrong as f32)
}

fn belief(group: &Group, model: Option<&ListModel>) -> f32 {
    let before = group.fit.min(0.95);
    let Some(model) = model else { return before };
    let mut belief = before;
    if let Some((right, wrong)) = model.columns.get(&group.column_hash()) {
        belief = blend(belief, *right, *wrong, 4.0);
    }
    if let Some((right, wrong)) = model.groups.get(&group.hash()) {
        belief = blend(belief, *right, *wrong, 1.5);
    }
    belief
}

/// Learns from documents: what people gave as the list's values.
pub(crate) fn learn<'a>(examples: impl Iterator<Item = (&'a [Group], &'a [String])>) -> ListModel {
    let mut model = ListModel::default();
    for (groups, gold) in examples {
        let keys: HashSet<String> = gold.iter().map(|g| text::key(g)).collect();
        let mut seen = HashSet::new();
        for group in groups {
            let right = group.items.iter().filter(|i| keys.contains(&i.key)).count();
            let wrong = group.items.len() - right;
            // A group is right when most of it is, and it holds most of what was asked for.
            let good = right > wrong && right * 2 >= keys.len();
            let partly = right > 0 && right * 3 >= keys.len();
            if !partly && group.fit < 0.2 {
                // What is far from the list is remembered only where it competes.
                if right == 0 && !seen.insert(group.column_hash()) {
                    continue;
                }
            }
            for (map, hash) in [(&mut model.groups, group.hash()), (&mut model.columns, group.column_hash())]
            {
                if map.len() < MAX_GROUPS || map.contains_key(&hash) {
                    let entry = map.entry(hash).or_default();
                    if good {
                        entry.0 += 1;
                    } else {
                        entry.1 += 1;
                    }
                }
            }
            if good || group.fit > 0.5 {
                for item in &group.items {
                    let hash = text::hash(&["item", &item.key]);
                    if model.items.len() < MAX_GROUPS * 5 || model.items.contains_key(&hash) {
                        let entry = model.items.entry(hash).or_default();
                        if keys.contains(&item.key) {
                            entry.0 += 1;
                        } else {
                            entry.1 += 1;
                        }
                    }
                }
            }
        }
    }
    model
}
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}
