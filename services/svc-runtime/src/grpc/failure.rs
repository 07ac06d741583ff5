//! What it means for the caller that a call has failed on the way.
//!
//! A status of the service itself says what it says. One that was made on this side of the connection,
//! because no answer came or none that can be read, is about the way, and there its code misleads: tonic
//! calls a deadline that has passed CANCELLED, and a connection that was cut UNKNOWN or INTERNAL. What
//! counts for the caller is whether the call may have been processed:
//!
//! | what happened | reason |
//! | --- | --- |
//! | surely not processed ([`super::unprocessed`]) | `unavailable`: make it again |
//! | the time for it is over | `deadline_exceeded`: it may have happened |
//! | cut off, or no gRPC answer | `bad_gateway`: it may have happened |

use std::error::Error;

use tonic::{Code, Status, TimeoutExpired};

use super::status;
use super::unprocessed::{Unprocessed, chain};
use svc_core::error::Reason;

/// What tonic 0.14 says where the time is over, as a client and as a server.
const TIMEOUT: &str = "Timeout expired";

/// How those statuses begin which tonic 0.14 makes for an answer that is not one of gRPC or ends too early.
/// They have no cause.
const NO_ANSWER: [&str; 4] = [
    "grpc-status header missing, mapped from HTTP status code",
    "protocol error: ",
    "Missing response message",
    "Unexpected EOF decoding stream",
];

/// The reason for a call that failed on the way. `None`: the status is the service's.
pub(super) fn reason(status: &Status) -> Option<Reason> {
    if status.code() == Code::Cancelled && status.message() == TIMEOUT {
        return Some(Reason::DeadlineExceeded);
    }
    let Some(cause) = status.source() else {
        let is_no_answer = NO_ANSWER.iter().any(|text| status.message().starts_with(text));
        return is_no_answer.then_some(Reason::BadGateway);
    };
    if Unprocessed::find(cause).is_some() {
        return Some(Reason::Unavailable);
    }
    match chain(cause).any(|error| error.is::<TimeoutExpired>()) {
        true => Some(Reason::DeadlineExceeded),
        false => Some(Reason::BadGateway),
    }
}

/// Whether a call failed because of its replica or of the way to it, so that another one may answer.
pub(super) fn is_of_replica(status: &Status) -> bool {
    matches!(
        status::reason(status),
        Reason::Unavailable | Reason::AuthorizationUnavailable | Reason::BadGateway
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::ConnectError;

    fn on_the_way(error: impl Error + Send + Sync + 'static) -> Status {
        Status::from_error(Unprocessed::mark(Box::new(error)))
    }

    #[test]
    fn what_failed_on_the_way_is_told_by_whether_it_may_have_been_processed() {
        use h2::Reason as H2;
        use svc_core::error::Error as Ours;
        let connect = || ConnectError("connection refused".into());
        let io = |kind| std::io::Error::new(kind, "cut");
        for (what, status, reason) in [
            ("nobody there", on_the_way(connect()), Reason::Unavailable),
            ("our own timer", on_the_way(TimeoutExpired(())), Reason::DeadlineExceeded),
            ("the server's timer", Status::cancelled(TIMEOUT), Reason::DeadlineExceeded),
            ("a reset", on_the_way(h2::Error::from(H2::INTERNAL_ERROR)), Reason::BadGateway),
            ("a cancelled stream", on_the_way(h2::Error::from(H2::CANCEL)), Reason::BadGateway),
            ("our own refusal", on_the_way(h2::Error::from(H2::REFUSED_STREAM)), Reason::BadGateway),
            ("calm", on_the_way(h2::Error::from(H2::ENHANCE_YOUR_CALM)), Reason::BadGateway),
            ("a cut", on_the_way(io(std::io::ErrorKind::ConnectionReset)), Reason::BadGateway),
            ("a broken pipe", on_the_way(io(std::io::ErrorKind::BrokenPipe)), Reason::BadGateway),
            (
                "a proxy's page",
                Status::unavailable("grpc-status header missing, mapped from HTTP status code 503"),
                Reason::BadGateway,
            ),
            (
                "no trailers",
                Status::unknown("protocol error: missing grpc-status trailer, stream was terminated"),
                Reason::BadGateway,
            ),
            ("no message", Status::internal("Missing response message."), Reason::BadGateway),
            ("half a message", Status::internal("Unexpected EOF decoding stream."), Reason::BadGateway),
            // The service's own word.
            ("gone", Status::unavailable("stopping"), Reason::Unavailable),
            ("cancelled", Status::cancelled("by a handler"), Reason::BadGateway),
            ("late", Status::deadline_exceeded("late"), Reason::DeadlineExceeded),
            ("a fault", Status::internal("a fault"), Reason::Internal),
            ("unknown", Status::unknown("a foreign panic"), Reason::Internal),
            ("ours", status::of(Ours::new(Reason::Overloaded, "busy")), Reason::Overloaded),
        ] {
            assert_eq!(status::reason(&status), reason, "{what}: {status:?}");
            assert_eq!(status::to_error(status).reason, reason, "{what}");
        }
    }
}
