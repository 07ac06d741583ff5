//! Cursors: where a list goes on. `[A-Za-z0-9_-]+`, opaque to clients, bound to the list by a
//! checksum over its scope (agent, filters and sort). A cursor is not a secret and grants nothing.

mod sealed;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Reason};

pub use sealed::CursorKey;

/// The longest cursor that is looked at, in characters.
const MAX_LENGTH: usize = 1_024;
const CHECKSUM: usize = 8;
const SEPARATOR: char = '\u{1f}';

/// A cursor of the list `scope`, holding `parts` (which contain no control characters).
pub fn encode(scope: &str, parts: &[&str]) -> String {
    let payload = parts.join("\u{1f}");
    let mut bytes = checksum(scope, payload.as_bytes()).to_vec();
    bytes.extend_from_slice(payload.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The parts of a cursor that [`encode`] made for the same `scope`.
pub fn decode<const N: usize>(scope: &str, cursor: &str) -> Result<[String; N], Error> {
    read(scope, cursor).ok_or_else(foreign)
}

fn foreign() -> Error {
    Error::new(Reason::InvalidCursor, "The cursor does not belong to this list. Start again without one.")
}

fn read<const N: usize>(scope: &str, cursor: &str) -> Option<[String; N]> {
    if cursor.len() > MAX_LENGTH {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (sum, payload) = bytes.split_at_checked(CHECKSUM)?;
    if sum != checksum(scope, payload) {
        return None;
    }
    let parts: Vec<String> = std::str::from_utf8(payload).ok()?.split(SEPARATOR).map(str::to_owned).collect();
    parts.try_into().ok()
}

fn checksum(scope: &str, payload: &[u8]) -> [u8; CHECKSUM] {
    let length = (scope.len() as u64).to_be_bytes();
    let hash = digest(&SHA256, &[&length, scope.as_bytes(), payload].concat());
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&hash.as_ref()[..CHECKSUM]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_there_and_back_for_its_own_list_only() {
        let cursor = encode("agent-1", &["2026", "abc"]);
        assert!(cursor.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-'));
        assert_eq!(decode::<2>("agent-1", &cursor).unwrap(), ["2026", "abc"]);
        let others = ["", "!", "AAAA", &cursor[1..], &format!("{cursor}A"), &"A".repeat(2_000)];
        for wrong in others {
            assert_eq!(decode::<2>("agent-1", wrong).unwrap_err().reason, Reason::InvalidCursor, "{wrong}");
        }
        assert!(decode::<2>("agent-2", &cursor).is_err());
        assert!(decode::<1>("agent-1", &cursor).is_err());
    }
}
