//! What members do with agents, keys, members and tokens.
//!
//! Every change is one transaction. It runs in a task of its own, so that a caller who hangs up cannot
//! end it between the commit and the moment every credential check has forgotten what was before
//! (docs/revocation.md, rule 10).

mod agents;
pub mod keys;
mod members;
mod page;
mod rotation;
mod tokens;

use std::future::Future;
use std::sync::Arc;

use svc_core::error::{Error, Reason};
use svc_core::ids::is_id;
use svc_core::service::Environment;
use tracing::Instrument;

use crate::check::Checker;
use crate::domain::{MaxLimits, Permissions, Role};
use crate::revocation::{Forget, Revocation};
use crate::secrets::Argon2Pool;
use crate::store::{Store, Touched, Work};

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
    pub(crate) max_limits: MaxLimits,
    /// Lets a change of keys answer once no replica decides by what was before.
    pub(crate) revocation: Arc<Revocation>,
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Management")
    }
}

impl Management {
    /// Runs a change that may touch keys to its end, whatever becomes of its caller. Answers when no
    /// request that starts later is decided by what was before, on any replica.
    async fn to_the_end<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let revocation = self.revocation.clone();
        self.undisturbed(async move { revocation.run(change).await }).await
    }

    /// Runs a change that touches no key to its end, whatever becomes of its caller.
    async fn undisturbed<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        match tokio::spawn(change.in_current_span()).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(error = %error, "a change did not end");
                Err(Error::internal())
            }
        }
    }

    /// Commits a change that touches these keys, within [`Management::to_the_end`].
    async fn commit(&self, work: Box<dyn Work>, touched: Touched) -> Result<(), Error> {
        let committed = work.commit_change(&touched).await;
        // Also after a failure: the answer may be all that was lost.
        self.checker.forget(&touched);
        Ok(committed?)
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
