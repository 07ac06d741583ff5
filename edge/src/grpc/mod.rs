//! Calls over gRPC and gRPC-Web on the edge's own port: which requests they are, how their messages come in, and how
//! answers and refusals go out. Messages are handed on as they are; nothing here knows what is in them.
//!
//! gRPC-Web is our own: tonic-web is a layer around a service of tonic's, whose refusals stand in the head, where a
//! page in a browser may not read them.

mod failure;
mod frames;
mod messages;
mod metadata;
mod protocol;
pub(crate) mod reflection;
mod text;

pub(crate) use failure::{failure, status_of};
pub(crate) use frames::{answer, message, trailers};
pub(crate) use messages::{Fault, MessageStream, Messages};
pub(crate) use metadata::of_service;
pub(crate) use protocol::Protocol;
pub(crate) use reflection::Reflection;

use http::HeaderName;

/// How a call has ended.
pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
