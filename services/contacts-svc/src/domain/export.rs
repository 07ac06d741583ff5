//! Exports: contacts as CSV or as lines of JSON.

use svc_core::clock::Timestamp;
use svc_core::json::{self, Json, Next};

use super::import::Formats;
use super::{Contact, FieldSet, FieldType, JsonText};
use crate::csv::{join_list, push_cell, split_list};

/// What a contact is written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    /// Cells in columns. These custom fields have one each; all others share one.
    Csv(Vec<(String, FieldType)>),
    /// A JSON object a line.
    Ndjson,
}

/// The columns before those of custom fields.
const COLUMNS: [&str; 15] = [
    "id",
    "status",
    "createdAt",
    "updatedAt",
    "archivedAt",
    "version",
    "externalReferenceId",
    "name",
    "email",
    "mobileNumber",
    "gender",
    "stage",
    "source",
    "tags",
    "notes",
];
/// The column of the custom fields that have none of their own.
const OTHERS: &str = "customFields";
const LINE_END: &[u8] = b"\r\n";

impl ExportFormat {
    /// CSV with a column for each field that is declared.
    pub(crate) fn csv(set: &FieldSet) -> ExportFormat {
        ExportFormat::Csv(set.fields.iter().map(|field| (field.key.clone(), field.kind)).collect())
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            ExportFormat::Csv(_) => "text/csv; charset=utf-8",
            ExportFormat::Ndjson => "application/x-ndjson",
        }
    }

    /// What comes before the first contact.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        let ExportFormat::Csv(own) = self else { return };
        let own = own.iter().map(|(key, _)| format!("{OTHERS}.{key}"));
        let names = COLUMNS.iter().map(|name| (*name).to_owned()).chain(own).chain([OTHERS.to_owned()]);
        cells(out, names);
    }

    /// One contact.
    pub(crate) fn write(&self, contact: &Contact, out: &mut Vec<u8>) {
        match self {
            ExportFormat::Csv(own) => csv(contact, own, out),
            ExportFormat::Ndjson => ndjson(contact, out),
        }
    }
}

fn cells(out: &mut Vec<u8>, cells: impl IntoIterator<Item = String>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_cell(out, &cell);
    }
    out.extend_from_slice(LINE_END);
}

fn csv(contact: &Contact, own: &[(String, FieldType)], out: &mut Vec<u8>) {
    let fields = &contact.fields;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let fixed = [
        contact.id.clone(),
        contact.status.as_str().to_owned(),
        contact.created_at.to_string(),
        contact.updated_at.to_string(),
        contact.archived_at.map(|time| time.to_string()).unwrap_or_default(),
        contact.version.to_string(),
        text(&fields.external_reference_id),
        text(&fields.name),
        text(&fields.email),
        text(&fields.mobile_number),
        text(&fields.gender),
        fields.stage.map(|stage| stage.as_str().to_owned()).unwrap_or_default(),
        text(&fields.source),
        join_list(fields.tags.iter().map(String::as_str)),
        text(&fields.notes),
    ];
    // What no import would read from its cell stands with the others.
    let in_cells: Vec<Option<String>> =
        own.iter().map(|(key, of)| cell(*of, fields.custom_fields.get(key)?)).collect();
    let has_cell =
        |name: &String| own.iter().zip(&in_cells).any(|((key, _), cell)| key == name && cell.is_some());
    let mut others = vec![b'{'];
    for (name, json) in &fields.custom_fields {
        // An import would take it for a field that is to be removed.
        if has_cell(name) || json.is_null() {
            continue;
        }
        if others.len() > 1 {
            others.push(b',');
        }
        json::string(&mut others, name);
        others.push(b':');
        others.extend_from_slice(json.as_bytes());
    }
    others.push(b'}');
    let others = match others.len() {
        2 => String::new(),
        _ => String::from_utf8_lossy(&others).into_owned(),
    };
    let in_cells = in_cells.into_iter().map(Option::unwrap_or_default);
    cells(out, fixed.into_iter().chain(in_cells).chain([others]));
}

/// A value as an import reads it from the cell of a field; `None` where it would read something else.
fn cell(of: FieldType, json: &JsonText) -> Option<String> {
    let mut reader = Json::new(json.as_bytes()).ok()?;
    match (of, reader.peek().ok()?) {
        (FieldType::Number, Next::Number) => {
            let read = Formats::default().number(json)?;
            (*read == **json).then_some(read)
        }
        (FieldType::Boolean, Next::Bool) => Some(json.to_string()),
        (FieldType::MultiSelect, Next::Array) => {
            let mut elements = Vec::new();
            reader.open().ok()?;
            while reader.element(elements.is_empty()).ok()? {
                if reader.peek().ok()? != Next::String {
                    return None;
                }
                elements.push(reader.string().ok()?.into_owned());
            }
            let cell = join_list(elements.iter().map(String::as_str));
            (!elements.is_empty() && split_list(&cell) == elements).then_some(cell)
        }
        (FieldType::Number | FieldType::Boolean | FieldType::MultiSelect, _) => None,
        (of, Next::String) => {
            let text = reader.string().ok()?.into_owned();
            let is_read = match of {
                FieldType::Date => Formats::default().date(&text).as_ref() == Some(&text),
                // An empty cell says nothing, and white space at the ends of one is not kept.
                _ => !text.is_empty() && text.trim().len() == text.len(),
            };
            is_read.then_some(text)
        }
        _ => None,
    }
}

fn ndjson(contact: &Contact, out: &mut Vec<u8>) {
    let fields = &contact.fields;
    let mut line = Line { out, is_first: true };
    let time = |time: Timestamp| time.to_string();
    line.text("id", Some(&contact.id));
    line.text("externalReferenceId", fields.external_reference_id.as_deref());
    line.text("name", fields.name.as_deref());
    line.text("email", fields.email.as_deref());
    line.text("mobileNumber", fields.mobile_number.as_deref());
    line.text("gender", fields.gender.as_deref());
    line.text("stage", fields.stage.map(|stage| stage.as_str()));
    line.text("status", Some(contact.status.as_str()));
    line.text("source", fields.source.as_deref());
    line.name("tags");
    line.out.push(b'[');
    for (index, tag) in fields.tags.iter().enumerate() {
        if index > 0 {
            line.out.push(b',');
        }
        json::string(line.out, tag);
    }
    line.out.push(b']');
    line.text("notes", fields.notes.as_deref());
    line.name("customFields");
    line.out.push(b'{');
    for (index, (name, value)) in fields.custom_fields.iter().enumerate() {
        if index > 0 {
            line.out.push(b',');
        }
        json::string(line.out, name);
        line.out.push(b':');
        line.out.extend_from_slice(value.as_bytes());
    }
    line.out.push(b'}');
    line.text("createdAt", Some(&time(contact.created_at)));
    line.text("updatedAt", Some(&time(contact.updated_at)));
    line.text("archivedAt", contact.archived_at.map(time).as_deref());
    line.name("version");
    line.out.extend_from_slice(contact.version.to_string().as_bytes());
    line.out.extend_from_slice(b"}\n");
}

struct Line<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl Line<'_> {
    fn name(&mut self, name: &str) {
        self.out.push(if self.is_first { b'{' } else { b',' });
        self.is_first = false;
        json::string(self.out, name);
        self.out.push(b':');
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        self.name(name);
        match text {
            Some(text) => json::string(self.out, text),
            None => self.out.extend_from_slice(b"null"),
        }
    }
}
