//! Passwords: signing in with one, changing it, and resetting it by a link.

use svc_core::secret::Secret;

use super::Management;
use super::links::{NewLink, used};
use super::members::{must_exist, not_found};
use super::sessions::{ByPassword, Entered, SignedIn};
use super::sign_in::Visitor;
use crate::audit::{Action, Attempt, Audit};
use crate::change::{Author, Changed};
use crate::credential;
use crate::domain::{Actor, Credential, LinkKind, Member, MemberId, MemberStatus, Role, check_password};
use crate::error::{AuthError, Proof};
use crate::secrets::token_hash;
use crate::store::Touched;

impl Management {
    /// Signs in with an email address and a password.
    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: &Secret,
        visitor: &Visitor,
    ) -> Result<Entered, AuthError> {
        self.sign_in.admit(Some(email), visitor)?;
        let found = self.store.password_by_email(email).await?;
        let record = found.as_ref().and_then(|found| found.hash.clone());
        let is_right = self.sign_in.verify(record.as_deref(), password).await?;
        let (Some(found), Some(record), true) = (found, record, is_right) else {
            return Err(self.sign_in.failed(Some(email), visitor, Proof::Password));
        };
        let renewed = match self.sign_in.passwords.is_outdated(&record) {
            true => Some(self.sign_in.passwords.hash(password, &*self.environment.random).await?),
            false => None,
        };
        let password = Some(ByPassword { record, renewed });
        let entered = self.begin_session(&found.organization_id, &found.member_id, visitor, password).await?;
        self.sign_in.succeeded(email, visitor);
        Ok(entered)
    }

    /// Changes the password of the member who asks. Every other session of theirs ends; the own one gets another
    /// token, if there is one.
    pub(crate) async fn change_password(
        &self,
        actor: &Actor,
        current: &Secret,
        new: Option<&str>,
        visitor: &Visitor,
    ) -> Result<(SignedIn, Option<Secret>), AuthError> {
        let member = self.member(actor, &actor.member_id).await?;
        let account = Some(member.email.as_str());
        self.sign_in.admit(account, visitor)?;
        let new = self.new_password("new", new, &member)?;
        let found = self.store.password(&actor.organization_id, &actor.member_id).await?;
        let record = found.and_then(|found| found.hash);
        let is_right = self.sign_in.verify(record.as_deref(), current).await?;
        let (Some(record), true) = (record, is_right) else {
            let refusal = self.sign_in.failed(account, visitor, Proof::CurrentPassword);
            let attempt = Attempt::on(Action::PasswordChanged, actor.member_id.as_str());
            return Err(self.refused(actor, attempt, refusal).await);
        };
        let hash = self.sign_in.passwords.hash(&new, &*self.environment.random).await?;
        let own = match &actor.credential.session_id {
            Some(id) => self.store.session(&actor.organization_id, &actor.member_id, id).await?,
            None => None,
        };
        let token = own.as_ref().map(|_| credential::new_session(&*self.environment.random));
        let after = token.as_ref().map(|token| token_hash(token.expose()));
        let (organization, id, now) =
            (actor.organization_id.clone(), actor.member_id.clone(), self.environment.clock.now());
        self.change(actor, Attempt::on(Action::PasswordChanged, id.as_str()), move |work| {
            Box::pin(async move {
                let member = work.lock_member(&organization, &id).await?.ok_or_else(not_found)?;
                if !work.is_password(&organization, &id, &record).await? {
                    return Err(AuthError::NotProven(Proof::CurrentPassword));
                }
                work.set_password(&organization, &id, &hash, now).await?;
                work.withdraw_links(LinkKind::PasswordReset, Some((&organization, &id))).await?;
                work.end_sessions(&organization, &id, own.as_ref().map(|(session, _)| &session.id)).await?;
                if let (Some((session, before)), Some(after)) = (&own, &after) {
                    work.renew_session(session, before, after).await?;
                }
                Ok(Changed::new((), Touched::nothing(), Audit::done(Action::PasswordChanged, &member)))
            })
        })
        .await?;
        let (signed_in, renewed) = self.who(actor).await?;
        Ok((signed_in, renewed.or(token)))
    }

    /// Makes a link by which a member chooses a new password.
    pub(crate) async fn create_password_reset(
        &self,
        actor: &Actor,
        id: MemberId,
    ) -> Result<NewLink, AuthError> {
        must_exist(&id)?;
        let member = self.member(actor, &id).await?;
        let new = self.new_link(LinkKind::PasswordReset, Some(&member));
        let (organization, own, is_self) = (actor.organization_id.clone(), actor.role, id == actor.member_id);
        self.change(actor, Attempt::on(Action::PasswordLinkCreated, id.as_str()), move |work| {
            Box::pin(async move {
                let member = work.lock_member(&organization, &id).await?.ok_or_else(not_found)?;
                // Nobody manages an OWNER but they themselves, with all that they may do.
                if !(is_self && own == Role::Owner) {
                    own.may_manage(member.role)?;
                }
                if member.status == MemberStatus::Invited {
                    let message = "This member has not accepted their invitation yet: renew that.";
                    return Err(AuthError::OtherStatus(message));
                }
                work.insert_link(&new.link, &new.hash).await?;
                let audit = Audit::done(Action::PasswordLinkCreated, &member);
                Ok(Changed::new(new, Touched::nothing(), audit))
            })
        })
        .await
    }

    /// The same for whoever has the database, which proves more than any role. `None`: no such member can sign in.
    pub(crate) async fn password_link(&self, email: &str) -> Result<Option<NewLink>, AuthError> {
        let Some(found) = self.store.password_by_email(email).await? else { return Ok(None) };
        let member = self.store.member(&found.organization_id, &found.member_id).await?;
        let Some(member) = member.filter(|member| member.status == MemberStatus::Active) else {
            return Ok(None);
        };
        let new = self.new_link(LinkKind::PasswordReset, Some(&member));
        let author = Author::Setup(found.organization_id);
        let made = self.changes.make(&author, move |work| {
            Box::pin(async move {
                work.insert_link(&new.link, &new.hash).await?;
                let audit = Audit::done(Action::PasswordLinkCreated, &member);
                Ok(Changed::new(new, Touched::nothing(), audit))
            })
        });
        made.await.map(Some)
    }

    /// Sets a new password by a link. Every session of the member ends.
    pub(crate) async fn reset_password(
        &self,
        token: &Secret,
        password: Option<&str>,
        visitor: &Visitor,
    ) -> Result<(), AuthError> {
        let (member, link) = self.link_of_member(LinkKind::PasswordReset, token, visitor).await?;
        let password = self.new_password("password", password, &member)?;
        let hash = self.sign_in.passwords.hash(&password, &*self.environment.random).await?;
        let attempt = Attempt::on(Action::PasswordReset, member.id.as_str());
        let author = Author::Member(by_link(&member, visitor), attempt);
        let now = self.environment.clock.now();
        self.changes
            .make(&author, move |work| {
                Box::pin(async move {
                    let (organization, id) = (&member.organization_id, &member.id);
                    work.lock_member(organization, id).await?.ok_or_else(used)?;
                    work.take_link(LinkKind::PasswordReset, &link, now).await?.ok_or_else(used)?;
                    work.set_password(organization, id, &hash, now).await?;
                    work.end_sessions(organization, id, None).await?;
                    Ok(Changed::new((), Touched::nothing(), Audit::done(Action::PasswordReset, &member)))
                })
            })
            .await
    }

    /// A password that a member may have.
    pub(crate) fn new_password(
        &self,
        field: &str,
        password: Option<&str>,
        member: &Member,
    ) -> Result<Secret, AuthError> {
        let mut violations = Vec::new();
        let password = check_password(field, password, &[&member.email, &member.name], &mut violations);
        match violations.is_empty() {
            true => Ok(password),
            false => Err(AuthError::Invalid(violations)),
        }
    }
}

/// A member who has a link, as the author of the change that it does.
pub(super) fn by_link(member: &Member, visitor: &Visitor) -> Actor {
    Actor {
        organization_id: member.organization_id.clone(),
        member_id: member.id.clone(),
        role: member.role,
        credential: Credential::default(),
        client_address: visitor.address,
        request_id: visitor.request_id.clone(),
    }
}
