//! Who calls, and what they may be told.

use std::sync::Arc;

use svc_core::error::Error;
use svc_core::principal::{self, Principal};
use svc_runtime::grpc::{caller, status};
use tonic::{Request, Status};

use crate::domain::{Actor, OnDuplicate, Saving};
use crate::error::ContactError;

const READ: &str = "contacts:read";
const UPDATE: &str = "contacts:update";

/// The caller of an RPC.
pub(super) struct Caller {
    principal: Arc<Principal>,
    /// Who acts, and on whose contacts. From the principal only, never from the message.
    pub(super) actor: Actor,
}

impl Caller {
    pub(super) fn of<T>(request: &Request<T>) -> Result<Caller, Status> {
        let (principal, actor) = caller::actor(request).map_err(status::of)?;
        Ok(Caller { principal, actor })
    }

    /// How the caller's contact is saved. Who may not read is not told of other contacts, and who may not update
    /// changes none.
    pub(super) fn saving(&self, on_duplicate: OnDuplicate) -> Result<Saving, Status> {
        if on_duplicate == OnDuplicate::Update && !self.may(UPDATE) {
            return Err(status::of(principal::lacks(&[UPDATE.to_owned()])));
        }
        Ok(Saving { on_duplicate, tell: self.may(READ) })
    }

    /// Every member may read, and who may write in one way may in all.
    fn may(&self, permission: &str) -> bool {
        self.principal.may(permission) || self.principal.role.is_some()
    }

    /// The error as this caller may see it.
    pub(super) fn refuse(&self, error: ContactError) -> Status {
        let mut error = Error::from(error);
        if !self.may(READ) {
            error.existing_id = None;
        }
        status::of(error)
    }
}
