//! One row of an import: cells become what a caller would send for one contact.

use svc_core::error::{Fault, Violation};
use svc_core::json::value::{self, Lenience};
use svc_core::json::{self, Json, Next};
use svc_core::wire::Writer;

use super::columns::{CellType, Column};
use super::locale::Formats;
use crate::csv::{Cells, restore, split_list};
use crate::domain::bulk::Upsert;
use crate::domain::{ContactFields, CustomFields, JsonText, Stage};

/// How cells are understood.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) columns: Vec<Column>,
    pub(crate) formats: Formats,
}

impl Reading {
    /// The row; an error says that its cells are not those of the columns.
    pub(crate) fn row(&self, cells: Cells<'_>) -> Result<Upsert, Violation> {
        if cells.len() != self.columns.len() {
            let counted = |count: usize, what: &str| match count {
                1 => format!("1 {what}"),
                count => format!("{count} {what}s"),
            };
            let (has, wants) = (counted(cells.len(), "cell"), counted(self.columns.len(), "column"));
            let message = format!("The row has {has}, where the first line has {wants}.");
            return Err(Violation::new("row", Fault::Invalid, message));
        }
        let mut fields = ContactFields::default();
        let mut violations = Vec::new();
        let mut id = None;
        for (column, cell) in self.columns.iter().zip(cells.iter()) {
            let text = restore(cell);
            // The reference alone is taken as it is: white space may be a part of it.
            if text.trim().is_empty() {
                continue;
            }
            let verdict = match column {
                Column::Id => set(&mut id, Ok(text.trim().to_owned())),
                column => self.set(column, text, &mut fields),
            };
            if let Err((fault, rule)) = verdict {
                let field = column.field();
                let message = format!("`{field}` {rule}.");
                violations.push(Violation::new(field, fault, message));
            }
        }
        Ok(Upsert { id, fields, violations })
    }

    fn set(&self, column: &Column, text: &str, fields: &mut ContactFields) -> Result<(), (Fault, String)> {
        let owned = || Ok(text.to_owned());
        match column {
            Column::LeftOut | Column::Id => Ok(()),
            Column::ExternalReferenceId => set(&mut fields.external_reference_id, owned()),
            Column::Name => set(&mut fields.name, owned()),
            Column::Email => set(&mut fields.email, owned()),
            Column::MobileNumber => set(&mut fields.mobile_number, owned()),
            Column::Gender => set(&mut fields.gender, owned()),
            Column::Stage => set(&mut fields.stage, stage(text.trim())),
            Column::Source => set(&mut fields.source, owned()),
            Column::Tags => {
                fields.tags = split_list(text);
                Ok(())
            }
            Column::Notes => set(&mut fields.notes, owned()),
            Column::Custom(key, of) => put(&mut fields.custom_fields, key, self.value(*of, text)?),
            Column::Customs => {
                for (name, value) in object(text.trim())? {
                    put(&mut fields.custom_fields, &name, value)?;
                }
                Ok(())
            }
        }
    }

    fn value(&self, of: CellType, text: &str) -> Result<JsonText, (Fault, String)> {
        let trimmed = text.trim();
        match of {
            CellType::Text => Ok(string(trimmed)),
            CellType::Number => {
                let rule =
                    || (Fault::Invalid, "is not a number as it was said that they are written".to_owned());
                self.formats.number(trimmed).and_then(|number| canonical(&number)).ok_or_else(rule)
            }
            CellType::Date => {
                let rule =
                    || (Fault::Invalid, "is not a date as it was said that they are written".to_owned());
                self.formats.date(trimmed).map(|date| string(&date)).ok_or_else(rule)
            }
            CellType::Boolean => {
                let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(trimmed));
                match (is(["true", "yes", "1"]), is(["false", "no", "0"])) {
                    (true, _) => Ok(JsonText::new("true")),
                    (_, true) => Ok(JsonText::new("false")),
                    _ => Err((Fault::Invalid, "is neither `true` nor `false`".to_owned())),
                }
            }
            CellType::List => {
                let mut list = vec![b'['];
                for (index, element) in split_list(text).iter().enumerate() {
                    if index > 0 {
                        list.push(b',');
                    }
                    json::string(&mut list, element);
                }
                list.push(b']');
                Ok(JsonText::new(String::from_utf8_lossy(&list)))
            }
        }
    }
}

fn set<T>(place: &mut Option<T>, value: Result<T, (Fault, String)>) -> Result<(), (Fault, String)> {
    *place = Some(value?);
    Ok(())
}

fn put(fields: &mut CustomFields, key: &str, value: JsonText) -> Result<(), (Fault, String)> {
    match fields.insert(key.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err((Fault::Duplicate, "is set by two columns".to_owned())),
    }
}

fn stage(text: &str) -> Result<Stage, (Fault, String)> {
    let rule = || (Fault::Invalid, "is none of `LEAD`, `PROSPECT`, `CUSTOMER` and `OLD_CUSTOMER`".to_owned());
    Stage::from_str(&text.to_ascii_uppercase()).ok_or_else(rule)
}

fn string(text: &str) -> JsonText {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    json::string(&mut quoted, text);
    JsonText::new(String::from_utf8_lossy(&quoted))
}

/// The members of a JSON object, as compact text each.
fn object(text: &str) -> Result<Vec<(String, JsonText)>, (Fault, String)> {
    let read = || {
        let mut json = Json::new(text.as_bytes())?;
        if json.peek()? != Next::Object {
            return Err(json.broken("an object is expected"));
        }
        json.open()?;
        let mut members = Vec::new();
        while let Some(name) = json.member(members.is_empty())? {
            let name = name.into_owned();
            match canonical(json.raw()?) {
                Some(value) => members.push((name, value)),
                None => return Err(json.broken("a value is expected")),
            }
        }
        json.end()?;
        Ok(members)
    };
    read().map_err(|_| (Fault::Invalid, "is not a JSON object".to_owned()))
}

/// A value in the one form in which it is stored.
fn canonical(text: &str) -> Option<JsonText> {
    let mut wire = Writer::with_capacity(text.len() * 2);
    let mut json = Json::new(text.as_bytes()).ok()?;
    value::read(&mut json, &mut wire).ok()?;
    json.end().ok()?;
    let mut out = Vec::with_capacity(text.len());
    value::write(&mut out, &wire.finish(), Lenience::Refuse).ok()?;
    String::from_utf8(out).ok().map(JsonText::new)
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
