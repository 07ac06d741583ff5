//! How secrets are kept: an argon2id record, and beside it a fast verifier.
//!
//! The verifier is HMAC-SHA-256(K, "keyward/verifier/v1" ‖ key id ‖ secret) with K outside the
//! database. Secrets have 256 random bits, so neither form can be guessed back (ADR 2). A record
//! whose verifier was made with a K that is known is decided by it, without argon2.

mod pepper;
#[allow(unreachable_pub, reason = "benches/ reaches it through a feature")]
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

use crate::domain::SecretId;

#[allow(unreachable_pub, reason = "benches/ reaches it through a feature")]
pub use pool::{Argon2Pool, HashError};
pub(crate) use svc_core::seal::Seal;

const CONTEXT: &[u8] = b"keyward/verifier/v1";
const KEY_BYTES: usize = 32;
/// Of HMAC-SHA-256.
const TAG_BYTES: usize = 32;

/// Of SHA-256.
const HASH_BYTES: usize = 32;

/// What [`token_hash`] gives.
pub(crate) type TokenHash = [u8; HASH_BYTES];

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredSecret {
    /// Its id.
    pub(crate) id: SecretId,
    /// argon2id in PHC format.
    pub(crate) hash: String,
    /// The verifier.
    pub(crate) verifier: Option<Vec<u8>>,
    /// Which verifier key made it.
    pub(crate) verifier_key_id: Option<String>,
    /// The last 4 characters.
    pub(crate) last4: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// The end of the overlap; `None` for the newest.
    pub(crate) expires_at: Option<Timestamp>,
}

/// The verifier key is not 32 bytes in base64.
#[derive(Debug, thiserror::Error)]
#[error("auth.verifier_key must be 32 bytes in base64")]
pub struct BadVerifierKey;

/// The verifier keys: the current one, and the one before while it is still needed.
#[derive(Debug)]
pub(crate) struct Verifiers {
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
pub(crate) struct Verifier {
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
    pub(crate) fn generate(random: &dyn Random) -> Secret {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random.fill(key.as_mut_slice());
        Secret::new(STANDARD.encode(key.as_slice()))
    }

    /// With these keys.
    pub(crate) fn new(current: &Secret, previous: Option<&Secret>) -> Result<Verifiers, BadVerifierKey> {
        let previous = previous.map(VerifierKey::new).transpose()?;
        Ok(Verifiers { current: VerifierKey::new(current)?, previous })
    }

    /// The verifier of a secret under the current key, and the id of that key.
    pub(crate) fn make(&self, key_id: &str, secret: &Secret) -> (Vec<u8>, String) {
        (self.current.tag(key_id, secret).into(), self.current.id.clone())
    }

    /// Whether what is stored has a verifier under the current key.
    pub(crate) fn is_current(&self, stored: &StoredSecret) -> bool {
        stored.verifier.is_some() && stored.verifier_key_id.as_ref() == Some(&self.current.id)
    }

    /// The verifier of what is stored, if its key is known. Without one argon2id decides.
    pub(crate) fn find(&self, stored: &StoredSecret) -> Option<Verifier> {
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
    pub(crate) fn verifier(&self, key_id: &str, secret: &Secret) -> Verifier {
        Verifier { tag: self.current.tag(key_id, secret), made_by: MadeBy::Current }
    }

    /// Whether `secret` is the one that this verifier was made of.
    pub(crate) fn verify(&self, key_id: &str, verifier: &Verifier, secret: &Secret) -> bool {
        let key = match (&verifier.made_by, &self.previous) {
            (MadeBy::Previous, Some(previous)) => previous,
            _ => &self.current,
        };
        verify_slices_are_equal(&key.tag(key_id, secret), &verifier.tag).is_ok()
    }

    /// Takes the time of a [`Verifiers::verify`], so that an unknown key costs what a known one does.
    pub(crate) fn verify_nothing(&self, secret: &Secret) {
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

    fn tag(&self, key_id: &str, secret: &Secret) -> [u8; TAG_BYTES] {
        #[cfg(test)]
        TAGS.set(TAGS.get() + 1);
        let mut context = hmac::Context::with_key(&self.key);
        for part in [CONTEXT, key_id.as_bytes(), secret.expose().as_bytes()] {
            context.update(part);
        }
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

#[cfg(test)]
thread_local! {
    /// HMACs that this thread has made, for tests of what a refusal costs.
    pub(crate) static TAGS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// SHA-256 of a personal access token: what is stored of it. It has 256 random bits.
pub(crate) fn token_hash(token: &str) -> TokenHash {
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::random::SystemRandom;

    fn stored(verifiers: &Verifiers, key_id: &str, secret: &str) -> StoredSecret {
        let (verifier, id) = verifiers.make(key_id, &Secret::new(secret));
        StoredSecret {
            id: SecretId::new("s"),
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
            assert_eq!(
                verifier.map(|verifier| verifiers.verify(key_id, &verifier, &Secret::new(secret))),
                right
            );
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
