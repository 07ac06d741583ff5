//! A sign-in that a browser has begun: what it keeps until it comes back, in a cookie that it cannot read.
//!
//! Nothing is kept here meanwhile, so nobody fills our memory or database by beginning. A browser that comes back
//! without the cookie, or with that of another one, has not begun; and the provider takes each code once, from whoever
//! knows the verifier in the cookie (PKCE).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use svc_core::clock::Timestamp;
use svc_core::random::Random;
use svc_core::secret::Secret;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::secrets::Seal;

/// What flows are sealed for.
pub(crate) const SEALED_FOR: &str = "oidc";
/// How long somebody may take at the provider. The cookie lives as long (edge).
const LASTS: Duration = Duration::from_secs(600);
/// The longest cookie that is looked at.
const MAX_COOKIE: usize = 4_096;

/// What the browser keeps.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    /// Comes back in the address, and has to be the same.
    pub(super) state: Hidden,
    /// Comes back in the token, and has to be the same.
    pub(super) nonce: Hidden,
    /// Proves at the provider who has begun.
    pub(super) verifier: Hidden,
    /// Where the browser goes in the end.
    pub(super) next: String,
    /// Until when it may come back, in Unix microseconds.
    ends_at: i64,
}

/// Text that is sealed with the flow, where a [`Secret`] would be hidden.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(super) struct Hidden(String);

impl Hidden {
    fn random(random: &dyn Random) -> Hidden {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        Hidden(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
    }

    pub(super) fn text(&self) -> String {
        self.0.clone()
    }

    pub(super) fn is(&self, other: &str) -> bool {
        Secret::new(self.0.clone()).matches(other.as_bytes())
    }
}

impl Flow {
    /// A new one.
    pub(super) fn new(next: String, random: &dyn Random, now: Timestamp) -> Flow {
        let [state, nonce, verifier] = std::array::from_fn(|_| Hidden::random(random));
        Flow { state, nonce, verifier, next, ends_at: now.plus(LASTS).0 }
    }

    /// As a cookie, for this provider.
    pub(super) fn close(&self, seal: &Seal, random: &dyn Random, provider: &str) -> Option<String> {
        let text = Zeroizing::new(serde_json::to_vec(self).ok()?);
        Some(URL_SAFE_NO_PAD.encode(seal.close(random, &text, provider)?))
    }

    /// From a cookie, if it is one of ours for this provider and not too old.
    pub(super) fn open(seal: &Seal, cookie: &str, provider: &str, now: Timestamp) -> Option<Flow> {
        if cookie.len() > MAX_COOKIE {
            return None;
        }
        let text = seal.open(&URL_SAFE_NO_PAD.decode(cookie).ok()?, provider)?;
        let flow: Flow = serde_json::from_slice(&text).ok()?;
        (now < Timestamp(flow.ends_at)).then_some(flow)
    }
}

#[cfg(test)]
mod tests {
    use svc_core::random::SystemRandom;

    use super::*;
    use crate::secrets::Verifiers;

    #[test]
    fn a_flow_comes_back_to_its_provider_in_time() {
        let seal = Seal::new(&Verifiers::generate(&SystemRandom), None, SEALED_FOR).unwrap();
        let now = Timestamp(1_769_860_800_000_000);
        let flow = Flow::new("/agents".to_owned(), &SystemRandom, now);
        assert!(!flow.state.is(&flow.nonce.text()) && !flow.nonce.is(&flow.verifier.text()));
        let cookie = flow.close(&seal, &SystemRandom, "acme").unwrap();
        assert!(cookie.len() < 1_024, "{}", cookie.len());
        let end = now.plus(LASTS);
        for (cookie, provider, at, comes_back) in [
            (cookie.as_str(), "acme", Timestamp(end.0 - 1), true),
            (cookie.as_str(), "acme", end, false),
            (cookie.as_str(), "other", now, false),
            (&cookie[1..], "acme", now, false),
            ("", "acme", now, false),
            ("%", "acme", now, false),
            (&"A".repeat(5_000), "acme", now, false),
        ] {
            let opened = Flow::open(&seal, cookie, provider, at);
            assert_eq!(opened.is_some(), comes_back, "{cookie} {provider} {at}");
            if let Some(opened) = opened {
                assert!(opened.state.is(&flow.state.text()) && opened.next == "/agents");
            }
        }
    }
}
