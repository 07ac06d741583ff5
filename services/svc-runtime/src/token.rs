//! Principal tokens: a principal as a JWT (RFC 7519) signed with EdDSA (RFC 8037), for services that
//! run apart from auth-svc. Follows RFC 8725: one algorithm, an explicit type, audience and issuer
//! always checked, 60 s of life.

mod jwks;
mod keyring;
mod skew;
mod telemetry;
mod verify;

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use keyward_proto::policy::v1::Role;
use serde::{Deserialize, Serialize};

use svc_core::clock::Timestamp;
use svc_core::principal::{Principal, Subject};
use svc_core::secret::Secret;

pub use jwks::{BadJwksUrl, Jwk, JwkSet, JwksSource, JwksUrls, PATH as JWKS_PATH};
pub use verify::TokenVerifier;
pub(crate) use verify::{UnknownKey, Verdict, bad};

/// The metadata key that carries a principal token.
pub const METADATA: &str = "x-keyward-principal";
/// How long a token is good.
pub const LIFETIME: Duration = Duration::from_secs(60);
/// How long a minted token is used again. Half of [`LIFETIME`], so that it never expires on the way.
pub const REUSE: Duration = Duration::from_secs(30);

/// How far the clocks of two machines may differ.
const LEEWAY: Duration = Duration::from_secs(5);

const ISSUER: &str = "keyward";
const TYPE: &str = "keyward-principal+jwt";

/// Why a signing key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key is not an Ed25519 key in PKCS #8, base64")]
pub struct BadSigningKey;

/// Why a token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the principal token could not be signed")]
pub struct CannotSign;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
    kind: Kind,
    org: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Until when the credential works, in Unix microseconds. `exp` is never later, but for its fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential_exp_micros: Option<i64>,
    /// The id of the personal access token of a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The id of the session of a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Key,
    Member,
}

/// Signs principal tokens with one Ed25519 key.
pub struct TokenSigner {
    key: EncodingKey,
    header: Header,
    public: Jwk,
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenSigner({})", self.public.kid)
    }
}

impl TokenSigner {
    /// A new signing key: PKCS #8 (RFC 8410) in base64.
    pub fn generate() -> Result<Secret, CannotSign> {
        let pair = Ed25519KeyPair::generate().map_err(|_| CannotSign)?;
        let document = pair.to_pkcs8v1().map_err(|_| CannotSign)?;
        Ok(Secret::new(STANDARD.encode(document.as_ref())))
    }

    /// Signs with this key.
    pub fn new(key: &Secret) -> Result<TokenSigner, BadSigningKey> {
        let der = STANDARD.decode(key.expose().trim()).map_err(|_| BadSigningKey)?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| BadSigningKey)?;
        let public = Jwk::ed25519(pair.public_key().as_ref());
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(public.kid.clone());
        Ok(TokenSigner { key: EncodingKey::from_ed_der(&der), header, public })
    }

    /// The public half, as others fetch it.
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// A token for one service, good for [`LIFETIME`] and no longer than the principal's credential.
    pub fn sign(&self, principal: &Principal, audience: &str, now: Timestamp) -> Result<String, CannotSign> {
        let (kind, sub) = match &principal.subject {
            Subject::Key(id) => (Kind::Key, id),
            Subject::Member(id) => (Kind::Member, id),
        };
        let end = now.plus(LIFETIME).seconds();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience.to_owned(),
            sub: sub.clone(),
            iat: now.seconds(),
            exp: principal.expires_at.map_or(end, |at| end.min(at.seconds_up())),
            kind,
            org: principal.organization_id.clone(),
            agent: principal.agent_id.clone(),
            permissions: principal.permissions.clone(),
            role: principal.role.map(|role| role.as_str_name().to_owned()),
            credential_exp_micros: principal.expires_at.map(|at| at.0),
            token: principal.token_id.clone(),
            session: principal.session_id.clone(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key).map_err(|_| CannotSign)
    }
}

impl From<Claims> for Principal {
    fn from(claims: Claims) -> Principal {
        Principal {
            organization_id: claims.org,
            agent_id: claims.agent,
            subject: match claims.kind {
                Kind::Key => Subject::Key(claims.sub),
                Kind::Member => Subject::Member(claims.sub),
            },
            permissions: claims.permissions,
            role: claims.role.as_deref().and_then(Role::from_str_name).filter(|r| *r != Role::Unspecified),
            expires_at: claims.credential_exp_micros.map(Timestamp),
            token_id: claims.token,
            session_id: claims.session,
        }
    }
}

/// Whether this may be the id of a key: a SHA-256 in base64url.
fn is_kid(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

/// The id of a key: its JWK thumbprint (RFC 7638, RFC 8037).
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref())
}
