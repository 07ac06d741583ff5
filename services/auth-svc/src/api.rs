//! Between the protos and the domain.

mod agents;
mod authorization;
mod keys;
mod members;
mod tokens;

use keyward_proto::policy::v1 as policy_pb;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};
use svc_core::principal;
use tonic::Request;

use crate::domain::Role;
use crate::management::{Actor, List, Management, PageRequest};

/// The handlers of every gRPC service of auth-svc.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    management: Management,
}

impl Api {
    pub(crate) fn new(management: Management) -> Api {
        Api { management }
    }
}

/// The member who makes a call.
fn actor<T>(request: &Request<T>) -> Result<Actor, Error> {
    let principal = principal::of(request)?;
    let member_id = principal.member()?.to_owned();
    let role = principal.role.and_then(role_from_wire).ok_or_else(principal::missing)?;
    Ok(Actor { organization_id: principal.organization_id.clone(), member_id, role })
}

/// `None` for no role.
pub(crate) fn role_from_wire(role: policy_pb::Role) -> Option<Role> {
    match role {
        policy_pb::Role::Unspecified => None,
        policy_pb::Role::User => Some(Role::User),
        policy_pb::Role::Admin => Some(Role::Admin),
        policy_pb::Role::Owner => Some(Role::Owner),
    }
}

pub(crate) fn role_to_wire(role: Role) -> policy_pb::Role {
    match role {
        Role::User => policy_pb::Role::User,
        Role::Admin => policy_pb::Role::Admin,
        Role::Owner => policy_pb::Role::Owner,
    }
}

/// A role as a client sends it. A number that is no role is refused.
fn role_of(number: i32) -> Result<Option<Role>, Error> {
    let role = policy_pb::Role::try_from(number).map_err(|_| invalid("role", "`role` is not a role."))?;
    Ok(role_from_wire(role))
}

fn page(limit: Option<i32>, cursor: Option<String>, include_total: Option<bool>) -> PageRequest {
    PageRequest { limit, cursor, include_total: include_total.unwrap_or(false) }
}

fn pagination<T>(list: &List<T>) -> policy_pb::Pagination {
    policy_pb::Pagination {
        limit: list.limit.unsigned_abs(),
        has_more: list.next_cursor.is_some(),
        next_cursor: list.next_cursor.clone(),
        total: list.total.map(|total| u32::try_from(total).unwrap_or(u32::MAX)),
    }
}

fn time(field: &str, time: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Error> {
    let Some(time) = time else { return Ok(None) };
    match Timestamp::from_proto(&time) {
        Some(time) => Ok(Some(time)),
        None => {
            let message = format!("`{field}` is not a time between the years 1 and 9999.");
            Err(Error::invalid(vec![Violation::new(field, Fault::OutOfRange, message)]))
        }
    }
}

fn invalid(field: &str, message: &str) -> Error {
    Error::invalid(vec![Violation::new(field, Fault::Invalid, message)])
}

fn required(field: &str) -> Error {
    Error::invalid(vec![Violation::new(field, Fault::Required, format!("`{field}` is required."))])
}

/// The paths of an update mask. Without a mask nothing changes; a path that cannot change is refused.
fn mask(mask: Option<prost_types::FieldMask>, changeable: &[&str]) -> Result<Vec<String>, Error> {
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    let fixed = paths.iter().filter(|path| !changeable.contains(&path.split('.').next().unwrap_or_default()));
    let violations: Vec<_> = fixed
        .map(|path| {
            let shown: String = path.chars().take(100).collect();
            Violation::new(&shown, Fault::Immutable, format!("`{shown}` cannot be changed."))
        })
        .collect();
    match violations.is_empty() {
        true => Ok(paths),
        false => Err(Error::invalid(violations)),
    }
}
