//! Places for formats that have none: text on a grid of characters, tables with their columns under each other.
//!
//! A [`Flow`] is lines from top to bottom. A table sets the flows of its cells side by side, so that a label in one
//! column and its value in the next stand on one line, as a person sees them; tables nest.

use super::output::BUILT_IN;
use super::text::words_of;
use crate::document::{Bounds, Line, MAX_NAME_CHARACTERS, Page, Span, Table, TableCell, Word};

/// Where running text is broken into lines, in characters.
const LINE_CHARACTERS: f32 = 100.0;
/// What parts columns and cells, in characters.
pub(crate) const GAP: f32 = 3.0;
/// The size of a character on a made up page, in points.
const CHARACTER: (f32, f32) = (6.0, 12.0);
/// A made up page has at least so many characters in a line, and so many lines.
const LEAST: (f32, f32) = (80.0, 60.0);
/// How much of its line's height a word fills.
const INK: f32 = 0.8;

/// A word at its column.
#[derive(Clone, Debug)]
struct Placed {
    text: String,
    left: f32,
    width: f32,
    hidden: bool,
}

/// Words that stand together: a cell's, or what a gap parts from the rest of the line.
#[derive(Clone, Debug, Default)]
struct Piece {
    words: Vec<Placed>,
    /// Which cell of which table of the flow.
    cell: Option<(usize, usize)>,
}

impl Piece {
    fn right(&self) -> f32 {
        self.words.last().map_or(0.0, |word| word.left + word.width)
    }
}

#[derive(Clone, Debug, Default)]
struct Row {
    pieces: Vec<Piece>,
    path: Option<String>,
    /// It begins a block.
    begins: bool,
}

/// A cell of a table that is being laid out.
#[derive(Debug)]
pub(crate) struct FlowCell {
    /// From 0.
    pub(crate) row: u32,
    /// From 0.
    pub(crate) column: u32,
    /// At least 1.
    pub(crate) row_span: u32,
    /// At least 1.
    pub(crate) column_span: u32,
    /// It heads its row or column.
    pub(crate) header: bool,
    /// Where it stands.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) flow: Flow,
}

/// A table of a flow: its path and its cells, whose words are found by `Piece::cell`.
#[derive(Debug, Default)]
struct FlowTable {
    path: Option<String>,
    cells: Vec<TableCell>,
}

/// Lines from top to bottom.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    rows: Vec<Row>,
    tables: Vec<FlowTable>,
    /// The line that is being written.
    open: Row,
    /// The words of all lines.
    words: usize,
    /// Where the next piece begins.
    column: f32,
    /// What comes next continues the word before.
    glue: bool,
    /// The next line begins a block.
    begin: bool,
    path: Option<String>,
}

impl Flow {
    /// How many words it has.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Whether it has no word.
    pub(crate) fn is_empty(&self) -> bool {
        self.words == 0
    }

    /// Where the lines stand that end from now on.
    pub(crate) fn at(&mut self, path: &str) {
        self.path = Some(cut(path));
    }

    /// Ends the line; the next one begins a block.
    pub(crate) fn block(&mut self) {
        self.end_line();
        self.begin = true;
    }

    /// Ends the line, if one was begun.
    pub(crate) fn end_line(&mut self) {
        self.glue = false;
        self.column = 0.0;
        let mut row = std::mem::take(&mut self.open);
        row.pieces.retain(|piece| !piece.words.is_empty());
        if !row.pieces.is_empty() {
            row.path.clone_from(&self.path);
            row.begins = std::mem::take(&mut self.begin) || self.rows.is_empty();
            self.rows.push(row);
        }
    }

    /// What follows stands apart on the same line: from this column on, or after a gap.
    pub(crate) fn gap(&mut self, column: Option<f32>) {
        self.glue = false;
        let right = self.open.pieces.last().map_or(0.0, Piece::right);
        let after = if right > 0.0 { right + GAP } else { self.column };
        self.column = column.map_or(after, |column| column.max(right));
        if self.open.pieces.last().is_some_and(|piece| !piece.words.is_empty()) {
            self.open.pieces.push(Piece::default());
        }
    }

    /// Running text: blanks part words, and lines are broken where they are full. Text that does not begin with a blank
    /// continues the word before.
    pub(crate) fn text(&mut self, text: &str, hidden: bool) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first.is_whitespace() {
                self.glue = false;
                rest = rest.trim_start();
                continue;
            }
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after;
            for word in words_of(word) {
                self.word(&word, hidden);
            }
        }
    }

    fn word(&mut self, text: &str, hidden: bool) {
        let width = characters(text);
        if std::mem::replace(&mut self.glue, true)
            && let Some(last) = self.open.pieces.last_mut().and_then(|piece| piece.words.last_mut())
            && last.hidden == hidden
            && last.width + width <= LINE_CHARACTERS
        {
            last.text.push_str(text);
            last.width += width;
            return;
        }
        let mut left = match self.open.pieces.last() {
            Some(piece) if !piece.words.is_empty() => piece.right() + 1.0,
            _ => self.column,
        };
        if left > 0.0 && left + width > LINE_CHARACTERS.max(self.column + LINE_CHARACTERS / 2.0) {
            self.end_line();
            self.glue = true;
            left = 0.0;
        }
        self.words += 1;
        let word = Placed { text: text.to_owned(), left, width, hidden };
        match self.open.pieces.last_mut() {
            Some(piece) => piece.words.push(word),
            None => self.open.pieces.push(Piece { words: vec![word], cell: None }),
        }
    }

    /// A table below what was written: its columns one beside the other, each row as high as its highest cell.
    pub(crate) fn table(&mut self, path: Option<&str>, cells: Vec<FlowCell>) {
        self.block();
        let columns = columns(&cells);
        let table = self.tables.len();
        self.tables.push(FlowTable { path: path.map(cut), cells: Vec::new() });
        let mut cells = cells;
        cells.sort_by_key(|cell| (cell.row, cell.column));
        let mut row = Vec::new();
        let mut cells = cells.into_iter().peekable();
        while let Some(cell) = cells.next() {
            let at = cell.row;
            let left = columns.iter().find(|column| column.0 == cell.column).map_or(0.0, |column| column.1);
            row.push((left, cell));
            if cells.peek().is_none_or(|next| next.row != at) {
                self.table_row(table, std::mem::take(&mut row));
            }
        }
        self.begin = true;
    }

    fn table_row(&mut self, table: usize, cells: Vec<(f32, FlowCell)>) {
        let mut lines: Vec<Row> = Vec::new();
        for (left, mut cell) in cells {
            cell.flow.end_line();
            if cell.flow.is_empty() {
                continue;
            }
            let path = cut(&cell.path);
            let own = self.tables.get_mut(table).map(|of| {
                of.cells.push(TableCell {
                    row: cell.row,
                    column: cell.column,
                    row_span: cell.row_span,
                    column_span: cell.column_span,
                    header: cell.header,
                    bounds: Bounds::default(),
                    words: Vec::new(),
                    path: path.clone(),
                });
                (table, of.cells.len() - 1)
            });
            // Of several cells: the table's own path says where the line stands.
            let shared = self.tables.get(table).and_then(|table| table.path.clone());
            self.set_beside(&mut lines, cell.flow, left, own, &(Some(path), shared));
        }
        self.rows.append(&mut lines);
    }

    /// Flows beside each other, which are no table.
    pub(crate) fn beside(&mut self, flows: Vec<Flow>) {
        self.block();
        let (mut lines, mut left) = (Vec::new(), 0.0);
        let path = self.path.clone();
        for mut flow in flows {
            flow.end_line();
            if flow.is_empty() {
                continue;
            }
            let right = flow.rows.iter().flat_map(|row| &row.pieces).map(Piece::right).fold(0.0, f32::max);
            self.set_beside(&mut lines, flow, left, None, &(path.clone(), path.clone()));
            left += right + GAP;
        }
        self.rows.append(&mut lines);
        self.begin = true;
    }

    /// Sets a flow to the right of `lines`. Its own words are of the cell `own`; `paths` are those of a line that has
    /// none, and of one that several flows share.
    fn set_beside(
        &mut self,
        lines: &mut Vec<Row>,
        mut flow: Flow,
        left: f32,
        own: Option<(usize, usize)>,
        paths: &(Option<String>, Option<String>),
    ) {
        self.words += flow.words;
        let first = self.tables.len();
        self.tables.append(&mut flow.tables);
        for (index, inner) in flow.rows.into_iter().enumerate() {
            if lines.len() <= index {
                lines.push(Row { pieces: Vec::new(), path: None, begins: index == 0 });
            }
            let Some(line) = lines.get_mut(index) else { continue };
            line.path = match line.path.take() {
                None => inner.path.or_else(|| paths.0.clone()),
                Some(_) => paths.1.clone(),
            };
            for mut piece in inner.pieces {
                piece.words.iter_mut().for_each(|word| word.left += left);
                piece.cell = piece.cell.map(|(nested, cell)| (first + nested, cell)).or(own);
                line.pieces.push(piece);
            }
        }
    }

    /// Adds the lines of another flow below.
    pub(crate) fn append(&mut self, mut other: Flow) {
        self.block();
        other.end_line();
        let first = self.tables.len();
        for row in &mut other.rows {
            for piece in &mut row.pieces {
                piece.cell = piece.cell.map(|(table, cell)| (first + table, cell));
            }
        }
        self.words += other.words;
        self.rows.append(&mut other.rows);
        self.tables.append(&mut other.tables);
    }

    /// The page of these lines. `None` when there is no word.
    pub(crate) fn into_page(mut self, number: u32, sheet: Option<String>) -> Option<Page> {
        self.end_line();
        if self.is_empty() {
            return None;
        }
        let right = self.rows.iter().flat_map(|row| &row.pieces).map(Piece::right).fold(LEAST.0, f32::max);
        let rows = LEAST.1.max(count(self.rows.len()));
        let (method, reader) = BUILT_IN;
        let mut page = Page {
            number,
            name: sheet.map(|name| cut(&name)),
            width: right * CHARACTER.0,
            height: rows * CHARACTER.1,
            synthetic: true,
            turned: 0.0,
            method,
            reader: reader.to_owned(),
            words: Vec::with_capacity(self.words),
            lines: Vec::with_capacity(self.rows.len()),
            tables: Vec::new(),
        };
        let mut block = 0;
        for (index, row) in self.rows.into_iter().enumerate() {
            block += u32::from(row.begins && index > 0);
            let top = count(index);
            let start = page.words.len();
            let mut cells = Vec::with_capacity(row.pieces.len());
            let mut around: Option<Bounds> = None;
            for piece in row.pieces {
                let first = page.words.len();
                let mut piece_around: Option<Bounds> = None;
                for Placed { text, left, width, hidden } in piece.words {
                    let corners = [left, top, left + width, top + INK];
                    let bounds = Bounds::on_page(corners, right, rows).unwrap_or_default();
                    piece_around = Some(piece_around.map_or(bounds, |around| around.union(&bounds)));
                    page.words.push(Word { text, bounds, hidden, confidence: None });
                }
                let span = Span::new(first, page.words.len());
                let Some(bounds) = piece_around else { continue };
                around = Some(around.map_or(bounds, |around| around.union(&bounds)));
                cells.push(span);
                let cell =
                    piece.cell.and_then(|(table, cell)| self.tables.get_mut(table)?.cells.get_mut(cell));
                if let Some(cell) = cell {
                    cell.bounds = match cell.words.is_empty() {
                        true => bounds,
                        false => cell.bounds.union(&bounds),
                    };
                    cell.words.push(span);
                }
            }
            if let Some(bounds) = around {
                let words = Span::new(start, page.words.len());
                page.lines.push(Line { bounds, words, cells, block, path: row.path });
            }
        }
        for FlowTable { path, mut cells } in self.tables {
            // What holds only another table has no words of its own.
            cells.retain(|cell| !cell.words.is_empty());
            if !cells.is_empty() {
                page.tables.push(Table { path, cells });
            }
        }
        Some(page)
    }
}

/// The columns that are used, each with where it begins.
fn columns(cells: &[FlowCell]) -> Vec<(u32, f32)> {
    let mut widths: Vec<(u32, f32)> = cells.iter().map(|cell| (cell.column, 0.0)).collect();
    widths.sort_by_key(|column| column.0);
    widths.dedup_by_key(|column| column.0);
    for cell in cells {
        let width = cell.flow.rows.iter().chain([&cell.flow.open]).flat_map(|row| &row.pieces);
        let mut width = width.map(Piece::right).fold(0.0, f32::max);
        let Ok(at) = widths.binary_search_by_key(&cell.column, |column| column.0) else { continue };
        // One that goes over several columns takes of each what the narrow ones have, and the last the rest.
        let last = cell.column.saturating_add(cell.column_span);
        let over = widths.iter_mut().skip(at).take_while(|column| column.0 < last);
        let mut over: Vec<&mut (u32, f32)> = over.take(MAX_COLUMN_SPAN).collect();
        if let Some((end, before)) = over.split_last_mut() {
            width -= before.iter().map(|column| column.1 + GAP).sum::<f32>();
            end.1 = end.1.max(width);
        }
    }
    let mut left = 0.0;
    for column in &mut widths {
        let begins = left;
        left += column.1 + GAP;
        column.1 = begins;
    }
    widths
}

/// Over how many columns a cell may spread its width: what goes over more is a title.
const MAX_COLUMN_SPAN: usize = 64;

fn characters(text: &str) -> f32 {
    count(text.chars().count())
}

/// Counts of characters and lines of a page, far below where a float leaves numbers out that matter.
#[expect(clippy::cast_precision_loss)]
fn count(count: usize) -> f32 {
    count as f32
}

/// A path or name that is not too long.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARACTERS).collect()
}
