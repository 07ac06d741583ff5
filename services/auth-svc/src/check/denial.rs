//! Why a request is not let through.

use std::net::IpAddr;
use std::time::Duration;

use svc_core::error::{Error, Reason, whole_seconds};

use super::LookupError;
use crate::domain::Role;
use crate::limits::{LimitError, Taken, WindowName};
use crate::revocation::LeaseExpired;
use crate::secrets::HashError;
use crate::store::StoreError;

/// How long a client waits before another try when the check could not be made.
const RETRY: Duration = Duration::from_secs(1);

/// Why a request is not let through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Denial {
    /// This is decided.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No decision can be made here now. Another replica may.
    #[error(transparent)]
    Undecided(#[from] Undecided),
}

/// Why a request is refused. The text is for the caller, and tells no more than it may know: malformed, unknown,
/// deleted and wrong read the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is no API key, or no secret.
    #[error("Send the API key in `x-api-key` and its secret in `x-api-secret`.")]
    MissingCredentials,
    /// The API key or its secret is malformed, unknown, deleted or wrong.
    #[error("The API key or its secret is not valid.")]
    InvalidCredentials,
    /// The API key is past its expiry.
    #[error("The API key has expired.")]
    KeyExpired,
    /// A member disabled the API key.
    #[error("The API key is disabled.")]
    KeyDisabled,
    /// The API key may not be used from there.
    #[error("The API key may not be used from the address {0}.")]
    AddressNotAllowed(IpAddr),
    /// A window of the API key is full.
    #[error("Over the limit of {limit} requests a {window}. Try again in {retry_after_seconds} s.")]
    RateLimited {
        /// Which.
        window: WindowName,
        /// What it holds.
        limit: u32,
        /// Until one more is let through.
        retry_after_seconds: u32,
    },
    /// The request names another agent than that of the API key.
    #[error("This API key is for another agent.")]
    AgentMismatch,
    /// The API key lacks these permissions.
    #[error("The API key lacks {}. An admin grants permissions in the key's settings.", .0.join(", "))]
    PermissionDenied(Vec<String>),
    /// Too many credentials of this address have failed.
    #[error("Too many failed credentials from your address. Try again in {} s.", whole_seconds(*.0))]
    AddressThrottled(Duration),
    /// No member presents a token that works: absent, malformed, unknown, deleted and expired read the same.
    #[error(
        "You are not signed in, or your token is unknown, deleted or expired: sign in, or send a personal access token \
         as `Authorization: Bearer kwp_…`."
    )]
    NotSignedIn,
    /// The member's role does not suffice. `None`: no role does.
    #[error("This needs the role {}.", .0.map_or("UNSPECIFIED", Role::as_str))]
    RoleRequired(Option<Role>),
    /// The member's organization has no such agent.
    #[error("Agent not found.")]
    AgentNotFound,
    /// Too many credentials need a look into the database now. This replica is well, and another one would have
    /// as much to do.
    #[error("The credentials cannot be checked now. Try again.")]
    TooManyLookups,
    /// The principal could not be signed.
    #[error("Something went wrong on our side.")]
    CannotSign,
}

impl Refusal {
    /// Whether the client's address is the slower for it.
    pub(super) fn counts_as_failure(&self) -> bool {
        match self {
            Refusal::MissingCredentials
            | Refusal::InvalidCredentials
            | Refusal::KeyExpired
            | Refusal::KeyDisabled
            | Refusal::AddressNotAllowed(_)
            | Refusal::NotSignedIn => true,
            Refusal::RateLimited { .. }
            | Refusal::AgentMismatch
            | Refusal::PermissionDenied(_)
            | Refusal::AddressThrottled(_)
            | Refusal::RoleRequired(_)
            | Refusal::AgentNotFound
            | Refusal::TooManyLookups
            | Refusal::CannotSign => false,
        }
    }

    /// Its error code.
    pub(super) fn reason(&self) -> Reason {
        reason(self).0
    }

    /// The permissions that the key lacks.
    pub(super) fn lacking(&self) -> &[String] {
        match self {
            Refusal::PermissionDenied(lacking) => lacking,
            _ => &[],
        }
    }

    /// When a window of a key is full.
    pub(super) fn over_limit(taken: &Taken) -> Option<Refusal> {
        let refused = taken.refused?;
        let limit = match refused.window {
            WindowName::Minute => taken.minute.limit,
            WindowName::Hour => taken.hour.limit,
        };
        let retry_after_seconds = refused.retry_after_seconds;
        Some(Refusal::RateLimited { window: refused.window, limit, retry_after_seconds })
    }
}

/// Why no decision can be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undecided {
    /// What memory knows may be out of date.
    #[error(transparent)]
    Lease(#[from] LeaseExpired),
    /// The database could not be read.
    #[error("the {what} could not be read: {error}")]
    Store {
        /// Of which kind of credential.
        what: &'static str,
        /// The cause.
        #[source]
        error: StoreError,
    },
    /// argon2id gave no answer.
    #[error("a secret could not be verified: {0}")]
    Hash(#[from] HashError),
    /// The limits gave no answer.
    #[error("limits cannot be counted: {0}")]
    Limits(#[from] LimitError),
}

impl LookupError {
    /// What becomes of a request when a look for its credential was not made, or failed.
    pub(super) fn denial(self, what: &'static str) -> Denial {
        match self {
            LookupError::Busy => Refusal::TooManyLookups.into(),
            LookupError::Store(error) => Undecided::Store { what, error }.into(),
        }
    }
}

/// What is refused becomes the code of a reason here, once.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        let (reason, retry_after) = reason(&refusal);
        Error { retry_after, ..Error::new(reason, refusal.to_string()) }
    }
}

/// The reason of each refusal, and how long to wait where that helps.
fn reason(refusal: &Refusal) -> (Reason, Option<Duration>) {
    match refusal {
        Refusal::MissingCredentials => (Reason::MissingCredentials, None),
        Refusal::InvalidCredentials => (Reason::InvalidCredentials, None),
        Refusal::KeyExpired => (Reason::KeyExpired, None),
        Refusal::KeyDisabled => (Reason::KeyDisabled, None),
        Refusal::AddressNotAllowed(_) => (Reason::IpNotAllowed, None),
        Refusal::RateLimited { retry_after_seconds, .. } => {
            (Reason::RateLimited, Some(Duration::from_secs((*retry_after_seconds).into())))
        }
        Refusal::AgentMismatch => (Reason::AgentMismatch, None),
        Refusal::PermissionDenied(_) => (Reason::PermissionDenied, None),
        Refusal::AddressThrottled(wait) => (Reason::AddressThrottled, Some(*wait)),
        Refusal::NotSignedIn => (Reason::NotSignedIn, None),
        Refusal::RoleRequired(_) => (Reason::RoleRequired, None),
        Refusal::AgentNotFound => (Reason::NotFound, None),
        // As if something were away, and yet an answer: this replica is well.
        Refusal::TooManyLookups => (Reason::AuthorizationUnavailable, Some(RETRY)),
        Refusal::CannotSign => (Reason::Internal, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_code_its_text_and_its_wait() {
        let over = |window, limit| Refusal::RateLimited { window, limit, retry_after_seconds: 61 };
        let table = [
            (
                Refusal::MissingCredentials,
                "missing_credentials",
                "Send the API key in `x-api-key` and its secret in `x-api-secret`.",
                None,
            ),
            (
                Refusal::InvalidCredentials,
                "invalid_credentials",
                "The API key or its secret is not valid.",
                None,
            ),
            (Refusal::KeyExpired, "key_expired", "The API key has expired.", None),
            (Refusal::KeyDisabled, "key_disabled", "The API key is disabled.", None),
            (
                Refusal::AddressNotAllowed([192, 0, 2, 1].into()),
                "ip_not_allowed",
                "The API key may not be used from the address 192.0.2.1.",
                None,
            ),
            (
                over(WindowName::Minute, 60),
                "rate_limited",
                "Over the limit of 60 requests a minute. Try again in 61 s.",
                Some(61),
            ),
            (
                over(WindowName::Hour, 1_000),
                "rate_limited",
                "Over the limit of 1000 requests a hour. Try again in 61 s.",
                Some(61),
            ),
            (Refusal::AgentMismatch, "agent_mismatch", "This API key is for another agent.", None),
            (
                Refusal::PermissionDenied(vec!["a:read".to_owned(), "a:update".to_owned()]),
                "permission_denied",
                "The API key lacks a:read, a:update. An admin grants permissions in the key's settings.",
                None,
            ),
            (
                Refusal::AddressThrottled(Duration::from_millis(1_001)),
                "address_throttled",
                "Too many failed credentials from your address. Try again in 2 s.",
                Some(2),
            ),
            (
                Refusal::NotSignedIn,
                "not_signed_in",
                "You are not signed in, or your token is unknown, deleted or expired: sign in, or send a personal \
                 access token as `Authorization: Bearer kwp_…`.",
                None,
            ),
            (Refusal::RoleRequired(Some(Role::Admin)), "role_required", "This needs the role ADMIN.", None),
            (Refusal::RoleRequired(None), "role_required", "This needs the role UNSPECIFIED.", None),
            (Refusal::AgentNotFound, "not_found", "Agent not found.", None),
            (
                Refusal::TooManyLookups,
                "authorization_unavailable",
                "The credentials cannot be checked now. Try again.",
                Some(1),
            ),
            (Refusal::CannotSign, "internal", "Something went wrong on our side.", None),
        ];
        for (refusal, code, message, retry_after_seconds) in table {
            let error = Error::from(refusal);
            let wait = error.retry_after.map(whole_seconds);
            assert_eq!(
                (error.reason.code(), error.message.as_str(), wait),
                (code, message, retry_after_seconds)
            );
        }
    }
}
