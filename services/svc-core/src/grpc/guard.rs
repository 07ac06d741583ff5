//! What stands between the network and a handler: the rule of the RPC and the principal of the call.

use std::sync::Arc;

use http::request::Parts;

use super::agent_check::AgentCheck;
use super::caller;
use crate::error::{Error, Reason};
use crate::policy::{Access, Policy, Rpc};
use crate::principal::{self, Principal, Subject};
use crate::secret::Secret;
use crate::token::{METADATA, TokenVerifier};

/// Lets a call in when its principal fits the rule of its RPC.
#[derive(Debug)]
pub struct Guard {
    policy: Policy,
    verifier: Option<TokenVerifier>,
    internal_token: Option<Secret>,
}

impl Guard {
    /// Guards the RPCs of `policy`. Without a `verifier` only principals from within the process
    /// are taken, without an `internal_token` only internal calls from within the process.
    pub fn new(policy: Policy, verifier: Option<TokenVerifier>, internal_token: Option<Secret>) -> Guard {
        Guard { policy, verifier, internal_token }
    }

    /// The RPCs that are guarded.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Checks a call, puts its principal into the extensions, and says which agent its first message
    /// must name.
    pub(super) async fn admit(&self, parts: &mut Parts) -> Result<Option<AgentCheck>, Error> {
        let Some(rpc) = self.policy.rpc(parts.uri.path()) else {
            // An exempt service, or a path that no handler has.
            return Ok(None);
        };
        match &rpc.access {
            Access::Public => return Ok(None),
            Access::Internal => {
                let token = self.internal_token.as_ref();
                if caller::is_internal(&parts.extensions, &parts.headers, token) {
                    return Ok(None);
                }
                return Err(Error::new(
                    Reason::InvalidCredentials,
                    "This RPC is for other parts of Keyward only.",
                ));
            }
            Access::Key { .. } | Access::AnyKey | Access::Member(_) => {}
        }
        let principal = self.principal(parts).await?;
        permit(rpc, &principal)?;
        Ok(match (&rpc.access, &principal.agent_id) {
            (Access::Key { agent: Some(field), .. }, Some(agent)) => {
                Some(AgentCheck::new(field.number, agent))
            }
            _ => None,
        })
    }

    async fn principal(&self, parts: &mut Parts) -> Result<Arc<Principal>, Error> {
        if let Some(principal) = parts.extensions.get::<Arc<Principal>>() {
            return Ok(principal.clone());
        }
        let verifier = self.verifier.as_ref().ok_or_else(principal::missing)?;
        let token =
            parts.headers.get(METADATA).and_then(|v| v.to_str().ok()).ok_or_else(principal::missing)?;
        let principal = verifier.verify(token).await?;
        parts.extensions.insert(principal.clone());
        Ok(principal)
    }
}

/// auth-svc has decided already; this keeps a service safe from a caller that asks for one RPC and
/// calls another.
fn permit(rpc: &Rpc, principal: &Principal) -> Result<(), Error> {
    let fits = match (&rpc.access, &principal.subject) {
        (Access::Key { permissions, .. }, Subject::Key(_)) => permissions.iter().all(|p| principal.may(p)),
        (Access::AnyKey, Subject::Key(_)) => true,
        (Access::Member(role), Subject::Member(_)) => principal.role >= Some(*role),
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(Error::new(Reason::PermissionDenied, "The principal may not call this RPC.")),
    }
}
