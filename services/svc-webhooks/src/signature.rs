//! How messages are signed: Standard Webhooks, <https://github.com/standard-webhooks/standard-webhooks>, its symmetric
//! signatures `v1`.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use svc_core::clock::Timestamp;
use svc_core::random::Random;
use svc_core::secret::Secret;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";
/// Random bytes of a secret. The scheme wants 24 to 64.
const BYTES: usize = 32;

/// What a webhook signs with.
#[derive(Clone)]
pub(crate) struct SigningSecret(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret")
    }
}

impl SigningSecret {
    /// A new one.
    pub(crate) fn new(random: &dyn Random) -> SigningSecret {
        let mut bytes = Zeroizing::new(vec![0; BYTES]);
        random.fill(&mut bytes);
        SigningSecret(bytes)
    }

    /// From its bytes.
    pub(crate) fn of(bytes: Zeroizing<Vec<u8>>) -> SigningSecret {
        SigningSecret(bytes)
    }

    /// Its bytes, to be sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As receivers are given it.
    pub(crate) fn text(&self) -> Secret {
        let encoded = Zeroizing::new(STANDARD.encode(&*self.0));
        Secret::new(format!("{PREFIX}{}", *encoded))
    }

    fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        for part in [id, ".", &seconds.to_string(), ".", body] {
            context.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
    }
}

/// The headers of a message, besides its `Content-Type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// `webhook-timestamp`: when it is sent, in Unix seconds.
    pub(crate) timestamp: String,
    /// `webhook-signature`: one for each secret.
    pub(crate) signature: String,
}

/// Signs a message with each of the secrets.
pub(crate) fn sign(secrets: &[SigningSecret], id: &str, at: Timestamp, body: &str) -> Signed {
    let seconds = at.seconds();
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, seconds, body)).collect();
    Signed { timestamp: seconds.to_string(), signature: signatures.join(" ") }
}

#[cfg(test)]
mod tests {
    use svc_core::random::SystemRandom;

    use super::*;

    /// The example of the scheme's own libraries, which all of them test with.
    #[test]
    fn signs_as_the_scheme_does() {
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = SigningSecret::of(Zeroizing::new(bytes));
        let at = Timestamp(1_614_265_330_000_000);
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signed.timestamp, "1614265330");
        assert_eq!(signed.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_make_two_signatures() {
        let secrets = [SigningSecret::new(&SystemRandom), SigningSecret::new(&SystemRandom)];
        let both = sign(&secrets, "id", Timestamp(0), "{}").signature;
        let each = secrets.clone().map(|secret| sign(&[secret], "id", Timestamp(0), "{}").signature);
        assert_eq!(both, each.join(" "));
        assert_ne!(each[0], each[1]);
    }

    #[test]
    fn a_secret_is_shown_as_the_scheme_has_it() {
        let secret = SigningSecret::new(&SystemRandom);
        let text = secret.text();
        let bytes = STANDARD.decode(text.expose().strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(bytes, secret.bytes());
        assert_eq!(bytes.len(), 32);
        assert!(!format!("{secret:?}").contains(&text.expose()[6..]));
    }
}
