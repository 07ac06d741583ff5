//! Single cells: quotes, what a spreadsheet would run, and lists.
//!
//! A spreadsheet runs a cell that begins with one of a few characters, also when it is quoted (OWASP, CSV
//! Injection). [`neutral`] puts a `'` before it, which makes it text there, and [`restore`] takes it off: whatever
//! text was written comes back.

use std::borrow::Cow;

/// What a formula begins with. The full-width forms are read as the plain ones by some.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－'];
/// The last of them.
const FULL_WIDTH_AT: char = '＠';
/// What makes a cell text.
const MARK: char = '\'';
/// What parts the elements of a list, and what stands before one that belongs to an element.
const LIST: char = ';';
const ESCAPE: char = '\\';

/// Whether the text, behind any marks, begins as a formula does.
fn is_formula(text: &str) -> bool {
    let behind = text.trim_start_matches(MARK).chars().next();
    behind.is_some_and(|first| FORMULA.contains(&first) || first == FULL_WIDTH_AT)
}

/// The text so that no spreadsheet runs it.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    match is_formula(text) {
        true => Cow::Owned(format!("{MARK}{text}")),
        false => Cow::Borrowed(text),
    }
}

/// The text that [`neutral`] was given.
pub(crate) fn restore(cell: &str) -> &str {
    match cell.strip_prefix(MARK) {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

/// Writes a cell, neutral and in quotes where it needs them.
pub(crate) fn push_cell(line: &mut Vec<u8>, text: &str) {
    let text = neutral(text);
    // White space at the ends is dropped by some readers, and `;` parts cells for others.
    let needs_quotes = |c: char| matches!(c, ',' | ';' | '"' | '\r' | '\n' | '\t');
    let is_plain = !text.contains(needs_quotes) && text.trim().len() == text.len() && !text.starts_with(MARK);
    if is_plain {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            line.extend_from_slice(b"\"\"");
        }
        line.extend_from_slice(part.as_bytes());
    }
    line.push(b'"');
}

/// The elements of a list in one cell, trimmed, without empty ones.
pub(crate) fn split_list(cell: &str) -> Vec<String> {
    let mut elements = vec![String::new()];
    let mut characters = cell.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match (character, next, elements.last_mut()) {
            (LIST, ..) => elements.push(String::new()),
            (ESCAPE, Some(next @ (LIST | ESCAPE)), Some(element)) => {
                element.push(next);
                characters.next();
            }
            (_, _, Some(element)) => element.push(character),
            (_, _, None) => {}
        }
    }
    elements.iter().map(|element| element.trim()).filter(|e| !e.is_empty()).map(str::to_owned).collect()
}

/// The list in one cell.
pub(crate) fn join_list<'e>(elements: impl IntoIterator<Item = &'e str>) -> String {
    let mut cell = String::new();
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            cell.push(LIST);
        }
        for character in element.chars() {
            if matches!(character, LIST | ESCAPE) {
                cell.push(ESCAPE);
            }
            cell.push(character);
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::super::Records;
    use super::*;

    #[test]
    fn whatever_was_written_comes_back_and_is_never_run() {
        let texts = [
            "a",
            "",
            "=1+2",
            "+49 170",
            "-5",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "＝1",
            "＠x",
            "'",
            "''",
            "'a",
            "'=1",
            "''=1",
            "'''+",
            "a=1",
            "=cmd|' /C calc'!A0",
            "\"=1\"",
            " =1",
            "x'=1",
            "a;b",
            "a,b",
            "a\"b",
            " a ",
            "a\n",
        ];
        for text in texts {
            let neutral = neutral(text);
            let first = neutral.chars().next();
            assert!(first.is_none_or(|c| !FORMULA.contains(&c) && c != FULL_WIDTH_AT), "{neutral:?}");
            assert_eq!(restore(&neutral), text);

            let mut line = Vec::new();
            push_cell(&mut line, text);
            line.extend_from_slice(b",end\r\n");
            let mut records = Records::new(b',', 1);
            assert_eq!(records.read(&line), (line.len() - 1, true), "{text:?}");
            let cells: Vec<&str> = records.cells().unwrap().iter().collect();
            assert_eq!(cells, [&*neutral, "end"]);
        }
    }

    #[test]
    fn cells_of_others_are_taken_as_they_are() {
        for (cell, text) in [
            ("'=1", "=1"),
            ("'+49170", "+49170"),
            ("''=1", "'=1"),
            ("=1", "=1"),
            ("'a", "'a"),
            ("'", "'"),
            ("' =1", "' =1"),
            ("’=1", "’=1"),
        ] {
            assert_eq!(restore(cell), text, "{cell:?}");
        }
    }

    #[test]
    fn lists() {
        for (cell, elements) in [
            ("", &[][..]),
            ("a", &["a"]),
            ("a;b", &["a", "b"]),
            (" a ; b ;", &["a", "b"]),
            (";;", &[]),
            (r"a\;b;c", &["a;b", "c"]),
            (r"a\\;b", &[r"a\", "b"]),
            (r"C:\x;b\", &[r"C:\x", r"b\"]),
            ("a,b", &["a,b"]),
        ] {
            assert_eq!(split_list(cell), elements, "{cell:?}");
            assert_eq!(split_list(&join_list(elements.iter().copied())), elements, "{cell:?}");
        }
    }
}
