//! One error for the whole platform: a reason, a message for the caller, and what was wrong where.
//!
//! A service turns its domain error into an [`Error`] once, in `api.rs`. It becomes a gRPC status in one place
//! (`svc_runtime::grpc::status`), and HTTP in one place, in the edge.

use std::any::Any;
use std::ops::RangeInclusive;
use std::time::Duration;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $http:literal;)*) => {
        /// Why a request fails: the `error.code` of the contract, with its one HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Reason] = &[$(Reason::$name,)*];

            /// The `error.code`.
            pub const fn code(self) -> &'static str { match self { $(Reason::$name => $code,)* } }

            /// The HTTP status.
            pub const fn http(self) -> u16 { match self { $(Reason::$name => $http,)* } }
        }
    };
}

reasons! {
    /// A credential header is absent or empty.
    MissingCredentials = "missing_credentials", 401;
    /// Malformed, unknown, deleted, or the wrong secret.
    InvalidCredentials = "invalid_credentials", 401;
    /// The right secret, past its expiry.
    KeyExpired = "key_expired", 401;
    /// The right secret, disabled by an admin.
    KeyDisabled = "key_disabled", 403;
    /// The client address is not in the allowed list.
    IpNotAllowed = "ip_not_allowed", 403;
    /// Over the limit of the minute or the hour.
    RateLimited = "rate_limited", 429;
    /// The request names another agent than the key's.
    AgentMismatch = "agent_mismatch", 403;
    /// The key lacks a permission.
    PermissionDenied = "permission_denied", 403;
    /// The check cannot be made now.
    AuthorizationUnavailable = "authorization_unavailable", 503;
    /// The body is not JSON.
    InvalidJson = "invalid_json", 400;
    /// A value breaks its rule.
    InvalidArgument = "invalid_argument", 400;
    /// The cursor is not one of this list.
    InvalidCursor = "invalid_cursor", 400;
    /// No member is signed in.
    NotSignedIn = "not_signed_in", 401;
    /// The member's role does not suffice.
    RoleRequired = "role_required", 403;
    /// The request may be forged by another site.
    CsrfFailed = "csrf_failed", 403;
    /// No route has this path.
    RouteNotFound = "route_not_found", 404;
    /// The resource does not exist for this caller.
    NotFound = "not_found", 404;
    /// The path has no such method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The request did not arrive in time.
    RequestTimeout = "request_timeout", 408;
    /// The resource exists already.
    AlreadyExists = "already_exists", 409;
    /// The same request is running.
    RequestInProgress = "request_in_progress", 409;
    /// The request does not fit the state of the resource.
    Conflict = "conflict", 409;
    /// The resource has another version.
    PreconditionFailed = "precondition_failed", 412;
    /// The body is over its limit.
    BodyTooLarge = "body_too_large", 413;
    /// The request target is over its limit.
    UriTooLong = "uri_too_long", 414;
    /// The body is of a type that the operation does not take.
    UnsupportedMediaType = "unsupported_media_type", 415;
    /// The range begins behind the end of what is there.
    RangeNotSatisfiable = "range_not_satisfiable", 416;
    /// The idempotency key came with another request before.
    IdempotencyKeyReused = "idempotency_key_reused", 422;
    /// Too much from one client address.
    AddressThrottled = "address_throttled", 429;
    /// The head is over its limits.
    HeadersTooLarge = "headers_too_large", 431;
    /// A fault of ours.
    Internal = "internal", 500;
    /// Not there yet.
    Unimplemented = "unimplemented", 501;
    /// The service behind answered nonsense.
    BadGateway = "bad_gateway", 502;
    /// The service behind is away.
    Unavailable = "unavailable", 503;
    /// Too much at once.
    Overloaded = "overloaded", 503;
    /// The call did not end in time.
    DeadlineExceeded = "deadline_exceeded", 504;
}

impl Reason {
    /// The reason with this code, in lower or upper case.
    pub fn from_code(code: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|r| r.code().eq_ignore_ascii_case(code))
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

    /// Every code there is.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        Fault::ALL.iter().map(|(_, code)| *code)
    }

    /// The fault with this code, in lower or upper case; [`Fault::Invalid`] when there is none.
    pub fn from_code(code: &str) -> Fault {
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

    /// A number that is not in its range, which the message names.
    pub fn out_of_range(field: &str, range: RangeInclusive<i32>) -> Violation {
        let (min, max) = (grouped(*range.start()), grouped(*range.end()));
        Violation::new(field, Fault::OutOfRange, format!("`{field}` must be between {min} and {max}."))
    }
}

/// A number with its thousands set apart: `604,800`.
fn grouped(number: i32) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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

    /// The deadline has passed.
    pub fn deadline_exceeded() -> Error {
        Error::new(Reason::DeadlineExceeded, "The call did not end in time.")
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

/// What a panic said, for the log.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not text")
}

/// What lies behind an error, for the log. Empty when nothing does.
pub fn cause(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// How long a caller is told to wait: whole seconds, rounded up, at least 1.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_named_for_people() {
        for (range, message) in [
            (1..=1_000, "`n` must be between 1 and 1,000."),
            (0..=604_800, "`n` must be between 0 and 604,800."),
            (i32::MIN..=12, "`n` must be between -2,147,483,648 and 12."),
        ] {
            assert_eq!(Violation::out_of_range("n", range).message, message);
        }
    }
}
