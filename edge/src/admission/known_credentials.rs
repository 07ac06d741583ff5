//! Which credentials auth-svc has let through recently: they come first when there is too much to do. Nothing
//! else follows from it. Every request is authorised by auth-svc, and a key that was deleted a moment ago is
//! refused there, known here or not.
//!
//! Nothing of a secret is kept: a fingerprint is 64 bits of SipHash under a random key of this process.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use svc_core::error::Reason;

use crate::credential::Credential;

/// How many are remembered: 2 MiB. Each has one place, where the last one stays; a power of two.
const PLACES: usize = 1 << 18;

/// A credential, without telling which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(NonZeroU64);

/// The credentials.
#[derive(Debug)]
pub(crate) struct KnownCredentials {
    hasher: RandomState,
    places: Box<[AtomicU64]>,
}

impl Default for KnownCredentials {
    fn default() -> KnownCredentials {
        let places = std::iter::repeat_with(AtomicU64::default).take(PLACES).collect();
        KnownCredentials { hasher: RandomState::new(), places }
    }
}

impl KnownCredentials {
    /// The fingerprint of a credential.
    pub(crate) fn fingerprint(&self, credential: &Credential) -> Fingerprint {
        let hash = match credential {
            Credential::ApiKey { key, secret } => self.hasher.hash_one((key, secret.expose())),
            Credential::Token(token) => self.hasher.hash_one(token.expose()),
        };
        Fingerprint(NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN))
    }

    /// Whether it was let through recently.
    pub(crate) fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.place(fingerprint).load(Ordering::Relaxed) == fingerprint.0.get()
    }

    /// What auth-svc has decided: it was let through, or refused for this reason.
    pub(crate) fn learn(&self, fingerprint: Fingerprint, refused: Option<Reason>) {
        match refused {
            // Most often it is there, and no memory that others read is written.
            None if !self.contains(fingerprint) => {
                self.place(fingerprint).store(fingerprint.0.get(), Ordering::Relaxed);
            }
            Some(
                Reason::InvalidCredentials | Reason::NotSignedIn | Reason::KeyExpired | Reason::KeyDisabled,
            ) if self.contains(fingerprint) => {
                self.place(fingerprint).store(0, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn place(&self, fingerprint: Fingerprint) -> &AtomicU64 {
        &self.places[fingerprint.0.get() as usize % PLACES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::secret::Secret;

    fn key(key: &str, secret: &str) -> Credential {
        Credential::ApiKey { key: key.to_owned(), secret: Secret::new(secret) }
    }

    #[test]
    fn only_the_very_same_credential_is_proven() {
        let known = KnownCredentials::default();
        let good = known.fingerprint(&key("k", "s"));
        assert!(!known.contains(good));
        known.learn(good, None);
        assert!(known.contains(known.fingerprint(&key("k", "s"))));
        for other in [key("k", "t"), key("l", "s"), key("ks", ""), Credential::Token(Secret::new("ks"))] {
            assert!(!known.contains(known.fingerprint(&other)), "{other:?}");
        }
        known.learn(good, Some(Reason::RateLimited));
        assert!(known.contains(good));
        known.learn(good, Some(Reason::InvalidCredentials));
        assert!(!known.contains(good), "it is deleted");
        let token = known.fingerprint(&Credential::Token(Secret::new("kwp_t")));
        known.learn(token, None);
        assert!(known.contains(token));
        known.learn(token, Some(Reason::NotSignedIn));
        assert!(!known.contains(token), "it is revoked");
    }
}
