//! The gRPC side of a service: the stack in front of its handlers, serving it, and calling others.
//!
//! The same stack runs in one process, for calls by bytes, and over HTTP/2, so deadlines, concurrency limits and
//! panic-catching are layers here, never the transport's.

mod balancer;
mod call;
mod call_stream;
pub mod caller;
pub mod codec;
pub mod deadline;
pub mod deed;
mod details;
pub mod erasure;
mod failure;
mod guard;
pub mod idempotency;
mod message_check;
mod retry;
mod serve;
mod stack;
pub mod status;
#[cfg(test)]
mod test_service;
mod unprocessed;
mod upstream;

use std::sync::Arc;

use svc_core::error::Error;
use svc_core::principal::Principal;

pub use balancer::{Balancer, PendingCall};
pub(crate) use balancer::{UpstreamFamilies, UpstreamMetrics};
pub use call::{Call, MAX_ANSWER, Method};
pub(crate) use call_stream::{CallServer, SERVICE as CALL_SERVICE};
pub use guard::Guard;
pub use message_check::MAX_MESSAGE;
pub use retry::CallOptions;
pub use serve::{Address, BadAddress, Listener, Stopping, bind, serve};
pub use stack::{Stack, StackLayer, StackMethod};
pub use upstream::Upstream;

/// A gRPC request on the wire.
pub type GrpcRequest = http::Request<tonic::body::Body>;
/// A gRPC response on the wire.
pub type GrpcResponse = http::Response<tonic::body::Body>;

/// The principal of a call that the stack has let in.
pub fn principal<T>(request: &tonic::Request<T>) -> Result<Arc<Principal>, Error> {
    request.extensions().get::<Arc<Principal>>().cloned().ok_or_else(svc_core::principal::missing)
}
