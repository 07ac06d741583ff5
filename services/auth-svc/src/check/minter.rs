//! Principal tokens, minted once a key and audience and used again for half their life.

use http::HeaderValue;
use svc_core::clock::{Clock, Timestamp, Uptime};
use svc_runtime::token::{Jwk, JwkSet, REUSE, TokenSigner};

use super::{Refusal, Snapshot};
use svc_core::principal::Principal;

/// How many audiences a key keeps tokens for. There is one a service.
const AUDIENCES: usize = 32;

/// A token that was minted.
#[derive(Clone, Debug)]
pub(crate) struct Minted {
    audience: String,
    at: Timestamp,
    /// The same moment, so that a clock that is set back does not make it young again.
    uptime: Uptime,
    token: HeaderValue,
}

/// Mints principal tokens.
#[derive(Debug)]
pub(crate) struct Minter {
    signer: TokenSigner,
    /// Signs nothing, and is shown beside the current one: other replicas may sign with it.
    previous: Option<Jwk>,
}

impl Minter {
    /// Mints with `signer`. Tokens of `previous` are to be good, too.
    pub(crate) fn new(signer: TokenSigner, previous: Option<&TokenSigner>) -> Minter {
        let previous = previous.map(TokenSigner::public).filter(|key| *key != signer.public()).cloned();
        Minter { signer, previous }
    }

    /// The public keys, the current one first.
    pub(crate) fn jwks(&self) -> JwkSet {
        let keys = [Some(self.signer.public()), self.previous.as_ref()];
        JwkSet { keys: keys.into_iter().flatten().cloned().collect() }
    }

    /// A token for a key, which may have been minted up to [`REUSE`] ago.
    pub(crate) fn for_key(
        &self,
        snapshot: &Snapshot,
        audience: &str,
        clock: &dyn Clock,
    ) -> Result<HeaderValue, Refusal> {
        let (now, uptime) = (clock.now(), clock.uptime());
        let fresh = |minted: &Minted| {
            let age = now.since(minted.at).max(uptime.since(minted.uptime));
            minted.audience == audience && age < REUSE && minted.at <= now
        };
        if let Some(minted) = snapshot.minted.lock().iter().find(|m| fresh(m)) {
            return Ok(minted.token.clone());
        }
        let token = self.mint(snapshot.principal(), audience, now)?;
        let mut minted = snapshot.minted.lock();
        minted.retain(|m| m.audience != audience);
        if minted.len() < AUDIENCES {
            minted.push(Minted { audience: audience.to_owned(), at: now, uptime, token: token.clone() });
        }
        Ok(token)
    }

    /// A new token.
    pub(crate) fn mint(
        &self,
        principal: &Principal,
        audience: &str,
        now: Timestamp,
    ) -> Result<HeaderValue, Refusal> {
        let failed = |error: &dyn std::error::Error| {
            tracing::error!(error = %error, "no principal token");
            Refusal::CannotSign
        };
        let token = self.signer.sign(principal, audience, now).map_err(|error| failed(&error))?;
        let mut token = HeaderValue::try_from(token).map_err(|error| failed(&error))?;
        token.set_sensitive(true);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_are_shown_and_each_once() {
        let signer = |key| TokenSigner::new(key).unwrap();
        let [a, b] = [(); 2].map(|()| TokenSigner::generate().unwrap());
        for (current, previous, shown) in [
            (&a, None, vec![signer(&a)]),
            (&a, Some(&b), vec![signer(&a), signer(&b)]),
            (&b, Some(&a), vec![signer(&b), signer(&a)]),
            (&a, Some(&a), vec![signer(&a)]),
        ] {
            let minter = Minter::new(signer(current), previous.map(signer).as_ref());
            let shown: Vec<Jwk> = shown.iter().map(TokenSigner::public).cloned().collect();
            assert_eq!(minter.jwks().keys, shown);
        }
    }
}
