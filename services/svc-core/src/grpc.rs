//! The gRPC side of a service: the stack in front of its handlers, serving it, and calling others.
//!
//! The same stack runs in one process and over HTTP/2, so deadlines, concurrency limits and
//! panic-catching are layers here, never the transport's.

mod agent_check;
pub mod caller;
pub mod deadline;
mod guard;
mod serve;
mod stack;
mod turns;
mod unprocessed;
mod upstream;

pub use guard::Guard;
pub use serve::{Address, BadAddress, Listener, Stopping, bind, serve};
pub use stack::{Stack, StackLayer};
pub use turns::Turns;
pub use upstream::Upstream;

/// A gRPC request on the wire.
pub type GrpcRequest = http::Request<tonic::body::Body>;
/// A gRPC response on the wire.
pub type GrpcResponse = http::Response<tonic::body::Body>;
