//! Which RPC answers a method and a path: routes made from the annotations of the protos.
//!
//! - `template`: the path templates of `google.api.http`
//! - [`Table`]: all routes, and the lookup
//! - [`Route`]: one way to an RPC; `request` and `response` live in [`crate::transcode`]

mod compile;
mod path;
mod table;
pub(crate) mod template;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use svc_core::policy::{Access, PolicyError, Rpc};

use crate::transcode::{Plan, query};

pub use table::{Match, Miss, Table};

/// The time a call may take when its annotation names none.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// Why routes cannot be made. Each names the RPC.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The rules are not usable.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The HTTP annotations of an RPC are not usable.
    #[error("{rpc}: {problem}")]
    Bad {
        /// The full name of the RPC.
        rpc: String,
        /// What is wrong.
        problem: String,
    },
    /// Two RPCs, or two bindings of one, answer the same method and path.
    #[error("{rpc}: {method} {template} is taken by {other}")]
    Collision {
        /// The full name of the RPC.
        rpc: String,
        /// The method.
        method: Method,
        /// The template.
        template: String,
        /// The full name of the RPC that has it already.
        other: String,
    },
}

/// What the JSON body of a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// The request message itself (`body: "*"`).
    Whole,
    /// This field of the request message.
    Field(String),
}

/// One way over HTTP to one RPC.
pub struct Route {
    /// The RPC and its annotations.
    pub rpc: Arc<Rpc>,
    /// The full name of its gRPC service.
    pub service: String,
    /// The method.
    pub method: Method,
    /// The path template, as annotated.
    pub template: String,
    /// What the body is.
    pub body: Body,
    /// How requests and responses are transcoded.
    pub(crate) plan: Plan,
    /// Which of the path's variables is the annotated agent.
    agent: Option<usize>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} -> {}", self.method, self.template, self.rpc.path)
    }
}

impl Route {
    /// The agent that the path names, when the path names it.
    pub fn agent<'m>(&self, params: &'m [String]) -> Option<&'m str> {
        params.get(self.agent?).map(String::as_str)
    }

    /// The permissions that a request needs: those that every request needs, then those of each
    /// condition whose query parameter is there with anything but `false`. A value that is no
    /// boolean is refused later; until then it counts as true.
    pub fn permissions(&self, query: Option<&str>) -> Vec<&str> {
        let Access::Key { permissions, when, .. } = &self.rpc.access else { return Vec::new() };
        let mut needed: Vec<&str> = permissions.iter().map(String::as_str).collect();
        if when.is_empty() {
            return needed;
        }
        let asked: HashSet<String> = query::pairs(query.unwrap_or_default())
            .filter_map(|(name, value)| (value.ok().as_deref() != Some("false")).then_some(name.ok()?))
            .map(|name| name.into_owned())
            .collect();
        for (field, more) in when {
            if self.plan.json_name(field).is_some_and(|name| asked.contains(name)) {
                needed
                    .extend(more.iter().map(String::as_str).filter(|p| !permissions.iter().any(|n| n == p)));
            }
        }
        needed
    }

    /// The time that a call may take.
    pub fn deadline(&self) -> Duration {
        match u64::try_from(self.rpc.http.deadline_ms) {
            Ok(0) | Err(_) => DEFAULT_DEADLINE,
            Ok(millis) => Duration::from_millis(millis),
        }
    }

    /// Whether requests carry a body.
    pub fn takes_body(&self) -> bool {
        self.body != Body::None
    }

    /// Whether the request is a stream of messages (an upload).
    pub fn streams_in(&self) -> bool {
        self.rpc.method.is_client_streaming()
    }

    /// Whether the response is a stream of messages. It has no envelope.
    pub fn streams_out(&self) -> bool {
        self.rpc.method.is_server_streaming()
    }
}
