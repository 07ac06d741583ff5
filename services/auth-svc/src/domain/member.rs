//! Members, their roles, and their personal access tokens.

use svc_core::clock::Timestamp;
use svc_core::email::{MAX_LENGTH as MAX_EMAIL, is_email};
use svc_core::error::{Fault, Violation};

use super::key::check_expiry;
use super::text::check_name;
use super::{MemberId, OrganizationId, TokenId};
use crate::error::AuthError;

const MAX_NAME: usize = 100;

/// What a member may do. Each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Reads.
    User,
    /// Creates, changes and deletes.
    Admin,
    /// Also appoints admins. There is exactly one.
    Owner,
}

impl Role {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Role::User => "USER",
            Role::Admin => "ADMIN",
            Role::Owner => "OWNER",
        }
    }

    /// From how it is stored.
    pub(crate) fn parse(text: &str) -> Option<Role> {
        [Role::User, Role::Admin, Role::Owner].into_iter().find(|role| role.as_str() == text)
    }

    /// Whether keys made by a member of this role may do anything: OWNER and ADMIN hold every
    /// permission, USER none.
    pub(crate) fn holds_permissions(self) -> bool {
        self >= Role::Admin
    }

    /// Whether a member of this role may add, change or remove a member who has or gets `other`.
    pub(crate) fn may_manage(self, other: Role) -> Result<(), AuthError> {
        let needs = match other {
            Role::Owner => return Err(AuthError::OwnerIsFixed),
            Role::Admin => Role::Owner,
            Role::User => Role::Admin,
        };
        match self >= needs {
            true => Ok(()),
            false => Err(AuthError::NeedsRole(needs)),
        }
    }
}

/// A person in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The id.
    pub(crate) id: MemberId,
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// The email address, as it was given.
    pub(crate) email: String,
    /// The name, or empty.
    pub(crate) name: String,
    /// The role.
    pub(crate) role: Role,
    /// When the member was added.
    pub(crate) created_at: Timestamp,
    /// When the member last changed.
    pub(crate) updated_at: Timestamp,
    /// Whether they have come in.
    pub(crate) status: MemberStatus,
    /// Until when their invitation can be accepted.
    pub(crate) invited_until: Option<Timestamp>,
    /// When they were last here, in a session that is still kept.
    pub(crate) last_seen_at: Option<Timestamp>,
}

/// Whether a member has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberStatus {
    /// They have not accepted their invitation.
    Invited,
    /// They can sign in.
    Active,
}

impl MemberStatus {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            MemberStatus::Invited => "INVITED",
            MemberStatus::Active => "ACTIVE",
        }
    }

    /// From how it is stored.
    pub(crate) fn parse(text: &str) -> Option<MemberStatus> {
        [MemberStatus::Invited, MemberStatus::Active].into_iter().find(|status| status.as_str() == text)
    }
}

/// What a new member is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberDraft {
    /// The email address.
    pub(crate) email: String,
    /// The name, or empty.
    pub(crate) name: String,
    /// The role.
    pub(crate) role: Role,
}

impl MemberDraft {
    /// Checks every rule.
    pub(crate) fn check(
        email: Option<&str>,
        name: &str,
        role: Option<Role>,
    ) -> Result<MemberDraft, AuthError> {
        let mut violations = Vec::new();
        let (email, name) = (email.map(str::trim), name.trim());
        match email {
            None | Some("") => {
                violations.push(Violation::new("email", Fault::Required, "`email` is required."))
            }
            Some(email) if email.chars().count() > MAX_EMAIL => {
                violations.push(Violation::new(
                    "email",
                    Fault::TooLong,
                    "`email` has at most 254 characters.",
                ));
            }
            Some(email) if !is_email(email) => {
                violations.push(Violation::new("email", Fault::Invalid, "`email` is not an email address."));
            }
            Some(_) => {}
        }
        if name.chars().count() > MAX_NAME {
            violations.push(Violation::new("name", Fault::TooLong, "`name` has at most 100 characters."));
        } else if name.chars().any(char::is_control) {
            violations.push(Violation::new("name", Fault::Invalid, "`name` holds a control character."));
        }
        if role.is_none() {
            violations.push(Violation::new("role", Fault::Required, "`role` is required: ADMIN or USER."));
        }
        match (email, role) {
            (Some(email), Some(role)) if violations.is_empty() => {
                Ok(MemberDraft { email: email.to_owned(), name: name.to_owned(), role })
            }
            _ => Err(AuthError::Invalid(violations)),
        }
    }
}

/// A personal access token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The id.
    pub(crate) id: TokenId,
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// The member who made it.
    pub(crate) member_id: MemberId,
    /// The name.
    pub(crate) name: String,
    /// What it may do at the most.
    pub(crate) role: Role,
    /// The last 4 characters.
    pub(crate) last4: String,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
}

/// What a new token is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenDraft {
    /// The name.
    pub(crate) name: String,
    /// What it may do at the most.
    pub(crate) role: Role,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
}

impl TokenDraft {
    /// Checks every rule. The role is the caller's own unless a lower one is asked for.
    pub(crate) fn check(
        name: Option<&str>,
        role: Option<Role>,
        expires_at: Option<Timestamp>,
        own: Role,
        now: Timestamp,
    ) -> Result<TokenDraft, AuthError> {
        let mut violations = Vec::new();
        let name = check_name("name", name, &mut violations);
        check_expiry(expires_at, now, &mut violations);
        if !violations.is_empty() {
            return Err(AuthError::Invalid(violations));
        }
        let role = role.unwrap_or(own);
        if role > own {
            return Err(AuthError::TokenAbove(own));
        }
        Ok(TokenDraft { name, role, expires_at })
    }
}

/// How others see a member: the name, or the part of the email before the `@`.
pub(crate) fn display_name<'a>(name: &'a str, email: &'a str) -> &'a str {
    match name {
        "" => email.split('@').next().unwrap_or_default(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_manages_whom() {
        use Role::{Admin, Owner, User};
        for (actor, other, may) in [
            (Owner, Admin, true),
            (Owner, User, true),
            (Owner, Owner, false),
            (Admin, Admin, false),
            (Admin, User, true),
            (Admin, Owner, false),
            (User, User, false),
        ] {
            assert_eq!(actor.may_manage(other).is_ok(), may, "{actor:?} {other:?}");
        }
    }

    #[test]
    fn tokens_never_rise_above_their_owner() {
        let now = Timestamp(1_000_000);
        let of = |role, own| TokenDraft::check(Some("ci"), role, None, own, now).map(|t| t.role);
        assert!(matches!(of(None, Role::Admin), Ok(Role::Admin)));
        assert!(matches!(of(Some(Role::User), Role::Admin), Ok(Role::User)));
        assert!(matches!(of(Some(Role::Owner), Role::Admin), Err(AuthError::TokenAbove(Role::Admin))));
        let past = TokenDraft::check(Some("ci"), None, Some(now), Role::User, now);
        assert!(matches!(past, Err(AuthError::Invalid(v)) if v[0].fault == Fault::OutOfRange));
    }
}
