//! Who acts: what an audit entry says of it.

use std::net::IpAddr;

use svc_core::clock::Timestamp;

use super::{MemberId, OrganizationId, Role, SessionId, TokenId};

/// The member who acts.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// Their organization.
    pub(crate) organization_id: OrganizationId,
    /// Their id.
    pub(crate) member_id: MemberId,
    /// Their role, or the lower one of their token.
    pub(crate) role: Role,
    /// What they proved themselves with.
    pub(crate) credential: Credential,
    /// Where their request came from, as the edge saw it. `None` when it did not come through one.
    pub(crate) client_address: Option<IpAddr>,
    /// The id that the edge gave the request.
    pub(crate) request_id: Option<String>,
}

/// What a member presented: a personal access token, or the token of their session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credential {
    /// The id of the personal access token.
    pub(crate) token_id: Option<TokenId>,
    /// The id of the session.
    pub(crate) session_id: Option<SessionId>,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
}
