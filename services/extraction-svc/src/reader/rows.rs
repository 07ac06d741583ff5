//! From words with places to lines as a person reads them.
//!
//! Poppler puts a label and the value beside it into two blocks when the gap is wide, and OCR finds them apart. Here they
//! are one line again, with a cell each. Columns of running text stay apart: their lines are beside each other by chance.

use crate::document::{Bounds, Line, Method, Page, Span, Word, straight};

/// A gap as wide as this part of the line's height parts cells.
const CELL_GAP: f32 = 1.1;
/// Words of two blocks are one cell when they are as near as this.
const SAME_CELL: f32 = 0.6;
/// By how much of the lower one two pieces overlap that stand on one line.
const OVERLAP: f32 = 0.5;
/// How many lines back a piece may belong: pieces come from top to bottom.
const LINES_BACK: usize = 24;
/// Running text: so many lines of so many characters.
const PROSE: (usize, usize) = (4, 28);
/// Words lower than this are not seen, in points.
const UNSEEN: f32 = 1.0;

/// Words with their places on a page.
#[derive(Debug, Default)]
pub(crate) struct RawPage {
    /// From 1.
    pub(crate) number: u32,
    /// In points, or pixels.
    pub(crate) width: f32,
    /// As `width`.
    pub(crate) height: f32,
    /// By how many degrees the page has to be turned clockwise for its text to be level.
    pub(crate) turned: f32,
    /// In the order in which they were found; those of a block and of a line follow each other.
    pub(crate) words: Vec<RawWord>,
}

/// A word of it.
#[derive(Clone, Debug)]
pub(crate) struct RawWord {
    /// Verbatim.
    pub(crate) text: String,
    /// Left, top, right and bottom, on the page as it is.
    pub(crate) place: [f32; 4],
    /// Words of one block.
    pub(crate) block: u32,
    /// Words of one line of the block.
    pub(crate) line: u32,
    /// Of OCR.
    pub(crate) confidence: Option<f32>,
    /// It is known that nobody sees it.
    pub(crate) hidden: bool,
}

/// A word, and its corners on the page set straight: by these words are put into lines.
#[derive(Debug)]
struct Straight {
    word: RawWord,
    corners: [f32; 4],
}

/// Words of a line of a block.
#[derive(Debug)]
struct Piece {
    words: Vec<Straight>,
    corners: [f32; 4],
    block: u32,
}

impl Piece {
    fn height(&self) -> f32 {
        self.corners[3] - self.corners[1]
    }

    /// Text that runs up or down the page.
    fn is_upright(&self) -> bool {
        let letters: usize = self.words.iter().map(|of| of.word.text.chars().count()).sum();
        letters > 2 && self.height() > 2.0 * (self.corners[2] - self.corners[0])
    }
}

/// The page of these words, read so and by this.
pub(crate) fn page(raw: RawPage, (method, reader): (Method, &str)) -> Page {
    let RawPage { number, width, height, turned, words } = raw;
    let mut page = Page {
        number,
        name: None,
        width,
        height,
        synthetic: false,
        turned,
        method,
        reader: reader.to_owned(),
        words: Vec::with_capacity(words.len()),
        lines: Vec::new(),
        tables: Vec::new(),
    };
    let set = |word: RawWord| Straight { corners: straight(word.place, (width, height), turned), word };
    let pieces = pieces(words.into_iter().map(set));
    let mut block = None;
    let mut number = 0;
    for line in lines(pieces) {
        let of = line.first().map(|piece| piece.block);
        if block.is_some() && block != of {
            number += 1;
        }
        block = of;
        add(&mut page, line, number);
    }
    page
}

fn pieces(words: impl Iterator<Item = Straight>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let line = |of: &Straight| (of.word.block, of.word.line);
    for word in words {
        match pieces.last_mut() {
            Some(piece) if piece.words.last().is_some_and(|last| line(last) == line(&word)) => {
                piece.corners = around(piece.corners, word.corners);
                piece.words.push(word);
            }
            _ => pieces.push(Piece { corners: word.corners, block: word.word.block, words: vec![word] }),
        }
    }
    pieces
}

fn around(one: [f32; 4], other: [f32; 4]) -> [f32; 4] {
    [one[0].min(other[0]), one[1].min(other[1]), one[2].max(other[2]), one[3].max(other[3])]
}

/// The lines of the page, from top to bottom; each from left to right.
fn lines(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let columns = columns(&pieces);
    // A column is one unit, which stays together; the other pieces make lines.
    let mut units: Vec<([f32; 2], Vec<Vec<Piece>>)> = Vec::new();
    let mut loose = Vec::new();
    for piece in pieces {
        match columns.binary_search(&piece.block).is_ok() {
            false => loose.push(piece),
            true => {
                let corner = [piece.corners[1], piece.corners[0]];
                match units.last_mut() {
                    Some((_, lines))
                        if lines
                            .last()
                            .and_then(|line| line.first())
                            .is_some_and(|last| last.block == piece.block) =>
                    {
                        lines.push(vec![piece]);
                    }
                    _ => units.push((corner, vec![vec![piece]])),
                }
            }
        }
    }
    loose.sort_by(|one, other| middle(one).total_cmp(&middle(other)));
    let mut lines: Vec<(f32, f32, Vec<Piece>)> = Vec::new();
    for piece in loose {
        let (top, bottom) = (piece.corners[1], piece.corners[3]);
        let fits = |(line_top, line_bottom, line): &(f32, f32, Vec<Piece>)| {
            let shared = bottom.min(*line_bottom) - top.max(*line_top);
            let lower = (bottom - top).min(line_bottom - line_top);
            let beside = line.iter().all(|other| {
                other.corners[2] <= piece.corners[0] + 1.0 || piece.corners[2] <= other.corners[0] + 1.0
            });
            beside && shared > OVERLAP * lower && !line.iter().any(Piece::is_upright)
        };
        let from = lines.len().saturating_sub(LINES_BACK);
        let found = match piece.is_upright() {
            true => None,
            false => lines.iter_mut().skip(from).rev().find(|line| fits(line)),
        };
        match found {
            Some((_, _, line)) => line.push(piece),
            None => lines.push((top, bottom, vec![piece])),
        }
    }
    for (top, _, mut line) in lines {
        line.sort_by(|one, other| one.corners[0].total_cmp(&other.corners[0]));
        let left = line.first().map_or(0.0, |piece| piece.corners[0]);
        units.push(([top, left], vec![line]));
    }
    units.sort_by(|one, other| one.0[0].total_cmp(&other.0[0]).then(one.0[1].total_cmp(&other.0[1])));
    units.into_iter().flat_map(|(_, lines)| lines).collect()
}

fn middle(piece: &Piece) -> f32 {
    (piece.corners[1] + piece.corners[3]) / 2.0
}

/// The blocks that are columns of running text: beside another such block. Sorted.
fn columns(pieces: &[Piece]) -> Vec<u32> {
    struct Block {
        number: u32,
        corners: [f32; 4],
        lines: usize,
        characters: usize,
    }
    let mut blocks: Vec<Block> = Vec::new();
    for piece in pieces {
        let characters = piece.words.iter().map(|of| of.word.text.len() + 1).sum::<usize>();
        match blocks.last_mut() {
            Some(block) if block.number == piece.block => {
                block.corners = around(block.corners, piece.corners);
                block.lines += 1;
                block.characters += characters;
            }
            _ => blocks.push(Block { number: piece.block, corners: piece.corners, lines: 1, characters }),
        }
    }
    blocks.retain(|block| block.lines >= PROSE.0 && block.characters >= PROSE.1 * block.lines);
    // Some hundred at the most fit on a page of any sense.
    blocks.truncate(500);
    let beside = |one: &Block, other: &Block| {
        let shared = one.corners[3].min(other.corners[3]) - one.corners[1].max(other.corners[1]);
        let apart = one.corners[2] <= other.corners[0] || other.corners[2] <= one.corners[0];
        let lower = (one.corners[3] - one.corners[1]).min(other.corners[3] - other.corners[1]);
        apart && shared > OVERLAP * lower
    };
    let mut columns: Vec<u32> = Vec::new();
    for one in &blocks {
        if blocks.iter().any(|other| other.number != one.number && beside(one, other)) {
            columns.push(one.number);
        }
    }
    columns.sort_unstable();
    columns
}

fn add(page: &mut Page, line: Vec<Piece>, block: u32) {
    let start = page.words.len();
    let mut cells = Vec::new();
    let mut cell = start;
    let mut bounds: Option<Bounds> = None;
    let mut before: Option<(f32, bool)> = None;
    for piece in line {
        let height = piece.height().max(1.0);
        for (index, Straight { word, corners }) in piece.words.into_iter().enumerate() {
            // What is not on the page is not seen; poppler has left most of it out.
            let place = Bounds::on_page(word.place, page.width, page.height);
            let hidden = word.hidden || place.is_none() || corners[3] - corners[1] < UNSEEN;
            let place = place.unwrap_or_default();
            if let Some((right, was_hidden)) = before {
                let gap = corners[0] - right;
                let most = if index == 0 { SAME_CELL } else { CELL_GAP };
                if (gap > most * height || was_hidden != hidden) && cell < page.words.len() {
                    cells.push(Span::new(cell, page.words.len()));
                    cell = page.words.len();
                }
            }
            before = Some((corners[2], hidden));
            bounds = Some(bounds.map_or(place, |bounds| bounds.union(&place)));
            page.words.push(Word { text: word.text, bounds: place, hidden, confidence: word.confidence });
        }
    }
    if cell < page.words.len() {
        cells.push(Span::new(cell, page.words.len()));
    }
    if let Some(bounds) = bounds {
        let words = Span::new(start, page.words.len());
        page.lines.push(Line { bounds, words, cells, block, path: None });
    }
}
