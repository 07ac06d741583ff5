//! What members do with agents, keys, members and tokens.
//!
//! Every change is one transaction. It runs in a task of its own, so that a caller who hangs up cannot
//! end it between the commit and the moment the credential check forgets what was before
//! (REVOCATION rule 10).

mod agents;
pub mod keys;
mod members;
mod page;
mod tokens;

use std::future::Future;
use std::sync::Arc;

use svc_core::error::{Error, Reason};
use svc_core::ids::is_id;
use svc_core::service::Environment;
use tokio::sync::RwLock;
use tracing::Instrument;

use crate::check::Checker;
use crate::domain::{Permissions, Role};
use crate::secrets::Argon2Pool;
use crate::store::Store;

pub use page::{List, PageRequest};

/// The member who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Their organization.
    pub organization_id: String,
    /// Their id.
    pub member_id: String,
    /// Their role, or the lower one of their token.
    pub role: Role,
}

/// Everything that changes need. Cheap to clone.
#[derive(Clone)]
pub struct Management {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) checker: Arc<Checker>,
    pub(crate) argon2: Argon2Pool,
    pub(crate) environment: Environment,
    pub(crate) permissions: Arc<Permissions>,
    /// Held for reading from before a change until the credential check has forgotten what it changed.
    pub(crate) changes: Arc<RwLock<()>>,
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Management")
    }
}

impl Management {
    /// Runs a change to its end, whatever becomes of its caller.
    async fn to_the_end<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let changes = self.changes.clone();
        let task = async move {
            let running = changes.read().await;
            let result = change.await;
            drop(running);
            // A change that found nothing to do may have found what another one had just committed. It
            // answers once that one, too, has made the credential check forget (REVOCATION rule 8).
            drop(changes.write().await);
            result
        };
        match tokio::spawn(task.in_current_span()).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(error = %error, "a change did not end");
                Err(Error::internal())
            }
        }
    }
}

/// What has not the form of an id does not exist; no database is asked.
fn must_be_id(id: &str, not_found: fn() -> Error) -> Result<(), Error> {
    match is_id(id) {
        true => Ok(()),
        false => Err(not_found()),
    }
}

fn precondition(expected: Option<i32>, version: i32) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != version => {
            let message = format!("The version is {version}, not {expected}. Read it again.");
            Err(Error::new(Reason::PreconditionFailed, message))
        }
        _ => Ok(()),
    }
}
