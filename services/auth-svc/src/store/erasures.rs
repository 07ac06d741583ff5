//! What was deleted and of which other services hold more: it waits in an outbox until it was handed on.

use async_trait::async_trait;
use svc_core::erasure::Erasure;
use svc_db::{OutboxTable, Outgoing};

use super::StoreError;
use super::announcements::Announce;
use super::sql::SqlWork;

/// Tells of what is gone.
#[async_trait]
pub(crate) trait ErasureChanges: Send {
    /// Tells of it, once the transaction is committed.
    async fn insert_erasure(&mut self, erasure: Erasure) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> ErasureChanges for SqlWork<D> {
    async fn insert_erasure(&mut self, erasure: Erasure) -> Result<(), StoreError> {
        let parcel = erasure.parcel().ok_or(StoreError::Corrupt { column: "data" })?;
        Ok(self.transaction.put(OutboxTable::Erasures, &parcel).await?)
    }
}
