//! Messages as server-sent events (the WHATWG's HTML standard, *Server-sent events*).

use std::time::Duration;

use bytes::Bytes;

use super::refusal::Refused;
use super::{RequestId, failure};

/// How long nothing is said, at most: proxies on the way end what is silent for a minute.
pub(crate) const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// A comment, which says nothing.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// A message that is a line of JSON, with its line break.
pub(crate) fn message(line: &[u8]) -> Bytes {
    [b"data: ", line, b"\n"].concat().into()
}

/// Why there are no more, in the contract's form of an error.
pub(super) fn error(refused: &Refused, id: &RequestId) -> Bytes {
    [b"event: error\ndata: ", failure::json(refused, id).as_slice(), b"\n\n"].concat().into()
}
