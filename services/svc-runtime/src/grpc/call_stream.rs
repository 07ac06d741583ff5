//! Calls to a service that runs apart, in batches over one stream to each of its replicas
//! (`keyward.internal.v1.CallService`): under load a message on the wire carries many calls, and a single one still
//! leaves at once. [`client`] calls, [`server`] answers.
//!
//! A call by the stream is a call as any other: with its own deadline, principal and trace, cancelled when its caller
//! goes, made once more where that is safe, and balanced among the replicas. What is long goes by plain gRPC, and so
//! does all for a replica that has no such stream, as an older one, or does not let us have it.

mod client;
mod server;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use client::{CallStream, NoAnswer};
pub(crate) use server::CallServer;

/// The full name of the service.
pub(crate) const SERVICE: &str = "keyward.internal.v1.CallService";

/// Calls, or answers, in one message.
const BATCH: usize = 256;
/// A message takes no more once it has so many bytes of calls or answers. With one piece more it is far from what
/// tonic decodes, 4 MiB.
const BATCH_BYTES: usize = 256 * 1024;
/// The longest message of a call that travels with others, in bytes, and the longest piece of an answer. Longer
/// ones would hold up the rest.
const MAX_PIECE: usize = 64 * 1024;
