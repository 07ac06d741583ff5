//! Who calls, and what they may be told.

use std::sync::Arc;

use svc_core::error::{Error, Reason};
use svc_core::principal::{self, Principal};
use tonic::{Request, Status};

use crate::domain::Partition;
use crate::error::ContactError;

const CREATE: &str = "contacts:create";
const READ: &str = "contacts:read";

/// The caller of an RPC.
pub(super) struct Caller {
    principal: Arc<Principal>,
    /// Whose contacts the call is about. From the principal only, never from the message.
    pub(super) partition: Partition,
}

impl Caller {
    pub(super) fn of<T>(request: &Request<T>) -> Result<Caller, Error> {
        let principal = principal::of(request)?;
        let partition = Partition {
            organization_id: principal.organization_id.clone(),
            agent_id: principal.agent()?.to_owned(),
        };
        Ok(Caller { principal, partition })
    }

    /// The rule of the RPC asks for this only when a field of the message is set, which the check in
    /// front of the handlers does not read.
    pub(super) fn must_be_allowed_to_create(&self) -> Result<(), Error> {
        match self.principal.may(CREATE) {
            true => Ok(()),
            false => Err(Error::new(
                Reason::PermissionDenied,
                format!("`upsert` also needs the permission `{CREATE}`."),
            )),
        }
    }

    /// The error as this caller may see it.
    pub(super) fn refuse(&self, error: ContactError) -> Status {
        let mut error = Error::from(error);
        if !self.principal.may(READ) {
            error.existing_id = None;
        }
        error.into()
    }
}
