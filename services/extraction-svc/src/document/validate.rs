//! What must hold of a document before anything uses it: the process that made it has read a stranger's file.

use super::{Bounds, Document, Line, Page, Span, Table, Word};

/// The most characters of a word. Longer ones are cut by readers.
pub const MAX_WORD_CHARACTERS: usize = 1_000;
/// The most characters of a path or of a name.
pub const MAX_NAME_CHARACTERS: usize = 500;
/// The most attachments and notices of a document.
pub const MAX_LISTED: usize = 1_000;

/// What is wrong with a document. It names the rule, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(&'static str);

impl Page {
    /// Whether it is as its type says: ranges within its words, bounds within the page, words that are words.
    pub fn validate(&self) -> Result<(), Invalid> {
        let sizes = [self.width, self.height];
        rule(self.number > 0, "a page has no number")?;
        rule(sizes.iter().all(|size| size.is_finite() && *size > 0.0), "a page has no size")?;
        rule((-45.0..=315.0).contains(&self.turned), "a page is turned by no angle")?;
        rule(is_name(&self.reader), "a reader has no name")?;
        rule(self.name.as_deref().is_none_or(is_name), "the name of a page is too long")?;
        self.words.iter().try_for_each(check_word)?;
        // Each word stands in one line, in order: lines cannot be more than words.
        let mut next = 0;
        for line in &self.lines {
            check_line(line, &mut next)?;
        }
        rule(next as usize == self.words.len(), "a word stands in no line")?;
        self.tables.iter().try_for_each(|table| self.check_table(table))
    }

    fn check_table(&self, table: &Table) -> Result<(), Invalid> {
        rule(table.path.as_deref().is_none_or(is_name), "the path of a table is too long")?;
        // Each cell has a word at least, and each word stands in one cell.
        rule(table.cells.len() <= self.words.len(), "a table has more cells than words")?;
        for cell in &table.cells {
            let ends = [(cell.row, cell.row_span), (cell.column, cell.column_span)];
            let fits = ends.iter().all(|(at, span)| *span > 0 && at.checked_add(*span).is_some());
            rule(fits, "a cell goes over no row or column")?;
            rule(is_name(&cell.path), "the path of a cell is too long")?;
            check_bounds(&cell.bounds)?;
            rule(!cell.words.is_empty(), "a cell has no words")?;
            for span in &cell.words {
                rule(!span.is_empty() && span.end as usize <= self.words.len(), "a cell has no words")?;
            }
        }
        Ok(())
    }
}

impl Document {
    /// Whether it is as its type says.
    pub fn validate(&self) -> Result<(), Invalid> {
        let listed = [self.attachments.len(), self.notices.len()];
        rule(listed.iter().all(|count| *count <= MAX_LISTED), "too much is listed")?;
        for attachment in &self.attachments {
            rule(is_name(&attachment.name), "the name of an attachment is too long")?;
            rule(is_name(&attachment.media_type), "the media type of an attachment is too long")?;
        }
        rule(self.notices.iter().all(|notice| is_name(&notice.detail)), "a notice is too long")?;
        let mut last = 0;
        for page in &self.pages {
            rule(page.number > last && page.number <= self.page_count, "pages are out of order")?;
            last = page.number;
            page.validate()?;
        }
        Ok(())
    }
}

fn rule(holds: bool, otherwise: &'static str) -> Result<(), Invalid> {
    match holds {
        true => Ok(()),
        false => Err(Invalid(otherwise)),
    }
}

fn check_word(word: &Word) -> Result<(), Invalid> {
    // Bytes first: counting characters of what is far too long would take long.
    let short =
        word.text.len() <= MAX_WORD_CHARACTERS || word.text.chars().nth(MAX_WORD_CHARACTERS).is_none();
    rule(!word.text.is_empty() && short, "a word is empty or too long")?;
    rule(!word.text.chars().any(|c| c.is_control() || c.is_whitespace()), "a word has blanks or controls")?;
    rule(word.confidence.is_none_or(|c| (0.0..=1.0).contains(&c)), "a confidence is none")?;
    check_bounds(&word.bounds)
}

fn check_line(line: &Line, next: &mut u32) -> Result<(), Invalid> {
    rule(line.words.start == *next && !line.words.is_empty(), "lines do not follow each other")?;
    rule(line.path.as_deref().is_none_or(is_name), "the path of a line is too long")?;
    check_bounds(&line.bounds)?;
    let mut at = line.words.start;
    for Span { start, end } in &line.cells {
        rule(*start == at && end > start, "cells do not follow each other")?;
        at = *end;
    }
    rule(at == line.words.end, "cells are not their line")?;
    *next = line.words.end;
    Ok(())
}

fn check_bounds(bounds: &Bounds) -> Result<(), Invalid> {
    rule(bounds.is_valid(), "bounds go over the page")
}

fn is_name(text: &str) -> bool {
    text.len() <= 4 * MAX_NAME_CHARACTERS && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Method};
    use super::*;

    fn page() -> Page {
        let word = |text: &str| Word {
            text: text.to_owned(),
            bounds: Bounds { left: 0.1, top: 0.1, width: 0.1, height: 0.1 },
            hidden: false,
            confidence: None,
        };
        let bounds = Bounds { left: 0.1, top: 0.1, width: 0.2, height: 0.1 };
        let cells = vec![Span::new(0, 1), Span::new(1, 2)];
        Page {
            number: 1,
            name: None,
            width: 595.0,
            height: 842.0,
            synthetic: false,
            turned: 0.0,
            method: Method::Text,
            reader: "poppler".to_owned(),
            words: vec![word("Total"), word("9.00")],
            lines: vec![Line { bounds, words: Span::new(0, 2), cells, block: 0, path: None }],
            tables: Vec::new(),
        }
    }

    #[test]
    fn what_a_compromised_reader_could_say_is_refused() {
        type Change = fn(&mut Page);
        let cases: [(&str, Change); 14] = [
            ("a page has no number", |page| page.number = 0),
            ("a page has no size", |page| page.width = f32::NAN),
            ("a page has no size", |page| page.height = 0.0),
            ("a word is empty or too long", |page| page.words[0].text.clear()),
            ("a word is empty or too long", |page| page.words[0].text = "x".repeat(1_001)),
            ("a word has blanks or controls", |page| page.words[0].text = "a\u{1b}[2J".to_owned()),
            ("a word has blanks or controls", |page| page.words[0].text = "a b".to_owned()),
            ("a confidence is none", |page| page.words[0].confidence = Some(f32::INFINITY)),
            ("bounds go over the page", |page| page.words[1].bounds.left = 0.95),
            ("bounds go over the page", |page| page.words[1].bounds.top = -0.5),
            ("lines do not follow each other", |page| page.lines[0].words.start = 1),
            ("cells are not their line", |page| page.lines[0].cells.truncate(1)),
            ("a word stands in no line", |page| page.lines.clear()),
            ("cells are not their line", |page| page.lines[0].words.end = u32::MAX),
        ];
        assert_eq!(page().validate(), Ok(()));
        for (rule, change) in cases {
            let mut page = page();
            change(&mut page);
            assert_eq!(page.validate(), Err(Invalid(rule)));
        }
    }

    #[test]
    fn a_document_has_its_pages_in_order() {
        let document = |numbers: &[u32], page_count| Document {
            kind: Kind::Pdf,
            page_count,
            pages: numbers.iter().map(|number| Page { number: *number, ..page() }).collect(),
            attachments: Vec::new(),
            notices: Vec::new(),
            languages: Vec::new(),
        };
        assert_eq!(document(&[1, 3], 3).validate(), Ok(()));
        for (numbers, count) in [(&[2, 1][..], 2), (&[1, 1], 2), (&[1, 2], 1)] {
            assert_eq!(document(numbers, count).validate(), Err(Invalid("pages are out of order")));
        }
    }
}
