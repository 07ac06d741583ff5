//! Who makes a request: what auth-svc's answer becomes for the services behind the edge.
//!
//! In one process it travels as an [`Arc<Principal>`] in the request's extensions, which no message
//! from the network can carry. Apart, it travels as a signed [token](crate::token).

use std::sync::Arc;

use keyward_proto::auth::v1 as auth_pb;
use keyward_proto::policy::v1::Role;

use crate::error::{Error, Reason};

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The organization. Nothing crosses it.
    pub organization_id: String,
    /// The agent that the key acts on. `None` for a member.
    pub agent_id: Option<String>,
    /// The key or the member.
    pub subject: Subject,
    /// The permissions of the key, `scope:action`.
    pub permissions: Vec<String>,
    /// The role of the member. `None` for a key.
    pub role: Option<Role>,
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
    /// The agent to act on. Refused when the caller is not a key.
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

    /// Whether a key holds this permission.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|p| p == permission)
    }
}

fn wrong_kind() -> Error {
    Error::new(Reason::PermissionDenied, "This operation is not for this kind of caller.")
}

/// The principal of a call that the gRPC stack has let in.
pub fn of<T>(request: &tonic::Request<T>) -> Result<Arc<Principal>, Error> {
    request.extensions().get::<Arc<Principal>>().cloned().ok_or_else(missing)
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
        let agent_id = Some(wire.agent_id).filter(|id| !id.is_empty());
        Ok(Principal {
            organization_id: wire.organization_id,
            agent_id,
            subject,
            permissions: wire.permissions,
            role,
        })
    }
}

impl From<Principal> for auth_pb::Principal {
    fn from(principal: Principal) -> auth_pb::Principal {
        auth_pb::Principal {
            organization_id: principal.organization_id,
            agent_id: principal.agent_id.unwrap_or_default(),
            subject: Some(match principal.subject {
                Subject::Key(id) => auth_pb::principal::Subject::KeyId(id),
                Subject::Member(id) => auth_pb::principal::Subject::MemberId(id),
            }),
            permissions: principal.permissions,
            role: principal.role.unwrap_or(Role::Unspecified).into(),
            token: None,
        }
    }
}
