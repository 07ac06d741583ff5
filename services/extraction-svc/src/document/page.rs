//! A page: words in reading order, and what stands above them as ranges of words.

use serde::{Deserialize, Serialize};

use super::Bounds;

/// A page. Of a workbook, a sheet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// From 1, in the document.
    pub number: u32,
    /// The name of a sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In points (1/72 inch); of a picture in pixels. Only their ratio says something of a synthetic page.
    pub width: f32,
    /// As `width`.
    pub height: f32,
    /// The format has no places: bounds are made up, in reading order and with columns under each other, and paths say
    /// where a text stands.
    #[serde(default, skip_serializing_if = "is_false")]
    pub synthetic: bool,
    /// By how many degrees the page has to be turned clockwise for its text to be level: -45 to 315.
    #[serde(default, skip_serializing_if = "is_level")]
    pub turned: f32,
    /// How its words were read.
    pub method: Method,
    /// What read them, e.g. `poppler`, `pp-ocrv6-small`, `tesseract`.
    pub reader: String,
    /// In reading order, hidden ones among them.
    pub words: Vec<Word>,
    /// In reading order. Each word stands in one line.
    pub lines: Vec<Line>,
    /// Tables that the format marks as such. Those that only look like one have `cells` in their lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
}

/// How words were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// They stand as text in the file.
    Text,
    /// From a picture.
    Ocr,
}

/// A word: what stands between blanks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Verbatim. Never empty, without blanks and control characters, at most 1,000 characters.
    pub text: String,
    /// Where.
    pub bounds: Bounds,
    /// A person does not see it: white on white, of no size, beside the page, `display: none`, a hidden row.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// How sure the OCR is, 0 to 1; `None` for what was text already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// A range of the words of a page: from `start` up to, and without, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first word.
    pub start: u32,
    /// After the last word.
    pub end: u32,
}

/// A line as a person reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Around its words.
    pub bounds: Bounds,
    /// Its words, from left to right (in a right-to-left script, as it is read).
    pub words: Span,
    /// What stands apart within the line: the cells of a table's row, or words parted by a wide gap. Together they are
    /// `words`; never empty.
    pub cells: Vec<Span>,
    /// Lines with the same number belong together: a paragraph, a block of the layout, a row of a table. Rises down the
    /// page.
    pub block: u32,
    /// Where it stands in a file without places, e.g. `body/p[12]`, `header/p[1]`, `line[7]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A table that the format marks as one; of a workbook, the sheet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Where it stands, e.g. `body/table[1]`, `'Sheet 1'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Cells that hold text, by row and column.
    pub cells: Vec<TableCell>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableCell {
    /// From 0, in the table.
    pub row: u32,
    /// From 0, in the table.
    pub column: u32,
    /// Over how many rows it goes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub row_span: u32,
    /// Over how many columns it goes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub column_span: u32,
    /// The format says that it heads its row or column.
    #[serde(default, skip_serializing_if = "is_false")]
    pub header: bool,
    /// Around its words.
    pub bounds: Bounds,
    /// Its words: one range a line.
    pub words: Vec<Span>,
    /// Where it stands, e.g. `'Sheet 1'!B7`, `body/table[1]/row[2]/cell[3]`.
    pub path: String,
}

impl Span {
    /// The range of these words.
    pub fn new(start: usize, end: usize) -> Span {
        // A page has far fewer words than fit; what does not fit is an empty range, which validation refuses.
        Span { start: u32::try_from(start).unwrap_or(0), end: u32::try_from(end).unwrap_or(0) }
    }

    /// As a range of indices.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many words.
    pub fn len(&self) -> usize {
        self.range().len()
    }

    /// Whether it has no word.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}

impl Page {
    /// The words of a range; none when the range is not one of this page.
    pub fn words(&self, span: Span) -> &[Word] {
        self.words.get(span.range()).unwrap_or_default()
    }

    /// The words of a range, one blank between them.
    pub fn text(&self, span: Span) -> String {
        let mut text = String::new();
        for word in self.words(span) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&word.text);
        }
        text
    }
}

// serde's signatures.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_level(turned: &f32) -> bool {
    *turned == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_one(value: &u32) -> bool {
    *value == 1
}

fn one() -> u32 {
    1
}
