//! What stands between the network and a handler: the rule of the RPC and the principal of the call.

use std::sync::Arc;

use http::request::Parts;

use super::caller::{self, Caller};
use super::message_check::MessageCheck;
use crate::token::{TokenVerifier, UnknownKey, Verdict};
use svc_core::error::{Error, Reason};
use svc_core::policy::{Access, Policy, Rpc};
use svc_core::principal::{self, Principal, Subject};
use svc_core::secret::Secret;

/// The RPCs of the platform itself, which have no rule and hold no one's data. Health is for everyone.
const HEALTH: [&str; 3] =
    ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch"];
/// Reflection is for callers with the credential of internal RPCs.
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// Lets a call in when its principal fits the rule of its RPC.
#[derive(Debug)]
pub struct Guard {
    policy: Policy,
    verifier: Option<TokenVerifier>,
    internal_token: Option<Secret>,
}

/// What becomes of a call.
pub(super) enum Admission {
    /// It is let in.
    Admitted(Admitted),
    /// It cannot be told before this key is known: see [`Guard::learn`].
    UnknownKey(UnknownKey),
}

/// A call that is let in.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// Who makes it, where its rule asks for somebody.
    pub(super) principal: Option<Arc<Principal>>,
    /// What its messages have to pass.
    pub(super) check: Option<MessageCheck>,
}

impl Guard {
    /// Guards the RPCs of `policy`. Without a `verifier` only principals from within the process
    /// are taken, without an `internal_token` only internal calls from within the process, and no reflection.
    pub fn new(policy: Policy, verifier: Option<TokenVerifier>, internal_token: Option<Secret>) -> Guard {
        Guard { policy, verifier, internal_token }
    }

    /// The RPCs that are guarded.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Checks a call over HTTP/2. Waits for nothing.
    pub(super) fn admit_http(&self, rpc: Option<&Rpc>, parts: &Parts) -> Result<Admission, Error> {
        let is_internal =
            || caller::is_internal(&parts.extensions, &parts.headers, self.internal_token.as_ref());
        let Some(rpc) = rpc else {
            return match parts.uri.path() {
                REFLECTION if !is_internal() => Err(internal_only()),
                // Health, or a path that no handler has.
                _ => Ok(Admission::Admitted(Admitted::default())),
            };
        };
        let caller = match rpc.access {
            Access::Public => Caller::Anyone,
            Access::Internal if is_internal() => Caller::Internal,
            Access::Internal => Caller::Anyone,
            Access::Key { .. } | Access::AnyKey | Access::Member(_) => Caller::principal_of(parts),
        };
        self.admit(rpc, &caller)
    }

    /// Checks a call. Waits for nothing.
    pub(super) fn admit(&self, rpc: &Rpc, caller: &Caller) -> Result<Admission, Error> {
        match (&rpc.access, caller) {
            (Access::Public, _) | (Access::Internal, Caller::Internal) => {
                return Ok(Admission::Admitted(Admitted::default()));
            }
            (Access::Internal, _) => return Err(internal_only()),
            (Access::Key { .. } | Access::AnyKey | Access::Member(_), _) => {}
        }
        let principal = match self.principal(caller)? {
            Verdict::Good(principal) => principal,
            Verdict::UnknownKey(key) => return Ok(Admission::UnknownKey(key)),
        };
        permit(rpc, &principal)?;
        let check = MessageCheck::of(rpc, &principal);
        Ok(Admission::Admitted(Admitted { principal: Some(principal), check }))
    }

    /// Whether an RPC with this path is known: by a rule, or as one of the platform itself.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.policy.rpc(path).is_some() || path == REFLECTION || HEALTH.contains(&path)
    }

    /// Waits until it is known whether there is such a key.
    pub(super) async fn learn(&self, key: &UnknownKey) -> Result<(), Error> {
        match &self.verifier {
            Some(verifier) => verifier.learn(key).await,
            None => Ok(()),
        }
    }

    fn principal(&self, caller: &Caller) -> Result<Verdict, Error> {
        let token = match caller {
            Caller::Principal(principal) => return Ok(Verdict::Good(principal.clone())),
            Caller::Token(token) => token.as_bytes(),
            Caller::Anyone | Caller::Internal => return Err(principal::missing()),
        };
        self.verifier.as_ref().ok_or_else(principal::missing)?.check(token)
    }
}

fn internal_only() -> Error {
    Error::new(Reason::InvalidCredentials, "This RPC is for other parts of Keyward only.")
}

/// auth-svc has decided already; this keeps a service safe from a caller that asks for one RPC and
/// calls another.
fn permit(rpc: &Rpc, principal: &Principal) -> Result<(), Error> {
    let fits = match (&rpc.access, &principal.subject) {
        (Access::Key { permissions, .. }, Subject::Key(_)) => permissions.iter().all(|p| principal.may(p)),
        // On an agent of their organization, which auth-svc has seen to.
        (Access::Key { permissions, members: Some(members), .. }, Subject::Member(_)) => {
            principal.role >= Some(members.role) && permissions.iter().all(|p| principal.may(p))
        }
        (Access::AnyKey, Subject::Key(_)) => true,
        (Access::Member(role), Subject::Member(_)) => principal.role >= Some(*role),
        _ => false,
    };
    if !fits {
        return Err(Error::new(Reason::PermissionDenied, "The principal may not call this RPC."));
    }
    // auth-svc has seen to it where a path names it, and over gRPC none does.
    if rpc.member_agent.is_some() && principal.agent_id.is_none() {
        return Err(Error::unimplemented("This RPC for members over gRPC"));
    }
    Ok(())
}
