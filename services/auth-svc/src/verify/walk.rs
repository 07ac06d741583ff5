//! Along a chain, entry by entry.

use super::Verified;
use crate::audit::{Action, ChainKey, Entry, Head};
use crate::domain::OrganizationId;
use crate::store::StoredHead;

/// The first entry that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its place in the chain.
    pub sequence: i64,
    /// Its id, if it is there.
    pub id: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl Broken {
    pub(super) fn at(sequence: i64, fault: Fault) -> Broken {
        Broken { sequence, id: None, fault }
    }
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// What is wrong with an entry.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// For programs.
            pub const fn code(self) -> &'static str {
                match self { $(Fault::$name => $code,)* }
            }

            /// For people, after the name of the entry.
            pub const fn text(self) -> &'static str {
                match self { $(Fault::$name => $text,)* }
            }
        }
    };
}

faults! {
    /// It does not hash to its hash.
    Changed = "changed", "was changed or made by somebody without the key";
    /// It is not there, though entries after it or the end of the log are.
    Missing = "missing", "is missing";
    /// It is there, and is not the one that came after the entry before it.
    Unlinked = "unlinked", "does not follow from the entry before it";
    /// It stands in another place than the one that it was written for.
    Misplaced = "misplaced", "is not in its place";
    /// It belongs to another organization.
    Foreign = "foreign", "belongs to another organization";
    /// Keyward itself found, when it wrote it, that the end of the log was not as it had been left.
    Interrupted = "interrupted", "says that entries before it may be missing";
    /// The end of the log is not there.
    NoEnd = "no_end", "would be the last, but the end of the log is gone";
    /// The end of the log does not bear the seal.
    EndChanged = "end_changed", "would be the last, but the end of the log was changed";
    /// It stands after the end of the log.
    Unsealed = "unsealed", "stands after the end of the log";
    /// The database has another one in its place than the export.
    OtherThanExported = "other_than_exported", "is another one than was exported";
}

/// How far along a chain everything is as it was written.
#[derive(Clone)]
pub(super) struct Walk<'k> {
    key: &'k ChainKey,
    organization: OrganizationId,
    entries: u64,
    head: Head,
}

impl<'k> Walk<'k> {
    /// From here on.
    pub(super) fn new(key: &'k ChainKey, organization: OrganizationId, from: Head) -> Walk<'k> {
        Walk { key, organization, entries: 0, head: from }
    }

    /// The place of the last entry that is as it was written.
    pub(super) fn sequence(&self) -> i64 {
        self.head.sequence
    }

    /// The next entry, as it is found.
    pub(super) fn step(&mut self, entry: &Entry) -> Result<(), Broken> {
        let next = self.head.sequence.saturating_add(1);
        let broken = |fault| Broken { sequence: entry.sequence, id: Some(entry.id.clone()), fault };
        if entry.organization_id != self.organization {
            return Err(broken(Fault::Foreign));
        }
        if entry.sequence > next {
            return Err(Broken::at(next, Fault::Missing));
        }
        if entry.sequence < next {
            return Err(broken(Fault::Misplaced));
        }
        if self.key.hash(entry) != entry.hash {
            return Err(broken(Fault::Changed));
        }
        if entry.previous_hash != self.head.hash || entry.at < self.head.at {
            return Err(broken(Fault::Unlinked));
        }
        if entry.action == Action::AuditLogInterrupted.as_str() {
            return Err(broken(Fault::Interrupted));
        }
        self.head = Head { sequence: entry.sequence, at: entry.at, hash: entry.hash };
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }

    /// No entry is found any more, and this is what the log says of its end.
    pub(super) fn end(&self, stored: Option<&StoredHead>) -> Result<(), Broken> {
        let next = self.head.sequence.saturating_add(1);
        let Some(StoredHead { head, seal }) = stored else {
            return Err(Broken::at(self.head.sequence, Fault::NoEnd));
        };
        if !self.key.is_sealed(&self.organization, head, seal) {
            return Err(Broken::at(self.head.sequence, Fault::EndChanged));
        }
        match head.sequence.cmp(&self.head.sequence) {
            std::cmp::Ordering::Greater => Err(Broken::at(next, Fault::Missing)),
            std::cmp::Ordering::Less => Err(Broken::at(head.sequence.saturating_add(1), Fault::Unsealed)),
            std::cmp::Ordering::Equal if head.hash != self.head.hash => {
                Err(Broken::at(head.sequence, Fault::Unlinked))
            }
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    /// All is as it was written.
    pub(super) fn whole(self) -> Verified {
        Verified {
            organization_id: self.organization.into(),
            entries: self.entries,
            sequence: self.head.sequence,
            hash: self.head.hash.to_hex(),
            broken: None,
        }
    }

    /// It is up to here.
    pub(super) fn broken(self, broken: Broken) -> Verified {
        Verified { broken: Some(broken), ..self.whole() }
    }
}
