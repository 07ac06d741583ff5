//! Documents in windows: so many pages as a model is sent at a time, and of a long page its rows.

use std::ops::RangeInclusive;

use crate::engine::Written;

/// Some rows of a document, each with the number of its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    rows: Vec<(u32, String)>,
}

/// Cuts a document into windows of at most so many characters: between pages where it can be, else between rows.
pub(super) fn windows(written: Vec<Written>, most: usize) -> Vec<Window> {
    let mut windows = Vec::new();
    let (mut rows, mut filled) = (Vec::new(), 0);
    for Written { page, rows: of_page } in written {
        let pieces: Vec<String> = of_page.iter().flat_map(|row| pieces(row, most)).collect();
        let length: usize = pieces.iter().map(|row| size(row)).sum();
        if filled + length > most && !rows.is_empty() {
            windows.push(Window { rows: std::mem::take(&mut rows) });
            filled = 0;
        }
        for row in pieces {
            let length = size(&row);
            if filled + length > most && !rows.is_empty() {
                windows.push(Window { rows: std::mem::take(&mut rows) });
                filled = 0;
            }
            filled += length;
            rows.push((page, row));
        }
    }
    if !rows.is_empty() {
        windows.push(Window { rows });
    }
    windows
}

/// A row with its end, in characters.
fn size(row: &str) -> usize {
    row.chars().count() + 1
}

/// A row that is longer than a window, between words where it has some.
fn pieces(row: &str, most: usize) -> Vec<String> {
    let room = most.saturating_sub(1).max(1);
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut length = 0;
    for word in row.split_inclusive(' ') {
        let count = word.chars().count();
        if length + count > room && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            length = 0;
        }
        if count <= room {
            piece.push_str(word);
            length += count;
            continue;
        }
        let letters: Vec<char> = word.chars().collect();
        pieces.extend(letters.chunks(room).map(|chunk| chunk.iter().collect::<String>()));
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

impl Window {
    /// The pages that it is of.
    pub(super) fn pages(&self) -> RangeInclusive<u32> {
        let page = |row: Option<&(u32, String)>| row.map_or(0, |(page, _)| *page);
        page(self.rows.first())..=page(self.rows.last())
    }

    /// As it is sent: each page under its number.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut last = None;
        for (page, row) in &self.rows {
            if last != Some(page) {
                text.push_str(&format!("[page {page}]\n"));
                last = Some(page);
            }
            text.push_str(row);
            text.push('\n');
        }
        text
    }

    /// Two halves. `None` when it has only one row.
    pub(super) fn halves(&self) -> Option<(Window, Window)> {
        if self.rows.len() < 2 {
            return None;
        }
        let (first, second) = self.rows.split_at(self.rows.len() / 2);
        Some((Window { rows: first.to_vec() }, Window { rows: second.to_vec() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32, rows: &[&str]) -> Written {
        Written { page: number, rows: rows.iter().map(|&row| row.to_owned()).collect() }
    }

    fn texts(pages: Vec<Written>, most: usize) -> Vec<String> {
        windows(pages, most).iter().map(Window::text).collect()
    }

    #[test]
    fn documents_are_cut_between_pages_and_long_pages_between_rows() {
        let pages =
            || vec![page(1, &["aaaa", "bbbb"]), page(2, &["cccc"]), page(4, &["dddd", "eeee", "ffff"])];
        assert_eq!(
            texts(pages(), 100),
            ["[page 1]\naaaa\nbbbb\n[page 2]\ncccc\n[page 4]\ndddd\neeee\nffff\n"]
        );
        assert_eq!(
            texts(pages(), 15),
            ["[page 1]\naaaa\nbbbb\n[page 2]\ncccc\n", "[page 4]\ndddd\neeee\nffff\n"]
        );
        assert_eq!(
            texts(pages(), 10),
            ["[page 1]\naaaa\nbbbb\n", "[page 2]\ncccc\n", "[page 4]\ndddd\neeee\n", "[page 4]\nffff\n"]
        );
        assert!(texts(vec![page(1, &[])], 10).is_empty());
    }

    #[test]
    fn no_window_is_longer_than_it_may_be_and_no_word_is_lost() {
        let row = "one two three äöü ".repeat(40) + &"x".repeat(95);
        let cut = windows(vec![page(3, &[&row, "end"])], 30);
        let rows: Vec<&str> =
            cut.iter().flat_map(|window| &window.rows).map(|(_, row)| row.as_str()).collect();
        assert_eq!(rows.concat(), format!("{row}end"));
        for window in &cut {
            assert!(window.rows.iter().map(|(_, row)| size(row)).sum::<usize>() <= 30, "{window:?}");
            assert_eq!(window.pages(), 3..=3);
        }
    }

    #[test]
    fn halves_are_the_whole() {
        let [window] = windows(vec![page(1, &["a"]), page(2, &["b", "c"])], 100).try_into().unwrap();
        let (first, second) = window.halves().unwrap();
        assert_eq!((first.text(), second.text()), ("[page 1]\na\n".into(), "[page 2]\nb\nc\n".into()));
        assert_eq!((first.pages(), second.pages()), (1..=1, 2..=2));
        assert_eq!(first.halves(), None);
    }
}
