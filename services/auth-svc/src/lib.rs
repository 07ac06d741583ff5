//! auth-svc: keys, agents, members, and the credential check.
//!
//! `api` speaks gRPC, `management` is what members do, `check` decides about requests, `domain` holds
//! the rules, `store` the SQL. A request of the edge goes `api/authorization.rs` → `check.rs` →
//! `check/key.rs` → `check/cache.rs`, and only the first time → `store/keys.rs`.

#![warn(unreachable_pub)]

mod api;
mod audit;
#[cfg(feature = "benching")]
pub mod benching;
mod change;
mod check;
mod config;
#[allow(unreachable_pub, reason = "fuzz/ reaches it through a feature")]
mod credential;
mod domain;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod identities;
mod inline_str;
#[allow(unreachable_pub, reason = "benches/ reaches it through a feature")]
mod limits;
mod mail;
mod management;
mod notices;
mod open;
mod request_log;
mod revocation;
mod secrets;
pub mod setup;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod usage;
pub mod verify;

use std::sync::Arc;

use keyward_proto::auth::v1::agent_service_dispatch::AgentServiceDispatch;
use keyward_proto::auth::v1::api_key_service_dispatch::ApiKeyServiceDispatch;
use keyward_proto::auth::v1::audit_service_dispatch::AuditServiceDispatch;
use keyward_proto::auth::v1::audited_deed_service_dispatch::AuditedDeedServiceDispatch;
use keyward_proto::auth::v1::authorization_service_dispatch::AuthorizationServiceDispatch;
use keyward_proto::auth::v1::erasure_service_dispatch::ErasureServiceDispatch;
use keyward_proto::auth::v1::event_service_dispatch::EventServiceDispatch;
use keyward_proto::auth::v1::member_service_dispatch::MemberServiceDispatch;
use keyward_proto::auth::v1::notice_service_dispatch::NoticeServiceDispatch;
use keyward_proto::auth::v1::oidc_service_dispatch::OidcServiceDispatch;
use keyward_proto::auth::v1::request_log_service_dispatch::RequestLogServiceDispatch;
use keyward_proto::auth::v1::session_service_dispatch::SessionServiceDispatch;
use keyward_proto::auth::v1::token_service_dispatch::TokenServiceDispatch;
use keyward_proto::dispatch::Services;
use prometheus_client::metrics::counter::Counter;
use svc_core::error::Error;
use svc_core::policy::PolicyError;
use svc_db::AnyDb;
use svc_runtime::grpc::Address;
use svc_runtime::keyfile::KeyFileError;
use svc_runtime::service::{DatabaseConfig, Environment, Handlers, Service};
use svc_runtime::tasks::Tasks;
use svc_runtime::token::{BadSigningKey, JwkSet};

pub use config::{
    Config, LimitsConfig, NoticesConfig, RequestLogConfig, RevocationConfig, SessionsConfig, UsageConfig,
    WhenUnavailable,
};
pub use identities::{BadOidcConfig, OidcConfig};
pub use mail::{BadSmtpConfig, SmtpConfig, SmtpTls};

use audit::BadAuditKey;
use check::Authorizer;
use limits::LimitOpenError;
use management::Management;
use request_log::RequestLog;
use revocation::{POLL_TIMEOUT, PollError};
use secrets::{BadVerifierKey, HashError};

/// The name of the service.
pub const NAME: &str = AuthService::NAME;

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] svc_db::OpenError),
    /// A key in the data directory.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The other replicas cannot be joined.
    #[error("the database does not let this replica join: {0}")]
    Join(#[from] PollError),
    /// `auth.verifier_key`.
    #[error(transparent)]
    VerifierKey(#[from] BadVerifierKey),
    /// `auth.audit_key`.
    #[error(transparent)]
    AuditKey(#[from] BadAuditKey),
    /// `auth.signing_key` or `auth.signing_key_previous`.
    #[error("{setting}: {error}")]
    SigningKey {
        /// Which of the two.
        setting: &'static str,
        /// What is wrong.
        error: BadSigningKey,
    },
    /// `auth.pepper` or `auth.pepper_previous`.
    #[error("auth.pepper: {0}")]
    Pepper(#[from] HashError),
    /// `auth.sessions`.
    #[error("auth.sessions: idle_minutes is from 2 to 527040, lifetime_hours from 1 to 8784, a year")]
    Sessions,
    /// `auth.oidc`.
    #[error(transparent)]
    Oidc(#[from] BadOidcConfig),
    /// `auth.smtp`.
    #[error(transparent)]
    Smtp(#[from] BadSmtpConfig),
    /// `auth.limits`.
    #[error(transparent)]
    Limits(#[from] LimitOpenError),
    /// `auth.limits.max_per_minute` or `.max_per_hour`.
    #[error("auth.limits: max_per_minute and max_per_hour must be at least 1")]
    MaxLimits,
    /// The annotations of the protos.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// `auth.usage`.
    #[error(
        "auth.usage: minutes_kept_days must be at least 1, hours_kept_days at least that, and days_kept_days at \
         least as much again"
    )]
    Usage,
}

/// auth-svc, ready to be served.
#[derive(Debug)]
pub struct AuthService {
    db: AnyDb,
    management: Management,
    /// Agents that are gone, for the services that hold something of them.
    erasures: svc_db::Outbox,
    jwks: JwkSet,
    /// Questions that got no decision, since too many of their stream wait.
    no_room: Counter,
    request_log: Arc<RequestLog>,
    tasks: Tasks,
}

impl Service for AuthService {
    const NAME: &'static str = "auth";
    const ABOUT: &'static str = "Keys, members and the credential check";
    const RPC_SERVICES: &'static [&'static str] = &[
        "keyward.auth.v1.AuthorizationService",
        "keyward.auth.v1.ApiKeyService",
        "keyward.auth.v1.AgentService",
        "keyward.auth.v1.ErasureService",
        "keyward.auth.v1.EventService",
        "keyward.auth.v1.MemberService",
        "keyward.auth.v1.NoticeService",
        "keyward.auth.v1.OidcService",
        "keyward.auth.v1.RequestLogService",
        "keyward.auth.v1.TokenService",
        "keyward.auth.v1.SessionService",
        "keyward.auth.v1.AuditService",
        "keyward.auth.v1.AuditedDeedService",
    ];
    type Config = Config;
    type OpenError = OpenError;

    fn listen(config: &Config) -> &Address {
        &config.listen
    }

    async fn migrate(environment: &Environment) -> Result<Option<usize>, OpenError> {
        let (sqlite, postgres) = store::migrations();
        Ok(Some(svc_db::migrate(environment, NAME, sqlite, postgres).await?))
    }

    fn check(config: &Config, database: &DatabaseConfig) -> Result<(), OpenError> {
        open::check(config, database)
    }

    async fn open(config: &Config, environment: &Environment) -> Result<AuthService, OpenError> {
        AuthService::open_polling(config, environment, POLL_TIMEOUT).await
    }

    async fn hint(&self) {
        // Not a check: when the database is away, the first request says so.
        if let Ok(false) = self.is_set_up().await {
            tracing::warn!(
                "there is no organization yet: run `keyward setup`, or `keyward setup-link` for a link to the dashboard"
            );
        }
    }

    fn handlers(&self) -> Handlers {
        let checker = &self.management.checker;
        let api = || {
            let (management, no_room) = (self.management.clone(), self.no_room.clone());
            api::Api::new(management, checker.clone(), no_room, self.request_log.clone())
        };
        let services = Services::new()
            .add(AuthorizationServiceDispatch::new(api()))
            .add(ApiKeyServiceDispatch::new(api()))
            .add(AgentServiceDispatch::new(api()))
            .add(ErasureServiceDispatch::new(api::ErasureApi::new(self.erasures.clone())))
            .add(EventServiceDispatch::new(api()))
            .add(MemberServiceDispatch::new(api()))
            .add(NoticeServiceDispatch::new(api()))
            .add(OidcServiceDispatch::new(api()))
            .add(RequestLogServiceDispatch::new(api()))
            .add(TokenServiceDispatch::new(api()))
            .add(SessionServiceDispatch::new(api()))
            .add(AuditServiceDispatch::new(api()))
            .add(AuditedDeedServiceDispatch::new(api()));
        Handlers::new(Self::RPC_SERVICES, services, self.management.environment.health.of(NAME))
            .authorizing(Arc::new(Authorizer(checker.clone())))
    }

    fn keys(&self) -> Option<JwkSet> {
        Some(self.jwks.clone())
    }

    fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Saves what is in memory and closes the database. API keys are answered UNAVAILABLE from now on.
    async fn close(&self) {
        self.management.changes.revocation().stop().await;
        self.management.checker.renewals.stop();
        self.tasks.stop().await;
        self.db.close().await;
    }
}

impl AuthService {
    /// Whether `keyward setup` has run.
    pub async fn is_set_up(&self) -> Result<bool, Error> {
        Ok(self.management.store.is_set_up().await?)
    }

    /// Waits until what is stored of secrets that were presented is up to date.
    pub async fn secrets_renewed(&self) {
        self.management.checker.renewals.done().await;
    }
}
