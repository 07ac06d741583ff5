//! Members, their roles, and their personal access tokens.

use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Reason, Violation};

use super::key::check_expiry;
use super::text::check_name;

const MAX_EMAIL: usize = 254;
const MAX_NAME: usize = 100;

/// What a member may do. Each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    User,
    /// Creates, changes and deletes.
    Admin,
    /// Also appoints admins. There is exactly one.
    Owner,
}

impl Role {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::User => "USER",
            Role::Admin => "ADMIN",
            Role::Owner => "OWNER",
        }
    }

    /// From how it is stored.
    pub fn parse(text: &str) -> Option<Role> {
        [Role::User, Role::Admin, Role::Owner].into_iter().find(|role| role.as_str() == text)
    }

    /// Whether keys made by a member of this role may do anything: OWNER and ADMIN hold every
    /// permission, USER none.
    pub fn holds_permissions(self) -> bool {
        self >= Role::Admin
    }

    /// Whether a member of this role may add, change or remove a member who has or gets `other`.
    pub fn may_manage(self, other: Role) -> Result<(), Error> {
        let needs = match other {
            Role::Owner => {
                return Err(Error::new(Reason::RoleRequired, "Nobody can add, change or remove an OWNER."));
            }
            Role::Admin => Role::Owner,
            Role::User => Role::Admin,
        };
        match self >= needs {
            true => Ok(()),
            false => {
                Err(Error::new(Reason::RoleRequired, format!("This needs the role {}.", needs.as_str())))
            }
        }
    }
}

/// A person in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id.
    pub id: String,
    /// The organization.
    pub organization_id: String,
    /// The email address, as it was given.
    pub email: String,
    /// The name, or empty.
    pub name: String,
    /// The role.
    pub role: Role,
    /// When the member was added.
    pub created_at: Timestamp,
    /// When the member last changed.
    pub updated_at: Timestamp,
}

/// What a new member is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDraft {
    /// The email address.
    pub email: String,
    /// The name, or empty.
    pub name: String,
    /// The role.
    pub role: Role,
}

impl MemberDraft {
    /// Checks every rule.
    pub fn check(email: Option<&str>, name: &str, role: Option<Role>) -> Result<MemberDraft, Error> {
        let mut violations = Vec::new();
        let (email, name) = (email.map(str::trim), name.trim());
        match email {
            None | Some("") => {
                violations.push(Violation::new("email", Fault::Required, "`email` is required."))
            }
            Some(email) if email.len() > MAX_EMAIL => {
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
            _ => Err(Error::invalid(violations)),
        }
    }
}

/// A local part, one `@`, and a domain with a dot inside; no spaces or control characters. Whether
/// mail arrives only mail can tell.
fn is_email(text: &str) -> bool {
    let plain =
        text.chars().all(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';'));
    let Some((local, domain)) = text.split_once('@') else { return false };
    let labels = || domain.split('.');
    plain
        && !local.is_empty()
        && local.len() <= 64
        && !domain.contains('@')
        && labels().count() >= 2
        && labels().all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

/// A personal access token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The id.
    pub id: String,
    /// The organization.
    pub organization_id: String,
    /// The member who made it.
    pub member_id: String,
    /// The name.
    pub name: String,
    /// What it may do at the most.
    pub role: Role,
    /// The last 4 characters.
    pub last4: String,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a new token is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDraft {
    /// The name.
    pub name: String,
    /// What it may do at the most.
    pub role: Role,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
}

impl TokenDraft {
    /// Checks every rule. The role is the caller's own unless a lower one is asked for.
    pub fn check(
        name: Option<&str>,
        role: Option<Role>,
        expires_at: Option<Timestamp>,
        own: Role,
        now: Timestamp,
    ) -> Result<TokenDraft, Error> {
        let mut violations = Vec::new();
        let name = check_name("name", name, &mut violations);
        check_expiry(expires_at, now, &mut violations);
        if !violations.is_empty() {
            return Err(Error::invalid(violations));
        }
        let role = role.unwrap_or(own);
        if role > own {
            let message = format!("A token cannot have a higher role than its owner, {}.", own.as_str());
            return Err(Error::new(Reason::RoleRequired, message));
        }
        Ok(TokenDraft { name, role, expires_at })
    }
}

/// How others see a member: the name, or the part of the email before the `@`.
pub fn display_name<'a>(name: &'a str, email: &'a str) -> &'a str {
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
    fn emails() {
        for (text, good) in [
            ("ann@example.com", true),
            ("a.b+c@mail.example.co.uk", true),
            ("ünï@exämple.de", true),
            ("ann", false),
            ("@example.com", false),
            ("ann@", false),
            ("ann@localhost", false),
            ("ann@@example.com", false),
            ("ann@example..com", false),
            ("ann@-example.com", false),
            ("a b@example.com", false),
            ("Ann <ann@example.com>", false),
        ] {
            assert_eq!(is_email(text), good, "{text}");
        }
    }

    #[test]
    fn tokens_never_rise_above_their_owner() {
        let now = Timestamp(1_000_000);
        let of = |role, own| TokenDraft::check(Some("ci"), role, None, own, now).map(|t| t.role);
        assert_eq!(of(None, Role::Admin), Ok(Role::Admin));
        assert_eq!(of(Some(Role::User), Role::Admin), Ok(Role::User));
        assert_eq!(of(Some(Role::Owner), Role::Admin).unwrap_err().reason, Reason::RoleRequired);
        let past = TokenDraft::check(Some("ci"), None, Some(now), Role::User, now).unwrap_err();
        assert_eq!(past.violations[0].fault, Fault::OutOfRange);
    }
}
