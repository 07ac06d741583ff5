//! Which contacts a list holds.

use svc_core::clock::Timestamp;

use super::terms::{Value, each_value, searched};
use super::{Contact, SortBy, Stage, Status, email_key};

/// Which statuses a list holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Statuses {
    #[default]
    Active,
    Archived,
    Any,
}

impl Statuses {
    /// Each of them.
    pub(crate) fn each(self) -> &'static [Status] {
        match self {
            Statuses::Active => &[Status::Active],
            Statuses::Archived => &[Status::Archived],
            Statuses::Any => &[Status::Active, Status::Archived],
        }
    }
}

/// What contacts are found by as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Email,
    MobileNumber,
}

/// Which contacts a list holds: those that fit all of it. What is not set fits every contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Folded ([`folded`](super::terms::folded)).
    pub(crate) search: Option<String>,
    pub(crate) reference: Option<String>,
    /// As addresses are compared ([`email_key`]).
    pub(crate) email: Option<String>,
    /// E.164.
    pub(crate) mobile_number: Option<String>,
    pub(crate) stage: Option<Stage>,
    pub(crate) statuses: Statuses,
    pub(crate) tag: Option<String>,
    /// Themselves excluded.
    pub(crate) created_after: Option<Timestamp>,
    pub(crate) created_before: Option<Timestamp>,
    pub(crate) updated_after: Option<Timestamp>,
    /// Names and values, in the order of the names.
    pub(crate) custom_fields: Vec<(String, String)>,
}

impl Filter {
    /// Whether a contact is one of the list.
    pub(crate) fn fits(&self, contact: &Contact) -> bool {
        let fields = &contact.fields;
        self.statuses.each().contains(&contact.status)
            && fits(self.reference.as_ref(), |wanted| fields.external_reference_id.as_ref() == Some(wanted))
            && fits(self.email.as_ref(), |wanted| {
                fields.email.as_ref().is_some_and(|email| email_key(email) == *wanted)
            })
            && fits(self.mobile_number.as_ref(), |wanted| fields.mobile_number.as_ref() == Some(wanted))
            && fits(self.stage, |wanted| fields.stage == Some(wanted))
            && fits(self.tag.as_ref(), |wanted| fields.tags.contains(wanted))
            && fits(self.created_after, |time| contact.created_at > time)
            && fits(self.created_before, |time| contact.created_at < time)
            && fits(self.updated_after, |time| contact.updated_at > time)
            && self.custom_fields.iter().all(|(name, wanted)| {
                let mut found = false;
                if let Some(json) = fields.custom_fields.get(name) {
                    each_value(json, &mut |value| found |= value == wanted);
                }
                found
            })
            && fits(self.search.as_ref(), |wanted| {
                searched(contact).iter().any(|text| text.contains(wanted.as_str()))
            })
    }

    /// The values that it asks for and that have numbers.
    pub(crate) fn values(&self) -> Vec<Value<'_>> {
        let mut values = Vec::new();
        values.extend(self.custom_fields.iter().map(|(name, value)| Value::CustomField(name, value)));
        values.extend(self.tag.as_deref().map(Value::Tag));
        values.extend(self.stage.map(Value::Stage));
        values
    }

    /// The address or the number that it asks for, which few contacts have in common.
    pub(crate) fn column(&self) -> Option<(Column, &str)> {
        let email = self.email.as_deref().map(|key| (Column::Email, key));
        email.or_else(|| self.mobile_number.as_deref().map(|number| (Column::MobileNumber, number)))
    }

    /// The value that it asks for, if there is nothing else that it asks for but statuses.
    pub(crate) fn only_value(&self) -> Option<Value<'_>> {
        let [value] = *self.values() else { return None };
        let all_else = Filter { tag: None, stage: None, custom_fields: Vec::new(), ..self.clone() };
        all_else.is_by_status_only().then_some(value)
    }

    /// Whether an order has all that it asks for, one contact behind the other.
    pub(crate) fn is_found_in_order_of(&self, by: SortBy) -> bool {
        let found = match by {
            SortBy::CreatedAt => Filter { created_after: None, created_before: None, ..self.clone() },
            SortBy::UpdatedAt => Filter { updated_after: None, ..self.clone() },
            SortBy::Name => self.clone(),
        };
        found.is_by_status_only() || (by == SortBy::CreatedAt && found.only_value().is_some())
    }

    /// Whether it asks for nothing but statuses.
    pub(crate) fn is_by_status_only(&self) -> bool {
        *self == Filter { statuses: self.statuses, ..Filter::default() }
    }
}

fn fits<T>(wanted: Option<T>, fits: impl FnOnce(T) -> bool) -> bool {
    wanted.is_none_or(fits)
}
