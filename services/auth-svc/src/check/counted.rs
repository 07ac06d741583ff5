//! Counting what is decided about keys whose secret was right.

use svc_runtime::authorize::Granted;

use super::denial::{Denial, Refusal};
use super::{Checker, Snapshot};
use crate::usage::{Refused, Seen};

impl Checker {
    /// Counts a request as one of its key's. One that could not be decided is none: another replica is asked.
    pub(super) fn count_outcome(
        &self,
        snapshot: &Snapshot,
        seen: Seen,
        request_id: &str,
        outcome: &Result<Granted, Denial>,
    ) {
        match outcome {
            Ok(_) => self.count(snapshot, seen, request_id, None),
            Err(Denial::Refused(refusal)) => self.count(snapshot, seen, request_id, Some(refusal)),
            Err(Denial::Undecided(_)) => {}
        }
    }

    /// The same, by why it is refused.
    pub(super) fn count(&self, snapshot: &Snapshot, seen: Seen, request_id: &str, refusal: Option<&Refusal>) {
        let refused = refusal.map(|refusal| Refused {
            reason: refusal.reason(),
            lacking: refusal.lacking(),
            request_id: Some(request_id).filter(|id| !id.is_empty()),
        });
        self.usage.count(snapshot.usage(), seen, refused);
    }
}
