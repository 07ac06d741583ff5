//! Why something with agents, keys, members or tokens fails, and what of it the caller sees.

use std::fmt;
use std::time::Duration;

use svc_core::error::{Error, Fault, Reason, Violation, cause, whole_seconds};
use svc_core::idempotency::Repeat;
use svc_core::precondition::Unmet;

use crate::domain::{MemberId, Role, SignInFailure};
use crate::limits::LimitError;
use crate::secrets::HashError;
use crate::store::StoreError;

/// Why something with agents, keys, members or tokens fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// Values break their rules.
    #[error("values break their rules")]
    Invalid(Vec<Violation>),
    /// The cursor belongs to another list.
    #[error("the cursor belongs to another list")]
    Cursor(Error),
    /// There is none with this id in the organization.
    #[error("there is no such {0}")]
    NotFound(Thing),
    /// Another member of the organization has the email address.
    #[error("another member has this email address")]
    EmailTaken {
        /// Which one, unless it is gone by now.
        existing_id: Option<MemberId>,
    },
    /// The role of the member who acts does not suffice.
    #[error("this needs the role {}", .0.as_str())]
    NeedsRole(Role),
    /// The owner is neither added, changed nor removed.
    #[error("nobody manages an owner")]
    OwnerIsFixed,
    /// A token would have a higher role than the member, or the token, that makes it.
    #[error("a token cannot have a higher role than {}", .0.as_str())]
    TokenAbove(Role),
    /// A token asks for what only a person who is signed in may do.
    #[error("this needs a session")]
    NeedsSession,
    /// An email address and a password that do not belong together, or a link that does not work.
    #[error("what was presented to sign in with is not valid")]
    NotProven(Proof),
    /// Too many of those who sign in have failed.
    #[error("too many sign-ins have failed")]
    Throttled(Duration),
    /// The member is not in the state that this is for.
    #[error("its state does not allow it")]
    OtherStatus(&'static str),
    /// What the caller said of the version does not hold.
    #[error("it does not have the version that was asked for")]
    Unmet(#[from] Unmet),
    /// The call was made before.
    #[error(transparent)]
    Repeated(#[from] Repeat),
    /// A provider of OpenID Connect knows somebody, but they are not signed in.
    #[error("not signed in: {0}")]
    SignIn(SignInFailure),
    /// Something is asked for that needs mail, and no mail server is set.
    #[error("no mail is set up")]
    NoMail,
    /// A secret could not be hashed.
    #[error("a secret could not be hashed: {0}")]
    Hash(#[from] HashError),
    /// Limits cannot be read.
    #[error("limits cannot be read: {0}")]
    Limits(#[from] LimitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task of a change did not end.
    #[error("a change did not end")]
    Lost,
}

/// What somebody proves who they are with when they sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Password,
    CurrentPassword,
    Link,
}

/// A kind of thing that may not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Agent,
    Key,
    Member,
    Request,
    Token,
    Session,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Thing::Agent => "Agent",
            Thing::Key => "API key",
            Thing::Member => "Member",
            Thing::Request => "Request",
            Thing::Token => "Token",
            Thing::Session => "Session",
        })
    }
}

impl AuthError {
    /// Whether it tells its caller anything about the state of a key. That something failed on our side
    /// promises nothing, and need not wait while the database is away.
    pub(crate) fn tells_of_keys(&self) -> bool {
        match self {
            AuthError::Invalid(_)
            | AuthError::Cursor(_)
            | AuthError::NotFound(Thing::Agent | Thing::Key | Thing::Member)
            | AuthError::NeedsRole(_)
            | AuthError::OwnerIsFixed
            | AuthError::TokenAbove(_)
            | AuthError::Unmet(_) => true,
            AuthError::NotFound(Thing::Request | Thing::Token | Thing::Session)
            | AuthError::NeedsSession
            | AuthError::NotProven(_)
            | AuthError::Throttled(_)
            | AuthError::OtherStatus(_)
            | AuthError::EmailTaken { .. }
            | AuthError::Repeated(_)
            | AuthError::SignIn(_)
            | AuthError::NoMail
            | AuthError::Hash(_)
            | AuthError::Limits(_)
            | AuthError::Store(_)
            | AuthError::Lost => false,
        }
    }
}

impl AuthError {
    /// Whether a member was refused something that they asked for properly: the audit log says so (ADR 17). What is
    /// malformed or not there tells nothing of who may do what, and of a failure of ours nothing can be written.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            AuthError::NeedsRole(_)
            | AuthError::OwnerIsFixed
            | AuthError::TokenAbove(_)
            | AuthError::EmailTaken { .. }
            | AuthError::NeedsSession
            | AuthError::NotProven(Proof::CurrentPassword)
            | AuthError::OtherStatus(_)
            | AuthError::Unmet(_) => true,
            AuthError::Invalid(_)
            | AuthError::Cursor(_)
            | AuthError::NotFound(_)
            | AuthError::NotProven(Proof::Password | Proof::Link)
            | AuthError::Throttled(_)
            | AuthError::Repeated(_)
            | AuthError::SignIn(_)
            | AuthError::NoMail
            | AuthError::Hash(_)
            | AuthError::Limits(_)
            | AuthError::Store(_)
            | AuthError::Lost => false,
        }
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Error {
        match error {
            AuthError::Invalid(violations) => Error::invalid(violations),
            AuthError::Cursor(error) => error,
            AuthError::NotFound(thing) => Error::not_found(&thing.to_string()),
            AuthError::EmailTaken { existing_id } => {
                let message = "A member with this email address exists.";
                Error {
                    violations: vec![Violation::new("email", Fault::Duplicate, message)],
                    existing_id: existing_id.map(String::from),
                    ..Error::new(Reason::AlreadyExists, message)
                }
            }
            AuthError::NeedsRole(role) => {
                Error::new(Reason::RoleRequired, format!("This needs the role {}.", role.as_str()))
            }
            AuthError::OwnerIsFixed => {
                Error::new(Reason::RoleRequired, "Nobody can add, change or remove an OWNER.")
            }
            AuthError::TokenAbove(role) => {
                let role = role.as_str();
                let message = format!("A token cannot have a higher role than its owner, {role}.");
                Error::new(Reason::RoleRequired, message)
            }
            AuthError::NeedsSession => {
                let message = "A personal access token makes no other tokens: sign in to the dashboard.";
                Error::new(Reason::RoleRequired, message)
            }
            // The caller's credential is good: it is a value of theirs that is not.
            AuthError::NotProven(Proof::CurrentPassword) => {
                let message = "`current` is not your password.";
                Error::invalid(vec![Violation::new("current", Fault::Invalid, message)])
            }
            AuthError::NotProven(Proof::Password) => {
                let message = "That email and password do not match. Check both and try again.";
                Error::new(Reason::InvalidCredentials, message)
            }
            AuthError::NotProven(Proof::Link) => {
                let message =
                    "This link no longer works: it was used or withdrawn, or is too old. Ask for a new one.";
                Error::new(Reason::InvalidCredentials, message)
            }
            AuthError::Throttled(wait) => {
                let message = format!("Too many failed sign-ins. Try again in {} s.", whole_seconds(wait));
                Error::new(Reason::AddressThrottled, message).retry_after(wait)
            }
            AuthError::OtherStatus(message) => Error::new(Reason::Conflict, message),
            AuthError::Unmet(unmet) => unmet.into(),
            AuthError::Repeated(repeat) => repeat.into(),
            AuthError::NoMail => {
                let message = "No mail is set up here. Ask an OWNER or ADMIN for a link.";
                Error::new(Reason::Unimplemented, message)
            }
            // The browser is sent to the page for signing in instead, which says more.
            AuthError::SignIn(_) => Error::new(Reason::NotSignedIn, "Sign in first."),
            AuthError::Hash(_) | AuthError::Limits(_) => {
                tracing::error!(error = %error, cause = %cause(&error), "something that a call needs failed");
                Error::unavailable()
            }
            AuthError::Store(error) => error.into(),
            AuthError::Lost => Error::internal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use svc_db::DbError;

    use super::*;

    #[test]
    fn every_error_has_its_reason_and_says_whether_it_tells_of_keys() {
        let cursor = Error::new(Reason::InvalidCursor, "another list");
        let table = [
            (AuthError::Invalid(Vec::new()), Reason::InvalidArgument, true),
            (AuthError::Cursor(cursor), Reason::InvalidCursor, true),
            (AuthError::NotFound(Thing::Agent), Reason::NotFound, true),
            (AuthError::NotFound(Thing::Key), Reason::NotFound, true),
            (AuthError::NotFound(Thing::Member), Reason::NotFound, true),
            (AuthError::NotFound(Thing::Request), Reason::NotFound, false),
            (AuthError::NotFound(Thing::Token), Reason::NotFound, false),
            (AuthError::EmailTaken { existing_id: None }, Reason::AlreadyExists, false),
            (AuthError::NeedsRole(Role::Admin), Reason::RoleRequired, true),
            (AuthError::OwnerIsFixed, Reason::RoleRequired, true),
            (AuthError::TokenAbove(Role::User), Reason::RoleRequired, true),
            (AuthError::NotFound(Thing::Session), Reason::NotFound, false),
            (AuthError::NeedsSession, Reason::RoleRequired, false),
            (AuthError::NotProven(Proof::Password), Reason::InvalidCredentials, false),
            (AuthError::NotProven(Proof::Link), Reason::InvalidCredentials, false),
            (AuthError::NotProven(Proof::CurrentPassword), Reason::InvalidArgument, false),
            (AuthError::Throttled(Duration::from_secs(1)), Reason::AddressThrottled, false),
            (AuthError::OtherStatus("invited"), Reason::Conflict, false),
            (AuthError::Unmet(Unmet::OtherVersion), Reason::PreconditionFailed, true),
            (AuthError::Repeated(Repeat::InProgress), Reason::RequestInProgress, false),
            (AuthError::Repeated(Repeat::Reused), Reason::IdempotencyKeyReused, false),
            (AuthError::NoMail, Reason::Unimplemented, false),
            (AuthError::SignIn(SignInFailure::NotAMember), Reason::NotSignedIn, false),
            (AuthError::Hash(HashError::Busy), Reason::Unavailable, false),
            (AuthError::Limits(LimitError::TooSlow), Reason::Unavailable, false),
            (StoreError::Db(DbError::Duplicate).into(), Reason::Internal, false),
            (StoreError::Corrupt { column: "role" }.into(), Reason::Internal, false),
            (AuthError::Lost, Reason::Internal, false),
        ];
        for (error, reason, tells_of_keys) in table {
            let text = error.to_string();
            assert_eq!(error.tells_of_keys(), tells_of_keys, "{text}");
            assert_eq!(Error::from(error).reason, reason, "{text}");
        }
    }
}
