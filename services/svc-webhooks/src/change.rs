//! The one way to change what is kept of webhooks: [`Changes::make`] begins a transaction, runs the work and commits.
//! Nothing else can commit: a work is given a [`Work`], which has none. What a member does comes through
//! [`Changes::make_by`], which tells the audit log in the same transaction.

use futures::future::BoxFuture;
use svc_core::actor::Actor;
use svc_core::deed::Deed;
use svc_core::idempotency::{IdempotentCall, Kept, Once};
use svc_db::{IdempotencyRecords, Outbox, Scope};

use crate::error::WebhookError;
use crate::store::{Work, Writer};

/// Makes changes.
pub(crate) struct Changes {
    writer: Writer,
    records: IdempotencyRecords,
    outbox: Outbox,
}

impl Changes {
    /// With the only writer of the store, the answers that the service keeps, and what it tells other services.
    pub(crate) fn new(writer: Writer, records: IdempotencyRecords, outbox: Outbox) -> Changes {
        Changes { writer, records, outbox }
    }

    /// What is kept of the answer of a call.
    pub(crate) async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, WebhookError> {
        Ok(self.records.find(call).await??)
    }

    /// Makes a change of Keyward's own to webhooks of these agents, all of it or nothing.
    pub(crate) async fn make<T, W>(&self, scope: &Scope, work: W) -> Result<T, WebhookError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<T, WebhookError>>,
    {
        let mut transaction = self.writer.begin(scope).await?;
        let value = work(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(value)
    }

    /// Makes a change of a member, all of it or nothing, and when it is to take effect once, no second time. The work
    /// says beside its value what the audit log is told.
    pub(crate) async fn make_by<T, W>(
        &self,
        actor: &Actor,
        once: Option<Once<T>>,
        work: W,
    ) -> Result<T, WebhookError>
    where
        W: for<'w> FnOnce(&'w mut dyn Work) -> BoxFuture<'w, Result<(T, Deed), WebhookError>>,
    {
        let mut transaction = self.writer.begin(&Scope::of(&actor.partition)).await?;
        if let Some(once) = &once {
            self.records.claim(transaction.records(), &once.call).await??;
        }
        let (value, deed) = work(&mut *transaction).await?;
        if let Some(once) = once {
            self.records.keep(transaction.records(), once.keep(&value)).await??;
        }
        self.outbox.tell(transaction.outgoing(), actor, deed).await?;
        transaction.commit().await?;
        Ok(value)
    }
}
