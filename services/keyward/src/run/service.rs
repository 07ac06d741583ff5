//! A service that is open.

use auth_svc::AuthService;
use contacts_svc::ContactsService;
use extraction_svc::ExtractionService;
use svc_core::service::{Environment, Handlers};
use svc_core::token::JwkSet;

use super::{Part, StartError};
use crate::settings::Settings;

/// A service that is open, with its handlers.
pub(super) struct Service {
    part: Part,
    handlers: Handlers,
    keys: Option<JwkSet>,
    opened: Opened,
}

enum Opened {
    Auth(Box<AuthService>),
    Contacts(ContactsService),
    Extraction(ExtractionService),
}

impl Service {
    pub(super) async fn auth(settings: &Settings, environment: &Environment) -> Result<Service, StartError> {
        let service = AuthService::open(&settings.auth, environment).await.map_err(StartError::Auth)?;
        // A hint, not a check: when the database is away, the first request says so.
        if let Ok(false) = service.is_set_up().await {
            tracing::warn!("there is no organization yet: run `keyward setup`");
        }
        Ok(Service {
            part: Part::Auth,
            handlers: service.handlers().await,
            keys: Some(service.jwks()),
            opened: Opened::Auth(Box::new(service)),
        })
    }

    pub(super) async fn contacts(
        settings: &Settings,
        environment: &Environment,
    ) -> Result<Service, StartError> {
        let service =
            ContactsService::open(&settings.contacts, environment).await.map_err(StartError::Contacts)?;
        Ok(Service {
            part: Part::Contacts,
            handlers: service.handlers().await,
            keys: None,
            opened: Opened::Contacts(service),
        })
    }

    pub(super) async fn extraction(
        settings: &Settings,
        environment: &Environment,
    ) -> Result<Service, StartError> {
        let service = ExtractionService::open(&settings.extraction, environment)
            .await
            .map_err(StartError::Extraction)?;
        Ok(Service {
            part: Part::Extraction,
            handlers: service.handlers().await,
            keys: None,
            opened: Opened::Extraction(service),
        })
    }

    /// Its name, which is also the audience of principal tokens for it.
    pub(super) fn name(&self) -> &'static str {
        self.part.name()
    }

    pub(super) fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    /// The public keys of principal tokens, when it makes them.
    pub(super) fn keys(&self) -> Option<&JwkSet> {
        self.keys.as_ref()
    }

    /// Closes its store. What was accepted is on disk when this returns.
    pub(super) async fn close(self) {
        match self.opened {
            Opened::Auth(service) => service.close().await,
            Opened::Contacts(service) => service.close().await,
            Opened::Extraction(service) => service.close().await,
        }
    }
}
