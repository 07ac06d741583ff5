//! Pages of a list.

use std::cmp::Ordering;

use svc_core::clock::Timestamp;

use super::Contact;

/// The most bytes that the contacts of a page take ([`Contact::bytes`]), unless it has one alone. A page of
/// a hundred usual contacts has a twentieth of it; a page of the largest contacts is shorter than
/// its limit.
pub(crate) const PAGE_MAX_BYTES: usize = 1024 * 1024;

/// What contacts are ordered by. The id breaks ties, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortBy {
    CreatedAt,
    UpdatedAt,
    Name,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) by: SortBy,
    pub(crate) descending: bool,
}

impl Default for Sort {
    /// Newest first.
    fn default() -> Sort {
        Sort { by: SortBy::CreatedAt, descending: true }
    }
}

/// What a contact is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Time(Timestamp),
    /// The name as it is compared ([`name_key`]). None comes last in both directions.
    Name(Option<String>),
}

/// Where a contact stands in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) key: Key,
    pub(crate) id: String,
}

/// A name as it is compared, as the databases do.
pub(crate) fn name_key(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl Sort {
    /// Where a contact stands.
    pub(crate) fn position(self, contact: &Contact) -> Position {
        let key = match self.by {
            SortBy::CreatedAt => Key::Time(contact.created_at),
            SortBy::UpdatedAt => Key::Time(contact.updated_at),
            SortBy::Name => Key::Name(contact.fields.name.as_deref().map(name_key)),
        };
        Position { key, id: contact.id.clone() }
    }

    /// Which of two stands first.
    pub(crate) fn compare(self, one: &Position, other: &Position) -> Ordering {
        let directed = |order: Ordering| if self.descending { order.reverse() } else { order };
        let by_key = match (&one.key, &other.key) {
            (Key::Time(one), Key::Time(other)) => directed(one.cmp(other)),
            (Key::Name(Some(one)), Key::Name(Some(other))) => directed(one.cmp(other)),
            (Key::Name(one), Key::Name(other)) => one.is_none().cmp(&other.is_none()),
            // Of two orders: there is no such pair.
            _ => Ordering::Equal,
        };
        by_key.then_with(|| directed(one.id.cmp(&other.id)))
    }
}

/// Some contacts of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) contacts: Vec<Contact>,
    /// Where more contacts may follow. None at the end of the list.
    pub(crate) next: Option<Position>,
    /// The page ended because of its bytes.
    pub(crate) is_cut: bool,
}
