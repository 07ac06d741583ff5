//! Sessions that are in use: how long they live, and that they are used.

use std::sync::Arc;
use std::time::Duration;

use svc_core::clock::Timestamp;
use svc_core::error::cause;
use tokio::time::timeout;

use crate::audit::{Audit, Unaudited};
use crate::change::{Author, Changed, Changes};
use crate::domain::{Session, SessionLife};
use crate::store::Touched;

/// How long a request waits until it is written down that its session is in use. It goes on without.
const SEEN: Duration = Duration::from_secs(1);

/// What the credential check knows of sessions.
pub(crate) struct Sessions {
    changes: Arc<Changes>,
    pub(crate) life: SessionLife,
}

impl Sessions {
    /// Sessions that live as long as this.
    pub(crate) fn new(changes: Arc<Changes>, life: SessionLife) -> Sessions {
        Sessions { changes, life }
    }

    /// A session is in use: once a minute that is written down. When it cannot be, the session ends the sooner
    /// and nobody is refused.
    pub(super) async fn seen(&self, session: &Session, now: Timestamp) {
        if !SessionLife::is_to_be_seen(session, now) {
            return;
        }
        let session = session.clone();
        let seen = self.changes.make(&Author::Renewal, move |work| {
            Box::pin(async move {
                work.see_session(&session, now).await?;
                Ok(Changed::new((), Touched::nothing(), Audit::nothing(Unaudited::Renewal)))
            })
        });
        if let Ok(Err(error)) = timeout(SEEN, seen).await {
            tracing::warn!(error = %error, cause = %cause(&error), "the use of a session was not written down");
        }
    }
}
