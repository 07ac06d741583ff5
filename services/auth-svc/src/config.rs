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
    /// How changes of keys reach every replica.
    pub revocation: RevocationConfig,
    /// Failed credentials of one client address in a minute, before it is throttled.
    pub failures_per_minute: u32,
    /// The key of verifiers: 32 bytes, base64. Made in `data_dir` when not set.
    pub verifier_key: Option<Secret>,
    /// The verifier key before, while secrets made under it are still in use.
    pub verifier_key_previous: Option<Secret>,
    /// The Ed25519 key that signs principal tokens: PKCS #8, base64. Made in `data_dir` when not set.
    pub signing_key: Option<Secret>,
    /// Another signing key, whose tokens are good although nothing is signed with it here: the one that
    /// comes next or the one before, while keys are rotated.
    pub signing_key_previous: Option<Secret>,
    /// Mixed into argon2id, when set.
    pub pepper: Option<Secret>,
    /// The pepper before, while records made with it are still in use.
    pub pepper_previous: Option<Secret>,
    /// Where other processes fetch the public keys of principal tokens.
    pub jwks_url: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_051)).to_string()),
            limits: LimitsConfig::default(),
            revocation: RevocationConfig::default(),
            failures_per_minute: 60,
            verifier_key: None,
            verifier_key_previous: None,
            signing_key: None,
            signing_key_previous: None,
            pepper: None,
            pepper_previous: None,
            jwks_url: format!("http://127.0.0.1:9464{}", svc_core::token::JWKS_PATH),
        }
    }
}

/// `[auth.revocation]`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RevocationConfig {
    /// On PostgreSQL, ask the database at every request whether keys have changed; requests that wait share
    /// the answer. For machines whose clock may stand while a hypervisor pauses or moves them.
    pub strict_clock: bool,
}

/// `[auth.limits]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsConfig {
    /// Where the windows are kept: `memory`, `database`, or `redis://…` (Valkey or Redis). By default
    /// memory on SQLite, which belongs to one process, and the database on PostgreSQL.
    pub store: Option<Secret>,
    /// What happens to requests while the store is away: `refuse` with 503, or `allow` uncounted.
    pub when_unavailable: WhenUnavailable,
    /// The most requests in a minute that a key may be given.
    pub max_per_minute: i32,
    /// The most requests in an hour that a key may be given.
    pub max_per_hour: i32,
}

/// What happens while limits cannot be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnavailable {
    /// Requests are refused with 503.
    #[default]
    Refuse,
    /// Requests are let through uncounted.
    Allow,
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        LimitsConfig {
            store: None,
            when_unavailable: WhenUnavailable::Refuse,
            max_per_minute: 1_000,
            max_per_hour: 10_000,
        }
    }
}
