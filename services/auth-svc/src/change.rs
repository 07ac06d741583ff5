//! The one way to change what is kept: [`Changes::make`] begins a transaction, runs the work, writes what was done
//! into the audit log, announces what the work touched, commits, makes this replica forget it, and waits until every
//! other one has.
//!
//! Nothing else can commit. A work is given a [`Work`], which has no commit, and gives back a [`Changed`], which
//! cannot be made without saying what was touched and what the audit log is to say of it; and what touches a key
//! comes from the methods of the work that change it.
//!
//! A change that takes effect once is claimed when its transaction begins, and its answer is kept before the
//! commit: both are there, or neither.

mod auditor;

use std::sync::Arc;

use futures::future::BoxFuture;
use svc_core::address::network;
use svc_core::idempotency::{IdempotentCall, Kept, Once};
use svc_db::IdempotencyRecords;
use tracing::{Instrument, Span, debug_span, field};

use crate::audit::{Attempt, Audit, Elsewhere, Origin, Unaudited};
use crate::domain::{Actor, OrganizationId, SignInFailure, TokenId};
use crate::error::AuthError;
use crate::revocation::{Forget, Revocation};
use crate::store::{Touched, Work, Writer};

pub(crate) use auditor::Auditor;

/// Who makes a change.
#[derive(Clone, Debug)]
pub(crate) enum Author {
    /// A member, who set out to do this.
    Member(Actor, Attempt),
    /// `keyward setup`, in the organization that it makes.
    Setup(OrganizationId),
    /// Keyward itself, in an organization.
    Keyward(OrganizationId),
    /// The renewal of what is stored of a secret.
    Renewal,
    /// The request log.
    RequestLog,
    /// Somebody who signs in.
    SignIn,
    /// A provider of OpenID Connect, which says who somebody is.
    Provider {
        /// The organization that it says so to.
        organization: OrganizationId,
        /// How people know it.
        name: String,
        /// Where whoever it speaks of came from.
        origin: Origin,
    },
    /// A member in another service, which tells of it.
    Elsewhere(Elsewhere),
    /// The delivery of mail.
    Mail,
    /// The notices of what ends soon.
    Notices,
    /// Whoever hands on events for webhooks.
    Events,
}

/// What a work has come to: its value, and what becomes of the transaction.
#[must_use]
pub(crate) struct Changed<T> {
    value: T,
    /// `None`: nothing was written.
    written: Option<(Touched, Audit)>,
}

impl<T> Changed<T> {
    /// To be committed. What it touched are the keys that the work's methods name, or
    /// [`Touched::nothing`]; the audit log says what `audit` says.
    pub(crate) fn new(value: T, touched: Touched, audit: Audit) -> Changed<T> {
        Changed { value, written: Some((touched, audit)) }
    }

    /// All was as it should be already, and nothing was written. Another change may have made it so just
    /// now: it is answered no sooner than that one (docs/revocation.md, rule 8).
    pub(crate) fn unchanged(value: T) -> Changed<T> {
        Changed { value, written: None }
    }
}

/// A change that is made.
struct Made<T> {
    value: T,
    /// Whether whoever hears of the value learns something about a key.
    tells_of_keys: bool,
}

/// Makes changes.
pub(crate) struct Changes {
    writer: Writer,
    records: IdempotencyRecords,
    auditor: Auditor,
    cache: Arc<dyn Forget>,
    revocation: Revocation,
}

impl Changes {
    /// With the only writer of the store, the answers that it keeps, who writes the audit log, and the cache of the
    /// credential check.
    pub(crate) fn new(
        writer: Writer,
        records: IdempotencyRecords,
        auditor: Auditor,
        cache: Arc<dyn Forget>,
        revocation: Revocation,
    ) -> Changes {
        Changes { writer, records, auditor, cache, revocation }
    }

    /// How changes of keys reach every replica.
    pub(crate) fn revocation(&self) -> &Revocation {
        &self.revocation
    }

    /// Makes a change, all of it or nothing. Answers when no request that starts later is decided by what was
    /// before, on any replica.
    ///
    /// It runs in a task of its own, so that a caller who hangs up cannot end it between the commit and the
    /// moment every credential check has forgotten what was before (docs/revocation.md, rule 10).
    pub(crate) async fn make<T, W>(self: &Arc<Self>, author: &Author, work: W) -> Result<T, AuthError>
    where
        T: Send + 'static,
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, AuthError>> + Send + 'static,
    {
        self.make_once(author, None, work).await
    }

    /// The same, and when it is to take effect once, no second time.
    pub(crate) async fn make_once<T, W>(
        self: &Arc<Self>,
        author: &Author,
        once: Option<Once<T>>,
        work: W,
    ) -> Result<T, AuthError>
    where
        T: Send + 'static,
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, AuthError>> + Send + 'static,
    {
        let (changes, by) = (self.clone(), author.clone());
        let change = async move {
            let made = changes.run(&by, once, work).await;
            if let Err(error) = &made {
                changes.note_refusal(&by, error).await;
            }
            made
        };
        match tokio::spawn(change.instrument(author.span())).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(error = %error, "a change did not end");
                Err(AuthError::Lost)
            }
        }
    }

    /// What is kept of the answer of a call. Whoever hears of it hears of its change no sooner than it was answered
    /// itself (docs/revocation.md, rule 8).
    pub(crate) async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, AuthError> {
        let running = self.revocation.begin().await;
        let kept = self.records.find(call).await?;
        if matches!(kept, Ok(Some(_))) {
            self.revocation.settle(running).await;
        }
        Ok(kept?)
    }

    /// Writes down that a change of a member was refused, if it is one of those refusals that are (ADR 17). The
    /// caller is told of the refusal either way.
    pub(crate) async fn note_refusal(&self, author: &Author, error: &AuthError) {
        let Author::Member(actor, attempt) = author else { return };
        if error.is_refusal() && self.auditor.takes_refusal(actor.member_id.as_str()) {
            self.note(author, Audit::refused(attempt.clone(), &error.to_string())).await;
        }
    }

    /// Writes down that somebody whom a provider knows was not signed in.
    pub(crate) async fn note_failed_sign_in(
        &self,
        author: &Author,
        attempt: Attempt,
        failure: SignInFailure,
    ) {
        let Author::Provider { name, .. } = author else { return };
        if self.auditor.takes_refusal(name) {
            self.note(author, Audit::refused(attempt, failure.why())).await;
        }
    }

    /// Writes something down that is no change.
    async fn note(&self, author: &Author, audit: Audit) {
        let noted = async {
            let mut transaction = self.writer.begin().await?;
            let recorded = self.auditor.record(&mut *transaction, author, audit).await?;
            Ok::<_, AuthError>(transaction.commit(&Touched::nothing(), recorded).await?)
        };
        if let Err(error) = noted.await {
            tracing::warn!(error = %error, "a refusal is not in the audit log");
        }
    }

    async fn run<T, W>(&self, author: &Author, once: Option<Once<T>>, work: W) -> Result<T, AuthError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, AuthError>>,
    {
        let running = self.revocation.begin().await;
        let made = self.transact(author, once, work).await;
        let waits = match &made {
            Ok(made) => made.tells_of_keys,
            Err(error) => error.tells_of_keys(),
        };
        if waits {
            self.revocation.settle(running).await;
        }
        Ok(made?.value)
    }

    async fn transact<T, W>(
        &self,
        author: &Author,
        once: Option<Once<T>>,
        work: W,
    ) -> Result<Made<T>, AuthError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, AuthError>>,
    {
        let mut transaction = self.writer.begin().await?;
        if let Some(once) = &once {
            self.records.claim(transaction.records(), &once.call).await??;
        }
        let Changed { value, written } = work(transaction.work()).await?;
        let only_kept = once.is_some().then(|| (Touched::nothing(), Audit::nothing(Unaudited::Unchanged)));
        if let Some(once) = once {
            self.records.keep(transaction.records(), once.keep(&value)).await??;
        }
        let tells_of_keys = written.as_ref().is_none_or(|(touched, _)| !touched.is_nothing());
        if let Some((touched, audit)) = written.or(only_kept) {
            let recorded = self.auditor.record(&mut *transaction, author, audit).await?;
            let committed = transaction.commit(&touched, recorded).await;
            // Also after a failure: the answer may be all that was lost.
            self.cache.forget(&touched);
            committed?;
        }
        Ok(Made { value, tells_of_keys })
    }
}

impl Author {
    fn span(&self) -> Span {
        let span = debug_span!(
            "auth.change",
            author = self.name(),
            member.id = field::Empty,
            token.id = field::Empty,
            request.id = field::Empty,
            client.network = field::Empty,
        );
        if let Author::Member(actor, _) = self {
            span.record("member.id", actor.member_id.as_str());
            span.record("token.id", actor.credential.token_id.as_ref().map(TokenId::as_str));
            span.record("request.id", actor.request_id.as_deref());
            span.record(
                "client.network",
                actor.client_address.map(|address| field::display(network(address))),
            );
        }
        span
    }

    fn name(&self) -> &'static str {
        match self {
            Author::Member(..) => "member",
            Author::Setup(_) => "setup",
            Author::Keyward(_) => "keyward",
            Author::Renewal => "renewal",
            Author::RequestLog => "request_log",
            Author::SignIn => "sign_in",
            Author::Provider { .. } => "provider",
            Author::Elsewhere(_) => "elsewhere",
            Author::Mail => "mail",
            Author::Notices => "notices",
            Author::Events => "events",
        }
    }
}

#[cfg(test)]
mod tests;
