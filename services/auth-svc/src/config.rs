//! `[auth]`.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use svc_core::secret::Secret;
use svc_runtime::grpc::Address;
use svc_runtime::token::JwksUrls;

use crate::OpenError;
use crate::identities::OidcConfig;
use crate::mail::SmtpConfig;
use crate::usage::Keep;

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
    /// Sessions of the dashboard.
    pub sessions: SessionsConfig,
    /// How keys are used.
    pub usage: UsageConfig,
    /// The request log.
    pub request_log: RequestLogConfig,
    /// Failed credentials of one client address in a minute, before it is throttled.
    pub failures_per_minute: u32,
    /// The key of verifiers: 32 bytes, base64. Made in `data_dir` when not set.
    pub verifier_key: Option<Secret>,
    /// The verifier key before, while secrets made under it are still in use.
    pub verifier_key_previous: Option<Secret>,
    /// The key that the audit log is chained with: 32 bytes, base64. Made in `data_dir` when not set.
    pub audit_key: Option<Secret>,
    /// The Ed25519 key that signs principal tokens: PKCS #8, base64. Made in `data_dir` when not set.
    pub signing_key: Option<Secret>,
    /// Another signing key, whose tokens are good although nothing is signed with it here: the one that
    /// comes next or the one before, while keys are rotated.
    pub signing_key_previous: Option<Secret>,
    /// Mixed into argon2id, when set.
    pub pepper: Option<Secret>,
    /// The pepper before, while records made with it are still in use.
    pub pepper_previous: Option<Secret>,
    /// Where other processes fetch the public keys of principal tokens: of auth-svc, one replica or several.
    pub jwks_url: JwksUrls,
    /// The providers of OpenID Connect that members may sign in with.
    pub oidc: Vec<OidcConfig>,
    /// Where mail goes.
    pub smtp: SmtpConfig,
    /// Notices by mail.
    pub notices: NoticesConfig,
    /// Where the dashboard is found from outside (`dashboard.url`), for links in notices.
    #[serde(skip)]
    pub dashboard_url: Option<String>,
}

/// `[auth.notices]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct NoticesConfig {
    /// How often is looked for notices to be mailed, in seconds, 1 to 86,400.
    pub every_seconds: u64,
}

impl Default for NoticesConfig {
    fn default() -> NoticesConfig {
        NoticesConfig { every_seconds: 300 }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_051)).to_string()),
            limits: LimitsConfig::default(),
            revocation: RevocationConfig::default(),
            sessions: SessionsConfig::default(),
            usage: UsageConfig::default(),
            request_log: RequestLogConfig::default(),
            failures_per_minute: 60,
            verifier_key: None,
            verifier_key_previous: None,
            audit_key: None,
            signing_key: None,
            signing_key_previous: None,
            pepper: None,
            pepper_previous: None,
            jwks_url: JwksUrls::default(),
            oidc: Vec::new(),
            smtp: SmtpConfig::default(),
            notices: NoticesConfig::default(),
            dashboard_url: None,
        }
    }
}

/// `[auth.sessions]`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionsConfig {
    /// After how many minutes without use a session ends. At least 2, at most a year.
    pub idle_minutes: u32,
    /// After how many hours it ends in any case. At least 1, at most a year.
    pub lifetime_hours: u32,
    /// Failed sign-ins of one client address in a minute, and of one email address in ten minutes, before whoever
    /// tries has to wait. 0: nobody waits.
    pub failures_per_minute: u32,
}

impl Default for SessionsConfig {
    fn default() -> SessionsConfig {
        SessionsConfig { idle_minutes: 12 * 60, lifetime_hours: 7 * 24, failures_per_minute: 10 }
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

/// `[auth.usage]`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct UsageConfig {
    /// Count the requests of keys.
    pub enabled: bool,
    /// How many days minutes are kept.
    pub minutes_kept_days: u16,
    /// How many days hours are kept: at least as long as minutes.
    pub hours_kept_days: u16,
    /// How many days those of days are kept: at least as long as hours.
    pub days_kept_days: u16,
}

impl Default for UsageConfig {
    fn default() -> UsageConfig {
        UsageConfig { enabled: true, minutes_kept_days: 2, hours_kept_days: 35, days_kept_days: 400 }
    }
}

impl UsageConfig {
    /// How long each is kept. Answers are put together of the coarsest that fit, so none may be kept for a shorter
    /// time than a finer one.
    pub(crate) fn keep(&self) -> Result<Keep, OpenError> {
        let [minutes, hours, days] =
            [self.minutes_kept_days, self.hours_kept_days, self.days_kept_days].map(i64::from);
        match 0 < minutes && minutes <= hours && hours <= days {
            true => Ok(Keep { minutes, hours, days }),
            false => Err(OpenError::Usage),
        }
    }
}

/// `[auth.request_log]`. Whether requests are logged, and how many a second, is `edge.request_log_per_second`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestLogConfig {
    /// How long requests are kept, in days.
    pub retention_days: u32,
    /// The most requests that are kept; the oldest go first. Counted now and then, so that there may be some more
    /// for minutes. A million takes about half a gigabyte.
    pub max_rows: u64,
}

impl Default for RequestLogConfig {
    fn default() -> RequestLogConfig {
        RequestLogConfig { retention_days: 14, max_rows: 10_000_000 }
    }
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
