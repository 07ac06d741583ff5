//! Events: what webhooks tell of API keys.

use serde_json::json;
use svc_core::clock::Timestamp;

use super::{AgentId, AgentName, Key, Notice, OrganizationId};

/// What happened to a key, and waits to be told. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its id, by which whoever gets it twice knows it.
    pub(crate) id: String,
    /// Of which organization.
    pub(crate) organization_id: OrganizationId,
    /// Of which agent.
    pub(crate) agent_id: AgentId,
    /// What happened, as webhooks name it.
    pub(crate) kind: String,
    /// What is told, a JSON object.
    pub(crate) data: String,
    /// When.
    pub(crate) at: Timestamp,
}

impl Event {
    /// A key has a new secret.
    pub(crate) fn rotated(id: String, key: &Key, at: Timestamp) -> Event {
        let overlap = key.previous.as_ref().map(|previous| previous.ends_at.to_string());
        let data = json!({
            "id": key.id.as_str(),
            "name": key.name,
            "agent": agent(&key.agent),
            "secretLast4": key.secret_last4,
            "overlapEndsAt": overlap,
        });
        Event::of(id, key, "api_key.rotated", &data, at)
    }

    /// A key was deleted.
    pub(crate) fn deleted(id: String, key: &Key, at: Timestamp) -> Event {
        let data = json!({"id": key.id.as_str(), "name": key.name, "agent": agent(&key.agent)});
        Event::of(id, key, "api_key.deleted", &data, at)
    }

    /// A key or an old secret of it ends within so many days.
    pub(crate) fn expiring(
        id: String,
        organization: &OrganizationId,
        notice: &Notice,
        days: i64,
        at: Timestamp,
    ) -> Event {
        let data = json!({
            "id": notice.key_id.as_str(),
            "name": notice.key_name,
            "agent": agent(&notice.agent),
            "kind": notice.kind.as_str(),
            "secretLast4": notice.secret_last4,
            "endsAt": notice.ends_at.to_string(),
            "days": days,
        });
        Event {
            id,
            organization_id: organization.clone(),
            agent_id: notice.agent.id.clone(),
            kind: "api_key.expiring".to_owned(),
            data: data.to_string(),
            at,
        }
    }

    fn of(id: String, key: &Key, kind: &str, data: &serde_json::Value, at: Timestamp) -> Event {
        Event {
            id,
            organization_id: key.organization_id.clone(),
            agent_id: key.agent.id.clone(),
            kind: kind.to_owned(),
            data: data.to_string(),
            at,
        }
    }
}

fn agent(agent: &AgentName) -> serde_json::Value {
    json!({"id": agent.id.as_str(), "name": agent.name})
}
