//! API keys and the rules of their settings.

use svc_core::clock::{LATEST, Timestamp};
use svc_core::error::{Error, Fault, Violation};

use super::{AgentName, Permissions, check_description, check_name};

/// An API key, as management shows it. Its secrets are elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// The agent that it acts on.
    pub agent: AgentName,
    /// What the header carries.
    pub api_key: String,
    /// The last 4 characters of the newest secret.
    pub secret_last4: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// What it was given.
    pub permissions: Vec<String>,
    /// What it may do now.
    pub effective_permissions: Vec<String>,
    /// How many requests it may make.
    pub rate_limits: RateLimits,
    /// Where requests may come from. Empty: anywhere.
    pub allowed_ips: Vec<String>,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// The member who made it: id and how others see them.
    pub created_by: (String, String),
    /// When it was made.
    pub created_at: Timestamp,
    /// When a setting last changed.
    pub updated_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Counts its changes.
    pub version: i32,
}

/// How many requests a key may make, in any 60 and in any 3,600 consecutive seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// In a minute.
    pub per_minute: i32,
    /// In an hour.
    pub per_hour: i32,
}

impl Default for RateLimits {
    fn default() -> RateLimits {
        RateLimits { per_minute: 60, per_hour: 1_000 }
    }
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// An admin disabled it.
    Disabled,
    /// It is past its expiry.
    Expired,
}

impl KeyStatus {
    /// As queries compare it.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyStatus::Active => "ACTIVE",
            KeyStatus::Disabled => "DISABLED",
            KeyStatus::Expired => "EXPIRED",
        }
    }
}

impl Key {
    /// Whether it works now. Like the credential check, expiry is seen before disabling.
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        match (self.expires_at, self.disabled_at) {
            (Some(end), _) if end <= now => KeyStatus::Expired,
            (_, Some(_)) => KeyStatus::Disabled,
            _ => KeyStatus::Active,
        }
    }
}

/// The settings of a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDraft {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
}

impl KeyDraft {
    /// Checks every rule.
    pub fn check(
        name: Option<&str>,
        description: &str,
        permissions: Vec<String>,
        expires_at: Option<Timestamp>,
        known: &Permissions,
        now: Timestamp,
    ) -> Result<KeyDraft, Error> {
        let mut violations = Vec::new();
        let name = check_name("name", name, &mut violations);
        let description = check_description(description, &mut violations);
        known.check(&permissions, &mut violations);
        check_expiry(expires_at, now, &mut violations);
        match violations.is_empty() {
            true => Ok(KeyDraft { name, description, permissions, expires_at }),
            false => Err(Error::invalid(violations)),
        }
    }
}

/// A change of settings: what is `Some` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// A new list of permissions.
    pub permissions: Option<Vec<String>>,
    /// A new expiry, or none.
    pub expires_at: Option<Option<Timestamp>>,
}

impl KeyChange {
    /// Checks every rule, and brings text into its form.
    pub fn check(mut self, known: &Permissions, now: Timestamp) -> Result<KeyChange, Error> {
        let mut violations = Vec::new();
        self.name = self.name.map(|name| check_name("name", Some(&name), &mut violations));
        self.description = self.description.map(|text| check_description(&text, &mut violations));
        if let Some(permissions) = &self.permissions {
            known.check(permissions, &mut violations);
        }
        check_expiry(self.expires_at.flatten(), now, &mut violations);
        match violations.is_empty() {
            true => Ok(self),
            false => Err(Error::invalid(violations)),
        }
    }

    /// Applies it. Says whether anything is different now.
    pub fn apply(self, key: &mut Key) -> bool {
        let before = key.clone();
        if let Some(name) = self.name {
            key.name = name;
        }
        if let Some(description) = self.description {
            key.description = description;
        }
        if let Some(permissions) = self.permissions {
            key.permissions = permissions;
        }
        if let Some(expires_at) = self.expires_at {
            key.expires_at = expires_at;
        }
        *key != before
    }
}

/// An expiry lies in the future, and not after the year 9999.
pub fn check_expiry(at: Option<Timestamp>, now: Timestamp, violations: &mut Vec<Violation>) {
    let message = match at {
        Some(at) if at <= now => "`expiresAt` must be in the future.",
        Some(at) if at > LATEST => "`expiresAt` is later than the year 9999.",
        _ => return,
    };
    violations.push(Violation::new("expiresAt", Fault::OutOfRange, message));
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn known() -> Permissions {
        Permissions::new(vec!["contacts:read".into(), "contacts:create".into()])
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let error =
            KeyDraft::check(None, &"x".repeat(501), vec!["nope:read".into()], Some(NOW), &known(), NOW)
                .unwrap_err();
        let fields: Vec<_> = error.violations.iter().map(|v| (v.field.as_str(), v.fault)).collect();
        assert_eq!(
            fields,
            [
                ("name", Fault::Required),
                ("description", Fault::TooLong),
                ("permissions[0]", Fault::Invalid),
                ("expiresAt", Fault::OutOfRange)
            ]
        );
    }

    #[test]
    fn expiry() {
        for (at, good) in [
            (None, true),
            (Some(Timestamp(NOW.0 + 1)), true),
            (Some(LATEST), true),
            (Some(NOW), false),
            (Some(Timestamp(0)), false),
            (Some(Timestamp(LATEST.0 + 1)), false),
        ] {
            let mut violations = Vec::new();
            check_expiry(at, NOW, &mut violations);
            assert_eq!(violations.is_empty(), good, "{at:?}");
        }
    }

    #[test]
    fn a_null_expiry_clears_it() {
        let change = KeyChange { expires_at: Some(None), ..KeyChange::default() };
        assert_eq!(change.clone().check(&known(), NOW), Ok(change));
    }
}
