//! What a contact is.

use svc_core::clock::Timestamp;
use svc_core::ids::is_id;

use super::CustomFields;
use super::text::check_reference;

/// Which contact of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Locator {
    /// The one with this id of ours.
    Id(String),
    /// The one with this `externalReferenceId`.
    Reference(String),
}

impl Locator {
    /// Whether a contact can have it at all. One that cannot be is one that does not exist.
    pub(crate) fn can_exist(&self) -> bool {
        match self {
            Locator::Id(id) => is_id(id),
            Locator::Reference(reference) => check_reference(reference).is_ok(),
        }
    }
}

/// A contact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) fields: ContactFields,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Set exactly while the contact is archived.
    pub(crate) archived_at: Option<Timestamp>,
    /// Starts at 1 and grows by 1 with every change.
    pub(crate) version: i32,
}

impl Contact {
    /// About how many bytes of memory it takes: its texts, which can be of any length.
    pub(crate) fn bytes(&self) -> usize {
        let fields = &self.fields;
        let texts = [
            &fields.external_reference_id,
            &fields.name,
            &fields.email,
            &fields.mobile_number,
            &fields.gender,
            &fields.source,
            &fields.notes,
        ];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let tags: usize = fields.tags.iter().map(String::len).sum();
        let custom_fields: usize =
            fields.custom_fields.iter().map(|(name, json)| name.len() + json.len()).sum();
        texts + tags + custom_fields
    }
}

/// What a caller may set.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(crate) struct ContactFields {
    pub(crate) external_reference_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) mobile_number: Option<String>,
    pub(crate) gender: Option<String>,
    pub(crate) stage: Option<Stage>,
    pub(crate) source: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) notes: Option<String>,
    pub(crate) custom_fields: CustomFields,
}

macro_rules! words {
    ($(#[$doc:meta])* $kind:ident { $($name:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum $kind { $($name,)* }

        impl $kind {
            /// As it is stored.
            pub(crate) const fn as_str(self) -> &'static str { match self { $($kind::$name => $word,)* } }

            /// From how it is stored.
            pub(crate) fn from_str(word: &str) -> Option<$kind> {
                match word { $($word => Some($kind::$name),)* _ => None }
            }
        }
    };
}

pub(super) use words;

words! {
    /// How far the relation has come.
    Stage { Lead = "LEAD", Prospect = "PROSPECT", Customer = "CUSTOMER", OldCustomer = "OLD_CUSTOMER" }
}
words! {
    /// Whether the contact is in use.
    Status { Active = "ACTIVE", Archived = "ARCHIVED" }
}
