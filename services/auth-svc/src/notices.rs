//! Notices of keys that expire and secrets that end soon. The dashboard asks for them; webhooks tell each of them once,
//! and where mail is set up, the owner and the admins also get it by mail.
//!
//! A task looks from time to time for notices that were not told. Marking one, writing its mails and its event is one
//! transaction, and a mark is a unique row: of several replicas that find the same notice, one tells it.

mod message;

use std::sync::Arc;
use std::time::Duration;

use svc_core::clock::Timestamp;
use svc_runtime::service::Environment;
use tokio_util::sync::CancellationToken;

use crate::audit::{Audit, Unaudited};
use crate::change::{Author, Changed, Changes};
use crate::domain::{Event, Mail, Notice};
use crate::error::AuthError;
use crate::mail::Outbox;
use crate::store::{OrganizationName, Store, Touched};

/// How many are looked at in one round. Those that end first come first, so the rest has time.
const MOST: i64 = 1_000;
/// For how long events wait for somebody to hand them on, in microseconds: a week.
const EVENTS_KEPT: i64 = 7 * 24 * 3_600 * 1_000_000;
/// How many owners and admins of an organization get mail.
const MOST_RECIPIENTS: i64 = 100;

/// Mails notices.
pub(crate) struct NoticeMailer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) environment: Environment,
    /// `None`: there is no mail, and only webhooks tell of them.
    pub(crate) outbox: Option<Outbox>,
    /// How long between two looks.
    pub(crate) every: Duration,
    /// Where the dashboard is found from outside, when it is known.
    pub(crate) dashboard: Option<String>,
}

impl NoticeMailer {
    /// Looks for notices until it is stopped.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            if let Err(error) = self.round(&stop).await {
                tracing::warn!(error = %error, "notices cannot be mailed");
            }
            if stop.run_until_cancelled(tokio::time::sleep(self.every)).await.is_none() {
                return;
            }
        }
    }

    async fn round(&self, stop: &CancellationToken) -> Result<(), AuthError> {
        for organization in self.store.organizations().await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            self.mail(organization).await?;
        }
        self.forget_events().await
    }

    /// Events that nobody has come for: there is nobody who sends webhooks.
    async fn forget_events(&self) -> Result<(), AuthError> {
        let old = Timestamp(self.environment.clock.now().0.saturating_sub(EVENTS_KEPT));
        let forgotten = self.changes.make(&Author::Events, move |work| {
            Box::pin(async move {
                work.delete_old_events(old).await?;
                Ok(Changed::new((), Touched::nothing(), Audit::nothing(Unaudited::Events)))
            })
        });
        forgotten.await
    }

    async fn mail(&self, organization: OrganizationName) -> Result<(), AuthError> {
        let now = self.environment.clock.now();
        let notices = self.store.notices(&organization.id, None, now, MOST).await?;
        let mailed = self.store.mailed_notices(&organization.id, now).await?;
        let due = notices.into_iter().filter_map(|notice| {
            let days = notice.days(now)?;
            let mark = (notice.key_id.clone(), notice.kind, notice.ends_at, days);
            (!mailed.contains(&mark)).then_some((notice, days))
        });
        let due: Vec<(Notice, i64)> = due.collect();
        if due.is_empty() {
            return Ok(());
        }
        let recipients = self.store.admin_emails(&organization.id, MOST_RECIPIENTS).await?;
        let (outbox, dashboard) = (self.outbox.clone(), self.dashboard.clone());
        let ids = self.environment.ids.clone();
        let made = self.changes.make(&Author::Notices, move |work| {
            Box::pin(async move {
                work.delete_notice_marks(&organization.id, now).await?;
                let mut new = Vec::new();
                for (notice, days) in due {
                    if work.mark_notice(&organization.id, &notice, days, now).await? {
                        let event = Event::expiring(ids.next(), &organization.id, &notice, days, now);
                        work.insert_event(&event).await?;
                        new.push(notice);
                    }
                }
                let Some(outbox) = outbox.filter(|_| !new.is_empty()) else {
                    return Ok(Changed::new((), Touched::nothing(), Audit::nothing(Unaudited::Mail)));
                };
                let (subject, text) = message::message(&organization.name, &new, dashboard.as_deref());
                for recipient in recipients {
                    let mail = Mail::new(&recipient, &subject, text.clone());
                    outbox.put(&mut *work, &organization.id, &mail, None).await?;
                }
                Ok(Changed::new((), Touched::nothing(), Audit::nothing(Unaudited::Mail)))
            })
        });
        made.await?;
        if let Some(outbox) = &self.outbox {
            outbox.written();
        }
        Ok(())
    }
}
