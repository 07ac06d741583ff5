//! Deciding about a member who presents a personal access token or the token of their session.

use std::future::Future;
use std::sync::Arc;

use keyward_proto::policy::v1 as policy_pb;
use svc_core::clock::Timestamp;
use svc_core::principal::{Principal, Subject};
use svc_core::secret::Secret;
use svc_runtime::authorize::Granted;

use super::{Checker, Denial, KeptDemand, LookupError, Refusal};
use crate::credential;
use crate::domain::{AgentId, MemberId, OrganizationId, Role, Session};
use crate::secrets::{TokenHash, token_hash};
use crate::store::{SessionRecord, StoreError, TokenRecord};

impl Checker {
    pub(super) async fn check_member(
        &self,
        token: &Secret,
        needed: Option<Role>,
        demand: KeptDemand,
    ) -> Result<Granted, Denial> {
        let now = self.clock.now();
        let form = Form::of(token.expose());
        let hash = form.map(|_| token_hash(token.expose()));
        // As with keys: whoever is known to be good passes whatever the neighbours behind the same address do.
        let known = hash.filter(|hash| self.known_tokens.contain(hash));
        if known.is_none()
            && !demand.goes_on
            && let Some(wait) = self.token_failures.wait(demand.client)
        {
            return Err(Refusal::AddressThrottled(wait).into());
        }
        let found = match (form, &hash) {
            (Some(Form::Token), Some(hash)) => self.live_token(hash, known.is_some(), now).await?,
            (Some(Form::Session), Some(hash)) => self.live_session(hash, known.is_some(), now).await?,
            _ => None,
        };
        let Some(Found { role, mut principal }) = found else {
            if let Some(hash) = known {
                self.known_tokens.remove(&hash);
            }
            if !demand.goes_on {
                self.token_failures.count(demand.client);
            }
            return Err(Refusal::NotSignedIn.into());
        };
        if let (Some(hash), None) = (hash, known) {
            self.known_tokens.add(hash);
        }
        if needed.is_none_or(|needed| role < needed) {
            self.note_role_refusal(&principal, role, needed, &demand);
            return Err(Refusal::RoleRequired(needed).into());
        }
        if let Some(agent) = &demand.agent {
            let organization = OrganizationId::new(principal.organization_id.as_str());
            principal.agent_id = Some(self.agent_of(&organization, agent).await?);
            // Of a member whose role suffices, all that the operation needs.
            principal.permissions = demand.permissions;
        }
        let token =
            demand.audience.map(|audience| self.minter.mint(&principal, &audience, now)).transpose()?;
        Ok(Granted { principal: Arc::new(principal), token })
    }

    /// The agent that a member names, which has to be one of the member's organization.
    async fn agent_of(&self, organization: &OrganizationId, agent: &str) -> Result<String, Denial> {
        let id = AgentId::new(agent);
        let found = match id.can_exist() {
            true => self.store.agent(organization, &id).await.map_err(LookupError::from),
            false => Ok(None),
        };
        let found = found.map_err(|error| error.denial("agent"))?;
        Ok(found.ok_or(Refusal::AgentNotFound)?.id.into())
    }

    /// A token that works. Not cached: a role that shrinks must shrink here at once, and members are not a
    /// hot path.
    async fn live_token(
        &self,
        hash: &TokenHash,
        known: bool,
        now: Timestamp,
    ) -> Result<Option<Found>, Denial> {
        let record = self.look(known, "token", self.store.token_record(hash)).await?;
        let record = record.filter(|record| record.token.expires_at.is_none_or(|end| now < end));
        Ok(record.map(|TokenRecord { token, member_role }| {
            // A token never holds a higher role than its member has now.
            let role = token.role.min(member_role);
            Found::of(role, token.organization_id, token.member_id, token.expires_at, |principal| {
                principal.token_id = Some(token.id.into());
            })
        }))
    }

    /// A session that has not ended. Not cached either.
    async fn live_session(
        &self,
        hash: &TokenHash,
        known: bool,
        now: Timestamp,
    ) -> Result<Option<Found>, Denial> {
        let record = self.look(known, "session", self.store.session_record(hash)).await?;
        let Some(SessionRecord { session, member_role }) = record else { return Ok(None) };
        if !self.sessions.life.is_alive(&session, now) {
            return Ok(None);
        }
        self.sessions.seen(&session, now).await;
        let Session { id, organization_id, member_id, expires_at, .. } = session;
        Ok(Some(Found::of(member_role, organization_id, member_id, Some(expires_at), |principal| {
            principal.session_id = Some(id.into());
        })))
    }

    async fn look<T>(
        &self,
        known: bool,
        what: &'static str,
        find: impl Future<Output = Result<Option<T>, StoreError>>,
    ) -> Result<Option<T>, Denial> {
        let found = match known {
            true => find.await.map_err(LookupError::from),
            // A flood of made-up tokens keeps no good one waiting, nor a key.
            false => self.token_lookups.run(self.clock.uptime(), find).await,
        };
        found.map_err(|error| error.denial(what))
    }
}

/// What a member presents.
#[derive(Clone, Copy)]
enum Form {
    Token,
    Session,
}

impl Form {
    /// `None`: neither, and no database need be asked.
    fn of(text: &str) -> Option<Form> {
        match text {
            text if credential::is_token(text) => Some(Form::Token),
            text if credential::is_session(text) => Some(Form::Session),
            _ => None,
        }
    }
}

/// A credential that works.
struct Found {
    role: Role,
    principal: Principal,
}

impl Found {
    fn of(
        role: Role,
        organization_id: OrganizationId,
        member_id: MemberId,
        expires_at: Option<Timestamp>,
        by: impl FnOnce(&mut Principal),
    ) -> Found {
        let mut principal = Principal {
            organization_id: organization_id.into(),
            agent_id: None,
            subject: Subject::Member(member_id.into()),
            permissions: Vec::new(),
            role: Some(role.into()),
            expires_at,
            token_id: None,
            session_id: None,
        };
        by(&mut principal);
        Found { role, principal }
    }
}

/// `None` for no role.
pub(crate) fn role_from_wire(role: policy_pb::Role) -> Option<Role> {
    match role {
        policy_pb::Role::Unspecified => None,
        policy_pb::Role::User => Some(Role::User),
        policy_pb::Role::Admin => Some(Role::Admin),
        policy_pb::Role::Owner => Some(Role::Owner),
    }
}

impl From<Role> for policy_pb::Role {
    fn from(role: Role) -> policy_pb::Role {
        match role {
            Role::User => policy_pb::Role::User,
            Role::Admin => policy_pb::Role::Admin,
            Role::Owner => policy_pb::Role::Owner,
        }
    }
}
