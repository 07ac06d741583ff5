//! Erasures: what was deleted in one service, and of which another one holds more
//! ([ADR 36](../../../docs/adr/0036-erasures.md)). Ids alone, so that whatever keeps them keeps nothing of a person.

use serde::{Deserialize, Serialize};

use crate::actor::Partition;
use crate::clock::Timestamp;
use crate::parcel::Parcel;

/// The most files that one erasure names.
pub const FILES_AT_ONCE: usize = 100;

const FILES: &str = "contact_files";
const AGENT: &str = "agent";

/// What is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// Files of contacts of the agent.
    ContactFiles(Vec<String>),
    /// The agent itself.
    Agent,
}

/// Something that is gone, and whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its id, 24 lowercase hex characters, by which whoever gets it twice knows it.
    pub id: String,
    /// Whose it was.
    pub of: Partition,
    /// What it was.
    pub what: Erased,
    /// When it was deleted.
    pub at: Timestamp,
}

/// How files are written down.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Files {
    contact_file_ids: Vec<String>,
}

impl Erased {
    /// In pieces, none of which has more files than an erasure may name.
    pub fn pieces(&self) -> Vec<Erased> {
        match self {
            Erased::Agent => vec![Erased::Agent],
            Erased::ContactFiles(ids) => {
                ids.chunks(FILES_AT_ONCE).map(|ids| Erased::ContactFiles(ids.to_vec())).collect()
            }
        }
    }
}

impl Erasure {
    /// As it waits to be handed on. `None`: it cannot be written down, which does not happen.
    pub fn parcel(self) -> Option<Parcel> {
        let (kind, data) = match self.what {
            Erased::Agent => (AGENT, "{}".to_owned()),
            Erased::ContactFiles(contact_file_ids) => {
                (FILES, serde_json::to_string(&Files { contact_file_ids }).ok()?)
            }
        };
        Some(Parcel { id: self.id, of: self.of, kind: kind.to_owned(), data, at: self.at })
    }

    /// One that waits. `None`: somebody else has written it.
    pub fn read(parcel: Parcel) -> Option<Erasure> {
        let what = match parcel.kind.as_str() {
            AGENT => Erased::Agent,
            FILES => Erased::ContactFiles(serde_json::from_str::<Files>(&parcel.data).ok()?.contact_file_ids),
            _ => return None,
        };
        Some(Erasure { id: parcel.id, of: parcel.of, what, at: parcel.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_what_was_told() {
        let of = Partition { organization_id: "o".to_owned(), agent_id: "a".to_owned() };
        for what in [Erased::Agent, Erased::ContactFiles(vec!["f1".to_owned(), "f2".to_owned()])] {
            let erasure = Erasure { id: "1".to_owned(), of: of.clone(), what, at: Timestamp(7) };
            assert_eq!(Erasure::read(erasure.clone().parcel().unwrap()), Some(erasure));
        }
        let odd = Parcel {
            id: "1".to_owned(),
            of,
            kind: "odd".to_owned(),
            data: "{}".to_owned(),
            at: Timestamp(7),
        };
        assert_eq!(Erasure::read(Parcel { kind: FILES.to_owned(), ..odd.clone() }), None);
        assert_eq!(Erasure::read(odd), None);
    }

    #[test]
    fn many_files_are_told_in_pieces() {
        let ids: Vec<String> = (0..=FILES_AT_ONCE).map(|number| number.to_string()).collect();
        let pieces = Erased::ContactFiles(ids.clone()).pieces();
        let (first, last) = ids.split_at(FILES_AT_ONCE);
        assert_eq!(pieces, [first, last].map(|ids| Erased::ContactFiles(ids.to_vec())));
        assert_eq!(Erased::ContactFiles(Vec::new()).pieces(), []);
        assert_eq!(Erased::Agent.pieces(), [Erased::Agent]);
    }
}
