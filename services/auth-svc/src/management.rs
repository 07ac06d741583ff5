//! What members do with agents, keys, members and tokens, and how they sign in.
//!
//! Every change goes through [`Management::change`].

mod agents;
mod audit;
mod deeds;
mod events;
mod first_run;
mod identities;
mod invitations;
mod keys;
mod link_mails;
mod links;
mod members;
mod notices;
mod page;
mod passwords;
mod requests;
mod rotation;
mod sessions;
mod sign_in;
mod tokens;
mod usage;

use std::sync::Arc;

use futures::future::BoxFuture;
use keyward_proto::policy::v1::Scope;
use svc_core::error::Error;
use svc_core::idempotency::{Answers, IdempotentCall, Kept, Once};
use svc_runtime::service::Environment;

use crate::audit::Attempt;
use crate::change::{Author, Changed, Changes};
use crate::check::Checker;
use crate::domain::{Actor, MaxLimits, Permissions};
use crate::error::AuthError;
use crate::identities::Identities;
use crate::mail::Outbox;
use crate::secrets::Argon2Pool;
use crate::store::{Store, Work};

pub(crate) use first_run::FirstRun;
pub(crate) use keys::KeySearch;
pub(crate) use links::NewLink;
pub(crate) use page::{List, PageRequest};
pub(crate) use requests::ToExplain;
pub(crate) use sessions::{Entered, SignedIn};
pub(crate) use sign_in::{SignIn, Visitor};
pub(crate) use usage::{KeyUsage, UsageAsked, UsageTold, includes_activity};

/// Everything that changes need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Management {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) checker: Arc<Checker>,
    pub(crate) argon2: Argon2Pool,
    pub(crate) environment: Environment,
    pub(crate) permissions: Arc<Permissions>,
    /// Every scope that keys can hold permissions of.
    pub(crate) scopes: Arc<[Scope]>,
    pub(crate) sign_in: Arc<SignIn>,
    pub(crate) max_limits: MaxLimits,
    pub(crate) usage: KeyUsage,
    pub(crate) identities: Arc<Identities>,
    /// `None` when no mail is sent.
    pub(crate) outbox: Option<Outbox>,
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Management")
    }
}

impl Management {
    /// Makes a change of a member, who set out to do this: [`Changes::make`].
    async fn change<T, W>(&self, actor: &Actor, attempt: Attempt, work: W) -> Result<T, AuthError>
    where
        T: Send + 'static,
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, AuthError>> + Send + 'static,
    {
        self.change_once(actor, attempt, None, work).await
    }

    /// Makes a change of a member that may be to take effect once: [`Changes::make_once`].
    async fn change_once<T, W>(
        &self,
        actor: &Actor,
        attempt: Attempt,
        once: Option<Once<T>>,
        work: W,
    ) -> Result<T, AuthError>
    where
        T: Send + 'static,
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, AuthError>> + Send + 'static,
    {
        self.changes.make_once(&Author::Member(actor.clone(), attempt), once, work).await
    }

    /// Writes down that a member was refused something before it came to a change, and gives the refusal back.
    pub(crate) async fn refused(&self, actor: &Actor, attempt: Attempt, error: AuthError) -> AuthError {
        self.changes.note_refusal(&Author::Member(actor.clone(), attempt), &error).await;
        error
    }
}

impl Answers for Management {
    async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, Error> {
        Ok(self.changes.kept(call).await?)
    }
}
