//! The headers of tables: which of a row's texts heads which column.

use super::{Cell, Columns, TableModel, kind_fits, read};
use crate::engine::candidate::{Habits, Reading};
use crate::engine::layout::{View, overlap};
use crate::engine::lexicon::lexicon;
use crate::engine::schema::Kind;

/// A header: which segment heads which column, the others, and how well they fit.
pub(super) struct Header {
    pub(super) row: usize,
    /// By column.
    pub(super) segments: Vec<Option<usize>>,
    /// Debit and credit in columns of their own.
    pub(super) signs: Option<(usize, usize)>,
    pub(super) score: f32,
}

/// Rows that can be a header, with their columns.
pub(super) fn headers(
    view: &View,
    columns: &Columns<'_>,
    habits: Habits,
    model: Option<&TableModel>,
) -> Vec<Header> {
    let needed = if columns.fields.len() == 1 { 1 } else { 2 };
    let mut found: Vec<Header> = Vec::new();
    for (r, row) in view.rows.iter().enumerate() {
        if row.segments.len() < needed || row.segments.len() > 40 {
            continue;
        }
        // Header cells hold words; a row with values is none.
        let valued = row.segments.clone().filter(|s| view.segments[*s].has_digit).count();
        if valued * 3 > row.segments.len() {
            continue;
        }
        if found
            .last()
            .is_some_and(|h| h.row + 1 == r && is_filled(view, columns, habits, h, row.segments.clone()))
        {
            continue;
        }
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (c, labels) in columns.labels.iter().enumerate() {
            for s in row.segments.clone() {
                let mut fit = labels.fits(&view.segments[s].meaning);
                // A header over two lines: the line above belongs to it.
                if fit < 0.5
                    && let Some(above) = view.segments[s].above
                    && view.segments[above].row + 1 == r
                    && !view.segments[above].has_digit
                    && view.rows[view.segments[above].row].segments.len() + 2 >= row.segments.len()
                {
                    let mut both = view.segments[above].meaning.clone();
                    for concept in &view.segments[s].meaning.concepts {
                        if !both.has(concept.0) {
                            both.concepts.push(*concept);
                        }
                    }
                    fit = fit.max(labels.fits(&both));
                }
                if let Some(learned) = model.and_then(|m| m.fit(view, s, c)) {
                    fit = 0.25 * fit + 0.75 * learned * 1.2;
                }
                if fit >= 0.3 {
                    // A tie goes to the column whose values have the right kind.
                    let kind = &columns.fields[c].kind;
                    let below = view.segments[s].below;
                    let typed = below.is_none_or(|b| {
                        *kind == Kind::Text || kind_fits(view, &view.segments[b], kind, habits)
                    });
                    if below.is_some_and(|b| is_share(view, columns, c, b)) {
                        continue;
                    }
                    // "Item | Description": of two that name the goods, the one with words does.
                    let coded = below.is_some_and(|b| is_coded(view, columns, c, b));
                    pairs.push((
                        if !typed {
                            fit * 0.6
                        } else if coded {
                            fit * 0.8
                        } else {
                            fit
                        },
                        c,
                        s,
                    ));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut header =
            Header { row: r, segments: vec![None; columns.fields.len()], signs: None, score: 0.0 };
        for (fit, c, s) in pairs {
            if header.segments[c].is_none() && !header.segments.contains(&Some(s)) {
                header.segments[c] = Some(s);
                header.score += fit;
            }
        }
        if columns.fields.len() > 1 {
            only_number(view, columns, habits, row.segments.clone(), &mut header);
        }
        signs(view, columns, row.segments.clone(), &mut header);
        let matched =
            header.segments.iter().filter(|s| s.is_some()).count() + usize::from(header.signs.is_some());
        if matched >= needed && header.score > 0.0 {
            found.push(header);
        }
    }
    found
}

/// Whether a cell is a share in percent below a header that is taken for one of prices.
fn is_share(view: &View, columns: &Columns<'_>, column: usize, cell: usize) -> bool {
    let of = &view.segments[cell];
    columns.fields[column].label.has(lexicon().concept("price"))
        && view.tokens[of.start..of.end].iter().any(|t| t.text.ends_with('%'))
}

/// Whether a cell is a code where a description is asked for.
fn is_coded(view: &View, columns: &Columns<'_>, column: usize, cell: usize) -> bool {
    let field = columns.fields[column];
    let of = &view.segments[cell];
    field.kind == Kind::Text
        && field.label.has(lexicon().concept("description"))
        && !field.label.has(lexicon().concept("number"))
        && view.tokens[of.start..of.end].iter().all(|t| {
            t.text.contains(|c: char| c.is_ascii_digit())
                || t.text.chars().filter(|c| c.is_alphabetic()).count() < 3
        })
}

/// Whether the row below a header holds values: every column has its header, or a day or number stands below one.
fn is_filled(
    view: &View,
    columns: &Columns<'_>,
    habits: Habits,
    header: &Header,
    row: std::ops::Range<usize>,
) -> bool {
    let heads = view.rows[header.row].segments.clone();
    header.segments.iter().all(Option::is_some)
        || row.into_iter().any(|s| {
            let head = column_of(view, s, heads.clone());
            let column = header.segments.iter().position(|h| h.is_some() && *h == head);
            column.is_some_and(|c| {
                let kind = &columns.fields[c].kind;
                *kind != Kind::Text && kind_fits(view, &view.segments[s], kind, habits)
            })
        })
}

/// The one column of amounts that is asked for, where its header says something else: the first amounts behind the text,
/// as in "Deductions | Current | Year to date".
fn only_number(
    view: &View,
    columns: &Columns<'_>,
    habits: Habits,
    row: std::ops::Range<usize>,
    header: &mut Header,
) {
    let mut numbers = (0..columns.fields.len()).filter(|c| columns.fields[*c].kind == Kind::Number(false));
    let (Some(number), None) = (numbers.next(), numbers.next()) else { return };
    let texts = (0..columns.fields.len()).filter(|c| columns.fields[*c].kind == Kind::Text);
    let Some(text) = texts.filter_map(|c| header.segments[c]).max() else { return };
    let cents = |s: usize| {
        let below = view.segments[s].below.map(|b| &view.segments[b]);
        let cell = below.and_then(|b| read(view, &[(b.start, b.end)], &Kind::Number(false), habits));
        matches!(cell, Some(Cell { reading: Reading::Number(n), .. }) if n.decimals == 2)
    };
    let open = |s: &usize| *s > text && !header.segments.contains(&Some(*s)) && cents(*s);
    if header.segments[number].is_none()
        && header.score >= 0.7
        && let Some(found) = row.clone().find(open)
    {
        header.segments[number] = Some(found);
        header.score += 0.3;
    }
}

/// Columns of debit and credit where an amount with a sign is asked for.
fn signs(view: &View, columns: &Columns<'_>, row: std::ops::Range<usize>, header: &mut Header) {
    let heads = |name: &str| row.clone().find(|s| view.segments[*s].meaning.has(lexicon().concept(name)));
    let Some(amount) = columns
        .fields
        .iter()
        .position(|f| matches!(f.kind, Kind::Number(_)) && f.label.has(lexicon().concept("amount")))
    else {
        return;
    };
    if let (Some(debit), Some(credit)) = (heads("debit"), heads("credit"))
        && debit != credit
    {
        header.signs = Some((debit, credit));
        if header.segments[amount].is_none_or(|s| s == debit || s == credit) {
            header.segments[amount] = None;
            header.score += 0.9;
        } else {
            header.signs = None;
        }
    }
}

/// Which header's column a segment stands in.
pub(super) fn column_of(view: &View, segment: usize, header_row: std::ops::Range<usize>) -> Option<usize> {
    let of = &view.segments[segment];
    if let Some(cell) = of.cell
        && let Some(head) =
            header_row.clone().find(|h| view.segments[*h].cell.is_some_and(|c| c[0] == cell[0]))
        && view.segments[head].cell.is_some()
    {
        return header_row.clone().find(|h| view.segments[*h].cell.is_some_and(|c| c[2] == cell[2]));
    }
    let mut best: Option<(f32, usize)> = None;
    for h in header_row {
        let head = &view.segments[h].bounds;
        let shared = overlap(&of.bounds, head);
        let distance = (of.bounds.left - head.left).abs().min((of.bounds.right() - head.right()).abs());
        let score = if shared > 0.0 { 1.0 + shared.min(1.0) - distance } else { 0.5 - 3.0 * distance };
        if score > best.map_or(0.0, |b| b.0) {
            best = Some((score, h));
        }
    }
    best.map(|(_, h)| h)
}
