//! Workbooks of Office Open XML: a sheet is a page and a table. Cells are read one after the other: what is between
//! them takes no memory, however far they are apart.

mod hidden;
mod value;

use std::io::Cursor;

use calamine::{Dimensions, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::archive::Archive;
use super::layout::{Flow, FlowCell};
use super::{Output, ReadError};
use crate::document::{Kind, NoticeKind};
use hidden::Hidden;

/// The most merged ranges of a sheet that are looked at.
const MAX_MERGED: usize = 10_000;

/// Reads a workbook whose main part is this.
pub(crate) fn read(
    bytes: &[u8],
    archive: &mut Archive<'_>,
    main: &str,
    output: &mut Output<'_>,
) -> Result<(), ReadError> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| refused(&error))?;
    let sheets: Vec<_> = workbook.sheets_metadata().to_vec();
    output.head(Kind::Xlsx, u32::try_from(sheets.len()).unwrap_or(u32::MAX))?;
    let parts = hidden::parts(archive, main)?;
    let mut first_error = None;
    let mut is_read = false;
    for (number, sheet) in (1_u32..).zip(&sheets) {
        if sheet.typ != SheetType::WorkSheet {
            continue;
        }
        let part = parts.iter().find(|(name, _)| *name == sheet.name).map(|(_, part)| part.as_str());
        let hidden = match part {
            Some(part) => Hidden::read(archive, part)?,
            None => Hidden::default(),
        };
        let is_hidden = sheet.visible != SheetVisible::Visible;
        let (cells, error) = cells(&mut workbook, &sheet.name, &hidden, is_hidden, output)?;
        if let Some(error) = error {
            output.notice(NoticeKind::Damaged, Some(number), "a part of the sheet");
            first_error.get_or_insert(error);
        } else {
            is_read = true;
        }
        is_read |= !cells.is_empty();
        let mut flow = Flow::default();
        flow.table(Some(&quoted(&sheet.name)), cells);
        if let Some(page) = flow.into_page(number, Some(sheet.name.clone())) {
            output.page(page)?;
        }
    }
    match first_error {
        // Nothing at all could be read: that is no workbook.
        Some(error) if !is_read => Err(error),
        _ => output.end(),
    }
}

/// The cells of a sheet, and what ended it before its end.
fn cells(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    sheet: &str,
    hidden: &Hidden,
    is_hidden: bool,
    output: &Output<'_>,
) -> Result<(Vec<FlowCell>, Option<ReadError>), ReadError> {
    let mut merged = workbook.merge_cells_by_sheet_name(sheet).unwrap_or_default();
    merged.truncate(MAX_MERGED);
    merged.sort_unstable_by_key(|range| range.start);
    let mut reader = match workbook.worksheet_cells_reader(sheet) {
        Ok(reader) => reader,
        Err(error) => return Ok((Vec::new(), Some(refused(&error)))),
    };
    let styles = reader.styles().to_vec();
    let unseen: Vec<bool> = styles.iter().map(value::is_unseen).collect();
    let percent: Vec<bool> = styles.iter().map(value::is_percent).collect();
    let (mut cells, mut words) = (Vec::new(), 0);
    loop {
        let (cell, style) = match reader.next_cell_with_style_id() {
            Ok(Some(read)) => read,
            Ok(None) => return Ok((cells, None)),
            Err(error) => return Ok((cells, Some(refused(&error)))),
        };
        let (row, column) = cell.get_position();
        let is_percent = percent.get(style).copied().unwrap_or(false);
        let Some(text) = value::text(cell.get_value(), is_percent) else { continue };
        let unseen = is_hidden || hidden.has(row, column) || unseen.get(style).copied().unwrap_or(false);
        let mut flow = Flow::default();
        for line in text.lines() {
            flow.text(line, unseen);
            flow.end_line();
        }
        words += flow.words();
        if words > output.words_left() {
            return Err(output.too_many_words());
        }
        if !flow.is_empty() {
            let (row_span, column_span) = span(&merged, row, column);
            let path = format!("{}!{}", quoted(sheet), address(row, column));
            cells.push(FlowCell { row, column, row_span, column_span, header: false, path, flow });
        }
    }
}

/// Over how many rows and columns a cell goes.
fn span(merged: &[Dimensions], row: u32, column: u32) -> (u32, u32) {
    let found = merged.binary_search_by_key(&(row, column), |range| range.start);
    match found.ok().and_then(|at| merged.get(at)) {
        Some(range) => (
            range.end.0.saturating_sub(row).saturating_add(1),
            range.end.1.saturating_sub(column).saturating_add(1),
        ),
        None => (1, 1),
    }
}

/// A cell's name, e.g. `B7`.
fn address(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters
        .iter()
        .rev()
        .chain(u64::from(row).saturating_add(1).to_string().chars().collect::<Vec<_>>().iter())
        .collect()
}

fn quoted(sheet: &str) -> String {
    match sheet.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => sheet.to_owned(),
        false => format!("'{}'", sheet.replace('\'', "''")),
    }
}

fn refused(error: &XlsxError) -> ReadError {
    match error {
        XlsxError::Password => ReadError::PasswordProtected,
        _ => ReadError::unreadable("a part of the workbook is damaged"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_names_that_people_know() {
        let cases = [
            ((0, 0), "A1"),
            ((6, 1), "B7"),
            ((0, 25), "Z1"),
            ((0, 26), "AA1"),
            ((1_048_575, 16_383), "XFD1048576"),
        ];
        for ((row, column), expected) in cases {
            assert_eq!(address(row, column), expected);
        }
        assert_eq!([quoted("Sheet1"), quoted("It's 1")], ["Sheet1", "'It''s 1'"]);
    }
}
