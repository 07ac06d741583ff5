//! Cursors that nobody else can make or read.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{SEPARATOR, foreign};
use crate::error::Error;
use crate::random::Random;

/// The longest sealed cursor that is looked at, in characters: one with a name of 200 characters of four bytes each.
const MAX_LENGTH: usize = 2_048;

/// The key of sealed cursors. Such a cursor is bound to its list as others are; besides, one that was changed or made
/// up is noticed, and what it holds, which may be a name, cannot be read.
pub struct CursorKey(LessSafeKey);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

impl CursorKey {
    /// The bytes of a key.
    pub const LENGTH: usize = 32;

    /// From its bytes. `None` when they are not [`CursorKey::LENGTH`].
    pub fn new(bytes: &[u8]) -> Option<CursorKey> {
        // RFC 8452: nonces that are drawn at random may even repeat.
        UnboundKey::new(&AES_256_GCM_SIV, bytes).ok().map(|key| CursorKey(LessSafeKey::new(key)))
    }

    /// A cursor of the list `scope`, holding `parts` (which contain no control characters).
    pub fn encode(&self, random: &dyn Random, scope: &str, parts: &[&str]) -> String {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = parts.join("\u{1f}").into_bytes();
        let aad = Aad::from(scope.as_bytes());
        // It fails for texts of many gigabytes only. Then the cursor is one that is refused.
        let _ = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// The parts of a cursor that [`CursorKey::encode`] made for the same `scope`.
    pub fn decode<const N: usize>(&self, scope: &str, cursor: &str) -> Result<[String; N], Error> {
        self.read(scope, cursor).ok_or_else(foreign)
    }

    fn read<const N: usize>(&self, scope: &str, cursor: &str) -> Option<[String; N]> {
        if cursor.len() > MAX_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(scope.as_bytes()), &mut sealed).ok()?;
        let parts: Vec<String> =
            std::str::from_utf8(opened).ok()?.split(SEPARATOR).map(str::to_owned).collect();
        parts.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use crate::random::SystemRandom;

    fn key(byte: u8) -> CursorKey {
        CursorKey::new(&[byte; CursorKey::LENGTH]).unwrap()
    }

    #[test]
    fn goes_there_and_back_with_its_key_and_for_its_list_only() {
        let cursor = key(1).encode(&SystemRandom, "agent-1", &["Zoë", ""]);
        assert!(cursor.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-'));
        assert_eq!(key(1).decode::<2>("agent-1", &cursor).unwrap(), ["Zoë", ""]);
        assert_ne!(key(1).encode(&SystemRandom, "agent-1", &["Zoë", ""]), cursor);
        assert!(key(2).decode::<2>("agent-1", &cursor).is_err());
        assert!(key(1).decode::<2>("agent-2", &cursor).is_err());
        assert!(key(1).decode::<1>("agent-1", &cursor).is_err());
        let longest = key(1).encode(&SystemRandom, "agent-1", &[&"🙂".repeat(200), &"0".repeat(24)]);
        assert!(key(1).decode::<2>("agent-1", &longest).is_ok());
    }

    #[test]
    fn every_change_is_noticed() {
        let cursor = key(1).encode(&SystemRandom, "agent-1", &["1", "abc"]);
        let mut wrong = vec![String::new(), "!".into(), cursor[1..].into(), format!("{cursor}A")];
        for at in 0..cursor.len() {
            let mut letters = cursor.clone().into_bytes();
            letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
            wrong.push(String::from_utf8(letters).unwrap());
        }
        for wrong in wrong {
            let refused = key(1).decode::<2>("agent-1", &wrong).unwrap_err();
            assert_eq!(refused.reason, Reason::InvalidCursor, "{wrong}");
        }
    }
}
