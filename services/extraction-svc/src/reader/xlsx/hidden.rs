//! Rows and columns that a workbook does not show.

use std::collections::HashSet;

use quick_xml::events::{BytesStart, Event};

use super::super::archive::Archive;
use super::super::{ReadError, xml};

/// The most hidden rows of a sheet that are told apart; a sheet has a million.
const MAX_ROWS: usize = 1 << 20;
/// The most ranges of hidden columns.
const MAX_COLUMNS: usize = 1_000;

/// What a sheet does not show.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    rows: HashSet<u32>,
    /// First and last.
    columns: Vec<(u32, u32)>,
}

impl Hidden {
    /// Whether a cell is in a hidden row or column.
    pub(super) fn has(&self, row: u32, column: u32) -> bool {
        self.rows.contains(&row)
            || self.columns.iter().any(|(first, last)| (*first..=*last).contains(&column))
    }

    /// Looks through a sheet. What is damaged hides nothing.
    pub(super) fn read(archive: &mut Archive<'_>, part: &str) -> Result<Hidden, ReadError> {
        let mut hidden = Hidden::default();
        let Some(source) = archive.xml(part)? else { return Ok(hidden) };
        if !source.contains("hidden=") {
            return Ok(hidden);
        }
        let mut reader = xml::reader(&source);
        let mut row = 0_u32;
        loop {
            match reader.read_event() {
                Ok(Event::Start(element) | Event::Empty(element)) => match element.local_name().as_ref() {
                    "row" => {
                        let number = xml::attribute(&element, "r").and_then(|number| number.parse().ok());
                        row = number.unwrap_or_else(|| row.saturating_add(1));
                        if is_hidden(&element) && hidden.rows.len() < MAX_ROWS {
                            hidden.rows.insert(row.saturating_sub(1));
                        }
                    }
                    "col" if is_hidden(&element) && hidden.columns.len() < MAX_COLUMNS => {
                        let number =
                            |name: &str| xml::attribute(&element, name)?.parse::<u32>().ok()?.checked_sub(1);
                        if let (Some(first), Some(last)) = (number("min"), number("max")) {
                            hidden.columns.push((first, last));
                        }
                    }
                    _ => {}
                },
                Ok(Event::Eof) | Err(_) => return Ok(hidden),
                Ok(_) => {}
            }
        }
    }
}

fn is_hidden(element: &BytesStart<'_>) -> bool {
    xml::attribute(element, "hidden").is_some_and(|value| value == "1" || value == "true")
}

/// The names of the sheets, each with its part.
pub(super) fn parts(archive: &mut Archive<'_>, main: &str) -> Result<Vec<(String, String)>, ReadError> {
    let Some(source) = archive.xml(main)? else { return Ok(Vec::new()) };
    let relations = archive.relations(main)?;
    let (mut reader, mut parts) = (xml::reader(&source), Vec::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) if element.local_name().as_ref() == "sheet" => {
                let (name, id) = (xml::attribute(&element, "name"), xml::attribute(&element, "id"));
                let part = relations.iter().find(|relation| Some(&relation.id) == id.as_ref());
                if let (Some(name), Some(part)) = (name, part) {
                    parts.push((name, part.target.clone()));
                }
            }
            Ok(Event::Eof) | Err(_) => return Ok(parts),
            Ok(_) => {}
        }
    }
}
