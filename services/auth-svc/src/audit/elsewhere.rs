//! What members do in other services, which tell of it ([ADR 34](../../../../docs/adr/0034-deeds-of-other-services.md)).

use svc_core::clock::Timestamp;

use super::{Action, Audit, Facts, Origin, Resource};
use crate::domain::{MemberId, OrganizationId, TokenId};

/// Who did something elsewhere, and when.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere {
    /// The id of the entry, by which one that is told twice is known.
    pub(crate) id: String,
    /// Whose log it stands in.
    pub(crate) organization_id: OrganizationId,
    /// The member.
    pub(crate) member_id: MemberId,
    /// The token that they presented.
    pub(crate) token_id: Option<TokenId>,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// When it was done, by the clock there.
    pub(crate) at: Timestamp,
    /// The agent on whose things. `None` for what all agents share.
    pub(crate) agent_id: Option<String>,
}

/// Something that was done elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Who did it.
    pub(crate) by: Elsewhere,
    /// What.
    pub(crate) action: Action,
    /// To what.
    pub(crate) resource: Resource,
    /// What that was; nothing for what was made.
    pub(crate) before: Option<Facts>,
    /// What it is; nothing for what is gone.
    pub(crate) after: Option<Facts>,
}

impl Told {
    /// What is written down of it: of what has changed, what differs.
    pub(crate) fn audit(self) -> (Elsewhere, Audit) {
        let (before, after) = match (self.before, self.after) {
            (Some(before), Some(after)) => {
                let (before, after) = Facts::difference(before, after);
                (Some(before), Some(after))
            }
            // Of what changes nothing that is told, the agent is.
            (None, None) => (None, Some(Facts::new())),
            sides => sides,
        };
        let of_agent = |side: Option<Facts>| match &self.by.agent_id {
            Some(agent_id) => side.map(|facts| facts.of_agent(agent_id)),
            None => side,
        };
        let (before, after) = (of_agent(before), of_agent(after));
        (self.by, Audit::of(self.action, self.resource, before, after))
    }
}
