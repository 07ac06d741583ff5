//! What members are refused for want of a role, told to the audit log.

use svc_core::principal::{Principal, Subject};
use tracing::{Instrument, Span};

use super::{Checker, KeptDemand};
use crate::audit::{Attempt, Resource, action_of};
use crate::change::Author;
use crate::domain::{Actor, Credential, MemberId, OrganizationId, Role, SessionId, TokenId};
use crate::error::AuthError;

impl Checker {
    /// A member asks for a change that needs a higher role than they have. It is written down after the answer, for
    /// which nobody waits, and no more often than the audit log takes refusals.
    pub(super) fn note_role_refusal(
        &self,
        principal: &Principal,
        role: Role,
        needed: Option<Role>,
        demand: &KeptDemand,
    ) {
        let (Some(needed), Some(action)) = (needed, action_of(&demand.operation)) else { return };
        let Subject::Member(member) = &principal.subject else { return };
        let actor = Actor {
            organization_id: OrganizationId::new(&*principal.organization_id),
            member_id: MemberId::new(&**member),
            role,
            credential: Credential {
                token_id: principal.token_id.clone().map(TokenId::new),
                session_id: principal.session_id.clone().map(SessionId::new),
                expires_at: principal.expires_at,
            },
            client_address: Some(demand.client),
            request_id: Some(demand.request_id.clone()).filter(|id| !id.is_empty()),
        };
        let attempt = Attempt { action, resource: Resource::default() };
        let (changes, author) = (self.changes.clone(), Author::Member(actor, attempt));
        let note = async move { changes.note_refusal(&author, &AuthError::NeedsRole(needed)).await };
        // Not part of the request's trace, which ends before.
        tokio::spawn(note.instrument(Span::none()));
    }
}
