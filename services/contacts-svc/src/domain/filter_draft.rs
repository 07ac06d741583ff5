//! A filter as a caller asks for it.

use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};

use super::custom_fields::is_name;
use super::terms::{FILTER_VALUE_MAX, folded};
use super::text::{Lines, Verdict, check_text};
use super::{Filter, Phones, Sort, SortBy, Stage, Statuses, email_key};

const SEARCH_MAX: usize = 200;
const REFERENCE_MAX: usize = 128;
const EMAIL_MAX: usize = 254;
const TAG_MAX: usize = 50;
/// The most custom fields that one filter asks for.
const CUSTOM_FIELDS_MAX: usize = 10;

/// What was asked for, with everything that cannot be asked for noted.
#[derive(Debug, Default)]
pub(crate) struct FilterDraft {
    pub(crate) search: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) mobile_number: Option<String>,
    pub(crate) stage: Option<Stage>,
    pub(crate) statuses: Statuses,
    pub(crate) tag: Option<String>,
    pub(crate) created_after: Option<Timestamp>,
    pub(crate) created_before: Option<Timestamp>,
    pub(crate) updated_after: Option<Timestamp>,
    pub(crate) custom_fields: Vec<(String, String)>,
    pub(crate) violations: Vec<Violation>,
}

impl FilterDraft {
    /// The filter, or everything that is wrong with it.
    pub(crate) fn check(mut self, phones: Phones) -> Result<Filter, Vec<Violation>> {
        let search = self.text("search", self.search.clone(), SEARCH_MAX);
        let reference = self.text("externalReferenceId", self.reference.clone(), REFERENCE_MAX);
        let email = self.text("email", self.email.clone(), EMAIL_MAX);
        let mobile_number = match self.mobile_number.as_deref().map(|text| phones.e164(&number(text))) {
            Some(Err(fault)) => {
                self.note("mobileNumber", Err(fault));
                None
            }
            number => number.and_then(Result::ok),
        };
        let tag = self.text("tag", self.tag.clone(), TAG_MAX);
        let mut custom_fields = std::mem::take(&mut self.custom_fields);
        if custom_fields.len() > CUSTOM_FIELDS_MAX {
            let rule = format!("has at most {CUSTOM_FIELDS_MAX} members");
            self.note("customFields", Err((Fault::TooLong, rule)));
            custom_fields.truncate(CUSTOM_FIELDS_MAX);
        }
        for (name, value) in &custom_fields {
            if !is_name(name) {
                let rule = "has names of the form `[A-Za-z0-9_-]{1,64}`".to_owned();
                self.note("customFields", Err((Fault::Invalid, rule)));
            } else if value.len() > FILTER_VALUE_MAX {
                let rule = format!("has at most {FILTER_VALUE_MAX} bytes");
                self.note(&format!("customFields.{name}"), Err((Fault::TooLong, rule)));
            }
        }
        custom_fields.sort();
        if !self.violations.is_empty() {
            return Err(self.violations);
        }
        Ok(Filter {
            search: search.as_deref().map(folded),
            reference,
            email: email.as_deref().map(email_key),
            mobile_number,
            stage: self.stage,
            statuses: self.statuses,
            tag,
            created_after: self.created_after,
            created_before: self.created_before,
            updated_after: self.updated_after,
            custom_fields,
        })
    }

    fn text(&mut self, field: &str, text: Option<String>, max: usize) -> Option<String> {
        let text = text?;
        // A reference is the caller's own, whatever it begins with.
        let text = if field == "externalReferenceId" { text } else { text.trim().to_owned() };
        self.note(field, check_text(&text, max, Lines::One));
        Some(text)
    }

    fn note(&mut self, field: &str, verdict: Verdict) {
        if let Err((fault, rule)) = verdict {
            self.violations.push(Violation::new(field, fault, format!("`{field}` {rule}.")));
        }
    }
}

/// A number as contacts have it. In a query that is not escaped, `+` is a space.
fn number(text: &str) -> String {
    let trimmed = text.trim();
    let lost_its_plus = text.starts_with(' ') && trimmed.starts_with(|c: char| c.is_ascii_digit());
    if lost_its_plus { format!("+{trimmed}") } else { trimmed.to_owned() }
}

/// The order of this name.
pub(crate) fn sort(name: Option<&str>) -> Result<Sort, Violation> {
    let Some(name) = name else { return Ok(Sort::default()) };
    let (descending, by) = match name.strip_prefix('-') {
        Some(by) => (true, by),
        None => (false, name),
    };
    let by = match by {
        "createdAt" => SortBy::CreatedAt,
        "updatedAt" => SortBy::UpdatedAt,
        "name" => SortBy::Name,
        _ => {
            let message = "`sort` must be `createdAt`, `updatedAt` or `name`, or one of them after a `-`.";
            return Err(Violation::new("sort", Fault::Invalid, message));
        }
    };
    Ok(Sort { by, descending })
}
