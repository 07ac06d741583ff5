//! What a call that failed is to the caller.

use svc_core::error::{Error, Reason};
use svc_runtime::grpc::status;
use tonic::{Code, Status};

use crate::answer::Refusal;

/// How tonic, on either side, says that a message is longer than it reads.
const TOO_LARGE: &str = "decoded message length too large";
/// How tonic begins to say that it cannot decode a message.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// The refusal. A service that does not accept our own credential is no fault of the caller's.
pub(super) fn refused(status: Status, with_principal: bool) -> Refusal {
    let cause = format!("{:?}: {}", status.code(), status.message());
    // Its code is that of a bad argument, and yet the bound is ours and no fault of the caller's.
    if status.code() == Code::OutOfRange && status.message().contains(TOO_LARGE) {
        let message = "The service behind gave or was given a message that is too large.";
        return Refusal::from(Error::new(Reason::BadGateway, message)).because(cause);
    }
    let mut error = status::to_error(status);
    if error.message.is_empty() {
        error.message = match error.reason {
            Reason::Unimplemented => "This operation is not implemented yet.".to_owned(),
            reason => format!("The service answered {}.", reason.code()),
        };
    }
    match error.reason {
        // The caller's credentials were good: what the service refuses is our principal.
        Reason::MissingCredentials | Reason::InvalidCredentials if with_principal => {
            let message = "The service behind did not accept the call.";
            Refusal::from(Error::new(Reason::BadGateway, message)).because(cause)
        }
        _ => Refusal::from(error).because(cause),
    }
}

/// The refusal of a call whose message came from the caller as it is. It holds what the service says, details and all,
/// where that may be passed on.
pub(super) fn word_for_word(status: Status, with_principal: bool) -> Refusal {
    if status.code() == Code::Internal && status.message().starts_with(UNDECODABLE) {
        let error = Error::new(Reason::InvalidArgument, "The message is not one that this RPC takes.");
        return Refusal::from(error).because(status.message());
    }
    let refusal = refused(status.clone(), with_principal);
    match refusal.refused().error.message == status.message() {
        true => refusal.saying(status),
        // It was replaced, since it speaks of the way to the service or may tell what is no caller's to know.
        false => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::MAX_ANSWER;
    use bytes::Bytes;
    use http::uri::PathAndQuery;
    use svc_runtime::grpc::codec::Raw;
    use tonic::Request;

    #[test]
    fn a_rejected_principal_is_not_the_callers_fault() {
        for status in [
            Status::unauthenticated("no principal"),
            status::of(Error::new(Reason::MissingCredentials, "no principal")),
            status::of(Error::new(Reason::InvalidCredentials, "not for this audience")),
        ] {
            assert_eq!(refused(status, true).reason(), Reason::BadGateway);
        }
    }

    #[tokio::test]
    async fn an_answer_over_the_bound_is_not_the_callers_fault() {
        let length = u32::try_from(MAX_ANSWER + 1).unwrap().to_be_bytes();
        let answer = [&[0][..], &length].concat();
        let service = tower::service_fn(|_: http::Request<tonic::body::Body>| {
            let body = tonic::body::Body::new(http_body_util::Full::from(answer.clone()));
            std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(body)))
        });
        let mut client = tonic::client::Grpc::new(service).max_decoding_message_size(MAX_ANSWER);
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/acme.v1.Things/Search");
        let status = client.unary(Request::new(Bytes::new()), path, Raw).await.unwrap_err();
        assert_eq!(refused(status, true).reason(), Reason::BadGateway);
        // What a service says is out of range is what the caller sent.
        assert_eq!(refused(Status::out_of_range("page 7"), true).reason(), Reason::InvalidArgument);
    }

    #[test]
    fn what_a_service_says_is_passed_on_word_for_word_where_it_speaks_of_the_request() {
        let details = Bytes::from_static(b"of a kind that only its service knows");
        for (what, status, said, reason) in [
            ("a code of ours", status::of(Error::not_found("Contact")), true, Reason::NotFound),
            (
                "details of its own",
                Status::with_details(Code::OutOfRange, "page 7", details),
                true,
                Reason::InvalidArgument,
            ),
            ("a fault", Status::internal("password=hunter2"), false, Reason::Internal),
            ("nothing", Status::unimplemented(""), false, Reason::Unimplemented),
            ("on the way", Status::unavailable("tcp connect error"), false, Reason::Unavailable),
            ("our principal", Status::unauthenticated("who are you"), false, Reason::BadGateway),
            (
                "a message of another type",
                Status::internal("failed to decode Protobuf message: invalid wire type"),
                false,
                Reason::InvalidArgument,
            ),
        ] {
            let refusal = word_for_word(status.clone(), true);
            let refused = refusal.refused();
            assert_eq!((refused.said.is_some(), refused.error.reason), (said, reason), "{what}");
            if let Some(said) = &refused.said {
                assert_eq!((said.code(), said.details()), (status.code(), status.details()), "{what}");
            }
        }
    }

    #[test]
    fn refusals_of_services_are_passed_on() {
        for (status, reason) in [
            (status::of(Error::not_found("Contact")), Reason::NotFound),
            (status::of(Error::new(Reason::InvalidCursor, "no")), Reason::InvalidCursor),
            (Status::unimplemented(""), Reason::Unimplemented),
            (Status::unavailable("tcp connect error"), Reason::Unavailable),
            (Status::internal("secret detail"), Reason::Internal),
        ] {
            let refusal = refused(status, true);
            assert_eq!(refusal.reason(), reason);
            assert!(!refusal.refused().error.message.is_empty());
            assert!(!refusal.refused().error.message.contains("secret"));
        }
    }
}
