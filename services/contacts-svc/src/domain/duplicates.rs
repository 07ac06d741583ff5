//! Contacts that may be the same person: those with the same email address or mobile number.

use super::ContactFields;
use super::comparison::email_key;
use super::phone::Phones;
use super::text::check_email;

/// The most of them that are named.
pub(crate) const DUPLICATES_MAX: usize = 10;

/// By what a person is known again, in the form in which it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reachable {
    pub(crate) email_key: Option<String>,
    /// In E.164 form.
    pub(crate) mobile_number: Option<String>,
}

impl Reachable {
    /// Of fields as they are stored.
    pub(crate) fn of(fields: &ContactFields) -> Reachable {
        Reachable {
            email_key: fields.email.as_deref().map(email_key),
            mobile_number: fields.mobile_number.clone(),
        }
    }

    /// Of values as they were sent. What is no address and no number finds nobody.
    pub(super) fn sent(email: Option<&str>, mobile_number: Option<&str>, phones: Phones) -> Reachable {
        Reachable {
            email_key: email.map(str::trim).filter(|email| check_email(email).is_ok()).map(email_key),
            mobile_number: mobile_number.and_then(|number| phones.e164(number.trim()).ok()),
        }
    }

    /// What of it another one does not have.
    pub(super) fn without(self, other: &Reachable) -> Reachable {
        Reachable {
            email_key: self.email_key.filter(|key| Some(key) != other.email_key.as_ref()),
            mobile_number: self.mobile_number.filter(|number| Some(number) != other.mobile_number.as_ref()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.email_key.is_none() && self.mobile_number.is_none()
    }
}

/// Another contact that may be the same person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PossibleDuplicate {
    pub(crate) id: String,
    pub(crate) external_reference_id: Option<String>,
    pub(crate) by_email: bool,
    pub(crate) by_mobile_number: bool,
}

impl PossibleDuplicate {
    /// The JSON names of what both have in common.
    pub(crate) fn matched_by(&self) -> Vec<&'static str> {
        let names = [("email", self.by_email), ("mobileNumber", self.by_mobile_number)];
        names.into_iter().filter(|(_, matched)| *matched).map(|(name, _)| name).collect()
    }
}

/// What to do where another contact may be the same person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnDuplicate {
    /// Save it all the same.
    #[default]
    Allow,
    /// Refuse it.
    Reject,
    /// Change the other one.
    Update,
}

impl OnDuplicate {
    /// From the word of the contract.
    pub(crate) fn from_word(word: &str) -> Option<OnDuplicate> {
        match word {
            "allow" => Some(OnDuplicate::Allow),
            "reject" => Some(OnDuplicate::Reject),
            "update" => Some(OnDuplicate::Update),
            _ => None,
        }
    }

    /// The word of the contract.
    pub(crate) fn word(self) -> &'static str {
        match self {
            OnDuplicate::Allow => "allow",
            OnDuplicate::Reject => "reject",
            OnDuplicate::Update => "update",
        }
    }
}

/// How a contact is to be saved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Saving {
    pub(crate) on_duplicate: OnDuplicate,
    /// Whether the caller is told of possible duplicates.
    pub(crate) tell: bool,
}
