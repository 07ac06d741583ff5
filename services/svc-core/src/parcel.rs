//! What one service tells another, as it waits to be handed on
//! ([ADR 34](../../../docs/adr/0034-deeds-of-other-services.md)).

use crate::actor::Partition;
use crate::clock::Timestamp;

/// Something that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its id, 24 lowercase hex characters, by which whoever gets it twice knows it.
    pub id: String,
    /// Whom it is about.
    pub of: Partition,
    /// What happened, by the name that whoever takes it has for it.
    pub kind: String,
    /// What is told of it, a JSON object.
    pub data: String,
    /// When it happened.
    pub at: Timestamp,
}
