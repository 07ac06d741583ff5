//! Archived contacts are deleted when their time has come, where the operator says when.

use std::sync::Arc;
use std::time::Duration;

use svc_core::error::cause;
use svc_runtime::tasks::Tasks;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::domain::{Contacts, EXPIRED_AT_ONCE};

/// How often they are looked for. Days are counted, so minutes do not matter.
const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);

pub(crate) fn spawn(tasks: &Tasks, contacts: Arc<Contacts>, kept_for: Duration) {
    tasks.spawn("archived-retention", move |stop| {
        let contacts = contacts.clone();
        async move { delete_until(&contacts, kept_for, stop).await }
    });
}

async fn delete_until(contacts: &Contacts, kept_for: Duration, stop: CancellationToken) {
    loop {
        match stop.run_until_cancelled(contacts.delete_archived(kept_for)).await {
            // There may be more.
            Some(Ok(EXPIRED_AT_ONCE..)) => continue,
            Some(Ok(deleted)) => tracing::debug!(deleted, "archived contacts are deleted after their time"),
            // What is left is deleted next time.
            Some(Err(error)) => {
                tracing::warn!(error = %error, cause = %cause(&error), "archived contacts are not deleted");
            }
            None => return,
        }
        if stop.run_until_cancelled(sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}
