//! Principal tokens, minted once a key and audience and used again for half their life.

use std::sync::Arc;

use svc_core::clock::Timestamp;
use svc_core::error::Error;
use svc_core::token::{JwkSet, REUSE, TokenSigner};

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
}

impl Minter {
    /// Mints with this key.
    pub fn new(signer: TokenSigner) -> Minter {
        Minter { signer }
    }

    /// The public keys.
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: vec![self.signer.public().clone()] }
    }

    /// A token for a key, which may have been minted up to [`REUSE`] ago.
    pub fn for_key(&self, snapshot: &Snapshot, audience: &str, now: Timestamp) -> Result<Arc<str>, Error> {
        let fresh =
            |minted: &Minted| minted.audience == audience && now.since(minted.at) < REUSE && minted.at <= now;
        if let Some(minted) = snapshot.minted.lock().iter().find(|m| fresh(m)) {
            return Ok(minted.token.clone());
        }
        let token = self.mint(&snapshot.principal, audience, now)?;
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
