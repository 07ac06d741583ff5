//! Who acts, and on whose things.

use std::net::IpAddr;

use crate::error::Error;
use crate::principal::Principal;

/// Whose things: those of one agent of one organization. Always from the principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partition {
    /// The organization. Nothing crosses it.
    pub organization_id: String,
    /// The agent. Empty for what all agents of the organization share.
    pub agent_id: String,
}

impl Partition {
    /// That of a principal.
    ///
    /// # Errors
    /// When the principal has no agent.
    pub fn of(principal: &Principal) -> Result<Partition, Error> {
        let agent_id = principal.agent()?.to_owned();
        Ok(Partition { organization_id: principal.organization_id.clone(), agent_id })
    }
}

/// The API key or the member that acts.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Whose things it acts on.
    pub partition: Partition,
    /// The id of the key or of the member.
    pub actor_id: String,
    /// The id that the edge gave the request.
    pub request_id: Option<String>,
    /// What the audit log says of a member. `None` when it is none who acts: a key, or Keyward itself.
    pub member: Option<ActingMember>,
}

/// How a member acts, beside what [`Actor`] says of anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActingMember {
    /// The id of the personal access token that they presented.
    pub token_id: Option<String>,
    /// Where their request came from, as the edge saw it.
    pub client_address: Option<IpAddr>,
}
