//! Tells the dispatcher of this process that there is something to be sent. What other processes write it finds by
//! itself, a little later.

use std::sync::Arc;

use tokio::sync::Notify;

/// Tells the dispatcher. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// There is something to be sent. Cheap: called after each change of a contact.
    pub fn now(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}
