//! The one way to change what is kept: [`Changes::make`] begins a transaction, runs the work and commits.
//!
//! Nothing else can commit: a work is given a [`Work`], which has no commit. A change that takes effect once is claimed
//! when its transaction begins, and its answer is kept before the commit: both are there, or neither. So is what the audit
//! log is told of members ([ADR 34](../../../docs/adr/0034-deeds-of-other-services.md)).

use futures::future::BoxFuture;
use svc_core::deed::Deed;
use svc_core::idempotency::{IdempotentCall, Kept, Once};
use svc_db::{IdempotencyRecords, Outbox};
use tracing::{Instrument, Span, debug_span};

use crate::domain::Actor;
use crate::error::ExtractionError;
use crate::store::{Work, Writer};

/// What the work of a caller has come to.
#[must_use]
pub(crate) struct Changed<T> {
    value: T,
    /// What the audit log is told, if a member does it.
    deed: Option<Deed>,
}

impl<T> Changed<T> {
    /// To be committed, and not told.
    pub(crate) fn untold(value: T) -> Changed<T> {
        Changed { value, deed: None }
    }

    /// To be committed with what the audit log is told of it.
    pub(crate) fn told(value: T, deed: Deed) -> Changed<T> {
        Changed { value, deed: Some(deed) }
    }
}

/// Makes changes.
pub(crate) struct Changes {
    writer: Writer,
    records: IdempotencyRecords,
    /// For the audit log.
    deeds: Outbox,
}

impl Changes {
    /// With the only writer of the store, the answers that it keeps, and what it tells the audit log.
    pub(crate) fn new(writer: Writer, records: IdempotencyRecords, deeds: Outbox) -> Changes {
        Changes { writer, records, deeds }
    }

    /// What is kept of the answer of a call.
    pub(crate) async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, ExtractionError> {
        Ok(self.records.find(call).await??)
    }

    /// Makes a change of Keyward's own, all of it or nothing.
    pub(crate) async fn make<T, W>(&self, work: W) -> Result<T, ExtractionError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<T, ExtractionError>>,
    {
        let mut transaction = self.writer.begin().await?;
        let value = work(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(value)
    }

    /// Makes a change of a caller, all of it or nothing, and when it is to take effect once, no second time.
    pub(crate) async fn make_for<T, W>(
        &self,
        actor: &Actor,
        once: Option<Once<T>>,
        work: W,
    ) -> Result<T, ExtractionError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<Changed<T>, ExtractionError>>,
    {
        let change = async {
            let mut transaction = self.writer.begin().await?;
            if let Some(once) = &once {
                self.records.claim(transaction.records(), &once.call).await??;
            }
            let Changed { value, deed } = work(&mut *transaction).await?;
            if let Some(once) = once {
                self.records.keep(transaction.records(), once.keep(&value)).await??;
            }
            if let Some(deed) = deed {
                self.deeds.tell(transaction.outgoing(), actor, deed).await?;
            }
            transaction.commit().await?;
            Ok(value)
        };
        change.instrument(span(actor)).await
    }
}

fn span(actor: &Actor) -> Span {
    debug_span!("extraction.change", actor.id = actor.actor_id, request.id = actor.request_id)
}
