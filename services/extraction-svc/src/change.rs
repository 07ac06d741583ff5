//! The one way to change what is kept: [`Changes::make`] begins a transaction, runs the work and commits.
//!
//! Nothing else can commit: a work is given a [`Work`], which has no commit. A change that takes effect once is claimed
//! when its transaction begins, and its answer is kept before the commit: both are there, or neither.

use futures::future::BoxFuture;
use svc_core::idempotency::{IdempotentCall, Kept, Once};
use svc_db::IdempotencyRecords;
use tracing::{Instrument, Span, debug_span};

use crate::domain::Actor;
use crate::error::ExtractionError;
use crate::store::{Work, Writer};

/// Makes changes.
pub(crate) struct Changes {
    writer: Writer,
    records: IdempotencyRecords,
}

impl Changes {
    /// With the only writer of the store, and the answers that it keeps.
    pub(crate) fn new(writer: Writer, records: IdempotencyRecords) -> Changes {
        Changes { writer, records }
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
        self.commit(None, work).await
    }

    /// Makes a change of a member, and when it is to take effect once, no second time.
    pub(crate) async fn make_once<T, W>(&self, once: Option<Once<T>>, work: W) -> Result<T, ExtractionError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<T, ExtractionError>>,
    {
        self.commit(once, work).await
    }

    /// Makes a change of a caller, all of it or nothing, and when it is to take effect once, no second time.
    pub(crate) async fn make_for<T, W>(
        &self,
        actor: &Actor,
        once: Option<Once<T>>,
        work: W,
    ) -> Result<T, ExtractionError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<T, ExtractionError>>,
    {
        self.commit(once, work).instrument(span(actor)).await
    }

    async fn commit<T, W>(&self, once: Option<Once<T>>, work: W) -> Result<T, ExtractionError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<T, ExtractionError>>,
    {
        let mut transaction = self.writer.begin().await?;
        if let Some(once) = &once {
            self.records.claim(transaction.records(), &once.call).await??;
        }
        let value = work(&mut *transaction).await?;
        if let Some(once) = once {
            self.records.keep(transaction.records(), once.keep(&value)).await??;
        }
        transaction.commit().await?;
        Ok(value)
    }
}

fn span(actor: &Actor) -> Span {
    debug_span!("extraction.change", actor.id = actor.actor_id, request.id = actor.request_id)
}
