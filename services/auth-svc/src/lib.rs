//! auth-svc: keys, agents, members, and the credential check.
//!
//! `api` speaks gRPC, `management` is what members do, `check` decides about requests, `domain` holds
//! the rules, `store` the SQL. A request of the edge goes `api/authorization.rs` → `check.rs` →
//! `check/key.rs` → `check/cache.rs`, and only the first time → `store/keys.rs`.

mod api;
mod check;
mod config;
mod credential;
mod domain;
mod management;
mod secrets;
pub mod setup;
mod store;

use std::path::Path;
use std::sync::Arc;

use keyward_proto::auth::v1::agent_service_server::AgentServiceServer;
use keyward_proto::auth::v1::api_key_service_server::ApiKeyServiceServer;
use keyward_proto::auth::v1::authorization_service_server::AuthorizationServiceServer;
use keyward_proto::auth::v1::member_service_server::MemberServiceServer;
use keyward_proto::auth::v1::token_service_server::TokenServiceServer;
use svc_core::db::{self, AnyDb};
use svc_core::keyfile::{self, KeyFileError};
use svc_core::policy::{self, PolicyError};
use svc_core::secret::Secret;
use svc_core::service::{Environment, Handlers};
use svc_core::token::{BadSigningKey, JwkSet, TokenSigner};
use tonic::service::Routes;

pub use config::{Config, LimitsConfig};

use check::{Checker, Minter};
use domain::Permissions;
use management::Management;
use secrets::{Argon2Pool, BadVerifierKey, Verifiers};

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
    /// `auth.verifier_key`.
    #[error(transparent)]
    VerifierKey(#[from] BadVerifierKey),
    /// `auth.signing_key`.
    #[error("auth.signing_key: {0}")]
    SigningKey(#[from] BadSigningKey),
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
        let minter = Minter::new(TokenSigner::new(&signing_key)?);
        let jwks = minter.jwks();

        let (sqlite, postgres) = store::migrations();
        let db = db::open(&environment.database, data_dir, NAME, sqlite, postgres).await?;
        let store = store::over(db.clone());
        let argon2 = Argon2Pool::new(config.pepper.clone());
        let clock = environment.clock.clone();
        let checker = Checker::new(store.clone(), clock, verifiers, argon2.clone(), minter);
        let management = Management {
            store,
            checker: Arc::new(checker),
            argon2,
            environment: environment.clone(),
            permissions: Arc::new(built_in_permissions()?),
            changes: Arc::default(),
        };
        Ok(AuthService { db, management, jwks })
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

    /// The public keys of principal tokens.
    pub fn jwks(&self) -> JwkSet {
        self.jwks.clone()
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.db.close().await;
    }
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

/// Every permission that the services of this build declare.
fn built_in_permissions() -> Result<Permissions, PolicyError> {
    let scopes = policy::scopes(&policy::built_in_descriptors()?)?;
    let all = scopes.iter().flat_map(|s| s.actions.iter().map(|action| format!("{}:{action}", s.name)));
    Ok(Permissions::new(all.collect()))
}
