//! What a caller sends, on its way to become the fields of a contact.

use std::collections::BTreeSet;

use serde_json::Value;
use svc_core::error::{Fault, Violation};

use super::ContactFields;
use super::text::{EMAIL_MAX, Lines, Verdict, check_email, check_mobile_number, check_reference, check_text};

/// The JSON name of the caller's own id.
pub(super) const EXTERNAL_REFERENCE_ID: &str = "externalReferenceId";

// Limits of the contract. Lengths are in characters unless they say bytes.
const NAME_MAX: usize = 200;
const GENDER_MAX: usize = 50;
const SOURCE_MAX: usize = 100;
const NOTES_MAX: usize = 10_000;
const TAGS_MAX: usize = 50;
const TAG_MAX: usize = 50;
const CUSTOM_FIELDS_MAX: usize = 100;
const CUSTOM_NAME_MAX: usize = 64;
const CUSTOM_VALUE_MAX_BYTES: usize = 4_096;
const CUSTOM_FIELDS_MAX_BYTES: usize = 65_536;

/// The most violations that one answer names. They travel in a trailer, and HTTP/2 clients take 16 KiB
/// of those.
const VIOLATIONS_MAX: usize = 32;

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

    /// The fields, trimmed, or everything that is wrong with them.
    pub(crate) fn check(mut self) -> Result<ContactFields, Vec<Violation>> {
        let mut fields = std::mem::take(&mut self.fields);
        if let Some(reference) = &fields.external_reference_id {
            self.note(EXTERNAL_REFERENCE_ID, check_reference(reference));
        }
        self.text("name", &mut fields.name, NAME_MAX, Lines::One, no_more);
        self.text("email", &mut fields.email, EMAIL_MAX, Lines::One, check_email);
        // As long as check_mobile_number allows: a longer one has the wrong form.
        self.text("mobileNumber", &mut fields.mobile_number, usize::MAX, Lines::One, check_mobile_number);
        if fields.email.is_none() && fields.mobile_number.is_none() {
            let message = "A contact needs `email` or `mobileNumber`.";
            self.violations.push(Violation::new("email", Fault::Required, message));
        }
        self.text("gender", &mut fields.gender, GENDER_MAX, Lines::One, no_more);
        self.text("source", &mut fields.source, SOURCE_MAX, Lines::One, no_more);
        self.text("notes", &mut fields.notes, NOTES_MAX, Lines::Many, no_more);
        self.tags(&mut fields.tags);
        self.custom_fields(&fields);
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

    fn text(
        &mut self,
        field: &str,
        value: &mut Option<String>,
        max: usize,
        lines: Lines,
        then: fn(&str) -> Verdict,
    ) {
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

    fn custom_fields(&mut self, fields: &ContactFields) {
        let all = &fields.custom_fields;
        if all.len() > CUSTOM_FIELDS_MAX {
            let rule = format!("has at most {CUSTOM_FIELDS_MAX} members");
            self.note("customFields", Err((Fault::TooLong, rule)));
            return;
        }
        for (name, value) in all {
            match is_custom_name(name) {
                true => self.note(&format!("customFields.{name}"), check_custom_value(value)),
                false => self.note("customFields", Err(not_a_custom_name(name))),
            }
        }
        if json_bytes(all) > CUSTOM_FIELDS_MAX_BYTES {
            let rule = format!("has at most {CUSTOM_FIELDS_MAX_BYTES} bytes of JSON");
            self.note("customFields", Err((Fault::TooLong, rule)));
        }
    }
}

/// The body names another contact than the request does.
pub(super) fn another_reference() -> Violation {
    let message =
        "`externalReferenceId` cannot be changed by replacing a contact: repeat it or leave it out.";
    Violation::new(EXTERNAL_REFERENCE_ID, Fault::Immutable, message)
}

fn no_more(_: &str) -> Verdict {
    Ok(())
}

fn trim(text: &mut String) {
    let trimmed = text.trim();
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned();
    }
}

fn is_custom_name(name: &str) -> bool {
    let letters = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    letters && (1..=CUSTOM_NAME_MAX).contains(&name.len())
}

/// Shows only the start of the name, which may be as long as the body.
fn not_a_custom_name(name: &str) -> (Fault, String) {
    let start: String = name.chars().take(20).collect();
    (Fault::Invalid, format!("has names of the form `[A-Za-z0-9_-]{{1,{CUSTOM_NAME_MAX}}}`, not {start:?}"))
}

fn check_custom_value(value: &Value) -> Verdict {
    match json_bytes(value) <= CUSTOM_VALUE_MAX_BYTES {
        true => Ok(()),
        false => Err((Fault::TooLong, format!("has at most {CUSTOM_VALUE_MAX_BYTES} bytes of JSON"))),
    }
}

/// How long something is as JSON. What cannot be written is longer than any limit.
fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
