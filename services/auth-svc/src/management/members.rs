//! Members.

use svc_core::db::DbError;
use svc_core::error::{Error, Fault, Reason, Violation};

use super::{Actor, List, Management, PageRequest, must_be_id};
use crate::domain::{Member, MemberDraft, Role};
use crate::store::Touched;

impl Management {
    /// Adds a member.
    pub async fn create_member(&self, actor: Actor, draft: MemberDraft) -> Result<Member, Error> {
        actor.role.may_manage(draft.role)?;
        let now = self.environment.clock.now();
        let member = Member {
            id: self.environment.ids.next(),
            organization_id: actor.organization_id,
            email: draft.email,
            name: draft.name,
            role: draft.role,
            created_at: now,
            updated_at: now,
        };
        let this = self.clone();
        self.undisturbed(async move {
            let mut work = this.store.begin().await?;
            match work.insert_member(&member).await {
                Ok(()) => {}
                Err(DbError::Duplicate) => {
                    // The failed transaction must go before another connection is asked for.
                    drop(work);
                    return Err(this.taken(&member).await);
                }
                Err(error) => return Err(error.into()),
            }
            work.commit().await?;
            Ok(member)
        })
        .await
    }

    async fn taken(&self, member: &Member) -> Error {
        let found = self.store.member_by_email(&member.organization_id, &member.email).await;
        let violation = Violation::new("email", Fault::Duplicate, "A member with this email address exists.");
        Error {
            existing_id: found.ok().flatten().map(|found| found.id),
            violations: vec![violation],
            ..Error::new(Reason::AlreadyExists, "A member with this email address exists.")
        }
    }

    /// One member.
    pub async fn member(&self, actor: &Actor, id: &str) -> Result<Member, Error> {
        must_be_id(id, not_found)?;
        self.store.member(&actor.organization_id, id).await?.ok_or_else(not_found)
    }

    /// A page of members.
    pub async fn members(&self, actor: &Actor, page: PageRequest) -> Result<List<Member>, Error> {
        let scope = format!("members/{}", actor.organization_id);
        let (limit, at) = page.open(&scope)?;
        let found = self.store.members(&actor.organization_id, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_members(&actor.organization_id).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |member| &member.id))
    }

    /// Changes a member's role, if one is given. What their keys may do follows at once.
    pub async fn update_member(&self, actor: Actor, id: String, role: Option<Role>) -> Result<Member, Error> {
        must_be_id(&id, not_found)?;
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            let mut member = work.lock_member(&actor.organization_id, &id).await?.ok_or_else(not_found)?;
            let Some(role) = role else { return Ok(member) };
            actor.role.may_manage(member.role)?;
            actor.role.may_manage(role)?;
            member.role = role;
            member.updated_at = this.environment.clock.now();
            work.update_member(&member).await?;
            let keys = work.keys_made_by(&actor.organization_id, &id).await?;
            this.commit(work, Touched::Keys(keys)).await?;
            Ok(member)
        })
        .await
    }

    /// Removes a member. Their tokens end and their keys may do nothing more.
    pub async fn remove_member(&self, actor: Actor, id: String) -> Result<(), Error> {
        must_be_id(&id, not_found)?;
        let this = self.clone();
        self.to_the_end(async move {
            let mut work = this.store.begin().await?;
            let member = work.lock_member(&actor.organization_id, &id).await?.ok_or_else(not_found)?;
            actor.role.may_manage(member.role)?;
            work.remove_member(&actor.organization_id, &id, this.environment.clock.now()).await?;
            let keys = work.keys_made_by(&actor.organization_id, &id).await?;
            this.commit(work, Touched::Keys(keys)).await?;
            Ok(())
        })
        .await
    }
}

fn not_found() -> Error {
    Error::not_found("Member")
}
