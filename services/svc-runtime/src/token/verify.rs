//! Verifying principal tokens, in every service that runs apart.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::Mutex;

use super::jwks::{Fetcher, JwksSource};
use super::keyring::KeyRing;
use super::skew::Skew;
use super::telemetry::TokenMetrics;
use super::{Claims, ISSUER, LIFETIME, TYPE, is_kid};
use crate::service::Environment;
use svc_core::clock::{Clock, Timestamp, Uptime};
use svc_core::error::{Error, Reason};
use svc_core::principal::Principal;

/// How many verified tokens are remembered. Tokens live 60 s, so this is one a key and minute.
const REMEMBERED: usize = 16_384;
/// How much of the end of a token it is looked up by. It is of the signature, so no two that were verified share it,
/// and a hash of the whole would cost more than all else of the look.
const TAIL: usize = 16;

/// Verifies principal tokens for one audience. A verified token is remembered by its bytes.
pub struct TokenVerifier {
    audience: &'static str,
    clock: Arc<dyn Clock>,
    keys: KeyRing,
    skew: Arc<Skew>,
    /// By the ends of tokens.
    verified: Mutex<HashMap<[u8; TAIL], Verified>>,
}

#[derive(Clone)]
struct Verified {
    /// All of it.
    token: Box<[u8]>,
    principal: Arc<Principal>,
    until: Uptime,
    /// Of the keys. A later one may lack the key that verified it.
    epoch: u64,
}

/// What is said about a token at once.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is good.
    Good(Arc<Principal>),
    /// It names a key that is not known, which may be a new one.
    UnknownKey(UnknownKey),
}

/// The name of a key that is not known.
#[derive(Debug)]
pub(crate) struct UnknownKey(String);

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenVerifier({})", self.audience)
    }
}

impl TokenVerifier {
    /// Verifies tokens for `audience` with the keys of `source`. Within a runtime, where they are fetched.
    /// While it has no keys that decide, the service of that name fails its condition `signing-keys`.
    pub fn new(audience: &'static str, source: JwksSource, environment: &Environment) -> TokenVerifier {
        let (clock, metrics) = (environment.clock.clone(), TokenMetrics::new(&environment.metrics));
        let condition = environment.health.of(audience).condition("signing-keys");
        let skew = Arc::new(Skew::new(clock.clone(), metrics.clone()));
        let keys = match source {
            JwksSource::Fixed(set) => KeyRing::fixed(&set, clock.clone(), metrics),
            JwksSource::Urls(urls) => {
                KeyRing::fetched(Fetcher::new(urls), clock.clone(), metrics, skew.clone(), condition)
            }
        };
        TokenVerifier { audience, keys, clock, skew, verified: Mutex::default() }
    }

    /// Waits until the keys were asked for once, so that the first calls need not wait.
    pub async fn begun(&self) {
        self.keys.begun().await;
    }

    /// The principal of a token. UNAUTHENTICATED when it is not good for this service now,
    /// UNAVAILABLE when the keys cannot be fetched.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, Error> {
        match self.check(token.as_bytes())? {
            Verdict::Good(principal) => Ok(principal),
            Verdict::UnknownKey(key) => {
                self.learn(&key).await?;
                match self.check(token.as_bytes())? {
                    Verdict::Good(principal) => Ok(principal),
                    Verdict::UnknownKey(_) => Err(bad()),
                }
            }
        }
    }

    /// The same without waiting, so that nothing that others need is held meanwhile.
    pub(crate) fn check(&self, token: &[u8]) -> Result<Verdict, Error> {
        let (now, epoch) = (self.clock.uptime(), self.keys.epoch());
        if self.keys.is_good(now)
            && let Some(tail) = token.last_chunk::<TAIL>()
        {
            let remembered = self.verified.lock();
            let good = |verified: &&Verified| {
                *verified.token == *token && now < verified.until && verified.epoch == epoch
            };
            if let Some(verified) = remembered.get(tail).filter(good) {
                return Ok(Verdict::Good(verified.principal.clone()));
            }
        }
        let token = std::str::from_utf8(token).map_err(|_| bad())?;
        let header = jsonwebtoken::decode_header(token).map_err(|_| bad())?;
        // What is critical must be understood (RFC 7515, 4.1.11), and we understand no extension.
        if header.crit.is_some() || header.typ.as_deref() != Some(TYPE) {
            return Err(bad());
        }
        let kid = header.kid.filter(|kid| is_kid(kid)).ok_or_else(bad)?;
        let Some(key) = self.keys.known(&kid) else { return Ok(Verdict::UnknownKey(UnknownKey(kid))) };
        let claims = self.claims(token, &key)?;
        let wall = self.clock.now();
        if let Some(fault) = self.skew.of_token(&claims, wall) {
            return Err(Error::new(Reason::InvalidCredentials, format!("{BAD_TOKEN} Its time: {fault}.")));
        }
        let left = Timestamp(claims.exp.saturating_mul(1_000_000)).since(wall).min(LIFETIME);
        let principal = Arc::new(Principal::from(claims));
        let (kept, until) = (token.as_bytes().into(), now.plus(left));
        self.remember(Verified { token: kept, principal: principal.clone(), until, epoch }, now);
        Ok(Verdict::Good(principal))
    }

    /// Waits until it is known whether there is such a key. UNAVAILABLE when that cannot be found out.
    pub(crate) async fn learn(&self, key: &UnknownKey) -> Result<(), Error> {
        self.keys.learn(&key.0).await
    }

    /// What a token says, if its signature is good. Its time is looked at apart.
    fn claims(&self, token: &str, key: &DecodingKey) -> Result<Claims, Error> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        // Against our own clock, and so that it can be said what is wrong.
        validation.validate_exp = false;
        Ok(jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| bad())?.claims)
    }

    fn remember(&self, entry: Verified, now: Uptime) {
        let Some(&tail) = entry.token.last_chunk::<TAIL>() else { return };
        let mut verified = self.verified.lock();
        if verified.len() >= REMEMBERED {
            verified.retain(|_, v| now < v.until);
        }
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(tail, entry);
    }
}

const BAD_TOKEN: &str = "The principal token is not good for this service.";

/// The refusal of a token, whatever is wrong with it.
pub(crate) fn bad() -> Error {
    Error::new(Reason::InvalidCredentials, BAD_TOKEN)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use aws_lc_rs::signature::Ed25519KeyPair;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::super::{JwkSet, LEEWAY, TokenSigner};
    use super::*;
    use crate::service::DatabaseConfig;
    use keyward_proto::policy::v1::Role;
    use svc_core::clock::ManualClock;
    use svc_core::principal::Subject;
    use svc_core::random::SystemRandom;

    fn principal() -> Principal {
        Principal {
            organization_id: "o".into(),
            agent_id: Some("a".into()),
            subject: Subject::Key("k".into()),
            permissions: vec!["contacts:read".into()],
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        }
    }

    fn environment(clock: &ManualClock) -> Environment {
        let (clock, random) = (Arc::new(clock.clone()), Arc::new(SystemRandom));
        Environment::with(clock, random, PathBuf::new(), DatabaseConfig::default())
    }

    fn verifier(signer: &TokenSigner, audience: &'static str, clock: &ManualClock) -> TokenVerifier {
        let keys = JwkSet { keys: vec![signer.public().clone()] };
        TokenVerifier::new(audience, JwksSource::Fixed(keys), &environment(clock))
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
            token_id: Some("t".into()),
            session_id: None,
            ..principal()
        };
        let token = signer.sign(&member, "auth", clock.now()).unwrap();
        assert_eq!(*verifier(&signer, "auth", &clock).verify(&token).await.unwrap(), member);
    }

    #[tokio::test]
    async fn what_is_critical_must_be_understood() {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        let key = TokenSigner::generate().unwrap();
        let signer = TokenSigner::new(&key).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(&STANDARD.decode(key.expose()).unwrap()).unwrap();
        let contacts = verifier(&signer, "contacts", &clock);
        let token = signer.sign(&principal(), "contacts", clock.now()).unwrap();
        let claims = token.split('.').nth(1).unwrap();
        let header = |more: serde_json::Value| {
            let mut header = json!({"alg": "EdDSA", "typ": TYPE, "kid": signer.public().kid});
            header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
            let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
            format!("{signed}.{signature}")
        };
        for ignored in [json!({}), json!({"x": 1, "b64": true})] {
            assert!(contacts.verify(&header(ignored)).await.is_ok());
        }
        for refused in [
            json!({"crit": ["exp"], "exp": 1}),
            json!({"crit": ["b64"], "b64": true}),
            json!({"crit": []}),
            json!({"crit": "exp"}),
            json!({"alg": "none"}),
            json!({"alg": "HS256"}),
            json!({"typ": "JWT"}),
            json!({"kid": ""}),
            json!({"kid": "../../signing.key"}),
            json!({"kid": "x".repeat(10_000)}),
        ] {
            let error = contacts.verify(&header(refused.clone())).await.unwrap_err();
            assert_eq!(error, bad(), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_difference_between_clocks_is_named_and_shown() {
        let wall = Timestamp(1_800_000_000_000_000);
        let clock = ManualClock::at(wall);
        let environment = environment(&clock);
        let signer = TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap();
        let keys = JwksSource::Fixed(JwkSet { keys: vec![signer.public().clone()] });
        let contacts = TokenVerifier::new("contacts", keys, &environment);
        for (ahead, shown, says) in [
            (0, 0, None),
            (5, 0, None),
            (-5, 0, None),
            (-6, -6, Some("made 6 s from now by the clock here, which is 6 s behind that of auth-svc")),
            (-7_200, -7_200, Some("which is 7200 s behind that of auth-svc")),
            (64, 0, None),
            (65, 5, Some("ended 5 s ago by the clock here, which is 5 s ahead of that of auth-svc, unless")),
        ] {
            // Another permission each time: what is remembered is not measured.
            let principal = Principal { permissions: vec![format!("contacts:{ahead}")], ..principal() };
            let token = signer.sign(&principal, "contacts", wall).unwrap();
            clock.set(Timestamp(wall.0 + ahead * 1_000_000));
            let refused = contacts.verify(&token).await.err();
            assert_eq!(refused.is_some(), says.is_some(), "{ahead}");
            if let (Some(error), Some(says)) = (refused, says) {
                assert_eq!(error.reason, Reason::InvalidCredentials);
                assert!(error.message.contains(says), "{}", error.message);
            }
            let line = format!("principal_clock_skew_seconds {shown}\n");
            let encoded = environment.metrics.encode().unwrap();
            assert!(encoded.contains(&line), "{ahead}: {encoded}");
        }
    }

    #[tokio::test]
    async fn a_token_that_ends_with_its_credential_tells_nothing_of_clocks() {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        let signer = TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap();
        let environment = environment(&clock);
        let keys = JwksSource::Fixed(JwkSet { keys: vec![signer.public().clone()] });
        let contacts = TokenVerifier::new("contacts", keys, &environment);
        let expires_at = Some(clock.now().plus(Duration::from_millis(9_500)));
        let token = signer.sign(&Principal { expires_at, ..principal() }, "contacts", clock.now()).unwrap();
        clock.advance(Duration::from_secs(10) + LEEWAY - Duration::from_millis(1));
        assert_eq!(contacts.verify(&token).await.unwrap().expires_at, expires_at);
        clock.advance(Duration::from_millis(1));
        let error = contacts.verify(&token).await.unwrap_err();
        assert!(error.message.contains("ended together with the credential"), "{}", error.message);
        assert!(environment.metrics.encode().unwrap().contains("principal_clock_skew_seconds 0\n"));
    }

    #[tokio::test]
    async fn setting_the_clock_makes_a_remembered_token_last_no_longer() {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        let signer = TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap();
        let contacts = verifier(&signer, "contacts", &clock);
        let token = signer.sign(&principal(), "contacts", clock.now()).unwrap();
        assert!(contacts.verify(&token).await.is_ok());
        clock.set(Timestamp(clock.now().0 - 7_200_000_000));
        clock.advance(LIFETIME);
        assert!(contacts.verify(&token).await.is_err());
        assert_eq!(LIFETIME, Duration::from_secs(60));
    }
}
