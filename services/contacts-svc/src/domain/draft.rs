//! What a caller sends, on its way to become the fields of a contact.

use std::collections::BTreeSet;

use svc_core::email;
use svc_core::error::{Fault, Violation};

use super::phone::{Phones, WRITTEN_MAX};
use super::text::{Lines, Verdict, check_email, check_reference, check_text};
use super::{ContactFields, FieldSet, Patch, Reachable, custom_fields};

/// The JSON name of the caller's own id.
pub(super) const EXTERNAL_REFERENCE_ID: &str = "externalReferenceId";

// Limits of the contract. Lengths are in characters unless they say bytes.
pub(super) const NAME_MAX: usize = 200;
pub(super) const GENDER_MAX: usize = 50;
pub(super) const SOURCE_MAX: usize = 100;
pub(super) const NOTES_MAX: usize = 10_000;
pub(super) const TAGS_MAX: usize = 50;
pub(super) const TAG_MAX: usize = 50;

/// The most violations that one answer names. They travel in a trailer, and HTTP/2 clients take 16 KiB
/// of those.
const VIOLATIONS_MAX: usize = 32;

/// What the values of an agent's contacts are held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'r> {
    /// The custom fields that are declared.
    pub(crate) set: &'r FieldSet,
    pub(crate) phones: Phones,
}

/// What the values are to be written over. A value that stays as it is stays whatever the rules are now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Basis<'b> {
    /// Nothing: the contact is new.
    New,
    /// All that this contact holds.
    Replacing(&'b ContactFields),
    /// What is named, of what this contact holds.
    Changing(&'b ContactFields),
}

impl<'b> Basis<'b> {
    pub(super) fn before(self) -> Option<&'b ContactFields> {
        match self {
            Basis::New => None,
            Basis::Replacing(before) | Basis::Changing(before) => Some(before),
        }
    }
}

/// Fields that nobody has checked yet. [`Draft::check`] is the only way to get them out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    fields: ContactFields,
    violations: Vec<Violation>,
}

impl Draft {
    /// What a caller sent, and what was found wrong while it was read.
    pub(crate) fn new(fields: ContactFields, violations: Vec<Violation>) -> Draft {
        Draft { fields, violations }
    }

    /// Makes it the draft of the contact that the request names by `reference`: the body may repeat
    /// the reference or leave it out. Where it may become a new contact, the reference is checked too.
    pub(super) fn address(&mut self, reference: &str, may_create: bool) {
        let said = self.fields.external_reference_id.take();
        if said.is_some_and(|said| said != reference) {
            self.violations.push(another_reference());
        }
        self.fields.external_reference_id = may_create.then(|| reference.to_owned());
    }

    /// By what the person is known again. What cannot be read finds nobody.
    pub(super) fn reachable(&self, phones: Phones) -> Reachable {
        Reachable::sent(self.fields.email.as_deref(), self.fields.mobile_number.as_deref(), phones)
    }

    /// As a change of another contact: what has a value counts.
    pub(super) fn into_patch(self) -> Patch {
        Patch::of_values(self.fields, self.violations)
    }

    /// The fields as they are stored, or everything that is wrong with them.
    pub(crate) fn check(
        mut self,
        rules: Rules<'_>,
        basis: Basis<'_>,
    ) -> Result<ContactFields, Vec<Violation>> {
        let mut fields = std::mem::take(&mut self.fields);
        let nothing = ContactFields::default();
        let before = basis.before().unwrap_or(&nothing);
        if let Some(reference) = &fields.external_reference_id
            && fields.external_reference_id != before.external_reference_id
        {
            self.note(EXTERNAL_REFERENCE_ID, check_reference(reference));
        }
        self.text("name", &mut fields.name, &before.name, NAME_MAX, Lines::One, no_more);
        let is_email = |email: &mut String| check_email(email);
        self.text("email", &mut fields.email, &before.email, email::MAX_LENGTH, Lines::One, is_email);
        let to_e164 = |number: &mut String| rules.phones.e164(number).map(|e164| *number = e164);
        let number_before = &before.mobile_number;
        self.text("mobileNumber", &mut fields.mobile_number, number_before, WRITTEN_MAX, Lines::One, to_e164);
        if fields.email.is_none() && fields.mobile_number.is_none() {
            let message = "A contact needs `email` or `mobileNumber`.";
            self.violations.push(Violation::new("email", Fault::Required, message));
        }
        self.text("gender", &mut fields.gender, &before.gender, GENDER_MAX, Lines::One, no_more);
        self.text("source", &mut fields.source, &before.source, SOURCE_MAX, Lines::One, no_more);
        self.text("notes", &mut fields.notes, &before.notes, NOTES_MAX, Lines::Many, no_more);
        if fields.tags != before.tags {
            self.tags(&mut fields.tags);
        }
        self.violations.extend(custom_fields::check(&mut fields.custom_fields, rules, basis));
        self.violations.truncate(VIOLATIONS_MAX);
        match self.violations.is_empty() {
            true => Ok(fields),
            false => Err(self.violations),
        }
    }

    fn note(&mut self, field: &str, verdict: Verdict) {
        if let Err((fault, rule)) = verdict {
            self.violations.push(Violation::new(field, fault, format!("`{field}` {rule}.")));
        }
    }

    /// Trims the text and looks at it, unless it stays as it was.
    fn text(
        &mut self,
        field: &str,
        value: &mut Option<String>,
        before: &Option<String>,
        max: usize,
        lines: Lines,
        then: impl FnOnce(&mut String) -> Verdict,
    ) {
        if value == before {
            return;
        }
        let Some(value) = value else { return };
        trim(value);
        self.note(field, check_text(value, max, lines).and_then(|()| then(value)));
    }
    fn tags(&mut self, tags: &mut [String]) {
        // One violation and not one for each: what is said stays small whatever was sent.
        if tags.len() > TAGS_MAX {
            self.note("tags", Err((Fault::TooLong, format!("has at most {TAGS_MAX} elements"))));
            return;
        }
        tags.iter_mut().for_each(trim);
        let mut seen = BTreeSet::new();
        for (index, tag) in tags.iter().enumerate() {
            let unique = match seen.insert(tag) {
                true => Ok(()),
                false => Err((Fault::Duplicate, "repeats a tag before it".to_owned())),
            };
            self.note(&format!("tags[{index}]"), check_text(tag, TAG_MAX, Lines::One).and(unique));
        }
    }
}

/// The body names another contact than the request does.
pub(super) fn another_reference() -> Violation {
    let message =
        "`externalReferenceId` cannot be changed by replacing a contact: repeat it or leave it out.";
    Violation::new(EXTERNAL_REFERENCE_ID, Fault::Immutable, message)
}

fn no_more(_: &mut String) -> Verdict {
    Ok(())
}

fn trim(text: &mut String) {
    let trimmed = text.trim();
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned();
    }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
