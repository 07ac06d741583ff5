//! Links by mail, where mail is set up: of an invitation, and of a new password for who has forgotten theirs.

use svc_core::clock::Timestamp;

use super::sign_in::Visitor;
use super::{Management, NewLink};
use crate::audit::{Action, Audit, Unaudited};
use crate::change::{Author, Changed};
use crate::domain::{LinkKind, Mail, Member, MemberStatus, OrganizationId};
use crate::error::{AuthError, Proof};
use crate::mail::Outbox;
use crate::store::{Touched, Work};

/// A member is mailed one link in this time: each makes the one before useless, so nobody may keep them from using it.
const REST_MICROS: i64 = 300 * 1_000_000;

/// How links are mailed to members of one organization.
#[derive(Clone)]
pub(super) struct LinkMail {
    outbox: Outbox,
    dashboard: String,
    organization: String,
}

impl Management {
    /// `None`: no mail is set up.
    pub(super) async fn link_mail(
        &self,
        organization: &OrganizationId,
        dashboard: &str,
    ) -> Result<Option<LinkMail>, AuthError> {
        let Some(outbox) = self.outbox.clone() else { return Ok(None) };
        let organization = self.store.organization_name(organization).await?.unwrap_or_default();
        Ok(Some(LinkMail { outbox, dashboard: dashboard.to_owned(), organization }))
    }

    /// Mails a member the link by which they choose a new password. Whether there is such a member shows neither in the
    /// answer nor in its time: that is found out after it.
    pub(crate) fn request_password_reset(
        &self,
        email: &str,
        dashboard: &str,
        visitor: &Visitor,
    ) -> Result<(), AuthError> {
        let Some(outbox) = &self.outbox else { return Err(AuthError::NoMail) };
        self.sign_in.admit(Some(email), visitor)?;
        // Nobody may ask for many mails, whoever they are for.
        _ = self.sign_in.failed(None, visitor, Proof::Link);
        let Some(place) = outbox.place() else {
            tracing::warn!("a new password was asked for and not mailed, since too many ask at once");
            return Ok(());
        };
        let (management, email, dashboard) = (self.clone(), email.to_owned(), dashboard.to_owned());
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = management.mail_password_reset(&email, &dashboard).await {
                tracing::warn!(error = %error, "a new password was asked for and not mailed");
            }
        });
        Ok(())
    }

    async fn mail_password_reset(&self, email: &str, dashboard: &str) -> Result<(), AuthError> {
        let Some(found) = self.store.password_by_email(email).await? else { return Ok(()) };
        let member = self.store.member(&found.organization_id, &found.member_id).await?;
        let mail = self.link_mail(&found.organization_id, dashboard).await?;
        let (Some(member), Some(mail)) = (member, mail) else { return Ok(()) };
        let new = self.new_link(LinkKind::PasswordReset, Some(&member));
        let author = Author::Keyward(found.organization_id);
        let made = self.changes.make(&author, move |work| {
            Box::pin(async move {
                let (organization, id) = (&member.organization_id, &member.id);
                let Some(member) = work.lock_member(organization, id).await? else {
                    return Ok(Changed::new(false, Touched::nothing(), Audit::nothing(Unaudited::Unchanged)));
                };
                let since = Timestamp(new.link.created_at.0.saturating_sub(REST_MICROS));
                let rests = work.link_made_since(LinkKind::PasswordReset, organization, id, since).await?;
                if rests || member.status == MemberStatus::Invited {
                    return Ok(Changed::new(false, Touched::nothing(), Audit::nothing(Unaudited::Unchanged)));
                }
                work.insert_link(&new.link, &new.hash).await?;
                mail.put(work, &member, &new).await?;
                let audit = Audit::done(Action::PasswordLinkCreated, &member);
                Ok(Changed::new(true, Touched::nothing(), audit))
            })
        });
        if made.await? {
            self.mail_written();
        }
        Ok(())
    }

    /// What was put is committed.
    pub(super) fn mail_written(&self) {
        if let Some(outbox) = &self.outbox {
            outbox.written();
        }
    }
}

impl LinkMail {
    /// Mails a member this link, as a part of the change that makes it.
    pub(super) async fn put(
        &self,
        work: &mut dyn Work,
        member: &Member,
        new: &NewLink,
    ) -> Result<(), AuthError> {
        let link = format!("{}/{}#{}", self.dashboard, new.link.kind.page(), new.token.expose());
        let mail = match new.link.kind {
            LinkKind::Invitation => Mail::invitation(&member.email, &self.organization, &link),
            LinkKind::PasswordReset => Mail::password_reset(&member.email, &self.organization, &link),
            LinkKind::Setup => return Ok(()),
        };
        self.outbox.put(work, &member.organization_id, &mail, Some(new.link.expires_at)).await?;
        Ok(())
    }
}
