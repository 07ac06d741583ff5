//! A service that runs in this process.

use svc_runtime::service::{Environment, Handlers};
use svc_runtime::token::JwkSet;

use super::StartError;
use crate::services::{Configured, Open};

/// A service that is open, with its handlers.
pub(super) struct Service {
    open: Box<dyn Open>,
    handlers: Handlers,
}

impl Service {
    pub(super) async fn open(
        service: &dyn Configured,
        environment: &Environment,
    ) -> Result<Service, StartError> {
        let open = service
            .open(environment)
            .await
            .map_err(|error| StartError::Service { service: service.name(), error })?;
        open.hint().await;
        Ok(Service { handlers: open.handlers(), open })
    }

    /// Its name, which is also the audience of principal tokens for it.
    pub(super) fn name(&self) -> &'static str {
        self.open.name()
    }

    pub(super) fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    /// The public keys of principal tokens, when it makes them.
    pub(super) fn keys(&self) -> Option<JwkSet> {
        self.open.keys()
    }

    pub(super) fn start_long_work(&self) {
        self.open.start_long_work();
    }

    /// Ends its tasks and closes its store. What was accepted is on disk when this returns.
    pub(super) async fn close(self) {
        self.open.tasks().stop().await;
        self.open.close().await;
    }
}
