//! A page's words in pieces of rows: cells as the reader has them, parted again where the gap is wide.

use crate::document::{Bounds, Page, Span};

/// Words of a reader's cell: one piece of a row.
pub(super) struct Piece {
    pub words: Vec<usize>,
    pub bounds: Bounds,
    pub cell: Option<[u32; 3]>,
    pub path: Option<String>,
    order: usize,
}

/// The page's words in pieces: cells as the reader has them, parted again where the gap is wide.
pub(super) fn pieces(page: &Page, tables: u32) -> Vec<Piece> {
    let mut cell_of: Vec<Option<[u32; 3]>> = vec![None; page.words.len()];
    let mut path_of: Vec<Option<&str>> = vec![None; page.words.len()];
    for line in &page.lines {
        for path in path_of.get_mut(line.words.range()).unwrap_or_default() {
            *path = line.path.as_deref();
        }
    }
    for (t, table) in page.tables.iter().enumerate() {
        for cell in &table.cells {
            for span in &cell.words {
                for path in path_of.get_mut(span.range()).unwrap_or_default() {
                    *path = (!cell.path.is_empty()).then_some(cell.path.as_str());
                }
                for word in cell_of.get_mut(span.range()).unwrap_or_default() {
                    *word = Some([tables + u32::try_from(t).unwrap_or(0), cell.row, cell.column]);
                }
            }
        }
    }
    let mut pieces = Vec::new();
    for line in &page.lines {
        let spans: &[Span] =
            if line.cells.is_empty() { std::slice::from_ref(&line.words) } else { &line.cells };
        for span in spans {
            let mut words: Vec<usize> = Vec::new();
            for index in span.range() {
                let Some(word) = page.words.get(index) else { break };
                if word.hidden {
                    continue;
                }
                // "Policy number ........ MTR-5519027": dots lead from a label to its value.
                if is_leader(&word.text) && !words.is_empty() && cell_of[index].is_none() {
                    push(&mut pieces, page, &mut words, &cell_of, &path_of);
                    continue;
                }
                if let Some(last) = words.last() {
                    let before = &page.words[*last];
                    let apart = if cell_of[*last].is_some() || cell_of[index].is_some() {
                        cell_of[*last] != cell_of[index] || (word.bounds.top > before.bounds.bottom())
                    } else {
                        gap_is_wide(before, word)
                    };
                    if apart {
                        push(&mut pieces, page, &mut words, &cell_of, &path_of);
                    }
                }
                words.push(index);
            }
            push(&mut pieces, page, &mut words, &cell_of, &path_of);
        }
    }
    pieces
}

/// Whether a word is nothing but a line of dots.
fn is_leader(word: &str) -> bool {
    const FEWEST: usize = 4;
    let dots: usize = word.chars().map(|c| if c == '…' { 3 } else { 1 }).sum();
    dots >= FEWEST && word.chars().all(|c| matches!(c, '.' | '…' | '·'))
}

fn gap_is_wide(before: &crate::document::Word, word: &crate::document::Word) -> bool {
    let letter = |w: &crate::document::Word| {
        let count = u16::try_from(w.text.chars().count().max(1)).unwrap_or(u16::MAX);
        w.bounds.width / f32::from(count)
    };
    let gap = word.bounds.left - before.bounds.right();
    let size = letter(before).max(letter(word)).max(1e-4);
    gap > 1.9 * size || gap < -6.0 * size
}

fn push(
    pieces: &mut Vec<Piece>,
    page: &Page,
    words: &mut Vec<usize>,
    cell_of: &[Option<[u32; 3]>],
    path_of: &[Option<&str>],
) {
    let Some(&first) = words.first() else { return };
    let mut bounds = page.words[first].bounds;
    for word in &words[1..] {
        bounds = bounds.union(&page.words[*word].bounds);
    }
    let order = pieces.len();
    let path = path_of[first].map(str::to_owned);
    pieces.push(Piece { words: std::mem::take(words), bounds, cell: cell_of[first], path, order });
}

/// Pieces that stand at one height, from left to right, from top to bottom.
pub(super) fn rows(mut pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    const RECENT: usize = 12;
    pieces.sort_by(|a, b| {
        (a.bounds.top + a.bounds.height / 2.0)
            .total_cmp(&(b.bounds.top + b.bounds.height / 2.0))
            .then(a.order.cmp(&b.order))
    });
    let mut rows: Vec<(f32, f32, Vec<Piece>)> = Vec::new();
    for piece in pieces {
        let (top, bottom) = (piece.bounds.top, piece.bounds.bottom());
        let mut place = None;
        for (i, row) in rows.iter().enumerate().rev().take(RECENT) {
            let shared = bottom.min(row.1) - top.max(row.0);
            let smaller = (bottom - top).min(row.1 - row.0).max(1e-5);
            let free = row.2.iter().all(|p| {
                piece.bounds.right().min(p.bounds.right()) - piece.bounds.left.max(p.bounds.left)
                    <= 0.25 * piece.bounds.width.min(p.bounds.width)
            });
            if shared / smaller > 0.55 && free {
                place = Some(i);
                break;
            }
        }
        if let Some(i) = place {
            // The row keeps the height of its first piece, so that a slanted page does not melt into one.
            rows[i].2.push(piece);
        } else {
            rows.push((top, bottom, vec![piece]));
        }
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter()
        .map(|(_, _, mut row)| {
            row.sort_by(|a, b| a.bounds.left.total_cmp(&b.bounds.left));
            row
        })
        .collect()
}
