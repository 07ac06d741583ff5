//! How secrets are kept: an argon2id record, and beside it a fast verifier.
//!
//! The verifier is HMAC-SHA-256(K, "keyward/verifier/v1" ‖ key id ‖ secret) with K outside the
//! database. Secrets have 256 random bits, so neither form can be guessed back (ADR 2). A record
//! whose verifier was made with a K that is known is decided by it, without argon2.

mod pepper;
mod pool;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use svc_core::clock::Timestamp;
use svc_core::ids::hex;
use svc_core::random::Random;
use svc_core::secret::Secret;
use zeroize::Zeroizing;

pub use pool::{Argon2Pool, HashError};

const CONTEXT: &[u8] = b"keyward/verifier/v1";
const KEY_BYTES: usize = 32;
/// Of HMAC-SHA-256.
const TAG_BYTES: usize = 32;

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its id.
    pub id: String,
    /// argon2id in PHC format.
    pub hash: String,
    /// The verifier.
    pub verifier: Option<Vec<u8>>,
    /// Which verifier key made it.
    pub verifier_key_id: Option<String>,
    /// The last 4 characters.
    pub last4: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The end of the overlap; `None` for the newest.
    pub expires_at: Option<Timestamp>,
}

/// The verifier key is not 32 bytes in base64.
#[derive(Debug, thiserror::Error)]
#[error("auth.verifier_key must be 32 bytes in base64")]
pub struct BadVerifierKey;

/// The verifier keys: the current one, and the one before while it is still needed.
#[derive(Debug)]
pub struct Verifiers {
    current: VerifierKey,
    previous: Option<VerifierKey>,
}

struct VerifierKey {
    id: String,
    key: hmac::Key,
}

impl std::fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifierKey({})", self.id)
    }
}

/// A verifier whose key is known.
#[derive(Clone, Debug)]
pub struct Verifier {
    tag: [u8; TAG_BYTES],
    made_by: MadeBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MadeBy {
    Current,
    Previous,
}

impl Verifiers {
    /// A new verifier key.
    pub fn generate(random: &dyn Random) -> Secret {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random.fill(key.as_mut_slice());
        Secret::new(STANDARD.encode(key.as_slice()))
    }

    /// With these keys.
    pub fn new(current: &Secret, previous: Option<&Secret>) -> Result<Verifiers, BadVerifierKey> {
        let previous = previous.map(VerifierKey::new).transpose()?;
        Ok(Verifiers { current: VerifierKey::new(current)?, previous })
    }

    /// The verifier of a secret under the current key, and the id of that key.
    pub fn make(&self, key_id: &str, secret: &str) -> (Vec<u8>, String) {
        (self.current.tag(key_id, secret).into(), self.current.id.clone())
    }

    /// Whether what is stored has a verifier under the current key.
    pub fn is_current(&self, stored: &StoredSecret) -> bool {
        stored.verifier.is_some() && stored.verifier_key_id.as_ref() == Some(&self.current.id)
    }

    /// The verifier of what is stored, if its key is known. Without one argon2id decides.
    pub fn find(&self, stored: &StoredSecret) -> Option<Verifier> {
        let id = stored.verifier_key_id.as_deref()?;
        let tag = stored.verifier.as_deref()?.try_into().ok()?;
        let is = |key: &VerifierKey| key.id == id;
        match self.previous.as_ref() {
            _ if is(&self.current) => Some(Verifier { tag, made_by: MadeBy::Current }),
            Some(previous) if is(previous) => Some(Verifier { tag, made_by: MadeBy::Previous }),
            _ => None,
        }
    }

    /// The verifier of a secret under the current key.
    pub fn verifier(&self, key_id: &str, secret: &str) -> Verifier {
        Verifier { tag: self.current.tag(key_id, secret), made_by: MadeBy::Current }
    }

    /// Whether `secret` is the one that this verifier was made of.
    pub fn verify(&self, key_id: &str, verifier: &Verifier, secret: &str) -> bool {
        let key = match (&verifier.made_by, &self.previous) {
            (MadeBy::Previous, Some(previous)) => previous,
            _ => &self.current,
        };
        verify_slices_are_equal(&key.tag(key_id, secret), &verifier.tag).is_ok()
    }

    /// Takes the time of a [`Verifiers::verify`], so that an unknown key costs what a known one does.
    pub fn verify_nothing(&self, secret: &str) {
        std::hint::black_box(self.current.tag("000000000000000000000000", secret));
    }
}

impl VerifierKey {
    fn new(key: &Secret) -> Result<VerifierKey, BadVerifierKey> {
        let bytes = Zeroizing::new(STANDARD.decode(key.expose().trim()).map_err(|_| BadVerifierKey)?);
        if bytes.len() != KEY_BYTES {
            return Err(BadVerifierKey);
        }
        let id = hex(&digest(&SHA256, &bytes).as_ref()[..8]);
        Ok(VerifierKey { id, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) })
    }

    fn tag(&self, key_id: &str, secret: &str) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [CONTEXT, key_id.as_bytes(), secret.as_bytes()] {
            context.update(part);
        }
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

/// SHA-256 of a personal access token: what is stored of it. It has 256 random bits.
pub fn token_hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::random::SystemRandom;

    fn stored(verifiers: &Verifiers, key_id: &str, secret: &str) -> StoredSecret {
        let (verifier, id) = verifiers.make(key_id, secret);
        StoredSecret {
            id: "s".into(),
            hash: String::new(),
            verifier: Some(verifier),
            verifier_key_id: Some(id),
            last4: String::new(),
            created_at: Timestamp(0),
            expires_at: None,
        }
    }

    #[test]
    fn a_verifier_is_bound_to_its_key_its_secret_and_k() {
        let (old, new) = (Verifiers::generate(&SystemRandom), Verifiers::generate(&SystemRandom));
        let before = Verifiers::new(&old, None).unwrap();
        let record = stored(&before, "k1", "secret");
        let rotated = Verifiers::new(&new, Some(&old)).unwrap();
        let lost = Verifiers::new(&new, None).unwrap();
        for (verifiers, key_id, secret, right) in [
            (&before, "k1", "secret", Some(true)),
            (&before, "k1", "secret2", Some(false)),
            (&before, "k2", "secret", Some(false)),
            (&rotated, "k1", "secret", Some(true)),
            (&rotated, "k1", "other", Some(false)),
            (&lost, "k1", "secret", None),
        ] {
            let verifier = verifiers.find(&record);
            assert_eq!(verifier.map(|verifier| verifiers.verify(key_id, &verifier, secret)), right);
        }
        let damaged = StoredSecret { verifier: Some(vec![0; 31]), ..record };
        assert!(before.find(&damaged).is_none());
    }

    #[test]
    fn keys_have_32_bytes() {
        for bad in ["", "AAAA", "not base64!", &STANDARD.encode([0; 31]), &STANDARD.encode([0; 33])] {
            assert!(Verifiers::new(&Secret::new(bad), None).is_err(), "{bad}");
        }
    }
}
