//! Agents: what API keys act on.

use svc_core::clock::Timestamp;

/// An agent of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Its name.
    pub name: String,
    /// Whether it is the sandbox.
    pub mode: AgentMode,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An agent, as others mention it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Whether an agent is the real thing. Fixed at creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentMode {
    /// The real thing.
    Live,
    /// The sandbox.
    Test,
}

impl AgentMode {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            AgentMode::Live => "LIVE",
            AgentMode::Test => "TEST",
        }
    }

    /// From how it is stored.
    pub fn parse(text: &str) -> Option<AgentMode> {
        [AgentMode::Live, AgentMode::Test].into_iter().find(|mode| mode.as_str() == text)
    }
}
