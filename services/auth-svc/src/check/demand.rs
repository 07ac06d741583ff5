//! What a request asks for, beside its credential.

use std::net::IpAddr;

/// What a request asks for, beside its credential.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand<'d> {
    /// The client's address, in its canonical form.
    pub(super) client: IpAddr,
    /// The permissions needed.
    pub(super) permissions: &'d [&'d str],
    /// The RPC, without the leading slash.
    pub(super) operation: &'d str,
    /// The agent that the request names.
    pub(super) agent: Option<&'d str>,
    /// The service that a principal token is wanted for.
    pub(super) audience: Option<&'d str>,
    /// A stream that was let through before goes on: it takes no slot, and is not held against its address.
    pub(super) goes_on: bool,
    /// The id of the request. Empty when unknown.
    pub(super) request_id: &'d str,
}

/// The same for a decision that has to be waited for, which outlives the question.
#[derive(Debug)]
pub(super) struct KeptDemand {
    pub(super) client: IpAddr,
    pub(super) permissions: Vec<String>,
    pub(super) operation: String,
    pub(super) agent: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) goes_on: bool,
    pub(super) request_id: String,
}

impl From<Demand<'_>> for KeptDemand {
    fn from(demand: Demand<'_>) -> KeptDemand {
        KeptDemand {
            client: demand.client,
            permissions: demand.permissions.iter().map(|&permission| permission.to_owned()).collect(),
            operation: demand.operation.to_owned(),
            agent: demand.agent.map(str::to_owned),
            audience: demand.audience.map(str::to_owned),
            goes_on: demand.goes_on,
            request_id: demand.request_id.to_owned(),
        }
    }
}

impl KeptDemand {
    /// Goes on with it.
    pub(super) fn lend<T>(&self, decide: impl FnOnce(Demand<'_>) -> T) -> T {
        let permissions: Vec<&str> = self.permissions.iter().map(String::as_str).collect();
        decide(Demand {
            client: self.client,
            permissions: &permissions,
            operation: &self.operation,
            agent: self.agent.as_deref(),
            audience: self.audience.as_deref(),
            goes_on: self.goes_on,
            request_id: &self.request_id,
        })
    }
}
