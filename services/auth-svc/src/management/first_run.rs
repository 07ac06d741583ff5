//! The first run in the browser: a link, an organization and its owner.

use svc_core::error::Violation;
use svc_core::secret::Secret;

use super::Management;
use super::links::{NewLink, used};
use super::passwords::by_link;
use super::sessions::Entered;
use super::sign_in::Visitor;
use crate::audit::{Action, Attempt, Audit, Facts, Resource, Unaudited};
use crate::change::{Author, Changed};
use crate::domain::{
    LinkKind, Member, MemberDraft, MemberId, MemberStatus, OrganizationId, Role, check_name, check_password,
};
use crate::error::AuthError;
use crate::store::Touched;

/// The email address of an owner who gives none.
const EMAIL: &str = "owner@keyward.invalid";
/// The name of an organization that has none.
const ORGANIZATION: &str = "My organization";

/// What the first run is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstRun {
    /// The name of the owner.
    pub(crate) name: Option<String>,
    /// Their email address.
    pub(crate) email: Option<String>,
    /// Their password.
    pub(crate) password: Option<String>,
    /// The name of the organization.
    pub(crate) organization: Option<String>,
}

/// The same, checked.
struct Checked {
    owner: MemberDraft,
    password: Secret,
    organization: String,
}

impl Management {
    /// A link for the first run. The one before works no more. `None` when there is an organization.
    pub(crate) async fn create_setup_link(&self) -> Result<Option<NewLink>, AuthError> {
        if self.store.is_set_up().await? {
            return Ok(None);
        }
        let new = self.new_link(LinkKind::Setup, None);
        let made = self.changes.make(&Author::Renewal, move |work| {
            Box::pin(async move {
                work.insert_link(&new.link, &new.hash).await?;
                Ok(Changed::new(new, Touched::nothing(), Audit::nothing(Unaudited::NoOrganization)))
            })
        });
        made.await.map(Some)
    }

    /// Sets up, once, and signs the owner in.
    pub(crate) async fn set_up(
        &self,
        token: &Secret,
        asked: FirstRun,
        visitor: &Visitor,
    ) -> Result<Entered, AuthError> {
        let (_, link) = self.link(LinkKind::Setup, token, visitor).await?;
        let Checked { owner, password, organization } = asked.check()?;
        let hash = self.sign_in.passwords.hash(&password, &*self.environment.random).await?;
        let (environment, now) = (&self.environment, self.environment.clock.now());
        let owner = Member {
            id: MemberId::new(environment.ids.next()),
            organization_id: OrganizationId::new(environment.ids.next()),
            email: owner.email,
            name: owner.name,
            role: Role::Owner,
            created_at: now,
            updated_at: now,
            status: MemberStatus::Active,
            invited_until: None,
            last_seen_at: None,
        };
        let new = self.new_session(&owner.organization_id, &owner.id, owner.role, visitor);
        let (session, session_hash, email) = (new.session.clone(), new.hash, owner.email.clone());
        let attempt = Attempt::to_make(Action::OrganizationCreated, &organization);
        let author = Author::Member(by_link(&owner, visitor), attempt);
        let made = self.changes.make(&author, move |work| {
            Box::pin(async move {
                work.take_link(LinkKind::Setup, &link, now).await?.ok_or_else(used)?;
                // `keyward setup` may have run meanwhile.
                if !work.claim_setup().await? {
                    return Err(used());
                }
                let id = &owner.organization_id;
                work.insert_organization(id, &organization, now).await?;
                work.insert_member(&owner).await?;
                work.set_password(id, &owner.id, &hash, now).await?;
                work.insert_session(&session, &session_hash).await?;
                let named = Facts::new().with("name", organization.as_str());
                let resource = Resource::new(id.as_str(), &organization);
                let audit = Audit::of(Action::OrganizationCreated, resource, None, Some(named))
                    .and(Audit::created(Action::MemberCreated, &owner))
                    .and(Audit::created(Action::SessionCreated, &session));
                Ok(Changed::new((), Touched::nothing(), audit))
            })
        });
        made.await?;
        self.sign_in.succeeded(&email, visitor);
        self.entered(new).await
    }
}

impl FirstRun {
    fn check(self) -> Result<Checked, AuthError> {
        let mut violations: Vec<Violation> = Vec::new();
        let name = check_name("name", self.name.as_deref(), &mut violations);
        let organization = self.organization.as_deref().or(Some(ORGANIZATION));
        let organization = check_name("organization", organization, &mut violations);
        let email = self.email.as_deref().unwrap_or(EMAIL);
        let password = check_password("password", self.password.as_deref(), &[email, &name], &mut violations);
        match MemberDraft::check(Some(email), &name, Some(Role::Owner)) {
            Ok(owner) if violations.is_empty() => Ok(Checked { owner, password, organization }),
            Ok(_) => Err(AuthError::Invalid(violations)),
            Err(AuthError::Invalid(more)) => {
                violations.extend(more.into_iter().filter(|v| v.field != "name"));
                Err(AuthError::Invalid(violations))
            }
            Err(error) => Err(error),
        }
    }
}
