//! Which failed calls were surely not processed, so that making them once more cannot do anything twice.
//!
//! What tonic 0.14 gives for a failed call has the cause of hyper 1 in its chain, and that the one of h2:
//!
//! - hyper says `is_canceled` where it still had the request: its connection was closed before the request
//!   was taken from the queue (`client/dispatch.rs`, the only place in HTTP/2).
//! - h2 gives a stream a GOAWAY of the peer in two cases. The stream is above the last one that the peer
//!   names, which it has not processed (RFC 9113, 6.8; `Inner::recv_go_away`). Or GOAWAY came before the
//!   body was begun (`ensure_no_conn_error`, of `send_request` and of `poll_ready` right after it), and a
//!   gRPC method does not run before its message is there. A stream that is cut off later, also after a
//!   GOAWAY, ends with an I/O error.
//! - A peer that resets a stream with REFUSED_STREAM has not processed it (RFC 9113, 8.7).
//! - Nothing was sent where there was no connection.

use std::error::Error;

use tonic::{ConnectError, Status};

use super::upstream::BoxError;

/// Why a call was surely not processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The replica cannot be reached.
    Unreachable,
    /// The replica took no more calls on this connection; a new one may do.
    Refused,
}

/// The error of a call that is to be made once more.
#[derive(Debug, thiserror::Error)]
#[error("the call was not processed")]
pub(super) struct Unprocessed {
    /// The position of the replica that did not process it.
    pub(super) replica: usize,
    source: BoxError,
}

impl Unprocessed {
    /// Marks the error of a call to one of so many replicas if the call is to be made once more.
    pub(super) fn mark(error: BoxError, replica: usize, replicas: usize) -> BoxError {
        match cause(&*error) {
            Some(Cause::Refused) => Box::new(Unprocessed { replica, source: error }),
            Some(Cause::Unreachable) if replicas > 1 => Box::new(Unprocessed { replica, source: error }),
            // There is nobody else, and what is not there now is not there at once.
            Some(Cause::Unreachable) | None => error,
        }
    }

    /// The mark, if there is one.
    pub(super) fn find(status: &Status) -> Option<&Unprocessed> {
        chain(status).find_map(|error| error.downcast_ref())
    }
}

fn cause(error: &(dyn Error + 'static)) -> Option<Cause> {
    chain(error).find_map(|error| {
        if error.is::<ConnectError>() {
            return Some(Cause::Unreachable);
        }
        let is_refusal = |error: &h2::Error| {
            let is_refused_stream = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            error.is_remote() && (error.is_go_away() || is_refused_stream)
        };
        let canceled = error.downcast_ref().is_some_and(hyper::Error::is_canceled);
        (canceled || error.downcast_ref().is_some_and(is_refusal)).then_some(Cause::Refused)
    })
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests;
