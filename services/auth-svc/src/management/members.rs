//! Members.

use svc_core::idempotency::Once;

use super::{List, Management, NewLink, PageRequest};
use crate::audit::{Action, Attempt, Audit};
use crate::change::Changed;
use crate::domain::{Actor, LinkKind, Member, MemberDraft, MemberId, MemberStatus, Role, display_name};
use crate::error::{AuthError, Thing};
use crate::store::Touched;

impl Management {
    /// Adds a member, who comes in by the link that is returned here only, and mailed where mail is set up.
    pub(crate) async fn create_member(
        &self,
        actor: &Actor,
        draft: MemberDraft,
        dashboard: &str,
        once: Option<Once<(Member, NewLink)>>,
    ) -> Result<(Member, NewLink), AuthError> {
        let attempt = Attempt::to_make(Action::MemberCreated, display_name(&draft.name, &draft.email));
        if let Err(refusal) = actor.role.may_manage(draft.role) {
            return Err(self.refused(actor, attempt, refusal).await);
        }
        let mail = self.link_mail(&actor.organization_id, dashboard).await?;
        let now = self.environment.clock.now();
        let member = Member {
            id: MemberId::new(self.environment.ids.next()),
            organization_id: actor.organization_id.clone(),
            email: draft.email,
            name: draft.name,
            role: draft.role,
            created_at: now,
            updated_at: now,
            status: MemberStatus::Invited,
            invited_until: None,
            last_seen_at: None,
        };
        let new = self.new_link(LinkKind::Invitation, Some(&member));
        let email = member.email.clone();
        let created = self.change_once(actor, attempt, once, |work| {
            Box::pin(async move {
                if !work.insert_member(&member).await? {
                    return Err(AuthError::EmailTaken { existing_id: None });
                }
                work.insert_link(&new.link, &new.hash).await?;
                if let Some(mail) = mail {
                    mail.put(work, &member, &new).await?;
                }
                let member = Member { invited_until: Some(new.link.expires_at), ..member };
                let audit = Audit::created(Action::MemberCreated, &member);
                Ok(Changed::new((member, new), Touched::nothing(), audit))
            })
        });
        match created.await {
            // The failed transaction is gone: it has a connection that this look needs.
            Err(AuthError::EmailTaken { .. }) => {
                let found = self.store.member_by_email(&actor.organization_id, &email).await;
                Err(AuthError::EmailTaken { existing_id: found.ok().flatten().map(|found| found.id) })
            }
            created => {
                self.mail_written();
                created
            }
        }
    }

    /// One member.
    pub(crate) async fn member(&self, actor: &Actor, id: &MemberId) -> Result<Member, AuthError> {
        must_exist(id)?;
        self.store.member(&actor.organization_id, id).await?.ok_or_else(not_found)
    }

    /// A page of members.
    pub(crate) async fn members(&self, actor: &Actor, page: PageRequest) -> Result<List<Member>, AuthError> {
        let scope = format!("members/{}", actor.organization_id);
        let (limit, at) = page.open(&scope)?;
        let found = self.store.members(&actor.organization_id, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_members(&actor.organization_id).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |member| member.id.as_str()))
    }

    /// Changes a member's role, if one is given. What their keys may do follows at once.
    pub(crate) async fn update_member(
        &self,
        actor: &Actor,
        id: MemberId,
        role: Option<Role>,
    ) -> Result<Member, AuthError> {
        must_exist(&id)?;
        let (organization, own) = (actor.organization_id.clone(), actor.role);
        let clock = self.environment.clock.clone();
        self.change(actor, Attempt::on(Action::MemberUpdated, id.as_str()), move |work| {
            Box::pin(async move {
                let before = work.lock_member(&organization, &id).await?.ok_or_else(not_found)?;
                let Some(role) = role else { return Ok(Changed::unchanged(before)) };
                own.may_manage(before.role)?;
                own.may_manage(role)?;
                if role == before.role {
                    return Ok(Changed::unchanged(before));
                }
                let member = Member { role, updated_at: clock.now(), ..before.clone() };
                let keys = work.update_member(&member).await?;
                let audit = Audit::changed(Action::MemberUpdated, &before, &member);
                Ok(Changed::new(member, keys, audit))
            })
        })
        .await
    }

    /// Removes a member. Their tokens end and their keys may do nothing more.
    pub(crate) async fn remove_member(&self, actor: &Actor, id: MemberId) -> Result<(), AuthError> {
        must_exist(&id)?;
        let (organization, own) = (actor.organization_id.clone(), actor.role);
        let clock = self.environment.clock.clone();
        self.change(actor, Attempt::on(Action::MemberDeleted, id.as_str()), move |work| {
            Box::pin(async move {
                let member = work.lock_member(&organization, &id).await?.ok_or_else(not_found)?;
                own.may_manage(member.role)?;
                let keys = work.remove_member(&member, clock.now()).await?;
                let audit = Audit::deleted(Action::MemberDeleted, &member);
                Ok(Changed::new((), keys, audit))
            })
        })
        .await
    }
}

pub(super) fn must_exist(id: &MemberId) -> Result<(), AuthError> {
    match id.can_exist() {
        true => Ok(()),
        false => Err(not_found()),
    }
}

pub(super) fn not_found() -> AuthError {
    AuthError::NotFound(Thing::Member)
}
