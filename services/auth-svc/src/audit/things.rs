//! What entries tell of each thing.

use serde_json::{Value, json};
use svc_core::clock::Timestamp;

use super::{Auditable, Facts, Resource};
use crate::domain::{Agent, Key, Member, Session, Token, display_name};

impl Auditable for Agent {
    fn resource(&self) -> Resource {
        Resource::new(self.id.as_str(), &self.name)
    }

    fn facts(&self) -> Facts {
        Facts::new().with("name", self.name.as_str()).with("mode", self.mode.as_str())
    }
}

impl Auditable for Key {
    fn resource(&self) -> Resource {
        Resource::new(self.id.as_str(), &self.name)
    }

    fn facts(&self) -> Facts {
        let limits = json!({"perMinute": self.rate_limits.per_minute, "perHour": self.rate_limits.per_hour});
        Facts::new()
            .with("name", self.name.as_str())
            .with("description", self.description.as_str())
            .with("apiKey", self.api_key.as_str())
            .with("agentId", self.agent.id.as_str())
            .with("permissions", self.permissions.clone())
            .with("rateLimits", limits)
            .with("allowedIps", self.allowed_ips.to_strings())
            .with("expiresAt", time(self.expires_at))
            .with("disabledAt", time(self.disabled_at))
            .with("secretLast4", self.secret_last4.as_str())
            .with("overlapEndsAt", time(self.previous.as_ref().map(|previous| previous.ends_at)))
    }
}

impl Auditable for Member {
    fn resource(&self) -> Resource {
        Resource::new(self.id.as_str(), display_name(&self.name, &self.email))
    }

    fn facts(&self) -> Facts {
        Facts::new()
            .with("name", self.name.as_str())
            .with("email", self.email.as_str())
            .with("role", self.role.as_str())
            .with("status", self.status.as_str())
    }
}

impl Auditable for Session {
    fn resource(&self) -> Resource {
        Resource::id(self.id.as_str())
    }

    fn facts(&self) -> Facts {
        Facts::new()
            .with("memberId", self.member_id.as_str())
            .with("role", self.role.as_str())
            .with("clientAddress", self.client_address.as_str())
            .with("userAgent", self.user_agent.as_str())
            .with("expiresAt", time(Some(self.expires_at)))
    }
}

impl Auditable for Token {
    fn resource(&self) -> Resource {
        Resource::new(self.id.as_str(), &self.name)
    }

    fn facts(&self) -> Facts {
        Facts::new()
            .with("name", self.name.as_str())
            .with("memberId", self.member_id.as_str())
            .with("role", self.role.as_str())
            .with("last4", self.last4.as_str())
            .with("expiresAt", time(self.expires_at))
    }
}

fn time(time: Option<Timestamp>) -> Value {
    time.map(|time| time.to_string()).into()
}
