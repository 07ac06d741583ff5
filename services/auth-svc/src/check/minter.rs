//! Principal tokens, minted once a key and audience and used again for half their life.

use std::sync::Arc;

use svc_core::clock::Timestamp;
use svc_core::error::Error;
use svc_core::token::{Jwk, JwkSet, REUSE, TokenSigner};

use super::Snapshot;
use svc_core::principal::Principal;

/// How many audiences a key keeps tokens for. There is one a service.
const AUDIENCES: usize = 32;

/// A token that was minted.
#[derive(Clone, Debug)]
pub struct Minted {
    audience: String,
    at: Timestamp,
    token: Arc<str>,
}

/// Mints principal tokens.
#[derive(Debug)]
pub struct Minter {
    signer: TokenSigner,
    /// Signs nothing, and is shown beside the current one: other replicas may sign with it.
    previous: Option<Jwk>,
}

impl Minter {
    /// Mints with `signer`. Tokens of `previous` are to be good, too.
    pub fn new(signer: TokenSigner, previous: Option<&TokenSigner>) -> Minter {
        let previous = previous.map(TokenSigner::public).filter(|key| *key != signer.public()).cloned();
        Minter { signer, previous }
    }

    /// The public keys, the current one first.
    pub fn jwks(&self) -> JwkSet {
        let keys = [Some(self.signer.public()), self.previous.as_ref()];
        JwkSet { keys: keys.into_iter().flatten().cloned().collect() }
    }

    /// A token for a key, which may have been minted up to [`REUSE`] ago.
    pub fn for_key(&self, snapshot: &Snapshot, audience: &str, now: Timestamp) -> Result<Arc<str>, Error> {
        let fresh =
            |minted: &Minted| minted.audience == audience && now.since(minted.at) < REUSE && minted.at <= now;
        if let Some(minted) = snapshot.minted.lock().iter().find(|m| fresh(m)) {
            return Ok(minted.token.clone());
        }
        let token = self.mint(&snapshot.holder.principal(), audience, now)?;
        let mut minted = snapshot.minted.lock();
        minted.retain(|m| m.audience != audience);
        if minted.len() < AUDIENCES {
            minted.push(Minted { audience: audience.to_owned(), at: now, token: token.clone() });
        }
        Ok(token)
    }

    /// A new token.
    pub fn mint(&self, principal: &Principal, audience: &str, now: Timestamp) -> Result<Arc<str>, Error> {
        match self.signer.sign(principal, audience, now) {
            Ok(token) => Ok(token.into()),
            Err(error) => {
                tracing::error!(error = %error, "no principal token");
                Err(Error::internal())
            }
        }
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
