//! Who a provider of OpenID Connect says has signed in, and which member that is.
//!
//! An identity that is known is its member. One that is not becomes the member of the email address that the provider
//! says is theirs, if that member has no other identity of this provider: for ever, whatever becomes of the address.
//! The audit log tells of that, and of whoever the provider knows and nobody here does (ADR 31).

use super::Management;
use super::passwords::by_link;
use super::sessions::Entered;
use super::sign_in::Visitor;
use crate::audit::{Action, Attempt, Audit, Auditable, Facts, Origin, Resource, Unaudited};
use crate::change::{Author, Changed};
use crate::domain::{LinkKind, Member, MemberStatus, OrganizationId, Proven, SignInFailure};
use crate::error::{AuthError, Thing};
use crate::store::Touched;

/// Whom a provider has proven.
enum Found {
    /// A member whom it has proven before.
    Known(Member),
    /// A member by their email address, and this address.
    New(Member, String),
    /// Nobody of ours.
    Nobody(SignInFailure),
}

impl Management {
    /// Lets in whom a provider has proven, or says why not.
    pub(crate) async fn sign_in_by_provider(
        &self,
        proven: Proven,
        visitor: &Visitor,
    ) -> Result<Result<Entered, SignInFailure>, AuthError> {
        let member = match self.find_proven(&proven).await? {
            Found::Known(member) => member,
            Found::New(member, email) => match self.link_identity(&proven, &member, email, visitor).await {
                Ok(member) => member,
                Err(AuthError::SignIn(failure)) => {
                    let attempt = Attempt { action: Action::IdentityLinked, resource: member.resource() };
                    let organization = Some(member.organization_id);
                    self.note_failed_sign_in(organization, attempt, &proven, visitor, failure).await;
                    return Ok(Err(failure));
                }
                Err(error) => return Err(error),
            },
            Found::Nobody(failure) => {
                let attempt = Attempt { action: Action::SessionCreated, resource: Resource::default() };
                self.note_failed_sign_in(None, attempt, &proven, visitor, failure).await;
                return Ok(Err(failure));
            }
        };
        match self.begin_session(&member.organization_id, &member.id, visitor, None).await {
            Ok(entered) => Ok(Ok(entered)),
            // They were removed in between.
            Err(AuthError::NotFound(Thing::Member)) => Ok(Err(SignInFailure::NotAMember)),
            Err(error) => Err(error),
        }
    }

    async fn find_proven(&self, proven: &Proven) -> Result<Found, AuthError> {
        let proven = proven.clone();
        let found = self.changes.make(&Author::SignIn, move |work| {
            Box::pin(async move {
                let found =
                    match (work.lock_member_by_identity(&proven.identity).await?, proven.verified_email) {
                        (Some(member), _) => Found::Known(member),
                        (None, None) => Found::Nobody(SignInFailure::EmailUnverified),
                        (None, Some(email)) => match work.lock_member_by_email(&email).await? {
                            Some(member) => Found::New(member, email),
                            None => Found::Nobody(SignInFailure::NotAMember),
                        },
                    };
                Ok(Changed::new(found, Touched::nothing(), Audit::nothing(Unaudited::SignIn)))
            })
        });
        found.await
    }

    /// Gives a member the identity that is proven, as their own deed: whoever reads the mail of that address is them.
    async fn link_identity(
        &self,
        proven: &Proven,
        member: &Member,
        email: String,
        visitor: &Visitor,
    ) -> Result<Member, AuthError> {
        let (identity, id, now) = (proven.identity.clone(), member.id.clone(), self.environment.clock.now());
        let attempt = Attempt { action: Action::IdentityLinked, resource: member.resource() };
        let facts = Facts::new()
            .with("provider", proven.provider.as_str())
            .with("issuer", identity.issuer.as_str())
            .with("subject", identity.subject.as_str());
        let author = Author::Member(by_link(member, visitor), attempt);
        let linked = self.changes.make(&author, move |work| {
            Box::pin(async move {
                // Somebody else may have been as fast.
                if let Some(member) = work.lock_member_by_identity(&identity).await? {
                    let audit = Audit::nothing(Unaudited::SignIn);
                    return Ok(Changed::new(member, Touched::nothing(), audit));
                }
                let locked = work.lock_member_by_email(&email).await?.filter(|locked| locked.id == id);
                let member = locked.ok_or(AuthError::SignIn(SignInFailure::NotAMember))?;
                if !work.link_identity(&member, &identity, now).await? {
                    return Err(AuthError::SignIn(SignInFailure::OtherIdentity));
                }
                work.activate_member(&member, now).await?;
                let of = (&member.organization_id, &member.id);
                work.withdraw_links(LinkKind::Invitation, Some(of)).await?;
                let mut audit = Audit::of(Action::IdentityLinked, member.resource(), None, Some(facts));
                if member.status == MemberStatus::Invited {
                    let joined = Member { status: MemberStatus::Active, ..member.clone() };
                    audit = audit.and(Audit::changed(Action::MemberJoined, &member, &joined));
                }
                Ok(Changed::new(member, Touched::nothing(), audit))
            })
        });
        linked.await
    }

    /// Tells the audit log of the organization; of the only one, where it is not known which. Where there are several,
    /// nobody of them is meant.
    async fn note_failed_sign_in(
        &self,
        organization: Option<OrganizationId>,
        attempt: Attempt,
        proven: &Proven,
        visitor: &Visitor,
        failure: SignInFailure,
    ) {
        let organization = match organization {
            Some(organization) => organization,
            None => match self.store.organizations().await.as_deref() {
                Ok([only]) => only.id.clone(),
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "a failed sign-in is not in the audit log");
                    return;
                }
            },
        };
        let origin = Origin {
            client_address: visitor.address.map(|address| address.to_string()),
            request_id: visitor.request_id.clone(),
        };
        let author = Author::Provider { organization, name: proven.provider.clone(), origin };
        self.changes.note_failed_sign_in(&author, attempt, failure).await;
    }
}
