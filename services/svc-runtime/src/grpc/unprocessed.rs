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

use tonic::ConnectError;

use super::upstream::BoxError;

/// Why a call was surely not processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The replica cannot be reached.
    Unreachable,
    /// The replica took no more calls on this connection; a new one may do.
    Refused,
}

/// The error of a call that was surely not processed.
#[derive(Debug, thiserror::Error)]
#[error("the call was not processed")]
pub(super) struct Unprocessed {
    pub(super) cause: Cause,
    source: BoxError,
}

impl Unprocessed {
    /// Marks the error of a call. Only while it is made: once the head of the answer is there, an error says
    /// nothing of this any more.
    pub(super) fn mark(error: BoxError) -> BoxError {
        match cause(&*error) {
            Some(cause) => Box::new(Unprocessed { cause, source: error }),
            None => error,
        }
    }

    /// The error of a call by a stream of calls.
    pub(super) fn by_stream(cause: Cause) -> Unprocessed {
        Unprocessed { cause, source: "the stream of calls was not there for it".into() }
    }

    /// The mark, if there is one.
    pub(super) fn find<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Unprocessed> {
        chain(error).find_map(|error| error.downcast_ref())
    }
}

/// Why the call with this error was surely not processed. Only while it is made, as for [`Unprocessed::mark`].
pub(super) fn cause(error: &(dyn Error + 'static)) -> Option<Cause> {
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

/// An error and what lies behind it.
pub(super) fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests;
