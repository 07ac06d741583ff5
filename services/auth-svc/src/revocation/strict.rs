//! `auth.revocation.strict_clock`: for machines whose clock may stand while they are paused, as a
//! hypervisor can do. A lease that is compared with such a clock proves nothing; a look at the database
//! that began after the request arrived does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::fresh::Fresh;
use super::lease::LeaseExpired;
use super::poll::Shared;
use crate::store::{Announcements, Revision};

/// How long a request waits for the database.
const WAIT: Duration = Duration::from_secs(1);

/// Compares what this replica has applied with the database, for every request.
#[derive(Debug)]
pub(crate) struct Strict {
    announcements: Announcements,
    shared: Arc<Shared>,
    /// Requests that wait share a read that began after they arrived.
    revision: Fresh<Option<Revision>>,
    wait: Duration,
}

impl Strict {
    pub(super) fn new(announcements: Announcements, shared: Arc<Shared>) -> Strict {
        Strict { announcements, shared, revision: Fresh::new(), wait: WAIT }
    }

    /// For tests of what is decided, on a machine that has other work to do.
    #[cfg(test)]
    pub(super) fn patient(self) -> Strict {
        Strict { wait: Duration::from_secs(60), ..self }
    }

    /// Returns when the cache holds nothing from before a change that was committed before this was called.
    pub(super) async fn pass(&self) -> Result<(), LeaseExpired> {
        timeout(self.wait, self.passed()).await.unwrap_or(Err(LeaseExpired))
    }

    async fn passed(&self) -> Result<(), LeaseExpired> {
        let now = self.revision.get(|| self.read()).await.ok_or(LeaseExpired)?;
        let mut progress = self.shared.progress.subscribe();
        if progress.borrow().applied.as_ref() == Some(&now) {
            return Ok(());
        }
        let begun = self.shared.begun.load(Ordering::SeqCst);
        self.shared.wake.notify_one();
        progress.wait_for(|progress| progress.polls > begun).await.map(drop).map_err(|_| LeaseExpired)
    }

    async fn read(&self) -> Option<Revision> {
        self.announcements
            .revision()
            .await
            .inspect_err(|error| super::log(error, "no revision could be read"))
            .ok()
    }
}
