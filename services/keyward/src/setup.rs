//! `keyward setup`: the first organization, its owner, an agent, a key and a token.

use auth_svc::AuthService;
use auth_svc::setup::{self, SetupError, SetupRequest, SetupResult};

use svc_core::service::Environment;

use crate::settings::Settings;

/// Why `setup` made nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is an organization already.
    #[error("an organization exists already: nothing was changed")]
    AlreadySetUp,
    /// Anything else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Sets up, on the database of auth-svc itself: no server needs to run, and on SQLite none may.
pub async fn run(
    settings: &Settings,
    environment: &Environment,
    request: &SetupRequest,
) -> Result<SetupResult, Failure> {
    let service = AuthService::open(&settings.auth, environment).await.map_err(anyhow::Error::from)?;
    let made = setup::run(&service, request).await;
    service.close().await;
    made.map_err(|error| match error {
        SetupError::AlreadySetUp => Failure::AlreadySetUp,
        SetupError::Invalid(violations) => {
            let each = violations.iter().map(|v| format!("--{}: {}", v.field, v.message));
            Failure::Other(anyhow::anyhow!(each.collect::<Vec<_>>().join("; ")))
        }
        other => Failure::Other(other.into()),
    })
}
