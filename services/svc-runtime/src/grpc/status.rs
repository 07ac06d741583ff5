//! Errors as gRPC statuses and back. An error travels as `google.rpc.ErrorInfo`, `BadRequest` and `RetryInfo` in
//! the details of its status.

use std::time::Duration;

use keyward_proto::google::rpc::{
    BadRequest, ErrorInfo, RetryInfo, Status as RpcStatus, bad_request::FieldViolation,
};
use prost::Message;
use svc_core::error::{Error, Fault, Reason, Violation};
use tonic::{Code, Status};

use super::failure;

/// The `domain` of every `ErrorInfo` of ours.
pub const DOMAIN: &str = "keyward";

/// Where the metadata of `ErrorInfo` has the id of a resource that exists already.
const EXISTING_ID: &str = "id";
const TYPE_PREFIX: &str = "type.googleapis.com/";

/// How many bytes of violations a status carries. They travel in a trailer, in base64, and clients take
/// trailers of up to 16 KiB.
const MAX_VIOLATIONS: usize = 8 * 1024;
/// The longest text of a violation, in characters, for the same reason.
const MAX_TEXT: usize = 300;
/// What a violation weighs beside its texts.
const VIOLATION_OVERHEAD: usize = 32;

/// The gRPC code of a reason.
pub const fn code(reason: Reason) -> Code {
    match reason {
        Reason::MissingCredentials
        | Reason::InvalidCredentials
        | Reason::KeyExpired
        | Reason::NotSignedIn => Code::Unauthenticated,
        Reason::KeyDisabled
        | Reason::IpNotAllowed
        | Reason::AgentMismatch
        | Reason::PermissionDenied
        | Reason::RoleRequired
        | Reason::CsrfFailed => Code::PermissionDenied,
        Reason::RateLimited | Reason::BodyTooLarge | Reason::AddressThrottled => Code::ResourceExhausted,
        Reason::AuthorizationUnavailable | Reason::BadGateway | Reason::Unavailable | Reason::Overloaded => {
            Code::Unavailable
        }
        Reason::InvalidJson
        | Reason::InvalidArgument
        | Reason::InvalidCursor
        | Reason::UriTooLong
        | Reason::UnsupportedMediaType
        | Reason::IdempotencyKeyReused
        | Reason::HeadersTooLarge => Code::InvalidArgument,
        Reason::RangeNotSatisfiable => Code::OutOfRange,
        Reason::RouteNotFound | Reason::NotFound => Code::NotFound,
        Reason::MethodNotAllowed | Reason::Unimplemented => Code::Unimplemented,
        Reason::RequestTimeout | Reason::DeadlineExceeded => Code::DeadlineExceeded,
        Reason::AlreadyExists => Code::AlreadyExists,
        Reason::RequestInProgress | Reason::Conflict => Code::Aborted,
        Reason::PreconditionFailed => Code::FailedPrecondition,
        Reason::Internal => Code::Internal,
    }
}

/// The reason for a gRPC code that came without one.
const fn reason_for(code: Code) -> Reason {
    match code {
        Code::InvalidArgument | Code::OutOfRange => Reason::InvalidArgument,
        Code::Unauthenticated => Reason::InvalidCredentials,
        Code::PermissionDenied => Reason::PermissionDenied,
        Code::NotFound => Reason::NotFound,
        Code::AlreadyExists => Reason::AlreadyExists,
        Code::Aborted => Reason::Conflict,
        Code::FailedPrecondition => Reason::PreconditionFailed,
        Code::ResourceExhausted => Reason::Overloaded,
        Code::Unimplemented => Reason::Unimplemented,
        Code::Unavailable => Reason::Unavailable,
        // Not by us. How much of it was done, nobody knows.
        Code::Cancelled => Reason::BadGateway,
        Code::DeadlineExceeded => Reason::DeadlineExceeded,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => Reason::Internal,
    }
}

/// The reason of a failed call: ours first, then what happened on the way, else by the code.
pub fn reason(status: &Status) -> Reason {
    reason_in(&details(status)).unwrap_or_else(|| reason_without_ours(status))
}

/// The status of an error.
pub fn of(error: impl Into<Error>) -> Status {
    let error = error.into();
    let info = ErrorInfo {
        reason: error.reason.code().to_ascii_uppercase(),
        domain: DOMAIN.to_owned(),
        metadata: error.existing_id.iter().map(|id| (EXISTING_ID.to_owned(), id.clone())).collect(),
    };
    let mut details = vec![any("google.rpc.ErrorInfo", &info)];
    if !error.violations.is_empty() {
        let bad = BadRequest { field_violations: field_violations(&error.violations) };
        details.push(any("google.rpc.BadRequest", &bad));
    }
    if let Some(wait) = error.retry_after {
        let retry = RetryInfo { retry_delay: prost_types::Duration::try_from(wait).ok() };
        details.push(any("google.rpc.RetryInfo", &retry));
    }
    let (code, message) = (code(error.reason), shortened(&error.message));
    let rpc = RpcStatus { code: code as i32, message: message.clone(), details };
    Status::with_details(code, message, rpc.encode_to_vec().into())
}

/// The error of a status, by its [`reason`]. The text of a status that is not ours is passed on only where it
/// speaks of the request.
pub fn to_error(status: Status) -> Error {
    let details = details(&status);
    let info = error_info(&details);
    let ours = reason_in(&details);
    let reason = ours.unwrap_or_else(|| reason_without_ours(&status));
    let message = match reason {
        _ if ours.is_some() => status.message().to_owned(),
        Reason::Internal => return Error::internal(),
        Reason::Unavailable => Error::unavailable().message,
        Reason::DeadlineExceeded => Error::deadline_exceeded().message,
        Reason::BadGateway => "The service behind was cut off while it worked on the call.".to_owned(),
        Reason::Unimplemented => return Error::unimplemented("This operation"),
        _ => status.message().to_owned(),
    };
    let bad = all::<BadRequest>(&details, "google.rpc.BadRequest");
    let violations = bad.flat_map(|b| b.field_violations).map(|v| Violation {
        field: v.field,
        fault: Fault::from_code(&v.reason),
        message: v.description,
    });
    let retry = all::<RetryInfo>(&details, "google.rpc.RetryInfo").next();
    let wait = retry.and_then(|info| info.retry_delay).and_then(|delay| Duration::try_from(delay).ok());
    let usual = if reason == Reason::Unavailable { Error::unavailable().retry_after } else { None };
    Error {
        reason,
        message,
        violations: violations.collect(),
        retry_after: wait.or(usual.filter(|_| ours.is_none())),
        existing_id: info.and_then(|mut i| i.metadata.remove(EXISTING_ID)),
    }
}

fn reason_in(details: &[prost_types::Any]) -> Option<Reason> {
    error_info(details).and_then(|info| Reason::from_code(&info.reason))
}

fn reason_without_ours(status: &Status) -> Reason {
    failure::reason(status).unwrap_or_else(|| reason_for(status.code()))
}

fn details(status: &Status) -> Vec<prost_types::Any> {
    RpcStatus::decode(status.details()).map(|s| s.details).unwrap_or_default()
}

/// Ours, if there is one.
fn error_info(details: &[prost_types::Any]) -> Option<ErrorInfo> {
    all::<ErrorInfo>(details, "google.rpc.ErrorInfo").find(|info| info.domain == DOMAIN)
}

fn any(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any { type_url: format!("{TYPE_PREFIX}{name}"), value: message.encode_to_vec() }
}

/// The details of one type, whatever host stands before its name. What cannot be read is none.
fn all<'d, M: Message + Default>(
    details: &'d [prost_types::Any],
    name: &'d str,
) -> impl Iterator<Item = M> + 'd {
    let named = details.iter().filter(move |any| any.type_url.rsplit('/').next() == Some(name));
    named.filter_map(|any| M::decode(any.value.as_slice()).ok())
}

/// The first violations, as many as fit. The message says how many there are.
fn field_violations(violations: &[Violation]) -> Vec<FieldViolation> {
    let mut room = MAX_VIOLATIONS;
    let mut fitting = Vec::new();
    for violation in violations {
        let (field, description) = (shortened(&violation.field), shortened(&violation.message));
        let weight = field.len() + description.len() + VIOLATION_OVERHEAD;
        if weight > room {
            break;
        }
        room -= weight;
        let reason = violation.fault.code().to_ascii_uppercase();
        fitting.push(FieldViolation { field, description, reason, ..FieldViolation::default() });
    }
    fitting
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Code::{
        Aborted, DeadlineExceeded, FailedPrecondition, InvalidArgument, PermissionDenied, ResourceExhausted,
        Unauthenticated, Unavailable,
    };

    /// The contract: each reason, its gRPC code and its HTTP status.
    const REASONS: &[(Reason, Code, u16)] = &[
        (Reason::InvalidJson, InvalidArgument, 400),
        (Reason::InvalidArgument, InvalidArgument, 400),
        (Reason::InvalidCursor, InvalidArgument, 400),
        (Reason::MissingCredentials, Unauthenticated, 401),
        (Reason::InvalidCredentials, Unauthenticated, 401),
        (Reason::KeyExpired, Unauthenticated, 401),
        (Reason::NotSignedIn, Unauthenticated, 401),
        (Reason::KeyDisabled, PermissionDenied, 403),
        (Reason::IpNotAllowed, PermissionDenied, 403),
        (Reason::AgentMismatch, PermissionDenied, 403),
        (Reason::PermissionDenied, PermissionDenied, 403),
        (Reason::RoleRequired, PermissionDenied, 403),
        (Reason::CsrfFailed, PermissionDenied, 403),
        (Reason::RouteNotFound, Code::NotFound, 404),
        (Reason::NotFound, Code::NotFound, 404),
        (Reason::MethodNotAllowed, Code::Unimplemented, 405),
        (Reason::RequestTimeout, DeadlineExceeded, 408),
        (Reason::AlreadyExists, Code::AlreadyExists, 409),
        (Reason::RequestInProgress, Aborted, 409),
        (Reason::Conflict, Aborted, 409),
        (Reason::PreconditionFailed, FailedPrecondition, 412),
        (Reason::BodyTooLarge, ResourceExhausted, 413),
        (Reason::UriTooLong, InvalidArgument, 414),
        (Reason::UnsupportedMediaType, InvalidArgument, 415),
        (Reason::RangeNotSatisfiable, Code::OutOfRange, 416),
        (Reason::IdempotencyKeyReused, InvalidArgument, 422),
        (Reason::RateLimited, ResourceExhausted, 429),
        (Reason::AddressThrottled, ResourceExhausted, 429),
        (Reason::HeadersTooLarge, InvalidArgument, 431),
        (Reason::Internal, Code::Internal, 500),
        (Reason::Unimplemented, Code::Unimplemented, 501),
        (Reason::BadGateway, Unavailable, 502),
        (Reason::AuthorizationUnavailable, Unavailable, 503),
        (Reason::Unavailable, Unavailable, 503),
        (Reason::Overloaded, Unavailable, 503),
        (Reason::DeadlineExceeded, DeadlineExceeded, 504),
    ];

    /// What a code that came without a reason of ours is.
    const CODES: &[(Code, Reason)] = &[
        (Code::Ok, Reason::Internal),
        (Code::Cancelled, Reason::BadGateway),
        (Code::Unknown, Reason::Internal),
        (InvalidArgument, Reason::InvalidArgument),
        (DeadlineExceeded, Reason::DeadlineExceeded),
        (Code::NotFound, Reason::NotFound),
        (Code::AlreadyExists, Reason::AlreadyExists),
        (PermissionDenied, Reason::PermissionDenied),
        (ResourceExhausted, Reason::Overloaded),
        (FailedPrecondition, Reason::PreconditionFailed),
        (Aborted, Reason::Conflict),
        (Code::OutOfRange, Reason::InvalidArgument),
        (Code::Unimplemented, Reason::Unimplemented),
        (Code::Internal, Reason::Internal),
        (Unavailable, Reason::Unavailable),
        (Code::DataLoss, Reason::Internal),
        (Unauthenticated, Reason::InvalidCredentials),
    ];

    #[test]
    fn every_reason_and_every_code_has_its_row() {
        for &reason in Reason::ALL {
            let row = REASONS.iter().find(|(of, ..)| *of == reason);
            assert_eq!(row, Some(&(reason, code(reason), reason.http())));
        }
        assert_eq!(REASONS.len(), Reason::ALL.len());
        for number in 0..=16 {
            let code = Code::from_i32(number);
            assert_eq!(CODES.iter().find(|(of, _)| *of == code), Some(&(code, reason_for(code))));
        }
    }

    /// A status as a service in any language makes it.
    fn with(code: Code, details: Vec<prost_types::Any>) -> Status {
        let rpc = RpcStatus { code: code as i32, message: "why".to_owned(), details };
        Status::with_details(code, "why", rpc.encode_to_vec().into())
    }

    fn info(domain: &str, reason: &str) -> prost_types::Any {
        let (domain, reason) = (domain.to_owned(), reason.to_owned());
        let metadata = [(EXISTING_ID.to_owned(), "65f0c0ffee65f0c0ffee65f0".to_owned())].into();
        any("google.rpc.ErrorInfo", &ErrorInfo { reason, domain, metadata })
    }

    fn bad(field: &str, reason: &str) -> prost_types::Any {
        let violation = FieldViolation {
            field: field.to_owned(),
            description: "wrong".to_owned(),
            reason: reason.to_owned(),
            ..FieldViolation::default()
        };
        any("google.rpc.BadRequest", &BadRequest { field_violations: vec![violation] })
    }

    fn retry(seconds: i64, nanos: i32) -> prost_types::Any {
        let retry_delay = Some(prost_types::Duration { seconds, nanos });
        any("google.rpc.RetryInfo", &RetryInfo { retry_delay })
    }

    #[test]
    fn what_services_of_any_language_say_is_carried_over() {
        let broken = |name: &str| prost_types::Any {
            type_url: format!("{TYPE_PREFIX}{name}"),
            value: vec![0xFF, 0xFF],
        };
        let elsewhere = |any: prost_types::Any| prost_types::Any {
            type_url: any.type_url.replace(TYPE_PREFIX, "types.acme.example/v1/"),
            ..any
        };
        let (seven, usual) = (Some(Duration::from_secs(7)), Some(Duration::from_secs(1)));
        let (id, nothing) = (Some("65f0c0ffee65f0c0ffee65f0"), None);
        for (what, code, details, reason, fault, wait, existing) in [
            ("nothing", Aborted, vec![], Reason::Conflict, None, None, nothing),
            ("ours", Aborted, vec![info(DOMAIN, "RATE_LIMITED")], Reason::RateLimited, None, None, id),
            (
                "another domain",
                Aborted,
                vec![info("acme", "RATE_LIMITED")],
                Reason::Conflict,
                None,
                None,
                nothing,
            ),
            (
                "ours behind another",
                Aborted,
                vec![info("acme", "GONE"), info(DOMAIN, "ALREADY_EXISTS")],
                Reason::AlreadyExists,
                None,
                None,
                id,
            ),
            ("no reason of ours", Aborted, vec![info(DOMAIN, "GONE")], Reason::Conflict, None, None, id),
            (
                "a field and a fault",
                InvalidArgument,
                vec![bad("email", "TOO_LONG")],
                Reason::InvalidArgument,
                Some(Fault::TooLong),
                None,
                nothing,
            ),
            (
                "a field and a fault of theirs",
                InvalidArgument,
                vec![bad("email", "BOUNCES")],
                Reason::InvalidArgument,
                Some(Fault::Invalid),
                None,
                nothing,
            ),
            (
                "a time to wait",
                ResourceExhausted,
                vec![retry(7, 0), retry(9, 0)],
                Reason::Overloaded,
                None,
                seven,
                nothing,
            ),
            ("away", Unavailable, vec![], Reason::Unavailable, None, usual, nothing),
            ("away for a time", Unavailable, vec![retry(7, 0)], Reason::Unavailable, None, seven, nothing),
            ("a time before now", Unavailable, vec![retry(-7, 0)], Reason::Unavailable, None, usual, nothing),
            ("a time that is none", Aborted, vec![retry(1, i32::MIN)], Reason::Conflict, None, None, nothing),
            (
                "all of it, of another host",
                Aborted,
                vec![
                    elsewhere(info(DOMAIN, "CONFLICT")),
                    elsewhere(bad("a", "REQUIRED")),
                    elsewhere(retry(7, 0)),
                ],
                Reason::Conflict,
                Some(Fault::Required),
                seven,
                id,
            ),
            (
                "what cannot be read, and the rest",
                Aborted,
                vec![
                    broken("google.rpc.ErrorInfo"),
                    broken("google.rpc.BadRequest"),
                    broken("google.rpc.RetryInfo"),
                    broken("acme.Unknown"),
                    info(DOMAIN, "CONFLICT"),
                    bad("a", "IMMUTABLE"),
                    retry(7, 0),
                ],
                Reason::Conflict,
                Some(Fault::Immutable),
                seven,
                id,
            ),
        ] {
            let error = to_error(with(code, details));
            assert_eq!(error.reason, reason, "{what}");
            assert_eq!(error.violations.first().map(|v| v.fault), fault, "{what}");
            assert_eq!(error.retry_after, wait, "{what}");
            assert_eq!(error.existing_id.as_deref(), existing, "{what}");
        }
        // Details that are no google.rpc.Status.
        let status = Status::with_details(Aborted, "why", vec![0xFF; 9].into());
        assert_eq!(to_error(status), Error::new(Reason::Conflict, "why"));
    }

    #[test]
    fn every_reason_survives_the_way_over_grpc() {
        for &reason in Reason::ALL {
            let mut error = Error::new(reason, "why").retry_after(Duration::from_secs(7));
            error.violations.push(Violation::new("a.b", Fault::TooLong, "too long"));
            error.existing_id = Some("65f0c0ffee65f0c0ffee65f0".to_owned());
            let status = of(error.clone());
            assert_eq!(status.code(), code(reason));
            assert_eq!(to_error(status), error);
        }
    }

    #[test]
    fn a_status_fits_into_a_trailer_however_much_is_wrong() {
        for text in ["é".repeat(5_000), "\u{0}".repeat(200), "x".to_owned()] {
            let violation = Violation::new(&text, Fault::Invalid, &text);
            let status = of(Error::invalid(vec![violation; 1_000]));
            let headers = status.clone().into_http::<()>().headers().clone();
            let size: usize =
                headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
            assert!(size < 16 * 1024, "{size}");
            assert!(!to_error(status).violations.is_empty());
        }
    }

    #[test]
    fn a_foreign_internal_status_keeps_its_text_to_itself() {
        let error = to_error(Status::internal("connection to 10.0.0.1 refused"));
        assert_eq!(error, Error::internal());
    }
}
