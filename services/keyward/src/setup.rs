//! `keyward setup`: the first organization, its owner, an agent, a key and a token; and the links that let people into
//! the dashboard.

use auth_svc::AuthService;
use auth_svc::setup::{self, SetupError, SetupRequest, SetupResult};
use svc_core::secret::Secret;
use svc_runtime::service::{Environment, Service};

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
    let service = open(settings, environment).await?;
    let made = setup::run(&service, request).await;
    service.close().await;
    made.map_err(Failure::of)
}

/// The address of a page of the dashboard that sets up an empty installation, once. `None` when there is an
/// organization. On the database itself, as [`run`].
pub async fn link(settings: &Settings, environment: &Environment) -> Result<Option<Secret>, Failure> {
    let service = open(settings, environment).await?;
    let made = setup::link(&service).await;
    service.close().await;
    Ok(made.map_err(Failure::of)?.map(|token| address(settings, setup::SETUP_PAGE, &token)))
}

/// The address of a page of the dashboard where a member chooses a password, once. `None` when nobody with this email
/// address can sign in. On the database itself, as [`run`].
pub async fn password_link(
    settings: &Settings,
    environment: &Environment,
    email: &str,
) -> Result<Option<Secret>, Failure> {
    let service = open(settings, environment).await?;
    let made = setup::password_link(&service, email).await;
    service.close().await;
    Ok(made.map_err(Failure::of)?.map(|token| address(settings, setup::PASSWORD_PAGE, &token)))
}

/// The address of a page with the token of a link in its fragment, which no browser sends.
pub fn address(settings: &Settings, page: &str, token: &Secret) -> Secret {
    let dashboard = match &settings.dashboard.url {
        Some(url) => url.as_str().to_owned(),
        None => format!("http://{}", settings.dashboard.listen),
    };
    Secret::new(format!("{dashboard}/{page}#{}", token.expose()))
}

async fn open(settings: &Settings, environment: &Environment) -> anyhow::Result<AuthService> {
    let auth = settings.services.config::<AuthService>()?;
    Ok(AuthService::open(auth, environment).await?)
}

impl Failure {
    fn of(error: SetupError) -> Failure {
        match error {
            SetupError::AlreadySetUp => Failure::AlreadySetUp,
            SetupError::Invalid(violations) => {
                let each = violations.iter().map(|v| format!("--{}: {}", v.field, v.message));
                Failure::Other(anyhow::anyhow!(each.collect::<Vec<_>>().join("; ")))
            }
            other => Failure::Other(other.into()),
        }
    }
}
