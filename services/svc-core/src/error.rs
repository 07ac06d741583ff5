//! One error for the whole platform: a reason, a message for the caller, and what was wrong where.
//!
//! A service turns its domain error into an [`Error`] once, in `api.rs`. As a gRPC status it carries
//! `google.rpc.ErrorInfo`, `BadRequest` and `RetryInfo`; the edge turns it into HTTP once.

use std::time::Duration;

use keyward_proto::google::rpc::{
    BadRequest, ErrorInfo, RetryInfo, Status as RpcStatus, bad_request::FieldViolation,
};
use prost::Message;
use tonic::{Code, Status};

/// The `domain` of every `ErrorInfo` of ours.
pub const DOMAIN: &str = "keyward";

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $http:literal, $grpc:ident;)*) => {
        /// Why a request fails: the `error.code` of the contract, with its one HTTP status and its
        /// one gRPC code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Reason] = &[$(Reason::$name,)*];

            /// The `error.code`.
            pub const fn code(self) -> &'static str { match self { $(Reason::$name => $code,)* } }

            /// The HTTP status.
            pub const fn http(self) -> u16 { match self { $(Reason::$name => $http,)* } }

            /// The gRPC code.
            pub const fn grpc(self) -> Code { match self { $(Reason::$name => Code::$grpc,)* } }
        }
    };
}

reasons! {
    /// A credential header is absent or empty.
    MissingCredentials = "missing_credentials", 401, Unauthenticated;
    /// Malformed, unknown, deleted, or the wrong secret.
    InvalidCredentials = "invalid_credentials", 401, Unauthenticated;
    /// The right secret, past its expiry.
    KeyExpired = "key_expired", 401, Unauthenticated;
    /// The right secret, disabled by an admin.
    KeyDisabled = "key_disabled", 403, PermissionDenied;
    /// The client address is not in the allowed list.
    IpNotAllowed = "ip_not_allowed", 403, PermissionDenied;
    /// Over the limit of the minute or the hour.
    RateLimited = "rate_limited", 429, ResourceExhausted;
    /// The request names another agent than the key's.
    AgentMismatch = "agent_mismatch", 403, PermissionDenied;
    /// The key lacks a permission.
    PermissionDenied = "permission_denied", 403, PermissionDenied;
    /// The check cannot be made now.
    AuthorizationUnavailable = "authorization_unavailable", 503, Unavailable;
    /// The body is not JSON.
    InvalidJson = "invalid_json", 400, InvalidArgument;
    /// A value breaks its rule.
    InvalidArgument = "invalid_argument", 400, InvalidArgument;
    /// The cursor is not one of this list.
    InvalidCursor = "invalid_cursor", 400, InvalidArgument;
    /// No member is signed in.
    NotSignedIn = "not_signed_in", 401, Unauthenticated;
    /// The member's role does not suffice.
    RoleRequired = "role_required", 403, PermissionDenied;
    /// The request may be forged by another site.
    CsrfFailed = "csrf_failed", 403, PermissionDenied;
    /// No route has this path.
    RouteNotFound = "route_not_found", 404, NotFound;
    /// The resource does not exist for this caller.
    NotFound = "not_found", 404, NotFound;
    /// The path has no such method.
    MethodNotAllowed = "method_not_allowed", 405, Unimplemented;
    /// The request did not arrive in time.
    RequestTimeout = "request_timeout", 408, DeadlineExceeded;
    /// The resource exists already.
    AlreadyExists = "already_exists", 409, AlreadyExists;
    /// The same request is running.
    RequestInProgress = "request_in_progress", 409, Aborted;
    /// The request does not fit the state of the resource.
    Conflict = "conflict", 409, Aborted;
    /// The resource has another version.
    PreconditionFailed = "precondition_failed", 412, FailedPrecondition;
    /// The body is over its limit.
    BodyTooLarge = "body_too_large", 413, ResourceExhausted;
    /// The request target is over its limit.
    UriTooLong = "uri_too_long", 414, InvalidArgument;
    /// The body is of a type that the operation does not take.
    UnsupportedMediaType = "unsupported_media_type", 415, InvalidArgument;
    /// The idempotency key came with another request before.
    IdempotencyKeyReused = "idempotency_key_reused", 422, InvalidArgument;
    /// Too much from one client address.
    AddressThrottled = "address_throttled", 429, ResourceExhausted;
    /// The head is over its limits.
    HeadersTooLarge = "headers_too_large", 431, InvalidArgument;
    /// A fault of ours.
    Internal = "internal", 500, Internal;
    /// Not there yet.
    Unimplemented = "unimplemented", 501, Unimplemented;
    /// The service behind answered nonsense.
    BadGateway = "bad_gateway", 502, Unavailable;
    /// The service behind is away.
    Unavailable = "unavailable", 503, Unavailable;
    /// Too much at once.
    Overloaded = "overloaded", 503, Unavailable;
    /// The call did not end in time.
    DeadlineExceeded = "deadline_exceeded", 504, DeadlineExceeded;
}

impl Reason {
    /// The reason with this code, in lower or upper case.
    pub fn from_code(code: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|r| r.code().eq_ignore_ascii_case(code))
    }

    /// The reason for a gRPC code that came without one.
    pub const fn from_grpc(code: Code) -> Reason {
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
            // Cancelled by the service or the connection, not by us.
            Code::Unavailable | Code::Cancelled => Reason::Unavailable,
            Code::DeadlineExceeded => Reason::DeadlineExceeded,
            Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => Reason::Internal,
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It must be there.
    Required,
    /// It has the wrong form.
    Invalid,
    /// It is too long.
    TooLong,
    /// It is too short.
    TooShort,
    /// The number is too small or too large.
    OutOfRange,
    /// There is no such field.
    UnknownField,
    /// Clients cannot set it.
    Immutable,
    /// It appears twice.
    Duplicate,
}

impl Fault {
    const ALL: [(Fault, &str); 8] = [
        (Fault::Required, "required"),
        (Fault::Invalid, "invalid"),
        (Fault::TooLong, "too_long"),
        (Fault::TooShort, "too_short"),
        (Fault::OutOfRange, "out_of_range"),
        (Fault::UnknownField, "unknown_field"),
        (Fault::Immutable, "immutable"),
        (Fault::Duplicate, "duplicate"),
    ];

    /// The `details[].code`.
    pub fn code(self) -> &'static str {
        Fault::ALL.iter().find(|(f, _)| *f == self).map_or("invalid", |(_, code)| code)
    }

    fn from_code(code: &str) -> Fault {
        Fault::ALL.iter().find(|(_, c)| c.eq_ignore_ascii_case(code)).map_or(Fault::Invalid, |(f, _)| *f)
    }
}

/// One field that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field as JSON names it, relative to the resource: `mobileNumber`, `tags[2]`,
    /// `rateLimits.perMinute`.
    pub field: String,
    /// What is wrong.
    pub fault: Fault,
    /// What is wrong, for a person.
    pub message: String,
}

impl Violation {
    /// A violation.
    pub fn new(field: impl Into<String>, fault: Fault, message: impl Into<String>) -> Violation {
        Violation { field: field.into(), fault, message: message.into() }
    }
}

/// A failure, as the caller may see it. Causes are logged where they happen, never carried here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", reason.code())]
pub struct Error {
    /// Why.
    pub reason: Reason,
    /// For a person. Never holds a secret or a driver's text.
    pub message: String,
    /// Which fields break their rules.
    pub violations: Vec<Violation>,
    /// How long to wait before another try.
    pub retry_after: Option<Duration>,
    /// The id of the resource that exists already, where the caller may read it.
    pub existing_id: Option<String>,
}

impl Error {
    /// A failure with a reason and a message.
    pub fn new(reason: Reason, message: impl Into<String>) -> Error {
        Error {
            reason,
            message: message.into(),
            violations: Vec::new(),
            retry_after: None,
            existing_id: None,
        }
    }

    /// Values that break their rules. The message names the first.
    pub fn invalid(violations: Vec<Violation>) -> Error {
        let message = match violations.as_slice() {
            [] => "The request is not valid.".to_owned(),
            [one] => one.message.clone(),
            [first, rest @ ..] => format!("{} ({} more.)", first.message, rest.len()),
        };
        Error { violations, ..Error::new(Reason::InvalidArgument, message) }
    }

    /// Something does not exist for this caller, e.g. `not_found("Contact")`.
    pub fn not_found(what: &str) -> Error {
        Error::new(Reason::NotFound, format!("{what} not found."))
    }

    /// A fault of ours. The cause belongs in the log.
    pub fn internal() -> Error {
        Error::new(Reason::Internal, "Something went wrong on our side.")
    }

    /// The database or another part is away.
    pub fn unavailable() -> Error {
        Error::new(Reason::Unavailable, "The service is unavailable. Try again.")
            .retry_after(Duration::from_secs(1))
    }

    /// Not built yet.
    pub fn unimplemented(what: impl std::fmt::Display) -> Error {
        Error::new(Reason::Unimplemented, format!("{what} is not implemented yet."))
    }

    /// With how long to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Error {
        self.retry_after = Some(wait);
        self
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
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
        let (code, message) = (error.reason.grpc(), shortened(&error.message));
        let rpc = RpcStatus { code: code as i32, message: message.clone(), details };
        Status::with_details(code, message, rpc.encode_to_vec().into())
    }
}

impl From<Status> for Error {
    /// By our reason first, else by the code. The text of a status that is not ours is passed on only
    /// where it speaks of the request.
    fn from(status: Status) -> Error {
        let details = RpcStatus::decode(status.details()).map(|s| s.details).unwrap_or_default();
        let info = find::<ErrorInfo>(&details, "google.rpc.ErrorInfo").filter(|i| i.domain == DOMAIN);
        let ours = info.as_ref().and_then(|i| Reason::from_code(&i.reason));
        let reason = ours.unwrap_or(Reason::from_grpc(status.code()));
        let message = match reason {
            _ if ours.is_some() => status.message().to_owned(),
            Reason::Internal => return Error::internal(),
            Reason::Unavailable => return Error::unavailable(),
            Reason::DeadlineExceeded => "The call did not end in time.".to_owned(),
            Reason::Unimplemented => return Error::unimplemented("This operation"),
            _ => status.message().to_owned(),
        };
        let bad: Option<BadRequest> = find(&details, "google.rpc.BadRequest");
        let violations = bad.into_iter().flat_map(|b| b.field_violations).map(|v| Violation {
            field: v.field,
            fault: Fault::from_code(&v.reason),
            message: v.description,
        });
        let retry: Option<RetryInfo> = find(&details, "google.rpc.RetryInfo");
        Error {
            reason,
            message,
            violations: violations.collect(),
            retry_after: retry.and_then(|r| r.retry_delay).and_then(|d| Duration::try_from(d).ok()),
            existing_id: info.and_then(|mut i| i.metadata.remove(EXISTING_ID)),
        }
    }
}

/// How many bytes of violations a status carries. They travel in a trailer, in base64, and clients take
/// trailers of up to 16 KiB.
const MAX_VIOLATIONS: usize = 8 * 1024;
/// The longest text of a violation, in characters, for the same reason.
const MAX_TEXT: usize = 300;
/// What a violation weighs beside its texts.
const VIOLATION_OVERHEAD: usize = 32;

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

/// What lies behind an error, for the log. Empty when nothing does.
pub fn cause(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// How long a caller is told to wait: whole seconds, rounded up, at least 1.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

const EXISTING_ID: &str = "id";
const TYPE_PREFIX: &str = "type.googleapis.com/";

fn any(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any { type_url: format!("{TYPE_PREFIX}{name}"), value: message.encode_to_vec() }
}

fn find<M: Message + Default>(details: &[prost_types::Any], name: &str) -> Option<M> {
    let found = details.iter().find(|d| d.type_url.strip_prefix(TYPE_PREFIX) == Some(name))?;
    M::decode(found.value.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_way_over_grpc() {
        for &reason in Reason::ALL {
            let mut error = Error::new(reason, "why").retry_after(Duration::from_secs(7));
            error.violations.push(Violation::new("a.b", Fault::TooLong, "too long"));
            error.existing_id = Some("65f0c0ffee65f0c0ffee65f0".to_owned());
            let status = Status::from(error.clone());
            assert_eq!(status.code(), reason.grpc());
            assert_eq!(Error::from(status), error);
        }
    }

    #[test]
    fn a_status_fits_into_a_trailer_however_much_is_wrong() {
        for text in ["é".repeat(5_000), "\u{0}".repeat(200), "x".to_owned()] {
            let violation = Violation::new(&text, Fault::Invalid, &text);
            let status = Status::from(Error::invalid(vec![violation; 1_000]));
            let headers = status.clone().into_http::<()>().headers().clone();
            let size: usize =
                headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
            assert!(size < 16 * 1024, "{size}");
            assert!(!Error::from(status).violations.is_empty());
        }
    }

    #[test]
    fn a_foreign_internal_status_keeps_its_text_to_itself() {
        let error = Error::from(Status::internal("connection to 10.0.0.1 refused"));
        assert_eq!(error, Error::internal());
    }
}
