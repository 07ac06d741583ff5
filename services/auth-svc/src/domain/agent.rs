//! Agents: what API keys act on.

use svc_core::clock::Timestamp;

use super::{AgentId, OrganizationId};

/// An agent of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agent {
    /// Its id.
    pub(crate) id: AgentId,
    /// Its organization.
    pub(crate) organization_id: OrganizationId,
    /// Its name.
    pub(crate) name: String,
    /// Whether it is the sandbox.
    pub(crate) mode: AgentMode,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// An agent, as others mention it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentName {
    /// Its id.
    pub(crate) id: AgentId,
    /// Its name.
    pub(crate) name: String,
}

/// Whether an agent is the real thing. Fixed at creation.
#[allow(unreachable_pub, reason = "fuzz/ reaches it through a feature")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentMode {
    /// The real thing.
    Live,
    /// The sandbox.
    Test,
}

impl AgentMode {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            AgentMode::Live => "LIVE",
            AgentMode::Test => "TEST",
        }
    }

    /// From how it is stored.
    pub(crate) fn parse(text: &str) -> Option<AgentMode> {
        [AgentMode::Live, AgentMode::Test].into_iter().find(|mode| mode.as_str() == text)
    }
}
