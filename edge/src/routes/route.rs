//! One way over HTTP to one RPC.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use smallvec::SmallVec;
use svc_core::policy::{Access, Condition, Rpc};

use super::template::Span;
use crate::transcode::preconditions::Takes;
use crate::transcode::{Plan, RouteKind, query};

/// The time a call may take when its annotation names none.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// Permissions that a request needs. Hardly any RPC needs more than fit.
pub(crate) type Permissions<'r> = SmallVec<[&'r str; 4]>;

/// One way over HTTP to one RPC.
pub struct Route {
    /// The RPC and its annotations.
    pub rpc: Arc<Rpc>,
    /// Who may take this way. The bindings of an RPC may be for different callers.
    pub access: Access,
    /// The full name of its gRPC service.
    pub service: String,
    /// The method.
    pub method: Method,
    /// The path template, as annotated.
    pub template: String,
    /// Its place among the routes of its table.
    pub(crate) index: usize,
    /// How requests and responses are transcoded.
    pub(crate) plan: Arc<Plan>,
    /// The variables of the path, in order.
    pub(super) variables: Vec<Variable>,
    /// Which of them is the annotated agent.
    pub(super) agent: Option<usize>,
}

/// A variable of the path.
pub(super) struct Variable {
    /// Which segments make its value.
    pub(super) span: Span,
    /// It is the caller's own text and may hold a slash.
    pub(super) is_opaque: bool,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} -> {}", self.method, self.template, self.rpc.path)
    }
}

/// The time that a call of an RPC may take.
pub(crate) fn deadline(rpc: &Rpc) -> Duration {
    match u64::try_from(rpc.http.deadline_ms) {
        Ok(0) | Err(_) => DEFAULT_DEADLINE,
        Ok(millis) => Duration::from_millis(millis),
    }
}

/// Whether a call of an RPC may take long by its nature: it is a stream, or has more time than others.
pub(crate) fn is_slow(rpc: &Rpc) -> bool {
    let is_stream = rpc.method.is_client_streaming() || rpc.method.is_server_streaming();
    is_stream || deadline(rpc) > DEFAULT_DEADLINE
}

impl Route {
    /// The agent that the path names, when the path names it.
    pub fn agent<'m>(&self, params: &'m [Cow<'_, str>]) -> Option<&'m str> {
        params.get(self.agent?).map(|agent| &**agent)
    }

    /// The permissions that a request needs, of a key or, on an agent, of a member: those that every request needs, then those of each
    /// condition whose query parameter is there with anything but `false`. A value that is no
    /// boolean is refused later; until then it counts as true.
    pub fn permissions(&self, query: Option<&str>) -> Permissions<'_> {
        let Access::Key { permissions, when, .. } = &self.rpc.access else { return Permissions::new() };
        let mut needed: Permissions<'_> = permissions.iter().map(String::as_str).collect();
        if when.is_empty() {
            return needed;
        }
        let asked: HashSet<String> = query::pairs(query.unwrap_or_default())
            .filter_map(|(name, value)| (value.ok().as_deref() != Some("false")).then_some(name.ok()?))
            .map(|name| name.into_owned())
            .collect();
        for Condition { field, permissions: more, .. } in when {
            if self.plan.json_name(field).is_some_and(|name| asked.contains(name)) {
                needed
                    .extend(more.iter().map(String::as_str).filter(|p| !permissions.iter().any(|n| n == p)));
            }
        }
        needed
    }

    /// Whether it is the way of members to an RPC for keys.
    pub(crate) fn is_of_member(&self) -> bool {
        self.access != self.rpc.access
    }

    /// The time that a call may take.
    pub fn deadline(&self) -> Duration {
        deadline(&self.rpc)
    }

    /// Whether a call may take long by its nature, as a long poll, a stream or a bulk write: its rule gives
    /// it more time than others have, or its client sets the pace. Then the time it takes says nothing of the load.
    pub fn is_slow(&self) -> bool {
        self.kind() != RouteKind::Unary || self.deadline() > DEFAULT_DEADLINE
    }

    /// Which preconditions a request may have: those whose field the RPC names and, where the answer has an
    /// `ETag`, those of a read. A read that has none takes `If-None-Match`, which it never matches.
    pub(crate) fn takes(&self, method: &Method) -> Takes {
        let http = &self.rpc.http;
        match *method {
            Method::GET | Method::HEAD => Takes { if_match: self.has_etag(), if_none_match: true },
            _ => Takes { if_match: !http.if_match.is_empty(), if_none_match: !http.if_none_match.is_empty() },
        }
    }

    /// Whether its answers carry an `ETag`.
    pub(crate) fn has_etag(&self) -> bool {
        !self.rpc.http.etag.is_empty() || self.rpc.http.ranges
    }

    /// What its bodies are made of.
    pub(crate) fn kind(&self) -> RouteKind {
        self.plan.kind
    }

    /// Whether requests carry a body.
    pub fn takes_body(&self) -> bool {
        self.plan.takes_body()
    }
}
