//! What a caller wants changed of a contact (JSON merge patch, RFC 7396).

use std::collections::BTreeSet;

use svc_core::error::Violation;

use super::phone::Phones;
use super::{ContactFields, Draft, Reachable};

/// A field that can be changed by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    ExternalReferenceId,
    Name,
    Email,
    MobileNumber,
    Gender,
    Stage,
    Source,
    Tags,
    Notes,
    /// All custom fields.
    CustomFields,
    /// The custom field of this name.
    CustomField(String),
}

/// New values, and which of them count. One that counts and has no value clears the field.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    fields: ContactFields,
    parts: BTreeSet<Part>,
    violations: Vec<Violation>,
}

impl Patch {
    /// What a caller sent, and what was found wrong while it was read.
    pub(crate) fn new(
        fields: ContactFields,
        parts: impl IntoIterator<Item = Part>,
        violations: Vec<Violation>,
    ) -> Patch {
        Patch { fields, parts: parts.into_iter().collect(), violations }
    }

    /// All that has a value: what is left out stays. A custom field that is `null` is removed.
    pub(crate) fn of_values(fields: ContactFields, violations: Vec<Violation>) -> Patch {
        let mut parts = BTreeSet::new();
        let mut set = |is_set: bool, part: Part| {
            if is_set {
                parts.insert(part);
            }
        };
        set(fields.external_reference_id.is_some(), Part::ExternalReferenceId);
        set(fields.name.is_some(), Part::Name);
        set(fields.email.is_some(), Part::Email);
        set(fields.mobile_number.is_some(), Part::MobileNumber);
        set(fields.gender.is_some(), Part::Gender);
        set(fields.stage.is_some(), Part::Stage);
        set(fields.source.is_some(), Part::Source);
        set(!fields.tags.is_empty(), Part::Tags);
        set(fields.notes.is_some(), Part::Notes);
        parts.extend(fields.custom_fields.keys().cloned().map(Part::CustomField));
        Patch { fields, parts, violations }
    }

    /// The reference that it sets.
    pub(super) fn reference(&self) -> Option<&str> {
        let reference = self.fields.external_reference_id.as_deref();
        reference.filter(|_| self.parts.contains(&Part::ExternalReferenceId))
    }

    /// By what it makes the person known again. What cannot be read finds nobody.
    pub(super) fn reachable(&self, phones: Phones) -> Reachable {
        let email = self.fields.email.as_deref().filter(|_| self.parts.contains(&Part::Email));
        let number = self.fields.mobile_number.as_deref();
        let number = number.filter(|_| self.parts.contains(&Part::MobileNumber));
        Reachable::sent(email, number, phones)
    }

    /// What the contact with these fields would hold.
    pub(super) fn onto(self, before: &ContactFields) -> Draft {
        let Patch { fields: mut new, parts, violations } = self;
        let mut fields = before.clone();
        for part in parts {
            match part {
                Part::ExternalReferenceId => fields.external_reference_id = new.external_reference_id.take(),
                Part::Name => fields.name = new.name.take(),
                Part::Email => fields.email = new.email.take(),
                Part::MobileNumber => fields.mobile_number = new.mobile_number.take(),
                Part::Gender => fields.gender = new.gender.take(),
                Part::Stage => fields.stage = new.stage,
                Part::Source => fields.source = new.source.take(),
                Part::Tags => fields.tags = std::mem::take(&mut new.tags),
                Part::Notes => fields.notes = new.notes.take(),
                Part::CustomFields => fields.custom_fields.clone_from(&new.custom_fields),
                Part::CustomField(name) => match new.custom_fields.remove(&name) {
                    Some(json) if !json.is_null() => drop(fields.custom_fields.insert(name, json)),
                    _ => drop(fields.custom_fields.remove(&name)),
                },
            }
        }
        Draft::new(fields, violations)
    }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
