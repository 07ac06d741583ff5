//! Lists of objects: tables with a header, their rows, and cells over several lines.

mod header;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::candidate::{Habits, Reading, trim};
use super::context::is_pair;
use super::features::Labels;
use super::layout::{Segment, View};
use super::lexicon::lexicon;
use super::recognise::{date, number};
use super::schema::{Field, Kind};
use super::text;

use header::{Header, column_of, headers};

/// The most rows of one table.
pub(super) const MAX_ROWS: usize = 2_000;
/// The most headers that a model remembers of a table.
const MAX_HEADERS: usize = 400;

/// A cell of the answer.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub parts: Vec<(usize, usize)>,
    pub reading: Reading,
}

/// A row of the answer: a cell a column, where it has one.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableRow {
    pub cells: Vec<Option<Cell>>,
    pub belief: f32,
    /// The words that begin it, to learn which rows are none.
    pub key: String,
}

/// What headers and rows have meant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableModel {
    /// Hash of a header and the column's index: how often it stood above that column's values, or did not.
    pub headers: BTreeMap<u32, (u32, u32)>,
    /// Hash of a row's first words: how often it was a row, or none.
    pub rows: BTreeMap<u32, (u32, u32)>,
}

/// What a table is read by.
pub(crate) struct Columns<'a> {
    pub fields: Vec<&'a Field>,
    pub labels: Vec<Labels>,
}

impl TableModel {
    fn fit(&self, view: &View, segment: usize, column: usize) -> Option<f32> {
        let of = &view.segments[segment];
        let (right, wrong) = self.headers.get(&header_hash(&view.text(of.start, of.end), column))?;
        Some((*right as f32 + 0.2) / ((right + wrong) as f32 + 0.4))
    }
}

fn header_hash(label: &str, column: usize) -> u32 {
    text::hash(&["header", &text::key(label), &column.to_string()])
}

fn kind_fits(view: &View, segment: &Segment, kind: &Kind, habits: Habits) -> bool {
    read(view, &[(segment.start, segment.end)], kind, habits).is_some()
}

/// Reads a cell.
pub(crate) fn read(view: &View, parts: &[(usize, usize)], kind: &Kind, habits: Habits) -> Option<Cell> {
    let (start, end) = parts[0];
    match kind {
        Kind::Number(_) => {
            // One number, perhaps with a currency, a unit or a sign; "2 x" and "10 pcs" are quantities.
            let joined: String = view.tokens[start..end].iter().map(|t| t.folded.as_str()).collect();
            if let Some(found) = number::read(&joined, habits.mark)
                && !found.glued
            {
                return Some(Cell { parts: vec![(start, end)], reading: Reading::Number(found) });
            }
            let numeric: Vec<usize> = (start..end)
                .filter(|i| view.tokens[*i].text.contains(|c: char| c.is_ascii_digit()))
                .collect();
            let [one] = numeric[..] else { return None };
            let mut found = number::read(&view.tokens[one].folded, habits.mark)?;
            if found.glued && view.tokens[one].folded.chars().filter(|c| c.is_alphabetic()).count() > 4 {
                return None;
            }
            // A number within a text is none of the column's.
            if end - start > 3 {
                return None;
            }
            if one > start && matches!(view.tokens[one - 1].text.as_str(), "-" | "−" | "–") && !found.negative
            {
                found.negative = true;
                found.value = -found.value;
            }
            Some(Cell { parts: vec![(start, end)], reading: Reading::Number(found) })
        }
        Kind::Date => {
            let list: Vec<&str> = view.tokens[start..end].iter().map(|t| t.folded.as_str()).collect();
            let found = date::read(&list, habits.order)?;
            Some(Cell {
                parts: vec![(start, start + found.tokens)],
                reading: Reading::Date { iso: found.iso, other: found.other, plain: found.plain },
            })
        }
        Kind::Enum(choices) => {
            let key = text::key(&view.text(start, end));
            let index = choices.iter().position(|c| text::key(c) == key)?;
            Some(Cell { parts: vec![(start, end)], reading: Reading::Choice(index) })
        }
        Kind::Boolean => {
            let key = text::key(&view.text(start, end));
            let truth = match key.as_str() {
                "yes" | "x" | "true" | "ja" | "oui" => true,
                "no" | "false" | "nein" | "non" => false,
                _ => return None,
            };
            Some(Cell { parts: vec![(start, end)], reading: Reading::Truth(truth) })
        }
        Kind::Text => {
            let lines: Vec<String> = parts.iter().map(|(s, e)| view.text(*s, *e)).collect();
            let joined = lines.join(" ");
            let value = trim(&joined).to_owned();
            (!value.is_empty()).then(|| Cell { parts: parts.to_vec(), reading: Reading::Text(value) })
        }
    }
}

/// The rows of a table of this schema.
pub(crate) fn answer(
    view: &View,
    columns: &Columns<'_>,
    habits: Habits,
    model: Option<&TableModel>,
) -> Vec<TableRow> {
    let headers = headers(view, columns, habits, model);
    let Some(best) = headers.iter().map(|h| h.score).reduce(f32::max) else { return Vec::new() };
    let mut rows = Vec::new();
    let mut after = 0;
    for header in &headers {
        // The table may go on below a repeated header; another table with a poorer one is none of ours.
        if header.score < 0.8 * best || header.row < after {
            continue;
        }
        if !rows.is_empty() && header.score < 0.98 * best {
            continue;
        }
        let (found, end) = read_rows(view, columns, habits, header, &headers);
        after = end;
        rows.extend(found);
        if rows.len() > MAX_ROWS {
            break;
        }
    }
    if let Some(model) = model {
        for row in &mut rows {
            if let Some((right, wrong)) = model.rows.get(&text::hash(&["row", &row.key])) {
                let share = (*right as f32 + 0.5 * row.belief) / ((right + wrong) as f32 + 0.5);
                row.belief = share;
            }
        }
    }
    rows.retain(|r| r.belief >= 0.4);
    rows
}

/// The rows below a header, and the row at which they end.
fn read_rows(
    view: &View,
    columns: &Columns<'_>,
    habits: Habits,
    header: &Header,
    headers: &[Header],
) -> (Vec<TableRow>, usize) {
    let heads = view.rows[header.row].segments.clone();
    let mut rows: Vec<TableRow> = Vec::new();
    let mut pending: Vec<(usize, usize)> = Vec::new();
    let texts: Vec<usize> =
        (0..columns.fields.len()).filter(|c| columns.fields[*c].kind == Kind::Text).collect();
    let typed: Vec<usize> = (0..columns.fields.len())
        .filter(|c| {
            columns.fields[*c].kind != Kind::Text
                && (header.segments[*c].is_some()
                    || (header.signs.is_some() && is_amount(columns.fields[*c])))
        })
        .collect();
    let mut empty = 0;
    let mut r = header.row + 1;
    while r < view.rows.len() && rows.len() <= MAX_ROWS {
        let row = &view.rows[r];
        // Another marked table begins.
        let table =
            |mut segments: std::ops::Range<usize>| segments.next().and_then(|s| view.segments[s].cell);
        let other = match (table(heads.clone()), table(row.segments.clone())) {
            (Some(ours), Some(theirs)) => theirs[0] != ours[0] && theirs[1] == 0,
            _ => false,
        };
        let pairs = row.segments.len() > 1 && row.segments.clone().all(|s| is_pair(view, s));
        if headers.iter().any(|h| h.row == r) || ((other || pairs) && !rows.is_empty()) {
            break;
        }
        let mut cells: Vec<Option<Cell>> = vec![None; columns.fields.len()];
        let mut of_column: Vec<Vec<(usize, usize)>> = vec![Vec::new(); columns.fields.len()];
        let mut others = 0;
        for s in row.segments.clone() {
            let segment = &view.segments[s];
            let head = column_of(view, s, heads.clone());
            let column = header.segments.iter().position(|h| h.is_some() && *h == head);
            if let Some(c) = column {
                of_column[c].push((segment.start, segment.end));
            } else if let (Some((debit, credit)), Some(head)) = (header.signs, head)
                && (head == debit || head == credit)
                && let Some(c) = columns.fields.iter().position(|f| is_amount(f))
                && let Some(mut cell) =
                    read(view, &[(segment.start, segment.end)], &columns.fields[c].kind, habits)
            {
                if let Reading::Number(n) = &mut cell.reading {
                    n.value = if head == debit { -n.value.abs() } else { n.value.abs() };
                    n.negative = head == debit;
                    if n.value != 0.0 || cells[c].is_none() {
                        cells[c] = Some(cell);
                    }
                }
            } else {
                others += 1;
            }
        }
        for (c, parts) in of_column.iter().enumerate() {
            if parts.is_empty() || cells[c].is_some() {
                continue;
            }
            cells[c] = if columns.fields[c].kind == Kind::Text {
                let (first, last) = (parts[0].0, parts[parts.len() - 1].1);
                read(view, &[(first, last)], &Kind::Text, habits)
            } else {
                parts.iter().find_map(|p| read(view, &[*p], &columns.fields[c].kind, habits))
            };
        }
        let got = typed.iter().filter(|c| cells[**c].is_some()).count();
        let mut label = row_label(view, row.segments.clone());
        // Of a table with one column of numbers, "Total days" sums it, whatever is counted.
        if typed.len() == 1 && others == 0 && is_sum(view, row.segments.clone()) {
            (label.total, label.sum) = (true, true);
        }
        let enough = if typed.is_empty() {
            texts.iter().any(|c| cells[*c].is_some())
        } else {
            got * 2 >= typed.len() && got > 0
        };
        let mut belief = if typed.is_empty() { 0.7 } else { 0.55 + 0.4 * ratio(got, typed.len()) };
        if label.total {
            // "Total 12.00" ends the table; in the middle of it, it is just none of its rows.
            if label.sum
                || got < typed.len()
                || !texts.is_empty() && texts.iter().all(|c| cells[*c].is_none())
            {
                if !rows.is_empty() && !label.balance {
                    r += 1;
                    break;
                }
                r += 1;
                continue;
            }
            belief -= 0.35;
        }
        if enough {
            empty = 0;
            let mut cells = cells;
            if !pending.is_empty() {
                // Text above its row, where the row itself has none.
                if let Some(c) = texts.first()
                    && cells[*c].is_none()
                {
                    cells[*c] = read(view, &pending, &Kind::Text, habits);
                }
                pending.clear();
            }
            if !texts.is_empty() && texts.iter().all(|c| cells[*c].is_none()) {
                belief -= 0.3;
            }
            rows.push(TableRow { cells, belief, key: label.key });
        } else {
            let text_only = texts.iter().any(|c| cells[*c].is_some()) && got == 0 && others == 0;
            let near = row.gap < 1.0
                && row.segments.clone().all(|s| {
                    view.segments[s].cell.map(|c| c[0])
                        == view.segments[view.rows[header.row].segments.start].cell.map(|c| c[0])
                });
            let note = rows.last().is_some_and(|last| is_note(view, &cells, last));
            let more = text_only && near && !label.total && !note;
            if more && let Some(last) = rows.last_mut() {
                for c in &texts {
                    if let (Some(new), Some(Some(old))) =
                        (&cells[*c], last.cells.get_mut(*c).map(Option::as_mut))
                    {
                        let mut parts = old.parts.clone();
                        parts.extend(&new.parts);
                        if let Some(joined) = read(view, &parts, &Kind::Text, habits) {
                            *old = joined;
                        }
                    }
                }
            } else if text_only && rows.is_empty() {
                pending.extend(texts.iter().filter_map(|c| cells[*c].as_ref()).flat_map(|c| c.parts.clone()));
            } else {
                empty += 1;
                let far = row.gap > 2.5;
                if !rows.is_empty() && (empty > 1 || far) && row.page == view.rows[header.row].page {
                    break;
                }
                if empty > 4 {
                    break;
                }
            }
        }
        r += 1;
    }
    (rows, r)
}

/// Whether what stands below a row is a sentence below the column of its codes: a note, no second line of the row.
fn is_note(view: &View, cells: &[Option<Cell>], last: &TableRow) -> bool {
    const SENTENCE: usize = 3;
    let count = |cell: &Cell| cell.parts.iter().map(|(start, end)| end - start).sum::<usize>();
    let code = |cell: &Cell| {
        count(cell) == 1 && view.tokens[cell.parts[0].0].text.contains(|c: char| c.is_ascii_digit())
    };
    cells.iter().zip(&last.cells).any(|(new, old)| match (new, old) {
        (Some(new), Some(old)) => count(new) >= SENTENCE && code(old),
        _ => false,
    })
}

fn is_amount(field: &Field) -> bool {
    matches!(field.kind, Kind::Number(_)) && field.label.has(lexicon().concept("amount"))
}
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

/// Whether a row is a short text that begins with a word for a sum, and one number.
fn is_sum(view: &View, row: std::ops::Range<usize>) -> bool {
    const LONGEST: usize = 3;
    let first = &view.segments[row.start];
    let total = super::layout::meaning(&view.tokens[first.start..first.start + 1]);
    row.len() == 2 && first.end - first.start <= LONGEST && total.has(lexicon().concept("total"))
}

struct RowLabel {
    total: bool,
    /// It says that it sums the rows above.
    sum: bool,
    balance: bool,
    key: String,
}

/// What a row's first words say: sums and balances are no rows of goods or bookings.
fn row_label(view: &View, row: std::ops::Range<usize>) -> RowLabel {
    let mut label = RowLabel { total: false, sum: false, balance: false, key: String::new() };
    for s in row {
        let of = &view.segments[s];
        let letters = view.tokens[of.start..of.end]
            .iter()
            .any(|t| t.text.chars().filter(|c| c.is_alphabetic()).count() >= 2);
        if !letters
            || date::read(
                &view.tokens[of.start..of.end].iter().map(|t| t.folded.as_str()).collect::<Vec<_>>(),
                date::Order::DayFirst,
            )
            .is_some()
        {
            continue;
        }
        label.key = text::key(&view.text(of.start, of.end.min(of.start + 2)));
        let lexicon = lexicon();
        let has = |n: &str| of.meaning.has(lexicon.concept(n));
        let all = of.meaning.concepts.iter().filter(|(c, w)| lexicon.is_known(*c) || *w < 0.6).count()
            == of.meaning.concepts.len();
        label.balance = has("balance");
        label.sum = all && has("total") && !has("balance");
        label.total = all
            && (has("total")
                || has("subtotal")
                || has("tax")
                || has("balance")
                || has("shipping")
                || has("discount"));
        break;
    }
    label
}

/// Learns from documents: the rows that people gave.
pub(crate) fn learn<'a>(
    examples: impl Iterator<Item = (&'a View, Habits, &'a [serde_json::Value])>,
    columns: &Columns<'_>,
) -> TableModel {
    let mut model = TableModel::default();
    for (view, habits, gold) in examples {
        let mut heads: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (c, field) in columns.fields.iter().enumerate() {
            let keys: Vec<&serde_json::Value> =
                gold.iter().filter_map(|row| row.get(&field.name)).filter(|v| !v.is_null()).collect();
            if keys.is_empty() {
                continue;
            }
            for s in 0..view.segments.len() {
                let of = &view.segments[s];
                let Some(cell) = read(view, &[(of.start, of.end)], &field.kind, habits) else { continue };
                if !keys.iter().any(|k| super::gold::matches(&cell.reading, k, field)) {
                    continue;
                }
                // Up the column to what heads it.
                let mut at = s;
                for _ in 0..200 {
                    let Some(above) = view.segments[at].above else { break };
                    at = above;
                    if !view.segments[at].has_digit && view.rows[view.segments[at].row].segments.len() > 1 {
                        let like = view.segments[at].end - view.segments[at].start <= 5
                            && read(
                                view,
                                &[(view.segments[at].start, view.segments[at].end)],
                                &field.kind,
                                habits,
                            )
                            .is_none_or(|_| field.kind == Kind::Text);
                        let row = &view.rows[view.segments[at].row];
                        let header = like && row.segments.clone().all(|x| !view.segments[x].has_digit);
                        if header {
                            *heads.entry((at, c)).or_default() += 1;
                            break;
                        }
                    }
                }
            }
        }
        for c in 0..columns.fields.len() {
            let Some(((best, _), n)) = heads.iter().filter(|((_, x), _)| *x == c).max_by_key(|(_, n)| **n)
            else {
                continue;
            };
            if *n * 2 < gold.len() {
                continue;
            }
            for s in view.rows[view.segments[*best].row].segments.clone() {
                let hash = header_hash(&view.text(view.segments[s].start, view.segments[s].end), c);
                if model.headers.len() < MAX_HEADERS || model.headers.contains_key(&hash) {
                    let entry = model.headers.entry(hash).or_default();
                    if s == *best {
                        entry.0 += 1;
                    } else {
                        entry.1 += 1;
                    }
                }
            }
        }
        // Rows that the engine reads as rows, right or wrong.
        for row in answer(view, columns, habits, Some(&model)) {
            let filled = row.cells.iter().flatten().count();
            let right = gold.iter().any(|g| {
                let same = row
                    .cells
                    .iter()
                    .zip(&columns.fields)
                    .filter(|(cell, f)| {
                        cell.as_ref().is_some_and(|c| {
                            g.get(&f.name).is_some_and(|v| super::gold::matches(&c.reading, v, f))
                        })
                    })
                    .count();
                same * 2 > filled
            });
            let hash = text::hash(&["row", &row.key]);
            if !row.key.is_empty() && (model.rows.len() < MAX_HEADERS * 4 || model.rows.contains_key(&hash)) {
                let entry = model.rows.entry(hash).or_default();
                if right {
                    entry.0 += 1;
                } else {
                    entry.1 += 1;
                }
            }
        }
    }
    model
}
