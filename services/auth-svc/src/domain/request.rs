//! Requests of the request log.

use svc_core::clock::Timestamp;
use svc_core::ids::is_id;

use super::{AgentId, KeyId, OrganizationId};

/// The code of a request that succeeded.
pub(crate) const OK: &str = "ok";
/// The code of a request whose client left before the end of its answer.
pub(crate) const CLIENT_DISCONNECTED: &str = "client_disconnected";

/// The hexadecimal digits of the milliseconds in an id.
const MILLIS_DIGITS: usize = 12;
/// The latest moment that an id tells, in milliseconds.
const MAX_MILLIS: i64 = (1 << 48) - 1;

/// A request whose answer has ended, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestEntry {
    /// The edge's id of it, which tells when it came.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) organization_id: OrganizationId,
    /// The agent of its key; without a key the one that its path names.
    pub(crate) agent_id: AgentId,
    /// The key whose secret was proven.
    pub(crate) key_id: Option<KeyId>,
    /// The last 4 characters of the secret that was presented.
    pub(crate) secret_last4: Option<String>,
    /// The client's own id of it.
    pub(crate) client_request_id: Option<String>,
    /// Its method.
    pub(crate) method: String,
    /// The template of its path, or the path of its RPC.
    pub(crate) route: String,
    /// Its operation, e.g. `contacts.list`.
    pub(crate) operation: String,
    /// The status of its answer.
    pub(crate) status: i32,
    /// [`OK`], [`CLIENT_DISCONNECTED`] or the error code.
    pub(crate) code: String,
    /// The permissions that it needs, separated by `, `.
    pub(crate) permission: Option<String>,
    /// What the credential check told the caller when it refused it.
    pub(crate) message: Option<String>,
    /// Where it came from.
    pub(crate) client_address: String,
    /// How long it took, in microseconds.
    pub(crate) duration_micros: i64,
}

/// A request of the log, with the names that its key and its agent have now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedRequest {
    /// What is kept of it.
    pub(crate) entry: RequestEntry,
    /// `None` without a key, or once it is deleted.
    pub(crate) key_name: Option<String>,
    /// `None` once the agent is deleted.
    pub(crate) agent_name: Option<String>,
}

impl RequestEntry {
    /// When it came.
    pub(crate) fn at(&self) -> Timestamp {
        moment_of(&self.id).unwrap_or_default()
    }
}

/// The moment that an id tells. `None` for what is no id.
fn moment_of(id: &str) -> Option<Timestamp> {
    let millis = i64::from_str_radix(id.get(..MILLIS_DIGITS).filter(|_| is_id(id))?, 16).ok()?;
    Some(Timestamp(millis * 1_000))
}

/// The smallest id of that moment or a later one.
pub(crate) fn first_id_from(moment: Timestamp) -> String {
    // Ids tell milliseconds: what lies within one belongs to the next.
    let millis = moment.millis() + i64::from(moment.0.rem_euclid(1_000) > 0);
    let millis = millis.clamp(0, MAX_MILLIS);
    format!("{millis:012x}{:012}", 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_moments() {
        for (moment, id) in [
            (0, "000000000000000000000000"),
            (1_000, "000000000001000000000000"),
            (1_001, "000000000002000000000000"),
            (-1, "000000000000000000000000"),
            (i64::MAX, "ffffffffffff000000000000"),
            (253_402_300_799_999_999, "e677d21fdc00000000000000"),
        ] {
            assert_eq!(first_id_from(Timestamp(moment)), id, "{moment}");
        }
        assert_eq!(moment_of("000000000002ffffffffffff"), Some(Timestamp(2_000)));
        for no_id in ["", "000000000002", "00000000000Gffffffffffff", "+00000000002ffffffffffff"] {
            assert_eq!(moment_of(no_id), None, "{no_id}");
        }
    }
}
