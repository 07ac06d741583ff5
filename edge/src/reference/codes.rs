//! Which error codes an operation may answer.

use svc_core::error::Reason;
use svc_core::policy::Access;

/// Those that whoever shows a key may meet before the operation itself, …
const OF_A_KEY: &[Reason] = &[
    Reason::MissingCredentials,
    Reason::InvalidCredentials,
    Reason::KeyExpired,
    Reason::KeyDisabled,
    Reason::IpNotAllowed,
    Reason::RateLimited,
    Reason::AuthorizationUnavailable,
];

/// … and a member, …
const OF_A_MEMBER: &[Reason] = &[Reason::NotSignedIn, Reason::RoleRequired, Reason::AuthorizationUnavailable];

/// Whether the check of a caller of this kind may answer so.
fn is_of_the_check(access: &Access, reason: Reason) -> bool {
    match access {
        Access::Key { agent, .. } => match reason {
            Reason::PermissionDenied => true,
            Reason::AgentMismatch => agent.is_some(),
            _ => OF_A_KEY.contains(&reason),
        },
        Access::AnyKey => OF_A_KEY.contains(&reason),
        Access::Member(_) => OF_A_MEMBER.contains(&reason),
        Access::Public | Access::Internal => false,
    }
}

/// … those of every operation, …
const OF_ALL: &[Reason] = &[
    Reason::InvalidArgument,
    Reason::UriTooLong,
    Reason::AddressThrottled,
    Reason::HeadersTooLarge,
    Reason::Internal,
    Reason::BadGateway,
    Reason::Unavailable,
    Reason::Overloaded,
    Reason::DeadlineExceeded,
];

/// … and those of a body.
const OF_A_BODY: &[Reason] =
    &[Reason::InvalidJson, Reason::RequestTimeout, Reason::BodyTooLarge, Reason::UnsupportedMediaType];

/// Those of an operation that repeats its first answer, unless it is not kept.
const OF_IDEMPOTENCY: &[Reason] =
    &[Reason::RequestInProgress, Reason::Conflict, Reason::IdempotencyKeyReused];

/// What codes depend on.
pub(super) struct Asked<'o> {
    pub(super) access: &'o Access,
    /// It is the way of members to an RPC for keys.
    pub(super) is_of_member: bool,
    pub(super) has_body: bool,
    pub(super) has_precondition: bool,
    pub(super) is_idempotent: bool,
    /// What its comment says.
    pub(super) comment: &'o str,
}

/// All that an operation may answer, in the order of the table of errors.
pub(super) fn of(asked: &Asked<'_>) -> Vec<Reason> {
    let own = named(asked.comment);
    let precondition = [Reason::PreconditionFailed];
    let may = |reason: &&Reason| {
        own.contains(reason)
            || OF_ALL.contains(reason)
            || is_of_the_check(asked.access, **reason)
            || (asked.is_of_member && **reason == Reason::NotFound)
            || (asked.has_body && OF_A_BODY.contains(reason))
            || (asked.has_precondition && precondition.contains(reason))
            || (asked.is_idempotent && OF_IDEMPOTENCY.contains(reason))
    };
    Reason::ALL.iter().filter(may).copied().collect()
}

/// The codes that a comment names in backticks.
fn named(comment: &str) -> Vec<Reason> {
    let quoted = comment.split('`').skip(1).step_by(2);
    quoted.filter_map(|code| Reason::ALL.iter().copied().find(|reason| reason.code() == code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_the_comment_and_the_rule_name() {
        let asked = |access: &Access, comment: &str| {
            let access = access.clone();
            of(&Asked {
                access: &access,
                is_of_member: false,
                has_body: false,
                has_precondition: false,
                is_idempotent: false,
                comment,
            })
        };
        let public = asked(&Access::Public, "`not_found`, with `immutable`; `nonsense`.");
        assert!(public.contains(&Reason::NotFound) && !public.contains(&Reason::InvalidCredentials));
        assert!(!public.contains(&Reason::InvalidJson) && public.contains(&Reason::InvalidArgument));
        let any = asked(&Access::AnyKey, "");
        assert!(any.contains(&Reason::RateLimited) && !any.contains(&Reason::PermissionDenied));
        assert!(!any.contains(&Reason::NotFound));
    }
}
