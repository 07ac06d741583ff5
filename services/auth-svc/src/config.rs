//! `[auth]`.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use svc_core::grpc::Address;
use svc_core::secret::Secret;

/// The settings of auth-svc.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where to listen when apart from the edge.
    pub listen: Address,
    /// Limits of keys.
    pub limits: LimitsConfig,
    /// Failed credentials of one client address in a minute, before it is throttled.
    pub failures_per_minute: u32,
    /// The key of verifiers: 32 bytes, base64. Made in `data_dir` when not set.
    pub verifier_key: Option<Secret>,
    /// The verifier key before, while secrets made under it are still in use.
    pub verifier_key_previous: Option<Secret>,
    /// The Ed25519 key that signs principal tokens: PKCS #8, base64. Made in `data_dir` when not set.
    pub signing_key: Option<Secret>,
    /// Mixed into argon2id, when set.
    pub pepper: Option<Secret>,
    /// Where other processes fetch the public keys of principal tokens.
    pub jwks_url: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_051)).to_string()),
            limits: LimitsConfig::default(),
            failures_per_minute: 60,
            verifier_key: None,
            verifier_key_previous: None,
            signing_key: None,
            pepper: None,
            jwks_url: format!("http://127.0.0.1:9464{}", svc_core::token::JWKS_PATH),
        }
    }
}

/// `[auth.limits]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsConfig {
    /// Where the windows are kept: `memory`, `database`, or `redis://…`.
    pub store: Secret,
    /// The most requests in a minute that a key may be given.
    pub max_per_minute: i32,
    /// The most requests in an hour that a key may be given.
    pub max_per_hour: i32,
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        LimitsConfig { store: Secret::new("memory"), max_per_minute: 1_000, max_per_hour: 10_000 }
    }
}
