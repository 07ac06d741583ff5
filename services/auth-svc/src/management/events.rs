//! Events for webhooks, as whoever hands them on takes them.

use super::Management;
use crate::audit::{Audit, Unaudited};
use crate::change::{Author, Changed};
use crate::domain::Event;
use crate::error::AuthError;
use crate::store::Touched;

impl Management {
    /// Those that wait, the oldest first.
    pub(crate) async fn waiting_events(&self, limit: i64) -> Result<Vec<Event>, AuthError> {
        Ok(self.store.waiting_events(limit).await?)
    }

    /// These were handed on.
    pub(crate) async fn forget_events(&self, ids: Vec<String>) -> Result<(), AuthError> {
        let forgotten = self.changes.make(&Author::Events, move |work| {
            Box::pin(async move {
                for id in &ids {
                    work.delete_event(id).await?;
                }
                Ok(Changed::new((), Touched::nothing(), Audit::nothing(Unaudited::Events)))
            })
        });
        forgotten.await
    }
}
