//! Pages of a list.

use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};

use super::Contact;

/// How many contacts a page holds: 1 to 100, by default 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageSize(u32);

impl PageSize {
    const DEFAULT: PageSize = PageSize(20);
    const MAX: u32 = 100;

    /// From what the caller asked for. Out of range is refused, never clamped.
    pub(crate) fn new(limit: Option<i32>) -> Result<PageSize, Violation> {
        let Some(limit) = limit else { return Ok(PageSize::DEFAULT) };
        match u32::try_from(limit) {
            Ok(limit @ 1..=PageSize::MAX) => Ok(PageSize(limit)),
            _ => Err(Violation::new("limit", Fault::OutOfRange, "`limit` is from 1 to 100.")),
        }
    }

    pub(crate) fn get(self) -> u32 {
        self.0
    }
}

/// Where a contact stands in the default order, newest first. The id breaks ties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) created_at: Timestamp,
    pub(crate) id: String,
}

impl Position {
    pub(crate) fn of(contact: &Contact) -> Position {
        Position { created_at: contact.created_at, id: contact.id.clone() }
    }
}

/// Some contacts of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) contacts: Vec<Contact>,
    /// More contacts follow the last one.
    pub(crate) has_more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (limit, size) in [
            (None, Some(20)),
            (Some(1), Some(1)),
            (Some(100), Some(100)),
            (Some(0), None),
            (Some(-1), None),
            (Some(101), None),
            (Some(i32::MIN), None),
        ] {
            assert_eq!(PageSize::new(limit).ok().map(PageSize::get), size, "{limit:?}");
        }
    }
}
