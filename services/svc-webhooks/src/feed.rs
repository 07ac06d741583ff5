//! What webhooks tell of contacts comes from the service that keeps them.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::StoreError;

use crate::domain::{EventType, Partition};

/// The changes of each agent's contacts, in the order in which they were committed, and numbered in it. They are written
/// in the transaction of the change itself, so a message is made of each that is committed, and of no other.
#[async_trait]
pub trait Feed: Send + Sync + 'static {
    /// SQL for where the feed of the agent of a row of `webhooks` ends.
    fn head_sql(&self) -> &'static str;

    /// Where the feed of an agent ends.
    async fn head(&self, owner: &Partition) -> Result<i64, StoreError>;

    /// The changes after this position, the oldest first.
    async fn after(&self, owner: &Partition, position: i64, most: i64) -> Result<Vec<Change>, StoreError>;

    /// What is told of a contact as it is now, a JSON object. One that is gone has its id alone.
    async fn data(&self, owner: &Partition, contact_id: &str) -> Result<String, StoreError>;
}

/// A change of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number, from 1.
    pub position: i64,
    /// What happened.
    pub event: EventType,
    /// To which contact.
    pub contact_id: String,
    /// When.
    pub at: Timestamp,
}
