//! Invitations: a new member comes in by a link, and chooses name and password.

use svc_core::secret::Secret;

use super::Management;
use super::links::{NewLink, used};
use super::members::{must_exist, not_found};
use super::passwords::by_link;
use super::sessions::Entered;
use super::sign_in::Visitor;
use crate::audit::{Action, Attempt, Audit};
use crate::change::{Author, Changed};
use crate::domain::{Actor, LinkKind, Member, MemberId, MemberStatus, Session, check_name, check_password};
use crate::error::AuthError;
use crate::store::Touched;

impl Management {
    /// Makes a new link for a member who has not come in yet. The one before works no more.
    pub(crate) async fn renew_invitation(
        &self,
        actor: &Actor,
        id: MemberId,
        dashboard: &str,
    ) -> Result<(Member, NewLink), AuthError> {
        must_exist(&id)?;
        let mail = self.link_mail(&actor.organization_id, dashboard).await?;
        let member = self.member(actor, &id).await?;
        let new = self.new_link(LinkKind::Invitation, Some(&member));
        let (organization, own) = (actor.organization_id.clone(), actor.role);
        let attempt = Attempt::on(Action::MemberInvited, id.as_str());
        let renewed = self.change(actor, attempt, move |work| {
            Box::pin(async move {
                let member = work.lock_member(&organization, &id).await?.ok_or_else(not_found)?;
                own.may_manage(member.role)?;
                if member.status == MemberStatus::Active {
                    return Err(AuthError::OtherStatus(
                        "This member has come in already: reset their password.",
                    ));
                }
                work.insert_link(&new.link, &new.hash).await?;
                if let Some(mail) = mail {
                    mail.put(work, &member, &new).await?;
                }
                let member = Member { invited_until: Some(new.link.expires_at), ..member };
                let audit = Audit::done(Action::MemberInvited, &member);
                Ok(Changed::new((member, new), Touched::nothing(), audit))
            })
        });
        let renewed = renewed.await?;
        self.mail_written();
        Ok(renewed)
    }

    /// Lets a new member in, who chooses name and password.
    pub(crate) async fn accept_invitation(
        &self,
        token: &Secret,
        name: Option<&str>,
        password: Option<&str>,
        visitor: &Visitor,
    ) -> Result<Entered, AuthError> {
        let (member, link) = self.link_of_member(LinkKind::Invitation, token, visitor).await?;
        let mut violations = Vec::new();
        let name = check_name("name", name, &mut violations);
        let password = check_password("password", password, &[&member.email, &name], &mut violations);
        if !violations.is_empty() {
            return Err(AuthError::Invalid(violations));
        }
        let hash = self.sign_in.passwords.hash(&password, &*self.environment.random).await?;
        let mut new = self.new_session(&member.organization_id, &member.id, member.role, visitor);
        let (session, session_hash) = (new.session.clone(), new.hash);
        let attempt = Attempt::on(Action::MemberJoined, member.id.as_str());
        let author = Author::Member(by_link(&member, visitor), attempt);
        let (now, email) = (self.environment.clock.now(), member.email.clone());
        let role = self.changes.make(&author, move |work| {
            Box::pin(async move {
                let (organization, id) = (&member.organization_id, &member.id);
                let locked = work.lock_member(organization, id).await?.ok_or_else(used)?;
                work.take_link(LinkKind::Invitation, &link, now).await?.ok_or_else(used)?;
                work.set_member_name(organization, id, &name, now).await?;
                work.set_password(organization, id, &hash, now).await?;
                let session = Session { role: locked.role, ..session };
                work.insert_session(&session, &session_hash).await?;
                let joined = Member { name, status: MemberStatus::Active, ..locked.clone() };
                let audit = Audit::changed(Action::MemberJoined, &locked, &joined)
                    .and(Audit::created(Action::SessionCreated, &session));
                Ok(Changed::new(locked.role, Touched::nothing(), audit))
            })
        });
        new.session.role = role.await?;
        self.sign_in.succeeded(&email, visitor);
        self.entered(new).await
    }
}
