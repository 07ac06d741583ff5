//! What the columns of an import are.

use std::collections::{BTreeMap, HashMap};

use svc_core::error::{Fault, Violation};

/// What a cell of a custom field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellType {
    Text,
    Number,
    Date,
    Boolean,
    /// Several texts.
    List,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Nobody reads it.
    LeftOut,
    /// Our id of a contact that exists.
    Id,
    ExternalReferenceId,
    Name,
    Email,
    MobileNumber,
    Gender,
    Stage,
    Source,
    Tags,
    Notes,
    /// One custom field.
    Custom(String, CellType),
    /// Custom fields as a JSON object.
    Customs,
}

/// The most problems of a first line that are told.
const PROBLEMS_MAX: usize = 20;
/// How much of a name of another's making is shown.
const SHOWN: usize = 40;
const CUSTOM: &str = "customFields";

/// How a caller names the columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naming {
    /// What a column of a name is: a name of ours, or nothing where it is left out.
    pub(crate) mapping: BTreeMap<String, String>,
    /// Whether columns that nobody knows are left out.
    pub(crate) ignore_unknown: bool,
}

/// The columns that a first line names, or everything that is wrong with it. `custom` knows the custom fields.
pub(crate) fn columns<'n>(
    names: impl IntoIterator<Item = &'n str>,
    naming: &Naming,
    custom: impl Fn(&str) -> Option<CellType>,
) -> Result<Vec<Column>, Vec<Violation>> {
    let mut problems = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for (index, name) in names.into_iter().enumerate() {
        let (name, number) = (name.trim(), index + 1);
        if let Some(first) = numbers.insert(name, number).filter(|_| !name.is_empty()) {
            let message = format!("The columns {first} and {number} have the same name, {}.", shown(name));
            problems.push(Violation::new(name_of(name), Fault::Duplicate, message));
        }
        let mapped = naming.mapping.get(name);
        let column = match mapped.map(|to| to.trim()) {
            Some("") => Some(Column::LeftOut),
            Some(to) => column(to, &custom),
            None => column(name, &custom),
        };
        let column = match (column, mapped) {
            (Some(column), _) => column,
            (None, Some(to)) => {
                let message =
                    format!("`mapping` says that {} is {}, which is no field.", shown(name), shown(to));
                problems.push(Violation::new(format!("mapping.{}", name_of(name)), Fault::Invalid, message));
                Column::LeftOut
            }
            (None, None) if naming.ignore_unknown => Column::LeftOut,
            (None, None) => {
                problems.push(unknown(name, number));
                Column::LeftOut
            }
        };
        if column != Column::LeftOut
            && let Some(first) = columns.iter().position(|before| before.sets_the_same(&column))
        {
            let message = format!("The columns {} and {number} set the same field.", first + 1);
            problems.push(Violation::new(name_of(name), Fault::Duplicate, message));
        }
        columns.push(column);
    }
    for name in naming.mapping.keys().filter(|name| !numbers.contains_key(name.as_str())) {
        let message = format!("`mapping` names the column {}, which is not there.", shown(name));
        problems.push(Violation::new(format!("mapping.{}", name_of(name)), Fault::UnknownField, message));
    }
    if problems.is_empty() && columns.iter().all(|column| matches!(column, Column::LeftOut)) {
        let message = "The first line must name the columns, and none of them is a field of a contact.";
        problems.push(Violation::new("header", Fault::Required, message));
    }
    problems.truncate(PROBLEMS_MAX);
    if problems.is_empty() { Ok(columns) } else { Err(problems) }
}

fn column(name: &str, custom: impl Fn(&str) -> Option<CellType>) -> Option<Column> {
    Some(match name {
        "id" => Column::Id,
        "externalReferenceId" => Column::ExternalReferenceId,
        "name" => Column::Name,
        "email" => Column::Email,
        "mobileNumber" => Column::MobileNumber,
        "gender" => Column::Gender,
        "stage" => Column::Stage,
        "source" => Column::Source,
        "tags" => Column::Tags,
        "notes" => Column::Notes,
        // As an export has them: what they say cannot be set.
        "status" | "createdAt" | "updatedAt" | "archivedAt" | "version" => Column::LeftOut,
        CUSTOM => Column::Customs,
        name => {
            let key = name.strip_prefix(CUSTOM)?.strip_prefix('.')?;
            Column::Custom(key.to_owned(), custom(key)?)
        }
    })
}

impl Column {
    fn sets_the_same(&self, other: &Column) -> bool {
        match (self, other) {
            (Column::Custom(one, _), Column::Custom(other, _)) => one == other,
            (one, other) => one == other,
        }
    }

    /// The field as JSON names it.
    pub(crate) fn field(&self) -> String {
        match self {
            Column::LeftOut => String::new(),
            Column::Id => "id".to_owned(),
            Column::ExternalReferenceId => "externalReferenceId".to_owned(),
            Column::Name => "name".to_owned(),
            Column::Email => "email".to_owned(),
            Column::MobileNumber => "mobileNumber".to_owned(),
            Column::Gender => "gender".to_owned(),
            Column::Stage => "stage".to_owned(),
            Column::Source => "source".to_owned(),
            Column::Tags => "tags".to_owned(),
            Column::Notes => "notes".to_owned(),
            Column::Custom(key, _) => format!("{CUSTOM}.{key}"),
            Column::Customs => CUSTOM.to_owned(),
        }
    }
}

fn unknown(name: &str, number: usize) -> Violation {
    let message = if name.is_empty() {
        format!("The column {number} has no name.")
    } else {
        format!(
            "The column {number}, {}, is no field of a contact: say by `mapping` which one it is, or leave out such columns \
             by `ignoreUnknownColumns=true`.",
            shown(name)
        )
    };
    Violation::new(name_of(name), Fault::UnknownField, message)
}

/// The start of what somebody else has written.
fn shown(name: &str) -> String {
    format!("{:?}", name_of(name))
}

fn name_of(name: &str) -> String {
    name.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(key: &str) -> Option<CellType> {
        match key {
            "size" => Some(CellType::Number),
            "note" => Some(CellType::Text),
            _ => None,
        }
    }

    fn naming(mapping: &[(&str, &str)], ignore_unknown: bool) -> Naming {
        let mapping = mapping.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        Naming { mapping, ignore_unknown }
    }

    #[test]
    fn what_a_first_line_names() {
        let size = || Column::Custom("size".to_owned(), CellType::Number);
        for (names, mapping, ignore_unknown, expected) in [
            (&["name", "email"][..], &[][..], false, vec![Column::Name, Column::Email]),
            (&[" name ", "customFields.size"], &[], false, vec![Column::Name, size()]),
            (
                &["Name", "Handy"],
                &[("Name", "name"), ("Handy", "mobileNumber")],
                false,
                vec![Column::Name, Column::MobileNumber],
            ),
            (&["Größe", "email"], &[("Größe", "customFields.size")], false, vec![size(), Column::Email]),
            (&["email", "Photo"], &[("Photo", "")], false, vec![Column::Email, Column::LeftOut]),
            (&["email", "Photo", ""], &[], true, vec![Column::Email, Column::LeftOut, Column::LeftOut]),
            (
                &["id", "status", "version", "email"],
                &[],
                false,
                vec![Column::Id, Column::LeftOut, Column::LeftOut, Column::Email],
            ),
            // A name of ours may be mapped to another one.
            (&["name", "email"], &[("name", "notes")], false, vec![Column::Notes, Column::Email]),
        ] {
            let found = columns(names.iter().copied(), &naming(mapping, ignore_unknown), custom);
            assert_eq!(found, Ok(expected), "{names:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_first_line() {
        for (names, mapping, expected) in [
            (&["Name", "email"][..], &[][..], &[("Name", Fault::UnknownField)][..]),
            (&["email", ""], &[], &[("", Fault::UnknownField)]),
            (&["email", "name", "email"], &[], &[("email", Fault::Duplicate), ("email", Fault::Duplicate)]),
            (&["email", "Mail"], &[("Mail", "email")], &[("Mail", Fault::Duplicate)]),
            (&["customFields.other"], &[], &[("customFields.other", Fault::UnknownField)]),
            (&["email", "X"], &[("X", "shoe")], &[("mapping.X", Fault::Invalid)]),
            (&["email"], &[("Nobody", "name")], &[("mapping.Nobody", Fault::UnknownField)]),
            (&["status", "version"], &[], &[("header", Fault::Required)]),
            (&[], &[], &[("header", Fault::Required)]),
        ] {
            let found = columns(names.iter().copied(), &naming(mapping, false), custom).unwrap_err();
            let found: Vec<(&str, Fault)> = found.iter().map(|v| (v.field.as_str(), v.fault)).collect();
            assert_eq!(found, expected, "{names:?}");
        }
    }

    #[test]
    fn what_is_said_stays_small() {
        let long = "x".repeat(100_000);
        let names: Vec<String> = (0..500).map(|number| format!("{number}{long}")).collect();
        let problems = columns(names.iter().map(String::as_str), &Naming::default(), custom).unwrap_err();
        let bytes: usize = problems.iter().map(|v| v.field.len() + v.message.len()).sum();
        assert!(problems.len() == PROBLEMS_MAX && bytes < 8_192, "{bytes} bytes");
    }
}
