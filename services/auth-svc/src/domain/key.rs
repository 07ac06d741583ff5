//! API keys and the rules of their settings.

use svc_core::clock::{LATEST, Timestamp};
use svc_core::error::{Fault, Violation};

use super::{
    Addresses, AgentName, KeyId, MemberId, OrganizationId, Permissions, check_description, check_name,
};
use crate::error::AuthError;

/// An API key, as management shows it. Its secrets are elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its id.
    pub(crate) id: KeyId,
    /// Its organization.
    pub(crate) organization_id: OrganizationId,
    /// The agent that it acts on.
    pub(crate) agent: AgentName,
    /// What the header carries.
    pub(crate) api_key: String,
    /// The last 4 characters of the newest secret.
    pub(crate) secret_last4: String,
    /// The name.
    pub(crate) name: String,
    /// The description.
    pub(crate) description: String,
    /// What it was given.
    pub(crate) permissions: Vec<String>,
    /// What it may do now.
    pub(crate) effective_permissions: Vec<String>,
    /// How many requests it may make.
    pub(crate) rate_limits: RateLimits,
    /// Where requests may come from.
    pub(crate) allowed_ips: Addresses,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
    /// Since when it is disabled.
    pub(crate) disabled_at: Option<Timestamp>,
    /// The secret before the newest, while it works or until it is cleared away.
    pub(crate) previous: Option<Previous>,
    /// The member who made it: id and how others see them.
    pub(crate) created_by: (MemberId, String),
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When a setting last changed.
    pub(crate) updated_at: Timestamp,
    /// When it was last used.
    pub(crate) last_used_at: Option<Timestamp>,
    /// Counts its changes.
    pub(crate) version: i32,
}

/// How many requests a key may make, in any 60 and in any 3,600 consecutive seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimits {
    /// In a minute.
    pub(crate) per_minute: i32,
    /// In an hour.
    pub(crate) per_hour: i32,
}

const DEFAULT_PER_MINUTE: i32 = 60;
const DEFAULT_PER_HOUR: i32 = 1_000;

/// The most that keys may be given: settings of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxLimits {
    /// In a minute.
    pub(crate) per_minute: i32,
    /// In an hour.
    pub(crate) per_hour: i32,
}

impl MaxLimits {
    /// What a key gets when it does not say.
    pub(crate) fn defaults(self) -> RateLimits {
        RateLimits {
            per_minute: DEFAULT_PER_MINUTE.min(self.per_minute),
            per_hour: DEFAULT_PER_HOUR.min(self.per_hour),
        }
    }
}

/// Limits as a caller asks for them: of each window nothing, the default (`Some(None)`) or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestedLimits {
    /// In a minute.
    pub(crate) per_minute: Option<Option<i32>>,
    /// In an hour.
    pub(crate) per_hour: Option<Option<i32>>,
}

impl RequestedLimits {
    /// Checks every rule; what is not asked for stays as in `current`. Any pair is legal.
    pub(crate) fn check(
        self,
        current: RateLimits,
        max: MaxLimits,
        violations: &mut Vec<Violation>,
    ) -> RateLimits {
        let mut one = |name: &str, asked: Option<Option<i32>>, current: i32, default: i32, max: i32| {
            let limit = asked.map_or(current, |asked| asked.unwrap_or(default));
            if asked.is_some() && !(1..=max).contains(&limit) {
                violations.push(Violation::out_of_range(&format!("rateLimits.{name}"), 1..=max));
            }
            limit
        };
        let defaults = max.defaults();
        RateLimits {
            per_minute: one(
                "perMinute",
                self.per_minute,
                current.per_minute,
                defaults.per_minute,
                max.per_minute,
            ),
            per_hour: one("perHour", self.per_hour, current.per_hour, defaults.per_hour, max.per_hour),
        }
    }
}

/// The secret before the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    /// The last 4 characters.
    pub(crate) last4: String,
    /// Until when it works.
    pub(crate) ends_at: Timestamp,
    /// When it was last used.
    pub(crate) last_used_at: Option<Timestamp>,
}

/// The longest overlap of two secrets, in seconds: a week.
pub(crate) const MAX_OVERLAP: i32 = 604_800;

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyStatus {
    /// It works.
    Active,
    /// An admin disabled it.
    Disabled,
    /// It is past its expiry.
    Expired,
}

impl KeyStatus {
    /// As queries compare it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            KeyStatus::Active => "ACTIVE",
            KeyStatus::Disabled => "DISABLED",
            KeyStatus::Expired => "EXPIRED",
        }
    }
}

impl Key {
    /// Whether it works now. Like the credential check, expiry is seen before disabling.
    pub(crate) fn status(&self, now: Timestamp) -> KeyStatus {
        match (self.expires_at, self.disabled_at) {
            (Some(end), _) if end <= now => KeyStatus::Expired,
            (_, Some(_)) => KeyStatus::Disabled,
            _ => KeyStatus::Active,
        }
    }
}

/// The settings of a new key, as they are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyDraft {
    /// The name.
    pub(crate) name: Option<String>,
    /// The description.
    pub(crate) description: String,
    /// What it may do.
    pub(crate) permissions: Vec<String>,
    /// How many requests it may make.
    pub(crate) rate_limits: RequestedLimits,
    /// Where requests may come from.
    pub(crate) allowed_ips: Vec<String>,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
}

/// The settings of a new key, every rule of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeySettings {
    /// The name.
    pub(crate) name: String,
    /// The description.
    pub(crate) description: String,
    /// What it may do.
    pub(crate) permissions: Vec<String>,
    /// How many requests it may make.
    pub(crate) rate_limits: RateLimits,
    /// Where requests may come from.
    pub(crate) allowed_ips: Addresses,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
}

impl KeyDraft {
    /// Checks every rule.
    pub(crate) fn check(
        self,
        known: &Permissions,
        max: MaxLimits,
        now: Timestamp,
    ) -> Result<KeySettings, AuthError> {
        let mut violations = Vec::new();
        let settings = KeySettings {
            name: check_name("name", self.name.as_deref(), &mut violations),
            description: check_description(&self.description, &mut violations),
            rate_limits: self.rate_limits.check(max.defaults(), max, &mut violations),
            allowed_ips: Addresses::check(&self.allowed_ips, &mut violations),
            permissions: self.permissions,
            expires_at: self.expires_at,
        };
        known.check(&settings.permissions, &mut violations);
        check_expiry(settings.expires_at, now, &mut violations);
        match violations.is_empty() {
            true => Ok(settings),
            false => Err(AuthError::Invalid(violations)),
        }
    }
}

/// A change of settings: what is `Some` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyChange {
    /// A new name.
    pub(crate) name: Option<String>,
    /// A new description.
    pub(crate) description: Option<String>,
    /// A new list of permissions.
    pub(crate) permissions: Option<Vec<String>>,
    /// New limits.
    pub(crate) rate_limits: RequestedLimits,
    /// A new list of addresses.
    pub(crate) allowed_ips: Option<Vec<String>>,
    /// A new expiry, or none.
    pub(crate) expires_at: Option<Option<Timestamp>>,
}

impl KeyChange {
    /// Checks every rule and applies it. Says whether anything is different now. After an error the key
    /// is not to be used.
    pub(crate) fn apply(
        self,
        key: &mut Key,
        known: &Permissions,
        max: MaxLimits,
        now: Timestamp,
    ) -> Result<bool, AuthError> {
        let before = key.clone();
        let mut violations = Vec::new();
        if let Some(name) = self.name {
            key.name = check_name("name", Some(&name), &mut violations);
        }
        if let Some(description) = self.description {
            key.description = check_description(&description, &mut violations);
        }
        if let Some(permissions) = self.permissions {
            known.check(&permissions, &mut violations);
            key.permissions = permissions;
        }
        key.rate_limits = self.rate_limits.check(key.rate_limits, max, &mut violations);
        if let Some(elements) = self.allowed_ips {
            key.allowed_ips = Addresses::check(&elements, &mut violations);
        }
        if let Some(expires_at) = self.expires_at {
            check_expiry(expires_at, now, &mut violations);
            key.expires_at = expires_at;
        }
        match violations.is_empty() {
            true => Ok(*key != before),
            false => Err(AuthError::Invalid(violations)),
        }
    }
}

/// An expiry lies in the future, and not after the year 9999.
pub(crate) fn check_expiry(at: Option<Timestamp>, now: Timestamp, violations: &mut Vec<Violation>) {
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

    const MAX: MaxLimits = MaxLimits { per_minute: 1_000, per_hour: 10_000 };

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let draft = KeyDraft {
            name: None,
            description: "x".repeat(501),
            permissions: vec!["nope:read".into()],
            rate_limits: RequestedLimits { per_minute: Some(Some(0)), per_hour: Some(Some(10_001)) },
            allowed_ips: vec!["[::1]".into()],
            expires_at: Some(NOW),
        };
        let AuthError::Invalid(violations) = draft.check(&known(), MAX, NOW).unwrap_err() else { panic!() };
        let fields: Vec<_> = violations.iter().map(|v| (v.field.as_str(), v.fault)).collect();
        assert_eq!(
            fields,
            [
                ("name", Fault::Required),
                ("description", Fault::TooLong),
                ("rateLimits.perMinute", Fault::OutOfRange),
                ("rateLimits.perHour", Fault::OutOfRange),
                ("allowedIps[0]", Fault::Invalid),
                ("permissions[0]", Fault::Invalid),
                ("expiresAt", Fault::OutOfRange)
            ]
        );
    }

    #[test]
    fn limits() {
        let (current, tight) =
            (RateLimits { per_minute: 7, per_hour: 8 }, MaxLimits { per_minute: 30, per_hour: 40 });
        for (minute, hour, max, expected) in [
            (None, None, MAX, Some((7, 8))),
            (Some(None), Some(None), MAX, Some((60, 1_000))),
            (Some(None), Some(None), tight, Some((30, 40))),
            (Some(Some(1)), None, MAX, Some((1, 8))),
            (Some(Some(1_000)), Some(Some(10_000)), MAX, Some((1_000, 10_000))),
            // Any pair is legal.
            (Some(Some(1_000)), Some(Some(1)), MAX, Some((1_000, 1))),
            (Some(Some(0)), None, MAX, None),
            (Some(Some(-1)), None, MAX, None),
            (Some(Some(1_001)), None, MAX, None),
            (None, Some(Some(10_001)), MAX, None),
            (Some(Some(i32::MAX)), None, MAX, None),
            (Some(Some(31)), None, tight, None),
        ] {
            let mut violations = Vec::new();
            let asked = RequestedLimits { per_minute: minute, per_hour: hour };
            let limits = asked.check(current, max, &mut violations);
            let got = violations.is_empty().then_some((limits.per_minute, limits.per_hour));
            assert_eq!(got, expected, "{minute:?} {hour:?}");
        }
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
}
