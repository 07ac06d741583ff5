//! Verifying principal tokens, in every service that runs apart.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::Mutex;

use super::jwks::JwksSource;
use super::keyring::KeyRing;
use super::{Claims, ISSUER, TYPE};
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Reason};
use crate::principal::Principal;

/// How many verified tokens are remembered. Tokens live 60 s, so this is one a key and minute.
const REMEMBERED: usize = 16_384;
/// How far the clocks of two machines may differ.
const LEEWAY: Duration = Duration::from_secs(5);

/// Verifies principal tokens for one audience. A verified token is remembered by its bytes.
pub struct TokenVerifier {
    audience: String,
    clock: Arc<dyn Clock>,
    keys: KeyRing,
    verified: Mutex<HashMap<Box<str>, Verified>>,
}

#[derive(Clone)]
struct Verified {
    principal: Arc<Principal>,
    until: Timestamp,
    /// Of the keys. A later one may lack the key that verified it.
    epoch: u64,
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenVerifier({})", self.audience)
    }
}

impl TokenVerifier {
    /// Verifies tokens for `audience` with the keys of `source`.
    pub fn new(audience: impl Into<String>, source: JwksSource, clock: Arc<dyn Clock>) -> TokenVerifier {
        TokenVerifier {
            audience: audience.into(),
            keys: KeyRing::new(source, clock.clone()),
            clock,
            verified: Mutex::default(),
        }
    }

    /// The principal of a token. UNAUTHENTICATED when it is not good for this service now,
    /// UNAVAILABLE when the keys cannot be fetched.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, Error> {
        self.keys.keep_fresh().await?;
        let (now, epoch) = (self.clock.now(), self.keys.epoch());
        let remembered =
            self.verified.lock().get(token).filter(|v| now < v.until && v.epoch == epoch).cloned();
        if let Some(verified) = remembered {
            return Ok(verified.principal);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| bad_token())?;
        let (Some(kid), Some(TYPE)) = (&header.kid, header.typ.as_deref()) else { return Err(bad_token()) };
        let key = self.keys.key(kid).await?.ok_or_else(bad_token)?;
        let claims = self.claims(token, &key, now)?;
        let until = Timestamp(claims.exp.saturating_mul(1_000_000));
        let verified = Verified { principal: Arc::new(Principal::from(claims)), until, epoch };
        let principal = verified.principal.clone();
        self.remember(token, verified, now);
        Ok(principal)
    }

    fn claims(&self, token: &str, key: &DecodingKey, now: Timestamp) -> Result<Claims, Error> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        // Against our own clock below.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| bad_token())?.claims;
        let leeway = LEEWAY.as_secs() as i64;
        if now.seconds() >= claims.exp + leeway || now.seconds() < claims.iat - leeway {
            return Err(bad_token());
        }
        Ok(claims)
    }

    fn remember(&self, token: &str, entry: Verified, now: Timestamp) {
        let mut verified = self.verified.lock();
        if verified.len() >= REMEMBERED {
            verified.retain(|_, v| now < v.until);
        }
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(token.into(), entry);
    }
}

fn bad_token() -> Error {
    Error::new(Reason::InvalidCredentials, "The principal token is not good for this service.")
}

#[cfg(test)]
mod tests {
    use super::super::{JwkSet, LIFETIME, TokenSigner};
    use super::*;
    use crate::clock::ManualClock;
    use crate::principal::Subject;
    use keyward_proto::policy::v1::Role;

    fn principal() -> Principal {
        Principal {
            organization_id: "o".into(),
            agent_id: Some("a".into()),
            subject: Subject::Key("k".into()),
            permissions: vec!["contacts:read".into()],
            role: None,
        }
    }

    fn verifier(signer: &TokenSigner, audience: &str, clock: &ManualClock) -> TokenVerifier {
        let keys = JwkSet { keys: vec![signer.public().clone()] };
        TokenVerifier::new(audience, JwksSource::Fixed(keys), Arc::new(clock.clone()))
    }

    #[tokio::test]
    async fn a_token_is_good_for_its_audience_and_its_time_only() {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        let signer = TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap();
        let other = TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap();
        let contacts = verifier(&signer, "contacts", &clock);
        let token = signer.sign(&principal(), "contacts", clock.now()).unwrap();

        assert_eq!(*contacts.verify(&token).await.unwrap(), principal());
        assert_eq!(*contacts.verify(&token).await.unwrap(), principal());
        let elsewhere = verifier(&signer, "extraction", &clock).verify(&token).await;
        assert_eq!(elsewhere.unwrap_err().reason, Reason::InvalidCredentials);
        let forged = other.sign(&principal(), "contacts", clock.now()).unwrap();
        assert!(contacts.verify(&forged).await.is_err());
        for wrong in ["", "a.b.c", &token[1..], &token[..token.len() - 2]] {
            assert!(contacts.verify(wrong).await.is_err(), "{wrong}");
        }

        clock.advance(LIFETIME + LEEWAY);
        assert!(contacts.verify(&token).await.is_err(), "remembered no longer than it is good");
    }

    #[tokio::test]
    async fn members_keep_their_role() {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        let signer = TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap();
        let member = Principal {
            agent_id: None,
            subject: Subject::Member("m".into()),
            permissions: Vec::new(),
            role: Some(Role::Admin),
            ..principal()
        };
        let token = signer.sign(&member, "auth", clock.now()).unwrap();
        assert_eq!(*verifier(&signer, "auth", &clock).verify(&token).await.unwrap(), member);
    }
}
