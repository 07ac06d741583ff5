//! Who makes a request: what auth-svc's answer becomes for the services behind the edge.
//!
//! In one process it travels as an `Arc<Principal>` in the request's extensions, which no message from the network
//! can carry. Between processes it travels as a signed token (`svc_runtime::token`).

use keyward_proto::auth::v1 as auth_pb;
use keyward_proto::policy::v1::Role;

use crate::clock::Timestamp;
use crate::error::{Error, Reason};

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The organization. Nothing crosses it.
    pub organization_id: String,
    /// The agent that the key acts on, or that a member has named. `None` for a member who names none.
    pub agent_id: Option<String>,
    /// The key or the member.
    pub subject: Subject,
    /// The permissions of the key, `scope:action`; of a member who names an agent, those that the operation needs.
    pub permissions: Vec<String>,
    /// The role of the member. `None` for a key.
    pub role: Option<Role>,
    /// Until when the credential that was presented works. Nothing that is made with it lasts longer.
    pub expires_at: Option<Timestamp>,
    /// The id of the personal access token that a member presented. `None` for a key.
    pub token_id: Option<String>,
    /// The id of the session that a member is signed in with. `None` for a key.
    pub session_id: Option<String>,
}

/// The key or the member that makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The id of an API key.
    Key(String),
    /// The id of a member.
    Member(String),
}

impl Principal {
    /// The agent to act on. Refused when there is none.
    pub fn agent(&self) -> Result<&str, Error> {
        self.agent_id.as_deref().ok_or_else(wrong_kind)
    }

    /// The member who acts. Refused when the caller is a key.
    pub fn member(&self) -> Result<&str, Error> {
        match &self.subject {
            Subject::Member(id) => Ok(id),
            Subject::Key(_) => Err(wrong_kind()),
        }
    }

    /// Whether the caller holds this permission.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|p| p == permission)
    }
}

fn wrong_kind() -> Error {
    Error::new(Reason::PermissionDenied, "This operation is not for this kind of caller.")
}

/// An API key lacks these permissions.
pub fn lacks(permissions: &[String]) -> Error {
    let permissions = permissions.join(", ");
    let message =
        format!("The API key lacks {permissions}. An admin grants permissions in the key's settings.");
    Error::new(Reason::PermissionDenied, message)
}

/// A service was called without a principal.
pub fn missing() -> Error {
    Error::new(
        Reason::MissingCredentials,
        "This service is called through Keyward's edge: the call has no principal.",
    )
}

impl TryFrom<auth_pb::Principal> for Principal {
    type Error = Error;

    fn try_from(wire: auth_pb::Principal) -> Result<Principal, Error> {
        let role = match wire.role() {
            Role::Unspecified => None,
            role => Some(role),
        };
        let subject = match wire.subject {
            Some(auth_pb::principal::Subject::KeyId(id)) => Subject::Key(id),
            Some(auth_pb::principal::Subject::MemberId(id)) => Subject::Member(id),
            None => return Err(Error::internal()),
        };
        let expires_at = match &wire.expires_at {
            Some(time) => Some(Timestamp::from_proto(time).ok_or_else(Error::internal)?),
            None => None,
        };
        let agent_id = Some(wire.agent_id).filter(|id| !id.is_empty());
        Ok(Principal {
            organization_id: wire.organization_id,
            agent_id,
            subject,
            permissions: wire.permissions,
            role,
            expires_at,
            token_id: wire.token_id,
            session_id: wire.session_id,
        })
    }
}
