//! Why there is no table of routes.

use http::Method;
use svc_core::policy::PolicyError;

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
