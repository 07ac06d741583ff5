//! One request of the log. What is known of it before its answer is made in few pieces, which requests share; text of
//! a client is the id that it gave, and nothing else.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use svc_core::ids::is_id;
use svc_core::policy::{Access, Rpc};
use svc_core::principal::Subject;
use svc_runtime::authorize::ProvenKey;

/// What is said of every request of an RPC.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The RPC, without the leading slash.
    name: String,
    /// The permissions that each needs, separated by `, `.
    permissions: String,
    permission_count: usize,
}

impl Operation {
    /// Of this RPC.
    pub(crate) fn of(rpc: &Rpc) -> Operation {
        let permissions = match &rpc.access {
            Access::Key { permissions, .. } => permissions.as_slice(),
            _ => &[],
        };
        Operation {
            name: rpc.path.trim_start_matches('/').to_owned(),
            permissions: permissions.join(", "),
            permission_count: permissions.len(),
        }
    }
}

/// Who made a request with an API key, and what it asked for.
#[derive(Debug)]
pub(crate) struct LoggedCaller {
    operation: Arc<Operation>,
    /// Where it needs more permissions than every request of its operation.
    permissions: Option<String>,
    /// The key whose secret was proven; else the agent that the path names, if it may be one.
    whose: Result<ProvenKey, String>,
    /// What the credential check told it, where that refused it.
    told: Option<String>,
}

impl LoggedCaller {
    /// `None` for a request of which nobody could be told whose it is.
    pub(crate) fn new(
        operation: &Arc<Operation>,
        permissions: &[&str],
        key: Option<ProvenKey>,
        agent: Option<&str>,
        told: Option<&str>,
    ) -> Option<LoggedCaller> {
        let whose = match key {
            Some(key) => Ok(key),
            None => Err(agent.filter(|agent| is_id(agent))?.to_owned()),
        };
        let has_more = permissions.len() > operation.permission_count;
        let permissions = has_more.then(|| permissions.join(", "));
        let told = told.map(str::to_owned);
        Some(LoggedCaller { operation: operation.clone(), permissions, whose, told })
    }

    /// Whether it has proven a key.
    pub(super) fn is_proven(&self) -> bool {
        self.whose.is_ok()
    }
}

/// A request whose answer has ended.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) client_id: Option<String>,
    pub(crate) method: &'static str,
    pub(crate) route: String,
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) client: Option<IpAddr>,
    pub(crate) took: Duration,
    pub(crate) caller: LoggedCaller,
}

impl Entry {
    pub(super) fn to_message(&self) -> pb::EndedRequest {
        let LoggedCaller { operation, permissions, whose, told } = &self.caller;
        let permission = permissions.as_ref().unwrap_or(&operation.permissions).clone();
        pb::EndedRequest {
            request_id: self.id.clone(),
            client_request_id: self.client_id.clone(),
            method: self.method.to_owned(),
            route: self.route.clone(),
            operation: operation.name.clone(),
            status: self.status.into(),
            code: self.code.to_owned(),
            permission,
            message: told.clone(),
            client_address: self.client.map(|client| client.to_string()).unwrap_or_default(),
            duration_micros: u32::try_from(self.took.as_micros()).unwrap_or(u32::MAX),
            key: whose.as_ref().ok().map(proven_key),
            agent_id: whose.as_ref().err().cloned(),
        }
    }
}

fn proven_key(key: &ProvenKey) -> pb::ProvenKey {
    pb::ProvenKey {
        organization_id: key.principal.organization_id.clone(),
        agent_id: key.principal.agent_id.clone().unwrap_or_default(),
        key_id: match &key.principal.subject {
            Subject::Key(id) => id.clone(),
            Subject::Member(_) => String::new(),
        },
        secret_last4: key.secret_last4.as_str().to_owned(),
    }
}
