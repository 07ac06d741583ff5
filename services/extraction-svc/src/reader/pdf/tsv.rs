//! What `pdftotext -tsv` writes: a row for each page, flow, line and word, with places in points.

use super::super::ReadError;
use super::super::rows::{RawPage, RawWord};
use super::super::text::words_of;

/// Reads it as it comes.
#[derive(Debug)]
pub(super) struct Tsv {
    first: u32,
    last: u32,
    /// A line that is not whole yet.
    rest: Vec<u8>,
    page: Option<RawPage>,
    done: Vec<RawPage>,
    /// Bytes of the page that is being read.
    bytes: usize,
    /// Words of pages that were read.
    words: usize,
    /// What poppler names the block of the last word, and how many there were.
    block: ([u32; 2], u32),
}

impl Tsv {
    /// Of these pages.
    pub(super) fn new(first: u32, last: u32) -> Tsv {
        Tsv {
            first,
            last,
            rest: Vec::new(),
            page: None,
            done: Vec::new(),
            bytes: 0,
            words: 0,
            block: ([0; 2], 0),
        }
    }

    /// Takes the next piece.
    pub(super) fn add(&mut self, piece: &[u8], max_page: usize, max_words: usize) -> Result<(), ReadError> {
        let mut piece = piece;
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, after) = piece.split_at(end);
            piece = after.get(1..).unwrap_or_default();
            self.bytes += line.len();
            if self.rest.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole);
            }
        }
        self.bytes += piece.len();
        self.rest.extend_from_slice(piece);
        if self.bytes > max_page || self.words > max_words {
            return Err(ReadError::too_large("a page has more words than are read"));
        }
        Ok(())
    }

    /// The pages that are whole.
    pub(super) fn take(&mut self) -> Vec<RawPage> {
        self.words = self.page.as_ref().map_or(0, |page| page.words.len());
        std::mem::take(&mut self.done)
    }

    /// All that is left.
    pub(super) fn end(mut self) -> Vec<RawPage> {
        let rest = std::mem::take(&mut self.rest);
        self.line(&rest);
        self.done.extend(self.page.take());
        self.done
    }

    /// A row that is none is left out: a word may hold what parts columns or rows.
    fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let mut columns = line.splitn(12, '\t');
        let mut numbers = [0_f32; 11];
        for number in &mut numbers {
            let Some(value) = columns.next().and_then(|column| column.parse::<f32>().ok()) else { return };
            if !value.is_finite() {
                return;
            }
            *number = value;
        }
        let Some(text) = columns.next() else { return };
        let [level, page, flow, block, line, _, left, top, width, height, _] = numbers;
        // Counts as poppler writes them; what is none becomes 0 or the most.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating")]
        let [level, page, flow, block, line] =
            [level as u32, page as u32, flow as u32, block as u32, line as u32];
        match level {
            1 => self.begin(page, width, height),
            5 => self.word(text, [left, top, left + width, top + height], [flow, block], line),
            _ => {}
        }
    }

    fn begin(&mut self, number: u32, width: f32, height: f32) {
        let is_next = match &self.page {
            Some(page) => number > page.number,
            None => number >= self.first,
        };
        if !is_next || number > self.last || width <= 0.0 || height <= 0.0 {
            return;
        }
        self.done.extend(self.page.take());
        self.bytes = 0;
        self.block = ([u32::MAX; 2], 0);
        self.page = Some(RawPage { number, width, height, turned: 0.0, words: Vec::new() });
    }

    fn word(&mut self, text: &str, place: [f32; 4], of: [u32; 2], line: u32) {
        let Some(page) = &mut self.page else { return };
        if self.block.0 != of {
            self.block = (of, self.block.1.saturating_add(1));
        }
        for text in words_of(text) {
            page.words.push(RawWord {
                text,
                place,
                block: self.block.1,
                line,
                confidence: None,
                hidden: false,
            });
            self.words += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "level\tpage_num\tpar_num\tblock_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
        1\t3\t0\t0\t0\t0\t0.0\t0.0\t595.0\t842.0\t-1\t###PAGE###\n\
        5\t3\t0\t0\t0\t0\t110.65\t51.94\t22.64\t7.45\t100\tExhibit\n\
        5\t3\t0\t0\t0\t1\t134.84\t51.94\t17.47\t7.45\t100\ta\tb\n\
        5\t3\tx\t0\t0\t1\t134.84\t51.94\t17.47\t7.45\t100\tbroken\n\
        5\t3\t0\t1\t0\t1\tnan\t51.94\t17.47\t7.45\t100\tnowhere\n\
        1\t2\t0\t0\t0\t0\t0.0\t0.0\t595.0\t842.0\t-1\t###PAGE###\n\
        1\t4\t0\t0\t0\t0\t0.0\t0.0\t595.0\t842.0\t-1\t###PAGE###\n\
        5\t4\t0\t0\t0\t0\t1\t1\t1\t1\t100\tend";

    #[test]
    fn rows_come_in_any_pieces_and_only_good_ones_count() {
        for size in [1, 7, 64, SOURCE.len()] {
            let mut tsv = Tsv::new(3, 4);
            let mut pages = Vec::new();
            for piece in SOURCE.as_bytes().chunks(size) {
                tsv.add(piece, 10_000, 100).unwrap();
                pages.extend(tsv.take());
            }
            pages.extend(tsv.end());
            let words = |page: &RawPage| page.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
            let found: Vec<_> = pages.iter().map(|page| (page.number, words(page))).collect();
            let expected = [
                (3, vec!["Exhibit".to_owned(), "a".to_owned(), "b".to_owned()]),
                (4, vec!["end".to_owned()]),
            ];
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_page_is_bounded() {
        let mut tsv = Tsv::new(1, 9);
        assert!(tsv.add(&[b'x'; 200], 100, 100).is_err());
        let mut tsv = Tsv::new(1, 9);
        assert!(tsv.add(SOURCE.as_bytes(), 10_000, 1).is_err());
    }
}
