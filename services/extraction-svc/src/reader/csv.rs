//! Values parted by a character: a table whose rows are records.

use ::csv::ReaderBuilder;

use super::layout::{Flow, FlowCell};
use super::{Output, ReadError};
use crate::document::Kind;

/// What may part values.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// From how many lines it is told whether a text is a table.
const SAMPLE_LINES: usize = 50;
/// The most columns that are read: beyond, it is no table that a person made.
const MAX_COLUMNS: usize = 16_384;

/// What parts the values of a text, if it is such a table.
pub(crate) fn delimiter(text: &str) -> Option<u8> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect();
    if lines.len() < 2 {
        return None;
    }
    let scores = DELIMITERS.iter().filter_map(|delimiter| Some((score(&lines, *delimiter)?, *delimiter)));
    scores.max_by_key(|(score, _)| *score).map(|(_, delimiter)| delimiter)
}

/// How many values the delimiter parts; `None` when it looks like punctuation.
fn score(lines: &[&str], delimiter: u8) -> Option<usize> {
    let (mut with, mut values, mut loose, mut same) = (0, 0, 0, 0);
    let mut before = 0;
    for line in lines {
        let (count, spaced) = delimiters(line, delimiter);
        with += usize::from(count > 0);
        values += count;
        loose += spaced;
        same += usize::from(count > 0 && count == before);
        before = count;
    }
    // In prose a comma is followed by a blank, and lines do not agree about how many there are.
    let is_tight = delimiter == b'\t' || loose * 4 <= values;
    let is_table = with * 10 >= lines.len() * 7 && (same * 3 >= lines.len() || same >= 3 || lines.len() < 4);
    (is_tight && is_table).then_some(values)
}

/// How often the delimiter stands outside quotes, and how often a blank follows it.
fn delimiters(line: &str, delimiter: u8) -> (usize, usize) {
    let (mut count, mut spaced, mut quoted) = (0, 0, false);
    let bytes = line.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            byte if *byte == delimiter && !quoted => {
                count += 1;
                spaced += usize::from(bytes.get(at + 1) == Some(&b' '));
            }
            _ => {}
        }
    }
    (count, spaced)
}

/// Reads the table.
pub(crate) fn read(text: &str, delimiter: u8, output: &mut Output<'_>) -> Result<(), ReadError> {
    output.head(Kind::Csv, 1)?;
    let mut reader = ReaderBuilder::new();
    let mut reader =
        reader.delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let (mut cells, mut words) = (Vec::new(), 0);
    for (row, record) in (0_u32..).zip(reader.records()) {
        let record = record.map_err(|_| ReadError::unreadable("a record of the table is broken"))?;
        for (column, value) in (0_u32..).zip(record.iter().take(MAX_COLUMNS)) {
            let mut flow = Flow::default();
            flow.text(value, false);
            words += flow.words();
            if words > output.words_left() {
                return Err(output.too_many_words());
            }
            if !flow.is_empty() {
                let path = format!("row[{}]/column[{}]", row + 1, column + 1);
                cells.push(FlowCell { row, column, row_span: 1, column_span: 1, header: false, path, flow });
            }
        }
    }
    let mut flow = Flow::default();
    flow.table(None, cells);
    if let Some(page) = flow.into_page(1, None) {
        output.page(page)?;
    }
    output.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_told_from_prose() {
        let cases: [(&str, Option<u8>); 9] = [
            ("a,b,c\n1,2,3\n4,5,6", Some(b',')),
            ("\"Statement; May\";\"Bank\"\n\"IBAN\";\"NL14\"\n\n2024-06-01;-750,74;717,19\n", Some(b';')),
            ("a\tb\n1\t2\n", Some(b'\t')),
            ("name|amount\nx|1\ny|2\nz|3\n", Some(b'|')),
            ("Dear Sir, we thank you,\nfor your letter, and\nremain, as ever,\nyours", None),
            ("One line, only", None),
            ("This Agreement (the \"Agreement\")\nis made between the parties\nA, B, and C.", None),
            ("", None),
            ("1,5\n2,5\n", Some(b',')),
        ];
        for (text, expected) in cases {
            assert_eq!(delimiter(text), expected, "{text:?}");
        }
    }
}
