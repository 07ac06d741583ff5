//! Sessions: how one begins, whoever lets a member in, and what its member does with it.

use svc_core::secret::Secret;
use svc_core::session::csrf_token;

use super::Management;
use super::members::not_found as no_member;
use super::sign_in::Visitor;
use crate::audit::{Action, Attempt, Audit, Resource, Unaudited};
use crate::change::{Author, Changed};
use crate::credential;
use crate::domain::{
    Actor, Credential, Member, MemberId, OrganizationId, Role, Session, SessionId, shortened,
};
use crate::error::{AuthError, Proof, Thing};
use crate::secrets::{TokenHash, token_hash};
use crate::store::Touched;

/// Who is signed in, as the dashboard is told.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// The member.
    pub(crate) member: Member,
    /// The role that counts.
    pub(crate) role: Role,
    /// The name of their organization.
    pub(crate) organization: String,
    /// `None` for a token, which needs none.
    pub(crate) csrf_token: Option<Secret>,
    /// When the credential ends if it is not used again.
    pub(crate) expires_at: Option<svc_core::clock::Timestamp>,
}

/// A session that begins, and its token, which is nowhere else.
pub(crate) struct NewSession {
    pub(crate) session: Session,
    pub(crate) hash: TokenHash,
    token: Secret,
}

/// That a member has presented the password of this record.
pub(crate) struct ByPassword {
    pub(crate) record: String,
    /// The same password with the parameters of now, if they are others.
    pub(crate) renewed: Option<String>,
}

/// Somebody who was let in: who, and the token for the cookie.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) signed_in: SignedIn,
    pub(crate) token: Secret,
}

impl Management {
    /// A session for a member, to be written by the change that lets them in.
    pub(crate) fn new_session(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        role: Role,
        visitor: &Visitor,
    ) -> NewSession {
        let (environment, now) = (&self.environment, self.environment.clock.now());
        let token = credential::new_session(&*environment.random);
        let session = Session {
            id: SessionId::new(environment.ids.next()),
            organization_id: organization.clone(),
            member_id: member.clone(),
            role,
            client_address: visitor.address.map(|address| address.to_string()).unwrap_or_default(),
            user_agent: shortened(&visitor.user_agent),
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus(self.checker.sessions.life.absolute),
        };
        NewSession { session, hash: token_hash(token.expose()), token }
    }

    /// Begins a session for a member who has proven who they are: by a password, or in another way. Their role is read
    /// in the change itself.
    ///
    /// # Errors
    /// There is no such member any more, or they have another password by now.
    pub(crate) async fn begin_session(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        visitor: &Visitor,
        password: Option<ByPassword>,
    ) -> Result<Entered, AuthError> {
        let mut new = self.new_session(organization, member, Role::User, visitor);
        let (session, hash) = (new.session.clone(), new.hash);
        let attempt = Attempt::on(Action::SessionCreated, new.session.id.as_str());
        let author = Author::Member(entering(&new.session, visitor), attempt);
        let role = self.changes.make(&author, move |work| {
            Box::pin(async move {
                let (organization, member) = (&session.organization_id, &session.member_id);
                let found = work.lock_member(organization, member).await?;
                if let Some(ByPassword { record, renewed }) = &password {
                    // It may have been changed, and every session ended, since it was looked at.
                    if !work.is_password(organization, member, record).await? {
                        return Err(AuthError::NotProven(Proof::Password));
                    }
                    if let Some(renewed) = renewed {
                        work.renew_password(organization, member, record, renewed).await?;
                    }
                }
                let role = found.ok_or_else(no_member)?.role;
                let session = Session { role, ..session };
                work.insert_session(&session, &hash).await?;
                Ok(Changed::new(role, Touched::nothing(), Audit::created(Action::SessionCreated, &session)))
            })
        });
        new.session.role = role.await?;
        self.entered(new).await
    }

    /// What is told of a session that has begun.
    pub(crate) async fn entered(&self, new: NewSession) -> Result<Entered, AuthError> {
        let NewSession { session, hash, token } = new;
        let signed_in = self.signed_in(&session.organization_id, &session.member_id, session.role).await?;
        let signed_in = SignedIn {
            csrf_token: Some(csrf_token(&hash)),
            expires_at: Some(self.checker.sessions.life.end(&session)),
            ..signed_in
        };
        Ok(Entered { signed_in, token })
    }

    /// Who asks. When their role has changed since the token of their session was made, with a new one.
    pub(crate) async fn who(&self, actor: &Actor) -> Result<(SignedIn, Option<Secret>), AuthError> {
        let mut signed_in = self.signed_in(&actor.organization_id, &actor.member_id, actor.role).await?;
        signed_in.expires_at = actor.credential.expires_at;
        let Some(id) = &actor.credential.session_id else { return Ok((signed_in, None)) };
        let found = self.store.session(&actor.organization_id, &actor.member_id, id).await?;
        let (mut session, mut hash) = found.ok_or_else(not_found)?;
        let mut renewed = None;
        if session.role != actor.role {
            session.role = actor.role;
            let token = credential::new_session(&*self.environment.random);
            let (before, after, to_renew) = (hash, token_hash(token.expose()), session.clone());
            let attempt = Attempt::on(Action::SessionCreated, session.id.as_str());
            let is_renewed = self.change(actor, attempt, move |work| {
                Box::pin(async move {
                    match work.renew_session(&to_renew, &before, &after).await? {
                        // The session goes on as it was.
                        true => {
                            Ok(Changed::new(true, Touched::nothing(), Audit::nothing(Unaudited::Renewal)))
                        }
                        // Another call was sooner, and its answer has the new token.
                        false => Ok(Changed::unchanged(false)),
                    }
                })
            });
            if is_renewed.await? {
                (hash, renewed) = (after, Some(token));
            }
        }
        signed_in.csrf_token = Some(csrf_token(&hash));
        signed_in.expires_at = Some(self.checker.sessions.life.end(&session));
        Ok((signed_in, renewed))
    }

    async fn signed_in(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        role: Role,
    ) -> Result<SignedIn, AuthError> {
        let found = self.store.member(organization, member).await?;
        let name = self.store.organization_name(organization).await?;
        Ok(SignedIn {
            member: found.ok_or_else(no_member)?,
            role,
            organization: name.unwrap_or_default(),
            csrf_token: None,
            expires_at: None,
        })
    }

    /// The sessions of the member who asks, newest first.
    pub(crate) async fn sessions(&self, actor: &Actor) -> Result<Vec<Session>, AuthError> {
        let now = self.environment.clock.now();
        let mut found = self.store.sessions(&actor.organization_id, &actor.member_id, now).await?;
        found.retain(|session| self.checker.sessions.life.is_alive(session, now));
        Ok(found)
    }

    /// Ends the session of the member who asks, by which they ask.
    pub(crate) async fn sign_out(&self, actor: &Actor) -> Result<(), AuthError> {
        let id = actor.credential.session_id.clone().ok_or_else(not_found)?;
        self.end_session(actor, id).await
    }

    /// Ends a session of the member who asks.
    pub(crate) async fn end_session(&self, actor: &Actor, id: SessionId) -> Result<(), AuthError> {
        if !id.can_exist() {
            return Err(not_found());
        }
        let (organization, member) = (actor.organization_id.clone(), actor.member_id.clone());
        self.change(actor, Attempt::on(Action::SessionEnded, id.as_str()), move |work| {
            Box::pin(async move {
                if !work.end_session(&organization, &member, &id).await? {
                    return Err(not_found());
                }
                let audit = Audit::of(Action::SessionEnded, Resource::id(id.as_str()), None, None);
                Ok(Changed::new((), Touched::nothing(), audit))
            })
        })
        .await
    }
}

/// A member who is about to be let in, as the author of the change that does it.
fn entering(session: &Session, visitor: &Visitor) -> Actor {
    Actor {
        organization_id: session.organization_id.clone(),
        member_id: session.member_id.clone(),
        role: session.role,
        credential: Credential { session_id: Some(session.id.clone()), ..Credential::default() },
        client_address: visitor.address,
        request_id: visitor.request_id.clone(),
    }
}

fn not_found() -> AuthError {
    AuthError::NotFound(Thing::Session)
}
