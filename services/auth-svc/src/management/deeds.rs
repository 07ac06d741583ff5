//! What members do in other services, as these tell of it.

use super::Management;
use crate::audit::Told;
use crate::change::{Author, Changed};
use crate::error::AuthError;
use crate::store::Touched;

impl Management {
    /// Writes down what was done elsewhere, in this order, each once.
    pub(crate) async fn record_deeds(&self, deeds: Vec<Told>) -> Result<(), AuthError> {
        for told in deeds {
            let (by, audit) = told.audit();
            let author = Author::Elsewhere(by);
            let recorded = self
                .changes
                .make(&author, |_| Box::pin(async move { Ok(Changed::new((), Touched::nothing(), audit)) }));
            recorded.await?;
        }
        Ok(())
    }
}
