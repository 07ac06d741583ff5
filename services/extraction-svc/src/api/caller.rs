//! Who calls, and what they are told.

use std::sync::Arc;

use svc_core::error::Error;
use svc_core::principal::Principal;
use svc_runtime::grpc::{caller, status};
use tonic::{Request, Status};

use crate::domain::Actor;
use crate::error::ExtractionError;

/// Who acts, and on whose jobs.
pub(super) fn actor<T>(request: &Request<T>) -> Result<Actor, Status> {
    caller::actor(request).map(|(_, actor)| actor).map_err(status::of)
}

/// The same, with the principal that says so.
pub(super) fn with_principal<T>(request: &Request<T>) -> Result<(Arc<Principal>, Actor), Status> {
    caller::actor(request).map_err(status::of)
}

/// The error as callers see it.
pub(super) fn refuse(error: ExtractionError) -> Status {
    status::of(Error::from(error))
}
