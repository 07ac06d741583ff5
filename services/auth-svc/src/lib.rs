//! auth-svc: keys, agents, members, and the credential check.
//!
//! `api` speaks gRPC, `management` is what members do, `check` decides about requests, `domain` holds
//! the rules, `store` the SQL. A request of the edge goes `api/authorization.rs` → `check.rs` →
//! `check/key.rs` → `check/cache.rs`, and only the first time → `store/keys.rs`.

mod api;
#[cfg(feature = "benching")]
pub mod benching;
mod check;
mod config;
mod credential;
mod domain;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod in_place;
mod limits;
mod management;
mod revocation;
mod secrets;
pub mod setup;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

use std::path::Path;
use std::sync::Arc;

use keyward_proto::auth::v1::agent_service_server::AgentServiceServer;
use keyward_proto::auth::v1::api_key_service_server::ApiKeyServiceServer;
use keyward_proto::auth::v1::authorization_service_server::AuthorizationServiceServer;
use keyward_proto::auth::v1::member_service_server::MemberServiceServer;
use keyward_proto::auth::v1::token_service_server::TokenServiceServer;
use parking_lot::Mutex;
use svc_core::db::{self, AnyDb, DbError};
use svc_core::keyfile::{self, KeyFileError};
use svc_core::policy::{self, PolicyError};
use svc_core::secret::Secret;
use svc_core::service::{Environment, Handlers};
use svc_core::token::{BadSigningKey, JwkSet, TokenSigner};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::{Config, LimitsConfig, RevocationConfig, WhenUnavailable};

use check::{Checker, Failures, KeyCache, Lookups, Minter, Renewals};
use domain::{MaxLimits, Permissions};
use limits::{LimitOpenError, Limiter, SystemBootClock};
use management::Management;
use revocation::{Joining, PollError};
use secrets::{Argon2Pool, BadVerifierKey, HashError, Verifiers};

/// The name of the service: its audience, its schema and its file.
pub const NAME: &str = "auth";

/// The gRPC services that it serves.
pub const SERVICES: &[&str] = &[
    "keyward.auth.v1.AuthorizationService",
    "keyward.auth.v1.ApiKeyService",
    "keyward.auth.v1.AgentService",
    "keyward.auth.v1.MemberService",
    "keyward.auth.v1.TokenService",
];

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] db::OpenError),
    /// A key in the data directory.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The other replicas cannot be joined.
    #[error("the database does not let this replica join: {0}")]
    Join(#[from] PollError),
    /// `auth.verifier_key`.
    #[error(transparent)]
    VerifierKey(#[from] BadVerifierKey),
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
    /// `auth.limits`.
    #[error(transparent)]
    Limits(#[from] LimitOpenError),
    /// The annotations of the protos.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// auth-svc, ready to be served.
#[derive(Debug)]
pub struct AuthService {
    db: AnyDb,
    management: Management,
    jwks: JwkSet,
    stop: CancellationToken,
    /// Saves limits until it is stopped, and once more then.
    tending: Mutex<Option<JoinHandle<()>>>,
}

impl AuthService {
    /// Opens the database and the keys. Makes what is not there yet.
    pub async fn open(config: &Config, environment: &Environment) -> Result<AuthService, OpenError> {
        let data_dir = &environment.data_dir;
        keyfile::make_data_dir(data_dir)?;
        let verifier_key = key(config.verifier_key.as_ref(), data_dir, "verifier.key", || {
            Some(Verifiers::generate(&*environment.random))
        })?;
        let signing_key =
            key(config.signing_key.as_ref(), data_dir, "signing.key", || TokenSigner::generate().ok())?;
        let verifiers = Verifiers::new(&verifier_key, config.verifier_key_previous.as_ref())?;
        let signer = token_signer("auth.signing_key", &signing_key)?;
        let previous = config.signing_key_previous.as_ref();
        let previous = previous.map(|key| token_signer("auth.signing_key_previous", key)).transpose()?;
        let minter = Minter::new(signer, previous.as_ref());
        let jwks = minter.jwks();

        let (sqlite, postgres) = store::migrations();
        let db = db::open(&environment.database, data_dir, NAME, sqlite, postgres).await?;
        let store = store::over(db.clone());
        let peppers = (config.pepper.as_ref(), config.pepper_previous.as_ref());
        let argon2 = Argon2Pool::new(peppers.0, peppers.1, &environment.metrics)?;
        let clock = environment.clock.clone();
        let limits = &config.limits;
        let limiter = limiter(limits.store.as_ref(), &db, environment).await?;
        let joining = Joining::new(&db, Arc::new(SystemBootClock));
        let checker = Checker {
            store: store.clone(),
            clock,
            cache: KeyCache::default(),
            lookups: Lookups::default(),
            gate: joining.gate(&config.revocation),
            verifiers,
            argon2: argon2.clone(),
            renewals: Renewals::new(
                store.clone(),
                argon2.clone(),
                environment.random.clone(),
                &environment.metrics,
            ),
            minter,
            limiter: limiter.clone(),
            limits_fail_open: limits.when_unavailable == WhenUnavailable::Allow,
            key_failures: Failures::new(config.failures_per_minute),
            token_failures: Failures::new(config.failures_per_minute),
        };
        let checker = Arc::new(checker);
        let max_limits = MaxLimits { per_minute: limits.max_per_minute, per_hour: limits.max_per_hour };
        let management = Management {
            store,
            checker: checker.clone(),
            argon2,
            environment: environment.clone(),
            permissions: Arc::new(built_in_permissions()?),
            max_limits,
            revocation: Arc::new(joining.join(checker.clone(), environment.random.clone()).await?),
        };
        let stop = CancellationToken::new();
        let tending = tokio::spawn(limits::tend(limiter, stop.clone()));
        Ok(AuthService { db, management, jwks, stop, tending: Mutex::new(Some(tending)) })
    }

    /// The gRPC handlers.
    pub async fn handlers(&self) -> Handlers {
        let api = || api::Api::new(self.management.clone());
        let routes = Routes::new(AuthorizationServiceServer::new(api()))
            .add_service(ApiKeyServiceServer::new(api()))
            .add_service(AgentServiceServer::new(api()))
            .add_service(MemberServiceServer::new(api()))
            .add_service(TokenServiceServer::new(api()));
        Handlers::new(SERVICES, routes).await
    }

    /// Whether `keyward setup` has run.
    pub async fn is_set_up(&self) -> Result<bool, DbError> {
        self.management.store.is_set_up().await
    }

    /// The public keys of principal tokens.
    pub fn jwks(&self) -> JwkSet {
        self.jwks.clone()
    }

    /// Waits until what is stored of secrets that were presented is up to date.
    pub async fn secrets_renewed(&self) {
        self.management.checker.renewals.done().await;
    }

    /// Saves what is in memory and closes the database. The service must have stopped serving: API keys
    /// are answered UNAVAILABLE from now on.
    pub async fn close(&self) {
        self.management.revocation.stop().await;
        self.management.checker.renewals.stop();
        self.stop.cancel();
        let tending = self.tending.lock().take();
        if let Some(tending) = tending
            && let Err(error) = tending.await
        {
            tracing::error!(error = %error, "limits may not have been saved");
        }
        self.db.close().await;
    }
}

/// The limits, in the store of the settings. The default fits the database: what one process keeps in
/// memory is not what several replicas can share.
async fn limiter(
    store: Option<&Secret>,
    db: &AnyDb,
    environment: &Environment,
) -> Result<Arc<Limiter>, LimitOpenError> {
    let default = Secret::new(match db {
        AnyDb::Sqlite(_) => "memory",
        AnyDb::Postgres(_) => "database",
    });
    let boot = Arc::new(SystemBootClock);
    Ok(Arc::new(Limiter::open(store.unwrap_or(&default), db, boot, environment.clock.clone()).await?))
}

/// The key from the settings, else the one in the data directory.
fn key(
    setting: Option<&Secret>,
    data_dir: &Path,
    file: &str,
    make: impl FnOnce() -> Option<Secret>,
) -> Result<Secret, KeyFileError> {
    match setting {
        Some(key) => Ok(key.clone()),
        None => keyfile::load_or_create(&data_dir.join(file), make),
    }
}

fn token_signer(setting: &'static str, key: &Secret) -> Result<TokenSigner, OpenError> {
    TokenSigner::new(key).map_err(|error| OpenError::SigningKey { setting, error })
}

/// Every permission that the services of this build declare.
fn built_in_permissions() -> Result<Permissions, PolicyError> {
    let scopes = policy::scopes(&policy::built_in_descriptors()?)?;
    let all = scopes.iter().flat_map(|s| s.actions.iter().map(|action| format!("{}:{action}", s.name)));
    Ok(Permissions::new(all.collect()))
}
