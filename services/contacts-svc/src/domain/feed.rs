//! What happens to contacts, and the feed that tells of it.

use svc_core::clock::Timestamp;

use super::contact::words;
use super::{Contact, Status};

words! {
    /// What happened to a contact.
    ChangeKind {
        Created = "CREATED",
        Updated = "UPDATED",
        Archived = "ARCHIVED",
        Unarchived = "UNARCHIVED",
        Deleted = "DELETED",
    }
}

/// One thing that a work does to a contact.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a list of them is short, and most are of the largest")]
pub(crate) enum ContactChange {
    /// It is new.
    Created(Contact),
    /// It is in its next version.
    Changed {
        /// As it was.
        before: Contact,
        /// As it is.
        after: Contact,
    },
    /// It is gone.
    Deleted {
        /// As it was.
        before: Contact,
        /// When.
        at: Timestamp,
    },
}

impl ContactChange {
    /// What happened.
    pub(crate) fn kind(&self) -> ChangeKind {
        match self {
            ContactChange::Created(_) => ChangeKind::Created,
            ContactChange::Deleted { .. } => ChangeKind::Deleted,
            ContactChange::Changed { before, after } => match (before.status, after.status) {
                (Status::Active, Status::Archived) => ChangeKind::Archived,
                (Status::Archived, Status::Active) => ChangeKind::Unarchived,
                _ => ChangeKind::Updated,
            },
        }
    }

    /// The contact as it was. None when it is new.
    pub(crate) fn before(&self) -> Option<&Contact> {
        match self {
            ContactChange::Created(_) => None,
            ContactChange::Changed { before, .. } | ContactChange::Deleted { before, .. } => Some(before),
        }
    }

    /// The contact as it is. None when it is gone.
    pub(crate) fn after(&self) -> Option<&Contact> {
        match self {
            ContactChange::Created(after) | ContactChange::Changed { after, .. } => Some(after),
            ContactChange::Deleted { .. } => None,
        }
    }

    /// The id of the contact.
    pub(crate) fn contact_id(&self) -> &str {
        match self {
            ContactChange::Created(contact) | ContactChange::Changed { after: contact, .. } => &contact.id,
            ContactChange::Deleted { before, .. } => &before.id,
        }
    }

    /// The version that it makes. A deletion has the last one plus 1.
    pub(crate) fn version(&self) -> i32 {
        match self {
            ContactChange::Created(contact) | ContactChange::Changed { after: contact, .. } => {
                contact.version
            }
            ContactChange::Deleted { before, .. } => before.version.saturating_add(1),
        }
    }

    /// When it happens.
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            ContactChange::Created(contact) | ContactChange::Changed { after: contact, .. } => {
                contact.updated_at
            }
            ContactChange::Deleted { at, .. } => *at,
        }
    }
}

/// A change as the feed of its agent has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedChange {
    /// Its number in the feed, from 1 on without gaps.
    pub(crate) sequence: i64,
    pub(crate) kind: ChangeKind,
    pub(crate) contact_id: String,
    pub(crate) version: i32,
    pub(crate) changed_at: Timestamp,
    /// The contact as it is now. None when it is gone by now.
    pub(crate) contact: Option<Contact>,
}

/// Where the feed of an agent stands, and how many contacts the agent has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Feed {
    /// The number of the last change. 0 when there was none.
    pub(crate) last_sequence: i64,
    /// Changes up to this one are not kept any more.
    pub(crate) pruned_sequence: i64,
    /// How many active contacts there are.
    pub(crate) active: i64,
    /// How many archived ones.
    pub(crate) archived: i64,
}

impl Feed {
    /// Whether the feed can be read on after a change.
    pub(crate) fn goes_on_after(&self, sequence: i64) -> bool {
        (self.pruned_sequence..=self.last_sequence).contains(&sequence)
    }
}

/// Some changes of a feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChangesPage {
    pub(crate) changes: Vec<RecordedChange>,
    /// More changes follow the last one.
    pub(crate) has_more: bool,
}
