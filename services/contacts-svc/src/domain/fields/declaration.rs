//! What a member says of a field, on its way to become one.

use std::collections::BTreeSet;

use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};
use unicode_normalization::UnicodeNormalization;

use super::{Field, FieldType};
use crate::domain::JsonText;
use crate::domain::custom_fields::is_name;
use crate::domain::phone::Phones;
use crate::domain::text::{Lines, check_text};

const TITLE_MAX: usize = 100;
const OPTIONS_MAX: usize = 200;
const OPTION_MAX: usize = 100;
/// How long a text may be: a value has at most 4,096 bytes of JSON.
const LENGTH_MAX: u16 = 4_000;
const TEXT_LENGTH: u16 = 255;

/// What can be changed of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Title,
    Required,
    Unique,
    Default,
    Options,
    Minimum,
    Maximum,
    MaxLength,
}

/// What a member says of a field. Nobody has checked it yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declaration {
    pub(crate) key: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) kind: Option<FieldType>,
    pub(crate) required: Option<bool>,
    pub(crate) unique: Option<bool>,
    pub(crate) default: Option<JsonText>,
    pub(crate) options: Vec<String>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) max_length: Option<i32>,
    /// What was found wrong while it was read.
    pub(crate) violations: Vec<Violation>,
}

impl Declaration {
    /// A new field.
    pub(crate) fn declare(self, phones: Phones, now: Timestamp) -> Result<Field, Vec<Violation>> {
        let mut violations = self.violations.clone();
        let key = match &self.key {
            Some(key) if is_name(key) => key.clone(),
            Some(_) => {
                let message = "`key` has the form `[A-Za-z0-9_-]{1,64}`.";
                violations.push(Violation::new("key", Fault::Invalid, message));
                String::new()
            }
            None => {
                violations.push(Violation::new("key", Fault::Required, "`key` is required."));
                String::new()
            }
        };
        let Some(kind) = self.kind else {
            if !violations.iter().any(|violation| violation.field == "type") {
                violations.push(Violation::new("type", Fault::Required, "`type` is required."));
            }
            return Err(violations);
        };
        self.check(Field::bare(key, kind, now), phones, violations)
    }

    /// The field with these members as they are here.
    pub(crate) fn change(
        self,
        field: &Field,
        members: &[Member],
        phones: Phones,
        now: Timestamp,
    ) -> Result<Field, Vec<Violation>> {
        let has = |member: Member| members.contains(&member);
        let merged = Declaration {
            key: None,
            title: if has(Member::Title) { self.title } else { Some(field.title.clone()) },
            kind: None,
            required: if has(Member::Required) { self.required } else { Some(field.required) },
            unique: if has(Member::Unique) { self.unique } else { Some(field.unique) },
            default: if has(Member::Default) { self.default } else { field.default.clone() },
            options: if has(Member::Options) { self.options } else { field.options.clone() },
            minimum: if has(Member::Minimum) { self.minimum } else { field.minimum },
            maximum: if has(Member::Maximum) { self.maximum } else { field.maximum },
            max_length: if has(Member::MaxLength) {
                self.max_length
            } else {
                field.max_length.map(i32::from)
            },
            violations: Vec::new(),
        };
        let bare = Field { created_at: field.created_at, ..Field::bare(field.key.clone(), field.kind, now) };
        let changed = merged.check(bare, phones, self.violations)?;
        // A change that alters nothing leaves the time as it is.
        let unchanged = Field { updated_at: field.updated_at, ..changed.clone() };
        Ok(if unchanged == *field { unchanged } else { changed })
    }

    fn check(self, bare: Field, phones: Phones, violations: Vec<Violation>) -> Result<Field, Vec<Violation>> {
        let mut checked = Checked { field: bare, violations };
        checked.title(self.title);
        checked.field.required = self.required.unwrap_or_default();
        checked.unique(self.unique.unwrap_or_default());
        checked.options(self.options);
        checked.range(self.minimum, self.maximum);
        checked.length(self.max_length);
        // By all the other rules, so they come before.
        if checked.violations.is_empty() {
            checked.default(self.default, phones);
        }
        match checked.violations.is_empty() {
            true => Ok(checked.field),
            false => Err(checked.violations),
        }
    }
}

impl Field {
    fn bare(key: String, kind: FieldType, now: Timestamp) -> Field {
        Field {
            title: key.clone(),
            key,
            kind,
            required: false,
            unique: false,
            default: None,
            options: Vec::new(),
            minimum: None,
            maximum: None,
            max_length: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// A field and what is wrong with it.
struct Checked {
    field: Field,
    violations: Vec<Violation>,
}

impl Checked {
    fn note(&mut self, name: &str, fault: Fault, rule: &str) {
        self.violations.push(Violation::new(name, fault, format!("`{name}` {rule}.")));
    }

    fn title(&mut self, title: Option<String>) {
        let Some(title) = title else { return };
        let title = title.trim();
        match check_text(title, TITLE_MAX, Lines::One) {
            Ok(()) => self.field.title = title.to_owned(),
            Err((fault, rule)) => self.note("title", fault, &rule),
        }
    }

    fn unique(&mut self, unique: bool) {
        self.field.unique = unique;
        if unique
            && matches!(self.field.kind, FieldType::LongText | FieldType::Boolean | FieldType::MultiSelect)
        {
            self.note("unique", Fault::Invalid, "is not for a field of this type");
        }
    }

    fn options(&mut self, options: Vec<String>) {
        let chooses = matches!(self.field.kind, FieldType::Select | FieldType::MultiSelect);
        match (chooses, options.len()) {
            (false, 0) => return,
            (false, _) => return self.note("options", Fault::Invalid, "is only for fields to choose in"),
            (true, 0) => {
                return self.note("options", Fault::Required, "is required: it is what can be chosen");
            }
            (true, 1..=OPTIONS_MAX) => {}
            (true, _) => {
                return self.note("options", Fault::TooLong, &format!("has at most {OPTIONS_MAX} elements"));
            }
        }
        let options: Vec<String> = options.iter().map(|option| option.trim().to_owned()).collect();
        let mut seen = BTreeSet::new();
        for (index, option) in options.iter().enumerate() {
            let name = format!("options[{index}]");
            if let Err((fault, rule)) = check_text(option, OPTION_MAX, Lines::One) {
                self.note(&name, fault, &rule);
            } else if !seen.insert(option.nfc().collect::<String>()) {
                self.note(&name, Fault::Duplicate, "repeats an option before it");
            }
        }
        self.field.options = options;
    }

    fn range(&mut self, minimum: Option<f64>, maximum: Option<f64>) {
        for (name, bound) in [("minimum", minimum), ("maximum", maximum)] {
            let Some(bound) = bound else { continue };
            if self.field.kind != FieldType::Number {
                self.note(name, Fault::Invalid, "is only for numbers");
            } else if !bound.is_finite() {
                self.note(name, Fault::Invalid, "must be a number");
            }
        }
        if let (Some(minimum), Some(maximum)) = (minimum, maximum)
            && minimum > maximum
        {
            self.note("maximum", Fault::OutOfRange, "must not be less than `minimum`");
        }
        (self.field.minimum, self.field.maximum) = (minimum, maximum);
    }

    fn length(&mut self, length: Option<i32>) {
        let default = match self.field.kind {
            FieldType::Text => TEXT_LENGTH,
            FieldType::LongText => LENGTH_MAX,
            _ if length.is_some() => return self.note("maxLength", Fault::Invalid, "is only for texts"),
            _ => return,
        };
        let Some(length) = length else {
            self.field.max_length = Some(default);
            return;
        };
        match u16::try_from(length) {
            Ok(length @ 1..=LENGTH_MAX) => self.field.max_length = Some(length),
            _ => self.violations.push(Violation::out_of_range("maxLength", 1..=i32::from(LENGTH_MAX))),
        }
    }

    fn default(&mut self, default: Option<JsonText>, phones: Phones) {
        let Some(default) = default else { return };
        if self.field.unique {
            return self.note(
                "default",
                Fault::Invalid,
                "is not for a unique field: two contacts would have it",
            );
        }
        match self.field.accept(&default, phones) {
            Ok(default) => self.field.default = Some(default),
            Err((fault, rule)) => self.note("default", fault, &rule),
        }
    }
}

#[cfg(test)]
#[path = "declaration_tests.rs"]
mod tests;
