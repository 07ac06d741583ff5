//! A key as requests see it. What every request looks at stands in few pieces of memory: among a million
//! keys hardly any is in the processor's cache, and each piece more is another wait.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use smallvec::SmallVec;
use svc_core::clock::Timestamp;
use svc_core::principal::{Principal, Subject};

use super::minter::Minted;
use super::renewal::HeldSecret;
use crate::domain::{Addresses, AgentId, KeyId, OrganizationId, effective};
use crate::limits::WindowLimits;
use crate::secrets::Verifiers;
use crate::store::KeyRecord;
use crate::usage::KeyCounts;

/// A key at one moment. Never changes; a change of the key makes another.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Its secrets: one, and during an overlap two.
    pub(crate) secrets: SmallVec<[HeldSecret; 1]>,
    /// Until when it works.
    pub(crate) expires_at: Option<Timestamp>,
    /// It is disabled.
    pub(crate) disabled: bool,
    /// Where requests may come from.
    pub(crate) allowed_ips: Addresses,
    /// How many requests it may make.
    pub(crate) limits: WindowLimits,
    /// Who a request with this key is.
    pub(crate) holder: Holder,
    principal: OnceLock<Arc<Principal>>,
    /// Principal tokens that are still fresh.
    pub(crate) minted: Mutex<Vec<Minted>>,
    usage: OnceLock<Arc<KeyCounts>>,
}

impl Snapshot {
    /// A key as it was read.
    pub(crate) fn new(record: KeyRecord, verifiers: &Verifiers) -> Snapshot {
        let permissions = effective(&record.permissions, record.creator_role);
        Snapshot {
            holder: Holder::new(&record.organization_id, &record.agent_id, &record.id, &permissions),
            secrets: record.secrets.into_iter().map(|stored| HeldSecret::new(stored, verifiers)).collect(),
            expires_at: record.expires_at,
            disabled: record.disabled,
            allowed_ips: record.allowed_ips,
            limits: record.rate_limits.into(),
            principal: OnceLock::new(),
            minted: Mutex::default(),
            usage: OnceLock::new(),
        }
    }

    /// Who a request with this key is, in the form that services know: made once, for all its requests.
    pub(crate) fn principal(&self) -> &Arc<Principal> {
        self.principal
            .get_or_init(|| Arc::new(Principal { expires_at: self.expires_at, ..self.holder.principal() }))
    }

    /// Where its requests are counted.
    pub(crate) fn usage(&self) -> &Arc<KeyCounts> {
        let secrets = || self.secrets.iter().map(HeldSecret::id);
        self.usage.get_or_init(|| Arc::new(KeyCounts::new(self.holder.key_id(), secrets())))
    }
}

/// The principal of a key in one piece: organization, agent, key and permissions. None of them has a space.
#[derive(Debug)]
pub(crate) struct Holder {
    words: Box<str>,
    /// Where the ids end, so that no request searches for them.
    ends: [u16; 3],
}

impl Holder {
    fn new(organization: &OrganizationId, agent: &AgentId, key: &KeyId, permissions: &[String]) -> Holder {
        let ids = [organization.as_str(), agent.as_str(), key.as_str()];
        let mut end = 0;
        let ends = ids.map(|id| {
            let start = end;
            end = start + id.len() + 1;
            u16::try_from(start + id.len()).unwrap_or(u16::MAX)
        });
        let words: Vec<&str> = ids.into_iter().chain(permissions.iter().map(String::as_str)).collect();
        Holder { words: words.join(" ").into(), ends }
    }

    /// The agent that the key acts on.
    pub(crate) fn agent_id(&self) -> &str {
        self.word_after(0)
    }

    /// The id of the key.
    pub(crate) fn key_id(&self) -> &str {
        self.word_after(1)
    }

    /// Whether the key holds this permission.
    pub(crate) fn may(&self, permission: &str) -> bool {
        self.permissions().any(|held| held == permission)
    }

    fn principal(&self) -> Principal {
        Principal {
            organization_id: self.words.get(..self.end(0)).unwrap_or_default().to_owned(),
            agent_id: Some(self.agent_id().to_owned()),
            subject: Subject::Key(self.key_id().to_owned()),
            permissions: self.permissions().map(str::to_owned).collect(),
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        }
    }

    /// The permissions of the key.
    pub(crate) fn permissions(&self) -> impl Iterator<Item = &str> {
        // Where there are none, there is no space after the ids either.
        self.words.get(self.end(2) + 1..).into_iter().flat_map(|words| words.split(' '))
    }

    fn end(&self, id: usize) -> usize {
        usize::from(self.ends[id])
    }

    /// The id that follows this one.
    fn word_after(&self, id: usize) -> &str {
        self.words.get(self.end(id) + 1..self.end(id + 1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_what_it_was_made_of() {
        for permissions in [vec![], vec!["contacts:read"], vec!["contacts:read", "contacts:create"]] {
            let permissions: Vec<String> = permissions.into_iter().map(str::to_owned).collect();
            let holder =
                Holder::new(&OrganizationId::new("o"), &AgentId::new("a"), &KeyId::new("k"), &permissions);
            assert_eq!((holder.agent_id(), holder.key_id()), ("a", "k"));
            assert!(permissions.iter().all(|permission| holder.may(permission)));
            assert!(["contacts:update", "contacts", "k", ""].iter().all(|other| !holder.may(other)));
            let principal = Principal {
                organization_id: "o".to_owned(),
                agent_id: Some("a".to_owned()),
                subject: Subject::Key("k".to_owned()),
                permissions,
                role: None,
                expires_at: None,
                token_id: None,
                session_id: None,
            };
            assert_eq!(holder.principal(), principal);
        }
    }
}
