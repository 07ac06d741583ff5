//! What has to be kept where others may read it, and may hold a secret: in a cookie, or in the database. It is sealed
//! with AES-256-GCM under keys that are made of ones which stand outside the database, one for each purpose.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::random::Random;
use crate::secret::Secret;

const CONTEXT: &[u8] = b"keyward/seal/v1/";
const KEY_BYTES: usize = 32;

/// The key is not 32 bytes in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key must be 32 bytes in base64")]
pub struct BadSealKey;

/// A new key, in base64.
pub fn new_key(random: &dyn Random) -> Secret {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    random.fill(&mut *key);
    Secret::new(STANDARD.encode(*key))
}

/// Seals with the current key, and opens what the current or the previous one has sealed.
pub struct Seal {
    current: LessSafeKey,
    previous: Option<LessSafeKey>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Of these keys, for one purpose. What is sealed for another one does not open.
    pub fn new(current: &Secret, previous: Option<&Secret>, purpose: &str) -> Result<Seal, BadSealKey> {
        let previous = previous.map(|key| derive(key, purpose)).transpose()?;
        Ok(Seal { current: derive(current, purpose)?, previous })
    }

    /// The text, unreadable, and bound to `context`, which it is opened with. `None` when it is too long for the
    /// cipher: over 64 GiB.
    pub fn close(&self, random: &dyn Random, text: &[u8], context: &str) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        // 96 random bits: safe for more messages than are ever sealed (NIST SP 800-38D, 8.3).
        random.fill(&mut nonce);
        let mut sealed = text.to_vec();
        let bound_to = Aad::from(context.as_bytes());
        let nonce_of_it = Nonce::assume_unique_for_key(nonce);
        self.current.seal_in_place_append_tag(nonce_of_it, bound_to, &mut sealed).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// The text again. `None` when it was changed, is not bound to `context`, or the key is another one.
    pub fn open(&self, sealed: &[u8], context: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let keys = [Some(&self.current), self.previous.as_ref()];
        keys.into_iter().flatten().find_map(|key| {
            let mut text = Zeroizing::new(sealed.to_vec());
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let length = key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut text).ok()?.len();
            text.truncate(length);
            Some(text)
        })
    }
}

fn derive(key: &Secret, purpose: &str) -> Result<LessSafeKey, BadSealKey> {
    let bytes = Zeroizing::new(STANDARD.decode(key.expose().trim()).map_err(|_| BadSealKey)?);
    if bytes.len() != KEY_BYTES {
        return Err(BadSealKey);
    }
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &bytes));
    context.update(CONTEXT);
    context.update(purpose.as_bytes());
    let key = UnboundKey::new(&AES_256_GCM, context.sign().as_ref()).map_err(|_| BadSealKey)?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn what_is_sealed_opens_with_its_key_its_purpose_and_its_context_only() {
        let (old, new) = (new_key(&SystemRandom), new_key(&SystemRandom));
        let seal = Seal::new(&old, None, "mail").unwrap();
        let sealed = seal.close(&SystemRandom, b"a secret link", "row 1").unwrap();
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        let rotated = Seal::new(&new, Some(&old), "mail").unwrap();
        for (seal, sealed, context, opens) in [
            (&seal, &sealed, "row 1", true),
            (&rotated, &sealed, "row 1", true),
            (&seal, &sealed, "row 2", false),
            (&seal, &changed, "row 1", false),
            (&seal, &sealed[..5].to_vec(), "row 1", false),
            (&seal, &Vec::new(), "row 1", false),
            (&Seal::new(&new, None, "mail").unwrap(), &sealed, "row 1", false),
            (&Seal::new(&old, None, "cookie").unwrap(), &sealed, "row 1", false),
        ] {
            let text = seal.open(sealed, context);
            assert_eq!(text.as_deref().map(Vec::as_slice), opens.then_some(b"a secret link".as_slice()));
        }
    }

    #[test]
    fn a_key_has_32_bytes() {
        for key in ["", "AAAA", "not base64"] {
            assert!(Seal::new(&Secret::new(key), None, "mail").is_err());
        }
    }
}
